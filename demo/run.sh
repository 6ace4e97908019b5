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
  cluster            pizzerias and bakers in processes of their own, which share the orders over a
                     redis-server that is started for them
  echo               a small service over HTTP, from parts of the server: at port 8080, with four
                     threads and room for 64 that wait, or as three numbers say

"sh demo/run.sh pizzeria --help" shows the pizzeria's options, "sh demo/run.sh server --help" the
server's, "sh demo/run.sh cluster --help" those of a cluster. UVCHAN_BUILD_DIR names another build directory than build/.
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
  cluster)
    program=$1
    shift
    for option in "$@"; do
      case $option in --help | -h) exec sh "$root/demo/cluster.sh" --check --help ;; esac
    done
    sh "$root/demo/cluster.sh" --check "$@"
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
  server | echo | cluster)
    install_missing http-library
    if [ "$program" != echo ]; then install_missing jansson; fi
    if [ "$program" = cluster ]; then install_missing hiredis redis-server; fi
    programs=$build/demo/server
    options='-DUVCHAN_BUILD_SERVER=ON -DUVCHAN_BUILD_REDIS=ON'
    ;;
esac
targets=$program
if [ "$program" = cluster ]; then targets='server bakers'; fi
if [ -f "$build/Makefile" ] || [ -f "$build/build.ninja" ]; then
  # shellcheck disable=SC2086 # options are words, as targets are below
  configure "$build" $options
elif is_here check; then
  configure "$build"
else
  configure "$build" -DUVCHAN_BUILD_TESTS=OFF
fi
# shellcheck disable=SC2086
quietly "building $program" cmake --build "$build" --target $targets --parallel "$(jobs)"
if [ "$program" = cluster ]; then exec sh "$root/demo/cluster.sh" "$programs" "$@"; fi
exec "$programs/$program" "$@"
