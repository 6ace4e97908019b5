/* SPDX-License-Identifier: MIT */
/* The bounded store: a ring of exactly `capacity` slots that any number of threads fill and empty
 * without a lock. It follows Dmitry Vyukov's bounded MPMC queue, with the lap in the position as in
 * crossbeam-channel's array flavor, and adds marks to the position words. How words and slots look
 * stands in words.h; what is only a hint, in hints.h, and nothing here depends on it.
 *
 * I1  A slot is written only between the exchange of tail that claims it and [seq.R]; read only
 *     between the exchange of head that claims it and the next [seq.R]. Each claim succeeds for one
 *     thread alone, so no value is lost or received twice.
 * I2  head <= tail <= head + capacity, counted in slots: tail moves only while its slot is free,
 *     head only while its slot holds a value. (The _n forms move several slots at once, by the
 *     other word; they wait for each seq after the claim.)
 * I3  tail does not move while it is CLOSED: so the values in front of it are all that will ever be
 *     received, and empty is then the end.
 * I4  A word that is SLOW is moved only by those who hold the channel's lock (the marks that they
 *     let refuse them are 0). Who wants to sleep marks the word that the other side has to move,
 *     and looks again: the mark and each move are read-modify-writes of one word, therefore totally
 *     ordered. A move before the mark is seen by the second look; a move after the mark fails, and
 *     its thread takes the lock and finds the sleeper. No fence is needed, and no wake-up is lost.
 *     ARMED is the lighter mark, of tail alone, for one sleeper that needs no place in a queue: it
 *     is set only in a step that also sees the ring empty and tail neither SLOW nor CLOSED, and
 *     whoever moves or marks tail takes it off in the same step. So exactly one thread takes it
 *     off, and that one has to wake the sleeper; or it is the sleeper himself, who stops
 *     (uvchan__ring_disarm()).
 * I5  Between the claim and [seq.R] a thread only copies one value. Others may have to wait for it
 *     there (uvchan__relax), never in a circle: a sender waits for the receiver of the lap before,
 *     a receiver for the sender of its own lap.
 * I6  The last [seq.R] is a call's last touch of the ring: who received the last value may free it,
 *     as far as the ring goes. (A call that has waited, or has somebody to wake, touches its
 *     channel once more; its caller holds a reference.)
 *
 * Threads: any; what asks for the channel's lock says so. Knows nothing of channels, waiters or
 * loops; includes the C library alone, so that a model checker reads it. */
#ifndef UVCHAN_RING_H
#define UVCHAN_RING_H

#include <string.h>

#include "ground/value.h"
#include "store/hints.h"
#include "store/words.h"

typedef enum {
  UVCHAN__RING_DONE,
  UVCHAN__RING_DISARMED, /* done, and the caller has taken ARMED off: he has a sleeper to wake */
  UVCHAN__RING_FULL,     /* it was, at one moment of the call */
  UVCHAN__RING_EMPTY,    /* the same */
  UVCHAN__RING_ENDED,    /* empty, and tail CLOSED: for ever */
  UVCHAN__RING_REFUSED   /* the word has one of the refused marks */
} uvchan__ring_result_t;

/* Bytes of the ring's slots. 0 where that is more than a size_t holds. */
size_t uvchan__ring_bytes(size_t elem_size, size_t capacity);

/* memory: uvchan__ring_bytes(), aligned as malloc aligns, the caller's; or NULL with a capacity of
 * 0. lap: where to start. */
void uvchan__ring_init(uvchan__ring_t* ring, void* memory, size_t elem_size, size_t capacity,
                       uint64_t lap);

/* As many as fit or are there, up to n (1 or more); *moved is set where the answer is DONE or
 * DISARMED. refused: the marks of the word that refuse the call, checked in the same step as the
 * claim. */
uvchan__ring_result_t uvchan__ring_push_n(uvchan__ring_t* ring, const void* values, size_t n,
                                          uint64_t refused, size_t* moved);
uvchan__ring_result_t uvchan__ring_pop_n(uvchan__ring_t* ring, void* values, size_t n,
                                         uint64_t refused, size_t* moved);

/* The general case of a push and of a pop, whose fast path stands below. */
uvchan__ring_result_t uvchan__ring_push_slow(uvchan__ring_t* ring, const void* value,
                                             uint64_t refused);
uvchan__ring_result_t uvchan__ring_pop_slow(uvchan__ring_t* ring, void* value, uint64_t refused);

/* In place, on a ring that nobody sends to any more: claims all values at once, by one move of
 * head, and answers how many there are from *position on. Each is then still in its slot until
 * uvchan__ring_free(), which moves *position on: for what may take long. */
size_t uvchan__ring_claim_all(uvchan__ring_t* ring, uint64_t* position);
/* waits for a sender that is still copying it in */
void* uvchan__ring_value(const uvchan__ring_t* ring, uint64_t position);
void uvchan__ring_free(uvchan__ring_t* ring, uint64_t* position);

/* Whether a receive, or a send, would find the ring EMPTY, or FULL; DONE where it would not, and
 * REFUSED where the word that it would move is SLOW. *stamp is where the other side is, which moves
 * on only: as long as it stays there, an answer of EMPTY or FULL stays true, but for a close. */
uvchan__ring_result_t uvchan__ring_look(const uvchan__ring_t* ring, int sends, uint64_t* stamp);
uint64_t uvchan__ring_stamp(const uvchan__ring_t* ring, int sends);

/* Exact where nobody else is at work; else true of a moment of the call. The second answers 0 where
 * head was SLOW at that moment: somebody with the lock may be between two moves that are one step
 * to everyone else. */
