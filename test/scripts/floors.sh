#!/bin/sh
# SPDX-License-Identifier: MIT
# floors.sh: lib/ is built of floors, and includes go down alone: from a floor to itself, or along
# one of the arrows below. lib/redis has none, to it or from it: it is a library of its own, which
# stands on the public header as any user does. A room is a .c file with its header, and there is no
# circle of rooms. What is inside a channel, and inside a hub, is open to one floor alone. Each
# mistake is named, in all of lib/; a new include that is right needs no change here.
set -eu
cd -- "$(dirname -- "$0")/../../lib"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

arrows='
inspect pool
inspect channel
inspect wake
inspect ground
pool ends
pool wake
pool store
pool ground
ends channel
ends wake
ends store
ends ground
channel wake
channel store
channel ground
wake ground
store ground
'
private='
channel/state.h channel
channel/steps.h channel
wake/hub-state.h wake
pool/state.h pool
channel/stats.h channel
pool/stats.h pool
'

# Each include of a file of lib/ itself: who includes, what.
for file in */*.c */*.h; do
  sed -n 's/^[ 	]*#[ 	]*include[ 	]*"\(.*\)".*/\1/p' "$file" | sed "s|^|$file |"
done >"$work/includes"
[ -s "$work/includes" ]

status=0
while read -r from to; do
  below=${to%%/*}
  if [ ! -f "$to" ]; then
    echo "floors.sh: $from includes $to, which is no floor's file" >&2
    status=1
  elif [ "${from%%/*}" != "$below" ] &&
    ! printf '%s\n' "$arrows" | grep -qx "${from%%/*} $below"; then
    echo "floors.sh: $from includes $to: $below does not lie below ${from%%/*}" >&2
    status=1
  fi
  owner=$(printf '%s\n' "$private" | sed -n "s|^$to ||p")
  if [ -n "$owner" ] && [ "${from%%/*}" != "$owner" ]; then
    echo "floors.sh: $from includes $to, which is open to $owner/ alone" >&2
    status=1
  fi
done <"$work/includes"

# A room and one that it includes, on a line; of a circle some versions of tsort only complain.
sed 's/\.[ch] / /; s/\.[ch]$//' "$work/includes" | sort -u >"$work/rooms"
if ! tsort "$work/rooms" >"$work/sorted" 2>"$work/circles" || [ -s "$work/circles" ]; then
  echo "floors.sh: rooms that include each other in a circle:" >&2
  cat "$work/circles" >&2
  status=1
fi

[ $status -eq 0 ] &&
  echo "floors.sh: $(wc -l <"$work/sorted") rooms, $(wc -l <"$work/rooms") arrows between them"
exit $status
