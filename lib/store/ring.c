/* SPDX-License-Identifier: MIT */
/* The bounded store; its invariants, and which threads enter, stand in ring.h. */
#include "store/ring.h"

/* ---- Its memory ------------------------------------------------------------------------------ */

/* The seq's 4 bytes and the value, as close as the value's own alignment lets them be; or both as
 * malloc aligns. So lie the slots, in bytes:
 *
 *      values of 8        seq 4 | value 8 | seq 4 | value 8 | ...
 *      values of 20       seq 4 | unused 4 | value 20 | unused 4 | seq 4 | ...
 *      values of 1024     seq 4 | unused 12 | value 1024 | seq 4 | ...
 */
static size_t offset_for(size_t elem_size) {
  if (elem_size >= UVCHAN__ALIGNED_BYTES)
    return _Alignof(max_align_t) > sizeof(uint64_t) ? _Alignof(max_align_t) : sizeof(uint64_t);
  return elem_size <= sizeof(uint64_t) ? sizeof(uint32_t) : sizeof(uint64_t);
}

/* The next slot's seq is aligned as this one's. 0 where that is more than a size_t holds. */
static size_t stride_for(size_t elem_size) {
  size_t offset = offset_for(elem_size);

  if (elem_size > SIZE_MAX - 2 * offset) return 0;
  return (elem_size + 2 * offset - 1) & ~(offset - 1);
}

size_t uvchan__ring_bytes(size_t elem_size, size_t capacity) {
  size_t stride = stride_for(elem_size);

  return stride == 0 || capacity > SIZE_MAX / stride ? 0 : capacity * stride;
}

static void init_side(uvchan__ring_side_t* side, void* memory, size_t elem_size, size_t capacity) {
  side->slots = memory;
  side->stride = stride_for(elem_size);
  side->elem_size = elem_size;
  side->capacity = capacity;
  side->offset = (unsigned char)offset_for(elem_size);
  if (side->stride <= UVCHAN__CACHE_LINE_BYTES && capacity >= UVCHAN__PREFETCH_FROM_SLOTS)
    side->ahead = UVCHAN__PREFETCH_AHEAD_BYTES;
  else
    side->ahead = 0;
  /* the index has as many bits as the last one needs, and the lap what is left */
  for (side->shift = UVCHAN__INDEX_SHIFT;
       capacity > 1 && (capacity - 1) >> (side->shift - UVCHAN__INDEX_SHIFT) != 0;)
    side->shift++;
  side->index_mask = uvchan__position_of(((uint64_t)1 << side->shift) - 1);
}

void uvchan__ring_init(uvchan__ring_t* ring, void* memory, size_t elem_size, size_t capacity,
                       uint64_t lap) {
  uint64_t start;
  size_t i;

  init_side(&ring->tail, memory, elem_size, capacity);
  init_side(&ring->head, memory, elem_size, capacity);
  start = capacity == 0 ? UVCHAN__SLOW : lap << ring->tail.shift;
  for (i = 0; i < capacity; i++)
    atomic_init((_Atomic uint32_t*)(void*)(ring->tail.slots + i * ring->tail.stride),
                (uint32_t)(2 * lap));
  atomic_init(&ring->tail.word, start);
  atomic_init(&ring->tail.no_peak_before, start);
  atomic_init(&ring->tail.peak, 0);
  atomic_init(&ring->head.word, start);
  atomic_init(&ring->head.seen_head, start);
}

/* ---- One value ------------------------------------------------------------------------------- */

/* What a push answers that has moved tail on from this word. */
static uvchan__ring_result_t moved_from(uint64_t tail) {
  return (tail & UVCHAN__ARMED) != 0 ? UVCHAN__RING_DISARMED : UVCHAN__RING_DONE;
}

/* Both wrap: they are never half of all numbers apart. */
static int precedes(uint32_t seq, uint32_t other) { return (int32_t)(seq - other) < 0; }

/* Claims the slot at tail, where it is free; what its seq tells:
 *
 *      free for this lap       claimed by the exchange of tail, or another sender has been faster
 *      of a lap before         FULL; or its receiver has moved head, and still copies: wait for him
 *      of this lap or later    tail was read too long ago: again
 *
 * FULL is true of one moment: tail was the same before and after head was read, and only grows; so
 * it was that when head was a whole capacity behind it. */
