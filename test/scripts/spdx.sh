#!/bin/sh
# SPDX-License-Identifier: MIT
# spdx.sh [--fix]: each source file tells its licence in a line at its top. With --fix the line is
# put in where it is missing.
set -eu
cd -- "$(dirname -- "$0")/../.."
licence='SPDX-License-Identifier: MIT'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find CMakeLists.txt .ci cmake demo docs include lib test -name target -prune -o -type f \( \
  -name '*.c' -o -name '*.h' -o -name '*.cc' -o -name '*.map' -o -name '*.css' -o -name '*.js' \
  -o -name '*.go' -o -name '*.rs' -o -name '*.html' -o -name '*.sh' -o -name '*.cmake' \
  -o -name CMakeLists.txt -o -name '*.cmake.in' -o -name '*.pc.in' -o -name '*.py' \
  -o -name '*.toml' -o -name meson.build -o -path '.ci/*' \) -print | LC_ALL=C sort >"$work/files"

line_for() { # line_for FILE: as its language comments
  case $1 in
    *.c | *.h | *.cc | *.map | *.css) echo "/* $licence */" ;;
    *.js | *.go | *.rs) echo "// $licence" ;;
    *.html) echo "<!-- $licence -->" ;;
    *) echo "# $licence" ;;
  esac
}

# The line is the first, or the second after what has to be the first: a script's interpreter, and a
# page's type. In Go an empty line follows, since a comment above a package describes it.
fix() { # fix FILE
  awk -v line="$(line_for "$1")" -v more="$(case $1 in *.go) echo 1 ;; esac)" '
    function put() { print line; if (more) print "" }
    NR == 1 && tolower($0) ~ /^(#!|<!doctype)/ { print; put(); next }
    NR == 1 { put() }
    { print }' "$1" >"$work/fixed"
  cat "$work/fixed" >"$1"
}

status=0
while read -r file; do
  if head -n 2 "$file" | grep -qxF "$(line_for "$file")"; then continue; fi
  if [ "${1-}" = --fix ]; then
    fix "$file"
  else
    echo "spdx.sh: $file does not tell its licence (sh test/scripts/spdx.sh --fix)" >&2
    status=1
  fi
done <"$work/files"
[ $status -eq 0 ] && echo "spdx.sh: $(wc -l <"$work/files") files"
exit $status
