#!/bin/sh
# SPDX-License-Identifier: MIT
# Every shell script of the project can be read by its shell.
set -eu
cd -- "$(dirname -- "$0")/../.."
n=0
# shellcheck disable=SC2044 # no name of ours has a space
for script in $(find demo test cmake -name '*.sh'); do
  sh -n "$script"
  n=$((n + 1))
done
if command -v bash >/dev/null 2>&1; then bash -n .ci/run; fi
echo "scripts.sh: $n scripts"
[ "$n" -ge 5 ]
