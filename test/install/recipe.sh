#!/bin/sh
# SPDX-License-Identifier: MIT
# recipe.sh CMAKE GENERATOR COMPILER: the line of README.md that builds and installs does so on a
# machine that has libuv and a C compiler, and neither Check nor what the server needs: what is left
# out is said. Who asks for the tests there is told what to do, once by an error.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2" CC="$3" CMAKE_BUILD_PARALLEL_LEVEL=2
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"

# pkg-config knows libuv alone, and the first cmake is the one of this build.
mkdir -p "$work/modules" "$work/bin" "$work/tree"
cp "$(pkg-config --variable=pcfiledir "$module")/$module.pc" "$work/modules"
export PKG_CONFIG_LIBDIR="$work/modules" PKG_CONFIG_PATH=
ln -s "$cmake" "$work/bin/cmake"
PATH=$work/bin:$PATH
for part in CMakeLists.txt LICENSE README.md CHANGELOG.md cmake demo docs include lib test; do
  cp -R "$root/$part" "$work/tree"
done
cd "$work/tree"

# shellcheck disable=SC2016 # the marks are those of the text
recipe=$(sed -n 's/.*`\(cmake -B build && .* && cmake --install build\)`.*/\1/p' README.md)
[ -n "$recipe" ] || fail 'README.md has no such line'
export DESTDIR="$work/system"
sh -c "$recipe" >"$work/log" 2>&1 || {
  cat "$work/log"
  fail "failed: $recipe"
}
for line in 'The tests are left out: .*Check' 'The server is not built: .*http_parser'; do
  grep -q "$line" "$work/log" || fail "this was not said: $line"
done
for file in libuvchan.a uvchan.h typed.h uvchan.pc uvchanConfig.cmake LICENSE; do
  [ -n "$(find "$DESTDIR" -name "$file")" ] || fail "$file was not installed"
done

status=0
cmake -B build -DUVCHAN_BUILD_TESTS=ON >"$work/log" 2>&1 || status=$?
[ "$status" -ne 0 ] || fail 'the tests were asked for, and are left out without an error'
for word in Check Debian PKG_CONFIG_PATH -DUVCHAN_BUILD_TESTS=OFF; do
  grep -q -e "$word" "$work/log" || fail "the error does not name $word"
done
[ "$(grep -c 'CMake Error' "$work/log")" -eq 1 ] || fail 'there is more than one error'
echo 'recipe.sh: the line of README.md installs the library where libuv alone is'
