#!/bin/sh
# SPDX-License-Identifier: MIT
# The rooms of demo/server have one direction: their includes make no circle, and http/ includes
# nothing that the pizzeria knows of.
set -eu
cd -- "$(dirname -- "$0")/../../demo/server"

# Pairs "MODULE INCLUDED" of all files, a module being FILE.c with FILE.h.
pairs() {
  find . -name '*.[ch]' | while read -r file; do
    module=${file#./}
    module=${module%.[ch]}
    sed -n 's/^#include "\(.*\)\.h"/\1/p' "$file" | while read -r included; do
      if [ "$included" != "$module" ]; then echo "$module $included"; fi
    done
  done
}

fail() {
  echo "rooms.sh: $1" >&2
  exit 1
}

n=$(pairs | wc -l)
[ "$n" -ge 40 ] || fail "only $n includes were found"

# Not every tsort says by its exit code that there is a circle, but each says it on stderr.
circle=$(pairs | tsort 2>&1 >/dev/null) || :
[ -z "$circle" ] || fail "the includes make a circle: $circle"

if pairs | grep '^http/' | grep -v -e ' http/' -e ' must$' >&2; then
  fail 'http/ includes what is not its own'
fi
if grep -rn 'uvchan' http >&2; then fail 'http/ knows channels'; fi
if pairs | grep '^page/' >&2; then fail 'page/ includes what is not its own'; fi
echo "rooms.sh: $n includes, one direction"
