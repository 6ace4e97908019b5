/* SPDX-License-Identifier: MIT */
/* Bad input from plain threads: each function, each argument that can be wrong. The answer is
 * UV_EINVAL and nothing has happened. */
#include <limits.h>
#include <string.h>

#include "support.h"

#define A_SECOND UINT64_C(1000000000) /* in nanoseconds */

/* What a channel and the allocator say, to be compared before and after. */
typedef struct {
  uvchan_stats_t stats;
  size_t allocations;
  int closed;
} picture_t;

static picture_t take_picture(const uvchan_t* ch) {
  picture_t picture;
  memset(&picture, 0, sizeof(picture));
  uvchan_stats(ch, &picture.stats);
  picture.allocations = support_allocations();
  picture.closed = uvchan_is_closed(ch);
  return picture;
}

/* The expression answers the code, and the channel `ch` of the test is as before. */
#define refuses(code, expression)                                    \
  do {                                                               \
    picture_t before_ = take_picture(ch), after_;                    \
    ck_assert_int_eq((intmax_t)(expression), (code));                \
    after_ = take_picture(ch);                                       \
    ck_assert_int_eq(memcmp(&before_, &after_, sizeof(before_)), 0); \
  } while (0)

/* ---- Create ---------------------------------------------------------------------------------- */

START_TEST(create_refuses_nonsense_and_leaves_the_output_alone) {
  static const struct {
    size_t elem_size, capacity;
  } too_large[] = {{SIZE_MAX / 2, 3},
                   {SIZE_MAX, 2},
                   {2, SIZE_MAX / 2 + 1},
                   {SIZE_MAX / 16 + 1, 16},
                   {8, SIZE_MAX - 1}};
  uvchan_t* ch = NULL;
  size_t i;
  refuses(UV_EINVAL, uvchan_create(NULL, 8, 1));
  for (i = 0; i < sizeof(too_large) / sizeof(too_large[0]); i++) {
    refuses(UV_EINVAL, uvchan_create(&ch, too_large[i].elem_size, too_large[i].capacity));
    ck_assert_ptr_null(ch);
  }
}
END_TEST

#define NRESERVED ((int)(sizeof(((uvchan_options_t*)0)->reserved) / sizeof(void*)))

START_TEST(create_refuses_what_is_reserved) {
  uvchan_options_t options;
  uvchan_t* ch = NULL;
  memset(&options, 0, sizeof(options));
  options.reserved[_i] = &options;
  refuses(UV_EINVAL, uvchan_create_ex(&ch, &options));
  ck_assert_ptr_null(ch);
}
END_TEST

START_TEST(create_without_memory_says_so) {
  uvchan_t* ch = NULL;
  refuses(UV_ENOMEM, uvchan_create(&ch, SIZE_MAX / 8, 2));
  refuses(UV_ENOMEM, uvchan_create(&ch, 1, SIZE_MAX / 16));
  ck_assert_ptr_null(ch);
}
END_TEST

START_TEST(create_ex_refuses_nonsense_and_leaves_the_output_alone) {
  uvchan_options_t options;
  uvchan_t* ch = NULL;
  memset(&options, 0, sizeof(options));
  options.capacity = 1;
  refuses(UV_EINVAL, uvchan_create_ex(NULL, &options));
  refuses(UV_EINVAL, uvchan_create_ex(&ch, NULL));
  options.overflow = (uvchan_overflow_t)(UVCHAN_DROP_OLDEST + 1);
  refuses(UV_EINVAL, uvchan_create_ex(&ch, &options));
  options.overflow = (uvchan_overflow_t)77;
  refuses(UV_EINVAL, uvchan_create_ex(&ch, &options));
  options.overflow = UVCHAN_DROP_NEWEST;
  options.capacity = 0;
  refuses(UV_EINVAL, uvchan_create_ex(&ch, &options));
  options.capacity = UVCHAN_UNBOUNDED;
  refuses(UV_EINVAL, uvchan_create_ex(&ch, &options));
  options.overflow = UVCHAN_DROP_OLDEST;
  refuses(UV_EINVAL, uvchan_create_ex(&ch, &options));
  options.capacity = 0;
  refuses(UV_EINVAL, uvchan_create_ex(&ch, &options));
  options.capacity = SIZE_MAX - 1;
  options.elem_size = 16;
  refuses(UV_EINVAL, uvchan_create_ex(&ch, &options));
  ck_assert_ptr_null(ch);
}
END_TEST

