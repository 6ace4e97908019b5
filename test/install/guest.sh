#!/bin/sh
# SPDX-License-Identifier: MIT
# guest.sh CMAKE GENERATOR COMPILER [REDIS]: the tree is a part of another project, by
# add_subdirectory() as a static library, and by FetchContent as a shared one, since
# BUILD_SHARED_LIBS says so. With REDIS it asks for uvchan-redis too, of either kind; unasked, it
# gets none. The project's options, flags, variables, targets and tests are as before
# (guest/CMakeLists.txt looks), what it installs is its own program, and its programs run.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2"
compiler=$3
redis=${4:+-DUVCHAN_BUILD_REDIS=ON}
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
unset UVCHAN_LIBUV
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"

as_guest() { # as_guest WAY OPTION...
  way=$1
  shift
  quietly "$cmake" -S "$root/test/install/guest" -B "$work/$way" -DUVCHAN_TREE="$root" \
    -DCMAKE_C_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug -DGUEST_WAY="$way" \
    -DGUEST_LIBUV="$module" "$@"
  quietly "$cmake" --build "$work/$way" --parallel 2
  "$work/$way/guest" ${UVCHAN_LIBUV_VERSION:+"$UVCHAN_LIBUV_VERSION"}
  if [ -x "$work/$way/guest-redis" ]; then "$work/$way/guest-redis"; fi
  quietly "$cmake" --install "$work/$way" --prefix "$work/$way-prefix"
  installed=$(cd "$work/$way-prefix" && find . -type f)
  [ "$installed" = ./bin/guest ] || fail "$way: this was installed: $installed"
}

as_guest subdirectory
if [ -n "$redis" ]; then
  as_guest redis "$redis"
  [ -x "$work/redis/guest-redis" ] || fail 'there is no program with uvchan::redis'
fi
case $module in
  *static*) ;; # with a static libuv there is no shared uvchan
  *)
    as_guest fetch -DBUILD_SHARED_LIBS=ON ${redis:+"$redis"}
    [ -n "$(find "$work/fetch" -name 'libuvchan.so' -o -name 'libuvchan.dylib')" ] ||
      fail 'BUILD_SHARED_LIBS has made no shared library'
    ;;
esac
echo 'guest.sh: the library is a good guest'