static uvchan__ring_result_t claim_free(uvchan__ring_t* ring, uint64_t refused,
                                        uint64_t* position) {
  uvchan__ring_side_t* side = &ring->tail;
  uint64_t tail = uvchan__load_word(side);
  unsigned int round = 0;
  unsigned int pauses = UVCHAN__FIRST_BACK_OFF_PAUSES;

  for (;;) {
    uint32_t seq;

    if ((tail & refused) != 0) return UVCHAN__RING_REFUSED;
    seq = uvchan__load_seq(uvchan__slot(side, tail));
    if (seq == uvchan__free_seq(side, tail)) {
      *position = uvchan__unarmed(tail);
      if (uvchan__move_word(side, &tail, uvchan__next(side, *position))) return moved_from(tail);
      uvchan__back_off(&pauses);
      tail = uvchan__load_word(side);
      continue;
    }
    /* full, or a receiver is still copying this slot's last value out */
    if (precedes(seq, uvchan__free_seq(side, tail))) {
      uint64_t head = uvchan__load_word(&ring->head);
      uint64_t again = uvchan__load_word(side);

      if (again == tail && uvchan__distance(side, head, tail) == side->capacity)
        return UVCHAN__RING_FULL;
      if (again == tail) uvchan__relax(&round);
      tail = again;
      continue;
    }
    tail = uvchan__load_word(side);
  }
}

/* The mirror of claim_free(), at head. EMPTY and ENDED are true of one moment in the same way: head
 * was the same before and after tail was read. */
static uvchan__ring_result_t claim_full(uvchan__ring_t* ring, uint64_t refused,
                                        uint64_t* position) {
  uvchan__ring_side_t* side = &ring->head;
  uint64_t head = uvchan__load_word(side);
  unsigned int round = 0;
  unsigned int pauses = UVCHAN__FIRST_BACK_OFF_PAUSES;

  for (;;) {
    uint32_t seq;

    if ((head & refused) != 0) return UVCHAN__RING_REFUSED;
    seq = uvchan__load_seq(uvchan__slot(side, head));
    if (seq == uvchan__full_seq(side, head)) {
      *position = head;
      if (uvchan__move_word(side, &head, uvchan__next(side, head))) return UVCHAN__RING_DONE;
      uvchan__back_off(&pauses);
      head = uvchan__load_word(side);
      continue;
    }
    /* empty, or a sender is still copying this slot's value in */
    if (precedes(seq, uvchan__full_seq(side, head))) {
      uint64_t tail = uvchan__load_word(&ring->tail);
      uint64_t again = uvchan__load_word(side);

      if (again == head && uvchan__position_of(tail) == uvchan__position_of(head)) {
        return (tail & UVCHAN__CLOSED) != 0 ? UVCHAN__RING_ENDED : UVCHAN__RING_EMPTY;
      }
      if (again == head) uvchan__relax(&round);
      head = again;
      continue;
    }
    head = uvchan__load_word(side);
  }
}

/* The peak is noted between the claim and the value: whoever receives that may free the ring
 * (I6). */
uvchan__ring_result_t uvchan__ring_push_slow(uvchan__ring_t* ring, const void* value,
                                             uint64_t refused) {
  uint64_t word = uvchan__load_value(&ring->tail, value);
  uint64_t position;
  uvchan__ring_result_t r = claim_free(ring, refused, &position);

  if (r != UVCHAN__RING_DONE && r != UVCHAN__RING_DISARMED) return r;
  uvchan__note_peak(ring, position);
  uvchan__fill(&ring->tail, position, value, word);
  return r;
}

uvchan__ring_result_t uvchan__ring_pop_slow(uvchan__ring_t* ring, void* value, uint64_t refused) {
  uint64_t position;
  uvchan__ring_result_t r = claim_full(ring, refused, &position);

  if (r == UVCHAN__RING_DONE) uvchan__empty(&ring->head, position, value);
  return r;
}

/* ---- Many values --------------------------------------------------------------------------------
 *
 * One exchange claims k slots at once, by the other side's word alone, before any of their seqs was
 * looked at. For tail:
 *
 *      head <= tail <= head + capacity - k      as it was read: the word of the other side is read
 *                                               after this one, and moves on only; and if this one
 *                                               has moved since, the exchange fails
 *      head <= tail + k <= head + capacity      after the exchange: I2 holds
 *
 * So each of the k slots was claimed by a receiver of the lap before. He may still copy, and is
 * waited for at that slot, not before the claim: he needs nobody for what he does (I5), and who
 * waits holds up only those who come behind him in the ring. In the same way each slot between head
 * and tail was claimed by a sender.
 *
 * Who loses the exchange tries again at once: it costs the word's line once for many values, where
 * the back-off of a single one is against a line that goes to and fro for each. */

