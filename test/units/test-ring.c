/* SPDX-License-Identifier: MIT */
/* The bounded store by itself: positions that wrap, marks that refuse, batches that others are in
 * the middle of. Each test begins at several laps, so that the seqs of the slots pass 2^31 and
 * 2^32 and the position words 2^64. */
#include <stdlib.h>
#include <string.h>

#include "store/ring.h"
#include "support.h"

static const size_t capacities[] = {1, 2, 3, 5, 16, 17};
static const uint64_t laps[] = {0, UINT64_C(0x3ffffffd), UINT64_C(0x7ffffffe), UINT64_C(0xfffffffe),
                                UINT64_MAX - 1};
#define NCAPACITIES 6
#define NLAPS 5
#define NSTARTS (NCAPACITIES * NLAPS)

typedef struct {
  uvchan__ring_t ring;
  void* memory;
  size_t capacity;
} store_t;

static void store_open(store_t* store, size_t elem_size, size_t capacity, uint64_t lap) {
  size_t bytes = uvchan__ring_bytes(elem_size, capacity);
  ck_assert_uint_gt(bytes, 0);
  store->memory = malloc(bytes);
  store->capacity = capacity;
  uvchan__ring_init(&store->ring, store->memory, elem_size, capacity, lap);
}

static void store_close(store_t* store) { free(store->memory); }

#define OPEN_STORE(store, elem_size) \
  store_open(&(store), (elem_size), capacities[_i % NCAPACITIES], laps[_i / NCAPACITIES])

START_TEST(it_holds_its_capacity_and_no_more_around_every_wrap) {
  store_t store;
  uint64_t in = 0, out = 0, value;
  int round;
  OPEN_STORE(store, 8);
  for (round = 0; round < 50; round++) {
    ck_assert_uint_eq(uvchan__ring_len(&store.ring), 0);
    ck_assert_int_eq(uvchan__ring_pop(&store.ring, &value, 0), UVCHAN__RING_EMPTY);
    while (uvchan__ring_push(&store.ring, &in, 0) == UVCHAN__RING_DONE) {
      in++;
      ck_assert_uint_le(in - out, store.capacity);
      ck_assert_uint_eq(uvchan__ring_len(&store.ring), in - out);
    }
    ck_assert_uint_eq(in - out, store.capacity);
    ck_assert_int_eq(uvchan__ring_push(&store.ring, &in, 0), UVCHAN__RING_FULL);
    while (uvchan__ring_pop(&store.ring, &value, 0) == UVCHAN__RING_DONE)
      ck_assert_uint_eq(value, out++);
    ck_assert_uint_eq(in, out);
  }
  store_close(&store);
}
END_TEST

START_TEST(batches_of_every_length_pass_every_wrap) {
  store_t store;
  uint64_t values[20], in = 0, out = 0;
  size_t n, moved, i;
  int round;
  OPEN_STORE(store, 8);
  for (round = 0; round < 10; round++) {
    for (n = 1; n <= store.capacity + 2; n++) {
      size_t fits = n < store.capacity ? n : store.capacity;
      for (i = 0; i < n; i++) values[i] = in + i;
      ck_assert_int_eq(uvchan__ring_push_n(&store.ring, values, n, 0, &moved), UVCHAN__RING_DONE);
      ck_assert_uint_eq(moved, fits);
      in += moved;
      if (fits == store.capacity)
        ck_assert_int_eq(uvchan__ring_push_n(&store.ring, values, n, 0, &moved), UVCHAN__RING_FULL);
      memset(values, 0, sizeof(values));
      ck_assert_int_eq(uvchan__ring_pop_n(&store.ring, values, n, 0, &moved), UVCHAN__RING_DONE);
      ck_assert_uint_eq(moved, fits);
      for (i = 0; i < moved; i++) ck_assert_uint_eq(values[i], out++);
      ck_assert_int_eq(uvchan__ring_pop_n(&store.ring, values, n, 0, &moved), UVCHAN__RING_EMPTY);
    }
  }
  store_close(&store);
}
END_TEST

