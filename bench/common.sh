# Sourced by the scripts beside it, in the tree's root.

missed=0
path=$PATH
export PGOPTIONS='-c client_min_messages=error'

run() {
	psql -XAtq -v ON_ERROR_STOP=1 "$@"
}

# Of numbers, one a line.
median() {
	sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# bar NAME VALUE RELATION LIMIT UNIT
bar() {
	local verdict
	verdict=$(awk -v value="$2" -v limit="$4" -v relation="$3" \
		'BEGIN { print (relation == ">=" ? value >= limit : value <= limit) ? "PASS" : "MISS" }')
	printf '  %-62s %9s  %2s %6s %-3s %s\n' "$1" "$2" "$3" "$4" "$5" "$verdict"
	if [ "$verdict" = MISS ]; then missed=$((missed + 1)); fi
}

# A figure without a bar: figure NAME VALUE UNIT
figure() {
	printf '  %-62s %9s %s\n' "$1" "$2" "$3"
}

machine() {
	echo "PostgreSQL $(run -c 'SHOW server_version'), $(nproc) CPUs ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1))"
}

verdict() {
	echo
	if [ $missed = 0 ]; then
		echo "every bar was cleared (${SECONDS} s)"
	else
		echo "$missed missed (${SECONDS} s); on a busy machine, try again with more rounds"
	fi
}
