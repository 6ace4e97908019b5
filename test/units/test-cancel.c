/* SPDX-License-Identifier: MIT */
/* Cancelled requests: 0 and one callback with UV_ECANCELED that took nothing, or UV_EBUSY and the
 * outcome that was decided already. */
#include "scene.h"

/* Fills a bounded channel with values numbered 100, 101, ... */
static void fill(uvchan_t* ch) {
  uint64_t number = 100;
  while (try_send(ch, number) == 0) number++;
}

static void drain(uvchan_t* ch) {
  uint64_t number = 100;
  while (takes(ch, number)) number++;
  ck_assert(is_empty(ch));
}

START_TEST(a_cancelled_send_was_received_by_nobody) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  send_op_t send;

  fill(ch);
  send_op(&send, &scene.loop, ch, 5);
  ck_assert_int_eq(cancel_op(&send), 0);
  ck_assert_uint_eq(send.calls, 0);
  ck_assert_uint_eq(rest(ch).waiting_senders, 0);
  drain(ch);
  scene_run();
  check_ended(&send, UV_ECANCELED);
  ck_assert(is_empty(ch));
  scene_finish_loop();
  ck_assert_uint_eq(support_at_rest(ch).sent, support_capacities[_i]);
}
END_TEST

START_TEST(a_cancelled_receive_took_no_value) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  recv_op_t recv;
  int sent;

  recv_op(&recv, &scene.loop, ch);
  ck_assert_int_eq(cancel_op(&recv), 0);
  ck_assert_uint_eq(recv.calls, 0);
  ck_assert_uint_eq(rest(ch).waiting_receivers, 0);
  sent = try_send(ch, 5);
  ck_assert_int_eq(sent, support_capacities[_i] == 0 ? UV_EAGAIN : 0);
  scene_run();
  check_ended(&recv, UV_ECANCELED);
  ck_assert_uint_eq(recv.value, 0);
  if (sent == 0) ck_assert(takes(ch, 5));
  scene_finish();
}
END_TEST

START_TEST(a_cancelled_select_leaves_all_its_channels) {
  uvchan_t* out = scene_channel(support_capacities[_i]);
  uvchan_t* in = scene_channel(support_capacities[_i]);
  select_op_t select;

  fill(out);
  select_case(&select, 0, out, UVCHAN_SEND, 5);
  select_case(&select, 1, in, UVCHAN_RECV, 0);
  select_case(&select, 2, in, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 3);
  ck_assert_int_eq(cancel_op(&select), 0);
  ck_assert_uint_eq(select.calls, 0);
  ck_assert_uint_eq(rest(out).waiting_senders, 0);
  ck_assert_uint_eq(rest(in).waiting_receivers, 0);
  drain(out);
  scene_run();
  ck_assert_uint_eq(select.calls, 1);
  ck_assert_int_eq(select.index, UV_ECANCELED);
  scene_finish();
}
END_TEST

START_TEST(a_cancelled_notify_calls_back_and_the_group_goes_on) {
  uvchan_waitgroup_t wg;
  notify_op_t cancelled;
  notify_op_t other;

  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), 0);
  notify_op(&cancelled, &scene.loop, &wg);
  notify_op(&other, &scene.loop, &wg);
  ck_assert_int_eq(cancel_op(&cancelled), 0);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), 0);
  ck_assert_int_eq(cancel_op(&other), UV_EBUSY);
  scene_run();
  check_ended(&cancelled, UV_ECANCELED);
  check_ended(&other, 0);
  scene_finish_loop();
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

START_TEST(a_second_cancel_is_too_late) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  recv_op_t recv;

  recv_op(&recv, &scene.loop, ch);
  ck_assert_int_eq(cancel_op(&recv), 0);
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  scene_run();
  check_ended(&recv, UV_ECANCELED);
  scene_finish();
}
END_TEST

START_TEST(a_send_whose_value_was_taken_can_not_be_cancelled) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  send_op_t send;
  uint64_t value;

  fill(ch);
  send_op(&send, &scene.loop, ch, 5);
  do {
    ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  } while (value != 5);
  ck_assert_int_eq(cancel_op(&send), UV_EBUSY);
  scene_run();
  check_ended(&send, 0);
  scene_finish();
}
END_TEST

START_TEST(a_receive_that_was_handed_a_value_can_not_be_cancelled) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  recv_op_t recv;

  recv_op(&recv, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 5), 0);
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  scene_run();
  check_received(&recv, 5);
  scene_finish();
}
END_TEST

START_TEST(a_select_whose_case_is_chosen_can_not_be_cancelled) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  select_op_t select;

  select_case(&select, 0, NULL, UVCHAN_SEND, 0);
  select_case(&select, 1, ch, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 2);
  ck_assert_int_eq(try_send(ch, 5), 0);
  ck_assert_int_eq(cancel_op(&select), UV_EBUSY);
  scene_run();
  ck_assert_uint_eq(select.calls, 1);
  ck_assert_int_eq(select.index, 1);
  ck_assert_uint_eq(select.values[1], 5);
  scene_finish();
}
END_TEST

