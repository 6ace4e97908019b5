#!/bin/sh
# SPDX-License-Identifier: MIT
# statics.sh NM LIBRARY: the library keeps nothing for itself but what is listed here, with a word
# on why it may: a process can have several copies of the library, threads that end, and children of
# fork(). Whoever adds a static asks what happens when there are two of it, or when the thread that
# has just changed it is not there any more.
set -eu
known='
allocator  constant once the library is in use; each piece of memory notes how it is freed
roster     the channels and pools that this copy made; held over a fork, emptied at its unloading
thread_id  of a thread: its number to the system; forgotten in a child of fork()
uvchan__registry  the hubs that this copy made; held over a fork
channel_rows  constant
pool_rows  constant
uvchan__text  constant
uvchan__json  constant
threads    counts threads, atomically; a number says nothing in another copy
number     of a thread: its own
state      of a thread: random
patience   of a thread: a hint
'
found=$("$1" "$2" | sed -n 's/^[0-9a-fA-F]* [bBdDC] //p' |
  sed 's/\.[0-9][0-9]*$//; s/^.*\.//' | sort -u)
status=0
for name in $found; do
  if ! printf '%s\n' "$known" | grep -q "^$name "; then
    echo "statics.sh: $name is not known here" >&2
    status=1
  fi
done
for name in $(printf '%s\n' "$known" | sed 's/ .*//'); do
  if ! printf '%s\n' "$found" | grep -qx "$name"; then
    echo "statics.sh: there is no $name any more" >&2
    status=1
  fi
done
[ $status -eq 0 ] && echo "statics.sh: $(printf '%s\n' "$found" | wc -l) statics"
exit $status
