#!/bin/sh
# SPDX-License-Identifier: MIT
# offence.sh COMPILER SOURCE: the source compiles where no offence is chosen, and each "OFFENCE ==
# n" in it fails for its own line alone. A pointer to another type counts as failure, as it does by
# default in compilers of today.
set -eu
compiler=$1
source=$2
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
include=$(CDPATH='' cd -- "$(dirname -- "$0")/../../include" && pwd)
libuv=$(pkg-config --cflags "$module")

compile() { # compile OFFENCE
  # shellcheck disable=SC2086 # the flags of pkg-config are words
  LC_ALL=C "$compiler" -std=gnu11 -Wall -Wextra -Werror=incompatible-pointer-types $libuv \
    -I"$include" \
    -DOFFENCE="$1" -fsyntax-only "$source" 2>&1
}

if ! output=$(compile 0); then
  printf '%s\n%s\n' "$output" "$source: does not compile without an offence"
  exit 1
fi

offences=$(grep -c 'OFFENCE == ' "$source")
failures=0
n=0
while [ "$n" -lt "$offences" ]; do
  n=$((n + 1))
  line=$(grep -n "OFFENCE == $n\$" "$source" | cut -d: -f1)
  if output=$(compile "$n"); then
    echo "$source: offence $n compiles"
    failures=$((failures + 1))
  elif ! printf '%s\n' "$output" | grep ' error: ' | head -n 1 | grep -q ":$((line + 1)):"; then
    printf '%s\n%s\n' "$output" "$source: offence $n fails, but not at line $((line + 1))"
    failures=$((failures + 1))
  fi
done

echo "$source: $offences offences, $failures not refused"
[ "$offences" -gt 0 ] && [ "$failures" -eq 0 ]
