#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds everything in several ways, after installing what that needs, and runs every test. A
# compiler that lacks a sanitizer gives way to clang; what can't be built on this machine at all is
# left out, and that is said.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=test/run.sh
build=${UVCHAN_BUILD_DIR:-$root/build}
# shellcheck source=cmake/prepare.sh
. "$root/cmake/prepare.sh"

usage() {
  cat <<'EOF'
Usage: sh test/run.sh
Installs what is missing, builds everything and runs all tests:

  build/           as it is released; here also the headers, the installed library, the programs of
                   the documentation
  build/portable   with the portable way to sleep, where release has the one of the platform
  build/asan       with AddressSanitizer and UndefinedBehaviorSanitizer
  build/tsan       with ThreadSanitizer
  build/clang      compiled by clang too, where it is here: compiled only

UVCHAN_BUILD_DIR names another build directory than build/.
EOF
}

case ${1-} in
  '') ;;
  --help | -h)
    usage
    exit 0
    ;;
  *)
    say "takes no arguments, and was given '$1'"
    usage >&2
    exit 2
    ;;
esac

compile_all() { # compile_all DIRECTORY COMPILER OPTION...
  directory=$1
  CC=$2 # counts where the directory is configured for the first time
  export CC
  shift 2
  configure "$directory" -DUVCHAN_BUILD_TESTS=ON -DUVCHAN_BUILD_DEMOS=ON -DUVCHAN_BUILD_SERVER=ON \
    -DUVCHAN_BUILD_SHARED=ON \
    -DUVCHAN_WERROR=ON -DUVCHAN_COVERAGE=OFF "$@"
  quietly "building $directory" cmake --build "$directory" --parallel "$(jobs)"
}

is_clang() { "$1" --version 2>/dev/null | grep -qi clang; }

has_flag() { # has_flag COMPILER FLAG: it can link a program with the flag
  echo 'int main(void) { return 0; }' | "$1" -x c "$2" -o "$build/probe" - >/dev/null 2>&1
}

# compile_sanitized DIRECTORY SANITIZER FLAG: with the first compiler that has it
compile_sanitized() {
  for candidate in "$cc" "$clang"; do
    if [ -n "$candidate" ] && has_flag "$candidate" "$3"; then
      compile_all "$1" "$candidate" -DCMAKE_BUILD_TYPE=Debug -DUVCHAN_SANITIZE="$2" \
        -DUVCHAN_INJECT=ON -DUVCHAN_PORTABLE=OFF
      add_tests "$1"
      return
    fi
  done
  left_out="${left_out}no compiler here links with $3; "
}

# What only some tests need: without it they are left out.
try_to_install() { # try_to_install TESTS NEED...
  tests=$1
  shift
  (install_missing "$@") || left_out="${left_out}without $*: $tests; "
}

# One test directory over all the builds, so that one run of ctest counts them all.
add_tests() { # add_tests DIRECTORY
  printf 'subdirs([==[%s]==])\n' "$1" >>"$build/all/CTestTestfile.cmake"
}

open_build
install_missing cc c++ cmake make pkg-config libuv check sanitizers
cc=${CC:-$(first_of cc gcc clang)}
clang=$(first_of clang)
left_out=
try_to_install 'the server over the parser that it prefers' llhttp
try_to_install 'tests of the server' http-library jansson
try_to_install 'tests of the server' python curl wrk
try_to_install 'tests of the server' chromium chromedriver
for tool in ab h2load siege; do try_to_install "$tool against the server" "$tool"; done
try_to_install 'the library uvchan-redis' hiredis
try_to_install 'the tests of uvchan-redis' redis-server
try_to_install 'the man pages' docutils
try_to_install 'the test of a project of Meson' meson
if command -v apt-get >/dev/null 2>&1; then # on Debian and its like
  try_to_install 'the check of its packages' lintian
  try_to_install 'the checks of format and of habits in C' clang-format
fi
case $(uname -sm) in # the description of the binary interface is one of this platform
  'Linux x86_64') try_to_install 'the test of the binary interface' abidiff ;;
esac
mkdir -p "$build/all"
: >"$build/all/CTestTestfile.cmake"

plain='-DCMAKE_BUILD_TYPE=Release -DUVCHAN_SANITIZE= -DUVCHAN_INJECT=OFF'
# shellcheck disable=SC2086 # the options are words
compile_all "$build" "$cc" $plain -DUVCHAN_PORTABLE=OFF
add_tests "$build"
if [ "$(uname -s)" = Linux ]; then
  # shellcheck disable=SC2086
  compile_all "$build/portable" "$cc" $plain -DUVCHAN_PORTABLE=ON
  add_tests "$build/portable"
fi
compile_sanitized "$build/asan" address -fsanitize=address,undefined
compile_sanitized "$build/tsan" thread -fsanitize=thread
if [ -z "$clang" ]; then
  left_out="${left_out}there is no clang to compile with too; "
elif ! is_clang "$cc"; then
  # shellcheck disable=SC2086
  compile_all "$build/clang" "$clang" $plain -DUVCHAN_PORTABLE=OFF
fi

if [ -n "$left_out" ]; then say "left out: ${left_out%; }"; fi
say 'running the tests'
cd "$build/all"
# One more than there are processors: some do little but wait.
exec ctest --output-on-failure --no-tests=error --parallel "$(($(jobs) + 1))"
