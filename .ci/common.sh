# Sourced by the scripts beside it. Afterwards:
#
#	tree		the source tree, which is the working directory
#	base		build/, or, where the test user cannot reach it, a directory of
#				its own below /tmp that is noted in build/elsewhere
#	PG_CONFIG	the server's
#	as_user		runs a command as a user that may start a server

umask 022
tree=$(cd "$(dirname "$0")/.." && pwd)
cd "$tree"
mkdir -p build
. "$tree/.ci/path.sh"

complain() {
	echo "${0##*/}: $*" >&2
}

die() {
	complain "$@"
	exit 1
}

# The server that was asked for, or the one that .ci/setup found.
case ${PG_CONFIG:-} in */build/server/*) PG_CONFIG= ;; esac
asked=${PG_CONFIG:-}
if [ -f build/environment ]; then
	. "$tree/build/environment"
fi
PG_CONFIG=${asked:-${PG_CONFIG:-pg_config}}
export PG_CONFIG

# A server does not start as root.
if [ "$(id -u)" != 0 ]; then
	user=$(id -un)
	as_user() { "$@"; }
else
	if id postgres > /dev/null 2>&1; then user=postgres; else user=nobody; fi
	# In a directory that the user can enter.
	if command -v runuser > /dev/null; then
		as_user() { (cd "${elsewhere:-.}" && exec runuser -u "$user" -- "$@"); }
	else
		as_user() { (cd "${elsewhere:-.}" && exec setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"); }
	fi
fi
# PostgreSQL::Test and initdb want a home they can write to, or none.
HOME=/tmp
export HOME

find_base() {
	base=$tree/build
	elsewhere=
	if as_user test -x "$base" -a -r "$base"; then
		rm -f build/elsewhere
		return
	fi
	if [ -f build/elsewhere ]; then
		base=$(cat build/elsewhere)
		if [ -d "$base" ] && [ -O "$base" ]; then
			elsewhere=$base
			return
		fi
	fi
	base=$(mktemp -d /tmp/privacy_retention.XXXXXX)
	elsewhere=$base
	chmod 0755 "$base"
	echo "$base" > build/elsewhere
}

# At the end of a run: nothing stays outside the tree. Servers that were started
# by name keep their files.
leave_base() {
	if [ -f build/elsewhere ] && ! ls "$base"/run/*/socket > /dev/null 2>&1; then
		rm -rf "$base" build/elsewhere
	fi
}

# The tree's library and script, built; and a private copy of the server that
# they are installed into, at $root. Share and lib are found relative to the
# executables, so the copy is complete: nothing is written below /usr.
install_server() {
	find_base
	root=$base/server
	bindir=$("$PG_CONFIG" --bindir) || die "no server found: run .ci/setup"
	if ! make -s all with_llvm=no PG_CONFIG="$PG_CONFIG" > build/make.log 2>&1 < /dev/null; then
		cat build/make.log >&2
		die "the build failed"
	fi
	grep -E 'warning|Warning' build/make.log >&2 || :

	# Made anew when the server is another, or an extension came since.
	complete="$("$PG_CONFIG" --version) $bindir $(ls "$("$PG_CONFIG" --pkglibdir)" | cksum)"
	if [ ! -f "$root/complete" ] || [ "$(cat "$root/complete")" != "$complete" ]; then
		rm -rf "$root"
		mkdir -p "$root$bindir"
		cp -a "$bindir/." "$root$bindir/"
		for directory in "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)" "$("$PG_CONFIG" --libdir)/postgresql"; do
			if [ -d "$directory" ] && [ ! -d "$root$directory" ]; then
				mkdir -p "$root$directory"
				cp -as "$directory/." "$root$directory/" 2> /dev/null || cp -a "$directory/." "$root$directory/"
			fi
		done
		echo "$complete" > "$root/complete"
	fi
	# A link into the system of an earlier installation would be written through.
	find "$root" -name 'privacy_retention*' -type l -exec rm -f {} +
	if ! make -s install with_llvm=no PG_CONFIG="$PG_CONFIG" DESTDIR="$root" > build/install.log 2>&1 < /dev/null; then
		cat build/install.log >&2
		die "the installation failed"
	fi
	bindir=$root$bindir
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
	mkdir -p "$base/run"
	if [ "$(id -u)" = 0 ]; then chown "$user" "$base/run"; fi
}
