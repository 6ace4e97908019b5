#!/bin/sh
# SPDX-License-Identifier: MIT
# Ten numbers are processed, in any order, then the stream ends, then the program. Run as described
# in test/demos/demo.sh.
# shellcheck source=test/demos/demo.sh
. "$(dirname "$0")/demo.sh"

{
  for thousands in 0 2 4 6 8 10 12 14 16 18; do
    echo "process $((thousands * 1000))"
  done
} | sort >"$scratch/processed"
printf '%s\n' '###################' Done >"$scratch/end"

"$demos/producer_consumer" >"$scratch/stdout" || fail "producer_consumer: exit code $?"
sed -n 1,10p "$scratch/stdout" | sort >"$scratch/first"
sed -n '11,$p' "$scratch/stdout" >"$scratch/rest"
same "the numbers" "$scratch/processed" "$scratch/first"
same "the end" "$scratch/end" "$scratch/rest"
reports_a_full_device producer_consumer
