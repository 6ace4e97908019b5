/* SPDX-License-Identifier: MIT */
/* Sending and receiving from threads: try, wait, wait with a time limit, and many values at once.
 * Knows a channel's calls and what its ring tells; does not know its structure, loops or hubs.
 * Threads: any. */
#include "channel/call.h"
#include "ground/tuning.h"
#include "store/hints.h"

static int cannot_send(const uvchan_t* ch, const void* value) {
  return ch == NULL || (value == NULL && uvchan__size_to_send(ch) > 0);
}

static int cannot_receive(const uvchan_t* ch, const void* value) {
  return ch == NULL || (value == NULL && uvchan__size_to_receive(ch) > 0);
}

/* More values than a result can count are left for the next call. */
static size_t countable(size_t n) { return n > SIZE_MAX / 2 ? SIZE_MAX / 2 : n; }

/* ---- Try ------------------------------------------------------------------------------------- */

int uvchan_try_send(uvchan_t* ch, const void* value) {
  if (cannot_send(ch, value)) return UV_EINVAL;
  return uvchan__send_now(ch, value, NULL);
}

int uvchan_try_recv(uvchan_t* ch, void* value) {
  if (cannot_receive(ch, value)) return UV_EINVAL;
  return uvchan__recv_now(ch, value);
}

ssize_t uvchan_try_send_n(uvchan_t* ch, const void* values, size_t n) {
  size_t moved;
  int r;

  if (cannot_send(ch, values) || n == 0) return UV_EINVAL;
  r = uvchan__send_n(ch, values, countable(n), &moved);
  return r == 0 ? (ssize_t)moved : r;
}

ssize_t uvchan_try_recv_n(uvchan_t* ch, void* values, size_t n) {
  size_t moved;
  int r;

  if (cannot_receive(ch, values) || n == 0) return UV_EINVAL;
  r = uvchan__recv_n(ch, values, countable(n), &moved);
  return r == 0 ? (ssize_t)moved : r;
}

/* ---- Wait ------------------------------------------------------------------------------------ */

/* What a waiting call puts in a queue: on as few lines of the processor's cache as it can, since
 * others look at it and write to it. */
typedef struct {
  _Alignas(UVCHAN__CACHE_LINE_BYTES) uvchan__place_t place;
  uvchan__waiter_t waiter;
} queued_t;

static void init_queued(queued_t* queued, uvchan_t* ch, const void* value, int sends) {
  uvchan__waiter_init(&queued->waiter, UVCHAN__THREAD, NULL, NULL);
  uvchan__place_init(&queued->place, &queued->waiter, ch, value, sends);
}

/* The outcome, or UV_ETIMEDOUT. A thread that is queued holds up the fast path of all others: so at
 * a ring it has used its patience up before, and elsewhere it spends it here. */
static int await_outcome(queued_t* queued, uvchan__patience_t* patience, uint64_t timeout) {
  if (uvchan__await(&queued->waiter, patience, timeout) == 0) return queued->waiter.status;
  uvchan__remove_place(&queued->place);
  return UV_ETIMEDOUT;
}

/* UV_EAGAIN where it has to queue. Who finds a little room at once would find the ring full again
 * at once: it waits for more. While others are queued it does not overtake them, and does not join
 * them at once either: where all did, the queue would never be empty, and each value would take a
 * wake-up. 16 threads that send to a loop: 8 ns a value, 100 without it; 64: 0.1 to 0.3
 * microseconds for 2.4. */
static int spin_to_send(uvchan_t* ch, const void* value, uvchan__patience_t* patience) {
  const uvchan__ring_t* ring = uvchan__ring_of(ch);
  int r = UV_EAGAIN;

  while (r == UV_EAGAIN && uvchan__patience_wait(patience)) {
    if (uvchan__ring_is_slow(&ring->tail) && uvchan__has_fast_path(ch)) continue;
    if (uvchan__ring_is_half_free(ring) || uvchan__patience_is_fading(patience))
      r = uvchan__send_now(ch, value, NULL);
  }
  return r;
}

/* Who takes each value as it comes, from senders that are slower, makes them slower still, as a
 * loop's receiver would: see ends/polling.h. It waits for a batch, as long as that. */
static int spin_to_receive(uvchan_t* ch, void* value, uvchan__patience_t* patience) {
  uvchan__ring_t* ring = uvchan__ring_of(ch);
  uint64_t head;
  int for_a_batch = uvchan__ring_was_busy(ring, &head);
  int r = UV_EAGAIN;

  uvchan__ring_note_head(ring, head);
  while (r == UV_EAGAIN && uvchan__patience_wait(patience)) {
    int is_there;

    if (uvchan__patience_spent(patience) > UVCHAN__COALESCE_NS) for_a_batch = 0;
    is_there = for_a_batch ? uvchan__ring_has_batch(ring) : uvchan__ring_has_value(ring);
    if (is_there || uvchan__patience_is_fading(patience)) r = uvchan__recv_now(ch, value);
  }
  return r;
}