START_TEST(what_close_has_decided_can_not_be_cancelled) {
  uvchan_t* full = scene_channel(support_capacities[_i]);
  uvchan_t* empty = scene_channel(support_capacities[_i]);
  send_op_t send;
  recv_op_t recv;

  fill(full);
  send_op(&send, &scene.loop, full, 5);
  recv_op(&recv, &scene.loop, empty);
  ck_assert_int_eq(uvchan_close(full), 0);
  ck_assert_int_eq(uvchan_close(empty), 0);
  ck_assert_int_eq(cancel_op(&send), UV_EBUSY);
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  scene_run();
  ck_assert_int_eq(send.status, UV_EPIPE);
  ck_assert_int_eq(recv.status, UV_EOF);
  ck_assert_uint_eq(send.calls, 1);
  ck_assert_uint_eq(recv.calls, 1);
  scene_finish();
}
END_TEST

START_TEST(a_request_that_is_ready_at_once_can_not_be_cancelled) {
  uvchan_t* ch = scene_channel(3);
  send_op_t send;
  recv_op_t recv;

  send_op(&send, &scene.loop, ch, 5);
  ck_assert_int_eq(cancel_op(&send), UV_EBUSY);
  recv_op(&recv, &scene.loop, ch);
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  scene_run();
  ck_assert_int_eq(send.status, 0);
  ck_assert_int_eq(recv.status, 0);
  ck_assert_uint_eq(recv.value, 5);
  scene_finish();
}
END_TEST

/* Those behind a cancelled waiter are served as if it had never been there. */
START_TEST(a_cancelled_waiter_does_not_hold_up_those_behind_it) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  send_op_t sends[3];
  recv_op_t recvs[3];
  int i;

  for (i = 0; i < 3; i++) recv_op(&recvs[i], &scene.loop, ch);
  ck_assert_int_eq(cancel_op(&recvs[0]), 0);
  ck_assert_int_eq(try_send(ch, 1), 0);
  ck_assert_int_eq(try_send(ch, 2), 0);
  scene_run();
  ck_assert_int_eq(recvs[0].status, UV_ECANCELED);
  ck_assert_uint_eq(recvs[1].value, 1);
  ck_assert_uint_eq(recvs[2].value, 2);

  fill(ch);
  for (i = 0; i < 3; i++) send_op(&sends[i], &scene.loop, ch, (uint64_t)i);
  ck_assert_int_eq(cancel_op(&sends[1]), 0);
  for (i = 0; i < (int)support_capacities[_i]; i++) ck_assert(takes(ch, 100 + (uint64_t)i));
  ck_assert(takes(ch, 0));
  ck_assert(takes(ch, 2));
  ck_assert(is_empty(ch));
  scene_run();
  ck_assert_int_eq(sends[0].status, 0);
  ck_assert_int_eq(sends[1].status, UV_ECANCELED);
  ck_assert_int_eq(sends[2].status, 0);
  scene_finish();
}
END_TEST

START_TEST(after_a_cancelled_send_a_try_send_has_its_turn) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  send_op_t send;

  fill(ch);
  send_op(&send, &scene.loop, ch, 5);
  ck_assert_int_eq(cancel_op(&send), 0);
  ck_assert(takes(ch, 100));
  ck_assert_int_eq(try_send(ch, 6), 0);
  scene_finish_loop();
  ck_assert_int_eq(send.status, UV_ECANCELED);
}
END_TEST

typedef struct {
  recv_op_t first;
  recv_op_t second;
  int of_itself;
  int of_the_other;
} pair_t;

static void cancel_in_callback(uvchan_recv_t* req, int status) {
  pair_t* pair = req->data;
  recv_op_done(req, status);
  pair->of_itself = uvchan_cancel((uvchan_req_t*)req);
  pair->of_the_other = cancel_op(&pair->second);
  must(pair->second.calls == 0);
}

START_TEST(a_callback_may_cancel_another_request_and_is_too_late_for_itself) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  pair_t pair;

  memset(&pair, 0, sizeof(pair));
  pair.first.req.data = &pair;
  ck_assert_int_eq(
      uvchan_recv(&scene.loop, &pair.first.req, ch, &pair.first.value, cancel_in_callback), 0);
  recv_op(&pair.second, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 1), 0);
  scene_run();
  ck_assert_uint_eq(pair.first.calls, 1);
  ck_assert_int_eq(pair.of_itself, UV_EBUSY);
  ck_assert_int_eq(pair.of_the_other, 0);
  check_ended(&pair.second, UV_ECANCELED);
  scene_finish();
}
END_TEST

START_TEST(a_cancelled_request_may_be_used_again) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  recv_op_t recv;
  uint64_t i;

  for (i = 0; i < 20; i++) {
    recv_op(&recv, &scene.loop, ch);
    ck_assert_int_eq(cancel_op(&recv), 0);
    scene_run();
    ck_assert_int_eq(recv.status, UV_ECANCELED);
    recv_op(&recv, &scene.loop, ch);
    ck_assert_int_eq(try_send(ch, i), 0);
    scene_run();
    ck_assert_int_eq(recv.status, 0);
    ck_assert_uint_eq(recv.value, i);
  }
  scene_finish();
}
END_TEST

