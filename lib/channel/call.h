/* SPDX-License-Identifier: MIT */
/* What one call does to one channel, for everyone who sends and receives. Knows the steps, the
 * overflow policies, and of a hub only whether this thread runs it; does not know how a waiter
 * sleeps, nor what a request or a select is. Threads: any, without the lock. */
#ifndef UVCHAN_CALL_H
#define UVCHAN_CALL_H

#include "channel/peek.h"
#include "ground/prefault.h"
#include "ground/probes.h"
#include "store/blocks.h"
#include "store/ring.h"
#include "wake/waiters.h"

/* Each of these touches the value's pages first, while nothing is claimed or locked: see
 * prefault.h.
 *
 * The fast path: 1 where it has moved the value, in one exchange of the ring; 0 where it can't, for
 * whichever reason. */
static inline int uvchan__send_fast(uvchan_t* ch, const void* value) {
  uvchan__ring_t* ring = uvchan__ring_of(ch);

  if (!uvchan__is_word(&ring->tail)) uvchan__prefault(value, ring->tail.elem_size);
  if (!uvchan__ring_push_fast(ring, value, UVCHAN__MARKS)) return 0;
  UVCHAN__PROBE_FAST(send, ch);
  return 1;
}

static inline int uvchan__recv_fast(uvchan_t* ch, void* value) {
  uvchan__ring_t* ring = uvchan__ring_of(ch);

  if (!uvchan__is_word(&ring->head)) uvchan__prefault(value, ring->head.elem_size);
  if (!uvchan__ring_pop_fast(ring, value, UVCHAN__SLOW)) return 0;
  UVCHAN__PROBE_FAST(receive, ch);
  return 1;
}

/* Without waiting. 0, UV_EAGAIN, UV_EPIPE or the end; a send to an unbounded channel may answer
 * UV_ENOMEM, and so may each of these where a value that is not small has to be dropped. block:
 * NULL, or one brought along for an unbounded store; it is the channel's after the call. */
static inline int uvchan__send_now(uvchan_t* ch, const void* value, uvchan__block_t* block);
static inline int uvchan__recv_now(uvchan_t* ch, void* value);
int uvchan__send_n(uvchan_t* ch, const void* values, size_t n, size_t* moved);
int uvchan__recv_n(uvchan_t* ch, void* values, size_t n, size_t* moved);

/* The same, without the fast path. */
int uvchan__send_slow(uvchan_t* ch, const void* value, uvchan__block_t* block);
int uvchan__recv_slow(uvchan_t* ch, void* value);

/* Bytes of the block to bring along for a send that may not fail for want of memory. 0: none. */
size_t uvchan__send_block_bytes(const uvchan_t* ch);

/* The same, and where the answer would be UV_EAGAIN, it still is, and the place is queued.
 * never_alone: UV_EBUSY instead, where the only receivers are started ones that the calling thread
 * itself runs. */
int uvchan__send_or_enqueue(uvchan_t* ch, uvchan__place_t* place, uvchan__block_t* block,
                            int never_alone);
int uvchan__recv_or_enqueue(uvchan_t* ch, uvchan__place_t* place);
/* takes it out of its queue, where it is still in */
void uvchan__remove_place(uvchan__place_t* place);

int uvchan__is_ready(uvchan_t* ch, int sends); /* whether it would not wait, just now */

/* The same, without the lock where that is enough: 0 where it would wait, and has to as long as
 * *stamp stays and the channel is open. */
int uvchan__looks_ready(uvchan_t* ch, int sends, uint64_t* stamp);

/* Whether values ever go the fast path. Else the ring's words are SLOW for ever, and say nothing of
 * who waits. */
int uvchan__has_fast_path(const uvchan_t* ch);

/* What threads that wait on the channel have learned, see patience.h. */
atomic_uint* uvchan__patience_of(uvchan_t* ch, int sends);

static inline int uvchan__send_now(uvchan_t* ch, const void* value, uvchan__block_t* block) {
  return uvchan__send_fast(ch, value) ? 0 : uvchan__send_slow(ch, value, block);
}

static inline int uvchan__recv_now(uvchan_t* ch, void* value) {
  return uvchan__recv_fast(ch, value) ? 0 : uvchan__recv_slow(ch, value);
}

#endif /* UVCHAN_CALL_H */
