#!/bin/sh
# SPDX-License-Identifier: MIT
# Explores each model whole, under two memory models, with a checker of yours: GenMC 0.10.3, as built from its sources.
#
#   sh test/model/explore.sh GENMC [MODEL...]
#
# Prints a line for each: the model, the memory model, the executions that were explored to their end, those that ended at a wait
# (program.h), the seconds of processor time, and the result. Fails where one has an error, or does not end within the time.
#
#   LIB=DIRECTORY       the library's sources, lib by default
#   SECONDS_EACH=N      the longest exploration, 600 seconds of processor time by default
#   MEMORY_MODELS=LIST  "rc11 imm" by default
#   FLAGS=LIST          for the compiler, as -DNAME
set -u
if [ $# -lt 1 ]; then
  echo "usage: sh test/model/explore.sh GENMC [MODEL...]" >&2
  exit 2
fi
genmc=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=${LIB:-$root/lib}
output=$(mktemp) || exit 1
trap 'rm -f "$output" "$output.times"' EXIT
trap 'exit 1' INT TERM

if [ $# -eq 0 ]; then
  for source in "$here"/*.c; do
    set -- "$@" "$(basename "$source" .c)"
  done
fi

# number WORDS: the one behind the words in the checker's output, 0 where they are missing
number() {
  n=$(sed -n "s/^$1: *\([0-9.]*\).*/\1/p" "$output")
  echo "${n:-0}"
}

# seconds: of processor time, by the checker and its compiler; of what `times` prints, the second line is about them
seconds() { sed -n '2s/[ms]/ /gp' "$output.times" | awk '{ printf "%d\n", ($1 + $3) * 60 + $2 + $4 + 0.5 }'; }

# options MODEL: What is left out changes no result. Of the whole library some passes stop at what they do not expect, and of what the cache
# keeps, the places of variables on the stack do not hold where functions are not inlined.
options() {
  echo "--disable-mm-detector --disable-estimation"
  if grep -q '^#include "\(whole\|loop\|pool\).h"' "$here/$1.c"; then
    echo "--disable-function-inliner --disable-loop-jump-threading --disable-load-annotation --disable-instruction-caching"
  fi
}

# explore MODEL MEMORY_MODEL
explore() {
  (
    ulimit -t "${SECONDS_EACH:-600}"
    "$genmc" "--$2" $(options "$1") -- -std=gnu11 -gline-tables-only -w -DMODEL_CHECKER ${FLAGS:-} \
      -I"$here" -I"$root/include" -I"$lib" "$here/$1.c" >"$output" 2>&1
    status=$?
    times >"$output.times"
    exit $status
  )
  status=$?
  result=whole
  if [ $status -ge 128 ] && [ "$(seconds)" -ge "${SECONDS_EACH:-600}" ]; then
    result="not whole within ${SECONDS_EACH:-600} s"
  elif [ $status -ne 0 ] || ! grep -q '^No errors were detected' "$output"; then
    result="error: $(grep -m 1 -i 'error:' "$output" || tail -n 1 "$output")"
  fi
  printf '%-20s %-5s %8s %8s %8s  %s\n' "$1" "$2" "$(number 'Number of complete executions explored')" \
    "$(number 'Number of blocked executions seen')" "$(seconds)" "$result"
  [ "$result" = whole ]
}

failed=0
printf '%-20s %-5s %8s %8s %8s  %s\n' model under explored waits seconds result
for model in "$@"; do
  for memory_model in ${MEMORY_MODELS:-rc11 imm}; do
    explore "$model" "$memory_model" || failed=1
  done
done
exit $failed
