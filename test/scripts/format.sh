#!/bin/sh
# SPDX-License-Identifier: MIT
# format.sh [--fix]: each file of C and C++ is as clang-format makes it, of the version that
# .clang-format names, since versions differ; without that one this is left out. With --fix it is
# made so.
set -eu
cd -- "$(dirname -- "$0")/../.."
version=$(sed -n 's/^# clang-format \([0-9]*\).*/\1/p' .clang-format)
[ -n "$version" ]

formatter=
for candidate in "clang-format-$version" clang-format; do
  if "$candidate" --version 2>/dev/null | grep -q "version $version\."; then
    formatter=$candidate
    break
  fi
done
if [ -z "$formatter" ]; then
  echo "format.sh: left out: there is no clang-format $version here (Debian: clang-format-$version)"
  exit 77
fi

case ${1-} in
  --fix) how=-i ;;
  *) how='--dry-run --Werror --ferror-limit=1' ;;
esac
# shellcheck disable=SC2086 # how are words
find include lib demo test docs cmake \( -name '*.[ch]' -o -name '*.cc' \) -exec \
  "$formatter" $how {} +
echo 'format.sh: the files of C are formatted'
