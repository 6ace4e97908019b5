/* The bounded store: a ring of exactly `capacity` slots that any number of threads fill and empty
 * without a lock.
 *
 * It follows Dmitry Vyukov's bounded MPMC queue, with the lap in the position as in
 * crossbeam-channel's array flavor, and adds marks to the position words. Knows nothing of
 * channels, waiters or loops; includes the C library alone, so that a model checker reads it.
 *
 * A position word is [ lap | index | ARMED | CLOSED | SLOW ]. `tail` is the next slot to fill,
 * `head` the next to empty. Each slot has a turn:
 *
 *      turn == 2 * lap          free for the value of this lap        a sender that moved tail past the slot may write it
 *      turn == 2 * lap + 1      holds the value of this lap           a receiver that moved head past the slot may read it
 *      turn == 2 * lap + 2      free for the next lap
 *
 * The turn lies in front of the value, so that a value costs one cache line on its way and not two;
 * and each end of the ring is a line of its own, with its own copy of what is fixed, so that a fast
 * operation reads no further line. Where a receiver read one fixed member from tail's line, a value
 * of one thread to one loop took 22 ns for 10.
 *
 * I1  A slot is written only between the exchange of tail that claims it and [seq.R]; read only
 *     between the exchange of head that claims it and the next [seq.R]. Each claim succeeds for one
 *     thread alone, so no value is lost or received twice.
 * I2  head <= tail <= head + capacity, counted in slots: tail moves only while its slot is free,
 *     head only while its slot holds a value. (The _n forms move several slots at once, by the
 *     other word; they wait for each turn after the claim.)
 * I3  tail does not move while it is CLOSED: so the values in front of it are all that will ever be
 *     received, and empty is then the end.
 * I4  A word that is SLOW is moved only by those who hold the channel's lock (they pass refused =
 *     0). Who wants to sleep marks the word that the other side has to move, and looks again: the
 *     mark and each move are read-modify-writes of one word, therefore totally ordered. A move
 *     before the mark is seen by the second look; a move after the mark fails, and its thread takes
 *     the lock and finds the sleeper. No fence is needed, and no wake-up is lost. ARMED is the
 *     lighter mark, of tail alone, for one sleeper that needs no place in a queue: it is set only
 *     in a step that also sees the ring empty and tail neither SLOW nor CLOSED, and whoever moves
 *     or marks tail takes it off in the same step. So exactly one thread takes it off, and that one
 *     owes the sleeper its wake-up.
 * I5  Between claim and turn a thread only copies one value. Others may have to wait for it there
 *     (uvchan__relax), never in a circle: a sender waits for the receiver of the lap before, a
 *     receiver for the sender of its own lap.
 * I6  The last [seq.R] is a call's last touch of the ring: who received the last value may free it,
 *     as far as the ring goes. (A call that has waited, or owes a wake-up, touches its channel once
 *     more; its caller holds a reference.) */
#ifndef UVCHAN_RING_H
#define UVCHAN_RING_H

#include <stddef.h>
#include <string.h>

#include "ground/backoff.h"
#include "ground/tuning.h"
#include "ground/value.h"

#define UVCHAN__SLOW ((uint64_t)1)
#define UVCHAN__CLOSED ((uint64_t)2)
#define UVCHAN__ARMED ((uint64_t)4)
#define UVCHAN__MARKS (UVCHAN__SLOW | UVCHAN__CLOSED)
#define UVCHAN__INDEX_SHIFT 3

/* One end: the word that its side moves, and that side's copy of what is fixed. */
typedef union {
  struct {
    _Atomic uint64_t word;
    union { /* hints */
      /* of tail: a position before which no new peak is possible */
      _Atomic uint64_t no_peak_before;
      /* of head: where it was when a waiting receiver last noted it */
      _Atomic uint64_t seen_head;
    };
    _Atomic uint32_t peak; /* of tail: the most values at once */
    /* Fixed from uvchan__ring_init() on. */
    unsigned char shift;  /* of the lap in a word */
    unsigned char offset; /* of the value in a slot */
    unsigned short ahead; /* bytes from a slot to what will be needed soon */
    uint64_t index_mask;  /* of the index in a word */
    unsigned char* slots;
    size_t stride; /* bytes from a slot to the next */
    size_t elem_size;
    size_t capacity; /* 0: no slots, and both words stay SLOW */
  };
  char line[UVCHAN__CACHE_LINE_BYTES];
} uvchan__ring_side_t;

