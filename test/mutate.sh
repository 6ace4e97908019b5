#!/bin/sh
# SPDX-License-Identifier: MIT
# How much the tests see: puts faults into copies of lib/, one at a time, and runs the suites over
# each, by test/mutation/mutate.py.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=test/mutate.sh
build=${UVCHAN_BUILD_DIR:-$root/build}
# shellcheck source=cmake/prepare.sh
. "$root/cmake/prepare.sh"

usage() {
  cat <<'EOF'
Usage: sh test/mutate.sh [--faults N] [--only WORDS] [--all] [--list]
Installs what is missing, builds the suites once into build/mutate/, against a shared library, and
then for each fault that library alone. A fault is killed where a suite fails, or hangs: takes ten
times as long as unchanged. Those run first that have killed most for their time; where none sees it
they run at full length, with other yields at the steps of the library; and then with
ThreadSanitizer, and with AddressSanitizer. Each survivor is told, with the reason that
test/mutation/mutants.txt gives for it; the exit code is 1 where one has none. 120 faults take some
15 minutes on two processors.

  --faults N    how many, of all that the rules make: 120, where nothing is said; always the same
                ones, while the lines are the same
  --only WORDS  of these the ones whose description has WORDS in it
  --all         runs also those that are known to survive, by test/mutation/mutants.txt: three
                minutes each, or more
  --list        tells them, and runs nothing

UVCHAN_BUILD_DIR names another build directory than build/.
EOF
}

for option in "$@"; do
  case $option in
    --help | -h)
      usage
      exit 0
      ;;
  esac
done
open_build
install_missing cc pkg-config libuv check python
exec python3 -B "$root/test/mutation/mutate.py" "$root" "$build/mutate" "$@"
