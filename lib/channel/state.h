/* SPDX-License-Identifier: MIT */
/* The channel: what everyone who holds one shares. Its store, its queues, its end, and what holds
 * of them whenever the lock is free.
 *
 * Hand off, else buffer, else wait: a sender gives its value to the first who waits to receive,
 * else puts it in the store, else waits; a receiver takes the oldest value in the store and lets
 * the first waiting sender fill the room, else takes from a waiting sender, else waits. That is the
 * same code for every capacity:
 *
 *      kind         store                 room                                        fast path
 *      bounded      the ring              a free slot                                 yes
 *      unbuffered   blocks of one value   one value for each started receiver that    no
 *                                         is not in its callback
 *      unbounded    blocks                always, with memory                         no
 *
 * Two paths lead into a bounded channel. The fast one is one exchange in the ring, without the
 * lock, and is open while nobody waits. As soon as somebody waits, the ring's words are SLOW
 * (ring.h, I4), and every operation takes the lock. A channel of the other kinds is always SLOW,
 * and so is one whose values grow old (aging.h).
 *
 * I1  With the lock free: while senders wait, the channel has no room, and both words are SLOW;
 *     while receivers wait, tail is SLOW, and the store holds no more values than started receivers
 *     have been told of.
 * I2  The CLOSED mark of tail is the channel's own, for each kind: set once, under the lock, after
 *     `end_status`.
 * I3  A value is counted once on its way in and once on its way out: sent = pushed + handed_over +
 *     dropped_new, and received = popped - dropped_old + handed_over.
 * I4  No callback of the user's runs, and no memory is asked for or given back, with the lock held.
 *     What has to be done after it is collected in a visit (steps.h).
 * I5  The first started receiver waits without a place in the queue where nobody else waits: it has
 *     tail ARMED. Whoever takes that mark off has to post it, and finds it first in `started`: it
 *     stays there until its stop has seen that nobody has to post it any more. Where somebody else
 *     begins to wait, he takes the mark off under the lock, and gives it a place in the queue,
 *     before his own: so tail is never SLOW and ARMED. Values to 10,000 channels at random: 97 ns
 *     by the queue, 70 so.
 * I6  Work is conserved. A value that is put in the store is told to the started receiver that
 *     waits first, and to each other loop that has one: to its leader, one started receiver of that
 *     loop. It can't be seen whether a loop is asleep or in a callback that takes long; were one
 *     loop alone told, and that one busy, the value would wait beside loops that sleep. A leader
 *     that does not wait will look in any case: it was told before, or is in its turn. So while a
 *     value is in the store, each loop with a started receiver is about to look. A thread that
 *     waits to receive, or a request of another loop, is finished rather than a started receiver
 *     told; of requests and receivers of one loop, which is busy for all or for none, the first who
 *     waits comes first.
 *
 * I7  Where values grow old, who waits in recvq comes before all started receivers, those of his
 *     loop too: so while somebody waits there the store is empty, and no step that finishes him
 *     has to look how old a value is, or to drop one.
 *
 * Threads: any. The order of locks is: channels by ascending address, then a hub's. Open to this
 * folder alone; who else needs to know asks peek.h, or by name. Knows waiters; does not know
 * requests, receivers or selects, but for the list of started receivers' places, which tells whose
 * loop could empty it. */
#ifndef UVCHAN_STATE_H
#define UVCHAN_STATE_H

#include <uvchan.h>

#include "channel/peek.h"
#include "ground/lock.h"
#include "store/admission.h"
#include "store/blocks.h"
#include "store/ring.h"
#include "wake/roster.h"
#include "wake/waiters.h"

/* Begins at a cache line, and so does each side of the ring; the rest is touched by those who wait,
 * close or ask. Behind it in the same memory lie the ring's slots or a uvchan__store_t, with a
 * uvchan__aging_t where values grow old; a uvchan__drops_t where there is a drop_cb; and the
 * name. */
struct uvchan_s {
  uvchan__ring_t ring;
  /* Under the lock. */
  atomic_uint lock;
  unsigned char tail_slow; /* the marks as they stand, or UVCHAN__SLOW_FOR_EVER in both */
  unsigned char head_slow;
  /* Fixed. */
  unsigned char kind;         /* uvchan__store_kind_t */
  unsigned char overflow;     /* uvchan_overflow_t */
  unsigned char align_offset; /* bytes from the memory that was asked for to the channel */
  unsigned char is_aging;     /* values grow old */
  unsigned char has_drops : 1;
  unsigned char has_name : 1;
  /* Under the lock. */
  unsigned char several_loops;  /* started receivers are on more than one */
  unsigned int counted_senders; /* of uvchan_sender_add() */
  uint64_t arrivals;            /* places that were ever queued */
  /* all started receivers; the first is also for whoever has to post it: see I5 */
  uvchan_receiver_t* _Atomic started;
  uvchan__queue_t sendq;
  uvchan__queue_t recvq;    /* threads, requests and selects that wait to receive */
  uvchan__queue_t startedq; /* started receivers that wait */
  uint64_t handed_over;     /* values that went from sender to receiver without the store */
  /* Counters, relaxed. */
  _Atomic uint64_t wakeups;
  _Atomic uint64_t dropped_new;
  _Atomic uint64_t dropped_old;
  int end_status;         /* under the lock, and constant once CLOSED */
  atomic_uint references; /* [references.R] and [references.A], see life.c */
  /* Hints, see patience.h: wrong without harm. */
  atomic_uint patience_to_send;
  atomic_uint patience_to_receive;
  uvchan__member_t member; /* of the roster */
};

