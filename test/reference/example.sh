#!/bin/sh
# SPDX-License-Identifier: MIT
# example.sh PROGRAM OUTPUT [EMULATOR...]: the program ends with 0, and prints what stands in the
# file.
set -eu
program=$1
output=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$@" "$program" >"$work/printed"
tr -d '\r' <"$work/printed" | diff "$output" -
