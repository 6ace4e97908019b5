/* SPDX-License-Identifier: MIT */
/* What one call does to one channel where the fast path is refused: the ring's general case, else a
 * visit under the lock. Threads: any. */
#include "channel/call.h"

#include <assert.h>

#include "channel/aging.h"
#include "channel/overflow.h"
#include "channel/steps.h"
#include "ground/tuning.h"
#include "wake/posts.h"

/* ---- Operations that do not wait ----------------------------------------------------------------
 *
 * Each is one visit. On a channel whose values grow old something may have to be dropped first, and
 * then it is another one, with memory for that: so there it is put together as a call for
 * uvchan__call_aged(). */

/* One visit, or more where a block has to be made for it. */
static int send_in_visit(uvchan_t* ch, const void* value, uvchan__block_t* block,
                         uvchan__held_t* held) {
  for (;;) {
    uvchan__visit_t visit = UVCHAN__VISIT_HOLDING(block, held);
    int r;

    uvchan__lock_channel(ch);
    r = uvchan__send_locked(ch, value, &visit);
    uvchan__unlock_and_wake(ch, &visit);
    if (r != UV_ENOMEM) return r;
    block = uvchan__block_new(visit.wanted);
    if (block == NULL) return UV_ENOMEM;
  }
}

typedef struct {
  const void* value;
  uvchan__block_t* block; /* of the first visit */
} send_call_t;

static int attempt_to_send(uvchan_t* ch, void* arg, uvchan__held_t* held) {
  send_call_t* call = arg;
  uvchan__block_t* block = call->block;

  call->block = NULL;
  return send_in_visit(ch, call->value, block, held);
}

static UVCHAN__APART int send_aged(uvchan_t* ch, const void* value, uvchan__block_t* block) {
  send_call_t call = {value, block};

  return uvchan__call_aged(ch, attempt_to_send, &call);
}

static int send_under_lock(uvchan_t* ch, const void* value, uvchan__block_t* block) {
  int r = ch->is_aging ? send_aged(ch, value, block) : send_in_visit(ch, value, block, NULL);

  return r == UV_EAGAIN && ch->overflow != UVCHAN_WAIT ? uvchan__send_to_full(ch, value) : r;
}

/* Whom a sender may have to post lies in another cache: fetched while the value is on its way.
 * 10,000 channels: 60 ns a value without it, 57 with it; 1,000: 44 and 41. A hint: the receiver is
 * not touched. */
static void prefetch_receiver(const uvchan_t* ch) {
#ifdef __GNUC__
  const uvchan_receiver_t* first = uvchan__first_started(ch);

  if (first != NULL) __builtin_prefetch(&first->waiter.entry, 1);
#else
  (void)ch;
#endif
}

int uvchan__send_slow(uvchan_t* ch, const void* value, uvchan__block_t* block) {
  uvchan__prefault(value, uvchan__size_to_send(ch));
  prefetch_receiver(ch);
  switch (uvchan__ring_push_slow(&ch->ring, value, UVCHAN__MARKS)) {
    case UVCHAN__RING_DONE:
      UVCHAN__PROBE2(send, ch, 1);
      return 0;
    case UVCHAN__RING_DISARMED:
      UVCHAN__PROBE2(send, ch, 1);
      uvchan__post_armed(ch);
      return 0;
    case UVCHAN__RING_FULL:
      return ch->overflow == UVCHAN_WAIT ? UV_EAGAIN : uvchan__send_to_full(ch, value);
    default:
      return send_under_lock(ch, value, block);
  }
}

/* Up to n values in one visit. 0 where there was one; else the end or UV_EAGAIN. */
static inline int recv_in_visit(uvchan_t* ch, void* values, size_t n, size_t* moved,
                                uvchan__held_t* held) {
  uvchan__visit_t visit = UVCHAN__VISIT_HOLDING(NULL, held);
  int r = 0;

  *moved = 0;
  uvchan__lock_channel(ch);
  while (*moved < n) {
    r = uvchan__recv_locked(ch, uvchan__nth(values, *moved, uvchan__size_to_receive(ch)), &visit);
    if (r != 0) break;
    ++*moved;
  }
  uvchan__unlock_and_wake(ch, &visit);
  return *moved > 0 ? 0 : r;
}

typedef struct {
  void* values;
  size_t n;
  size_t* moved;
} recv_call_t;

static int attempt_to_receive(uvchan_t* ch, void* arg, uvchan__held_t* held) {
  const recv_call_t* call = arg;

  return recv_in_visit(ch, call->values, call->n, call->moved, held);
}

