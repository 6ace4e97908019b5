/* SPDX-License-Identifier: MIT */
/* A channel's started receivers, as the channel sees them. Knows the channel's steps; does not know
 * callbacks and turns.
 *
 * A receiver is available while it is started and not in a callback. Only an unbuffered channel
 * counts that: it has room for one value for each receiver that is available.
 *
 * Threads: the receiver's loop. */
#ifndef UVCHAN_RECEIVERS_H
#define UVCHAN_RECEIVERS_H

#include "channel/peek.h"
#include "ground/probes.h"
#include "store/ring.h"

/* Of uvchan__receivers_take(): so many values were dropped, for their age or by the admission, and
 * drop_cb may have stopped the receiver. No status of a user's: those are negative. */
#define UVCHAN__LOOK_ANEW 1

/* Whether the channel counts who is available. */
int uvchan__receivers_are_counted(const uvchan_t* ch);

/* makes room for what is handed to it; 0 or UV_ENOMEM */
int uvchan__receivers_reserve(uvchan_t* ch);
void uvchan__receivers_unreserve(uvchan_t* ch); /* the counterpart */

void uvchan__receivers_add(uvchan_t* ch, uvchan_receiver_t* receiver, int is_available);
void uvchan__receivers_remove(uvchan_t* ch, uvchan_receiver_t* receiver, int is_available);

/* Takes up to n values: 0 and how many, the end, UV_EAGAIN, or UVCHAN__LOOK_ANEW. values has
 * room for one value, and for UVCHAN__SCRATCH_BYTES. After 0, a receiver on an unbuffered
 * channel is no longer available. The second looks more closely: after UV_EAGAIN the next value, or
 * the end, has the receiver posted. */
int uvchan__receivers_take(uvchan_t* ch, void* values, size_t n, size_t* moved);
int uvchan__receivers_take_or_wait(uvchan_t* ch, uvchan_receiver_t* receiver, void* values,
                                   size_t n, size_t* moved);

/* The ordinary case of the first, one value from the ring: 1, or 0 where it can't at once. What it
 * goes to is the library's own memory, whose pages are there. */
static inline int uvchan__receivers_take_fast(uvchan_t* ch, void* value) {
  if (!uvchan__ring_pop_fast(uvchan__ring_of(ch), value, UVCHAN__SLOW)) return 0;
  UVCHAN__PROBE_FAST(receive, ch);
  return 1;
}

/* A receiver that waits does so no longer: it is not queued, and nobody is about to post it, though
 * somebody may have. */
void uvchan__receivers_end_wait(uvchan_t* ch, uvchan_receiver_t* receiver);
void uvchan__receivers_make_available(uvchan_t* ch); /* after a callback on an unbuffered channel */

#endif /* UVCHAN_RECEIVERS_H */
