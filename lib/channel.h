/* The channel: what everyone who holds one shares. Its store, its queues, its end, and the steps that every operation is made of.
 *
 * Hand off, else buffer, else wait: a sender gives its value to the first who waits to receive, else puts it in the store, else waits; a
 * receiver takes the oldest value in the store and lets the first waiting sender fill the room, else takes from a waiting sender, else
 * waits. That is the same code for every capacity:
 *
 *      bounded      store: the ring                 room: a free slot               fast path without the lock
 *      unbuffered   store: blocks of one value      room: one value for each started receiver that is not in its callback
 *      unbounded    store: blocks                   room: always, with memory
 *
 * Two paths lead into a bounded channel. The fast one is one exchange in the ring, and is open while nobody waits. As soon as somebody
 * waits, the ring's words are SLOW (ring.h, I4), and every operation takes the lock. A channel of the other kinds is always SLOW.
 *
 * I1  With the lock free: while senders wait, the channel has no room, and both words are SLOW; while receivers wait, tail is SLOW, and
 *     the store holds no more values than started receivers have been told of.
 * I2  The CLOSED mark of tail is the channel's own, for each kind: set once, under the lock, after `end`.
 * I3  A value is counted once on its way in and once on its way out: sent = pushed + direct + dropped_new, and
 *     received = popped - dropped_old + direct.
 * I4  No callback of the user's runs, and no memory is asked for or given back, with the lock held. What has to be done after it is
 *     collected in a visit.
 *
 * Threads: any. The order of locks is: channels by ascending address, then a hub's. Knows waiters; does not know requests, receivers or
 * selects, but for the list of started receivers' places, which tells whose loop could empty it. */
#ifndef UVCHAN_CHANNEL_H
#define UVCHAN_CHANNEL_H

#include <uvchan.h>

#include "blocks.h"
#include "lock.h"
#include "ring.h"
#include "waiters.h"

struct uvchan_s {
  uvchan__ring_t ring;
  /* Under the lock. */
  atomic_uint lock;
  unsigned char tail_slow; /* the marks as they stand */
  unsigned char head_slow;
  int end; /* and constant once CLOSED */
  uvchan__queue_t senders;
  uvchan__queue_t receivers;
  uvchan_receiver_t* started; /* all started receivers */
  size_t resting;             /* how many of them are not in a callback (an unbuffered channel counts, the others leave that out) */
  unsigned int counted;       /* senders */
  uint64_t direct;            /* values that went from sender to receiver without the store */
  uint64_t wakeups;
  /* Counters, relaxed. */
  _Atomic uint64_t dropped_new;
  _Atomic uint64_t dropped_old;
  /* Fixed. */
  uvchan_drop_cb drop_cb;
  void* drop_arg;
  const char* name;
  uvchan_overflow_t overflow;
  atomic_uint references;
  size_t capacity;
  uvchan__blocks_t* blocks; /* of a channel without a ring; its members are under the lock */
};

/* One visit under the lock, and what comes after it. */
typedef struct {
  uvchan__wakes_t wakes;
  uvchan__block_t* block;       /* brought along for an unbounded store; what is left is freed */
  uvchan__block_t* superfluous; /* to be freed */
} uvchan__visit_t;

#define UVCHAN__VISIT(block_or_null) {{NULL, NULL, NULL, 0}, block_or_null, NULL}

void uvchan__enter(uvchan_t* ch);
void uvchan__leave(uvchan_t* ch, uvchan__visit_t* visit); /* unlocks, wakes, frees */

/* With the lock: closes, and wakes everyone who waits. 0 or UV_EALREADY. */
int uvchan__shut_locked(uvchan_t* ch, int status, uvchan__visit_t* visit);

/* For a full channel that drops its oldest value: sends, and where there is no room takes the oldest value out for it, to `oldest` (NULL:
 * thrown away). 0, with *displaced set, or UV_EPIPE. */
int uvchan__send_displacing(uvchan_t* ch, const void* value, void* oldest, int* displaced);

/* Operations that do not wait. 0, UV_EAGAIN, UV_EPIPE or the end; a send to an unbounded channel may answer UV_ENOMEM.
 * block: NULL, or one brought along for an unbounded store; it is the channel's after the call. */
int uvchan__send_now(uvchan_t* ch, const void* value, uvchan__block_t* block);
int uvchan__recv_now(uvchan_t* ch, void* value);
int uvchan__send_some(uvchan_t* ch, const void* values, size_t n, size_t* moved);
int uvchan__recv_some(uvchan_t* ch, void* values, size_t n, size_t* moved);

/* The same, and where the answer would be UV_EAGAIN, it still is, and the place is queued. never_alone: UV_EBUSY instead, where the only
 * receivers are started ones that the calling thread itself runs. */
int uvchan__send_or_enqueue(uvchan_t* ch, uvchan__place_t* place, uvchan__block_t* block, int never_alone);
int uvchan__recv_or_enqueue(uvchan_t* ch, uvchan__place_t* place);
void uvchan__remove(uvchan__place_t* place); /* takes it out of its queue, where it is still in */

/* For selects, which hold several locks: with the lock. */
void uvchan__mark_for(uvchan_t* ch, int sends);          /* from here on nothing moves without the lock that could end the wait */
int uvchan__is_ready_locked(uvchan_t* ch, int sends);    /* whether the operation would not wait; a hint where the path is not SLOW */
int uvchan__is_ready(uvchan_t* ch, int sends);           /* without the lock: a hint */
void uvchan__enqueue_place(uvchan__place_t* place);
void uvchan__settle_marks(uvchan_t* ch);                 /* before unlocking by hand */

/* For started receivers. */
int uvchan__receiver_open(uvchan_t* ch);  /* makes room for what is handed to it; 0 or UV_ENOMEM */
void uvchan__receiver_shut(uvchan_t* ch); /* the counterpart */
void uvchan__receiver_join(uvchan_t* ch, uvchan_receiver_t* receiver, int rests);
void uvchan__receiver_leave(uvchan_t* ch, uvchan_receiver_t* receiver, int rests);
/* As uvchan__recv_some(); with UV_EAGAIN the place is queued. After 0, a receiver on an unbuffered channel is no longer at rest. */
int uvchan__receiver_take(uvchan_t* ch, uvchan__place_t* place, void* values, size_t n, size_t* moved);
void uvchan__receiver_rest(uvchan_t* ch); /* after a callback on an unbuffered channel */

static inline int uvchan__has_ring(const uvchan_t* ch) { return ch->blocks == NULL; }
static inline int uvchan__is_unbuffered(const uvchan_t* ch) { return ch->capacity == 0; }
static inline int uvchan__is_unbounded(const uvchan_t* ch) { return ch->capacity == UVCHAN_UNBOUNDED; }

#endif /* UVCHAN_CHANNEL_H */
