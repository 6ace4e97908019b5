/* The bounded store; its states and invariants stand in ring.h. */
#include "ring.h"

#include <string.h>

#define INDEX_SHIFT 2

/* The parts of a position word. */

static uint64_t lap_of(const uvchan__ring_t* ring, uint64_t word) { return word >> ring->shift; }

static size_t index_of(const uvchan__ring_t* ring, uint64_t word) {
  return (size_t)((word & (((uint64_t)1 << ring->shift) - 1)) >> INDEX_SHIFT);
}

static uint64_t position_of(uint64_t word) { return word & ~UVCHAN__MARKS; }

static uint32_t free_turn(const uvchan__ring_t* ring, uint64_t word) { return (uint32_t)(2 * lap_of(ring, word)); }

static uint32_t full_turn(const uvchan__ring_t* ring, uint64_t word) { return free_turn(ring, word) + 1; }

/* The word n slots further on, n up to capacity, with the same marks. */
static uint64_t advance(const uvchan__ring_t* ring, uint64_t word, size_t n) {
  size_t index = index_of(ring, word);

  if (n < ring->capacity - index) return word + ((uint64_t)n << INDEX_SHIFT);
  index = n - (ring->capacity - index);
  return (lap_of(ring, word) + 1) << ring->shift | (uint64_t)index << INDEX_SHIFT | (word & UVCHAN__MARKS);
}

/* Slots from one position to another. Positions that were not read at one moment may be out of order, or more than a lap apart: then
 * 0, or capacity. */
static size_t distance(const uvchan__ring_t* ring, uint64_t from, uint64_t to) {
  int64_t laps = (int64_t)((lap_of(ring, to) - lap_of(ring, from)) << ring->shift) >> ring->shift; /* the lap field wraps */
  size_t a = index_of(ring, from);
  size_t b = index_of(ring, to);

  if (laps == 0) return b > a ? b - a : 0;
  if (laps == 1) return b > a ? ring->capacity : ring->capacity - a + b;
  return laps < 0 ? 0 : ring->capacity;
}

static int precedes(uint32_t turn, uint32_t other) { return (int32_t)(turn - other) < 0; }

/* [turn.A] with [turn.R]: the bytes that the other side wrote, or has finished reading. */
static uint32_t load_turn(const uvchan__ring_t* ring, uint64_t word) {
  uvchan__step();
  return atomic_load_explicit(&ring->turns[index_of(ring, word)], memory_order_acquire);
}

static void store_turn(uvchan__ring_t* ring, uint64_t word, uint32_t turn) {
  uvchan__step();
  atomic_store_explicit(&ring->turns[index_of(ring, word)], turn, memory_order_release); /* [turn.R] */
}

/* [word.A] with [word.R]: what was done before a close, for who sees the mark; before a move, for who counts with it. */
static uint64_t load_word(const _Atomic uint64_t* word) {
  uvchan__step();
  return atomic_load_explicit(word, memory_order_acquire);
}

/* Moves the word on; a failure stores what it is now in *expected. [word.R], and [word.A] too, so that moves form one chain. */
static int move_word(_Atomic uint64_t* word, uint64_t* expected, uint64_t desired) {
  uvchan__step();
  return atomic_compare_exchange_weak_explicit(word, expected, desired, memory_order_acq_rel, memory_order_acquire);
}

static void await_turn(const uvchan__ring_t* ring, uint64_t word, uint32_t turn) {
  unsigned int round = 0;

  while (load_turn(ring, word) != turn) uvchan__relax(&round);
}

size_t uvchan__ring_bytes(size_t elem_size, size_t capacity) {
  size_t turns;

  if (capacity > (SIZE_MAX - 15) / sizeof(uint32_t)) return 0;
  turns = (capacity * sizeof(uint32_t) + 15) & ~(size_t)15;
  if (elem_size != 0 && capacity > (SIZE_MAX - turns) / elem_size) return 0;
  return turns + capacity * elem_size;
}

void uvchan__ring_init(uvchan__ring_t* ring, void* memory, size_t elem_size, size_t capacity, uint64_t lap) {
  uint64_t start;
  size_t i;

  ring->turns = memory;
  ring->values = memory == NULL ? NULL : (unsigned char*)memory + ((capacity * sizeof(uint32_t) + 15) & ~(size_t)15);
  ring->elem_size = elem_size;
  ring->capacity = capacity;
  for (ring->shift = INDEX_SHIFT; capacity > 1 && (capacity - 1) >> (ring->shift - INDEX_SHIFT) != 0;) ring->shift++;
  start = capacity == 0 ? UVCHAN__SLOW : lap << ring->shift;
  for (i = 0; i < capacity; i++) atomic_init(&ring->turns[i], (uint32_t)(2 * lap));
  atomic_init(&ring->tail, start);
  atomic_init(&ring->seen_head, start);
  atomic_init(&ring->peak, 0);
  atomic_init(&ring->head, start);
}

