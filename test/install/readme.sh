#!/bin/sh
# SPDX-License-Identifier: MIT
# readme.sh COMPILER LIBRARY WORK-DIRECTORY: the first C program of README.md compiles without a
# warning, and prints what the first block of text after it shows.
set -eu
compiler=$1
library=$2
work=$3/readme
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)

# block LANGUAGE: the lines of the first such block on standard input, and what follows it goes to
# the file "rest"
block() {
  awk -v start="\`\`\`$1" -v rest="$work/rest" '
    done { print >rest; next }
    inside && /^```/ { done = 1; next }
    inside { print }
    $0 == start { inside = 1 }'
}

rm -rf "$work"
mkdir -p "$work"
block c <"$root/README.md" >"$work/program.c"
block text <"$work/rest" >"$work/expected"
# shellcheck disable=SC2046 # the flags of pkg-config are words
"$compiler" -std=gnu11 -Wall -Wextra -Wpedantic -Werror -I"$root/include" \
  $(pkg-config --cflags "$module") "$work/program.c" "$library" \
  $(pkg-config --libs "$module") -pthread -o "$work/program"
"$work/program" >"$work/output"
diff "$work/expected" "$work/output"
[ -s "$work/output" ]
echo 'readme.sh: the program prints what README.md says'
