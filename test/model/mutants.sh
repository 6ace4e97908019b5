#!/bin/sh
# SPDX-License-Identifier: MIT
# Weakens each memory order of the library in turn, in a copy of its sources, and shows which model dies of it: a label whose weaker order
# every model survives is held by nothing.
#
#   sh test/model/mutants.sh GENMC [LABEL...]
#
# Prints a line for each mutant: the label, the file, what was weakened, the model, and the error that it found. Fails where a model
# survives, or a mutant does not apply. MEMORY_MODELS (rc11 by default) and SECONDS_EACH are explore.sh's.
set -u
if [ $# -lt 1 ]; then
  echo "usage: sh test/model/mutants.sh GENMC [LABEL...]" >&2
  exit 2
fi
genmc=$1
shift
labels=$*
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
failed=0

# is_wanted LABEL
is_wanted() {
  [ -z "$labels" ] && return 0
  case " $labels " in
    *" $1 "*) return 0 ;;
  esac
  return 1
}

# mutant LABEL FILE MODEL WHAT SED: the first argument of sed makes the weaker order in the file
mutant() {
  is_wanted "$1" || return 0
  rm -rf "$scratch/lib"
  cp -R "$root/lib" "$scratch/lib"
  sed "$5" "$root/lib/$2" >"$scratch/lib/$2"
  result="does not apply"
  if ! cmp -s "$root/lib/$2" "$scratch/lib/$2"; then
    result=$(LIB=$scratch/lib MEMORY_MODELS=${MEMORY_MODELS:-rc11} SECONDS_EACH=${SECONDS_EACH:-300} \
      sh "$here/explore.sh" "$genmc" "$3" | sed -n '2s/.*  \(.*\)$/\1/p')
  fi
  case $result in
    error:*) ;;
    *) failed=1 ;;
  esac
  printf '%-13s %-19s %-48s %-20s %s\n' "$1" "$2" "$4" "$3" "$result"
}

# justified LABEL FILE WHERE WHY: no model dies of it, and none has to
justified() {
  is_wanted "$1" && printf '%-13s %-19s %-48s %-20s %s\n' "$1" "$2" "$3" "none" "$4"
}

# Within a function, from its name at the begin of a line to the closing brace.
in_function() { echo "/^[a-z].*[ *]$1(/,/^}/ s/$2/$3/"; }

acquire=memory_order_acquire
release=memory_order_release
both=memory_order_acq_rel
relaxed=memory_order_relaxed

