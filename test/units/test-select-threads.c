/* SPDX-License-Identifier: MIT */
/* Select from plain threads: which cases are ready, what a chosen case gets, what wakes a select
 * that waits, and what is left behind. */
#include <stdlib.h>
#include <string.h>

#include "support.h"

#define LONG UINT64_C(60000000000) /* nanoseconds: not to run out in a test */
#define SHORT UINT64_C(1000)

static uvchan_case_t recv_case(uvchan_t* ch, uint64_t* value) {
  return (uvchan_case_t){ch, UVCHAN_RECV, value, 1, NULL};
}

static uvchan_case_t send_case(uvchan_t* ch, uint64_t* value) {
  return (uvchan_case_t){ch, UVCHAN_SEND, value, 1, NULL};
}

/* The three forms, where the select is ready at once. */
static int select_by(int form, uvchan_case_t* cases, size_t n) {
  if (form == 0) return uvchan_try_select(cases, n);
  if (form == 1) return uvchan_select_wait(cases, n);
  return uvchan_select_timedwait(cases, n, LONG);
}

static size_t room_of(size_t capacity) { return capacity == UVCHAN_UNBOUNDED ? 5 : capacity; }

/* ---- Ready at once --------------------------------------------------------------------------- */

START_TEST(a_select_takes_the_ready_case_and_no_other) {
  int form = _i % 3;
  size_t capacity = support_capacities[_i / 3 + 1];
  uvchan_t* ready = support_channel(8, capacity);
  uvchan_t* empty = support_channel(8, capacity);
  uvchan_t* nobody = support_channel(8, 0);
  uint64_t in = 7, out = 0, untouched = 99;
  uvchan_case_t cases[4];
  int user;
  ck_assert_int_eq(uvchan_try_send(ready, &in), 0);
  cases[0] = recv_case(empty, &untouched);
  cases[1] = send_case(nobody, &in);
  cases[2] = recv_case(ready, &out);
  cases[3] = recv_case(NULL, &untouched);
  cases[2].data = &user;
  ck_assert_int_eq(select_by(form, cases, 4), 2);
  ck_assert_int_eq(cases[2].status, 0);
  ck_assert_ptr_eq(cases[2].data, &user);
  ck_assert_uint_eq(out, 7);
  ck_assert_uint_eq(untouched, 99);
  ck_assert_uint_eq(support_at_rest(ready).received, 1);
  ck_assert_uint_eq(support_at_rest(nobody).sent, 0);
  cases[2] = send_case(ready, &in);
  ck_assert_int_eq(select_by(form, cases, 4), 2);
  ck_assert_int_eq(cases[2].status, 0);
  ck_assert_uint_eq(support_at_rest(ready).len, 1);
  uvchan_release(ready);
  uvchan_release(empty);
  uvchan_release(nobody);
}
END_TEST

