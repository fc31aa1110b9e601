# Sourced, by a script whose working directory is the tree: takes the private
# copies of a server (build/server, after eval "$(.ci/server env NAME)") out of
# PATH, so that the server that is built for is the system's.

kept=
IFS_before=$IFS
IFS=:
for entry in $PATH; do
	case $entry in
		*/build/server/* | /tmp/privacy_retention.*/server/*) ;;
		*) kept=${kept:+$kept:}$entry ;;
	esac
done
IFS=$IFS_before
PATH=$kept
export PATH