START_TEST(cancel_of_null_is_refused) { ck_assert_int_eq(uvchan_cancel(NULL), UV_EINVAL); }
END_TEST

typedef struct {
  uvchan_t* ch;
  uint64_t count;
  uint64_t sum;
} other_side_t;

static void send_all(void* arg) {
  other_side_t* other = arg;
  uint64_t i;
  for (i = 1; i <= other->count; i++) must(uvchan_send_wait(other->ch, &i) == 0);
  must(uvchan_close(other->ch) == 0);
}

START_TEST(a_receive_that_is_cancelled_beside_a_sending_thread_loses_no_value) {
  other_side_t other = {support_channel(8, support_capacities[_i]), (uint64_t)support_count(5000),
                        0};
  uv_thread_t thread;
  recv_op_t recv;
  uint64_t next = 1;

  support_start(&thread, send_all, &other);
  do {
    int cancelled;
    recv_op(&recv, &scene.loop, other.ch);
    cancelled = cancel_op(&recv);
    must(cancelled == 0 || cancelled == UV_EBUSY);
    run_until(&scene.loop, recv.calls == 1);
    must((recv.status == UV_ECANCELED) == (cancelled == 0));
    if (recv.status == 0) must(recv.value == next++);
  } while (recv.status != UV_EOF);
  support_join(&thread);
  ck_assert_uint_eq(next, other.count + 1);
  ck_assert_uint_eq(support_at_rest(other.ch).received, other.count);
  scene_finish_loop();
  uvchan_release(other.ch);
}
END_TEST

static void receive_all(void* arg) {
  other_side_t* other = arg;
  uint64_t value;
  int status;
  for (;;) {
    status = uvchan_recv_wait(other->ch, &value);
    if (status != 0) break;
    other->count++;
    other->sum += value;
  }
  must(status == UV_EOF);
}

START_TEST(a_send_that_is_cancelled_beside_a_receiving_thread_was_received_by_nobody) {
  other_side_t other = {support_channel(8, support_capacities[_i]), 0, 0};
  uint64_t rounds = (uint64_t)support_count(5000);
  uint64_t sum = 0;
  uint64_t sent = 0;
  uint64_t i;
  uv_thread_t thread;
  send_op_t send;

  support_start(&thread, receive_all, &other);
  for (i = 1; i <= rounds; i++) {
    int cancelled;
    send_op(&send, &scene.loop, other.ch, i);
    cancelled = cancel_op(&send);
    must(cancelled == 0 || cancelled == UV_EBUSY);
    run_until(&scene.loop, send.calls == 1);
    must(send.status == (cancelled == 0 ? UV_ECANCELED : 0));
    if (send.status == 0) sum += i;
    if (send.status == 0) sent++;
  }
  ck_assert_int_eq(uvchan_close(other.ch), 0);
  support_join(&thread);
  ck_assert_uint_eq(other.count, sent);
  ck_assert_uint_eq(other.sum, sum);
  ck_assert_uint_eq(support_at_rest(other.ch).sent, sent);
  scene_finish_loop();
  uvchan_release(other.ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("cancel");
  TCase* in_time = scene_tcase(suite, "in time");
  TCase* too_late = scene_tcase(suite, "too late");
  TCase* races = scene_tcase(suite, "races");
  int bounded = SUPPORT_NCAPACITIES - 1;

  tcase_add_loop_test(in_time, a_cancelled_send_was_received_by_nobody, 0, bounded);
  tcase_add_loop_test(in_time, a_cancelled_receive_took_no_value, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(in_time, a_cancelled_select_leaves_all_its_channels, 0, bounded);
  tcase_add_test(in_time, a_cancelled_notify_calls_back_and_the_group_goes_on);
  tcase_add_loop_test(in_time, a_cancelled_waiter_does_not_hold_up_those_behind_it, 0, bounded);
  tcase_add_loop_test(in_time, after_a_cancelled_send_a_try_send_has_its_turn, 1, bounded);
  tcase_add_loop_test(in_time, a_callback_may_cancel_another_request_and_is_too_late_for_itself, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(in_time, a_cancelled_request_may_be_used_again, 0, SUPPORT_NCAPACITIES);

  tcase_add_loop_test(too_late, a_second_cancel_is_too_late, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(too_late, a_send_whose_value_was_taken_can_not_be_cancelled, 0, bounded);
  tcase_add_loop_test(too_late, a_receive_that_was_handed_a_value_can_not_be_cancelled, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(too_late, a_select_whose_case_is_chosen_can_not_be_cancelled, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(too_late, what_close_has_decided_can_not_be_cancelled, 0, bounded);
  tcase_add_test(too_late, a_request_that_is_ready_at_once_can_not_be_cancelled);
  tcase_add_test(too_late, cancel_of_null_is_refused);

  tcase_add_loop_test(races, a_receive_that_is_cancelled_beside_a_sending_thread_loses_no_value, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(races,
                      a_send_that_is_cancelled_beside_a_receiving_thread_was_received_by_nobody, 0,
                      SUPPORT_NCAPACITIES);
  return support_main(suite);
}
