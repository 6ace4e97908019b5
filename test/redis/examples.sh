#!/bin/sh
# SPDX-License-Identifier: MIT
# examples.sh REDIS-SERVER OUTPUTS PROGRAM...: with one server for all, in this order, each program
# ends with 0, and prints what stands in the directory beside its source. What one has put into the
# stream another one takes out.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
redis_server=$1
outputs=$2
shift 2
# shellcheck source=test/redis/server.sh
. "$here/server.sh"

serve "$redis_server" --port 0 --unixsocket "$work/socket"
for program in "$@"; do
  name=$(basename -- "$program")
  "$program" "$work/socket" >"$work/printed" || {
    echo "examples.sh: $name ends with $?" >&2
    exit 1
  }
  diff "$outputs/${name#example-}.out" "$work/printed"
done
echo "examples.sh: $# programs print what stands beside them"