/* ---- Close, counted senders, getters --------------------------------------------------------- */

START_TEST(close_refuses_no_channel) {
  uvchan_t* ch = NULL;
  refuses(UV_EINVAL, uvchan_close(NULL));
  refuses(UV_EINVAL, uvchan_close_with(NULL, UV_EIO));
  refuses(UV_EINVAL, uvchan_abort(NULL, UV_EIO));
  refuses(UV_EINVAL, uvchan_sender_add(NULL, 1));
  refuses(UV_EINVAL, uvchan_sender_done(NULL));
}
END_TEST

START_TEST(close_refuses_a_status_that_is_no_end) {
  static const int statuses[] = {0, 1, INT_MAX, UV_EAGAIN, UV_EBUSY, UV_ETIMEDOUT};
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uint64_t value = 1;
  size_t i;
  if (support_capacities[_i] != 0) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
    refuses(UV_EINVAL, uvchan_close_with(ch, statuses[i]));
    refuses(UV_EINVAL, uvchan_abort(ch, statuses[i]));
  }
  ck_assert_int_eq(uvchan_is_closed(ch), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  refuses(UV_EINVAL, uvchan_close_with(ch, 0));
  refuses(UV_EINVAL, uvchan_abort(ch, UV_EAGAIN)); /* it does not drop either */
  uvchan_release(ch);
}
END_TEST

START_TEST(close_takes_any_status_that_is_an_end) {
  static const int statuses[] = {UV_EOF, UV_EPIPE, UV_EINVAL, UV_ENOMEM, UV_ECANCELED, INT_MIN, -1};
  uvchan_t* ch = support_channel(8, 3);
  uint64_t value;
  ck_assert_int_eq(uvchan_close_with(ch, statuses[_i]), 0);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), statuses[_i]);
  uvchan_release(ch);
}
END_TEST

