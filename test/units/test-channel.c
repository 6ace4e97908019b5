/* SPDX-License-Identifier: MIT */
/* The channel as one thread sees it: making and releasing it, trying, batches, and what it says
 * about itself, over every capacity and element size. */
#include <stdlib.h>
#include <string.h>

#include "channel/state.h"
#include "support.h"

/* A loop test's number is a pair from the two tables. */
#define NPAIRS (SUPPORT_NCAPACITIES * SUPPORT_NELEM_SIZES)
#define CAPACITY(i) support_capacities[(i) % SUPPORT_NCAPACITIES]
#define ELEM_SIZE(i) support_elem_sizes[(i) / SUPPORT_NCAPACITIES]

#define SOME 100 /* values put into an unbounded channel, where "full" needs a number */

static size_t room_of(size_t capacity) { return capacity == UVCHAN_UNBOUNDED ? SOME : capacity; }

START_TEST(a_new_channel_is_empty_open_and_what_was_asked_for) {
  uvchan_t* ch = support_channel(ELEM_SIZE(_i), CAPACITY(_i));
  uvchan_stats_t stats;
  memset(&stats, 0xff, sizeof(stats));
  ck_assert_uint_eq(uvchan_elem_size(ch), ELEM_SIZE(_i));
  ck_assert_uint_eq(uvchan_capacity(ch), CAPACITY(_i));
  ck_assert_uint_eq(uvchan_len(ch), 0);
  ck_assert_int_eq(uvchan_is_closed(ch), 0);
  uvchan_stats(ch, &stats);
  ck_assert_str_eq(stats.name, "");
  ck_assert_uint_eq(stats.sent + stats.received + stats.dropped + stats.wakeups, 0);
  ck_assert_uint_eq(stats.len + stats.peak + stats.waiting_senders + stats.waiting_receivers, 0);
  ck_assert_uint_eq(stats.capacity, CAPACITY(_i));
  uvchan_release(ch);
}
END_TEST

START_TEST(options_of_all_zero_make_an_unbuffered_channel_of_signals) {
  uvchan_options_t options;
  uvchan_t* ch = NULL;
  memset(&options, 0, sizeof(options));
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  ck_assert_uint_eq(uvchan_elem_size(ch), 0);
  ck_assert_uint_eq(uvchan_capacity(ch), 0);
  ck_assert_int_eq(uvchan_try_send(ch, NULL), UV_EAGAIN);
  ck_assert_int_eq(uvchan_try_recv(ch, NULL), UV_EAGAIN);
  uvchan_release(ch);
}
END_TEST

START_TEST(the_name_is_copied) {
  char name[] = "orders";
  uvchan_options_t options;
  uvchan_stats_t stats;
  uvchan_t* ch = NULL;
  memset(&options, 0, sizeof(options));
  options.name = name;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  memset(name, 'x', sizeof(name) - 1);
  uvchan_stats(ch, &stats);
  ck_assert_str_eq(stats.name, "orders");
  uvchan_release(ch);
}
END_TEST

START_TEST(retain_answers_the_channel_and_the_last_release_frees_it) {
  uvchan_t* ch = support_channel(8, CAPACITY(_i));
  ck_assert_ptr_eq(uvchan_retain(ch), ch);
  ck_assert_ptr_eq(uvchan_retain(ch), ch);
  uvchan_release(ch);
  uvchan_release(ch);
  ck_assert_uint_eq(uvchan_capacity(ch), CAPACITY(_i));
  ck_assert_uint_ge(support_allocations(), 1);
  uvchan_release(ch);
  ck_assert_uint_eq(support_allocations(), 0);
}
END_TEST

START_TEST(release_of_nothing_is_allowed_and_retain_of_nothing_is_nothing) {
  uvchan_release(NULL);
  ck_assert_ptr_null(uvchan_retain(NULL));
}
END_TEST

