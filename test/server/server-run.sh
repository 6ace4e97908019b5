#!/bin/sh
# server-run.sh WORK-DIRECTORY: `sh demo/run.sh server` builds the server, starts it with its page
# and prints the address; an order by curl is baked, and Ctrl-C closes the server with exit code 0.
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
UVCHAN_BUILD_DIR=$work/build sh "$root/demo/run.sh" server --port 0 --bake-ms 1 >"$work/pipe" \
  2>"$work/messages" &
pid=$!
trap 'kill "$pid" 2>/dev/null || :' EXIT
exec 3<"$work/pipe"
read -r line <&3 || {
  cat "$work/messages" >&2
  exit 1
}
address=$(echo "$line" | sed -n 's,^The pizzeria is open at \(http://127.0.0.1:[0-9]*/\)$,\1,p')
[ -n "$address" ] || {
  echo "server-run.sh: no address: $line" >&2
  exit 1
}

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
trap - EXIT
grep -q '^The pizzeria is closed.$' "$work/figures"
echo 'server-run.sh: an order was baked, and the pizzeria closed'