START_TEST(counting_more_senders_than_can_be_counted_is_refused) {
  uvchan_t* ch = support_channel(8, 3);
  ck_assert_int_eq(uvchan_sender_add(ch, UINT_MAX), 0);
  refuses(UV_EINVAL, uvchan_sender_add(ch, 1));
  ck_assert_int_eq(uvchan_sender_done(ch), 0);
  ck_assert_int_eq(uvchan_sender_add(ch, 1), 0);
  refuses(UV_EINVAL, uvchan_sender_add(ch, UINT_MAX));
  ck_assert_int_eq(uvchan_is_closed(ch), 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(getters_of_no_channel_answer_zero) {
  uvchan_stats_t stats;
  memset(&stats, 0xff, sizeof(stats));
  ck_assert_uint_eq(uvchan_len(NULL), 0);
  ck_assert_uint_eq(uvchan_capacity(NULL), 0);
  ck_assert_uint_eq(uvchan_elem_size(NULL), 0);
  ck_assert_int_eq(uvchan_is_closed(NULL), 0);
  uvchan_stats(NULL, &stats);
  ck_assert_uint_eq(stats.sent + stats.received + stats.dropped + stats.wakeups, 0);
  ck_assert_uint_eq(
      stats.len + stats.capacity + stats.peak + stats.waiting_senders + stats.waiting_receivers, 0);
  ck_assert_str_eq(stats.name, "");
  uvchan_stats(NULL, NULL);
}
END_TEST

/* ---- Sending and receiving ------------------------------------------------------------------- */

START_TEST(sends_and_receives_refuse_no_channel) {
  uvchan_t* ch = NULL;
  uint64_t value = 1;
  refuses(UV_EINVAL, uvchan_try_send(NULL, &value));
  refuses(UV_EINVAL, uvchan_send_wait(NULL, &value));
  refuses(UV_EINVAL, uvchan_send_timedwait(NULL, &value, A_SECOND));
  refuses(UV_EINVAL, uvchan_try_send_n(NULL, &value, 1));
  refuses(UV_EINVAL, uvchan_send_wait_n(NULL, &value, 1));
  refuses(UV_EINVAL, uvchan_try_recv(NULL, &value));
  refuses(UV_EINVAL, uvchan_recv_wait(NULL, &value));
  refuses(UV_EINVAL, uvchan_recv_timedwait(NULL, &value, A_SECOND));
  refuses(UV_EINVAL, uvchan_try_recv_n(NULL, &value, 1));
  refuses(UV_EINVAL, uvchan_recv_wait_n(NULL, &value, 1));
  ck_assert_uint_eq(value, 1);
}
END_TEST

static void check_no_value(uvchan_t* ch) {
  uvchan_case_t one = {ch, UVCHAN_RECV, NULL, 1, NULL};
  refuses(UV_EINVAL, uvchan_try_send(ch, NULL));
  refuses(UV_EINVAL, uvchan_send_wait(ch, NULL));
  refuses(UV_EINVAL, uvchan_send_timedwait(ch, NULL, A_SECOND));
  refuses(UV_EINVAL, uvchan_try_send_n(ch, NULL, 1));
  refuses(UV_EINVAL, uvchan_send_wait_n(ch, NULL, 1));
  refuses(UV_EINVAL, uvchan_try_recv(ch, NULL));
  refuses(UV_EINVAL, uvchan_recv_wait(ch, NULL));
  refuses(UV_EINVAL, uvchan_recv_timedwait(ch, NULL, A_SECOND));
  refuses(UV_EINVAL, uvchan_try_recv_n(ch, NULL, 1));
  refuses(UV_EINVAL, uvchan_recv_wait_n(ch, NULL, 1));
  refuses(UV_EINVAL, uvchan_try_select(&one, 1));
  refuses(UV_EINVAL, uvchan_select_wait(&one, 1));
  refuses(UV_EINVAL, uvchan_select_timedwait(&one, 1, A_SECOND));
  one.op = UVCHAN_SEND;
  refuses(UV_EINVAL, uvchan_try_select(&one, 1));
  refuses(UV_EINVAL, uvchan_select_wait(&one, 1));
  refuses(UV_EINVAL, uvchan_select_timedwait(&one, 1, A_SECOND));
  ck_assert_int_eq(one.status, 1);
}

/* Empty, with a value, and closed: the argument is wrong whatever the channel could have
 * answered. */
START_TEST(sends_and_receives_refuse_no_value) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uint64_t value = 1;
  check_no_value(ch);
  if (support_capacities[_i] != 0) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  check_no_value(ch);
  ck_assert_int_eq(uvchan_close(ch), 0);
  check_no_value(ch);
  uvchan_release(ch);
}
END_TEST

START_TEST(signals_need_no_memory_for_a_value) {
  size_t capacity = support_capacities[_i];
  uvchan_t* ch = support_channel(0, capacity);
  uvchan_case_t one = {ch, UVCHAN_RECV, NULL, 1, NULL};
  if (capacity != 0) {
    ck_assert_int_eq(uvchan_try_send(ch, NULL), 0);
    ck_assert_int_eq(uvchan_try_recv(ch, NULL), 0);
    ck_assert_int_eq(uvchan_send_wait(ch, NULL), 0);
    ck_assert_int_eq(uvchan_recv_wait(ch, NULL), 0);
    ck_assert_int_eq(uvchan_send_timedwait(ch, NULL, 0), 0);
    ck_assert_int_eq(uvchan_recv_timedwait(ch, NULL, 0), 0);
    ck_assert_int_eq((int)uvchan_try_send_n(ch, NULL, 1), 1);
    ck_assert_int_eq((int)uvchan_try_recv_n(ch, NULL, 5), 1);
    ck_assert_int_eq((int)uvchan_send_wait_n(ch, NULL, 1), 1);
    ck_assert_int_eq((int)uvchan_recv_wait_n(ch, NULL, 5), 1);
    ck_assert_int_eq(uvchan_try_send(ch, NULL), 0);
    ck_assert_int_eq(uvchan_try_select(&one, 1), 0);
  }
  ck_assert_int_eq(uvchan_try_recv(ch, NULL), UV_EAGAIN);
  uvchan_release(ch);
}
END_TEST

START_TEST(batches_of_no_value_are_refused) {
  uvchan_t* ch = support_channel(_i % 2 == 0 ? 8 : 0, support_capacities[_i / 2]);
  uint64_t value = 1;
  refuses(UV_EINVAL, uvchan_try_send_n(ch, &value, 0));
  refuses(UV_EINVAL, uvchan_send_wait_n(ch, &value, 0));
  refuses(UV_EINVAL, uvchan_try_recv_n(ch, &value, 0));
  refuses(UV_EINVAL, uvchan_recv_wait_n(ch, &value, 0));
  ck_assert_int_eq(uvchan_close(ch), 0);
  refuses(UV_EINVAL, uvchan_try_send_n(ch, &value, 0));
  refuses(UV_EINVAL, uvchan_send_wait_n(ch, &value, 0));
  refuses(UV_EINVAL, uvchan_try_recv_n(ch, &value, 0));
  refuses(UV_EINVAL, uvchan_recv_wait_n(ch, &value, 0));
  uvchan_release(ch);
}
END_TEST

/* ---- Select ---------------------------------------------------------------------------------- */

START_TEST(select_refuses_no_cases) {
  uvchan_t* ch = NULL;
  uvchan_case_t one = {NULL, UVCHAN_RECV, NULL, 1, NULL};
  refuses(UV_EAGAIN, uvchan_try_select(NULL, 0));
  refuses(UV_EAGAIN, uvchan_try_select(&one, 0));
  refuses(UV_EINVAL, uvchan_select_wait(NULL, 0));
  refuses(UV_EINVAL, uvchan_select_wait(&one, 0));
  refuses(UV_EINVAL, uvchan_select_timedwait(NULL, 0, A_SECOND));
  refuses(UV_EINVAL, uvchan_select_timedwait(&one, 0, A_SECOND));
  refuses(UV_EINVAL, uvchan_try_select(NULL, 1));
  refuses(UV_EINVAL, uvchan_select_wait(NULL, 1));
  refuses(UV_EINVAL, uvchan_select_timedwait(NULL, 1, A_SECOND));
}
END_TEST

/* One wrong case among good ones, at each place, and none of the good ones is carried out. */
START_TEST(select_refuses_a_wrong_case_though_others_are_ready) {
  uvchan_t* ch = support_channel(8, 3);
  uint64_t in = 1, out = 2;
  int wrong, kind;
  ck_assert_int_eq(uvchan_try_send(ch, &in), 0);
  for (wrong = 0; wrong < 6; wrong++) {
    for (kind = 0; kind < 2; kind++) {
      uvchan_case_t cases[6];
      int i;
      for (i = 0; i < 6; i++)
        cases[i] = (uvchan_case_t){ch, i % 2 == 0 ? UVCHAN_RECV : UVCHAN_SEND,
                                   i % 2 == 0 ? &out : &in, 1, NULL};
      if (kind == 0) cases[wrong].value = NULL;
      if (kind == 1) cases[wrong].op = (uvchan_op_t)7;
      refuses(UV_EINVAL, uvchan_try_select(cases, 6));
      refuses(UV_EINVAL, uvchan_select_wait(cases, 6));
      refuses(UV_EINVAL, uvchan_select_timedwait(cases, 6, A_SECOND));
      for (i = 0; i < 6; i++) ck_assert_int_eq(cases[i].status, 1);
    }
  }
  ck_assert_uint_eq(out, 2);
  uvchan_release(ch);
}
END_TEST

/* ---- Wait groups, the allocator -------------------------------------------------------------- */

START_TEST(wait_groups_refuse_nonsense) {
  uvchan_t* ch = NULL;
  uvchan_waitgroup_t wg;
  refuses(UV_EINVAL, uvchan_waitgroup_init(NULL));
  refuses(UV_EINVAL, uvchan_waitgroup_add(NULL, 1));
  refuses(UV_EINVAL, uvchan_waitgroup_done(NULL));
  refuses(UV_EINVAL, uvchan_waitgroup_wait(NULL));
  refuses(UV_EINVAL, uvchan_waitgroup_timedwait(NULL, 0));
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  refuses(UV_EINVAL, uvchan_waitgroup_add(&wg, -1));
  refuses(UV_EINVAL, uvchan_waitgroup_add(&wg, INT_MIN));
  refuses(UV_EINVAL, uvchan_waitgroup_done(&wg));
  ck_assert_int_eq(uvchan_waitgroup_wait(&wg), 0); /* the counter is still 0 */
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, INT_MAX), 0);
  refuses(UV_EINVAL, uvchan_waitgroup_add(&wg, 1));
  refuses(UV_EINVAL, uvchan_waitgroup_add(&wg, INT_MAX));
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, -INT_MAX), 0);
  ck_assert_int_eq(uvchan_waitgroup_wait(&wg), 0);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

