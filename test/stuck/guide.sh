#!/bin/sh
# SPDX-License-Identifier: MIT
# guide.sh COMPILER LIBRARY WORK-DIRECTORY: the programs of docs/stuck.md compile without a warning,
# and print what stands there, but for addresses, times and numbers of threads. Where they are
# installed, Python reads the JSON, promtool the metrics, and bpftrace its lines.
set -eu
compiler=$1
library=$2
work=$3/stuck-guide
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
guide=$root/docs/stuck.md

# block LANGUAGE N: the lines of the n-th block of that language
block() {
  awk -v start="\`\`\`$1" -v wanted="$2" '
    inside && /^```/ { inside = shown = 0; next }
    shown { print }
    inside { next }
    /^```/ { inside = 1; if ($0 == start) shown = ++n == wanted }' "$guide"
}

build() { # build N: the n-th program
  block c "$1" >"program$1.c"
  # shellcheck disable=SC2046 # the flags of pkg-config are words
  "$compiler" -std=gnu11 -Wall -Wextra -Wpedantic -Werror -I"$root/include" \
    $(pkg-config --cflags "$module") "program$1.c" "$library" \
    $(pkg-config --libs "$module") -pthread -o "program$1"
}

same() { # the part that is the same in each run
  sed -e 's/0x[0-9a-f]*/ADDRESS/g' -e 's/thread [0-9]*/thread N/' -e 's/for [0-9]* ms/for N ms/' \
    -e 's/wake-ups [0-9]*/wake-ups N/'
}

rm -rf "$work"
mkdir -p "$work"
cd "$work"

# The first is stuck, once it tells what the guide says; until then it is on its way there.
build 1
block text 1 | same >expected
[ -s expected ]
: >told
./program1 2>told &
pid=$!
trap 'kill "$pid" 2>/dev/null || :' EXIT
tries=0
until tail -n "$(wc -l <expected)" told | same | diff expected - >difference; do
  tries=$((tries + 1))
  if [ $tries -gt 300 ]; then
    cat difference >&2
    exit 1
  fi
  # not before it hears of it
  if grep -q '^kill -USR1 ' told; then kill -USR1 "$pid"; fi
  sleep 0.1
done
kill "$pid"
trap - EXIT

build 2
./program2 >told
lines=$(block text 4 | wc -l)
[ "$lines" -ge 6 ]
block text 4 | same >expected
head -n "$lines" told | same | diff expected -
tail -n 1 told | grep -qx '# EOF'
sed -n '1,/^"pools"/p' told >json
sed '1,/^"pools"/d' told >metrics
if python3 -c 'import json' 2>/dev/null; then
  python3 -c 'import json; print(json.load(open("json"))["channels"][0]["len"])' | grep -qx 1
fi
if command -v promtool >/dev/null 2>&1; then
  # its parser of OpenMetrics is behind this command, and wants a time with each sample
  sed 's/^uvchan.*/& 1700000000/' metrics >metrics-timed
  promtool tsdb create-blocks-from openmetrics metrics-timed blocks >promtool.log 2>&1 || {
    cat promtool.log >&2
    exit 1
  }
fi
echo 'guide.sh: the programs print what docs/stuck.md says'
