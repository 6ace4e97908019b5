/* SPDX-License-Identifier: MIT */
/* Calls at moments that nobody plans for: a cancel inside the request's own start, or after its
 * callback; a stop after the close callback; a turn in which callbacks take other receivers out of
 * it. */
#include "scene.h"

/* ---- A cancel inside the start: from drop_cb ------------------------------------------------- */

typedef struct {
  uvchan_req_t* victim;
  int answer;
  unsigned int drops;
  unsigned int calls;
  int last;
} odd_t;

static void cancel_in_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  odd_t* odd = arg;

  (void)value;
  odd->drops++;
  if (reason == UVCHAN_DROPPED_OVERFLOW) odd->answer = uvchan_cancel(odd->victim);
}

static void on_sent(uvchan_send_t* req, int status) {
  odd_t* odd = req->data;

  odd->calls++;
  odd->last = status;
}

static void on_chosen(uvchan_select_t* req, int index) {
  odd_t* odd = req->data;

  odd->calls++;
  odd->last = index;
}

static uvchan_t* full_dropping_channel(odd_t* odd, uvchan_overflow_t overflow) {
  uvchan_options_t options;
  uint64_t value = 1;
  uvchan_t* ch;

  memset(&options, 0, sizeof(options));
  options.elem_size = sizeof(value);
  options.capacity = 1;
  options.overflow = overflow;
  options.drop_cb = cancel_in_drop;
  options.drop_arg = odd;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  return ch;
}

START_TEST(a_cancel_inside_its_own_start_is_too_late_and_the_request_calls_back_once) {
  uvchan_overflow_t overflow = _i % 2 == 0 ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST;
  uint64_t value = 2;
  uvchan_select_t select;
  uvchan_send_t send;
  uvchan_case_t one;
  uvchan_t* ch;
  odd_t odd;

  memset(&odd, 0, sizeof(odd));
  ch = full_dropping_channel(&odd, overflow);
  send.data = select.data = &odd;
  if (_i / 2 == 0) {
    odd.victim = (uvchan_req_t*)&send;
    ck_assert_int_eq(uvchan_send(&scene.loop, &send, ch, &value, on_sent), 0);
  } else {
    odd.victim = (uvchan_req_t*)&select;
    one = (uvchan_case_t){ch, UVCHAN_SEND, &value, 1, NULL};
    ck_assert_int_eq(uvchan_select(&scene.loop, &select, &one, 1, on_chosen), 0);
  }
  ck_assert_int_eq(odd.answer, UV_EBUSY);
  scene_finish_loop();
  ck_assert_uint_eq(odd.calls, 1);
  ck_assert_int_eq(odd.last, 0);
  ck_assert_uint_eq(odd.drops, 1);
  uvchan_release(ch);
}
END_TEST

/* ---- A cancel that comes too late ------------------------------------------------------------ */

static void on_received(uvchan_recv_t* req, int status) {
  odd_t* odd = req->data;

  odd->calls++;
  odd->last = status;
}

START_TEST(a_cancel_after_the_callback_is_too_late_and_touches_nothing) {
  uvchan_t* ch = scene_channel(support_capacities[1]);
  uint64_t value = 1;
  uvchan_recv_t recv;
  odd_t odd;

  memset(&odd, 0, sizeof(odd));
  recv.data = &odd;
  ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  ck_assert_int_eq(uvchan_recv(&scene.loop, &recv, ch, &value, on_received), 0);
  scene_run();
  ck_assert_uint_eq(odd.calls, 1);
  ck_assert_int_eq(uvchan_cancel((uvchan_req_t*)&recv), UV_EBUSY);
  scene_finish_loop();
  ck_assert_uint_eq(odd.calls, 1);
}
END_TEST

