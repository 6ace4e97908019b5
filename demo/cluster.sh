#!/bin/sh
# SPDX-License-Identifier: MIT
# Pizzerias, and bakers who share their orders, with a redis-server of their own: demo/run.sh runs
# this as cluster.sh DIRECTORY-OF-THE-PROGRAMS OPTION..., once they are built; with --check instead
# of the directory it looks at the options alone.
set -eu
name=demo/run.sh
servers=2
bakers=2
port=0
threads=2
bake_ms=50

usage() {
  cat <<'EOF'
Usage: sh demo/run.sh cluster [OPTION...]
Starts a redis-server on a free port of 127.0.0.1, with its data in a temporary folder, pizzerias
that put their orders into one stream there, and bakers who share them. Each pizzeria has a live
page, which shows the bakers come and go: end one, by kill -9 too, or start more.

  --servers N    pizzerias, 1 to 16 (2)
  --bakers N     processes of bakers, 0 to 16 (2)
  --threads N    that bake, in each of them, 1 to 64 (2)
  --bake-ms N    milliseconds that a pizza takes, 0 to 86400000 (50)
  --port P       of the first pizzeria, the others have the next ones; 0: free ones (0)
  --help         print this text

Ctrl-C closes all in order: the pizzerias once their orders are baked, then the bakers, then the
redis-server, and the folder is removed. A second Ctrl-C ends them at once.
EOF
}

say() { printf '%s: %s\n' "$name" "$*" >&2; }

# ---- Options -------------------------------------------------------------------------------------

refuse() { # refuse OPTION TEXT WANTED
  say "$1: '$2' is not $3"
  echo "Try 'sh demo/run.sh cluster --help'." >&2
  exit 2
}

take_number() { # take_number OPTION TEXT LEAST MOST: answers the number
  case $2 in
    '' | *[!0-9]* | ?????????*) refuse "$1" "$2" "a whole number from $3 to $4" ;;
  esac
  if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
    refuse "$1" "$2" "a whole number from $3 to $4"
  fi
  echo "$2"
}

programs=$1
shift
while [ $# -gt 0 ]; do
  option=$1
  case $option in
    --help | -h)
      usage
      exit 0
      ;;
    --*=*)
      value=${option#*=}
      option=${option%%=*}
      shift
      ;;
    *)
      value=${2-}
      shift
      [ $# -eq 0 ] || shift
      ;;
  esac
  case $option in
    --servers) servers=$(take_number "$option" "$value" 1 16) ;;
    --bakers) bakers=$(take_number "$option" "$value" 0 16) ;;
    --threads) threads=$(take_number "$option" "$value" 1 64) ;;
    --bake-ms) bake_ms=$(take_number "$option" "$value" 0 86400000) ;;
    --port) port=$(take_number "$option" "$value" 0 65000) ;;
    *) refuse argument "$option" 'an option' ;;
  esac
done
if [ "$programs" = --check ]; then exit 0; fi

# ---- The end -------------------------------------------------------------------------------------

work=$(mktemp -d "${TMPDIR:-/tmp}/uvchan-cluster.XXXXXX")
server_pids=
baker_pids=

nap() { sleep 0.1 2>/dev/null || sleep 1; }

redis_pid() { cat "$work/redis.pid" 2>/dev/null || :; }

end() { # end SIGNAL PID...: and waits for each
  signal=$1
  shift
  for pid in "$@"; do kill "-$signal" "$pid" 2>/dev/null || :; done
  for pid in "$@"; do
    # a signal to this script ends a wait, and not what it waits for
    while kill -0 "$pid" 2>/dev/null; do wait "$pid" 2>/dev/null || :; done
  done
}

