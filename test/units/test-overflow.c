/* SPDX-License-Identifier: MIT */
/* The overflow policies: no send waits, each value is received or dropped once, and it is the
 * newest or the oldest that goes. */
#include <stdlib.h>

#include "ways.h"

static const size_t capacities[] = {1, 3, 16};
#define NCAPACITIES 3

/* Loop number: capacity, then policy. */
#define CAPACITY(i) capacities[(i) % NCAPACITIES]
#define POLICY(i) ((i) / NCAPACITIES == 0 ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST)

#define OVERFLOWS(drops) atomic_load(&(drops)->by_reason[UVCHAN_DROPPED_OVERFLOW])

/* Takes everything out and checks that it is the values [first, first + n). */
static void check_content(uvchan_t* ch, uint64_t first, size_t n) {
  uint64_t value;
  size_t i;
  for (i = 0; i < n; i++) {
    ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
    ck_assert_uint_eq(value, first + i);
  }
  ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EAGAIN);
}

START_TEST(drop_newest_keeps_what_is_there) {
  support_drops_t drops;
  size_t capacity = CAPACITY(_i);
  uvchan_t* ch = support_dropping_channel(&drops, 8, capacity, UVCHAN_DROP_NEWEST);
  uint64_t value;
  for (value = 0; value < 3 * capacity; value++) {
    ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
    ck_assert_uint_eq(OVERFLOWS(&drops), value < capacity ? 0 : value - capacity + 1);
    if (value >= capacity) ck_assert_uint_eq(atomic_load(&drops.last), value);
  }
  ck_assert_uint_eq(support_at_rest(ch).sent, 3 * capacity);
  ck_assert_uint_eq(support_at_rest(ch).dropped, 2 * capacity);
  check_content(ch, 0, capacity);
  uvchan_release(ch);
}
END_TEST

START_TEST(drop_oldest_keeps_the_latest) {
  support_drops_t drops;
  size_t capacity = CAPACITY(_i);
  uvchan_t* ch = support_dropping_channel(&drops, 8, capacity, UVCHAN_DROP_OLDEST);
  uint64_t value;
  for (value = 0; value < 3 * capacity; value++) {
    ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
    ck_assert_uint_eq(OVERFLOWS(&drops), value < capacity ? 0 : value - capacity + 1);
    if (value >= capacity) ck_assert_uint_eq(atomic_load(&drops.last), value - capacity);
  }
  ck_assert_uint_eq(support_at_rest(ch).sent, 3 * capacity);
  ck_assert_uint_eq(support_at_rest(ch).dropped, 2 * capacity);
  check_content(ch, 2 * capacity, capacity);
  uvchan_release(ch);
}
END_TEST

START_TEST(no_way_to_send_waits_or_is_told_not_now) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, CAPACITY(_i), POLICY(_i));
  uint64_t value = 0, sent = 0;
  int round;
  way_t way;
  for (round = 0; round < 8; round++) {
    for (way = 0; way < NWAYS; way++, sent++) ck_assert_int_eq(way_send(way, ch, &value, 1), 1);
  }
  ck_assert_uint_eq(support_at_rest(ch).sent, sent);
  ck_assert_uint_eq(OVERFLOWS(&drops), sent - CAPACITY(_i));
  uvchan_release(ch);
}
END_TEST

START_TEST(a_batch_is_taken_whole) {
  support_drops_t drops;
  size_t capacity = CAPACITY(_i), n = 2 * capacity + 1;
  uvchan_t* ch = support_dropping_channel(&drops, 8, capacity, POLICY(_i));
  uint64_t values[64], value = 1000;
  size_t i;
  for (i = 0; i < n; i++) values[i] = i;
  ck_assert_int_eq((int)uvchan_try_send_n(ch, values, n), (int)n);
  ck_assert_uint_eq(OVERFLOWS(&drops), n - capacity);
  ck_assert_int_eq((int)uvchan_send_wait_n(ch, &value, 1), 1);
  ck_assert_uint_eq(OVERFLOWS(&drops), n - capacity + 1);
  if (POLICY(_i) == UVCHAN_DROP_NEWEST) check_content(ch, 0, capacity);
  if (POLICY(_i) == UVCHAN_DROP_OLDEST) {
    ck_assert_uint_eq(atomic_load(&drops.last), n - capacity);
    for (i = 0; i < capacity - 1; i++) {
      ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
      ck_assert_uint_eq(value, n - capacity + 1 + i);
    }
    check_content(ch, 1000, 1);
  }
  uvchan_release(ch);
}
END_TEST

