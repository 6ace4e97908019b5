/* SPDX-License-Identifier: MIT */
/* What a started receiver does when it finds nothing. Ideas and threads: polling.h. */
#include "ends/polling.h"

#include "channel/peek.h"
#include "ground/platform.h"
#include "ground/tuning.h"
#include "store/ring.h"
#include "wake/turns.h"

static const uvchan__ring_t* ring_of(const uvchan_receiver_t* receiver) {
  return uvchan__const_ring_of(receiver->channel);
}

static int has_ring(const uvchan_receiver_t* receiver) {
  return uvchan__has_ring_to_receive(receiver->channel);
}

static int comes_soon(const uvchan_receiver_t* receiver) {
  int i;

  if (!has_ring(receiver)) return 0;
  for (i = 0; i < UVCHAN__LOOKS_PER_CLOCK; i++) {
    if (uvchan__ring_has_value(ring_of(receiver))) return 1;
    uvchan__pause();
  }
  return 0;
}

static int may_spin(const uvchan_receiver_t* receiver, uint64_t now) {
  return receiver->last_value != 0 && now - receiver->last_value < receiver->spin;
}

/* A moment's look comes first, without the clock. Then its time begins anew with what this turn has
 * delivered, or the turn before, whose budget was used up. Within the turn it spins at a ring
 * alone, for some microseconds, and as long as nobody else wants the loop; what is left of its time
 * it spends from turn to turn. */
static uvchan__next_t spin(uvchan_receiver_t* receiver, uvchan__turn_t* turn) {
  uint64_t now;

  if (turn->delivered > 0 && comes_soon(receiver)) return UVCHAN__LOOK_AGAIN;
  now = uv_hrtime();
  if (turn->spun_since == 0) turn->spun_since = now;
  if (turn->delivered > 0 || turn->is_continued) receiver->last_value = now;
  if (!has_ring(receiver)) return may_spin(receiver, now) ? UVCHAN__NEXT_TURN : UVCHAN__WAIT;
  while (may_spin(receiver, now) && now - turn->spun_since < UVCHAN__SPIN_IN_TURN_NS &&
         !uvchan__hub_is_in_demand(receiver->waiter.hub)) {
    if (comes_soon(receiver)) return UVCHAN__LOOK_AGAIN;
    now = uv_hrtime();
  }
  return may_spin(receiver, now) ? UVCHAN__NEXT_TURN : UVCHAN__WAIT;
}

/* Whether it has delivered a good many values; of a small channel, a part of what it holds. */
static int is_busy(const uvchan_receiver_t* receiver, const uvchan__turn_t* turn) {
  size_t part = UVCHAN__BUSY_PART_OF_RING;
  size_t some = (uvchan__slots_to_receive(receiver->channel) + part - 1) / part;
  size_t many = has_ring(receiver) && some < UVCHAN__BUSY_VALUES ? some : UVCHAN__BUSY_VALUES;

  return turn->delivered >= many || turn->is_continued;
}

/* Whoever is not busy waits; so does one whose last looks were in vain, so many times. At a small
 * ring there is no batch to let gather: it looks for the next value here and now. Else it looks
 * again in its next turn, where was_busy has it let a batch gather first. */
uvchan__next_t uvchan__poll_or_wait(uvchan_receiver_t* receiver, uvchan__turn_t* turn) {
  if (receiver->spin > 0) return spin(receiver, turn);
  if (!is_busy(receiver, turn)) return UVCHAN__WAIT;
  if (receiver->skips > 0) {
    receiver->skips--;
    return UVCHAN__WAIT;
  }
  if (uvchan__ring_is_small(ring_of(receiver)) && comes_soon(receiver)) return UVCHAN__LOOK_AGAIN;
  receiver->was_busy = 1;
  return UVCHAN__NEXT_TURN;
}

static void pause_a_while(void) {
  int i;

  for (i = 0; i < UVCHAN__COALESCE_PAUSES; i++) uvchan__pause();
}

static void await_batch(const uvchan__ring_t* ring) {
  uint64_t begin = uv_hrtime();
  int has_yielded = 0;
  uint64_t gone;

  do {
    pause_a_while();
    if (uvchan__ring_has_batch(ring)) return;
    gone = uv_hrtime() - begin;
    if (gone > UVCHAN__COALESCE_NS / UVCHAN__COALESCE_PART_TO_YIELD && !has_yielded) {
      uvchan__yield(); /* on a single processor, this is what lets the values come */
      has_yielded = 1;
    }
  } while (gone < UVCHAN__COALESCE_NS);
}

/* Only in the turn after a busy one, and only where there is no batch already. A value that has
 * come meanwhile shows that it pays. Where none has, it is passed over the next 2^misses - 1 times,
 * with misses the number of times in a row: 1, 3, 7, up to 63. */
void uvchan__coalesce(uvchan_receiver_t* receiver) {
  const uvchan__ring_t* ring = ring_of(receiver);
  size_t before;

  if (!receiver->was_busy) return;
  receiver->was_busy = 0;
  if (!has_ring(receiver) || uvchan__ring_has_batch(ring)) return;
  before = uvchan__ring_len(ring);
  await_batch(ring);
  if (uvchan__ring_len(ring) > before) {
    receiver->misses = 0;
    return;
  }
  if (receiver->misses < UVCHAN__MOST_MISSES) receiver->misses++;
  receiver->skips = (unsigned char)((1u << receiver->misses) - 1);
}
