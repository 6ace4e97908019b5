#!/bin/sh
# exports.sh NM SHARED-LIBRARY NAMES-PROGRAM: the shared library exports the public names, each of
# them and nothing else.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$3" --list | LC_ALL=C sort >"$work/public"
"$1" -D --defined-only "$2" | awk '{ print $3 }' | LC_ALL=C sort >"$work/exported"
diff "$work/public" "$work/exported"
echo "exports.sh: $(wc -l <"$work/public") names"
