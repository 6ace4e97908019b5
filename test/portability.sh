#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the library and its tests for other machines, other C libraries, other compilers and a
# libuv that is sanitized too, runs the tests, and tells in a table what was built, what passed and
# what was skipped. libuv and Check are built from their source packages for each target.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=test/portability.sh
build=${UVCHAN_BUILD_DIR:-$root/build}/portability
# shellcheck source=cmake/prepare.sh
. "$root/cmake/prepare.sh"

targets='i386 i386-asan i486 arm64 s390x musl clang asan tsan windows'
seconds=900 # for the tests of one target

usage() {
  cat <<'EOF'
Usage: sh test/portability.sh [--install] [TARGET...]
Builds and tests, in build/portability/TARGET, for each target that this machine has the tools for;
with no target named, for all:

  i386       32 bits, by gcc -m32
  i386-asan  the same with AddressSanitizer and UndefinedBehaviorSanitizer, libuv too
  i486       32 bits without atomic operations on 8 bytes, by libatomic
  arm64      64-bit Arm, by qemu-user
  s390x      64 bits, big endian, by qemu-user
  musl       the C library musl
  clang      clang in place of gcc
  asan       AddressSanitizer and UndefinedBehaviorSanitizer, in libuv too
  tsan       ThreadSanitizer, in libuv too
  windows    Windows, by mingw-w64 and Wine

libuv and Check are built from the source packages of the system (apt-get source libuv1 check),
which lie in build/portability/sources.

  --install  installs what is missing and fetches the sources; without it nothing is installed, and
             what is missing is said

The exit code is 1 where something was not built or a test failed; skipped targets are told, and no
more. UVCHAN_BUILD_DIR names another build directory than build/.
EOF
}

# ---- What a target is ----------------------------------------------------------------------------

needs_of() { # needs_of TARGET
  echo cmake make pkg-config
  case $1 in
    i386 | i486) echo cc-32 ;;
    i386-asan) echo cc-32 sanitizers-32 ;;
    arm64 | s390x) echo "cc-$1 qemu-user" ;;
    musl) echo cc musl ;;
    clang) echo clang ;;
    asan | tsan) echo cc sanitizers ;;
    windows) echo mingw wine ;;
  esac
}

machine_of() { # machine_of TARGET: what CMake is told of the compiler
  case $1 in
    clang) echo -DCMAKE_C_COMPILER=clang ;;
    asan | tsan) echo "-DCMAKE_C_COMPILER=${CC:-$(first_of cc gcc clang)}" ;;
    *) echo "-DCMAKE_TOOLCHAIN_FILE=$root/cmake/machine/${1%-asan}.cmake" ;;
  esac
}

flags_of() { # flags_of TARGET: with which libuv is compiled beyond that
  case $1 in
    asan | i386-asan) echo '-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined' ;;
    tsan) echo '-g -O1 -fno-omit-frame-pointer -fsanitize=thread' ;;
  esac
}

options_of() { # options_of TARGET: the ways in which uvchan is built
  case $1 in
    asan | i386-asan) echo -DCMAKE_BUILD_TYPE=Debug -DUVCHAN_INJECT=ON -DUVCHAN_SANITIZE=address ;;
    tsan) echo -DCMAKE_BUILD_TYPE=Debug -DUVCHAN_INJECT=ON -DUVCHAN_SANITIZE=thread ;;
    *) echo -DCMAKE_BUILD_TYPE=Release ;;
  esac
}

# ---- The sources ---------------------------------------------------------------------------------

source_of() { # source_of PACKAGE: its unpacked directory
  for source in "$build/sources/$1"-[0-9]*/; do
    if [ -d "$source" ]; then echo "${source%/}"; fi
  done
}

has_sources() { [ -n "$(source_of libuv1)" ] && [ -n "$(source_of check)" ]; }

# apt looks for source packages only where its list of places says so. A copy of that list says it
# here, and the system's own stays as it is.
# shellcheck disable=SC2317 # quietly calls it
fetch_sources() {
  mkdir -p "$build/sources" "$build/apt/places" "$build/apt/lists/partial"
  eval "$(apt-config shell list Dir::Etc::sourcelist/f places Dir::Etc::sourceparts/d)"
  # shellcheck disable=SC2154 # eval sets both
  for place in "$list" "$places"/*.list "$places"/*.sources; do
    if [ ! -f "$place" ]; then continue; fi
    sed -e 's/^Types:.*/Types: deb-src/' -e 's/^deb /deb-src /' "$place" \
      >"$build/apt/places/$(basename -- "$place")"
  done
  set -- -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$build/apt/places" \
    -o "Dir::State::lists=$build/apt/lists" \
    -o "Dir::Cache::srcpkgcache=" -o "Dir::Cache::pkgcache="
  apt-get "$@" update
  cd "$build/sources" && apt-get "$@" source libuv1 check
}

# ---- Building and testing one target -------------------------------------------------------------

install_part() { # install_part TARGET PACKAGE FLAGS OPTION...: into the prefix of the target
  directory=$build/$1/$2
  if [ -f "$directory/installed" ]; then return; fi
  part="$2 for $1"
  machine=$(machine_of "$1")
  source=$(source_of "$2")
  flags=$3
  prefix=$build/$1/prefix
  shift 3
  quietly "configuring $part" env CFLAGS="$flags" cmake -S "$source" -B "$directory" "$machine" \
    -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_TESTING=OFF "$@"
  quietly "building $part" cmake --build "$directory" --parallel "$(jobs)"
  quietly "installing $part" cmake --install "$directory"
  : >"$directory/installed"
}

