# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# A redis-server of a script's own, which sources this: with its data in a directory of its own,
# `work`, and gone when the script ends. It may not answer yet when it is started: clients of the
# library connect again until it does.
work=$(mktemp -d)
server=
leave() {
  if [ -n "$server" ]; then kill -9 "$server" 2>/dev/null || :; fi
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

serve() { # serve REDIS-SERVER OPTION...
  command=$1
  shift
  "$command" --dir "$work" --save '' --appendonly no "$@" >"$work/server.log" 2>&1 &
  server=$!
}

# serve_on_port REDIS-SERVER: at a port of 127.0.0.1 that is free; sets port
serve_on_port() {
  port=$((20000 + $$ % 20000))
  tries=0
  while [ "$tries" -lt 20 ]; do
    serve "$1" --bind 127.0.0.1 --port "$port"
    until grep -q 'eady to accept' "$work/server.log"; do
      kill -0 "$server" 2>/dev/null || break
      sleep 0.1
    done
    if kill -0 "$server" 2>/dev/null; then return; fi
    port=$((port + 1))
    tries=$((tries + 1))
  done
  cat "$work/server.log"
  exit 1
}
