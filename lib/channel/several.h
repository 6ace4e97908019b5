/* SPDX-License-Identifier: MIT */
/* One waiter at several channels at once: a select's places. They are one array, sorted by the
 * address of their channels, so that those of one channel lie together.
 *
 * Knows the steps and calls of one channel; does not know cases, or which of them is chosen.
 * Threads: any. The locks of all channels are held together, taken by ascending address. */
#ifndef UVCHAN_SEVERAL_H
#define UVCHAN_SEVERAL_H

#include "wake/waiters.h"

static inline int uvchan__is_first_of_channel(const uvchan__place_t* places, size_t i) {
  return i == 0 || places[i].channel != places[i - 1].channel;
}

/* Answers 1 where all places are queued, 0 where a send or a receive would not wait and none is. */
int uvchan__enqueue_at_all(uvchan__waiter_t* waiter, uvchan__place_t* places, size_t nplaces);

/* takes them out where they are still queued */
void uvchan__remove_from_all(uvchan__place_t* places, size_t nplaces);

#endif /* UVCHAN_SEVERAL_H */