size_t uvchan__ring_len(const uvchan__ring_t* ring);
int uvchan__ring_try_len(const uvchan__ring_t* ring, size_t* len);
uint64_t uvchan__ring_pushed(const uvchan__ring_t* ring); /* in all, laps included */
uint64_t uvchan__ring_popped(const uvchan__ring_t* ring);
int uvchan__ring_is_closed(const uvchan__ring_t* ring);
int uvchan__ring_is_slow(const uvchan__ring_side_t* side);

/* Set or clear marks of a word. Only with the channel's lock held, but for tests. The first answers
 * 1 where it has taken ARMED off. */
int uvchan__ring_mark(uvchan__ring_side_t* side, uint64_t marks);
void uvchan__ring_unmark(uvchan__ring_side_t* side, uint64_t marks);

/* DONE: it was empty, and is ARMED. FULL: it is not empty. REFUSED: tail is SLOW or CLOSED. What
 * was done before is seen by the one who takes the mark off. One sleeper at a time: the next one
 * arms only when nobody has the one before to wake any more. */
uvchan__ring_result_t uvchan__ring_arm(uvchan__ring_t* ring);
int uvchan__ring_disarm(uvchan__ring_t* ring); /* 1 where it was still ARMED */

/* ---- A value into its slot, and out of it ---------------------------------------------------- */

/* A value of one word goes through a register: read from the sender's memory before a slot is
 * claimed, written to the receiver's after the slot is free. So nobody waits where that memory is
 * slow to come, and the copy between claim and seq is a move. */
static inline int uvchan__is_word(const uvchan__ring_side_t* side) {
  return side->elem_size == sizeof(uint64_t);
}

static inline uint64_t uvchan__load_value(const uvchan__ring_side_t* side, const void* value) {
  uint64_t word = 0;

  if (uvchan__is_word(side)) memcpy(&word, value, sizeof(word));
  return word;
}

/* After the claim. word: of a value of one word, itself. */
static inline void uvchan__fill(const uvchan__ring_side_t* side, uint64_t tail, const void* value,
                                uint64_t word) {
  unsigned char* slot = uvchan__slot(side, tail);
  uint32_t seq = uvchan__full_seq(side, tail);

  uvchan__prefetch(side, slot);
  if (uvchan__is_word(side)) {
    memcpy(slot + side->offset, &word, sizeof(word));
  } else if (side->elem_size != 0) {
    memcpy(slot + side->offset, value, side->elem_size);
  }
  uvchan__store_seq(slot, seq);
}

/* After the claim. value NULL: thrown away. */
static inline void uvchan__empty(const uvchan__ring_side_t* side, uint64_t head, void* value) {
  unsigned char* slot = uvchan__slot(side, head);
  uint32_t seq = uvchan__full_seq(side, head) + 1;

  uvchan__prefetch(side, slot);
  if (uvchan__is_word(side)) {
    uint64_t word;

    memcpy(&word, slot + side->offset, sizeof(word));
    uvchan__store_seq(slot, seq);
    if (value != NULL) memcpy(value, &word, sizeof(word));
    return;
  }
  if (value != NULL && side->elem_size != 0) memcpy(value, slot + side->offset, side->elem_size);
  uvchan__store_seq(slot, seq);
}

/* ---- The fast path ------------------------------------------------------------------------------
 *
 * Inline in whoever calls, with what else there is to do in a call behind it: so it neither saves a
 * register nor makes a call. Measured on the way through a channel, with the copy above: 12 ns for
 * 18. */

/* 1 where it has pushed the value; 0 where it can't at once, for whichever reason. */
static inline int uvchan__ring_push_fast(uvchan__ring_t* ring, const void* value,
                                         uint64_t refused) {
  uvchan__ring_side_t* side = &ring->tail;
  uint64_t word = uvchan__load_value(side, value);
  uint64_t tail = uvchan__load_word(side);
  uint64_t seen = tail;

  if (UVCHAN__RARELY((tail & (refused | UVCHAN__ARMED)) != 0 || uvchan__may_be_peak(side, tail) ||
                     uvchan__load_seq(uvchan__slot(side, tail)) != uvchan__free_seq(side, tail) ||
                     !uvchan__move_word(side, &seen, uvchan__next(side, tail)))) {
    return 0;
  }
  uvchan__fill(side, tail, value, word);
  return 1;
}

static inline uvchan__ring_result_t uvchan__ring_push(uvchan__ring_t* ring, const void* value,
                                                      uint64_t refused) {
  return uvchan__ring_push_fast(ring, value, refused)
             ? UVCHAN__RING_DONE
             : uvchan__ring_push_slow(ring, value, refused);
}

/* The same; it does not look at tail's line. value NULL: thrown away. */
static inline int uvchan__ring_pop_fast(uvchan__ring_t* ring, void* value, uint64_t refused) {
  uvchan__ring_side_t* side = &ring->head;
  uint64_t head = uvchan__load_word(side);
  uint64_t seen = head;

  if (UVCHAN__RARELY((head & refused) != 0 ||
                     uvchan__load_seq(uvchan__slot(side, head)) != uvchan__full_seq(side, head) ||
                     !uvchan__move_word(side, &seen, uvchan__next(side, head)))) {
    return 0;
  }
  uvchan__empty(side, head, value);
  return 1;
}

static inline uvchan__ring_result_t uvchan__ring_pop(uvchan__ring_t* ring, void* value,
                                                     uint64_t refused) {
  return uvchan__ring_pop_fast(ring, value, refused) ? UVCHAN__RING_DONE
                                                     : uvchan__ring_pop_slow(ring, value, refused);
}

#endif /* UVCHAN_RING_H */
