/* SPDX-License-Identifier: MIT */
/* Values that grow old, in the calls of threads: what has expired is received in no way, and makes
 * room. The clock is the test's. */
#include "aging-ways.h"

/* ---- What is received ------------------------------------------------------------------------ */

static int nothing(way_t way, int closed) {
  if (closed) return UV_EOF;
  return way_never_waits(way) ? UV_EAGAIN : UV_ETIMEDOUT;
}

START_TEST(what_has_expired_is_received_in_no_way) {
  support_drops_t drops;
  way_t way = WAY(_i);
  size_t n = fits(STORE(_i));
  uvchan_t* ch = aging_channel(HAS_DROPS(_i) ? &drops : NULL, 8, STORE(_i));
  int closed = way == WAY_WAIT || way == WAY_WAIT_N || way == WAY_SELECT;
  uint64_t values[WAY_MOST] = {77};
  uvchan_stats_t stats;
  send_numbers(ch, 1, n);
  set_clock(OLD);
  ck_assert_uint_eq(uvchan_len(ch), n);
  if (closed) ck_assert_int_eq(uvchan_close(ch), 0);
  ck_assert_int_eq((int)way_recv(way, ch, values, WAY_MOST), nothing(way, closed));
  ck_assert_uint_eq(values[0], 77);
  stats = support_at_rest(ch);
  ck_assert_uint_eq(stats.len, 0);
  ck_assert_uint_eq(stats.received, 0);
  ck_assert_uint_eq(stats.expired, n);
  ck_assert_uint_eq(stats.dropped, n);
  ck_assert_uint_eq(stats.shed, 0);
  ck_assert_uint_eq(stats.longest_wait, 0);
  if (HAS_DROPS(_i)) {
    ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), n);
    ck_assert_uint_eq(dropped_in_all(&drops), n);
    ck_assert_uint_eq(atomic_load(&drops.sum), n * (n + 1) / 2);
    ck_assert_uint_eq(atomic_load(&drops.last), n);
  }
  uvchan_release(ch);
}
END_TEST

START_TEST(what_is_younger_is_received) {
  support_drops_t drops;
  way_t way = WAY(_i);
  size_t n = fits(STORE(_i)), got = 0;
  uvchan_t* ch = aging_channel(HAS_DROPS(_i) ? &drops : NULL, 8, STORE(_i));
  uint64_t values[WAY_MOST];
  send_numbers(ch, 0, n);
  set_clock(YOUNG);
  while (got < n) {
    ssize_t r = way_recv(way, ch, values, WAY_MOST), i;
    ck_assert_int_gt((int)r, 0);
    for (i = 0; i < r; i++) ck_assert_uint_eq(values[i], got + (size_t)i);
    got += (size_t)r;
  }
  ck_assert_uint_eq(support_at_rest(ch).expired, 0);
  ck_assert_uint_eq(support_at_rest(ch).longest_wait, YOUNG - BEGIN);
  if (HAS_DROPS(_i)) ck_assert_uint_eq(dropped_in_all(&drops), 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(the_young_behind_the_old_are_received_in_the_same_call) {
  support_drops_t drops;
  way_t way = WAY(_i);
  uvchan_t* ch = aging_channel(HAS_DROPS(_i) ? &drops : NULL, 8, _i % 2 ? UVCHAN_UNBOUNDED : 7);
  uint64_t values[WAY_MOST];
  send_numbers(ch, 1, 4);
  set_clock(BEGIN + 1);
  send_numbers(ch, 5, 3);
  set_clock(OLD);
  ck_assert_int_gt((int)way_recv(way, ch, values, WAY_MOST), 0);
  ck_assert_uint_eq(values[0], 5);
  ck_assert_uint_eq(support_at_rest(ch).expired, 4);
  if (HAS_DROPS(_i)) ck_assert_uint_eq(atomic_load(&drops.sum), 1 + 2 + 3 + 4);
  uvchan_release(ch);
}
END_TEST

/* ---- Without a place in the store, no age ---------------------------------------------------- */

START_TEST(who_waits_to_send_has_a_value_without_an_age) {
  one_t one = {aging_channel(NULL, 8, _i == 0 ? 0 : 1), 2, 1};
  uint64_t value = 1;
  uv_thread_t thread;
  if (_i == 1) send_numbers(one.ch, 1, 1);
  support_start(&thread, send_one, &one);
  support_await_senders(one.ch, 1);
  if (_i == 1) { /* which lets the sender in */
    set_clock(YOUNG);
    ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
    ck_assert_uint_eq(value, 1);
    support_join(&thread);
    set_clock(YOUNG + MAX_AGE - 1);
  } else {
    set_clock(BEGIN + 1000);
  }
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  ck_assert_uint_eq(value, 2);
  if (_i == 0) support_join(&thread);
  ck_assert_int_eq(one.r, 0);
  ck_assert_uint_eq(support_at_rest(one.ch).longest_wait, _i == 0 ? 0 : MAX_AGE - 1);
  uvchan_release(one.ch);
}
END_TEST

START_TEST(who_waits_to_receive_is_handed_a_value_without_an_age) {
  one_t one = {aging_channel(NULL, 8, support_capacities[_i]), 0, 1};
  uv_thread_t thread;
  support_start(&thread, receive_one, &one);
  support_await_receivers(one.ch, 1);
  set_clock(BEGIN + 1000);
  send_numbers(one.ch, 5, 1);
  set_clock(BEGIN + 2000);
  support_join(&thread);
  ck_assert_int_eq(one.r, 0);
  ck_assert_uint_eq(one.value, 5);
  ck_assert_uint_eq(support_at_rest(one.ch).expired, 0);
  uvchan_release(one.ch);
}
END_TEST

/* ---- Room ------------------------------------------------------------------------------------ */

/* Loop number: bounded store, then policy, then way. */
START_TEST(a_full_store_of_the_old_has_room) {
  support_drops_t drops;
  size_t capacity = stores[_i % NBOUNDED];
  uvchan_options_t options = aging_options(8, capacity);
  way_t way = (way_t)(_i / NBOUNDED / 3);
  uint64_t value = 100;
  uvchan_t* ch;
  options.overflow = (uvchan_overflow_t)(_i / NBOUNDED % 3);
  ch = aging_channel_with(&drops, options);
  send_numbers(ch, 0, capacity);
  set_clock(OLD);
  ck_assert_int_eq((int)way_send(way, ch, &value, 1), 1);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_OVERFLOW), 0);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), capacity);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 100);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_full_store_of_the_young_has_none) {
  support_drops_t drops;
  size_t capacity = stores[_i % NBOUNDED];
  uvchan_options_t options = aging_options(8, capacity);
  uint64_t value = 100;
  uvchan_t* ch;
  options.overflow = (uvchan_overflow_t)(_i / NBOUNDED);
  ch = aging_channel_with(&drops, options);
  send_numbers(ch, 0, capacity);
  set_clock(YOUNG);
  ck_assert_int_eq(uvchan_try_send(ch, &value), options.overflow == UVCHAN_WAIT ? UV_EAGAIN : 0);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_OVERFLOW), options.overflow != UVCHAN_WAIT);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 0);
  uvchan_release(ch);
}
END_TEST

