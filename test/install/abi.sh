#!/bin/sh
# SPDX-License-Identifier: MIT
# abi.sh COMPILER WORK-DIRECTORY [--record]: the library is binary compatible with the one that
# test/install/abi/x86_64-linux.abi describes, by abidiff of libabigail: functions, their arguments,
# and sizes and members of all that a program declares. With --record it writes that description
# anew: for the first version of a major version, and for what was added since. What libuv's headers
# define is libuv's to keep, and is not looked at. What a later version adds takes reserved members:
# new ones from where the reserved ones began, in a structure whose size stays, are right.
set -eu
compiler=$1
work=$2/abi
record=${3-}
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
known=$root/test/install/abi/x86_64-linux.abi

if ! command -v abidiff >/dev/null 2>&1; then
  echo 'abi.sh: left out: there is no abidiff here (Debian: abigail-tools)'
  exit 77
fi
rm -rf "$work"
mkdir -p "$work"
# shellcheck disable=SC2046 # the flags of pkg-config are words
"$compiler" -std=gnu11 -O0 -g -ffile-prefix-map="$root"/= -fPIC -shared \
  -I"$root/include" -I"$root/lib" \
  $(pkg-config --cflags "$module") \
  "$root"/lib/[!r]*/*.c -Wl,--version-script="$root/cmake/uvchan.map" -Wl,-soname,libuvchan.so.2 \
  $(pkg-config --libs "$module") -pthread -o "$work/libuvchan.so"
printf '[suppress_type]\n  name_regexp = ^uv_\n  drop = yes\n' >"$work/libuv"
abidw --headers-dir "$root/include" --drop-private-types --exported-interfaces-only \
  --drop-undefined-syms \
  --no-elf-needed --no-corpus-path --no-comp-dir-path --no-show-locs --suppressions "$work/libuv" \
  --out-file "$work/now.abi" "$work/libuvchan.so"
if [ "$record" = --record ]; then
  cp "$work/now.abi" "$known"
  echo "abi.sh: written: $known"
  exit 0
fi
# abidiff lets such a structure grow too, so sizes are compared apart: each that was known is there.
sizes() {
  sed -n "s/.*<class-decl name='\([a-z_]*\)' size-in-bits='\([0-9]*\)'.*/\1 \2/p" "$1" | sort
}
sizes "$known" >"$work/sizes-known"
sizes "$work/now.abi" >"$work/sizes-now"
[ -s "$work/sizes-known" ]
if comm -23 "$work/sizes-known" "$work/sizes-now" | grep .; then
  echo 'abi.sh: these structures, with their bits, are no more' >&2
  exit 1
fi
printf '[suppress_type]\n  name_regexp = ^uvchan_(options|stats)_t$\n' >"$work/reserved"
printf '  has_data_member_inserted_between = {offset_of(reserved), end}\n' >>"$work/reserved"
abidiff --no-added-syms --suppressions "$work/reserved" "$known" "$work/now.abi" && echo 'abi.sh: binary compatible'