START_TEST(a_closed_channel_refuses_instead_of_dropping) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, CAPACITY(_i), POLICY(_i));
  uint64_t value;
  way_t way;
  for (value = 0; value < CAPACITY(_i); value++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (way = 0; way < NWAYS; way++) ck_assert_int_eq(way_send(way, ch, &value, 1), UV_EPIPE);
  ck_assert_uint_eq(OVERFLOWS(&drops), 0);
  for (value = 0; value < CAPACITY(_i); value++) {
    uint64_t got;
    ck_assert_int_eq(uvchan_try_recv(ch, &got), 0);
    ck_assert_uint_eq(got, value);
  }
  ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EOF);
  uvchan_release(ch);
}
END_TEST

START_TEST(values_of_every_size_reach_the_drop_callback_whole) {
  size_t elem_size = support_elem_sizes[_i % SUPPORT_NELEM_SIZES];
  support_drops_t drops;
  uvchan_overflow_t policy = _i < SUPPORT_NELEM_SIZES ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST;
  uvchan_t* ch = support_dropping_channel(&drops, elem_size, 3, policy);
  unsigned char value[SUPPORT_MOST_BYTES];
  uint64_t i, first = policy == UVCHAN_DROP_NEWEST ? 0 : 7;
  for (i = 0; i < 10; i++) {
    support_fill(value, elem_size, i);
    ck_assert_int_eq(uvchan_try_send(ch, value), 0);
  }
  ck_assert_uint_eq(OVERFLOWS(&drops), 7);
  for (i = 0; i < 3; i++) {
    ck_assert_int_eq(uvchan_try_recv(ch, value), 0);
    ck_assert(support_matches(value, elem_size, first + i));
  }
  if (elem_size != 0)
    ck_assert_uint_eq(atomic_load(&drops.sum), policy == UVCHAN_DROP_NEWEST ? 42 : 21);
  uvchan_release(ch);
}
END_TEST

/* So large that no thread's stack should be asked to hold one. */
START_TEST(very_large_values_are_dropped_whole) {
  size_t elem_size = 100000;
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, elem_size, 1,
                                          _i == 0 ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST);
  unsigned char* value = malloc(elem_size);
  uint64_t i;
  for (i = 0; i < 4; i++) {
    support_fill(value, elem_size, i);
    ck_assert_int_eq(uvchan_try_send(ch, value), 0);
  }
  ck_assert_uint_eq(OVERFLOWS(&drops), 3);
  ck_assert_uint_eq(atomic_load(&drops.sum), _i == 0 ? 6 : 3);
  ck_assert_int_eq(uvchan_try_recv(ch, value), 0);
  ck_assert(support_matches(value, elem_size, _i == 0 ? 0 : 3));
  uvchan_release(ch);
  free(value);
}
END_TEST

START_TEST(a_policy_without_a_drop_callback_drops_too) {
  uvchan_options_t options;
  uvchan_t* ch = NULL;
  uint64_t value;
  memset(&options, 0, sizeof(options));
  options.elem_size = 8;
  options.capacity = CAPACITY(_i);
  options.overflow = POLICY(_i);
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  for (value = 0; value < 40; value++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  ck_assert_uint_eq(support_at_rest(ch).dropped, 40 - CAPACITY(_i));
  check_content(ch, POLICY(_i) == UVCHAN_DROP_NEWEST ? 0 : 40 - CAPACITY(_i), CAPACITY(_i));
  uvchan_release(ch);
}
END_TEST

/* ---- The drop callback may use the library --------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  uvchan_t* letters; /* where dropped values go */
} dead_t;

static void to_dead_letters(void* value, uvchan_drop_reason_t reason, void* arg) {
  dead_t* dead = arg;
  uvchan_stats_t stats;
  must(uvchan_try_send(dead->letters, value) == 0);
  if (reason == UVCHAN_DROPPED_RELEASE) return;
  uvchan_stats(dead->ch, &stats);
  must(stats.len <= stats.capacity);
  must(uvchan_len(dead->ch) <= uvchan_capacity(dead->ch));
}

START_TEST(the_drop_callback_may_call_the_channel) {
  dead_t dead = {NULL, support_channel(8, UVCHAN_UNBOUNDED)};
  uvchan_options_t options;
  uint64_t value, got;
  memset(&options, 0, sizeof(options));
  options.elem_size = 8;
  options.capacity = CAPACITY(_i);
  options.overflow = POLICY(_i);
  options.drop_cb = to_dead_letters;
  options.drop_arg = &dead;
  ck_assert_int_eq(uvchan_create_ex(&dead.ch, &options), 0);
  for (value = 0; value < 40; value++) ck_assert_int_eq(uvchan_try_send(dead.ch, &value), 0);
  ck_assert_uint_eq(uvchan_len(dead.letters), 40 - CAPACITY(_i));
  ck_assert_int_eq(uvchan_try_recv(dead.letters, &got), 0);
  ck_assert_uint_eq(got, POLICY(_i) == UVCHAN_DROP_NEWEST ? CAPACITY(_i) : 0);
  ck_assert_int_eq(uvchan_abort(dead.ch, UV_EIO), 0);
  ck_assert_uint_eq(uvchan_len(dead.letters), 39);
  uvchan_release(dead.ch);
  ck_assert_uint_eq(uvchan_len(dead.letters), 39);
  uvchan_release(dead.letters);
}
END_TEST