START_TEST(a_mark_refuses_those_whom_it_is_for_and_nobody_else) {
  store_t store;
  uint64_t value = 7;
  size_t moved;
  OPEN_STORE(store, 8);
  uvchan__ring_mark(&store.ring.tail, UVCHAN__SLOW);
  ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, UVCHAN__MARKS), UVCHAN__RING_REFUSED);
  ck_assert_int_eq(uvchan__ring_push_n(&store.ring, &value, 1, UVCHAN__MARKS, &moved),
                   UVCHAN__RING_REFUSED);
  ck_assert_uint_eq(uvchan__ring_len(&store.ring), 0);
  /* who holds the lock */
  ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, UVCHAN__CLOSED), UVCHAN__RING_DONE);
  uvchan__ring_mark(&store.ring.head, UVCHAN__SLOW);
  ck_assert_int_eq(uvchan__ring_pop(&store.ring, &value, UVCHAN__SLOW), UVCHAN__RING_REFUSED);
  ck_assert_int_eq(uvchan__ring_pop_n(&store.ring, &value, 1, UVCHAN__SLOW, &moved),
                   UVCHAN__RING_REFUSED);
  ck_assert_uint_eq(uvchan__ring_len(&store.ring), 1);
  uvchan__ring_unmark(&store.ring.head, UVCHAN__SLOW);
  ck_assert_int_eq(uvchan__ring_pop(&store.ring, &value, UVCHAN__SLOW), UVCHAN__RING_DONE);
  uvchan__ring_unmark(&store.ring.tail, UVCHAN__SLOW);
  ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, UVCHAN__MARKS), UVCHAN__RING_DONE);
  store_close(&store);
}
END_TEST

/* Moves carry the marks along: one lap and more, with each of them set. */
START_TEST(marks_stay_through_every_move) {
  store_t store;
  uint64_t value = 7;
  size_t i, moved;
  OPEN_STORE(store, 8);
  uvchan__ring_mark(&store.ring.tail, UVCHAN__SLOW);
  uvchan__ring_mark(&store.ring.head, UVCHAN__SLOW);
  for (i = 0; i < 3 * store.capacity + 1; i++) {
    ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, 0), UVCHAN__RING_DONE);
    ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, UVCHAN__SLOW), UVCHAN__RING_REFUSED);
    ck_assert_int_eq(uvchan__ring_pop_n(&store.ring, &value, 1, 0, &moved), UVCHAN__RING_DONE);
    ck_assert_int_eq(uvchan__ring_pop(&store.ring, &value, UVCHAN__SLOW), UVCHAN__RING_REFUSED);
    ck_assert_int_eq(uvchan__ring_is_closed(&store.ring), 0);
  }
  store_close(&store);
}
END_TEST

START_TEST(closed_means_the_end_once_it_is_empty) {
  store_t store;
  uint64_t value = 7, position;
  size_t i, moved;
  OPEN_STORE(store, 8);
  for (i = 0; i < store.capacity; i++)
    ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, UVCHAN__MARKS), UVCHAN__RING_DONE);
  uvchan__ring_mark(&store.ring.tail, UVCHAN__CLOSED);
  ck_assert_int_eq(uvchan__ring_is_closed(&store.ring), 1);
  ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, UVCHAN__MARKS), UVCHAN__RING_REFUSED);
  for (i = 0; i < store.capacity; i++)
    ck_assert_int_eq(uvchan__ring_pop(&store.ring, &value, UVCHAN__SLOW), UVCHAN__RING_DONE);
  ck_assert_int_eq(uvchan__ring_pop(&store.ring, &value, UVCHAN__SLOW), UVCHAN__RING_ENDED);
  ck_assert_int_eq(uvchan__ring_pop_n(&store.ring, &value, 1, UVCHAN__SLOW, &moved),
                   UVCHAN__RING_ENDED);
  ck_assert_uint_eq(uvchan__ring_claim_all(&store.ring, &position), 0);
  ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, UVCHAN__MARKS), UVCHAN__RING_REFUSED);
  store_close(&store);
}
END_TEST