static void* no_malloc(size_t size) {
  (void)size;
  return NULL;
}

static void* no_realloc(void* memory, size_t size) {
  (void)memory;
  (void)size;
  return NULL;
}

static void* no_calloc(size_t n, size_t size) {
  (void)n;
  (void)size;
  return NULL;
}

static void no_free(void* memory) { (void)memory; }

START_TEST(an_allocator_with_a_function_missing_is_refused) {
  uvchan_t* ch = NULL;
  refuses(UV_EINVAL, uvchan_replace_allocator(NULL, no_realloc, no_calloc, no_free));
  refuses(UV_EINVAL, uvchan_replace_allocator(no_malloc, NULL, no_calloc, no_free));
  refuses(UV_EINVAL, uvchan_replace_allocator(no_malloc, no_realloc, NULL, no_free));
  refuses(UV_EINVAL, uvchan_replace_allocator(no_malloc, no_realloc, no_calloc, NULL));
  ch = support_channel(8, 1); /* from the allocator that was there before */
  ck_assert_uint_ge(support_allocations(), 1);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("bad-input");
  TCase* tcase = support_tcase(suite, "bad-input");
  tcase_add_test(tcase, create_refuses_nonsense_and_leaves_the_output_alone);
  tcase_add_loop_test(tcase, create_refuses_what_is_reserved, 0, NRESERVED);
  tcase_add_test(tcase, create_without_memory_says_so);
  tcase_add_test(tcase, create_ex_refuses_nonsense_and_leaves_the_output_alone);
  tcase_add_test(tcase, close_refuses_no_channel);
  tcase_add_loop_test(tcase, close_refuses_a_status_that_is_no_end, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, close_takes_any_status_that_is_an_end, 0, 7);
  tcase_add_test(tcase, counting_more_senders_than_can_be_counted_is_refused);
  tcase_add_test(tcase, getters_of_no_channel_answer_zero);
  tcase_add_test(tcase, sends_and_receives_refuse_no_channel);
  tcase_add_loop_test(tcase, sends_and_receives_refuse_no_value, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, signals_need_no_memory_for_a_value, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, batches_of_no_value_are_refused, 0, 2 * SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, select_refuses_no_cases);
  tcase_add_test(tcase, select_refuses_a_wrong_case_though_others_are_ready);
  tcase_add_test(tcase, wait_groups_refuse_nonsense);
  tcase_add_test(tcase, an_allocator_with_a_function_missing_is_refused);
  return support_main(suite);
}
