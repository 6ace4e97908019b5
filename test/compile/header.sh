#!/bin/sh
# SPDX-License-Identifier: MIT
# header.sh COMPILER STANDARD WORK-DIRECTORY LIBRARY: each public header compiles as the only one in
# a file, with every warning an error; then all are used in a program that is linked with the
# library and runs. The standard is one of C's, to the letter, with the POSIX names that libuv's
# header needs, or one of C++'s: c11, c17, c++11, c++14, c++17, c++20.
set -eu
compiler=$1
standard=$2
work=$3/header-$standard-$(basename -- "$1")
library=$4
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
libuv=$(pkg-config --cflags "$module")
libuv_libraries=$(pkg-config --libs "$module")

case $standard in
  c++*) language=c++ options=-std=$standard ;;
  c*) language=c options="-std=$standard -D_XOPEN_SOURCE=700" ;;
  *) echo "header.sh: this is no standard: $standard" >&2; exit 2 ;;
esac
if ! echo 'int main(void) { return 0; }' |
  "$compiler" -x "$language" "-std=$standard" -fsyntax-only - >/dev/null 2>&1; then
  echo "header.sh: left out: $compiler does not know $standard"
  exit 77
fi

compile() { # compile ARGUMENT...
  # shellcheck disable=SC2086 # the flags are words
  "$compiler" -x "$language" $options -Wall -Wextra -Wpedantic -Wconversion -Wcast-qual -Wshadow \
    -pedantic-errors -Werror $libuv \
    -I"$here/../../include" -I"$here" "$@"
}

rm -rf "$work"
mkdir -p "$work"
headers=$(cd "$here/../../include" && find uvchan.h uvchan -name '*.h' ! -name private.h)
: >"$work/twice"
for header in $headers; do
  name=$(basename -- "$header" .h)
  programs="${programs-} $name"
  printf '#include <%s>\nint main(void) { return 0; }\n' "$header" >"$work/$name"
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" >>"$work/twice"
done
cat >"$work/use" <<'EOF'
#include <uvchan/pool.h>
#include <uvchan/typed.h>

#include "use.h"

int main(void) {
  return use_typed() != 0 ? 1 : use_plain() != 0 ? 2 : use_pool() != 0 ? 3 : 0;
}
EOF

for program in $programs twice use; do compile -c "$work/$program" -o "$work/$program.o"; done
# shellcheck disable=SC2086 # the flags are words
"$compiler" "$work/use.o" "$library" $libuv_libraries -pthread -o "$work/program"
status=0
"$work/program" || status=$?
if [ "$status" -ne 0 ]; then
  echo "header.sh: the program that uses the headers ends with $status"
  exit 1
fi
echo "header.sh: $standard by $compiler: the headers stand alone, and a program that uses them runs"