/* One value more than the channel was made for must be refused, each before it taken. */
START_TEST(try_send_fills_exactly_the_capacity) {
  size_t elem_size = ELEM_SIZE(_i), capacity = CAPACITY(_i), n = room_of(capacity), i;
  uvchan_t* ch = support_channel(elem_size, capacity);
  unsigned char value[SUPPORT_MOST_BYTES + 1];
  for (i = 0; i < n; i++) {
    support_fill(value, elem_size, i);
    ck_assert_int_eq(uvchan_try_send(ch, value), 0);
    ck_assert_uint_eq(uvchan_len(ch), i + 1);
  }
  if (capacity != UVCHAN_UNBOUNDED) ck_assert_int_eq(uvchan_try_send(ch, value), UV_EAGAIN);
  ck_assert_uint_eq(support_at_rest(ch).sent, n);
  for (i = 0; i < n; i++) {
    memset(value, 0xee, sizeof(value));
    ck_assert_int_eq(uvchan_try_recv(ch, value), 0);
    ck_assert(support_matches(value, elem_size, i));
    ck_assert_uint_eq(value[elem_size], 0xee); /* not a byte too many */
    ck_assert_uint_eq(uvchan_len(ch), n - i - 1);
  }
  ck_assert_int_eq(uvchan_try_recv(ch, value), UV_EAGAIN);
  ck_assert_uint_eq(support_at_rest(ch).received, n);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_failed_receive_leaves_the_callers_memory_alone) {
  uvchan_t* ch = support_channel(8, CAPACITY(_i));
  uint64_t value = 42;
  ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EAGAIN);
  ck_assert_int_eq(uvchan_recv_timedwait(ch, &value, 0), UV_ETIMEDOUT);
  ck_assert_int_eq((int)uvchan_try_recv_n(ch, &value, 1), UV_EAGAIN);
  ck_assert_int_eq(uvchan_close(ch), 0);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EOF);
  ck_assert_int_eq(uvchan_recv_wait(ch, &value), UV_EOF);
  ck_assert_int_eq((int)uvchan_recv_wait_n(ch, &value, 1), UV_EOF);
  ck_assert_uint_eq(value, 42);
  uvchan_release(ch);
}
END_TEST

/* Runs of every length go round the ring often enough that each slot is a run's first and last. */
START_TEST(values_keep_their_order_around_the_ring) {
  size_t elem_size = ELEM_SIZE(_i), capacity = CAPACITY(_i), n = room_of(capacity), run, i;
  uvchan_t* ch = support_channel(elem_size, capacity);
  unsigned char value[SUPPORT_MOST_BYTES];
  uint64_t in = 0, out = 0;
  for (run = 1; run <= n; run++) {
    for (i = 0; i < run; i++) {
      support_fill(value, elem_size, in++);
      must(uvchan_try_send(ch, value) == 0);
    }
    for (i = 0; i < run; i++) {
      must(uvchan_try_recv(ch, value) == 0);
      must(support_matches(value, elem_size, out++));
    }
  }
  ck_assert_uint_eq(in, out);
  support_at_rest(ch);
  uvchan_release(ch);
}
END_TEST

START_TEST(batches_move_what_fits_and_what_is_there_in_order) {
  size_t elem_size = ELEM_SIZE(_i), capacity = CAPACITY(_i), n = room_of(capacity), asked = n + 3,
         round, i;
  size_t taken = capacity == UVCHAN_UNBOUNDED ? asked : n;
  unsigned char* values = malloc(asked * (elem_size + 1));
  uvchan_t* ch = support_channel(elem_size, capacity);
  for (round = 0; round < 5 && n > 0; round++) {
    unsigned char one[SUPPORT_MOST_BYTES];
    for (i = 0; i < asked; i++) support_fill(values + i * elem_size, elem_size, round * 1000 + i);
    ck_assert_int_eq(uvchan_try_send_n(ch, values, asked), (ssize_t)taken);
    if (capacity != UVCHAN_UNBOUNDED)
      ck_assert_int_eq(uvchan_try_send_n(ch, values, asked), UV_EAGAIN);
    ck_assert_uint_eq(uvchan_len(ch), taken);
    ck_assert_int_eq(uvchan_try_recv(ch, one), 0); /* so that each round begins one slot further */
    must(support_matches(one, elem_size, round * 1000));
    memset(values, 0, asked * elem_size);
    if (taken > 1) ck_assert_int_eq(uvchan_try_recv_n(ch, values, asked), (ssize_t)taken - 1);
    for (i = 1; i < taken; i++)
      must(support_matches(values + (i - 1) * elem_size, elem_size, round * 1000 + i));
    ck_assert_int_eq(uvchan_try_recv_n(ch, values, asked), UV_EAGAIN);
  }
  support_at_rest(ch);
  uvchan_release(ch);
  free(values);
}
END_TEST

