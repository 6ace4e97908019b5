#!/bin/sh
# header.sh COMPILER LANGUAGE WORK-DIRECTORY LIBRARY: each public header compiles as the only one in
# a file, with every warning an error; then they are used in a program that is linked with the
# library and runs. The language is "c" (C11 to the letter, with the POSIX names that libuv's header
# needs) or "c++" (C++17).
set -eu
compiler=$1
language=$2
work=$3/header-$language-$(basename -- "$1")
library=$4
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
libuv=$(pkg-config --cflags "$module")
libuv_libraries=$(pkg-config --libs "$module")

case $language in
  c) standard='-std=c11 -D_XOPEN_SOURCE=700' ;;
  c++) standard='-std=c++17' ;;
  *) echo "header.sh: the language is c or c++, not $language" >&2; exit 2 ;;
esac

compile() { # compile ARGUMENT...
  # shellcheck disable=SC2086 # the flags are words
  "$compiler" -x "$language" $standard -Wall -Wextra -Wshadow -Wconversion -pedantic-errors \
    -Werror $libuv \
    -I"$here/../../include" -I"$here" "$@"
}

rm -rf "$work"
mkdir -p "$work"
printf '#include <uvchan.h>\nint main(void) { return 0; }\n' >"$work/plain"
printf '#include <uvchan/typed.h>\nint main(void) { return 0; }\n' >"$work/typed"
printf '#include <uvchan/pool.h>\nint main(void) { return 0; }\n' >"$work/pool"
printf '#include <%s>\n' uvchan.h uvchan.h uvchan/typed.h uvchan/typed.h uvchan/pool.h \
  uvchan/pool.h >"$work/twice"
cat >"$work/use" <<'EOF'
#include <uvchan/pool.h>
#include <uvchan/typed.h>

#include "use.h"

int main(void) {
  return use_typed() != 0 ? 1 : use_plain() != 0 ? 2 : use_pool() != 0 ? 3 : 0;
}
EOF

for program in plain typed pool twice use; do compile -c "$work/$program" -o "$work/$program.o"; done
# shellcheck disable=SC2086 # the flags are words
"$compiler" "$work/use.o" "$library" $libuv_libraries -pthread -o "$work/program"
status=0
"$work/program" || status=$?
if [ "$status" -ne 0 ]; then
  echo "header.sh: the program that uses the headers ends with $status"
  exit 1
fi
echo "header.sh: $language by $compiler: the headers stand alone, and a program that uses them runs"
