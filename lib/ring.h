/* The bounded store: a ring of exactly `capacity` slots that any number of threads fill and empty without a lock.
 *
 * It follows Dmitry Vyukov's bounded MPMC queue, with the lap in the position as in crossbeam-channel's array flavor, and adds two marks
 * to the position words. Knows nothing of channels, waiters or loops; includes the C library alone, so that a model checker reads it.
 *
 * A position word is [ lap | index | CLOSED | SLOW ]. `tail` is the next slot to fill, `head` the next to empty. Each slot has a turn:
 *
 *      turn == 2 * lap          free for the value of this lap        a sender that moved tail past the slot may write it
 *      turn == 2 * lap + 1      holds the value of this lap           a receiver that moved head past the slot may read it
 *      turn == 2 * lap + 2      free for the next lap
 *
 * I1  A slot is written only between the exchange of tail that claims it and [turn.R]; read only between the exchange of head that
 *     claims it and the next [turn.R]. Each claim succeeds for one thread alone, so no value is lost or received twice.
 * I2  head <= tail <= head + capacity, counted in slots: tail moves only while its slot is free, head only while its slot holds a value.
 *     (The _n forms move several slots at once, by the other word; they wait for each turn after the claim.)
 * I3  tail does not move while it is CLOSED: so the values in front of it are all that will ever be received, and empty is then the end.
 * I4  A word that is SLOW is moved only by those who hold the channel's lock (they pass refused = 0). Who wants to sleep marks the word
 *     that the other side has to move, and looks again: the mark and each move are read-modify-writes of one word, therefore totally
 *     ordered. A move before the mark is seen by the second look; a move after the mark fails, and its thread takes the lock and finds
 *     the sleeper. No fence is needed, and no wake-up is lost.
 * I5  Between claim and turn a thread only copies one value. Others may have to wait for it there (uvchan__relax), never in a circle:
 *     a sender waits for the receiver of the lap before, a receiver for the sender of its own lap.
 * I6  The last [turn.R] is a call's last touch of the ring: who received the last value may free it. */
#ifndef UVCHAN_RING_H
#define UVCHAN_RING_H

#include <stddef.h>

#include "atomic.h"

#define UVCHAN__SLOW ((uint64_t)1)
#define UVCHAN__CLOSED ((uint64_t)2)
#define UVCHAN__MARKS (UVCHAN__SLOW | UVCHAN__CLOSED)

#define UVCHAN__CACHE_LINE 64

typedef struct {
  /* Fixed from uvchan__ring_init() on. */
  unsigned char* values;   /* capacity * elem_size bytes, side by side */
  _Atomic uint32_t* turns; /* one for each slot */
  size_t elem_size;
  size_t capacity;    /* 0: no slots, and both words stay SLOW */
  unsigned int shift; /* of the lap in a word */

  char pad_tail[UVCHAN__CACHE_LINE];
  _Atomic uint64_t tail;
  _Atomic uint64_t seen_head; /* what a sender last saw of head, for the peak */
  _Atomic uint64_t peak;      /* the most values at once */

  char pad_head[UVCHAN__CACHE_LINE - 3 * sizeof(uint64_t)];
  _Atomic uint64_t head;
} uvchan__ring_t;

/* The i-th of values side by side. Values of no size may have no place. */
static inline void* uvchan__nth(const void* values, size_t i, size_t elem_size) {
  return elem_size == 0 ? (void*)(uintptr_t)values : (unsigned char*)(uintptr_t)values + i * elem_size;
}

typedef enum {
  UVCHAN__RING_DONE,
  UVCHAN__RING_FULL,   /* it was, at one moment of the call */
  UVCHAN__RING_EMPTY,  /* the same */
  UVCHAN__RING_ENDED,  /* empty, and tail CLOSED: for ever */
  UVCHAN__RING_REFUSED /* the word has one of the refused marks */
} uvchan__ring_result_t;

/* Bytes behind the ring's slots: turns first, then values. 0 where that is more than a size_t holds. */
size_t uvchan__ring_bytes(size_t elem_size, size_t capacity);

/* memory: uvchan__ring_bytes(), aligned as malloc aligns, the caller's; or NULL with a capacity of 0. lap: where to start. */
void uvchan__ring_init(uvchan__ring_t* ring, void* memory, size_t elem_size, size_t capacity, uint64_t lap);

/* refused: the marks of the word that refuse the call, checked in the same step as the claim. */
uvchan__ring_result_t uvchan__ring_push(uvchan__ring_t* ring, const void* value, uint64_t refused);
uvchan__ring_result_t uvchan__ring_pop(uvchan__ring_t* ring, void* value, uint64_t refused); /* value NULL: thrown away */

/* As many as fit or are there, up to n (1 or more); *moved is set where the answer is DONE. */
uvchan__ring_result_t uvchan__ring_push_n(uvchan__ring_t* ring, const void* values, size_t n, uint64_t refused, size_t* moved);
uvchan__ring_result_t uvchan__ring_pop_n(uvchan__ring_t* ring, void* values, size_t n, uint64_t refused, size_t* moved);

/* In place: the oldest value, claimed but still in its slot, until uvchan__ring_free(). For what may take long, on a closed ring only. */
uvchan__ring_result_t uvchan__ring_claim(uvchan__ring_t* ring, uint64_t refused, uint64_t* position);
void* uvchan__ring_value(const uvchan__ring_t* ring, uint64_t position);
void uvchan__ring_free(uvchan__ring_t* ring, uint64_t position);

size_t uvchan__ring_len(const uvchan__ring_t* ring);
uint64_t uvchan__ring_pushed(const uvchan__ring_t* ring); /* in all, laps included */
uint64_t uvchan__ring_popped(const uvchan__ring_t* ring);
int uvchan__ring_is_closed(const uvchan__ring_t* ring);

/* Set or clear marks of a word. Only with the channel's lock held, but for tests. */
void uvchan__ring_mark(_Atomic uint64_t* word, uint64_t marks);
void uvchan__ring_unmark(_Atomic uint64_t* word, uint64_t marks);

#endif /* UVCHAN_RING_H */
