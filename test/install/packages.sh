#!/bin/sh
# SPDX-License-Identifier: MIT
# packages.sh CMAKE GENERATOR COMPILER [REDIS]: the files for vcpkg and Conan make packages of this
# version that have what they should; with REDIS also those with uvchan-redis, their feature or
# option. Neither tool is asked: what the files use of them is made of cmake, in packages/.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2"
compiler=$3
redis=${4-}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"
command -v python3 >/dev/null 2>&1 || leave_out 'there is no python3 here, which runs the recipe'
version=$(sed -n 's/^#define UVCHAN_VERSION_[A-Z]* *//p' "$root/include/uvchan.h" | paste -s -d .)

noted=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["version"])' \
  "$root/cmake/packages/vcpkg/vcpkg.json")
[ "$noted" = "$version" ] || fail "vcpkg.json says $noted, and uvchan.h $version"

feature=
kinds=static
case ${UVCHAN_LIBUV:-libuv} in libuv) kinds='static dynamic' ;; esac
for kind in $kinds; do
  quietly "$cmake" -DLINKAGE="$kind" -DWORK="$work/vcpkg-$kind" -DC_COMPILER="$compiler" \
    -DFEATURES="$feature" -P "$root/test/install/packages/vcpkg.cmake"
  feature=$redis # of the second, where there is one
done
for option in plain ${redis:+"$redis"}; do
  made=$(python3 -B "$root/test/install/packages/conan.py" "$cmake" "$compiler" \
    "$work/conan-$option" "$option")
  [ "$made" = "$version" ] || fail "the recipe makes version $made, and uvchan.h says $version"
done
echo 'packages.sh: the port and the recipe make packages; vcpkg and Conan were not run'
