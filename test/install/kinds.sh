#!/bin/sh
# SPDX-License-Identifier: MIT
# kinds.sh CMAKE GENERATOR COMPILER: which libraries are built, and which one uvchan::uvchan is, as
# BUILD_SHARED_LIBS and the library's own options say; also where a build directory is told another
# thing than before.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2"
compiler=$3
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"

gives() { # gives EXPECTED OPTION...: uvchan::uvchan's kind, and the targets
  expected=$1
  shift
  quietly "$cmake" -S "$root" -B "$work/build" -DCMAKE_C_COMPILER="$compiler" \
    -DUVCHAN_BUILD_TESTS=OFF -DUVCHAN_BUILD_DEMOS=OFF -DUVCHAN_BUILD_SERVER=OFF \
    -DUVCHAN_BUILD_REFERENCE=OFF "$@"
  kind=$(sed -n 's/^  set(uvchan_kind \([a-z]*\))$/\1/p' "$work/build/uvchanConfig.cmake")
  targets=$("$cmake" --build "$work/build" --target help |
    sed -nE 's/^[. ]*(uvchan_(static|shared))(:.*)?$/\1/p' | LC_ALL=C sort -ru | tr '\n' ' ')
  [ "$kind: ${targets% }" = "$expected" ] ||
    fail "with $*: $kind: $targets, and not $expected"
}

gives 'static: uvchan_static uvchan_shared'
gives 'shared: uvchan_static uvchan_shared' -DBUILD_SHARED_LIBS=ON
gives 'static: uvchan_static' -DBUILD_SHARED_LIBS=OFF
gives 'shared: uvchan_shared' -DBUILD_SHARED_LIBS=ON -DUVCHAN_BUILD_STATIC=OFF
gives 'static: uvchan_static' -UBUILD_SHARED_LIBS -UUVCHAN_BUILD_STATIC -DUVCHAN_BUILD_SHARED=OFF
echo 'kinds.sh: uvchan::uvchan is what BUILD_SHARED_LIBS says'