START_TEST(claimed_values_lie_in_their_slots_until_they_are_freed) {
  store_t store;
  uint64_t value, position, expected = 0, next = 0;
  size_t n;
  OPEN_STORE(store, 8);
  for (n = 0; n < 3 * store.capacity; n++) {
    size_t k = n % store.capacity + 1, i;
    for (i = 0; i < k; i++, next++)
      ck_assert_int_eq(uvchan__ring_push(&store.ring, &next, 0), UVCHAN__RING_DONE);
    ck_assert_uint_eq(uvchan__ring_claim_all(&store.ring, &position), k);
    ck_assert_uint_eq(uvchan__ring_len(&store.ring), 0);
    for (i = 0; i < k; i++, expected++) {
      memcpy(&value, uvchan__ring_value(&store.ring, position), sizeof(value));
      ck_assert_uint_eq(value, expected);
      uvchan__ring_free(&store.ring, &position);
    }
  }
  store_close(&store);
}
END_TEST

START_TEST(a_value_may_be_thrown_away) {
  store_t store;
  uint64_t value = 1, got = 0;
  OPEN_STORE(store, 8);
  ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, 0), UVCHAN__RING_DONE);
  ck_assert_int_eq(uvchan__ring_pop(&store.ring, NULL, 0), UVCHAN__RING_DONE);
  value = 2;
  ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, 0), UVCHAN__RING_DONE);
  ck_assert_int_eq(uvchan__ring_pop(&store.ring, &got, 0), UVCHAN__RING_DONE);
  ck_assert_uint_eq(got, 2);
  store_close(&store);
}
END_TEST

START_TEST(its_size_is_that_of_its_values_or_no_size_at_all) {
  ck_assert_uint_ge(uvchan__ring_bytes(8, 16), 16 * 8);
  ck_assert_uint_gt(uvchan__ring_bytes(0, 1), 0);
  ck_assert_uint_eq(uvchan__ring_bytes(8, SIZE_MAX / 8), 0);
  ck_assert_uint_eq(uvchan__ring_bytes(SIZE_MAX / 2, 3), 0);
  ck_assert_uint_eq(uvchan__ring_bytes(1, SIZE_MAX - 1), 0);
  ck_assert_uint_eq(uvchan__ring_bytes(0, SIZE_MAX - 1), 0);
}
END_TEST

/* ---- Threads, around the wraps --------------------------------------------------------------- */

#define NTHREADS 2

typedef struct {
  store_t* store;
  uint64_t n;
  uint64_t sum;
  atomic_uint_fast64_t* left; /* to be received */
  int batches;
} side_t;

static void push_all(void* arg) {
  side_t* side = arg;
  uint64_t value = 1, run[3];
  unsigned int turns = 0;
  while (value <= side->n) {
    size_t moved = 1, n = side->n - value + 1 < 3 ? (size_t)(side->n - value + 1) : 3, i;
    uvchan__ring_result_t r;
    for (i = 0; i < n; i++) run[i] = value + i;
    r = side->batches ? uvchan__ring_push_n(&side->store->ring, run, n, UVCHAN__MARKS, &moved)
                      : uvchan__ring_push(&side->store->ring, &value, UVCHAN__MARKS);
    must(r == UVCHAN__RING_DONE || r == UVCHAN__RING_FULL);
    if (r == UVCHAN__RING_DONE) value += moved;
    if (r == UVCHAN__RING_FULL) support_pause(__FILE__, __LINE__, "there is room", &turns);
    if (r == UVCHAN__RING_DONE) turns = 0;
  }
}

static void pop_all(void* arg) {
  side_t* side = arg;
  uint64_t run[3];
  unsigned int turns = 0;
  while (atomic_load_explicit(side->left, memory_order_relaxed) > 0) {
    size_t moved = 1, i;
    uvchan__ring_result_t r =
        side->batches ? uvchan__ring_pop_n(&side->store->ring, run, 3, UVCHAN__SLOW, &moved)
                      : uvchan__ring_pop(&side->store->ring, run, UVCHAN__SLOW);
    must(r == UVCHAN__RING_DONE || r == UVCHAN__RING_EMPTY);
    if (r == UVCHAN__RING_EMPTY) {
      support_pause(__FILE__, __LINE__, "there is a value", &turns);
      continue;
    }
    turns = 0;
    for (i = 0; i < moved; i++) side->sum += run[i];
    atomic_fetch_sub_explicit(side->left, moved, memory_order_relaxed);
  }
}

