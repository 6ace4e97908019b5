#!/bin/sh
# SPDX-License-Identifier: MIT
# guides.sh CC CXX LIBRARY WORK-DIRECTORY: in each guide, a program compiles without a warning and
# prints what the block of text after it shows. CXX: or empty, then programs in C++ are left out.
# That of two machines needs a server: test/redis/guide.sh has it.
set -eu
cc=$1
cxx=$2
library=$3
work=$4/guides
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)

rm -rf "$work"
mkdir -p "$work"
# Each program and its text go to files of their own: NAME-N.c, NAME-N.text.
for guide in "$root"/docs/guides/*.md; do
  case $guide in */two-machines.md) continue ;; esac
  awk -v base="$work/$(basename "$guide" .md)" '
    /^```$/ && out { close(out); out = ""; next }
    /^```(c|cpp)$/ { n++; out = base "-" n "." substr($0, 4); next }
    /^```text$/ { out = base "-" n ".text"; next }
    /^```/ { skip = !skip; next }
    out { print >out }' "$guide"
done

programs=0
for program in "$work"/*.c "$work"/*.cpp; do
  [ -f "$program" ] || continue
  compiler="$cc -std=gnu11"
  case $program in
    *.cpp)
      [ -n "$cxx" ] || continue
      compiler="$cxx -std=c++11"
      ;;
  esac
  # shellcheck disable=SC2046,SC2086 # the flags are words
  $compiler -Wall -Wextra -Wpedantic -Werror -I"$root/include" $(pkg-config --cflags "$module") \
    "$program" "$library" $(pkg-config --libs "$module") -pthread -o "$work/program"
  "$work/program" >"$work/output"
  diff "${program%.*}.text" "$work/output"
  programs=$((programs + 1))
done
[ "$programs" -ge 8 ]
echo "guides.sh: $programs programs print what their guides say"