/* ---- Threads --------------------------------------------------------------------------------- */

#define NSENDERS 3
#define NRECEIVERS 2

typedef struct {
  uvchan_t* ch;
  size_t number;
  way_t way;
  size_t n;
  way_log_t log;
} side_t;

/* Each call is answered with success, whoever else sends meanwhile. */
static void send_all(void* arg) {
  side_t* side = arg;
  size_t place;
  for (place = 0; place < side->n; place++) {
    uint64_t value = WAY_NUMBER(side->number, place);
    must(way_send(side->way, side->ch, &value, 1) == 1);
  }
}

static void receive_all(void* arg) {
  side_t* side = arg;
  way_recv_all(side->way, side->ch, SIZE_MAX, &side->log);
}

static void join_all(uv_thread_t* threads, int n) {
  int i;
  for (i = 0; i < n; i++) support_join(&threads[i]);
}

START_TEST(each_value_of_many_threads_is_received_or_dropped_once) {
  static const way_t ways[NSENDERS + NRECEIVERS] = {WAY_TRY, WAY_TRY_N, WAY_WAIT, WAY_WAIT,
                                                    WAY_WAIT_N};
  support_drops_t drops;
  side_t sides[NSENDERS + NRECEIVERS];
  uv_thread_t threads[NSENDERS + NRECEIVERS];
  uvchan_t* ch = support_dropping_channel(&drops, 8, CAPACITY(_i), POLICY(_i));
  size_t n = (size_t)support_count(10000), i, k;
  uint64_t received = 0, sum = 0, expected = 0;
  memset(sides, 0, sizeof(sides));
  for (i = 0; i < NSENDERS + NRECEIVERS; i++) {
    sides[i].ch = ch;
    sides[i].number = i;
    sides[i].way = ways[i];
    sides[i].n = n;
    support_start(&threads[i], i < NSENDERS ? send_all : receive_all, &sides[i]);
  }
  join_all(threads, NSENDERS);
  ck_assert_int_eq(uvchan_close(ch), 0);
  join_all(threads + NSENDERS, NRECEIVERS);
  for (i = 0; i < NSENDERS; i++) {
    for (k = 0; k < n; k++) expected += WAY_NUMBER(i, k);
  }
  for (i = NSENDERS; i < NSENDERS + NRECEIVERS; i++) {
    received += sides[i].log.received;
    sum += sides[i].log.sum;
  }
  ck_assert_uint_eq(received + OVERFLOWS(&drops), NSENDERS * n);
  ck_assert_uint_eq(sum + atomic_load(&drops.sum), expected);
  ck_assert_uint_eq(support_at_rest(ch).sent, NSENDERS * n);
  ck_assert_uint_eq(support_at_rest(ch).received, received);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("overflow");
  TCase* tcase = support_tcase(suite, "overflow");
  tcase_add_loop_test(tcase, drop_newest_keeps_what_is_there, 0, NCAPACITIES);
  tcase_add_loop_test(tcase, drop_oldest_keeps_the_latest, 0, NCAPACITIES);
  tcase_add_loop_test(tcase, no_way_to_send_waits_or_is_told_not_now, 0, 2 * NCAPACITIES);
  tcase_add_loop_test(tcase, a_batch_is_taken_whole, 0, 2 * NCAPACITIES);
  tcase_add_loop_test(tcase, a_closed_channel_refuses_instead_of_dropping, 0, 2 * NCAPACITIES);
  tcase_add_loop_test(tcase, values_of_every_size_reach_the_drop_callback_whole, 0,
                      2 * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, very_large_values_are_dropped_whole, 0, 2);
  tcase_add_loop_test(tcase, a_policy_without_a_drop_callback_drops_too, 0, 2 * NCAPACITIES);
  tcase_add_loop_test(tcase, the_drop_callback_may_call_the_channel, 0, 2 * NCAPACITIES);
  tcase_add_loop_test(tcase, each_value_of_many_threads_is_received_or_dropped_once, 0,
                      2 * NCAPACITIES);
  return support_main(suite);
}
