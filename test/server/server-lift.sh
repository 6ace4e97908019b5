#!/bin/sh
# SPDX-License-Identifier: MIT
# server-lift.sh CMAKE GENERATOR BUILD-DIRECTORY COMPILER NM PYTHON: the files that
# docs/embedding.md says to lift, and no others, are copied into an empty folder, with its
# CMakeLists.txt; what is built there, with the library as it is installed, does what the echo of
# the demos does. None of the files can be left out.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2"
build=$3
compiler=$4
nm=$5
python=$6
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"
lifted=$work/lifted

block() { # block LANGUAGE: the first of it in the part of the page that tells of lifting
  awk -v fence="\`\`\`$1" '
    /^## / { wanted = $0 == "## Which files to lift" }
    inside && /^```/ { exit }
    inside { print }
    wanted && $0 == fence { inside = 1 }' "$root/docs/embedding.md"
}

# ---- Lifted --------------------------------------------------------------------------------------

mkdir -p "$lifted/http"
block '' | tr -s ' ' '\n' | sed '/^$/d' >"$work/list"
while read -r file; do
  case $file in
    demo/server/http/*) cp "$root/$file" "$lifted/http" ;;
    demo/*) cp "$root/$file" "$lifted" ;;
    *) fail "it is not said where this comes: $file" ;;
  esac
done <"$work/list"
block cmake >"$lifted/CMakeLists.txt"
n=$(wc -l <"$work/list")
[ "$n" -ge 10 ] || fail "only $n files are listed"

quietly "$cmake" --install "$build" --prefix "$work/prefix"
quietly "$cmake" -S "$lifted" -B "$lifted/build" -DCMAKE_C_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/prefix" -DUVCHAN_LIBUV="$module" \
  -DCMAKE_C_FLAGS='-Wall -Wextra -Werror'
quietly "$cmake" --build "$lifted/build"
"$python" -B "$root/test/server/server-echo.py" "$lifted/build/echo"

# ---- None too many -------------------------------------------------------------------------------

# Each header is included by something: what is not found, since it is not lifted, is passed over.
(cd "$lifted" && "$compiler" -MM -MG -I. echo.c http/*.c) | tr -s '\\ ' '\n' |
  grep -e '^http/.*\.h$' -e '^must\.h$' | LC_ALL=C sort -u >"$work/included"
(cd "$lifted" && echo must.h && ls http/*.h) | LC_ALL=C sort >"$work/headers"
cmp "$work/included" "$work/headers" || fail 'a header is not needed'

# Each source gives something that another one takes.
find "$lifted/build" -path '*echo.dir*' -name '*.c.o' | while read -r object; do
  "$nm" -g "$object" | sed "s,^,${object##*/} ,"
done >"$work/symbols"
(cd "$lifted/http" && ls ./*.c) | while read -r source; do
  awk -v own="${source#./}" '
    NF == 3 && $2 == "U" { if (index($1, own) != 1) taken[$3] = 1 }
    NF == 4 && index($1, own) == 1 { given[$4] = 1 }
    END { for (name in given) if (name in taken) exit 0; exit 1 }' "$work/symbols" ||
    fail "nothing is taken from $source"
done
echo "server-lift.sh: $n files make a server"