START_TEST(an_unbuffered_channel_takes_nothing_where_nobody_receives) {
  uvchan_t* ch = support_channel(ELEM_SIZE(_i * SUPPORT_NCAPACITIES), 0);
  unsigned char values[2 * SUPPORT_MOST_BYTES];
  memset(values, 1, sizeof(values));
  ck_assert_int_eq(uvchan_try_send(ch, values), UV_EAGAIN);
  ck_assert_int_eq((int)uvchan_try_send_n(ch, values, 2), UV_EAGAIN);
  ck_assert_int_eq(uvchan_send_timedwait(ch, values, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_send_timedwait(ch, values, 1000), UV_ETIMEDOUT);
  ck_assert_uint_eq(uvchan_len(ch), 0);
  ck_assert_uint_eq(support_at_rest(ch).sent, 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(waiting_calls_do_not_wait_where_they_need_not) {
  size_t elem_size = ELEM_SIZE(_i), capacity = CAPACITY(_i), n = room_of(capacity), i;
  uvchan_t* ch = support_channel(elem_size, capacity);
  unsigned char value[SUPPORT_MOST_BYTES];
  for (i = 0; i < n; i++) {
    support_fill(value, elem_size, i);
    if (i % 2 == 0) must(uvchan_send_wait(ch, value) == 0);
    if (i % 2 == 1) must(uvchan_send_timedwait(ch, value, 0) == 0);
  }
  for (i = 0; i < n; i++) {
    if (i % 3 == 0) must(uvchan_recv_wait(ch, value) == 0);
    if (i % 3 == 1) must(uvchan_recv_timedwait(ch, value, 0) == 0);
    if (i % 3 == 2) must(uvchan_recv_wait_n(ch, value, 1) == 1);
    must(support_matches(value, elem_size, i));
  }
  support_at_rest(ch);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_full_or_empty_channel_times_out) {
  size_t capacity = CAPACITY(_i), n = room_of(capacity), i;
  uvchan_t* ch = support_channel(8, capacity);
  uint64_t value = 7;
  ck_assert_int_eq(uvchan_recv_timedwait(ch, &value, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_recv_timedwait(ch, &value, 100000), UV_ETIMEDOUT);
  for (i = 0; i < n; i++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  if (capacity != UVCHAN_UNBOUNDED) {
    ck_assert_int_eq(uvchan_send_timedwait(ch, &value, 0), UV_ETIMEDOUT);
    ck_assert_int_eq(uvchan_send_timedwait(ch, &value, 100000), UV_ETIMEDOUT);
  }
  ck_assert_uint_eq(support_at_rest(ch).len, n);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_value_is_copied_when_it_is_sent) {
  uvchan_t* ch = support_channel(8, 3);
  uint64_t value = 1, got = 0;
  ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  value = 2;
  ck_assert_int_eq(uvchan_try_recv(ch, &got), 0);
  ck_assert_uint_eq(got, 1);
  uvchan_release(ch);
}
END_TEST

START_TEST(values_need_not_be_aligned_by_the_caller) {
  uvchan_t* ch = support_channel(12, CAPACITY(_i));
  unsigned char memory[64];
  if (CAPACITY(_i) != 0) {
    support_fill(memory + 1, 12, 77);
    ck_assert_int_eq(uvchan_try_send(ch, memory + 1), 0);
    ck_assert_int_eq(uvchan_try_recv(ch, memory + 31), 0);
    ck_assert(support_matches(memory + 31, 12, 77));
  }
  uvchan_release(ch);
}
END_TEST

START_TEST(a_large_channel_holds_exactly_what_was_asked_for) {
  static const size_t capacities[] = {2, 5, 63, 64, 65, 127, 1000, 4097};
  size_t capacity = capacities[_i], i;
  uvchan_t* ch = support_channel(8, capacity);
  uint64_t value;
  int round;
  for (round = 0; round < 3; round++) {
    for (i = 0; i < capacity; i++) {
      value = i;
      must(uvchan_try_send(ch, &value) == 0);
    }
    ck_assert_int_eq(uvchan_try_send(ch, &value), UV_EAGAIN);
    for (i = 0; i < capacity; i++) {
      must(uvchan_try_recv(ch, &value) == 0);
      must(value == i);
    }
    ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EAGAIN);
  }
  uvchan_release(ch);
}
END_TEST

/* Who waits closes the ring to those without the lock; a select may wait for both, and the last one
 * who goes opens it again. */
START_TEST(the_ring_is_open_without_the_lock_once_nobody_waits) {
  uvchan_t* ch = support_channel(8, support_capacities[1 + _i % 3]);
  size_t capacity = uvchan_capacity(ch);
  uint64_t value = 7;
  uvchan_case_t cases[2] = {{ch, UVCHAN_SEND, &value, 0, NULL}, {NULL, UVCHAN_RECV, NULL, 0, NULL}};
  size_t i;

  for (i = 0; i < capacity; i++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  if (_i / 3 == 0) ck_assert_int_eq(uvchan_send_timedwait(ch, &value, 1), UV_ETIMEDOUT);
  if (_i / 3 == 1) ck_assert_int_eq(uvchan_select_timedwait(cases, 2, 1), UV_ETIMEDOUT);
  ck_assert(!uvchan__ring_is_slow(&ch->ring.tail));
  ck_assert(!uvchan__ring_is_slow(&ch->ring.head));
  for (i = 0; i < capacity; i++) ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  cases[0].op = UVCHAN_RECV;
  if (_i / 3 == 0) ck_assert_int_eq(uvchan_recv_timedwait(ch, &value, 1), UV_ETIMEDOUT);
  if (_i / 3 == 1) ck_assert_int_eq(uvchan_select_timedwait(cases, 2, 1), UV_ETIMEDOUT);
  ck_assert(!uvchan__ring_is_slow(&ch->ring.tail));
  ck_assert(!uvchan__ring_is_slow(&ch->ring.head));
  uvchan_release(ch);
}
END_TEST

START_TEST(the_version_is_the_headers) {
  char text[64];
  unsigned int version =
      UVCHAN_VERSION_MAJOR << 16 | UVCHAN_VERSION_MINOR << 8 | UVCHAN_VERSION_PATCH;
  snprintf(text, sizeof(text), "%d.%d.%d", UVCHAN_VERSION_MAJOR, UVCHAN_VERSION_MINOR,
           UVCHAN_VERSION_PATCH);
  ck_assert_str_eq(uvchan_version_string(), text);
  ck_assert_uint_eq(uvchan_version(), version);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("channel");
  TCase* tcase = support_tcase(suite, "channel");
  tcase_add_loop_test(tcase, a_new_channel_is_empty_open_and_what_was_asked_for, 0, NPAIRS);
  tcase_add_test(tcase, options_of_all_zero_make_an_unbuffered_channel_of_signals);
  tcase_add_test(tcase, the_name_is_copied);
  tcase_add_loop_test(tcase, retain_answers_the_channel_and_the_last_release_frees_it, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, release_of_nothing_is_allowed_and_retain_of_nothing_is_nothing);
  tcase_add_loop_test(tcase, try_send_fills_exactly_the_capacity, 0, NPAIRS);
  tcase_add_loop_test(tcase, a_failed_receive_leaves_the_callers_memory_alone, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, values_keep_their_order_around_the_ring, 0, NPAIRS);
  tcase_add_loop_test(tcase, batches_move_what_fits_and_what_is_there_in_order, 0, NPAIRS);
  tcase_add_loop_test(tcase, an_unbuffered_channel_takes_nothing_where_nobody_receives, 0,
                      SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, waiting_calls_do_not_wait_where_they_need_not, 0, NPAIRS);
  tcase_add_loop_test(tcase, a_full_or_empty_channel_times_out, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, a_value_is_copied_when_it_is_sent);
  tcase_add_loop_test(tcase, values_need_not_be_aligned_by_the_caller, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_large_channel_holds_exactly_what_was_asked_for, 0, 8);
  tcase_add_loop_test(tcase, the_ring_is_open_without_the_lock_once_nobody_waits, 0, 2 * 3);
  tcase_add_test(tcase, the_version_is_the_headers);
  return support_main(suite);
}
