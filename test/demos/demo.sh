#!/bin/sh
# SPDX-License-Identifier: MIT
# What the tests of the demo programs share; sourced by them. Each runs as
#
#   sh test/demos/demo-NAME.sh DIRECTORY
#
# with the directory that holds the built programs, or with its path in UVCHAN_DEMOS, and needs a
# POSIX shell alone. Where they are programs of another machine, UVCHAN_EMULATOR is the command that
# runs them. The programs are generator (demo/generator.c), producer_consumer
# (demo/producer_consumer.c) and pizzeria (demo/pizzeria.c, demo/options.c). Exit code 0: all holds.
# A check that the machine can't run says so, in a line that begins with "skipped:".
set -u

demos=${1:-${UVCHAN_DEMOS:-}}
if [ -z "$demos" ] || [ ! -d "$demos" ]; then
  echo "usage: $0 DIRECTORY-OF-THE-BUILT-DEMOS" >&2
  exit 2
fi
demos=$(cd "$demos" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/uvchan-demo.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
unset NO_COLOR

if [ -n "${UVCHAN_EMULATOR-}" ]; then
  mkdir "$scratch/demos"
  for program in "$demos"/*; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$UVCHAN_EMULATOR" "$program" \
      >"$scratch/demos/${program##*/}"
    chmod +x "$scratch/demos/${program##*/}"
  done
  demos=$scratch/demos
fi

fail() {
  echo "failed: $*" >&2
  exit 1
}

# same WHAT EXPECTED-FILE ACTUAL-FILE
same() {
  diff -u "$2" "$3" >&2 || fail "$1: not the expected output"
}

# A full device takes no output: the program must say so and end with 1.
reports_a_full_device() {
  if [ ! -c /dev/full ]; then
    echo "skipped: $1 on a full device: there is no /dev/full"
    return
  fi
  "$demos/$1" >/dev/full 2>"$scratch/stderr"
  [ $? -eq 1 ] || fail "$1 on a full device: exit code is not 1"
  grep -q 'standard output' "$scratch/stderr" || fail "$1 on a full device: no message"
}
