#!/bin/sh
# SPDX-License-Identifier: MIT
# test/portability.sh answers --help and a wrong target before it builds anything; without the tools
# it skips the target, says why, and that is no failure.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
run=$here/../portability.sh
name='run-portability.sh'
# shellcheck source=test/scripts/expect.sh
. "$here/expect.sh"

path=$(bare_path sh dirname uname id mkdir cat sed tr)
expect 0 'Usage: sh test/portability.sh' sh "$run" --help
expect 2 "there is no target 'vax'" sh "$run" i386 vax
[ ! -e "$UVCHAN_BUILD_DIR" ]
expect 0 'skipped: not here: CMake 3.16 or later' env PATH="$path" CC= sh "$run" s390x
echo 'run-portability.sh: the answers are right'
