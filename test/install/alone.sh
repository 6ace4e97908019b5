#!/bin/sh
# SPDX-License-Identifier: MIT
# alone.sh CMAKE GENERATOR COMPILER [REDIS]: without hiredis, or with one that is too old, the tree
# is built and says what it leaves out; who asks for uvchan-redis there is told what to do, once, by
# an error. With REDIS: where it is built, uvchan itself knows nothing of it, and without the parts
# that are its own it is installed as ever.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2" CC="$3" CMAKE_BUILD_PARALLEL_LEVEL=2
redis=${4-}
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"

configure() { # configure DIRECTORY OPTION...
  directory=$1
  shift
  "$cmake" -S "$root" -B "$work/$directory" -DUVCHAN_LIBUV="$module" -DUVCHAN_BUILD_TESTS=OFF \
    -DUVCHAN_BUILD_DEMOS=OFF -DUVCHAN_BUILD_SERVER=OFF -DUVCHAN_BUILD_REFERENCE=OFF \
    "$@" >"$work/log" 2>&1
}

says() { # says PATTERN
  grep -q -e "$1" "$work/log" || {
    cat "$work/log"
    fail "this was not said: $1"
  }
}

# ---- Without hiredis -----------------------------------------------------------------------------

mkdir -p "$work/empty" "$work/old/hiredis"
printf '#define HIREDIS_MAJOR 0\n#define HIREDIS_MINOR 13\n' >"$work/old/hiredis/hiredis.h"
: >"$work/old/hiredis/async.h"
no_hiredis="-DCMAKE_FIND_ROOT_PATH=$work/empty -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY"
for why in "$no_hiredis" "-DUVCHAN_HIREDIS_INCLUDE_DIR=$work/old"; do
  rm -rf "$work/without"
  # shellcheck disable=SC2086 # the options are words
  {
    configure without $why || fail 'the tree can not be configured without hiredis'
    says 'uvchan-redis is not built: it needs hiredis 0\.14 or later.*Debian: *libhiredis-dev'
    if configure without $why -DUVCHAN_BUILD_REDIS=ON; then
      fail 'uvchan-redis was asked for, and is left out without an error'
    fi
  }
  for word in hiredis Debian PKG_CONFIG_PATH -DUVCHAN_BUILD_REDIS=OFF; do says "$word"; done
  [ "$(grep -c 'CMake Error' "$work/log")" -eq 1 ] || fail 'there is more than one error'
done
# shellcheck disable=SC2086
configure without $no_hiredis -DUVCHAN_BUILD_REDIS=OFF || fail 'uvchan-redis can not be left out'
if grep -q 'uvchan-redis' "$work/log"; then fail 'what nobody wants is spoken of'; fi
quietly "$cmake" --build "$work/without"
quietly "$cmake" --install "$work/without" --prefix "$work/without-prefix"
[ -z "$(find "$work/without-prefix" -name '*redis*' ! -path '*/doc/*')" ] ||
  fail 'a part of uvchan-redis is installed without it'
if [ -z "$redis" ]; then
  echo 'alone.sh: without hiredis uvchan is what it is'
  exit 0
fi

# ---- With it -------------------------------------------------------------------------------------

# What names hiredis is not uvchan's, and its pkg-config file is that of a build without it.
configure with -DUVCHAN_BUILD_REDIS=ON || fail 'the tree can not be configured with hiredis'
quietly "$cmake" --build "$work/with"
for component in development runtime; do
  quietly "$cmake" --install "$work/with" --prefix "$work/core" --component "uvchan_$component"
done
[ -z "$(find "$work/core" -name '*[Rr]edis*')" ] || fail 'a part of uvchan-redis is installed with uvchan'
libraries=$(dirname -- "$(find "$work/core" -name libuvchan.a)")
for file in "$libraries/pkgconfig/uvchan.pc" "$libraries/cmake/uvchan"/uvchanTargets*.cmake \
  "$libraries"/libuvchan.*; do
  if grep -q -a hiredis "$file"; then fail "$file names hiredis"; fi
done
cmp "$work/with/uvchan.pc" "$work/without/uvchan.pc"

# The CMake package tells one who asks for the component that it is not here.
mkdir "$work/asks"
cat >"$work/asks/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(asks C)
find_package(uvchan REQUIRED)
find_package(uvchan QUIET COMPONENTS redis)
message(STATUS "asks: ${uvchan_FOUND} ${uvchan_NOT_FOUND_MESSAGE}")
find_package(uvchan COMPONENTS redis)
END
ask() { # ask OPTION...
  rm -rf "$work/asked"
  quietly "$cmake" -S "$work/asks" -B "$work/asked" -DUVCHAN_LIBUV="$module" "$@"
}
ask -DCMAKE_PREFIX_PATH="$work/core"
says 'asks: 0 uvchan is installed without uvchan-redis'
quietly "$cmake" --install "$work/with" --prefix "$work/all"
ask -DCMAKE_PREFIX_PATH="$work/all"
says 'asks: 1'
# shellcheck disable=SC2086
ask -Duvchan_DIR="$work/all/${libraries#"$work/core/"}/cmake/uvchan" $no_hiredis
says 'asks: 0 uvchan-redis, .* needs hiredis'
echo 'alone.sh: uvchan knows nothing of hiredis'
