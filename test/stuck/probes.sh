#!/bin/sh
# SPDX-License-Identifier: MIT
# probes.sh COMPILER WORK-DIRECTORY: each probe is there, and comes with its arguments, as gdb sees
# them; and the lines of docs/stuck.md are ones that bpftrace, where it is installed, compiles.
set -eu
compiler=$1
work=$2/stuck-probes
module=${UVCHAN_LIBUV:-libuv} # of pkg-config
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)

leave_out() {
  echo "probes.sh: left out: $*"
  exit 77
}

echo '#include <sys/sdt.h>' | "$compiler" -fsyntax-only -x c - 2>/dev/null ||
  leave_out 'there is no <sys/sdt.h> here (Debian: systemtap-sdt-dev)'
command -v gdb >/dev/null 2>&1 || leave_out 'there is no gdb here'
gdb -batch -nx -ex 'python print(1)' 2>/dev/null | grep -qx 1 || leave_out 'gdb has no Python here'
rm -rf "$work"
mkdir -p "$work"
cd "$work"
# shellcheck disable=SC2046 # the flags of pkg-config are words
"$compiler" -std=gnu11 -g -O2 -DUVCHAN_PROBES -DUVCHAN_PROBES_FAST -I"$root/include" \
  -I"$root/lib" "$root/test/stuck/probed.c" "$root"/lib/[!r]*/*.c \
  $(pkg-config --cflags --libs "$module") -pthread -o server

gdb -batch -nx -ex 'set breakpoint pending on' -ex "source $root/test/stuck/probes.py" -ex run \
  ./server </dev/null >told 2>&1 || :
grep -q 'exited normally' told || leave_out 'gdb can not run a program here'
sed -n 's/^probe //p' told >probes
diff - probes <<'EOF'
send 2
drop 1 1
receive 1
send 1
receive 2
wait 0
send 1
receive 1
wake 0
close -99
submit 0
begin
done 0
EOF

if command -v bpftrace >/dev/null 2>&1 &&
  bpftrace -l "usdt:./server:*" | grep -q 'uvchan:wake'; then
  awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside { print }' \
    "$root/docs/stuck.md" | sed '/^perf /d; s/^bpftrace -e/bpftrace -d -e/' >lines
  grep -c '^bpftrace -d ' lines | grep -qx 6
  sh -eu ./lines >bpftrace.log 2>&1 || {
    cat bpftrace.log >&2
    exit 1
  }
fi
echo 'probes.sh: each probe comes with its arguments'
