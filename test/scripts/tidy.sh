#!/bin/sh
# SPDX-License-Identifier: MIT
# tidy.sh [FILE...]: clang-tidy has nothing to say of these files; without one, of the library's. The
# version is that of the formatter which .clang-format names, since versions differ; without it this
# is left out. Each file has a process of its own: told of several, clang-tidy 14 takes the va_list of
# the second for one that was not begun.
set -eu
cd -- "$(dirname -- "$0")/../.."
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
version=$(sed -n 's/^# clang-format \([0-9]*\).*/\1/p' .clang-format)
if ! command -v "clang-tidy-$version" >/dev/null 2>&1; then
  echo "tidy.sh: left out: there is no clang-tidy-$version here (Debian: clang-tidy-$version)"
  exit 77
fi
if [ $# -eq 0 ]; then
  set -- lib/[!r]*/*.c
  # what needs hiredis is looked at where that is here
  include="#include <hiredis/async.h>"
  if echo "$include" | cc -E - >/dev/null 2>&1; then set -- "$@" lib/redis/*.c; fi
fi

status=0
for file in "$@"; do
  # shellcheck disable=SC2046 # the flags of pkg-config are words
  "clang-tidy-$version" --quiet "$file" -- -std=gnu11 -Iinclude -Ilib -Idemo -Idemo/server \
    -Itest/support -Itest/benchmarks $(pkg-config --cflags "$module") 2>/dev/null || status=1
done
[ $status -eq 0 ] && echo "tidy.sh: $# files"
exit $status