/* Loop number: who looks; a receiver, another sender, one who asks for the end of it. */
START_TEST(who_looks_lets_those_in_who_wait_for_room) {
  support_drops_t drops;
  one_t one = {aging_channel(&drops, 8, 2), 3, 1};
  uint64_t value = 9;
  uv_thread_t thread;
  send_numbers(one.ch, 1, 2);
  support_start(&thread, send_one, &one);
  support_await_senders(one.ch, 1);
  set_clock(OLD);
  if (_i == 1) ck_assert_int_eq(uvchan_try_send(one.ch, &value), 0);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  ck_assert_uint_eq(value, 3);
  support_join(&thread);
  ck_assert_int_eq(one.r, 0);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 2);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), _i == 1 ? 0 : UV_EAGAIN);
  ck_assert_uint_eq(value, _i == 1 ? 9 : 3);
  uvchan_release(one.ch);
}
END_TEST

/* ---- Selects --------------------------------------------------------------------------------- */

#define MANY_CASES 70 /* more than are tried in an order drawn at random */

START_TEST(a_select_passes_over_the_old) {
  size_t n = _i % 2 ? MANY_CASES : 3, i;
  uvchan_t* channels[MANY_CASES];
  uvchan_case_t cases[MANY_CASES];
  uint64_t value = 0;
  memset(cases, 0, sizeof(cases));
  for (i = 0; i < n; i++) {
    channels[i] = cases[i].ch = aging_channel(NULL, 8, _i / 2 ? 2 : UVCHAN_UNBOUNDED);
    cases[i].value = &value;
    send_numbers(channels[i], 1, 2);
  }
  set_clock(OLD);
  ck_assert_int_eq(uvchan_select_timedwait(cases, n, 1), UV_ETIMEDOUT);
  for (i = 0; i < n; i++) ck_assert_uint_eq(support_at_rest(channels[i]).expired, 2);
  send_numbers(channels[1], 5, 2);
  ck_assert_int_eq(uvchan_try_select(cases, n), 1);
  ck_assert_uint_eq(value, 5);
  set_clock(OLD + MAX_AGE);
  ck_assert_int_eq(uvchan_try_select(cases, n), UV_EAGAIN);
  ck_assert_uint_eq(support_at_rest(channels[1]).expired, 3);
  for (i = 0; i < n; i++) uvchan_release(channels[i]);
}
END_TEST