static void await_seq(const unsigned char* slot, uint32_t seq) {
  unsigned int round = 0;

  while (uvchan__load_seq(slot) != seq) uvchan__relax(&round);
}

uvchan__ring_result_t uvchan__ring_push_n(uvchan__ring_t* ring, const void* values, size_t n,
                                          uint64_t refused, size_t* moved) {
  uvchan__ring_side_t* side = &ring->tail;
  uint64_t tail = uvchan__load_word(side);
  uvchan__ring_result_t r;
  size_t k, i;

  for (;;) {
    uint64_t head, again;

    if ((tail & refused) != 0) return UVCHAN__RING_REFUSED;
    head = uvchan__load_word(&ring->head);
    k = side->capacity - uvchan__distance(side, head, tail);
    if (k > n) k = n;
    if (k > 0) {
      again = tail;
      if (uvchan__move_word(side, &again, uvchan__advance(side, uvchan__unarmed(tail), k))) break;
    } else {
      again = uvchan__load_word(side);
      if (again == tail) return UVCHAN__RING_FULL;
    }
    tail = again;
  }
  r = moved_from(tail);
  tail = uvchan__unarmed(tail);
  uvchan__note_peak(ring, uvchan__advance(side, tail, k - 1));
  *moved = k;
  for (i = 0; i < k; i++) {
    unsigned char* slot = uvchan__slot(side, tail);
    uint32_t seq = uvchan__free_seq(side, tail);

    tail = uvchan__next(side, tail);
    await_seq(slot, seq);
    uvchan__copy(slot + side->offset, uvchan__nth(values, i, side->elem_size), side->elem_size);
    uvchan__store_seq(slot, seq + 1);
  }
  return r;
}

uvchan__ring_result_t uvchan__ring_pop_n(uvchan__ring_t* ring, void* values, size_t n,
                                         uint64_t refused, size_t* moved) {
  uvchan__ring_side_t* side = &ring->head;
  uint64_t head = uvchan__load_word(side);
  size_t k, i;

  for (;;) {
    uint64_t tail, again;

    if ((head & refused) != 0) return UVCHAN__RING_REFUSED;
    tail = uvchan__load_word(&ring->tail);
    k = uvchan__distance(side, head, tail);
    if (k > n) k = n;
    if (k > 0) {
      again = head;
      if (uvchan__move_word(side, &again, uvchan__advance(side, head, k))) break;
    } else {
      again = uvchan__load_word(side);
      if (again == head)
        return (tail & UVCHAN__CLOSED) != 0 ? UVCHAN__RING_ENDED : UVCHAN__RING_EMPTY;
    }
    head = again;
  }
  *moved = k;
  for (i = 0; i < k; i++) {
    unsigned char* slot = uvchan__slot(side, head);
    uint32_t seq = uvchan__full_seq(side, head);

    head = uvchan__next(side, head);
    await_seq(slot, seq);
    uvchan__copy(uvchan__nth(values, i, side->elem_size), slot + side->offset, side->elem_size);
    uvchan__store_seq(slot, seq + 1);
  }
  return UVCHAN__RING_DONE;
}

/* ---- In place -------------------------------------------------------------------------------- */

/* As pop_n claims. Nobody sends any more, so only somebody who receives can be faster. */
size_t uvchan__ring_claim_all(uvchan__ring_t* ring, uint64_t* position) {
  uvchan__ring_side_t* side = &ring->head;
  uint64_t head = uvchan__load_word(side);
  size_t n;

  do {
    n = uvchan__distance(side, head, uvchan__load_word(&ring->tail));
  } while (n > 0 && !uvchan__move_word(side, &head, uvchan__advance(side, head, n)));
  *position = head;
  return n;
}

/* From here on the slot is as a receiver's, until uvchan__ring_free(): nobody else touches it. */
void* uvchan__ring_value(const uvchan__ring_t* ring, uint64_t position) {
  unsigned char* slot = uvchan__slot(&ring->head, position);

  await_seq(slot, uvchan__full_seq(&ring->head, position));
  return slot + ring->head.offset;
}

void uvchan__ring_free(uvchan__ring_t* ring, uint64_t* position) {
  uvchan__store_seq(uvchan__slot(&ring->head, *position),
                    uvchan__full_seq(&ring->head, *position) + 1);
  *position = uvchan__next(&ring->head, *position);
}

/* ---- Its state ------------------------------------------------------------------------------- */

