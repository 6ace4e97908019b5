#!/bin/sh
# SPDX-License-Identifier: MIT
# server-run.sh WORK-DIRECTORY: `sh demo/run.sh server` builds the server, starts it with its page
# and prints the address; an order by curl is baked, and Ctrl-C closes the server with exit code 0.
# `sh demo/run.sh echo` does the same with the echo and a body.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
work=$1/server-run
if ! command -v curl >/dev/null 2>&1; then
  echo 'skipped: curl is not here'
  exit 77
fi

rm -rf "$work"
mkdir -p "$work"
mkfifo "$work/pipe"
trap 'kill "${pid-}" 2>/dev/null || :' EXIT

start() { # start WORDS PROGRAM OPTION...: sets pid, and the address that it tells after them
  words=$1
  shift
  UVCHAN_BUILD_DIR=$work/build sh "$root/demo/run.sh" "$@" >"$work/pipe" 2>"$work/messages" &
  pid=$!
  exec 3<"$work/pipe"
  read -r line <&3 || {
    cat "$work/messages" >&2
    exit 1
  }
  address=$(echo "$line" | sed -n "s,^$words at \(http://127.0.0.1:[0-9]*/.*\)$,\1,p")
  [ -n "$address" ] || {
    echo "server-run.sh: no address: $line" >&2
    exit 1
  }
}

start 'The pizzeria is open' server --port 0 --bake-ms 1
curl --silent --show-error --fail --noproxy '*' --max-time 60 "$address" |
  cmp - "$root/demo/server/page/index.html"
curl --silent --show-error --fail --noproxy '*' --max-time 60 --data 'pizza=funghi&count=2' \
  "${address}orders" >"$work/order"
grep -q '^{"number":1,"pizza":"funghi","count":2,"customer":"","outcome":"' "$work/order"
curl --silent --show-error --fail --noproxy '*' --max-time 60 "${address}metrics" >"$work/metrics"
grep -q '^pizzeria_orders_arrived_total 1$' "$work/metrics"

kill -TERM "$pid"
cat <&3 >"$work/figures"
wait "$pid"
grep -q '^The pizzeria is closed.$' "$work/figures"

start 'The echo is' echo 0
curl --silent --show-error --fail --noproxy '*' --max-time 60 --data hello "$address" >"$work/echo"
[ "$(cat "$work/echo")" = HELLO ]
kill -TERM "$pid"
wait "$pid"
trap - EXIT
echo 'server-run.sh: an order was baked, a body was echoed, and both servers closed'
