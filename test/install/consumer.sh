#!/bin/sh
# consumer.sh CMAKE GENERATOR BUILD-DIRECTORY COMPILER: a project outside the tree uses the
# installed library, by find_package() and by pkg-config, static and shared, and the tree itself as
# a subdirectory. The prefix has a space in its name and is not the configured one. Each program is
# compiled for, and runs with, the libuv that the build has, whose version is in
# UVCHAN_LIBUV_VERSION.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2"
build=$3
compiler=$4
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
unset DESTDIR
trap 'rm -rf "$work"' EXIT
prefix="$work/a prefix"

quietly() {
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log"
    echo "consumer.sh: failed: $*"
    exit 1
  }
}

by_cmake() { # by_cmake DIRECTORY OPTION...
  directory=$1
  shift
  quietly "$cmake" -S "$root/test/install/consumer" -B "$work/$directory" \
    -DCMAKE_C_COMPILER="$compiler" \
    -DUVCHAN_LIBUV="${UVCHAN_LIBUV-}" "$@"
  quietly "$cmake" --build "$work/$directory"
}

# by_pkg_config PROGRAM OPTION...: the flags are quoted for a shell, since the prefix has a space
by_pkg_config() {
  program=$1
  shift
  flags=$(pkg-config --cflags --libs "$@" uvchan)
  eval "quietly \"\$compiler\" \"\$root/test/install/consumer/main.c\" \
    -o \"\$work/\$program\" $flags -pthread"
}

run() { # run PROGRAM: it has the library's way to the shared one
  LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
    DYLD_LIBRARY_PATH="$libraries${DYLD_LIBRARY_PATH:+:$DYLD_LIBRARY_PATH}" "$work/$1" \
    ${UVCHAN_LIBUV_VERSION:+"$UVCHAN_LIBUV_VERSION"}
}

runs() { # runs PROGRAM...
  for program in "$@"; do
    run "$program" || {
      echo "consumer.sh: $program does not run"
      exit 1
    }
  done
}

quietly "$cmake" --install "$build" --prefix "$prefix"
libraries=$(dirname -- "$(find "$prefix" -name libuvchan.a)")
export PKG_CONFIG_PATH="$libraries/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"

# Where there is no shared library, what is static has to do.
by_cmake subdirectory -DUVCHAN_TREE="$root" -DUVCHAN_TARGETS=uvchan
if [ -z "$(find "$libraries" -name 'libuvchan.*' ! -name libuvchan.a)" ]; then
  by_cmake by-cmake -DCMAKE_PREFIX_PATH="$prefix" -DUVCHAN_TARGETS='uvchan;uvchan_static'
else
  by_cmake by-cmake -DCMAKE_PREFIX_PATH="$prefix" \
    -DUVCHAN_TARGETS='uvchan;uvchan_static;uvchan_shared'
  by_pkg_config pkg-config-shared
  runs by-cmake/consumer_uvchan_shared pkg-config-shared
  find "$libraries" -name 'libuvchan.*' ! -name libuvchan.a -exec rm {} +
  for program in by-cmake/consumer_uvchan_shared pkg-config-shared; do
    if run "$program" >/dev/null 2>&1; then
      echo "consumer.sh: $program was not linked with the shared library"
      exit 1
    fi
  done
fi

# Without the shared library only what is static still runs, and pkg-config links with what is left.
by_pkg_config pkg-config-static --static
runs by-cmake/consumer_uvchan by-cmake/consumer_uvchan_static subdirectory/consumer_uvchan \
  pkg-config-static
echo 'consumer.sh: every way to find the library works'
