/* SPDX-License-Identifier: MIT */
/* The admission cuts a queue that stands, in the calls of threads. The clock is the test's. */
#include "aging-ways.h"

/* Loop number: store that holds many, then way, then whether there is a drop_cb. */
START_TEST(a_queue_that_stands_is_cut_but_for_the_last) {
  support_drops_t drops;
  way_t way = WAY(_i);
  uvchan_t* ch =
      admitting_channel(HAS_DROPS(_i) ? &drops : NULL, 8, _i % NSTORES < 2 ? 10 : UVCHAN_UNBOUNDED);
  uint64_t values[WAY_MOST];
  uvchan_stats_t stats;
  send_numbers(ch, 0, 10);
  set_clock(BEGIN + 2 * TARGET);
  ck_assert_int_eq((int)way_recv(way, ch, values, 1), 1);
  ck_assert_uint_eq(values[0], 0);
  set_clock(BEGIN + 2 * TARGET + INTERVAL - 1);
  ck_assert_int_eq((int)way_recv(way, ch, values, 1), 1);
  ck_assert_uint_eq(values[0], 1);
  set_clock(BEGIN + 2 * TARGET + INTERVAL);
  ck_assert_int_eq((int)way_recv(way, ch, values, WAY_MOST), 1);
  ck_assert_uint_eq(values[0], 9);
  stats = support_at_rest(ch);
  ck_assert_uint_eq(stats.shed, 7);
  ck_assert_uint_eq(stats.dropped, 7);
  ck_assert_uint_eq(stats.expired, 0);
  ck_assert_uint_eq(stats.received, 3);
  ck_assert_uint_eq(stats.longest_wait, 2 * TARGET + INTERVAL);
  if (HAS_DROPS(_i)) {
    ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_SHED), 7);
    ck_assert_uint_eq(dropped_in_all(&drops), 7);
    ck_assert_uint_eq(atomic_load(&drops.last), 8);
  }
  uvchan_release(ch);
}
END_TEST

/* What has expired left it empty, though the last was not taken out of it. */
START_TEST(a_queue_that_has_expired_was_empty) {
  uvchan_options_t options = aging_options(8, 16);
  uvchan_admission_t admission = {TARGET, INTERVAL, {NULL, NULL}};
  uint64_t now = BEGIN + 2 * TARGET, value;
  uvchan_t* ch;
  options.max_age = 3 * INTERVAL;
  options.admission = &admission;
  ch = aging_channel_with(NULL, options);
  send_numbers(ch, 0, 3);
  set_clock(now);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0); /* above the target */
  set_clock(BEGIN + 3 * INTERVAL);
  if (_i == 0) ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EAGAIN);
  send_numbers(ch, 3, 3);
  set_clock(BEGIN + 3 * INTERVAL + 2 * TARGET);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(support_at_rest(ch).shed, _i == 0 ? 0 : 2);
  uvchan_release(ch);
}
END_TEST

/* Loop number: found so by a receive that fails; by one who waits and is handed a value. */
START_TEST(a_queue_that_was_empty_is_not_cut) {
  one_t one = {admitting_channel(NULL, 8, 10), 0, 1};
  uv_thread_t thread;
  uint64_t value;
  send_numbers(one.ch, 0, 2);
  set_clock(BEGIN + 2 * TARGET);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  if (_i == 0) ck_assert_int_eq(uvchan_try_recv(one.ch, &value), UV_EAGAIN);
  if (_i == 1) {
    support_start(&thread, receive_one, &one);
    support_await_receivers(one.ch, 1);
    send_numbers(one.ch, 2, 1);
    support_join(&thread);
  }
  send_numbers(one.ch, 0, 9);
  set_clock(BEGIN + 2 * TARGET + INTERVAL);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  ck_assert_uint_eq(value, 0);
  ck_assert_uint_eq(support_at_rest(one.ch).shed, 0);
  uvchan_release(one.ch);
}
END_TEST

START_TEST(both_have_their_reasons) {
  support_drops_t drops;
  uvchan_options_t options = aging_options(8, 16);
  uvchan_admission_t admission = {TARGET, INTERVAL, {NULL, NULL}};
  uint64_t value;
  uvchan_t* ch;
  options.max_age = 10 * INTERVAL;
  options.admission = &admission;
  ch = aging_channel_with(&drops, options);
  admission.target = UINT64_MAX; /* it was copied */
  send_numbers(ch, 0, 4);
  set_clock(BEGIN + 2 * TARGET);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  set_clock(BEGIN + 9 * INTERVAL);
  send_numbers(ch, 4, 4);
  set_clock(BEGIN + 10 * INTERVAL);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 7);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 3);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_SHED), 3);
  uvchan_release(ch);
}
END_TEST

START_TEST(an_admission_without_its_times_is_refused) {
  uvchan_options_t options = aging_options(8, 1);
  uvchan_admission_t admission = {1, 1, {NULL, NULL}};
  uvchan_t* ch = NULL;
  options.admission = &admission;
  if (_i == 0) admission.target = 0;
  if (_i == 1) admission.interval = 0;
  if (_i == 2) admission.reserved[0] = &options;
  if (_i == 3) admission.reserved[1] = &options;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), _i < 4 ? UV_EINVAL : 0);
  ck_assert(_i == 4 || ch == NULL);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("aging-admission");
  TCase* tcase = support_tcase(suite, "admission");
  tcase_add_loop_test(tcase, a_queue_that_stands_is_cut_but_for_the_last, 0, NTABLE);
  tcase_add_loop_test(tcase, a_queue_that_was_empty_is_not_cut, 0, 2);
  tcase_add_loop_test(tcase, a_queue_that_has_expired_was_empty, 0, 2);
  tcase_add_test(tcase, both_have_their_reasons);
  tcase_add_loop_test(tcase, an_admission_without_its_times_is_refused, 0, 5);
  return support_main(suite);
}
