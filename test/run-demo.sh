#!/bin/sh
# demo/run.sh answers --help and a wrong name before it installs or builds anything, and says what
# is missing where it can't install it.
set -eu
run=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)/demo/run.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect() { # expect STATUS TEXT COMMAND...
  wanted=$1
  text=$2
  shift 2
  status=0
  output=$("$@" 2>&1) || status=$?
  if [ "$status" -ne "$wanted" ]; then
    printf '%s\nrun-demo.sh: status %s and not %s: %s\n' "$output" "$status" "$wanted" "$*"
    exit 1
  fi
  case $output in
    *"$text"*) ;;
    *)
      printf '%s\nrun-demo.sh: does not say "%s": %s\n' "$output" "$text" "$*"
      exit 1
      ;;
  esac
}

# A path on which nothing but the plainest tools is to be found: no compiler, no package manager.
for tool in sh dirname uname id mkdir; do ln -s "$(command -v "$tool")" "$work/$tool"; done

export UVCHAN_BUILD_DIR="$work/build"
expect 0 'Usage: sh demo/run.sh' sh "$run" --help
expect 2 "there is no program 'burgers'" sh "$run" burgers
[ ! -e "$work/build" ]
expect 1 'libuv 1.42 or later, with its headers' env PATH="$work" CC= sh "$run" generator
echo 'run-demo.sh: the answers are right'
