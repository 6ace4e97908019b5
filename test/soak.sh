#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs test/soak/soak.c for some minutes: a third of the time as it is released, a third with
# AddressSanitizer, a third with ThreadSanitizer.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=test/soak.sh
build=${UVCHAN_BUILD_DIR:-$root/build}
# shellcheck source=cmake/prepare.sh
. "$root/cmake/prepare.sh"

usage() {
  cat <<'EOF'
Usage: sh test/soak.sh MINUTES
Installs what is missing, builds the soak three times into build/soak/, and runs each for a third of
the time. Each says what it has done and the most that it held, of memory and of descriptors, in the
first half of its time and in the second; the exit code is 1 where that grows, or a promise was
broken. UVCHAN_BUILD_DIR names another build directory than build/.
EOF
}

case ${1-} in
  --help | -h)
    usage
    exit 0
    ;;
  '' | *[!0-9]* | 0*)
    say 'how many minutes?'
    usage >&2
    exit 2
    ;;
esac
seconds=$(($1 * 20))
wrong=0

soak() { # soak KIND OPTION...
  kind=$1
  shift
  configure "$build/soak/$kind" -DUVCHAN_BUILD_TESTS=ON -DUVCHAN_BUILD_DEMOS=OFF \
    -DUVCHAN_BUILD_SERVER=OFF -DUVCHAN_BUILD_SHARED=OFF \
    -DUVCHAN_COVERAGE=OFF -DUVCHAN_PORTABLE=OFF "$@"
  quietly "building $build/soak/$kind" cmake --build "$build/soak/$kind" --parallel "$(jobs)" \
    --target soak
  say "$kind: $seconds seconds"
  set --
  if [ "$kind" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then
    set -- setarch "$(uname -m)" -R
  fi
  "$@" "$build/soak/$kind/test/soak" "$seconds" || {
    say "$kind: failed"
    wrong=1
  }
}

open_build
install_missing cc cmake make pkg-config libuv check sanitizers
# What is freed stays in quarantine, and counts as held: little of it.
export \
  ASAN_OPTIONS="quarantine_size_mb=8:detect_stack_use_after_return=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
soak plain -DCMAKE_BUILD_TYPE=Release -DUVCHAN_SANITIZE= -DUVCHAN_INJECT=OFF
soak asan -DCMAKE_BUILD_TYPE=Debug -DUVCHAN_SANITIZE=address -DUVCHAN_INJECT=ON
soak tsan -DCMAKE_BUILD_TYPE=Debug -DUVCHAN_SANITIZE=thread -DUVCHAN_INJECT=ON
exit "$wrong"
