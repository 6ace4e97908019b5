#!/bin/sh
# SPDX-License-Identifier: MIT
# plugin.sh COMPILER LIBRARY WORK-DIRECTORY: a shared object holds the whole of the static library,
# as a plugin with a copy of its own does, and a program that is linked with it alone, and with
# libuv, uses the library through it.
set -eu
compiler=$1
library=$2
work=$3/plugin
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)

case $(uname -s) in
  Darwin) set -- "-Wl,-force_load,$library" -undefined dynamic_lookup ;;
  *) set -- -Wl,--whole-archive "$library" -Wl,--no-whole-archive ;;
esac
rm -rf "$work"
mkdir -p "$work"
cat >"$work/host.c" <<'END'
int plugin_main(void);
int main(void) { return plugin_main(); }
END
# shellcheck disable=SC2046 # the flags of pkg-config are words
"$compiler" -std=gnu11 -fPIC -shared -Dmain=plugin_main -I"$root/include" \
  $(pkg-config --cflags "$module") "$root/test/install/consumer/main.c" \
  "$@" -o "$work/libplugin.so"
# shellcheck disable=SC2046
"$compiler" "$work/host.c" "$work/libplugin.so" $(pkg-config --libs "$module") -pthread \
  -Wl,-rpath,"$work" -o "$work/host"
"$work/host"
echo 'plugin.sh: a shared object holds the static library'
