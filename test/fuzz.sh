#!/bin/sh
# SPDX-License-Identifier: MIT
# Looks for sequences of calls that break a promise of the library, or for bytes that break one of
# the server: builds it and test/fuzz/, or test/server/fuzz/, with clang's fuzzer and sanitizers,
# and runs them.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=test/fuzz.sh
build=${UVCHAN_BUILD_DIR:-$root/build}
# shellcheck source=cmake/prepare.sh
. "$root/cmake/prepare.sh"

usage() {
  cat <<'EOF'
Usage: sh test/fuzz.sh [server] SECONDS
       sh test/fuzz.sh [server] --reduce
Fuzzes for so long, from the inputs in test/fuzz/corpus and those found before, which are in
build/fuzz/corpus. What breaks a promise is written to build/fuzz/found; the fuzzer takes its name
to run it again: build/fuzz/fuzz FILE.

  server     fuzzes a connection of the server's: test/server/fuzz/corpus, build/fuzz-server

  --reduce   makes the corpus anew: of all inputs, the smallest that together reach each
             branch, and the longest 64 of those that do so in another number of times

Exit code 0: nothing found; 77: there is no clang with a fuzzer here. UVCHAN_BUILD_DIR names another
build directory than build/.
EOF
}

what=fuzz
if [ "${1-}" = server ]; then
  what=fuzz-server
  shift
fi
case ${1-} in
  --help | -h)
    usage
    exit 0
    ;;
  --reduce | [1-9]*) ;;
  *)
    say 'how many seconds?'
    usage >&2
    exit 2
    ;;
esac

# compile OPTION...: what the run is made of is not looked at by the fuzzer, which follows the
# library's branches alone
compile() {
  # shellcheck disable=SC2046 # flags are words
  "$clang" -std=gnu11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=all \
    -I"$root/include" $(pkg-config --cflags libuv) "$@"
}

build_fuzz() {
  for part in ground ledger parties calls target; do
    compile -Wall -Wextra -Werror -c "$root/test/fuzz/$part.c" -o "$fuzz/$part.o" || return 1
  done
  # shellcheck disable=SC2046 # flags are words
  compile -fsanitize=fuzzer -I"$root/lib" "$root"/lib/[!r]*/*.c "$fuzz"/*.o -o "$fuzz/fuzz" \
    $(pkg-config --libs libuv) -pthread
}

# llhttp from its sources, so that the fuzzer follows its branches too, or as it is installed.
compile_llhttp() {
  sources=/usr/share/llhttp
  llhttp="-DSERVER_HAS_LLHTTP -DLLHTTP_STRICT_MODE=1"
  if [ ! -f "$sources/llhttp.c" ]; then
    llhttp_library=-lllhttp
    return
  fi
  llhttp="$llhttp -isystem /usr/share/include/llhttp"
  llhttp_library=
  for part in api http llhttp; do
    # shellcheck disable=SC2086 # flags are words
    compile -w $llhttp -fsanitize=fuzzer-no-link -c "$sources/$part.c" \
      -o "$fuzz/llhttp-$part.o" || return 1
    llhttp_library="$llhttp_library $fuzz/llhttp-$part.o"
  done
}

build_fuzz_server() {
  compile_llhttp || return 1
  parts=
  for part in connection exchange parse wire line fields reader answer bytes; do
    # shellcheck disable=SC2086 # flags are words
    compile -Wall -Wextra -Werror $llhttp -I"$root/demo" -I"$root/demo/server" \
      -fsanitize=fuzzer-no-link -c "$root/demo/server/http/$part.c" -o "$fuzz/$part.o" || return 1
    parts="$parts $fuzz/$part.o"
  done
  for part in socket target; do
    # shellcheck disable=SC2086
    compile -Wall -Wextra -Werror $llhttp -I"$root/demo" -I"$root/demo/server" \
      -c "$root/test/server/fuzz/$part.c" -o "$fuzz/$part.o" || return 1
    parts="$parts $fuzz/$part.o"
  done
  # shellcheck disable=SC2086
  compile -fsanitize=fuzzer $parts $llhttp_library -o "$fuzz/fuzz"
}

build_fuzzer() {
  if [ "$what" = fuzz ]; then build_fuzz; else build_fuzz_server; fi
}

open_build
install_missing cc pkg-config libuv
fuzz=$build/$what
kept=$root/test/fuzz/corpus
if [ "$what" = fuzz-server ]; then
  install_missing llhttp
  kept=$root/test/server/fuzz/corpus
fi
mkdir -p "$fuzz/corpus" "$fuzz/found"
clang=$(first_of clang)
if [ -z "$clang" ]; then
  say 'left out: there is no clang here, whose fuzzer this needs'
  exit 77
fi
echo '#include <stdint.h>
#include <stddef.h>
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { return data == NULL && size > 0; }
' >"$fuzz/probe.c"
if ! "$clang" -fsanitize=fuzzer "$fuzz/probe.c" -o "$fuzz/probe" >/dev/null 2>&1; then
  say 'left out: the clang here has no fuzzer (Debian: libclang-rt-*-dev)'
  exit 77
fi
quietly 'building the fuzzer' build_fuzzer

reduce() { # reduce TO FROM-OR-OPTION...
  to=$1
  shift
  rm -rf "$fuzz/$to"
  mkdir -p "$fuzz/$to"
  quietly "reducing to $to" "$fuzz/fuzz" "$fuzz/$to" "$@"
}

if [ "$1" = --reduce ]; then
  reduce fewer "$kept" "$fuzz/corpus" -merge=1 -use_counters=0
  reduce fewest "$fuzz/fewer" -set_cover_merge=1 -use_counters=0
  reduce others "$fuzz/fewest" "$kept" "$fuzz/corpus" -merge=1
  rm -f "$kept"/*
  # shellcheck disable=SC2012 # names are hashes
  ls -S "$fuzz/others" | head -n 64 | while read -r input; do cp "$fuzz/others/$input" "$kept"; done
  cp "$fuzz/fewest"/* "$kept"
  exit 0
fi
# fresh memory costs more than the runs
export ASAN_OPTIONS="quarantine_size_mb=16${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
length=600
if [ "$what" = fuzz-server ]; then length=3000; fi
exec "$fuzz/fuzz" "$fuzz/corpus" "$kept" -max_total_time="$1" -max_len="$length" \
  -timeout=20 -entropic=0 \
  -artifact_prefix="$fuzz/found/" -print_final_stats=1
