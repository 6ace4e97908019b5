/* SPDX-License-Identifier: MIT */
/* What is told of the ring without a proof: it may be wrong without harm. Who finds out here that
 * it is worth a try, tries, and the ring (ring.h) says how it is; who finds out that it is not,
 * looks again. And the peak, a statistic.
 *
 * Nothing that the ring's invariants need is in here: a model checker may leave it out. Threads:
 * any. Knows the words alone. */
#ifndef UVCHAN_HINTS_H
#define UVCHAN_HINTS_H

#include "store/words.h"

/* ---- For who looks again and again --------------------------------------------------------------
 *
 * Each looks at one slot, which the other side touches once a lap, and not at a word that it moves
 * for each value. */

int uvchan__ring_has_value(const uvchan__ring_t* ring);
/* a good many values; of a small one a value */
int uvchan__ring_has_batch(const uvchan__ring_t* ring);
/* a good part of it is free; of a small one a slot */
int uvchan__ring_is_half_free(const uvchan__ring_t* ring);
/* for these: a value is a batch, a slot is room */
int uvchan__ring_is_small(const uvchan__ring_t* ring);

/* Whether a good many values have been received since head was last noted, by whomever; *head is
 * where it is now, to be noted. */
int uvchan__ring_was_busy(const uvchan__ring_t* ring, uint64_t* head);
void uvchan__ring_note_head(uvchan__ring_t* ring, uint64_t head);

/* ---- The peak -------------------------------------------------------------------------------- */

size_t uvchan__ring_peak(const uvchan__ring_t* ring); /* the most values at once */

/* Whether the value that goes to `tail` may be one more than there ever were. It is not before
 * no_peak_before. Where the peak is low, that is soon reached; then it is not where the slot that
 * lies `peak` behind is empty again, which is near, while head's line is not: who reads that takes
 * it away from the receivers. Relaxed: a statistic. */
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

/* Notes it where it is: after tail was moved on from `tail`, and before the value can be received,
 * for the ring may be gone after that (I6). */
void uvchan__note_peak(uvchan__ring_t* ring, uint64_t tail);

/* ---- The processor's cache ------------------------------------------------------------------- */

/* The other side has written a slot since, so its line comes from another processor's cache; the
 * exchanges of words keep this one from looking ahead for itself. */
static inline void uvchan__prefetch(const uvchan__ring_side_t* side, const unsigned char* slot) {
#ifdef __GNUC__
  __builtin_prefetch(slot + side->ahead, 1);
#else
  (void)side;
  (void)slot;
#endif
}

#endif /* UVCHAN_HINTS_H */
