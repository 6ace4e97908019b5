#!/bin/sh
# test/portability.sh answers --help and a wrong target before it builds anything; without the tools
# it skips the target, says why, and that is no failure.
set -eu
run=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/portability.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect() { # expect STATUS TEXT COMMAND...
  wanted=$1
  text=$2
  shift 2
  status=0
  output=$("$@" 2>&1) || status=$?
  case $status:$output in
    "$wanted:"*"$text"*) ;;
    *)
      printf '%s\nrun-portability.sh: status %s and not %s, or no "%s": %s\n' "$output" "$status" "$wanted" "$text" "$*"
      exit 1
      ;;
  esac
}

# A path on which nothing but the plainest tools is to be found: no compiler, no package manager.
for tool in sh dirname uname id mkdir cat sed tr; do ln -s "$(command -v "$tool")" "$work/$tool"; done

export UVCHAN_BUILD_DIR="$work/build"
expect 0 'Usage: sh test/portability.sh' sh "$run" --help
expect 2 "there is no target 'vax'" sh "$run" i386 vax
[ ! -e "$work/build" ]
expect 0 'skipped: not here: CMake 3.16 or later' env PATH="$work" CC= sh "$run" s390x
echo 'run-portability.sh: the answers are right'
