#!/bin/sh
# How much the tests see: puts faults into copies of lib/, one at a time, and runs the fast suites over each, by test/mutate.py.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=test/mutate.sh
build=${UVCHAN_BUILD_DIR:-$root/build}
# shellcheck source=cmake/prepare.sh
. "$root/cmake/prepare.sh"

usage() {
  cat <<'EOF'
Usage: sh test/mutate.sh [--faults N] [--only WORDS] [--list]
Installs what is missing, builds the suites once into build/mutate/, against a shared library, and then for each fault that library alone.
A fault is killed where a suite fails, or does not end in ten times its time; the suites run three times over, with other yields at the
steps of the library. Each survivor is told, with the reason that
test/mutants.txt gives for it; the exit code is 1 where one has none.

  --faults N    how many, of all that the rules make: 120, where nothing is said; always the same ones, while the lines are the same
  --only WORDS  of these the ones whose description has WORDS in it
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
exec python3 -B "$root/test/mutate.py" "$root" "$build/mutate" "$@"
