#!/bin/sh
# SPDX-License-Identifier: MIT
# unversioned.sh COMPILER STATIC-LIBRARY SHARED-LIBRARY: a program that was linked with a library
# whose names have no versions, as that of 1.2.0 has none, runs with this one.
set -eu
compiler=$1
static=$2
shared=$3
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"

# shellcheck disable=SC2046 # the flags of pkg-config are words
{
  quietly "$compiler" -shared -Wl,--whole-archive "$static" -Wl,--no-whole-archive \
    -Wl,-soname,libuvchan.so.2 $(pkg-config --libs "$module") -pthread -o "$work/libuvchan.so"
  quietly "$compiler" -std=gnu11 -I"$root/include" $(pkg-config --cflags "$module") \
    "$root/test/install/consumer/main.c" "$work/libuvchan.so" $(pkg-config --libs "$module") \
    -pthread -o "$work/program"
}
LD_LIBRARY_PATH="$(dirname -- "$shared")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LD_LIBRARY_PATH
"$work/program" 2>"$work/said"
[ ! -s "$work/said" ] || {
  cat "$work/said"
  fail 'the linker complains'
}
echo 'unversioned.sh: a program that asks for no version runs'