static void close_unless_closing(uv_handle_t* handle, void* arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

START_TEST(what_was_cancelled_too_late_calls_back_though_a_stranger_closes_every_handle_next) {
  uvchan_t* ch = scene_channel(support_capacities[1]);
  uint64_t value = 7;
  uvchan_recv_t recv;
  odd_t odd;

  memset(&odd, 0, sizeof(odd));
  recv.data = &odd;
  ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  value = 0;
  ck_assert_int_eq(uvchan_recv(&scene.loop, &recv, ch, &value, on_received), 0);
  ck_assert_int_eq(uvchan_cancel((uvchan_req_t*)&recv), UV_EBUSY);
  ck_assert_int_eq(uvchan_cancel((uvchan_req_t*)&recv), UV_EBUSY);
  uv_walk(&scene.loop, close_unless_closing, NULL);
  scene_finish_loop();
  ck_assert_uint_eq(odd.calls, 1);
  ck_assert_int_eq(odd.last, 0);
  ck_assert_uint_eq(value, 7);
}
END_TEST

START_TEST(a_select_that_can_never_be_ready_can_be_cancelled_and_timed_out) {
  uvchan_case_t one = {NULL, UVCHAN_RECV, NULL, 1, NULL};
  uvchan_select_t select;
  odd_t odd;

  memset(&odd, 0, sizeof(odd));
  select.data = &odd;
  ck_assert_int_eq(uvchan_select_timedwait(&one, 1, 1000), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_select(&scene.loop, &select, &one, 1, on_chosen), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(odd.calls, 0);
  ck_assert_int_eq(uvchan_cancel((uvchan_req_t*)&select), 0);
  scene_finish_loop();
  ck_assert_uint_eq(odd.calls, 1);
  ck_assert_int_eq(odd.last, UV_ECANCELED);
}
END_TEST

/* ---- Receivers ------------------------------------------------------------------------------- */

START_TEST(a_receiver_may_be_stopped_after_its_close_callback) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uvchan_receiver_t receiver;

  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receiver, ch), 0);
  uvchan_receiver_close(&receiver, NULL);
  uvchan_release(ch);
  scene_finish_loop();
  ck_assert_int_eq(uvchan_recv_stop(&receiver), 0);
}
END_TEST

#define NOTHERS 6

typedef struct {
  uvchan_receiver_t others[NOTHERS];
  unsigned int values;
} crowd_t;

static void count_value(uvchan_receiver_t* receiver, int status, const void* value) {
  crowd_t* crowd = receiver->data;

  (void)value;
  if (status == 0) crowd->values++;
}

static void stop_others(uvchan_receiver_t* receiver, int status, const void* value) {
  crowd_t* crowd = receiver->data;
  size_t i;

  (void)status;
  (void)value;
  for (i = 0; i < NOTHERS; i++)
    must(&crowd->others[i] == receiver || uvchan_recv_stop(&crowd->others[i]) == 0);
}

START_TEST(a_budget_holds_in_a_turn_in_which_other_receivers_are_stopped) {
  uvchan_t* counted = scene_channel(100);
  uvchan_t* crowded = scene_channel(100);
  uvchan_receiver_t receiver;
  uint64_t value = 0;
  crowd_t crowd;
  size_t i;

  memset(&crowd, 0, sizeof(crowd));
  receiver.data = &crowd;
  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receiver, counted), 0);
  ck_assert_int_eq(uvchan_receiver_set_budget(&receiver, 1), 0);
  ck_assert_int_eq(uvchan_recv_start(&receiver, count_value), 0);
  for (i = 0; i < NOTHERS; i++) {
    ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &crowd.others[i], crowded), 0);
    crowd.others[i].data = &crowd;
    ck_assert_int_eq(uvchan_recv_start(&crowd.others[i], stop_others), 0);
    ck_assert_int_eq(uvchan_try_send(crowded, &value), 0);
  }
  for (i = 0; i < 50; i++) ck_assert_int_eq(uvchan_try_send(counted, &value), 0);
  uv_run(&scene.loop, UV_RUN_NOWAIT);
  ck_assert_uint_eq(crowd.values, 1);
  uvchan_receiver_close(&receiver, NULL);
  for (i = 0; i < NOTHERS; i++) uvchan_receiver_close(&crowd.others[i], NULL);
  scene_finish();
}
END_TEST

int main(void) {
  Suite* suite = suite_create("odd-moments");
  TCase* requests = scene_tcase(suite, "requests");
  TCase* receivers = scene_tcase(suite, "receivers");

  tcase_add_loop_test(
      requests, a_cancel_inside_its_own_start_is_too_late_and_the_request_calls_back_once, 0, 4);
  tcase_add_test(requests, a_cancel_after_the_callback_is_too_late_and_touches_nothing);
  tcase_add_test(requests,
                 what_was_cancelled_too_late_calls_back_though_a_stranger_closes_every_handle_next);
  tcase_add_test(requests, a_select_that_can_never_be_ready_can_be_cancelled_and_timed_out);
  tcase_add_loop_test(receivers, a_receiver_may_be_stopped_after_its_close_callback, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_test(receivers, a_budget_holds_in_a_turn_in_which_other_receivers_are_stopped);
  return support_main(suite);
}
