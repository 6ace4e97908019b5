#!/bin/sh
# SPDX-License-Identifier: MIT
# meson.sh CMAKE BUILD-DIRECTORY COMPILER: a project of Meson's uses the installed library,
# and uvchan-redis, where that is installed.
set -eu
cmake=$1
build=$2
export CC="$3"
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"
command -v meson >/dev/null 2>&1 || leave_out 'there is no meson here (Debian: meson)'
command -v ninja >/dev/null 2>&1 || leave_out 'there is no ninja here (Debian: ninja-build)'

quietly "$cmake" --install "$build" --prefix "$work/prefix"
libraries=$(dirname -- "$(find "$work/prefix" -name libuvchan.a)")
export PKG_CONFIG_PATH="$libraries/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
mkdir "$work/tree"
cp "$root/test/install/meson/meson.build" "$root"/test/install/consumer/*.c "$work/tree"
quietly meson setup "$work/build" "$work/tree"
quietly ninja -C "$work/build"
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export DYLD_LIBRARY_PATH="$libraries${DYLD_LIBRARY_PATH:+:$DYLD_LIBRARY_PATH}"
"$work/build/consumer"
if [ -f "$libraries/pkgconfig/uvchan-redis.pc" ]; then "$work/build/redis"; fi
echo 'meson.sh: a project of Meson uses the library'