START_TEST(threads_lose_nothing_around_every_wrap) {
  store_t store;
  uint64_t n = (uint64_t)support_count(300), sum = 0;
  atomic_uint_fast64_t left = NTHREADS * n;
  side_t sides[2 * NTHREADS];
  uv_thread_t threads[2 * NTHREADS];
  int i;
  OPEN_STORE(store, 8);
  for (i = 0; i < 2 * NTHREADS; i++) {
    sides[i] = (side_t){&store, n, 0, &left, i % 2};
    support_start(&threads[i], i < NTHREADS ? push_all : pop_all, &sides[i]);
  }
  for (i = 0; i < 2 * NTHREADS; i++) support_join(&threads[i]);
  for (i = NTHREADS; i < 2 * NTHREADS; i++) sum += sides[i].sum;
  ck_assert_uint_eq(sum, NTHREADS * (n * (n + 1) / 2));
  ck_assert_uint_eq(uvchan__ring_len(&store.ring), 0);
  ck_assert_uint_le(atomic_load(&store.ring.tail.peak), store.capacity);
  store_close(&store);
}
END_TEST

/* While a sender need not look at head's line for the peak, it takes no line away from the
 * receivers. */
START_TEST(where_no_new_peak_is_near_a_push_need_not_look_for_one) {
  const size_t most = 20;
  store_t store;
  uint64_t value = 0;
  size_t i, round, looks = 0;
  store_open(&store, 8, 64, laps[_i]);
  for (round = 0; round < 10; round++) {
    for (i = 0; i < most; i++) {
      looks += uvchan__may_be_peak(&store.ring.tail, atomic_load(&store.ring.tail.word)) ? 1 : 0;
      ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, 0), UVCHAN__RING_DONE);
    }
    ck_assert_uint_le(looks, most + round);
    for (i = 0; i < most; i++)
      ck_assert_int_eq(uvchan__ring_pop(&store.ring, &value, 0), UVCHAN__RING_DONE);
    ck_assert_uint_eq(uvchan__ring_peak(&store.ring), most);
  }
  for (i = 0; i <= most; i++)
    ck_assert_int_eq(uvchan__ring_push(&store.ring, &value, 0), UVCHAN__RING_DONE);
  ck_assert_uint_eq(uvchan__ring_peak(&store.ring), most + 1);
  store_close(&store);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("ring");
  TCase* tcase = support_tcase(suite, "ring");
  tcase_add_loop_test(tcase, it_holds_its_capacity_and_no_more_around_every_wrap, 0, NSTARTS);
  tcase_add_loop_test(tcase, batches_of_every_length_pass_every_wrap, 0, NSTARTS);
  tcase_add_loop_test(tcase, a_mark_refuses_those_whom_it_is_for_and_nobody_else, 0, NSTARTS);
  tcase_add_loop_test(tcase, marks_stay_through_every_move, 0, NSTARTS);
  tcase_add_loop_test(tcase, closed_means_the_end_once_it_is_empty, 0, NSTARTS);
  tcase_add_loop_test(tcase, claimed_values_lie_in_their_slots_until_they_are_freed, 0, NSTARTS);
  tcase_add_loop_test(tcase, a_value_may_be_thrown_away, 0, NSTARTS);
  tcase_add_loop_test(tcase, where_no_new_peak_is_near_a_push_need_not_look_for_one, 0, NLAPS);
  tcase_add_test(tcase, its_size_is_that_of_its_values_or_no_size_at_all);
  tcase_add_loop_test(tcase, threads_lose_nothing_around_every_wrap, 0, NSTARTS);
  return support_main(suite);
}