static_assert(sizeof(uvchan__ring_side_t) == UVCHAN__CACHE_LINE_BYTES,
              "an end of the ring is one line");

typedef struct {
  uvchan__ring_side_t tail;
  uvchan__ring_side_t head;
} uvchan__ring_t;

typedef enum {
  UVCHAN__RING_DONE,
  UVCHAN__RING_DISARMED, /* done, and the caller has taken ARMED off: he owes a wake-up */
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

/* As many as fit or are there, up to n (1 or more); *moved is set where the answer is DONE.
 * refused: the marks of the word that refuse the call, checked in the same step as the claim. */
uvchan__ring_result_t uvchan__ring_push_n(uvchan__ring_t* ring, const void* values, size_t n,
                                          uint64_t refused, size_t* moved);
uvchan__ring_result_t uvchan__ring_pop_n(uvchan__ring_t* ring, void* values, size_t n,
                                         uint64_t refused, size_t* moved);

/* The general case of a push and a pop, whose ordinary case stands below. */
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

/* For who looks again and again: each looks at one slot, which the other side touches once a lap,
 * and not at a word that it moves for each value. A hint. */
int uvchan__ring_has_value(const uvchan__ring_t* ring);
/* a good many values; of a small one a value */
int uvchan__ring_has_batch(const uvchan__ring_t* ring);
/* about half of it is free, or of a small one a slot */
int uvchan__ring_is_half_free(const uvchan__ring_t* ring);
/* a good many values have come since this was asked last */
int uvchan__ring_is_busy(uvchan__ring_t* ring);
/* for these: a value is a run, a slot is room */
int uvchan__ring_is_small(const uvchan__ring_t* ring);
int uvchan__ring_is_slow(const uvchan__ring_side_t* side);

/* Exact where nobody else is at work; else true of a moment of the call. The second answers 0 where
 * head was SLOW at that moment: somebody with the lock may be between two moves that are one step
 * to everyone else. */
size_t uvchan__ring_len(const uvchan__ring_t* ring);
int uvchan__ring_try_len(const uvchan__ring_t* ring, size_t* len);
size_t uvchan__ring_peak(const uvchan__ring_t* ring);
uint64_t uvchan__ring_pushed(const uvchan__ring_t* ring); /* in all, laps included */
uint64_t uvchan__ring_popped(const uvchan__ring_t* ring);
int uvchan__ring_is_closed(const uvchan__ring_t* ring);

/* Set or clear marks of a word. Only with the channel's lock held, but for tests. The first answers
 * 1 where it has taken ARMED off. */
int uvchan__ring_mark(uvchan__ring_side_t* side, uint64_t marks);
void uvchan__ring_unmark(uvchan__ring_side_t* side, uint64_t marks);

/* DONE: it was empty, and is ARMED. FULL: it is not empty. REFUSED: tail is SLOW or CLOSED. What
 * was done before is seen by the one who takes the mark off. One sleeper at a time: the next one
 * arms only when nobody owes the one before a wake-up any more. */
uvchan__ring_result_t uvchan__ring_arm(uvchan__ring_t* ring);
int uvchan__ring_disarm(uvchan__ring_t* ring); /* 1 where it was still ARMED */

/* ---- The parts of a word, and the steps ------------------------------------------------------ */

static inline size_t uvchan__index_of(const uvchan__ring_side_t* side, uint64_t word) {
  return (size_t)((word & side->index_mask) >> UVCHAN__INDEX_SHIFT);
}

static inline uint32_t uvchan__free_seq(const uvchan__ring_side_t* side, uint64_t word) {
  return (uint32_t)(2 * (word >> side->shift));
}

static inline uint32_t uvchan__full_seq(const uvchan__ring_side_t* side, uint64_t word) {
  return uvchan__free_seq(side, word) + 1;
}

/* The word one slot further on, with the same marks. */
static inline uint64_t uvchan__next(const uvchan__ring_side_t* side, uint64_t word) {
  if (uvchan__index_of(side, word) + 1 < side->capacity)
    return word + ((uint64_t)1 << UVCHAN__INDEX_SHIFT);
  return ((word >> side->shift) + 1) << side->shift | (word & UVCHAN__MARKS);
}

static inline unsigned char* uvchan__slot(const uvchan__ring_side_t* side, uint64_t word) {
  return side->slots + uvchan__index_of(side, word) * side->stride;
}

/* [seq.A] with [seq.R]: the bytes that the other side wrote, or has finished reading. */
static inline uint32_t uvchan__load_seq(const unsigned char* slot) {
  uvchan__step();
  return atomic_load_explicit((const _Atomic uint32_t*)(const void*)slot, memory_order_acquire);
}

static inline void uvchan__store_seq(unsigned char* slot, uint32_t seq) {
  uvchan__step();
  atomic_store_explicit((_Atomic uint32_t*)(void*)slot, seq, memory_order_release); /* [seq.R] */
}

/* [word.A] with [word.R]: what was done before a close, for who sees the mark; before a move, for
 * who counts with it. */
static inline uint64_t uvchan__load_word(const uvchan__ring_side_t* side) {
  uvchan__step();
  return atomic_load_explicit(&side->word, memory_order_acquire);
}

/* Moves the word on; a failure stores what it is now in *expected. [word.R], and [word.A] too, so
 * that moves form one chain. */
static inline int uvchan__move_word(uvchan__ring_side_t* side, uint64_t* expected,
                                    uint64_t desired) {
  uvchan__step();
  return atomic_compare_exchange_weak_explicit(&side->word, expected, desired, memory_order_acq_rel,
                                               memory_order_acquire);
}

/* Whether the value that goes to `tail` may be one more than there ever were. It is not before
 * `bound`. Where the peak is low, that is soon reached; then it is not where the slot that lies
 * `peak` behind is empty again, which is near, while head's line is not: who reads that takes it
 * away from the receivers. Relaxed: a statistic. */
static inline int uvchan__may_be_peak(const uvchan__ring_side_t* side, uint64_t tail) {
  uint32_t peak;
  uint64_t behind;

  if ((int64_t)(tail - atomic_load_explicit(&side->no_peak_before, memory_order_relaxed)) < 0)
    return 0;
  peak = atomic_load_explicit(&side->peak, memory_order_relaxed);
  if (peak == side->capacity) return 0;
  if (peak == 0 || peak > UVCHAN__LOW_PEAK_VALUES) return 1;
  behind = tail - ((uint64_t)peak << UVCHAN__INDEX_SHIFT);
  if (uvchan__index_of(side, tail) < peak) { /* in the lap before */
    behind = tail - ((uint64_t)1 << side->shift) +
             ((uint64_t)(side->capacity - peak) << UVCHAN__INDEX_SHIFT);
  }
  return (int32_t)(uvchan__load_seq(uvchan__slot(side, behind)) - uvchan__full_seq(side, behind)) <=
         0;
}

/* The other side has written a slot since, so its line comes from another processor's cache; the
 * exchanges of words keep this one from looking ahead for itself. 7.3 ns a value without it, 6.6
 * with it. */
static inline void uvchan__prefetch(const uvchan__ring_side_t* side, const unsigned char* slot) {
#ifdef __GNUC__
  __builtin_prefetch(slot + side->ahead, 1);
#else
  (void)side;
  (void)slot;
#endif
}

/* A value of one word goes through a register: read from the sender's memory before a slot is
 * claimed, written to the receiver's after the slot is free. So nobody waits where that memory is
 * slow to come, and the copy between claim and turn is a move. */
static inline int uvchan__is_word(const uvchan__ring_side_t* side) {
  return side->elem_size == sizeof(uint64_t);
}

static inline uint64_t uvchan__load_value(const uvchan__ring_side_t* side, const void* value) {
  uint64_t word = 0;

  if (uvchan__is_word(side)) memcpy(&word, value, sizeof(word));
  return word;
}

/* word: of a value of one word, itself. */
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

/* ---- The ordinary case --------------------------------------------------------------------------
 *
 * Inline in whoever calls, with what else there is to do in a call at the end: so it neither saves
 * a register nor makes a call. Measured on the way through a channel, with the copy above: 12 ns
 * for 18. */

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