static UVCHAN__APART int recv_aged(uvchan_t* ch, void* values, size_t n, size_t* moved) {
  recv_call_t call = {values, n, moved};

  return uvchan__call_aged(ch, attempt_to_receive, &call);
}

/* With a count of its own, which is nobody's else to see. */
static UVCHAN__APART int recv_one_aged(uvchan_t* ch, void* value) {
  size_t moved;

  return recv_aged(ch, value, 1, &moved);
}

static int recv_under_lock(uvchan_t* ch, void* values, size_t n, size_t* moved) {
  return ch->is_aging ? recv_aged(ch, values, n, moved) : recv_in_visit(ch, values, n, moved, NULL);
}

int uvchan__recv_slow(uvchan_t* ch, void* value) {
  uvchan__ring_result_t r;
  size_t moved;

  uvchan__prefault(value, uvchan__size_to_receive(ch));
  r = uvchan__ring_pop_slow(&ch->ring, value, UVCHAN__SLOW);
  if (r == UVCHAN__RING_DONE) UVCHAN__PROBE2(receive, ch, 1);
  if (r != UVCHAN__RING_REFUSED) return uvchan__from_ring(ch, r);
  return ch->is_aging ? recv_one_aged(ch, value) : recv_in_visit(ch, value, 1, &moved, NULL);
}

/* Of many values so many are moved in one step as have their pages touched before it: up to n, and
 * few enough that this costs little where fewer are moved in the end. */
static size_t prefault_some(const void* values, size_t n, size_t size) {
  if (n > UVCHAN__PREFAULT_BYTES) n = UVCHAN__PREFAULT_BYTES;
  while (n > 1 && (uint64_t)n * size > UVCHAN__PREFAULT_BYTES) n /= 2;
  uvchan__prefault(values, n * size);
  return n;
}

/* Takes on only where it got all that it had asked for: there may be more. */
int uvchan__recv_n(uvchan_t* ch, void* values, size_t n, size_t* moved) {
  size_t size = uvchan__size_to_receive(ch);
  size_t asked, k;

  *moved = 0;
  do {
    void* rest = uvchan__nth(values, *moved, size);
    uvchan__ring_result_t popped;
    int r;

    asked = prefault_some(rest, n - *moved, size);
    popped = uvchan__ring_pop_n(&ch->ring, rest, asked, UVCHAN__SLOW, &k);
    if (popped == UVCHAN__RING_DONE) UVCHAN__PROBE2(receive, ch, k);
    r = popped == UVCHAN__RING_REFUSED ? recv_under_lock(ch, rest, asked, &k)
                                       : uvchan__from_ring(ch, popped);
    if (r != 0) return *moved > 0 ? 0 : r;
    *moved += k;
  } while (k == asked && *moved < n);
  return 0;
}

/* The ring takes as many as it has room for. Where it takes none, one value goes the general way:
 * to whoever waits, over a full channel's policy, or to a store that is no ring. */
int uvchan__send_n(uvchan_t* ch, const void* values, size_t n, size_t* moved) {
  size_t size = uvchan__size_to_send(ch);
  size_t prefaulted = 0;
  int r = 0;

  *moved = 0;
  while (*moved < n) {
    const void* rest = uvchan__nth(values, *moved, size);
    uvchan__ring_result_t pushed;
    size_t k;

    if (prefaulted == *moved) prefaulted += prefault_some(rest, n - *moved, size);
    pushed = uvchan__ring_push_n(&ch->ring, rest, prefaulted - *moved, UVCHAN__MARKS, &k);
    if (pushed == UVCHAN__RING_DISARMED) uvchan__post_armed(ch);
    if (pushed == UVCHAN__RING_DONE || pushed == UVCHAN__RING_DISARMED) {
      UVCHAN__PROBE2(send, ch, k);
      *moved += k;
      continue;
    }
    r = uvchan__send_now(ch, rest, NULL);
    if (r != 0) break;
    ++*moved;
  }
  return *moved > 0 ? 0 : r;
}

size_t uvchan__send_block_bytes(const uvchan_t* ch) {
  return uvchan__is_unbounded(ch) ? uvchan__blocks_most_bytes(uvchan__blocks(ch)) : 0;
}

/* ---- Operations that may wait ---------------------------------------------------------------- */

/* With the lock. Whether the only ones who could ever take a value are started receivers, all of
 * them on the calling thread's loops. */
