#!/bin/sh
# SPDX-License-Identifier: MIT
# install.sh CMAKE GENERATOR BUILD CC NM: what a user of uvchan-redis gets, installed to a folder of
# its own: a program by pkg-config, and by the CMake package's component redis; that the shared
# library exports what the header declares and nothing else, each at the version that the map gives
# it; and a program by pkg-config with what is static.
set -eu
cmake=$1
generator=$2
build=$3
cc=$4
nm=$5
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for component in development runtime redis_development redis_runtime; do
  "$cmake" --install "$build" --prefix "$work/prefix" --component "uvchan_$component" >/dev/null
done
modules=$(find "$work/prefix" -name pkgconfig)
libraries=$(dirname "$modules")
export PKG_CONFIG_PATH="$modules:${PKG_CONFIG_PATH-}"
export LD_LIBRARY_PATH="$libraries:${LD_LIBRARY_PATH-}"

check() { # check HOW PROGRAM
  if ! "$2"; then
    echo "install.sh: a program $1 does not run, or gets another answer" >&2
    exit 1
  fi
  echo "install.sh: a program $1"
}

# shellcheck disable=SC2046 # flags are words
"$cc" -std=gnu11 "$root/test/install/consumer/redis.c" -o "$work/by-module" \
  $(pkg-config --cflags --libs uvchan-redis)
check 'by pkg-config' "$work/by-module"

cat >"$work/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(consumer C)
set(CMAKE_C_EXTENSIONS ON)
find_package(uvchan REQUIRED COMPONENTS redis)
add_executable(program ${PROGRAM})
target_link_libraries(program PRIVATE uvchan::redis)
END
for shared in ON OFF; do
  "$cmake" -S "$work" -B "$work/$shared" -G "$generator" "-DCMAKE_C_COMPILER=$cc" \
    "-DCMAKE_PREFIX_PATH=$work/prefix" "-DBUILD_SHARED_LIBS=$shared" \
    "-DPROGRAM=$root/test/install/consumer/redis.c" >"$work/log" ||
    { cat "$work/log" >&2 && exit 1; }
  "$cmake" --build "$work/$shared" >"$work/log" || { cat "$work/log" >&2 && exit 1; }
  check "by the CMake package, shared $shared" "$work/$shared/program"
done

library=$libraries/libuvchan-redis.so
if [ ! -f "$library" ]; then exit 0; fi
sed -n '/^typedef/d; s/^[a-z].*[ *]\(uvchan_redis_[a-z_]*\)(.*$/\1/p' \
  "$root/include/uvchan/redis.h" | LC_ALL=C sort >"$work/declared"
[ -s "$work/declared" ]
"$nm" -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | LC_ALL=C sort >"$work/versions"
sed 's/@.*//' "$work/versions" >"$work/exported"
diff "$work/declared" "$work/exported"
if grep -q @ "$work/versions"; then
  awk '/^UVCHAN_/ { node = $1 } /^ +uvchan_/ { sub(/;/, "", $1); print $1 "@@" node }' \
    "$root/cmake/uvchan-redis.map" | LC_ALL=C sort >"$work/mapped"
  diff "$work/mapped" "$work/versions"
fi
echo "install.sh: $(wc -l <"$work/declared") names"

find "$libraries" -name 'libuvchan*' ! -name '*.a' -exec rm {} +
# shellcheck disable=SC2046
"$cc" -std=gnu11 "$root/test/install/consumer/redis.c" -o "$work/by-static" \
  $(pkg-config --static --cflags --libs uvchan-redis)
check 'by pkg-config, with what is static' "$work/by-static"
