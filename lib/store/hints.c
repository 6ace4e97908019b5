/* SPDX-License-Identifier: MIT */
/* What may be wrong without harm; hints.h says why, and which threads enter. */
#include "store/hints.h"

/* ---- For who looks again and again ----------------------------------------------------------- */

static int is_full_ahead(const uvchan__ring_side_t* side, size_t n) {
  uint64_t ahead = uvchan__advance(side, uvchan__load_word(side), n);

  return uvchan__load_seq(uvchan__slot(side, ahead)) == uvchan__full_seq(side, ahead);
}

int uvchan__ring_has_value(const uvchan__ring_t* ring) { return is_full_ahead(&ring->head, 0); }

int uvchan__ring_is_small(const uvchan__ring_t* ring) {
  return ring->head.capacity <= UVCHAN__SMALL_RING_SLOTS;
}

/* The slot that would be a batch's last: where that is full, so was each before it. */
int uvchan__ring_has_batch(const uvchan__ring_t* ring) {
  size_t n = ring->head.capacity / UVCHAN__BATCH_PART_OF_RING;

  if (n > UVCHAN__BATCH_VALUES) n = UVCHAN__BATCH_VALUES;
  return is_full_ahead(&ring->head, uvchan__ring_is_small(ring) ? 0 : n);
}

int uvchan__ring_is_half_free(const uvchan__ring_t* ring) {
  const uvchan__ring_side_t* side = &ring->tail;
  uint64_t ahead = uvchan__load_word(side);

  if (!uvchan__ring_is_small(ring))
    ahead = uvchan__advance(side, ahead, side->capacity / UVCHAN__ROOM_PART_OF_RING);
  return uvchan__load_seq(uvchan__slot(side, ahead)) == uvchan__free_seq(side, ahead);
}

int uvchan__ring_was_busy(const uvchan__ring_t* ring, uint64_t* head) {
  const uvchan__ring_side_t* side = &ring->head;
  uint64_t before = atomic_load_explicit(&side->seen_head, memory_order_relaxed);

  *head = uvchan__position_of(uvchan__load_word(side));
  return uvchan__distance(side, before, *head) >= UVCHAN__BUSY_VALUES;
}

/* Not written where it stands there already: the line is the receivers'. */
void uvchan__ring_note_head(uvchan__ring_t* ring, uint64_t head) {
  if (atomic_load_explicit(&ring->head.seen_head, memory_order_relaxed) != head)
    atomic_store_explicit(&ring->head.seen_head, head, memory_order_relaxed);
}

/* ---- The peak -------------------------------------------------------------------------------- */

size_t uvchan__ring_peak(const uvchan__ring_t* ring) {
  return atomic_load_explicit(&ring->tail.peak, memory_order_relaxed);
}

/* No new peak is possible up to `peak` slots behind a head that was seen, since head only moves on.
 * Relaxed: a statistic. */
void uvchan__note_peak(uvchan__ring_t* ring, uint64_t tail) {
  uvchan__ring_side_t* side = &ring->tail;
  uint32_t peak = atomic_load_explicit(&side->peak, memory_order_relaxed);
  uint64_t head;
  size_t len;

  if (!uvchan__may_be_peak(side, tail)) return;
  head = uvchan__position_of(atomic_load_explicit(&ring->head.word, memory_order_relaxed));
  len = uvchan__distance(side, head, uvchan__next(side, tail));
  if (len > UINT32_MAX) len = UINT32_MAX;
  while (len > peak) {
    if (atomic_compare_exchange_weak_explicit(&side->peak, &peak, (uint32_t)len,
                                              memory_order_relaxed, memory_order_relaxed)) {
      peak = (uint32_t)len;
    }
  }
  atomic_store_explicit(&side->no_peak_before, uvchan__advance(side, head, peak),
                        memory_order_relaxed);
}