/* After tail was moved to `tail`. The distance to a head seen earlier is at least the true one, so head's line is read only where
 * this may be a new peak: on a busy channel, hardly ever. Relaxed: a statistic. */
static void note_peak(uvchan__ring_t* ring, uint64_t tail) {
  uint64_t peak = atomic_load_explicit(&ring->peak, memory_order_relaxed);
  uint64_t head;
  size_t len;

  if (distance(ring, atomic_load_explicit(&ring->seen_head, memory_order_relaxed), tail) <= peak) return;
  head = atomic_load_explicit(&ring->head, memory_order_relaxed);
  atomic_store_explicit(&ring->seen_head, head, memory_order_relaxed);
  len = distance(ring, head, tail);
  while (len > peak) {
    if (atomic_compare_exchange_weak_explicit(&ring->peak, &peak, len, memory_order_relaxed, memory_order_relaxed)) return;
  }
}

/* Claims the slot at tail.
 * FULL is true of one moment: tail was the same before and after head was read, and only grows; so it was that when head was a whole
 * capacity behind it. */
static uvchan__ring_result_t claim_free(uvchan__ring_t* ring, uint64_t refused, uint64_t* position) {
  uint64_t tail = load_word(&ring->tail);
  unsigned int round = 0;

  for (;;) {
    uint32_t turn;

    if ((tail & refused) != 0) return UVCHAN__RING_REFUSED;
    turn = load_turn(ring, tail);
    if (turn == free_turn(ring, tail)) {
      *position = tail;
      if (move_word(&ring->tail, &tail, advance(ring, tail, 1))) return UVCHAN__RING_DONE;
      continue;
    }
    if (precedes(turn, free_turn(ring, tail))) { /* full, or a receiver is still copying this slot's last value out */
      uint64_t head = load_word(&ring->head);
      uint64_t again = load_word(&ring->tail);

      if (again == tail && distance(ring, head, tail) == ring->capacity) return UVCHAN__RING_FULL;
      if (again == tail) uvchan__relax(&round);
      tail = again;
      continue;
    }
    tail = load_word(&ring->tail);
  }
}

/* Claims the slot at head, the mirror of claim_free(). EMPTY and ENDED are true of one moment in the same way. */
static uvchan__ring_result_t claim_full(uvchan__ring_t* ring, uint64_t refused, uint64_t* position) {
  uint64_t head = load_word(&ring->head);
  unsigned int round = 0;

  for (;;) {
    uint32_t turn;

    if ((head & refused) != 0) return UVCHAN__RING_REFUSED;
    turn = load_turn(ring, head);
    if (turn == full_turn(ring, head)) {
      *position = head;
      if (move_word(&ring->head, &head, advance(ring, head, 1))) return UVCHAN__RING_DONE;
      continue;
    }
    if (precedes(turn, full_turn(ring, head))) { /* empty, or a sender is still copying this slot's value in */
      uint64_t tail = load_word(&ring->tail);
      uint64_t again = load_word(&ring->head);

      if (again == head && position_of(tail) == position_of(head)) {
        return (tail & UVCHAN__CLOSED) != 0 ? UVCHAN__RING_ENDED : UVCHAN__RING_EMPTY;
      }
      if (again == head) uvchan__relax(&round);
      head = again;
      continue;
    }
    head = load_word(&ring->head);
  }
}

static void fill(uvchan__ring_t* ring, uint64_t position, const void* value) {
  if (ring->elem_size != 0) memcpy(uvchan__ring_value(ring, position), value, ring->elem_size);
  store_turn(ring, position, full_turn(ring, position));
}

static void empty(uvchan__ring_t* ring, uint64_t position, void* value) {
  if (ring->elem_size != 0 && value != NULL) memcpy(value, uvchan__ring_value(ring, position), ring->elem_size);
  uvchan__ring_free(ring, position);
}

uvchan__ring_result_t uvchan__ring_push(uvchan__ring_t* ring, const void* value, uint64_t refused) {
  uint64_t position;
  uvchan__ring_result_t r = claim_free(ring, refused, &position);

  if (r != UVCHAN__RING_DONE) return r;
  note_peak(ring, advance(ring, position, 1)); /* before the value can be received: see I6 */
  fill(ring, position, value);
  return UVCHAN__RING_DONE;
}

