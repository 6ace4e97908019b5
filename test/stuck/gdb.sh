#!/bin/sh
# SPDX-License-Identifier: MIT
# gdb.sh COMPILER WORK-DIRECTORY: gdb's commands for channels tell from a core what is in them and
# who waits; and the library's own functions, called by gdb with all other threads stopped, and with
# locks held, come back. What is no same in each run, addresses and numbers of threads, is not
# compared.
set -eu
compiler=$1
work=$2/stuck-gdb
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)

leave_out() {
  echo "gdb.sh: left out: $*"
  exit 77
}

command -v gdb >/dev/null 2>&1 || leave_out 'there is no gdb here'
gdb -batch -nx -ex 'python print(1)' 2>/dev/null | grep -qx 1 || leave_out 'gdb has no Python here'
rm -rf "$work"
mkdir -p "$work"
cd "$work"
# shellcheck disable=SC2046 # the flags of pkg-config are words
"$compiler" -std=gnu11 -g -O1 -I"$root/include" -I"$root/lib" "$root/test/stuck/program.c" \
  "$root"/lib/[!r]*/*.c $(pkg-config --cflags --libs "$module") -pthread -o program

# The program runs until it aborts. All threads but the one that calls stay where they are.
gdb -batch -nx -ex run -ex 'generate-core-file core' -ex 'set scheduler-locking on' \
  -ex 'set unwindonsignal on' \
  -ex 'call (void)uvchan_print_all((uv_loop_t*)0, (FILE*)0)' \
  -ex 'set var orders->lock = 1' -ex 'set var oven->lock = 1' \
  -ex 'call (void)uvchan_print_all((uv_loop_t*)0, (FILE*)0)' \
  -ex 'set var orders->member.home->lock = 1' \
  -ex 'call (void)uvchan_print_all((uv_loop_t*)0, (FILE*)0)' \
  -ex kill ./program </dev/null >called 2>&1 || :
[ -s core ] || leave_out 'gdb can not run a program here, or leave its core'

same() { # same FILE: the part that is the same in each run
  sed -e 's/0x[0-9a-f]*/ADDRESS/g' -e 's/LWP [0-9]*/LWP N/' -e 's/thread [0-9?]* (/thread N (/' \
    -e '/^warning: /d' "$1"
}

gdb -batch -nx -ex "source $root/docs/gdb/uvchan-gdb.py" -ex 'echo begin\n' \
  -ex uvchan-channels -ex uvchan-pools -ex 'uvchan-channel orders' -ex 'uvchan-channel oven' \
  -ex 'uvchan-channel desk' -ex "uvchan-values orders 'struct order'" -ex 'uvchan-values orders' \
  -ex 'uvchan-values log_lines int 3' -ex 'uvchan-values oven' ./program core </dev/null \
  >told 2>&1
sed '1,/^begin$/d' told >part
same part >told
cat >expected <<'EOF'
channel 1 "orders" at ADDRESS: bounded, 3 of 3, 16 bytes each, open
channel 2 "oven" at ADDRESS: unbuffered, 0, 0 bytes each, open
channel 3 "log" at ADDRESS: unbounded, 5, 4 bytes each, open
channel 4 "desk" at ADDRESS: bounded, 0 of 4, 16 bytes each, open
pool 5 "kitchen" at ADDRESS: 0 of 4 wait, 0 for room, 1 of 1 threads at work
  works: thread N (LWP N), at ADDRESS
channel 1 "orders" at ADDRESS: bounded, 3 of 3, 16 bytes each, open
  waits to send: thread N (LWP N)
channel 2 "oven" at ADDRESS: unbuffered, 0, 0 bytes each, open
  waits to receive: a request on loop ADDRESS
  waits to receive: thread N (LWP N)
  waits to receive: thread N (LWP N)
channel 4 "desk" at ADDRESS: bounded, 0 of 4, 16 bytes each, open
  receives: ADDRESS on loop ADDRESS, waits
[0] {number = 3, pizza = "margherita\000"}
[1] {number = 4, pizza = "diavola\000\000\000\000"}
[2] {number = 5, pizza = "quattro\000\000\000\000"}
[0] 03 00 00 00 6d 61 72 67 68 65 72 69 74 61 00 00
[1] 04 00 00 00 64 69 61 76 6f 6c 61 00 00 00 00 00
[2] 05 00 00 00 71 75 61 74 74 72 6f 00 00 00 00 00
[0] 1
[1] 2
[2] 3
and 2 more
EOF
diff expected told

# What the calls have printed to standard error: three times, the second time with two channels
# busy, the third time with the list of all held.
grep -c '^channel 1 "orders" at ' called | grep -qx 3 # and once by the program itself
grep -c '"orders" at .*, busy$' called | grep -qx 1
grep -c '"oven" at .*, busy$' called | grep -qx 1
grep -c '^uvchan: busy: ' called | grep -qx 1
echo 'gdb.sh: gdb tells what is in a core, and calls the library while it is stopped'
