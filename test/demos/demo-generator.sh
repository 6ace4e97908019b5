#!/bin/sh
# SPDX-License-Identifier: MIT
# The generator prints 0 to 19 in order and ends by itself. Run as described in test/demos/demo.sh.
# shellcheck source=test/demos/demo.sh
. "$(dirname "$0")/demo.sh"

i=0
while [ "$i" -lt 20 ]; do
  echo "$i"
  i=$((i + 1))
done >"$scratch/expected"

"$demos/generator" >"$scratch/stdout" || fail "generator: exit code $?"
same generator "$scratch/expected" "$scratch/stdout"
reports_a_full_device generator