# The kernel's headers alone of all that the system has: musl has its own for the rest.
kernel_headers() { # kernel_headers DIRECTORY
  mkdir -p "$1"
  for place in /usr/include "/usr/include/$(uname -m)-linux-gnu"; do
    for headers in linux asm asm-generic; do
      if [ -d "$place/$headers" ]; then ln -sfn "$place/$headers" "$1/$headers"; fi
    done
  done
}

build_target() { # build_target TARGET
  mkdir -p "$build/$1"
  common=
  if [ "$1" = musl ]; then
    kernel_headers "$build/musl/kernel"
    common="-idirafter $build/musl/kernel"
  fi
  install_part "$1" libuv1 "$common $(flags_of "$1")" -DLIBUV_BUILD_TESTS=OFF
  install_part "$1" check "$common" -DCHECK_ENABLE_TESTS=OFF -DHAVE_SUBUNIT=OFF
  # as Debian's check.pc calls it
  ln -f "$build/$1/prefix/lib/libcheck.a" "$build/$1/prefix/lib/libcheck_pic.a"
  export PKG_CONFIG_LIBDIR="$build/$1/prefix/lib/pkgconfig" PKG_CONFIG_PATH='' \
    UVCHAN_LIBUV=libuv-static
  # shellcheck disable=SC2046 # the options are words
  quietly "configuring uvchan for $1" env CFLAGS="$common" cmake -S "$root" -B "$build/$1/uvchan" \
    "$(machine_of "$1")" $(options_of "$1") \
    -DUVCHAN_WERROR=ON -DUVCHAN_BUILD_TESTS=ON -DUVCHAN_BUILD_SERVER=OFF
  quietly "building uvchan for $1" cmake --build "$build/$1/uvchan" --parallel "$(jobs)"
}

# Its server is started here, or it would hold the output of the first test open.
start_wine() {
  export WINEPREFIX="$build/windows/wine" WINEDEBUG=-all
  wineserver=$(first_of wineserver /usr/lib/wine/wineserver64 /usr/lib/wine/wineserver)
  "$wineserver" -p >/dev/null 2>&1
  "$(first_of wine64 wine /usr/lib/wine/wine64)" wineboot >/dev/null 2>&1 || :
}

# ctest ends what still runs when the time is up, and the tests that did not begin are none that
# passed.
test_target() { # test_target TARGET
  say "testing $1"
  if [ "$1" = windows ]; then start_wine; fi
  (
    cd "$build/$1/uvchan"
    ctest --output-on-failure --no-tests=error --parallel "$(jobs)" \
      --stop-time "$(date -d "@$(($(date +%s) + seconds))" +%H:%M:%S)"
  ) >"$build/$1/tests.log" 2>&1 || :
  if [ "$1" = windows ]; then "$wineserver" -k || :; fi
}

tests_with() { # tests_with TARGET OUTCOME: how many tests ended so
  grep -cE "^ *[0-9]+/[0-9]+ Test +#[0-9]+: .*$2" "$build/$1/tests.log" || :
}

failed_tests() { # failed_tests TARGET: their names
  sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]*) .*\*\*\*(.*)/\1/p' "$build/$1/tests.log" |
    tr '\n' ' '
}

row() { printf '%-10s %-6s %6s %7s %7s  %s\n' "$@" >>"$build/table"; }

try_target() { # try_target TARGET
  # shellcheck disable=SC2046 # needs are words
  lacks=$(missing $(needs_of "$1"))
  if ! has_sources; then lacks="$lacks sources"; fi
  if [ -n "$lacks" ]; then
    why=
    for need in $lacks; do why="$why, $(describe "$need")"; done
    row "$1" no - - - "skipped: not here: ${why#, }"
    return
  fi
  if ! (build_target "$1"); then
    row "$1" no - - - 'does not build: see above'
    status=1
    return
  fi
  test_target "$1"
  passed=$(tests_with "$1" ' Passed ')
  failed=$(tests_with "$1" '\*\*\*')
  row "$1" yes $((passed + failed)) "$passed" "$failed" "$(failed_tests "$1")"
  if [ "$failed" -ne 0 ] || [ "$passed" -eq 0 ]; then status=1; fi
}

# ---- All of them ---------------------------------------------------------------------------------

install=no
chosen=
for argument in "$@"; do
  case $argument in
    --help | -h)
      usage
      exit 0
      ;;
    --install) install=yes ;;
    *)
      case " $targets " in
        *" $argument "*) chosen="$chosen $argument" ;;
        *)
          say "there is no target '$argument'"
          usage >&2
          exit 2
          ;;
      esac
      ;;
  esac
done
if [ -z "$chosen" ]; then chosen=$targets; fi

open_build
manager=$(find_manager)
if [ "$install" = yes ]; then
  for target in $chosen; do
    # shellcheck disable=SC2046 # needs are words
    (install_missing $(needs_of "$target")) || :
  done
  if ! has_sources; then
    (
      install_missing dpkg-source
      quietly 'fetching the sources of libuv and Check' fetch_sources
    ) || :
  fi
fi

status=0
: >"$build/table"
row target built tests passed failed 'which, or why not'
for target in $chosen; do try_target "$target"; done
cat "$build/table"
exit "$status"
