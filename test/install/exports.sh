#!/bin/sh
# SPDX-License-Identifier: MIT
# exports.sh NM SHARED-LIBRARY NAMES-PROGRAM [MAP]: the shared library exports the public names, all
# of them and nothing else; and with a map each at the version that the map gives it, the library's
# own version being the last.
set -eu
map=${4-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$3" --list | LC_ALL=C sort >"$work/public"
"$1" -D --defined-only "$2" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
  LC_ALL=C sort >"$work/exported"
if ! diff "$work/public" "$work/exported"; then
  echo 'exports.sh: a name that is new belongs into the node of its version in cmake/uvchan.map'
  exit 1
fi
echo "exports.sh: $(wc -l <"$work/public") names"
if [ -z "$map" ]; then exit 0; fi

awk '/^UVCHAN_/ { node = $1 } /^ +uvchan_/ { sub(/;/, "", $1); print $1 "@@" node }' "$map" |
  LC_ALL=C sort >"$work/mapped"
"$1" -D --defined-only "$2" | awk '$2 != "A" { print $3 }' | LC_ALL=C sort >"$work/versions"
diff "$work/mapped" "$work/versions"
header=$(dirname -- "$0")/../../include/uvchan.h
number() { sed -n "s/^#define UVCHAN_VERSION_$1 *//p" "$header"; }
last=$(sed -n 's/^UVCHAN_\([0-9.]*\) {$/\1/p' "$map" | tail -n 1)
if [ "${last%%.*}" -ne "$(number MAJOR)" ] || [ "${last#*.}" -gt "$(number MINOR)" ]; then
  echo "exports.sh: the last node of the map, $last, is later than the library"
  exit 1
fi
echo "exports.sh: each at its version, to $last"
