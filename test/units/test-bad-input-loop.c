/* SPDX-License-Identifier: MIT */
/* Bad input on a loop: each function, each argument that can be wrong. The answer is UV_EINVAL,
 * nothing is left on the loop, which can be closed without a turn, and the memory of the request or
 * handle may be anything. */
#include <string.h>

#include "support.h"

typedef struct {
  uv_loop_t loop;
  uvchan_t* ch;
  size_t allocations;
} bench_t;

static void bench_open(bench_t* bench, size_t elem_size, size_t capacity) {
  support_loop_open(&bench->loop);
  bench->ch = support_channel(elem_size, capacity);
  bench->allocations = support_allocations();
}

/* Nothing has happened: no memory is held, nobody waits, no turn of the loop is needed. */
static void bench_close_at_once(bench_t* bench) {
  uvchan_stats_t stats = support_at_rest(bench->ch);
  ck_assert_uint_eq(support_allocations(), bench->allocations);
  ck_assert_uint_eq(stats.sent + stats.received + stats.waiting_senders + stats.waiting_receivers,
                    0);
  ck_assert_int_eq(uv_loop_alive(&bench->loop), 0);
  ck_assert_int_eq(uv_loop_close(&bench->loop), 0);
  uvchan_release(bench->ch);
}

static void no_value(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)receiver;
  (void)value;
  must(status == UV_EOF);
}

static void no_batch(uvchan_receiver_t* receiver, ssize_t n, const void* values) {
  (void)receiver;
  (void)values;
  must(n == UV_EOF);
}

static void no_send(uvchan_send_t* req, int status) { must(req == NULL && status == 0); }

static void no_recv(uvchan_recv_t* req, int status) { must(req == NULL && status == 0); }

static void no_select(uvchan_select_t* req, int index) { must(req == NULL && index == 0); }

static void no_notify(uvchan_notify_t* req, int status) { must(req == NULL && status == 0); }

START_TEST(requests_refuse_null) {
  bench_t bench;
  uvchan_send_t send;
  uvchan_recv_t recv;
  uint64_t value = 1;
  bench_open(&bench, 8, support_capacities[_i]);
  ck_assert_int_eq(uvchan_send(NULL, &send, bench.ch, &value, no_send), UV_EINVAL);
  ck_assert_int_eq(uvchan_send(&bench.loop, NULL, bench.ch, &value, no_send), UV_EINVAL);
  ck_assert_int_eq(uvchan_send(&bench.loop, &send, NULL, &value, no_send), UV_EINVAL);
  ck_assert_int_eq(uvchan_send(&bench.loop, &send, bench.ch, NULL, no_send), UV_EINVAL);
  ck_assert_int_eq(uvchan_send(&bench.loop, &send, bench.ch, &value, NULL), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv(NULL, &recv, bench.ch, &value, no_recv), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv(&bench.loop, NULL, bench.ch, &value, no_recv), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv(&bench.loop, &recv, NULL, &value, no_recv), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv(&bench.loop, &recv, bench.ch, NULL, no_recv), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv(&bench.loop, &recv, bench.ch, &value, NULL), UV_EINVAL);
  ck_assert_int_eq(uvchan_cancel(NULL), UV_EINVAL);
  ck_assert_uint_eq(value, 1);
  bench_close_at_once(&bench);
}
END_TEST

START_TEST(select_requests_refuse_nonsense) {
  bench_t bench;
  uvchan_select_t select;
  uint64_t value = 1;
  uvchan_case_t cases[2];
  int wrong;
  bench_open(&bench, 8, support_capacities[_i]);
  cases[0] = cases[1] = (uvchan_case_t){bench.ch, UVCHAN_SEND, &value, 1, NULL};
  ck_assert_int_eq(uvchan_select(NULL, &select, cases, 2, no_select), UV_EINVAL);
  ck_assert_int_eq(uvchan_select(&bench.loop, NULL, cases, 2, no_select), UV_EINVAL);
  ck_assert_int_eq(uvchan_select(&bench.loop, &select, NULL, 2, no_select), UV_EINVAL);
  ck_assert_int_eq(uvchan_select(&bench.loop, &select, NULL, 0, no_select), UV_EINVAL);
  ck_assert_int_eq(uvchan_select(&bench.loop, &select, cases, 0, no_select), UV_EINVAL);
  ck_assert_int_eq(uvchan_select(&bench.loop, &select, cases, 2, NULL), UV_EINVAL);
  for (wrong = 0; wrong < 2; wrong++) {
    cases[wrong].value = NULL;
    ck_assert_int_eq(uvchan_select(&bench.loop, &select, cases, 2, no_select), UV_EINVAL);
    cases[wrong].value = &value;
    cases[wrong].op = (uvchan_op_t)2;
    ck_assert_int_eq(uvchan_select(&bench.loop, &select, cases, 2, no_select), UV_EINVAL);
    cases[wrong].op = UVCHAN_SEND;
  }
  ck_assert_int_eq(cases[0].status + cases[1].status, 2);
  bench_close_at_once(&bench);
}
END_TEST

START_TEST(notify_requests_refuse_null) {
  bench_t bench;
  uvchan_waitgroup_t wg;
  uvchan_notify_t notify;
  bench_open(&bench, 8, 0);
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_notify(NULL, &notify, &wg, no_notify), UV_EINVAL);
  ck_assert_int_eq(uvchan_waitgroup_notify(&bench.loop, NULL, &wg, no_notify), UV_EINVAL);
  ck_assert_int_eq(uvchan_waitgroup_notify(&bench.loop, &notify, NULL, no_notify), UV_EINVAL);
  ck_assert_int_eq(uvchan_waitgroup_notify(&bench.loop, &notify, &wg, NULL), UV_EINVAL);
  uvchan_waitgroup_destroy(&wg);
  bench_close_at_once(&bench);
}
END_TEST