static int only_own_receivers(uvchan_t* ch) {
  const uvchan_receiver_t* receiver;

  if (uvchan__first_started(ch) == NULL) return 0;
  for (receiver = uvchan__first_started(ch); receiver != NULL; receiver = receiver->next) {
    if (!uvchan__hub_runs_here(receiver->waiter.hub)) return 0;
  }
  return 1;
}

typedef struct {
  uvchan__place_t* place;
  int never_alone; /* of who sends */
} wait_call_t;

/* Marks first, then tries, then queues: a receiver that takes a value before the mark makes room
 * that the try finds, and one that comes after it is refused, takes the lock, and finds the place
 * (ring.h, I4). Tried first, a value could be taken between the try and the mark, and nobody would
 * tell.
 *
 * never_alone is asked for a wait without a limit alone: on the thread that runs all receivers it
 * would never end, while one with a limit ends by itself. */
static int attempt_to_send_or_enqueue(uvchan_t* ch, void* arg, uvchan__held_t* held) {
  const wait_call_t* call = arg;
  uvchan__visit_t visit = UVCHAN__VISIT_HOLDING(NULL, held);
  int r;

  uvchan__lock_channel(ch);
  uvchan__mark_for(ch, 1);
  r = uvchan__send_locked(ch, call->place->value, &visit);
  if (r == UV_EAGAIN && call->never_alone && only_own_receivers(ch)) r = UV_EBUSY;
  if (r == UV_EAGAIN) uvchan__enqueue_place(call->place);
  uvchan__unlock_and_wake(ch, &visit);
  return r;
}

int uvchan__send_or_enqueue(uvchan_t* ch, uvchan__place_t* place, uvchan__block_t* block,
                            int never_alone) {
  wait_call_t call = {place, never_alone};

  if (ch->overflow != UVCHAN_WAIT || uvchan__is_unbounded(ch))
    return uvchan__send_now(ch, place->value, block);
  assert(block == NULL);
  uvchan__prefault(place->value, uvchan__size_to_send(ch));
  return ch->is_aging ? uvchan__call_aged(ch, attempt_to_send_or_enqueue, &call)
                      : attempt_to_send_or_enqueue(ch, &call, NULL);
}

static int attempt_to_receive_or_enqueue(uvchan_t* ch, void* arg, uvchan__held_t* held) {
  uvchan__visit_t visit = UVCHAN__VISIT_HOLDING(NULL, held);
  uvchan__place_t* place = arg;
  int r;

  uvchan__lock_channel(ch);
  uvchan__mark_for(ch, 0);
  r = uvchan__recv_locked(ch, place->value, &visit);
  if (r == UV_EAGAIN) uvchan__enqueue_place(place);
  uvchan__unlock_and_wake(ch, &visit);
  return r;
}

int uvchan__recv_or_enqueue(uvchan_t* ch, uvchan__place_t* place) {
  uvchan__prefault(place->value, uvchan__size_to_receive(ch));
  return ch->is_aging ? uvchan__call_aged(ch, attempt_to_receive_or_enqueue, place)
                      : attempt_to_receive_or_enqueue(ch, place, NULL);
}

void uvchan__remove_place(uvchan__place_t* place) {
  uvchan_t* ch = place->channel;
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__lock_channel(ch);
  uvchan__dequeue_place(place);
  uvchan__unlock_and_wake(ch, &visit);
}

int uvchan__is_ready(uvchan_t* ch, int sends) {
  int ready;

  uvchan__lock_channel(ch);
  ready = uvchan__is_ready_locked(ch, sends);
  uvchan__unlock_channel(ch);
  return ready;
}

int uvchan__looks_ready(uvchan_t* ch, int sends, uint64_t* stamp) {
  uvchan__ring_result_t r = UVCHAN__RING_REFUSED;
  int ready;

  if (uvchan__has_ring(ch)) r = uvchan__ring_look(&ch->ring, sends, stamp);
  if (r != UVCHAN__RING_REFUSED)
    return r == UVCHAN__RING_DONE || (sends && ch->overflow != UVCHAN_WAIT);
  uvchan__lock_channel(ch);
  ready = uvchan__is_ready_locked(ch, sends);
  *stamp = uvchan__stamp_locked(ch, sends);
  uvchan__unlock_channel(ch);
  return ready;
}

int uvchan__has_fast_path(const uvchan_t* ch) { return uvchan__has_ring(ch) && !ch->is_aging; }

atomic_uint* uvchan__patience_of(uvchan_t* ch, int sends) {
  return sends ? &ch->patience_to_send : &ch->patience_to_receive;
}