/* Both words as they were at one moment: tail was the same before and after head was read. So head
 * is the latest that it can be for this tail; and a tail that is a whole capacity ahead could not
 * have moved before head did. */
static void look_at_both(const uvchan__ring_t* ring, uint64_t* head, uint64_t* tail) {
  uint64_t again = uvchan__load_word(&ring->tail);

  do {
    *tail = again;
    *head = uvchan__load_word(&ring->head);
    again = uvchan__load_word(&ring->tail);
  } while (again != *tail);
}

uvchan__ring_result_t uvchan__ring_look(const uvchan__ring_t* ring, int sends, uint64_t* stamp) {
  uint64_t head, tail;

  look_at_both(ring, &head, &tail);
  if (((sends ? tail : head) & UVCHAN__SLOW) != 0) return UVCHAN__RING_REFUSED;
  if ((tail & UVCHAN__CLOSED) != 0) return UVCHAN__RING_DONE;
  *stamp = uvchan__position_of(sends ? head : tail);
  if (sends)
    return uvchan__distance(&ring->tail, head, tail) == ring->tail.capacity ? UVCHAN__RING_FULL
                                                                            : UVCHAN__RING_DONE;
  return uvchan__position_of(head) == uvchan__position_of(tail) ? UVCHAN__RING_EMPTY
                                                                : UVCHAN__RING_DONE;
}

uint64_t uvchan__ring_stamp(const uvchan__ring_t* ring, int sends) {
  return uvchan__position_of(uvchan__load_word(sends ? &ring->head : &ring->tail));
}

int uvchan__ring_is_slow(const uvchan__ring_side_t* side) {
  return (uvchan__load_word(side) & UVCHAN__SLOW) != 0;
}

size_t uvchan__ring_len(const uvchan__ring_t* ring) {
  uint64_t head, tail;

  look_at_both(ring, &head, &tail);
  return uvchan__distance(&ring->tail, head, tail);
}

int uvchan__ring_try_len(const uvchan__ring_t* ring, size_t* len) {
  uint64_t head, tail;

  look_at_both(ring, &head, &tail);
  *len = uvchan__distance(&ring->tail, head, tail);
  return (head & UVCHAN__SLOW) == 0;
}

/* Since lap 0, though laps may begin later: a model's do, and a test's. */
static uint64_t count_to(const uvchan__ring_side_t* side) {
  uint64_t word = uvchan__load_word(side);

  return uvchan__lap_of(side, word) * side->capacity + uvchan__index_of(side, word);
}

uint64_t uvchan__ring_pushed(const uvchan__ring_t* ring) { return count_to(&ring->tail); }

uint64_t uvchan__ring_popped(const uvchan__ring_t* ring) { return count_to(&ring->head); }

int uvchan__ring_is_closed(const uvchan__ring_t* ring) {
  return (uvchan__load_word(&ring->tail) & UVCHAN__CLOSED) != 0;
}

/* ---- Marks --------------------------------------------------------------------------------------
 *
 * [word.R]: what the marks announce; [word.A]: the moves before. */

int uvchan__ring_mark(uvchan__ring_side_t* side, uint64_t marks) {
  uint64_t word = uvchan__load_word(side);

  while (!uvchan__move_word(side, &word, uvchan__unarmed(word) | marks)) continue;
  return (word & UVCHAN__ARMED) != 0;
}

void uvchan__ring_unmark(uvchan__ring_side_t* side, uint64_t marks) {
  uvchan__step();
  atomic_fetch_and_explicit(&side->word, ~marks, memory_order_acq_rel);
}

/* Tail before head, and tail is exchanged from the very word that was read: so it stood there while
 * head was read, and the ring was empty when the mark came. */
uvchan__ring_result_t uvchan__ring_arm(uvchan__ring_t* ring) {
  uint64_t tail = uvchan__load_word(&ring->tail);

  do {
    if ((tail & UVCHAN__MARKS) != 0) return UVCHAN__RING_REFUSED;
    if (uvchan__position_of(tail) != uvchan__position_of(uvchan__load_word(&ring->head)))
      return UVCHAN__RING_FULL;
  } while (!uvchan__move_word(&ring->tail, &tail, tail | UVCHAN__ARMED));
  return UVCHAN__RING_DONE;
}

int uvchan__ring_disarm(uvchan__ring_t* ring) {
  uvchan__step();
  return (atomic_fetch_and_explicit(&ring->tail.word, ~UVCHAN__ARMED, memory_order_acq_rel) &
          UVCHAN__ARMED) != 0;
}
