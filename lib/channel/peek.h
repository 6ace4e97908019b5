/* SPDX-License-Identifier: MIT */
/* What a channel's ring alone tells, for those who do not know the channel's structure: the fast
 * paths, and whoever looks before he calls. The structure (state.h) is open to this folder alone,
 * and begins with the ring: so a channel's address is its ring's, also where its type is
 * incomplete, and the fast path needs no more.
 *
 * Each side reads its own copy of what is fixed: the other's line is in the other's cache. Knows
 * the ring. Threads: any, without the lock. */
#ifndef UVCHAN_PEEK_H
#define UVCHAN_PEEK_H

#include <uvchan.h>

#include "store/words.h"

static inline uvchan__ring_t* uvchan__ring_of(uvchan_t* ch) { return (uvchan__ring_t*)(void*)ch; }

static inline const uvchan__ring_t* uvchan__const_ring_of(const uvchan_t* ch) {
  return (const uvchan__ring_t*)(const void*)ch;
}

static inline size_t uvchan__size_to_send(const uvchan_t* ch) {
  return uvchan__const_ring_of(ch)->tail.elem_size;
}

static inline size_t uvchan__size_to_receive(const uvchan_t* ch) {
  return uvchan__const_ring_of(ch)->head.elem_size;
}

/* 0 where there is no ring. */
static inline size_t uvchan__slots_to_receive(const uvchan_t* ch) {
  return uvchan__const_ring_of(ch)->head.capacity;
}

/* Whether the channel is bounded: its values lie in the ring, and there is a fast path. */
static inline int uvchan__has_ring_to_send(const uvchan_t* ch) {
  return uvchan__const_ring_of(ch)->tail.capacity > 0;
}

static inline int uvchan__has_ring_to_receive(const uvchan_t* ch) {
  return uvchan__slots_to_receive(ch) > 0;
}

#endif /* UVCHAN_PEEK_H */