/* Of a channel without a fast path: without a ring, or whose values grow old. */
#define UVCHAN__SLOW_FOR_EVER 2

static_assert(offsetof(struct uvchan_s, ring) == 0, "peek.h takes a channel for its ring");

/* What a channel without a ring has instead; under the lock. */
typedef struct {
  /* started receivers that are not in a callback (an unbuffered channel counts, an unbounded one
   * leaves that out) */
  size_t available;
  uint64_t changes; /* of the store, after which one may be ready who was not */
  uvchan__blocks_t blocks;
} uvchan__store_t;

/* What a channel with a drop_cb has beside. Fixed, but for the room. */
typedef struct {
  uvchan_drop_cb cb;
  void* arg;
  /* for a large value that overflows, while no call has it, or NULL: [room.R] and [room.A], see
   * overflow.c. It lies behind this, as malloc aligns */
  void* _Atomic room;
} uvchan__drops_t;

/* What a channel has beside whose values grow old. Under the lock, but for what is fixed. */
typedef struct {
  uint64_t max_age; /* fixed; nanoseconds; UINT64_MAX: none */
  uvchan__admission_t admission;
  uint64_t expired; /* values, as shed */
  uint64_t shed;
  uint64_t longest_wait; /* nanoseconds, of a value that was received from the store */
  /* of a ring: when the value was put in, of each slot; elsewhere that lies in the blocks */
  uint64_t stamps[];
} uvchan__aging_t;

typedef enum { UVCHAN__BOUNDED, UVCHAN__UNBUFFERED, UVCHAN__WITHOUT_BOUND } uvchan__store_kind_t;

static inline size_t uvchan__round_up(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

/* Where the slots begin, or the uvchan__store_t. */
#define UVCHAN__CHANNEL_BYTES uvchan__round_up(sizeof(uvchan_t), _Alignof(max_align_t))

static inline uvchan__store_t* uvchan__store(const uvchan_t* ch) {
  return (uvchan__store_t*)(void*)((unsigned char*)(uintptr_t)ch + UVCHAN__CHANNEL_BYTES);
}

#define UVCHAN__DROPS_BYTES uvchan__round_up(sizeof(uvchan__drops_t), _Alignof(max_align_t))

static inline uvchan__blocks_t* uvchan__blocks(const uvchan_t* ch) {
  return &uvchan__store(ch)->blocks;
}

static inline int uvchan__has_ring(const uvchan_t* ch) { return ch->kind == UVCHAN__BOUNDED; }
static inline int uvchan__is_unbuffered(const uvchan_t* ch) {
  return ch->kind == UVCHAN__UNBUFFERED;
}
static inline int uvchan__is_unbounded(const uvchan_t* ch) {
  return ch->kind == UVCHAN__WITHOUT_BOUND;
}

#define UVCHAN__STORE_BYTES uvchan__round_up(sizeof(uvchan__store_t), _Alignof(max_align_t))

/* With as many stamps, in bytes. */
static inline size_t uvchan__aging_bytes(size_t stamps) {
  return uvchan__round_up(sizeof(uvchan__aging_t) + stamps * sizeof(uint64_t),
                          _Alignof(max_align_t));
}

/* Only where values grow old: in front of the ring's slots, or behind the uvchan__store_t; either
 * can be told without asking how many there are. */
static inline uvchan__aging_t* uvchan__aging(const uvchan_t* ch) {
  unsigned char* at = (unsigned char*)uvchan__store(ch);

  return (uvchan__aging_t*)(void*)(uvchan__has_ring(ch) ? at : at + UVCHAN__STORE_BYTES);
}

/* Of the ring's slots or the uvchan__store_t, with the uvchan__aging_t, in bytes, as malloc
 * aligns. */
static inline size_t uvchan__store_bytes(const uvchan_t* ch) {
  size_t capacity = ch->ring.tail.capacity;
  size_t bytes = sizeof(uvchan__store_t);

  if (uvchan__has_ring(ch)) bytes = uvchan__ring_bytes(uvchan__size_to_send(ch), capacity);
  bytes = uvchan__round_up(bytes, _Alignof(max_align_t));
  return ch->is_aging ? bytes + uvchan__aging_bytes(capacity) : bytes;
}

/* NULL without a drop_cb. */
static inline uvchan__drops_t* uvchan__drops(const uvchan_t* ch) {
  unsigned char* store = (unsigned char*)uvchan__store(ch);

  return ch->has_drops ? (uvchan__drops_t*)(void*)(store + uvchan__store_bytes(ch)) : NULL;
}

static inline int uvchan__is_closed(const uvchan_t* ch) {
  return uvchan__ring_is_closed(&ch->ring);
}

/* Relaxed: a statistic. */
static inline void uvchan__count(_Atomic uint64_t* counter, uint64_t n) {
  atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* Relaxed: under the lock, or ordered by [first.R] and ARMED (receivers.c). */
static inline uvchan_receiver_t* uvchan__first_started(const uvchan_t* ch) {
  return atomic_load_explicit(&ch->started, memory_order_relaxed);
}

/* receiver->is_first, written under the lock: the channel's first started receiver; and the leader
 * of those of its loop. Leaders stand in front of all others. */
#define UVCHAN__FIRST 1u
#define UVCHAN__LEADER 2u

static inline int uvchan__is_leader(uvchan_receiver_t* receiver) { /* relaxed: under the lock */
  return (atomic_load_explicit(uvchan__atomic(&receiver->is_first), memory_order_relaxed) &
          UVCHAN__LEADER) != 0;
}

#endif /* UVCHAN_STATE_H */
