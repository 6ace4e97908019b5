#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds one of the demo programs, after installing what that needs, and runs it.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=demo/run.sh
build=${UVCHAN_BUILD_DIR:-$root/build}
# shellcheck source=cmake/prepare.sh
. "$root/cmake/prepare.sh"

usage() {
  cat <<'EOF'
Usage: sh demo/run.sh [PROGRAM] [OPTION...]
Installs what is missing, builds a demo program and runs it with the options.

  pizzeria           ten orders, a kitchen on timers, and a way to close in order (this one is
                     run where no program is named)
  generator          a function that hands out values through a channel
  producer_consumer  ten producers, one consumer and a wait group
  server             the pizzeria over HTTP, with a live page at the address that it prints
  echo               a small service over HTTP, from parts of the server: at port 8080, with four
                     threads and room for 64 that wait, or as three numbers say

"sh demo/run.sh pizzeria --help" shows the pizzeria's options, "sh demo/run.sh server --help" the
server's. UVCHAN_BUILD_DIR names another build directory than build/.
EOF
}

case ${1-} in
  --help | -h)
    usage
    exit 0
    ;;
  pizzeria | generator | producer_consumer | server | echo)
    program=$1
    shift
    ;;
  '' | -*) program=pizzeria ;;
  *)
    say "there is no program '$1'"
    usage >&2
    exit 2
    ;;
esac

open_build
install_missing cc cmake make pkg-config libuv
programs=$build/demo
options=-DUVCHAN_BUILD_DEMOS=ON
case $program in
  server | echo)
    install_missing http-library
    if [ "$program" = server ]; then install_missing jansson; fi
    programs=$build/demo/server
    options=-DUVCHAN_BUILD_SERVER=ON
    ;;
esac
if [ -f "$build/Makefile" ] || [ -f "$build/build.ninja" ]; then
  configure "$build" "$options"
elif is_here check; then
  configure "$build"
else
  configure "$build" -DUVCHAN_BUILD_TESTS=OFF
fi
quietly "building $program" cmake --build "$build" --target "$program" --parallel "$(jobs)"
exec "$programs/$program" "$@"
