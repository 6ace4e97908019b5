#!/bin/sh
# SPDX-License-Identifier: MIT
# demo/run.sh answers --help and a wrong name before it installs or builds anything, and says what
# is missing where it can't install it.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
run=$here/../../demo/run.sh
name='run-demo.sh'
# shellcheck source=test/scripts/expect.sh
. "$here/expect.sh"

path=$(bare_path sh dirname uname id mkdir)
expect 0 'Usage: sh demo/run.sh' sh "$run" --help
expect 2 "there is no program 'burgers'" sh "$run" burgers
expect 0 'Usage: sh demo/run.sh cluster' sh "$run" cluster --servers 2 --help
expect 2 "--servers: '0' is not a whole number from 1 to 16" sh "$run" cluster --servers 0
[ ! -e "$UVCHAN_BUILD_DIR" ]
expect 1 'libuv 1.42 or later, with its headers' env PATH="$path" CC= sh "$run" generator
echo 'run-demo.sh: the answers are right'