START_TEST(nothing_ready_is_not_now_or_a_time_out_and_takes_nothing) {
  size_t capacity = support_capacities[_i], i;
  uvchan_t* full = support_channel(8, capacity == UVCHAN_UNBOUNDED ? 1 : capacity);
  uvchan_t* empty = support_channel(8, capacity);
  uint64_t in = 7, out = 99;
  uvchan_case_t cases[3];
  for (i = 0; i < uvchan_capacity(full); i++) ck_assert_int_eq(uvchan_try_send(full, &in), 0);
  cases[0] = send_case(full, &in);
  cases[1] = recv_case(empty, &out);
  cases[2] = send_case(NULL, &in);
  ck_assert_int_eq(uvchan_try_select(cases, 3), UV_EAGAIN);
  ck_assert_int_eq(uvchan_select_timedwait(cases, 3, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_select_timedwait(cases, 3, SHORT), UV_ETIMEDOUT);
  ck_assert_uint_eq(out, 99);
  ck_assert_uint_eq(support_at_rest(full).len, uvchan_capacity(full));
  ck_assert_uint_eq(support_at_rest(full).waiting_senders, 0);
  ck_assert_uint_eq(support_at_rest(empty).waiting_receivers, 0);
  ck_assert_int_eq(uvchan_try_recv(full, &out), uvchan_capacity(full) == 0 ? UV_EAGAIN : 0);
  /* the receive that timed out is gone */
  if (capacity == 0) ck_assert_int_eq(uvchan_try_send(empty, &in), UV_EAGAIN);
  uvchan_release(full);
  uvchan_release(empty);
}
END_TEST

START_TEST(channels_that_are_null_are_never_ready) {
  uvchan_case_t cases[3];
  uint64_t value = 0;
  cases[0] = recv_case(NULL, &value);
  cases[1] = send_case(NULL, &value);
  cases[2] = recv_case(NULL, NULL);
  ck_assert_int_eq(uvchan_try_select(cases, 3), UV_EAGAIN);
  ck_assert_int_eq(uvchan_select_timedwait(cases, 3, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_select_timedwait(cases, 3, SHORT), UV_ETIMEDOUT);
}
END_TEST

START_TEST(a_closed_channel_makes_its_cases_ready) {
  int form = _i % 3;
  size_t capacity = support_capacities[_i / 3];
  uvchan_t* ch = support_channel(8, capacity);
  uvchan_t* quiet = support_channel(8, 0);
  uint64_t value = 99;
  uvchan_case_t cases[2];
  ck_assert_int_eq(uvchan_close_with(ch, UV_ECONNRESET), 0);
  cases[0] = recv_case(quiet, &value);
  cases[1] = recv_case(ch, &value);
  ck_assert_int_eq(select_by(form, cases, 2), 1);
  ck_assert_int_eq(cases[1].status, UV_ECONNRESET);
  cases[1] = send_case(ch, &value);
  ck_assert_int_eq(select_by(form, cases, 2), 1);
  ck_assert_int_eq(cases[1].status, UV_EPIPE);
  ck_assert_uint_eq(value, 99);
  uvchan_release(ch);
  uvchan_release(quiet);
}
END_TEST

START_TEST(a_closed_channel_gives_its_values_before_the_end) {
  size_t n = room_of(support_capacities[_i]);
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uint64_t value, i;
  uvchan_case_t one = recv_case(ch, &value);
  for (i = 0; i < n; i++) ck_assert_int_eq(uvchan_try_send(ch, &i), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (i = 0; i < n; i++) {
    ck_assert_int_eq(select_by((int)(i % 3), &one, 1), 0);
    ck_assert_int_eq(one.status, 0);
    ck_assert_uint_eq(value, i);
  }
  ck_assert_int_eq(uvchan_try_select(&one, 1), 0);
  ck_assert_int_eq(one.status, UV_EOF);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_send_with_a_drop_policy_is_always_ready) {
  support_drops_t drops;
  uvchan_t* ch =
      support_dropping_channel(&drops, 8, 1, _i == 0 ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST);
  uint64_t value = 1;
  uvchan_case_t one = send_case(ch, &value);
  int form;
  ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  for (form = 0; form < 3; form++) ck_assert_int_eq(select_by(form, &one, 1), 0);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_OVERFLOW]), 3);
  uvchan_release(ch);
}
END_TEST

START_TEST(the_one_ready_case_is_found_among_many) {
  size_t n = _i == 0 ? 5 : 1000, i;
  uvchan_t** channels = malloc(n * sizeof(*channels));
  uvchan_case_t* cases = malloc(n * sizeof(*cases));
  uint64_t value = 0, at, step = _i == 0 ? 1 : 97;
  for (i = 0; i < n; i++) channels[i] = support_channel(8, 1);
  for (i = 0; i < n; i++) cases[i] = recv_case(channels[i], &value);
  for (at = 0; at < n; at += step) {
    ck_assert_int_eq(uvchan_try_select(cases, n), UV_EAGAIN);
    ck_assert_int_eq(uvchan_select_timedwait(cases, n, SHORT), UV_ETIMEDOUT);
    ck_assert_int_eq(uvchan_try_send(channels[at], &at), 0);
    ck_assert_int_eq(select_by((int)(at % 3), cases, n), (int)at);
    ck_assert_uint_eq(value, at);
  }
  for (i = 0; i < n; i++) uvchan_release(channels[i]);
  free(channels);
  free(cases);
}
END_TEST