# What is no child of this shell can't be waited for. One that nobody waits for has gone all the
# same.
kill_stranger() { # kill_stranger PID
  kill -KILL "$1" 2>/dev/null || return 0
  tries=0
  while [ $tries -lt 100 ]; do
    case $(ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return ;; esac
    tries=$((tries + 1))
    nap
  done
}

# It is no child of this shell. As it ends it removes the file with its number, and where it does
# not it is killed.
end_redis() {
  pid=$(redis_pid)
  if [ -z "$pid" ]; then return; fi
  kill "$pid" 2>/dev/null || :
  tries=0
  while [ -f "$work/redis.pid" ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    nap
  done
  kill_stranger "$pid"
}

# shellcheck disable=SC2086 # the numbers of processes are words
end_at_once() {
  trap '' INT TERM HUP EXIT
  end KILL $server_pids $baker_pids
  pid=$(redis_pid)
  if [ -n "$pid" ]; then kill_stranger "$pid"; fi
  rm -rf "$work"
  exit 1
}

# shellcheck disable=SC2086
leave() { # leave STATUS
  trap - EXIT
  trap end_at_once INT TERM HUP
  end TERM $server_pids
  end TERM $baker_pids
  end_redis
  rm -rf "$work"
  exit "$1"
}

trap 'leave $?' EXIT
trap 'leave 0' INT TERM HUP

fail() { # fail WORDS [FILE]: with what stands in the file
  if [ -f "${2-}" ]; then cat "$2" >&2; fi
  say "$1"
  exit 1
}

# ---- The redis-server ----------------------------------------------------------------------------

first_of() { # first_of COMMAND...: the first that is here
  for candidate in "$@"; do
    if command -v "$candidate" 2>/dev/null; then return; fi
  done
}

# As a daemon it is out of reach of the terminal's Ctrl-C: it has to be the last to go.
start_redis() { # start_redis PORT: answers whether it runs
  rm -f "$work/redis.log"
  "$redis" --port "$1" --bind 127.0.0.1 --dir "$work" --appendonly yes --appendfsync always \
    --save '' --daemonize yes --pidfile "$work/redis.pid" --logfile "$work/redis.log" \
    >"$work/redis.out" 2>&1 || return 1
  tries=0
  until grep -q 'Ready to accept connections' "$work/redis.log" 2>/dev/null; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || grep -q 'Failed listening' "$work/redis.log"; then return 1; fi
    nap
  done
}

# Ports are tried from one that follows from the number of this process, so that two clusters seldom
# try the same.
find_redis_port() {
  redis_port=$((20000 + $$ % 10000))
  last=$((redis_port + 20))
  until start_redis "$redis_port"; do
    redis_port=$((redis_port + 1))
    [ "$redis_port" -le $last ] || fail 'the redis-server does not start' "$work/redis.log"
  done
}

# ---- Pizzerias and bakers ------------------------------------------------------------------------

address_of() { # address_of FILE: that a server has told
  sed -n 's,^The pizzeria is open at ,,p' "$1"
}

start_server() { # start_server NAME PORT
  out=$work/$1
  : >"$out" # it is read before the server has opened it
  "$programs/server" --redis "127.0.0.1:$redis_port" --name "$1" --port "$2" >"$out" 2>&1 &
  pid=$!
  server_pids="$server_pids $pid"
  while [ -z "$(address_of "$out")" ]; do
    kill -0 "$pid" 2>/dev/null || fail "$1 does not open" "$out"
    nap
  done
  echo "$1 is process $pid, at $(address_of "$out")"
}

start_bakers() { # start_bakers NAME
  "$programs/bakers" --redis "127.0.0.1:$redis_port" --name "$1" --threads "$threads" \
    --bake-ms "$bake_ms" &
  baker_pids="$baker_pids $!"
  echo "$1 is process $!"
}

redis=$(first_of redis-server valkey-server)
[ -n "$redis" ] || fail 'there is no redis-server (Debian: redis-server)'
find_redis_port
echo "redis-server listens at 127.0.0.1:$redis_port"

i=0
while [ $i -lt "$servers" ]; do
  start_server "pizzeria-$((i + 1))" "$((port == 0 ? 0 : port + i))"
  i=$((i + 1))
done
i=0
while [ $i -lt "$bakers" ]; do
  start_bakers "bakers-$((i + 1))"
  i=$((i + 1))
done
echo "More bakers: $programs/bakers --redis 127.0.0.1:$redis_port"
echo 'Ctrl-C closes all of it.'

# One that closes by itself ends the others too.
for pid in $server_pids; do
  status=0
  wait "$pid" || status=$?
  [ "$status" -eq 0 ] || fail "a pizzeria has closed, with status $status"
done
