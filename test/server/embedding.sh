#!/bin/sh
# SPDX-License-Identifier: MIT
# embedding.sh COMPILER WORK-DIRECTORY: the C of docs/embedding.md is true. A block that includes
# something is a file that compiles without a warning; of any other each line stands in the source
# of demo/server.
set -eu
compiler=$1
work=$2/embedding
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)

rm -rf "$work"
mkdir -p "$work"
# Each block to a file of its own.
awk -v work="$work" '
  /^```/ && inside { inside = 0; next }
  $0 == "```c" { inside = 1; file = work "/block-" ++n ".c"; next }
  inside { print >file }' "$root/docs/embedding.md"
find "$root/demo/server" -name '*.c' -exec cat {} + >"$work/source"

compiled=0
quoted=0
for block in "$work"/block-*.c; do
  if grep -q '^#include' "$block"; then
    # shellcheck disable=SC2046 # the flags of pkg-config are words
    "$compiler" -std=gnu11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$root/include" \
      $(pkg-config --cflags "$module") "$block"
    compiled=$((compiled + 1))
    continue
  fi
  while IFS= read -r line; do
    grep -qxF -e "$line" "$work/source" || {
      echo "embedding.sh: this stands nowhere in demo/server: $line" >&2
      exit 1
    }
  done <"$block"
  quoted=$((quoted + 1))
done
[ "$compiled" -ge 1 ] && [ "$quoted" -ge 2 ]
echo "embedding.sh: $compiled blocks compile, $quoted are quoted"