/* Four steps, each where the one before was not enough:
 *   1  spin at the ring, where there is one: to look costs nobody anything;
 *   2  one visit under the lock, to try once more and to be queued;
 *   3  spin while queued, with what is left of the patience: elsewhere than at a ring all of it,
 *      for there one has to be queued to be found;
 *   4  sleep.
 * A wait that is over for want of time, or that was none (UV_EBUSY), tells nothing about how long
 * one has to look, and is not learned from.
 *
 * Apart, since the ordinary case neither has this frame nor saves a register for it. */
static UVCHAN__APART int wait_to_send(uvchan_t* ch, const void* value, uint64_t timeout) {
  uvchan__patience_t patience;
  queued_t queued;
  int r = UV_EAGAIN;

  uvchan__patience_init(&patience, uvchan__patience_of(ch, 1), timeout);
  if (uvchan__has_ring_to_send(ch)) r = spin_to_send(ch, value, &patience);
  if (r == UV_EAGAIN) {
    init_queued(&queued, ch, value, 1);
    r = uvchan__send_or_enqueue(ch, &queued.place, NULL, timeout == UINT64_MAX);
    if (r == UV_EAGAIN) r = await_outcome(&queued, &patience, timeout);
  }
  if (r != UV_ETIMEDOUT && r != UV_EBUSY)
    uvchan__patience_learn(&patience, uvchan__patience_of(ch, 1));
  return r;
}

/* The same four steps. */
static UVCHAN__APART int wait_to_receive(uvchan_t* ch, void* value, uint64_t timeout) {
  uvchan__patience_t patience;
  queued_t queued;
  int r = UV_EAGAIN;

  uvchan__patience_init(&patience, uvchan__patience_of(ch, 0), timeout);
  if (uvchan__has_ring_to_receive(ch)) r = spin_to_receive(ch, value, &patience);
  if (r == UV_EAGAIN) {
    init_queued(&queued, ch, value, 0);
    r = uvchan__recv_or_enqueue(ch, &queued.place);
    if (r == UV_EAGAIN) r = await_outcome(&queued, &patience, timeout);
  }
  if (r != UV_ETIMEDOUT) uvchan__patience_learn(&patience, uvchan__patience_of(ch, 0));
  return r;
}

/* Elsewhere than at a ring one visit under the lock is for both, to try and to queue. */
static UVCHAN__APART int send_slow_within(uvchan_t* ch, const void* value, uint64_t timeout) {
  int r = uvchan__has_ring_to_send(ch) ? uvchan__send_slow(ch, value, NULL) : UV_EAGAIN;

  return r == UV_EAGAIN ? wait_to_send(ch, value, timeout) : r;
}

static UVCHAN__APART int receive_slow_within(uvchan_t* ch, void* value, uint64_t timeout) {
  int r = uvchan__has_ring_to_receive(ch) ? uvchan__recv_slow(ch, value) : UV_EAGAIN;

  return r == UV_EAGAIN ? wait_to_receive(ch, value, timeout) : r;
}

static inline int send_within(uvchan_t* ch, const void* value, uint64_t timeout) {
  if (cannot_send(ch, value)) return UV_EINVAL;
  return uvchan__send_fast(ch, value) ? 0 : send_slow_within(ch, value, timeout);
}

static inline int receive_within(uvchan_t* ch, void* value, uint64_t timeout) {
  if (cannot_receive(ch, value)) return UV_EINVAL;
  return uvchan__recv_fast(ch, value) ? 0 : receive_slow_within(ch, value, timeout);
}

int uvchan_send_wait(uvchan_t* ch, const void* value) { return send_within(ch, value, UINT64_MAX); }

int uvchan_send_timedwait(uvchan_t* ch, const void* value, uint64_t timeout) {
  return send_within(ch, value, timeout);
}

int uvchan_recv_wait(uvchan_t* ch, void* value) { return receive_within(ch, value, UINT64_MAX); }

int uvchan_recv_timedwait(uvchan_t* ch, void* value, uint64_t timeout) {
  return receive_within(ch, value, timeout);
}

ssize_t uvchan_send_wait_n(uvchan_t* ch, const void* values, size_t n) {
  size_t sent = 0;

  if (cannot_send(ch, values) || n == 0) return UV_EINVAL;
  n = countable(n);
  while (sent < n) {
    size_t moved = 1;
    int r =
        uvchan__send_n(ch, uvchan__nth(values, sent, uvchan__size_to_send(ch)), n - sent, &moved);

    if (r == UV_EAGAIN) {
      moved = 1;
      r = uvchan_send_wait(ch, uvchan__nth(values, sent, uvchan__size_to_send(ch)));
    }
    if (r != 0) return sent > 0 ? (ssize_t)sent : r;
    sent += moved;
  }
  return (ssize_t)sent;
}

ssize_t uvchan_recv_wait_n(uvchan_t* ch, void* values, size_t n) {
  ssize_t got;
  ssize_t more;
  int r;

  if (cannot_receive(ch, values) || n == 0) return UV_EINVAL;
  got = uvchan_try_recv_n(ch, values, n);
  if (got != UV_EAGAIN) return got;
  r = uvchan_recv_wait(ch, values);
  if (r != 0) return r;
  if (n == 1) return 1;
  more = uvchan_try_recv_n(ch, uvchan__nth(values, 1, uvchan__size_to_receive(ch)), n - 1);
  return more > 0 ? 1 + more : 1;
}
