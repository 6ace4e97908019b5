/* SPDX-License-Identifier: MIT */
/* The parts of the ring that others read and move: the two position words, and the sequence numbers
 * of its slots.
 *
 * A position word is [ lap | index | ARMED | CLOSED | SLOW ]. `tail` is the next slot to fill,
 * `head` the next to empty. A word moves on by a slot with each value, from the last index to the
 * first of the next lap; laps wrap around.
 *
 *      SLOW     the word is moved only by those who hold the channel's lock
 *      CLOSED   of tail: no value comes any more, and tail stays where it is
 *      ARMED    of tail: a sleeper is to be woken by whoever moves or marks tail
 *
 * Each slot has a sequence number, its seq, 32 bits that wrap as laps do:
 *
 *      2 * lap        free for the value of this lap:
 *                         a sender that has moved tail past the slot may write it
 *      2 * lap + 1    holds the value of this lap:
 *                         a receiver that has moved head past the slot may read it
 *      2 * lap + 2    free for the value of the next lap
 *
 * The seq lies in front of the value, so that a value costs one cache line on its way and not two;
 * and each side of the ring is a line of its own, with its own copy of what is fixed, so that a
 * fast operation reads no further line. Where a receiver read one fixed member from tail's line, a
 * value of one thread to one loop took 22 ns for 10.
 *
 * Here is how the words are made, and their memory orders; what may be done with them when, and why
 * no value is lost, stands in ring.h. Threads: any. Knows the C library alone, so that a model
 * checker reads it. */
#ifndef UVCHAN_WORDS_H
#define UVCHAN_WORDS_H

#include <stddef.h>

#include "ground/backoff.h"
#include "ground/tuning.h"

#define UVCHAN__SLOW ((uint64_t)1)
#define UVCHAN__CLOSED ((uint64_t)2)
#define UVCHAN__ARMED ((uint64_t)4)
#define UVCHAN__MARKS (UVCHAN__SLOW | UVCHAN__CLOSED)
#define UVCHAN__INDEX_SHIFT 3

/* One side: the word that it moves, and its copy of what is fixed. */
typedef union {
  struct {
    _Atomic uint64_t word; /* [word.R] and [word.A], below */
    /* Hints and a statistic, relaxed, for hints.c alone. */
    union {
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
              "a side of the ring is one line");

typedef struct {
  uvchan__ring_side_t tail;
  uvchan__ring_side_t head;
} uvchan__ring_t;

/* ---- A word's parts, and the words behind it ------------------------------------------------- */

static inline size_t uvchan__index_of(const uvchan__ring_side_t* side, uint64_t word) {
  return (size_t)((word & side->index_mask) >> UVCHAN__INDEX_SHIFT);
}

static inline uint64_t uvchan__lap_of(const uvchan__ring_side_t* side, uint64_t word) {
  return word >> side->shift;
}

/* Without any mark: two words of one position compare equal. */
static inline uint64_t uvchan__position_of(uint64_t word) {
  return word & ~(UVCHAN__MARKS | UVCHAN__ARMED);
}

static inline uint64_t uvchan__unarmed(uint64_t word) { return word & ~UVCHAN__ARMED; }

/* The word one slot further on, with the same marks. ARMED is not one of them: whoever moves tail
 * takes it off, and asks with a word that is without it. */
static inline uint64_t uvchan__next(const uvchan__ring_side_t* side, uint64_t word) {
  if (uvchan__index_of(side, word) + 1 < side->capacity)
    return word + ((uint64_t)1 << UVCHAN__INDEX_SHIFT);
  return ((word >> side->shift) + 1) << side->shift | (word & UVCHAN__MARKS);
}

/* The same n slots further on, n up to capacity. */
static inline uint64_t uvchan__advance(const uvchan__ring_side_t* side, uint64_t word, size_t n) {
  size_t index = uvchan__index_of(side, word);

  if (n < side->capacity - index) return word + ((uint64_t)n << UVCHAN__INDEX_SHIFT);
  index = n - (side->capacity - index);
  return (uvchan__lap_of(side, word) + 1) << side->shift | (uint64_t)index << UVCHAN__INDEX_SHIFT |
         (word & UVCHAN__MARKS);
}

/* Slots from one position to another. Positions that were not read at one moment may be out of
 * order, or more than a lap apart: then 0, or capacity. */
static inline size_t uvchan__distance(const uvchan__ring_side_t* side, uint64_t from, uint64_t to) {
  /* the lap field wraps: shifted up and down again, a small difference keeps its sign */
  int64_t laps =
      (int64_t)((uvchan__lap_of(side, to) - uvchan__lap_of(side, from)) << side->shift) >>
      side->shift;
  size_t a = uvchan__index_of(side, from);
  size_t b = uvchan__index_of(side, to);

  if (laps == 0) return b > a ? b - a : 0;
  if (laps == 1) return b > a ? side->capacity : side->capacity - a + b;
  return laps < 0 ? 0 : side->capacity;
}

/* ---- A slot and its seq ---------------------------------------------------------------------- */

static inline unsigned char* uvchan__slot(const uvchan__ring_side_t* side, uint64_t word) {
  return side->slots + uvchan__index_of(side, word) * side->stride;
}

static inline uint32_t uvchan__free_seq(const uvchan__ring_side_t* side, uint64_t word) {
  return (uint32_t)(2 * (word >> side->shift));
}

static inline uint32_t uvchan__full_seq(const uvchan__ring_side_t* side, uint64_t word) {
  return uvchan__free_seq(side, word) + 1;
}

/* ---- Memory orders --------------------------------------------------------------------------- */

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

#endif /* UVCHAN_WORDS_H */
