#!/bin/sh
# SPDX-License-Identifier: MIT
# consumer.sh CMAKE GENERATOR BUILD-DIRECTORY COMPILER: a project outside the tree uses the
# installed library, by find_package() and by pkg-config, static and shared, and with libuv from
# each place that it may come from. The prefix has a space in its name and is not the
# configured one. Each program is compiled for, and runs with, the libuv that the build has, whose
# version is in UVCHAN_LIBUV_VERSION.
set -eu
cmake=$1
export CMAKE_GENERATOR="$2"
build=$3
compiler=$4
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
# shellcheck source=test/install/install.sh
. "$root/test/install/install.sh"
prefix="$work/a prefix"

configure() { # configure DIRECTORY OPTION...
  directory=$1
  shift
  quietly "$cmake" -S "$root/test/install/consumer" -B "$work/$directory" \
    -DCMAKE_C_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$prefix" "$@"
}

by_cmake() { # by_cmake DIRECTORY OPTION...
  configure "$@"
  quietly "$cmake" --build "$work/$1"
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
  for program in "$@"; do run "$program" || fail "$program does not run"; done
}

quietly "$cmake" --install "$build" --prefix "$prefix"
libraries=$(dirname -- "$(find "$prefix" -name libuvchan.a)")
export PKG_CONFIG_PATH="$libraries/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
for document in LICENSE README.md CHANGELOG.md docs/design.md; do
  [ -s "$prefix/share/doc/uvchan/$document" ] || fail "$document is not installed"
done

# ---- Where libuv may come from -------------------------------------------------------------------

# A CMake package of libuv's, a target, and what lies where compilers look; and nowhere. The last
# word is the package's, to one who asks quietly.
mkdir -p "$work/package/cmake/libuv" "$work/empty"
cat >"$work/package/cmake/libuv/libuvConfig.cmake" <<'END'
include(FindPkgConfig)
pkg_check_modules(PACKED_LIBUV REQUIRED IMPORTED_TARGET libuv)
add_library(libuv::uv INTERFACE IMPORTED)
target_link_libraries(libuv::uv INTERFACE PkgConfig::PACKED_LIBUV)
END
if [ "$module" = libuv ]; then
  by_cmake package -Dlibuv_DIR="$work/package/cmake/libuv" -DUVCHAN_TARGETS=uvchan \
    -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
  by_cmake target -DCONSUMER_LIBUV=libuv::uv -DUVCHAN_TARGETS=uvchan
  by_cmake looked -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON -DUVCHAN_TARGETS=uvchan \
    -DCMAKE_PREFIX_PATH="$prefix;$(pkg-config --variable=prefix libuv)"
  runs package/consumer_uvchan target/consumer_uvchan looked/consumer_uvchan
fi
configure nowhere -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON -DUVCHAN_TARGETS=uvchan \
  -DUVCHAN_LIBUV_INCLUDE_DIR=UVCHAN_LIBUV_INCLUDE_DIR-NOTFOUND \
  -DCMAKE_FIND_ROOT_PATH="$work/empty" -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY
grep -q 'consumer: uvchan is not found: uvchan needs libuv' "$work/log" ||
  fail 'a package without libuv does not say what it lacks'

# ---- Static and shared ---------------------------------------------------------------------------

# Where there is no shared library, what is static has to do.
if [ -z "$(find "$libraries" -name 'libuvchan.*' ! -name libuvchan.a)" ]; then
  by_cmake by-cmake -DUVCHAN_TARGETS='uvchan;uvchan_static' -DUVCHAN_LIBUV="$module"
else
  by_cmake by-cmake -DUVCHAN_TARGETS='uvchan;uvchan_static;uvchan_shared' \
    -DUVCHAN_LIBUV="$module"
  by_cmake by-shared -DBUILD_SHARED_LIBS=ON -DUVCHAN_TARGETS=uvchan -DUVCHAN_LIBUV="$module"
  by_pkg_config pkg-config-shared
  shared='by-cmake/consumer_uvchan_shared by-shared/consumer_uvchan pkg-config-shared'
  # shellcheck disable=SC2086 # programs are words
  runs $shared
  find "$libraries" -name 'libuvchan.*' ! -name libuvchan.a -exec rm {} +
  for program in $shared; do
    if run "$program" >/dev/null 2>&1; then fail "$program is not linked with what is shared"; fi
  done
fi

# Without the shared library only what is static still runs, and pkg-config links with what is left.
by_pkg_config pkg-config-static --static
runs by-cmake/consumer_uvchan by-cmake/consumer_uvchan_static pkg-config-static
echo 'consumer.sh: every way to find the library works'
