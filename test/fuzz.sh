#!/bin/sh
# Looks for sequences of calls that break a promise: builds the library and test/fuzz/ with clang's
# fuzzer and sanitizers, and runs them.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=test/fuzz.sh
build=${UVCHAN_BUILD_DIR:-$root/build}
# shellcheck source=cmake/prepare.sh
. "$root/cmake/prepare.sh"

usage() {
  cat <<'EOF'
Usage: sh test/fuzz.sh SECONDS
       sh test/fuzz.sh --reduce
Fuzzes for so long, from the inputs in test/fuzz/corpus and those found before, which are in
build/fuzz/corpus. What breaks a promise is written to build/fuzz/found; the fuzzer takes its name
to run it again: build/fuzz/fuzz FILE.

  --reduce   makes test/fuzz/corpus anew: of all inputs, the smallest that together reach each
             branch, and the longest 64 of those that do so in another number of times

Exit code 0: nothing found; 77: there is no clang with a fuzzer here. UVCHAN_BUILD_DIR names another
build directory than build/.
EOF
}

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

build_fuzzer() {
  for part in ground ledger parties calls target; do
    compile -Wall -Wextra -Werror -c "$root/test/fuzz/$part.c" -o "$fuzz/$part.o" || return 1
  done
  # shellcheck disable=SC2046 # flags are words
  compile -fsanitize=fuzzer -I"$root/lib" "$root"/lib/*/*.c "$fuzz"/*.o -o "$fuzz/fuzz" \
    $(pkg-config --libs libuv) -pthread
}

open_build
install_missing cc pkg-config libuv
fuzz=$build/fuzz
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
  kept=$root/test/fuzz/corpus
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
exec "$fuzz/fuzz" "$fuzz/corpus" "$root/test/fuzz/corpus" -max_total_time="$1" -max_len=600 \
  -timeout=20 -entropic=0 \
  -artifact_prefix="$fuzz/found/" -print_final_stats=1
