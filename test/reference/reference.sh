#!/bin/sh
# SPDX-License-Identifier: MIT
# reference.sh PYTHON: each public name has a description and an example; and where docutils is
# installed, the pages are made, each name has one, and man finds it.
set -eu
root=$(cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" "$root/docs/reference/reference.py" --check
if ! command -v rst2man >/dev/null || ! command -v rst2html5 >/dev/null; then
  echo "reference.sh: without docutils no page is made"
  exit 77
fi
"$1" "$root/docs/reference/reference.py" --out "$work" --version 0.0.0
cd -- "$root/include"
headers='uvchan.h uvchan/pool.h uvchan/inspect.h uvchan/redis.h'
# shellcheck disable=SC2086 # they are words
sed -n '/^typedef/d; s/^[a-z].*[ *]\(uvchan_[a-z_]*\)(.*$/\1/p' $headers | grep -v '__' | sort -u \
  >"$work/names"
[ "$(wc -l <"$work/names")" -gt 60 ]
# Types, callbacks and constants are public names too.
# shellcheck disable=SC2086
sed -n -e 's/^#define \(UVCHAN_[A-Z][A-Z_]*\) .*/\1/p' \
  -e 's/^typedef .*[ *(]\(uvchan_[a-z_]*_t\);.*/\1/p' -e 's/^} \(uvchan_[a-z_]*_t\);.*/\1/p' \
  -e 's/^typedef .*(\*\(uvchan_[a-z_]*_cb\)).*/\1/p' $headers | grep -v '__' | sort -u >>"$work/names"
while read -r name; do
  if [ ! -f "$work/man3/$name.3" ]; then
    echo "reference.sh: $name has no page" >&2
    exit 1
  fi
done <"$work/names"
[ -f "$work/man3/uvchan.3" ] || {
  echo "reference.sh: what the headers begin with has no page" >&2
  exit 1
}
grep -q '^uvchan_try_send, \|, uvchan_try_send, ' "$work/man3/uvchan-threads.3"
for section in NAME SYNOPSIS DESCRIPTION "RETURN VALUE" ERRORS THREADS EXAMPLES "SEE ALSO"; do
  grep -q "^.SH \"*$section" "$work/man3/uvchan-threads.3" || {
    echo "reference.sh: uvchan-threads(3) has no $section" >&2
    exit 1
  }
done
if command -v mandb >/dev/null && command -v apropos >/dev/null; then
  mkdir "$work/man"
  mv "$work/man3" "$work/man/man3"
  mandb -q -c "$work/man" 2>/dev/null
  apropos -M "$work/man" uvchan >"$work/found"
  while read -r name; do
    if ! grep -q "^$name *(3)" "$work/found"; then
      echo "reference.sh: man -k does not find $name" >&2
      exit 1
    fi
  done <"$work/names"
fi
echo "reference.sh: $(wc -l <"$work/names") names"