START_TEST(a_select_sends_to_a_full_store_of_the_old) {
  size_t n = _i % 2 ? MANY_CASES : 1, i;
  uvchan_t* ch = aging_channel(NULL, 8, 2);
  uvchan_case_t cases[MANY_CASES];
  uint64_t value = 7;
  memset(cases, 0, sizeof(cases));
  for (i = 0; i < n; i++) {
    cases[i].ch = i + 1 == n ? ch : NULL;
    cases[i].op = UVCHAN_SEND;
    cases[i].value = &value;
  }
  send_numbers(ch, 1, 2);
  set_clock(YOUNG);
  ck_assert_int_eq(uvchan_try_select(cases, n), UV_EAGAIN);
  ck_assert_int_eq(uvchan_select_timedwait(cases, n, 1), UV_ETIMEDOUT);
  set_clock(OLD);
  ck_assert_int_eq(_i / 2 ? uvchan_try_select(cases, n) : uvchan_select_wait(cases, n), (int)n - 1);
  ck_assert_int_eq(cases[n - 1].status, 0);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 7);
  uvchan_release(ch);
}
END_TEST

/* ---- What needs no drop ---------------------------------------------------------------------- */

START_TEST(an_age_without_end_is_none) {
  uvchan_options_t options = aging_options(8, STORE(_i));
  uint64_t value;
  uvchan_t* ch;
  options.max_age = UINT64_MAX;
  ch = aging_channel_with(NULL, options);
  send_numbers(ch, 5, 1);
  set_clock(UINT64_MAX);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 5);
  ck_assert_uint_eq(support_at_rest(ch).longest_wait, UINT64_MAX - BEGIN);
  uvchan_release(ch);
}
END_TEST

START_TEST(values_that_do_not_grow_old_tell_no_wait) {
  uvchan_t* ch = support_channel(8, STORE(_i));
  uint64_t value;
  send_numbers(ch, 5, 1);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(support_at_rest(ch).longest_wait, 0);
  uvchan_release(ch);
}
END_TEST

/* Each slot's stamp is its own over many laps. */
START_TEST(an_age_is_that_of_its_value) {
  uvchan_t* ch = aging_channel(NULL, 8, STORE(_i));
  size_t n = fits(STORE(_i));
  uint64_t sent = 0, got = 0, now = BEGIN, value;
  uint64_t sent_at[64];
  while (got < 5000) {
    while (sent < got + n) {
      sent_at[sent % 64] = now++;
      set_clock(sent_at[sent % 64]);
      send_numbers(ch, sent++, 1);
    }
    now += sent % 11 == 0 ? MAX_AGE - 1 : 1;
    set_clock(now);
    while (got < sent && now - sent_at[got % 64] >= MAX_AGE) got++;
    ck_assert_int_eq(uvchan_try_recv(ch, &value), got < sent ? 0 : UV_EAGAIN);
    if (got < sent) ck_assert_uint_eq(value, got++);
  }
  ck_assert_uint_gt(support_at_rest(ch).expired, 100);
  ck_assert_uint_gt(support_at_rest(ch).received, 100);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("aging");
  TCase* tcase = support_tcase(suite, "ages");
  tcase_add_loop_test(tcase, what_has_expired_is_received_in_no_way, 0, NTABLE);
  tcase_add_loop_test(tcase, what_is_younger_is_received, 0, NTABLE);
  tcase_add_loop_test(tcase, the_young_behind_the_old_are_received_in_the_same_call, 0, NTABLE);
  tcase_add_loop_test(tcase, who_waits_to_send_has_a_value_without_an_age, 0, 2);
  tcase_add_loop_test(tcase, who_waits_to_receive_is_handed_a_value_without_an_age, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_full_store_of_the_old_has_room, 0, NBOUNDED * 3 * NWAYS);
  tcase_add_loop_test(tcase, a_full_store_of_the_young_has_none, 0, NBOUNDED * 3);
  tcase_add_loop_test(tcase, who_looks_lets_those_in_who_wait_for_room, 0, 2);
  tcase_add_loop_test(tcase, a_select_passes_over_the_old, 0, 4);
  tcase_add_loop_test(tcase, a_select_sends_to_a_full_store_of_the_old, 0, 4);
  tcase_add_loop_test(tcase, an_age_without_end_is_none, 0, NSTORES);
  tcase_add_loop_test(tcase, values_that_do_not_grow_old_tell_no_wait, 0, NSTORES);
  tcase_add_loop_test(tcase, an_age_is_that_of_its_value, 0, NSTORES);
  return support_main(suite);
}
