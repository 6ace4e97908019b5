#!/bin/sh
# SPDX-License-Identifier: MIT
# guide.sh REDIS-SERVER CMAKE BUILD CC: docs/guides/two-machines.md in an empty directory: its two
# programs compile by its own commands, with what is installed, and without a warning; and with a
# server at a port they print what stands there. A stream that is closed stays so; with new keys two
# workers share the values. What docs/stuck.md asks the server the server understands.
set -eu
redis_server=$1
cmake=$2
build=$3
cc=$4
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
guide=$root/docs/guides/two-machines.md
# shellcheck source=test/redis/server.sh
. "$root/test/redis/server.sh"

fail() {
  echo "guide.sh: $*" >&2
  exit 1
}

# block LANGUAGE N [FILE]: the lines of the n-th block of that language
block() {
  awk -v start="\`\`\`$1" -v wanted="$2" '
    inside && /^```/ { inside = shown = 0; next }
    shown { print }
    inside { next }
    /^```/ { inside = 1; if ($0 == start) shown = ++n == wanted }' "${3-$guide}"
}

for component in development runtime redis_development redis_runtime; do
  "$cmake" --install "$build" --prefix "$work/prefix" --component "uvchan_$component" >/dev/null
done
modules=$(find "$work/prefix" -name pkgconfig)
export PKG_CONFIG_PATH="$modules:${PKG_CONFIG_PATH-}"
libraries=$(dirname "$modules")
export LD_LIBRARY_PATH="$libraries:${LD_LIBRARY_PATH-}"
export DYLD_LIBRARY_PATH="$libraries:${DYLD_LIBRARY_PATH-}"

mkdir "$work/empty"
cd "$work/empty"
block c 1 >producer.c
block c 2 >worker.c
block text 1 >producer.text
block text 2 >worker.text
block sh 1 | sed "s|^cc |$cc -std=gnu11 -Wall -Wextra -Wpedantic -Werror |" >compile.sh
sh -e ./compile.sh

runs() { # runs PROGRAM ARGUMENT...: it prints what stands there
  program=$1
  shift
  "./$program" "$@" 127.0.0.1 "$port" >"$program.said" || fail "$program ends with $?"
  diff "$program.text" "$program.said"
}

serve_on_port "$redis_server"
runs worker one &
worker=$!
runs producer
wait "$worker" || fail 'the worker does not do what stands there'

# As it says: a stream that is closed stays so, until its keys are deleted.
./producer 127.0.0.1 "$port" >again
grep -q '^0 numbers' again || fail 'a closed stream takes numbers'
grep -q 'broken pipe' again || fail 'a closed stream refuses without a word'
if redis_cli=$(command -v redis-cli); then
  mkdir bin
  printf '#!/bin/sh\nexec "%s" -p %s "$@"\n' "$redis_cli" "$port" >bin/redis-cli
  chmod +x bin/redis-cli
  block sh 3 >delete.sh
  PATH=$PWD/bin:$PATH sh -e ./delete.sh >/dev/null
else
  kill -9 "$server"
  wait "$server" 2>/dev/null || :
  serve_on_port "$redis_server"
fi

# Two workers share them.
./worker one 127.0.0.1 "$port" >one.said &
worker=$!
./worker two 127.0.0.1 "$port" >two.said &
other=$!
runs producer
wait "$worker" || fail 'the first of two workers does not end'
wait "$other" || fail 'the second of two workers does not end'
one=$(sed 's/ .*//' one.said)
two=$(sed 's/ .*//' two.said)
[ "$((one + two))" -eq 100 ] || fail "two workers have done $one and $two"
if [ -x bin/redis-cli ]; then
  sed -n '/^## Nothing crosses/,$p' "$root/docs/stuck.md" >stuck.md
  block sh 1 stuck.md | sed 's/{orders}/{numbers}/' >ask.sh
  grep -q XPENDING ask.sh
  PATH=$PWD/bin:$PATH sh -e ./ask.sh >asked
  if grep -E '^(ERR|WRONG|NO)' asked; then fail 'the server can not answer docs/stuck.md'; fi
  grep -qx closed asked || fail 'the answers do not say that the stream is closed'
fi
echo "guide.sh: values cross, and two workers share them: $one and $two"