START_TEST(a_receiver_is_not_made_from_null) {
  bench_t bench;
  uvchan_receiver_t receiver;
  bench_open(&bench, 8, support_capacities[_i]);
  ck_assert_int_eq(uvchan_receiver_init(NULL, &receiver, bench.ch), UV_EINVAL);
  ck_assert_int_eq(uvchan_receiver_init(&bench.loop, NULL, bench.ch), UV_EINVAL);
  ck_assert_int_eq(uvchan_receiver_init(&bench.loop, &receiver, NULL), UV_EINVAL);
  bench_close_at_once(&bench);
}
END_TEST

START_TEST(no_receiver_answers_like_no_receiver) {
  ck_assert_int_eq(uvchan_recv_start(NULL, no_value), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv_start_batch(NULL, no_batch), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv_stop(NULL), UV_EINVAL);
  ck_assert_int_eq(uvchan_receiver_set_budget(NULL, 1), UV_EINVAL);
  ck_assert_int_eq(uvchan_receiver_is_active(NULL), 0);
  ck_assert_int_eq(uvchan_receiver_is_closing(NULL), 0);
  ck_assert_int_eq(uvchan_receiver_has_ref(NULL), 0);
  uvchan_receiver_ref(NULL);
  uvchan_receiver_unref(NULL);
  uvchan_receiver_close(NULL, NULL);
}
END_TEST

START_TEST(a_receiver_refuses_nonsense_and_stays_as_it_was) {
  bench_t bench;
  uvchan_receiver_t receiver;
  bench_open(&bench, 8, support_capacities[_i]);
  ck_assert_int_eq(uvchan_receiver_init(&bench.loop, &receiver, bench.ch), 0);
  ck_assert_int_eq(uvchan_recv_start(&receiver, NULL), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv_start_batch(&receiver, NULL), UV_EINVAL);
  ck_assert_int_eq(uvchan_receiver_set_budget(&receiver, 0), UV_EINVAL);
  ck_assert_int_eq(uvchan_receiver_is_active(&receiver), 0);
  ck_assert_int_eq(uv_loop_alive(&bench.loop), 0);
  ck_assert_int_eq(uvchan_recv_stop(&receiver), 0);
  ck_assert_int_eq(uvchan_recv_start(&receiver, no_value), 0);
  ck_assert_int_eq(uvchan_recv_start(&receiver, no_value), UV_EALREADY);
  ck_assert_int_eq(uvchan_recv_start_batch(&receiver, no_batch), UV_EALREADY);
  ck_assert_int_eq(uvchan_receiver_is_active(&receiver), 1);
  ck_assert_uint_eq(support_at_rest(bench.ch).waiting_receivers, 1);
  uvchan_receiver_close(&receiver, NULL);
  ck_assert_int_eq(uvchan_recv_start(&receiver, no_value), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv_start_batch(&receiver, no_batch), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv_stop(&receiver), 0); /* it is not started any more */
  ck_assert_int_eq(uvchan_receiver_set_budget(&receiver, 5), UV_EINVAL);
  uvchan_receiver_close(&receiver, NULL); /* once more is nothing */
  support_loop_finish(&bench.loop);
  ck_assert_uint_eq(support_allocations(), bench.allocations);
  uvchan_release(bench.ch);
}
END_TEST

START_TEST(a_ticker_needs_values_of_8_bytes) {
  bench_t bench;
  uvchan_ticker_t ticker;
  size_t elem_size = support_elem_sizes[_i];
  bench_open(&bench, elem_size, 3);
  ck_assert_int_eq(uvchan_ticker_init(NULL, &ticker, bench.ch), UV_EINVAL);
  ck_assert_int_eq(uvchan_ticker_init(&bench.loop, NULL, bench.ch), UV_EINVAL);
  ck_assert_int_eq(uvchan_ticker_init(&bench.loop, &ticker, NULL), UV_EINVAL);
  if (elem_size != 8)
    ck_assert_int_eq(uvchan_ticker_init(&bench.loop, &ticker, bench.ch), UV_EINVAL);
  bench_close_at_once(&bench);
}
END_TEST

START_TEST(no_ticker_answers_like_no_ticker) {
  ck_assert_int_eq(uvchan_ticker_start(NULL, 1, 1), UV_EINVAL);
  ck_assert_int_eq(uvchan_ticker_stop(NULL), UV_EINVAL);
  ck_assert_uint_eq(uvchan_ticker_missed(NULL), 0);
  uvchan_ticker_ref(NULL);
  uvchan_ticker_unref(NULL);
  uvchan_ticker_close(NULL, NULL);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("bad-input-loop");
  TCase* tcase = support_tcase(suite, "bad-input-loop");
  tcase_add_loop_test(tcase, requests_refuse_null, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, select_requests_refuse_nonsense, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, notify_requests_refuse_null);
  tcase_add_loop_test(tcase, a_receiver_is_not_made_from_null, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, no_receiver_answers_like_no_receiver);
  tcase_add_loop_test(tcase, a_receiver_refuses_nonsense_and_stays_as_it_was, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_ticker_needs_values_of_8_bytes, 0, SUPPORT_NELEM_SIZES);
  tcase_add_test(tcase, no_ticker_answers_like_no_ticker);
  return support_main(suite);
}