/* ---- A select that waits --------------------------------------------------------------------- */

typedef struct {
  uv_thread_t thread;
  uvchan_case_t cases[8];
  size_t ncases;
  uint64_t timeout; /* UINT64_MAX: select_wait */
  int chosen;
} selector_t;

static void run_selector(void* arg) {
  selector_t* selector = arg;
  if (selector->timeout == UINT64_MAX) {
    selector->chosen = uvchan_select_wait(selector->cases, selector->ncases);
  } else {
    selector->chosen =
        uvchan_select_timedwait(selector->cases, selector->ncases, selector->timeout);
  }
}

typedef enum { BY_SEND, BY_RECEIVE, BY_CLOSE, BY_ABORT, NWAKERS } waker_t;

/* One receive and one send case on a channel each, and others on which nothing happens; then
 * something happens on one of them. */
START_TEST(a_select_that_waits_is_woken_by_what_makes_a_case_ready) {
  waker_t waker = (waker_t)(_i % NWAKERS);
  /* that of the channel to be sent to must be full */
  size_t capacity = support_capacities[_i / NWAKERS % 4];
  uvchan_t* in = support_channel(8, capacity);
  uvchan_t* out = support_channel(8, capacity);
  uvchan_t* quiet = support_channel(8, 0);
  uint64_t got = 0, given = 5, value = 42;
  selector_t selector = {.ncases = 4, .timeout = _i / NWAKERS / 4 == 0 ? UINT64_MAX : LONG};
  size_t i;
  for (i = 0; i < capacity; i++) ck_assert_int_eq(uvchan_try_send(out, &value), 0);
  selector.cases[0] = recv_case(quiet, &got);
  selector.cases[1] = recv_case(in, &got);
  selector.cases[2] = send_case(out, &given);
  selector.cases[3] = recv_case(NULL, &got);
  support_start(&selector.thread, run_selector, &selector);
  support_await_receivers(in, 1);
  support_await_senders(out, 1);
  support_await_receivers(quiet, 1);
  if (waker == BY_SEND) ck_assert_int_eq(uvchan_try_send(in, &value), 0);
  if (waker == BY_RECEIVE) ck_assert_int_eq(uvchan_try_recv(out, &value), 0);
  if (waker == BY_CLOSE) ck_assert_int_eq(uvchan_close(out), 0);
  if (waker == BY_ABORT) ck_assert_int_eq(uvchan_abort(in, UV_EIO), 0);
  support_join(&selector.thread);
  ck_assert_int_eq(selector.chosen, waker == BY_SEND || waker == BY_ABORT ? 1 : 2);
  ck_assert_int_eq(selector.cases[selector.chosen].status, waker == BY_CLOSE   ? UV_EPIPE
                                                           : waker == BY_ABORT ? UV_EIO
                                                                               : 0);
  ck_assert_uint_eq(got, waker == BY_SEND ? 42 : 0);
  if (waker == BY_RECEIVE) ck_assert_uint_eq(value, capacity == 0 ? 5 : 42);
  ck_assert_uint_eq(support_at_rest(quiet).waiting_receivers, 0);
  ck_assert_uint_eq(support_at_rest(in).waiting_receivers, 0);
  ck_assert_uint_eq(support_at_rest(out).waiting_senders, 0);
  ck_assert_uint_eq(support_at_rest(out).sent, capacity + (waker == BY_RECEIVE ? 1 : 0));
  uvchan_release(in);
  uvchan_release(out);
  uvchan_release(quiet);
}
END_TEST

/* After a select went on with one case, or ran out of time, nobody finds it on its other
 * channels. */
START_TEST(a_select_that_is_over_waits_nowhere_any_more) {
  uvchan_t* a = support_channel(8, 0);
  uvchan_t* b = support_channel(8, 0);
  uint64_t got = 0, value = 1;
  selector_t selector = {.ncases = 2, .timeout = LONG};
  int round;
  for (round = 0; round < 50; round++) {
    selector.cases[0] = recv_case(a, &got);
    selector.cases[1] = recv_case(b, &got);
    support_start(&selector.thread, run_selector, &selector);
    support_await_receivers(a, 1);
    ck_assert_int_eq(uvchan_try_send(round % 2 == 0 ? a : b, &value), 0);
    /* at once, though the selector may not have run yet */
    ck_assert_int_eq(uvchan_try_send(a, &value), UV_EAGAIN);
    ck_assert_int_eq(uvchan_try_send(b, &value), UV_EAGAIN);
    support_join(&selector.thread);
    ck_assert_int_eq(selector.chosen, round % 2);
  }
  uvchan_release(a);
  uvchan_release(b);
}
END_TEST