mutant seq.A store/words.h ring-exactly-once "uvchan__load_seq: relaxed" "$(in_function uvchan__load_seq $acquire $relaxed)"
mutant seq.R store/words.h ring-exactly-once "uvchan__store_seq: relaxed" "$(in_function uvchan__store_seq $release $relaxed)"
mutant word.A store/words.h end-status "uvchan__load_word: relaxed" "$(in_function uvchan__load_word $acquire $relaxed)"
mutant word.A store/words.h stop-armed "uvchan__move_word: release" "$(in_function uvchan__move_word $both $release)"
mutant word.R store/words.h sleep-armed "uvchan__move_word: acquire" "$(in_function uvchan__move_word $both $acquire)"
justified word.R store/ring.c "uvchan__ring_unmark" "with the lock, which orders it; the chain of moves goes on through it in any order"
justified word.R store/ring.c "uvchan__ring_disarm" "the same; and a post that is due is awaited under the hub's lock"
mutant claim.R wake/claim.h claim "uvchan__decide: acquire" "$(in_function 'uvchan__decide' $both $acquire)"
mutant claim.A wake/claim.h claim "uvchan__decide: release" "$(in_function 'uvchan__decide' $both $release)"
mutant lock.A ground/lock.h lock-counts "uvchan__lock: relaxed at once" "/compare_exchange_strong/ s/$acquire/$relaxed/"
mutant lock.A ground/lock.h lock-counts "uvchan__lock: relaxed in a pause" "/compare_exchange_weak/ s/$acquire/$relaxed/"
mutant lock.A ground/lock.h lock-counts "uvchan__lock: relaxed after sleep" "/atomic_exchange_explicit(lock, 2/ s/$acquire/$relaxed/"
mutant lock.R ground/lock.h lock-counts "uvchan__unlock: relaxed" "$(in_function uvchan__unlock $release $relaxed)"
justified sleep.A wake/park.c "uvchan__park: the exchange" "the look that follows it observes the same"
mutant sleep.A wake/park.c park-wakes "uvchan__park: relaxed look" "$(in_function uvchan__park "load_explicit(sleep, $acquire" "load_explicit(sleep, $relaxed")"
mutant sleep.A wake/park.c unbuffered "uvchan__spin_until_finished: relaxed look" "$(in_function uvchan__spin_until_finished $acquire $relaxed)"
mutant sleep.R wake/park.c park-wakes "uvchan__unpark: relaxed" "$(in_function uvchan__unpark $both $relaxed)"
# The portable way, the lower half of the file.
mutant bed.R wake/park.c park-bed "sleep_in: acquire" "$(in_function sleep_in $both $acquire)"
mutant bed.A wake/park.c park-bed "rouse: release" "$(in_function rouse $both $release)"
mutant sleep.A wake/park.c park-bed "doze: relaxed look" "$(in_function doze $acquire $relaxed)"
mutant sleep.A wake/park.c park-bed "sleep_in: release, relaxed" "$(in_function sleep_in $both $release);$(in_function sleep_in $acquire $relaxed)"
mutant sleep.R wake/park.c park-bed "rouse: acquire" "$(in_function rouse $both $acquire)"
mutant sleep.R wake/park.c park-bed "uvchan__unpark: relaxed store" "$(in_function uvchan__unpark $release $relaxed)"
mutant posted.A wake/turns.c hub-twice "run_first: release" "$(in_function run_first $both $release)"
mutant posted.R wake/posts.c hub-twice "is_posted: acquire" "$(in_function is_posted $both $acquire)"
mutant pending.R wake/posts.c hub-pending "demand_wake_locked: acquire" "$(in_function demand_wake_locked $both $acquire)"
mutant pending.A wake/posts.c hub-pending "demand_wake_locked: release" "$(in_function demand_wake_locked $both $release)"
mutant pending.R wake/posts.c hub-pending "send_wake: acquire" "$(in_function send_wake $both $acquire)"
mutant pending.A wake/posts.c hub-pending "send_wake: release" "$(in_function send_wake $both $release)"
mutant references.R wake/hub-state.c hub-late "uvchan__hub_give_back: acquire" "$(in_function uvchan__hub_give_back $both $acquire)"
mutant references.A wake/hub-state.c hub-late "uvchan__hub_give_back: release" "$(in_function uvchan__hub_give_back $both $release)"
mutant references.R channel/life.c released "uvchan_release: acquire" "$(in_function uvchan_release $both $acquire)"
mutant references.A channel/life.c released "uvchan_release: release" "$(in_function uvchan_release $both $release)"
mutant first.R channel/receivers.c first-leaves "set_role: relaxed" "$(in_function set_role $release $relaxed)"
mutant first.A channel/receivers.c first-leaves "is_first: relaxed" "$(in_function is_first $acquire $relaxed)"
mutant room.A channel/overflow.c drop-room "overflow_large: relaxed exchange" "$(in_function overflow_large $acquire $relaxed)"
mutant room.R channel/overflow.c drop-room "overflow_large: relaxed store" "$(in_function overflow_large $release $relaxed)"
mutant step channel/receivers.c stop-owed "receiver_end_wait: awaits no post" "/hub_await_post/ s/(is_posted)/(0)/"
mutant step channel/receivers.c stop-owed "receiver_end_wait: leaves tail ARMED" "$(in_function uvchan__receivers_end_wait "!uvchan__ring_disarm(&ch->ring)" 0)"
mutant step channel/overflow.c overflow-observed "send_dropping_oldest: head is not marked" "/uvchan__mark_for(ch, 1)/ s/1/0/"
mutant step channel/overflow.c overflow-received "send_dropping_oldest: head is not marked" "/uvchan__mark_for(ch, 1)/ s/1/0/"
mutant step ends/select.c select-looks "uvchan_try_select: looks no second time" "/try_until_sure(.*) : r;/ s/r == .* : r/r/"
mutant step ends/select.c select-sure "try_until_sure: looks once" "/ || !is_none_ready(.*&second) ||$/ { N; s/ || !is_none_ready.*first != second//; }"
mutant step ends/select.c select-sure "try_until_sure: compares no stamps" "/&second) ||$/ { N; s/ ||\n *first != second//; }"
exit $failed