uvchan__ring_result_t uvchan__ring_pop(uvchan__ring_t* ring, void* value, uint64_t refused) {
  uint64_t position;
  uvchan__ring_result_t r = claim_full(ring, refused, &position);

  if (r == UVCHAN__RING_DONE) empty(ring, position, value);
  return r;
}

uvchan__ring_result_t uvchan__ring_push_n(uvchan__ring_t* ring, const void* values, size_t n, uint64_t refused, size_t* moved) {
  uint64_t tail = load_word(&ring->tail);
  size_t k, i;

  for (;;) {
    uint64_t head, again;

    if ((tail & refused) != 0) return UVCHAN__RING_REFUSED;
    head = load_word(&ring->head);
    k = ring->capacity - distance(ring, head, tail);
    if (k > n) k = n;
    if (k > 0) {
      again = tail;
      if (move_word(&ring->tail, &again, advance(ring, tail, k))) break;
    } else {
      again = load_word(&ring->tail);
      if (again == tail) return UVCHAN__RING_FULL;
    }
    tail = again;
  }
  note_peak(ring, advance(ring, tail, k));
  *moved = k;
  for (i = 0; i < k; i++) {
    uint64_t position = advance(ring, tail, i);

    await_turn(ring, position, free_turn(ring, position));
    fill(ring, position, uvchan__nth(values, i, ring->elem_size));
  }
  return UVCHAN__RING_DONE;
}

uvchan__ring_result_t uvchan__ring_pop_n(uvchan__ring_t* ring, void* values, size_t n, uint64_t refused, size_t* moved) {
  uint64_t head = load_word(&ring->head);
  size_t k, i;

  for (;;) {
    uint64_t tail, again;

    if ((head & refused) != 0) return UVCHAN__RING_REFUSED;
    tail = load_word(&ring->tail);
    k = distance(ring, head, tail);
    if (k > n) k = n;
    if (k > 0) {
      again = head;
      if (move_word(&ring->head, &again, advance(ring, head, k))) break;
    } else {
      again = load_word(&ring->head);
      if (again == head) return (tail & UVCHAN__CLOSED) != 0 ? UVCHAN__RING_ENDED : UVCHAN__RING_EMPTY;
    }
    head = again;
  }
  *moved = k;
  for (i = 0; i < k; i++) {
    uint64_t position = advance(ring, head, i);

    await_turn(ring, position, full_turn(ring, position));
    empty(ring, position, uvchan__nth(values, i, ring->elem_size));
  }
  return UVCHAN__RING_DONE;
}

uvchan__ring_result_t uvchan__ring_claim(uvchan__ring_t* ring, uint64_t refused, uint64_t* position) {
  return claim_full(ring, refused, position);
}

void* uvchan__ring_value(const uvchan__ring_t* ring, uint64_t position) {
  return uvchan__nth(ring->values, index_of(ring, position), ring->elem_size);
}

void uvchan__ring_free(uvchan__ring_t* ring, uint64_t position) { store_turn(ring, position, full_turn(ring, position) + 1); }

/* Exact where nobody else is at work; else true of a moment of the call. */
size_t uvchan__ring_len(const uvchan__ring_t* ring) {
  uint64_t tail = load_word(&ring->tail);

  for (;;) {
    uint64_t head = load_word(&ring->head);
    uint64_t again = load_word(&ring->tail);

    if (again == tail) return distance(ring, head, tail);
    tail = again;
  }
}

static uint64_t count_to(const uvchan__ring_t* ring, uint64_t word) { return lap_of(ring, word) * ring->capacity + index_of(ring, word); }

uint64_t uvchan__ring_pushed(const uvchan__ring_t* ring) { return count_to(ring, load_word(&ring->tail)); }

uint64_t uvchan__ring_popped(const uvchan__ring_t* ring) { return count_to(ring, load_word(&ring->head)); }

int uvchan__ring_is_closed(const uvchan__ring_t* ring) { return (load_word(&ring->tail) & UVCHAN__CLOSED) != 0; }

void uvchan__ring_mark(_Atomic uint64_t* word, uint64_t marks) {
  uvchan__step();
  atomic_fetch_or_explicit(word, marks, memory_order_acq_rel); /* [word.R]: what the marks announce; [word.A]: the moves before */
}

void uvchan__ring_unmark(_Atomic uint64_t* word, uint64_t marks) {
  uvchan__step();
  atomic_fetch_and_explicit(word, ~marks, memory_order_acq_rel); /* [word.R], [word.A] as above */
}