/* ---- Never with itself ----------------------------------------------------------------------- */

START_TEST(a_select_never_pairs_with_itself) {
  uvchan_t* ch = support_channel(8, 0);
  uint64_t in = 1, out = 99;
  uvchan_case_t cases[4];
  cases[0] = send_case(ch, &in);
  cases[1] = recv_case(ch, &out);
  cases[2] = recv_case(ch, &out);
  cases[3] = send_case(ch, &in);
  ck_assert_int_eq(uvchan_try_select(cases, 4), UV_EAGAIN);
  ck_assert_int_eq(uvchan_select_timedwait(cases, 4, SHORT), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_select_timedwait(cases, 4, UINT64_C(2000000)), UV_ETIMEDOUT);
  ck_assert_uint_eq(out, 99);
  ck_assert_uint_eq(support_at_rest(ch).sent, 0);
  uvchan_release(ch);
}
END_TEST

typedef struct {
  uvchan_t* ch;
  uint64_t self;
  int n;
  int sent;
  int received;
} partner_t;

static void dance(void* arg) {
  partner_t* partner = arg;
  int i;
  for (i = 0; i < partner->n; i++) {
    uint64_t in = partner->self, out = 0;
    uvchan_case_t cases[2];
    int r;
    cases[0] = send_case(partner->ch, &in);
    cases[1] = recv_case(partner->ch, &out);
    r = uvchan_select_wait(cases, 2);
    must(r >= 0 && cases[r].status == 0);
    if (r == 0) partner->sent++;
    if (r == 1) partner->received++;
    if (r == 1) must(out == 3 - partner->self); /* never one's own */
  }
}

START_TEST(two_selects_with_a_send_and_a_receive_pair_with_each_other) {
  uvchan_t* ch = support_channel(8, 0);
  partner_t partners[2];
  uv_thread_t threads[2];
  int i;
  for (i = 0; i < 2; i++) {
    partners[i] = (partner_t){ch, (uint64_t)i + 1, support_count(5000), 0, 0};
    support_start(&threads[i], dance, &partners[i]);
  }
  for (i = 0; i < 2; i++) support_join(&threads[i]);
  ck_assert_int_eq(partners[0].sent, partners[1].received);
  ck_assert_int_eq(partners[1].sent, partners[0].received);
  ck_assert_uint_eq(support_at_rest(ch).sent, (uint64_t)partners[0].n);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("select-threads");
  TCase* tcase = support_tcase(suite, "ready");
  tcase_add_loop_test(tcase, a_select_takes_the_ready_case_and_no_other, 0,
                      3 * (SUPPORT_NCAPACITIES - 1));
  tcase_add_loop_test(tcase, nothing_ready_is_not_now_or_a_time_out_and_takes_nothing, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, channels_that_are_null_are_never_ready);
  tcase_add_loop_test(tcase, a_closed_channel_makes_its_cases_ready, 0, 3 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_closed_channel_gives_its_values_before_the_end, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_send_with_a_drop_policy_is_always_ready, 0, 2);
  tcase_add_loop_test(tcase, the_one_ready_case_is_found_among_many, 0, 2);
  tcase = support_tcase(suite, "waiting");
  tcase_add_loop_test(tcase, a_select_that_waits_is_woken_by_what_makes_a_case_ready, 0,
                      2 * 4 * NWAKERS);
  tcase_add_test(tcase, a_select_that_is_over_waits_nowhere_any_more);
  tcase_add_test(tcase, a_select_never_pairs_with_itself);
  tcase_add_test(tcase, two_selects_with_a_send_and_a_receive_pair_with_each_other);
  return support_main(suite);
}
