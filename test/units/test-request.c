/* SPDX-License-Identifier: MIT */
/* Send and receive requests: when they call back and with what, in which order, and the end. */
#include "scene.h"

#define MANY 40

START_TEST(a_receive_request_gets_a_buffered_value_in_a_callback_of_its_own) {
  uvchan_t* ch = scene_channel(support_capacities[1 + _i]);
  recv_op_t recv;

  ck_assert_int_eq(try_send(ch, 5), 0);
  recv_op(&recv, &scene.loop, ch);
  scene_run();
  check_received(&recv, 5);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).received, 1);
}
END_TEST

START_TEST(a_send_request_with_room_calls_back_with_0) {
  uvchan_t* ch = scene_channel(support_capacities[1 + _i]);
  send_op_t send;

  send_op(&send, &scene.loop, ch, 5);
  scene_run();
  check_ended(&send, 0);
  ck_assert(takes(ch, 5));
  scene_finish();
}
END_TEST

START_TEST(requests_that_wait_are_served_in_their_order) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  recv_op_t recvs[MANY];
  send_op_t sends[MANY];
  uint64_t i;

  for (i = 0; i < MANY; i++) recv_op(&recvs[i], &scene.loop, ch);
  for (i = 0; i < MANY; i++) send_op(&sends[i], &scene.loop, ch, i);
  scene_run();
  for (i = 0; i < MANY; i++) {
    check_received(&recvs[i], i);
    check_ended(&sends[i], 0);
  }
  scene_finish();
}
END_TEST

START_TEST(sends_that_wait_are_received_in_their_order) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  send_op_t sends[MANY];
  sink_t sink;
  uint64_t i;

  for (i = 0; i < MANY; i++) send_op(&sends[i], &scene.loop, ch, i);
  settle(&scene.loop);
  sink_start(&sink, &scene.loop, ch);
  turn(&scene.loop, 200);
  ck_assert_uint_eq(sink.values, MANY);
  for (i = 0; i < MANY; i++) ck_assert_uint_eq(sends[i].calls, 1);
  sink_close(&sink);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).received, MANY);
}
END_TEST

START_TEST(a_try_send_does_not_overtake_a_send_request_that_waits) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  send_op_t first;
  send_op_t second;
  uint64_t n = 0;
  uint64_t i;

  while (n < support_capacities[_i]) ck_assert_int_eq(try_send(ch, n++), 0);
  send_op(&first, &scene.loop, ch, n++);
  send_op(&second, &scene.loop, ch, n++);
  ck_assert_int_eq(try_send(ch, 99), UV_EAGAIN);
  ck_assert(takes(ch, 0));
  ck_assert_int_eq(try_send(ch, 99), UV_EAGAIN);
  for (i = 1; i < n; i++) ck_assert(takes(ch, i));
  ck_assert(is_empty(ch));
  settle(&scene.loop);
  ck_assert_uint_eq(first.calls, 1);
  ck_assert_uint_eq(second.calls, 1);
  scene_finish();
}
END_TEST

START_TEST(one_sender_that_mixes_try_and_requests_is_received_in_order) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  send_op_t sends[400];
  select_op_t selects[400];
  sink_t sink;
  uint64_t i;

  sink_start(&sink, &scene.loop, ch);
  for (i = 0; i < 400; i++) {
    if (i % 3 == 0 && try_send(ch, i) == 0) continue;
    if (i % 2 == 0) {
      send_op(&sends[i], &scene.loop, ch, i);
    } else {
      select_case(&selects[i], 0, ch, UVCHAN_SEND, i);
      select_op(&selects[i], &scene.loop, 1);
    }
    if (i % 7 == 0) turn(&scene.loop, 1);
  }
  turn(&scene.loop, 1000);
  ck_assert_uint_eq(sink.values, 400);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(the_value_of_a_send_that_waits_can_be_taken_before_its_callback) {
  uvchan_t* ch = scene_channel(0);
  send_op_t send;

  send_op(&send, &scene.loop, ch, 5);
  ck_assert(takes(ch, 5));
  ck_assert_uint_eq(send.calls, 0);
  scene_run();
  check_ended(&send, 0);
  scene_finish();
}
END_TEST

START_TEST(room_lets_the_next_waiting_send_in_at_once) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  size_t capacity = support_capacities[_i];
  send_op_t sends[MANY];
  uint64_t i;

  for (i = 0; i < MANY; i++) send_op(&sends[i], &scene.loop, ch, i);
  for (i = 0; i + capacity < MANY; i++) {
    settle(&scene.loop);
    if (i + capacity > 0) ck_assert_uint_eq(sends[i + capacity - 1].calls, 1);
    ck_assert_uint_eq(sends[i + capacity].calls, 0);
    ck_assert(takes(ch, i));
    ck_assert_uint_eq(uvchan_len(ch), capacity);
    ck_assert_uint_eq(rest(ch).waiting_senders, MANY - capacity - i - 1);
  }
  for (; i < MANY; i++) ck_assert(takes(ch, i));
  scene_finish();
}
END_TEST

START_TEST(a_try_send_hands_its_value_to_a_receive_request_that_waits) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  recv_op_t recv;

  recv_op(&recv, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 5), 0);
  ck_assert(is_empty(ch));
  ck_assert_uint_eq(recv.calls, 0);
  scene_run();
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert_uint_eq(recv.value, 5);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).received, 1);
}
END_TEST

START_TEST(on_a_closed_channel_requests_call_back_with_epipe_and_the_end) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  send_op_t send;
  recv_op_t recv;

  ck_assert_int_eq(uvchan_close_with(ch, UV_ECONNRESET), 0);
  send_op(&send, &scene.loop, ch, 5);
  recv_op(&recv, &scene.loop, ch);
  scene_run();
  check_ended(&send, UV_EPIPE);
  check_ended(&recv, UV_ECONNRESET);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).sent, 0);
}
END_TEST

START_TEST(close_wakes_all_receive_requests_with_the_end) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  recv_op_t recvs[MANY];
  int i;

  for (i = 0; i < MANY; i++) recv_op(&recvs[i], &scene.loop, ch);
  settle(&scene.loop);
  for (i = 0; i < MANY; i++) ck_assert_uint_eq(recvs[i].calls, 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_run();
  for (i = 0; i < MANY; i++) check_ended(&recvs[i], UV_EOF);
  scene_finish();
}
END_TEST

START_TEST(close_wakes_all_send_requests_with_epipe_and_keeps_what_is_buffered) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  size_t capacity = support_capacities[_i];
  send_op_t sends[MANY];
  uint64_t i;

  for (i = 0; i < MANY; i++) send_op(&sends[i], &scene.loop, ch, i);
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_run();
  for (i = 0; i < MANY; i++) check_ended(&sends[i], i < capacity ? 0 : UV_EPIPE);
  for (i = 0; i < capacity; i++) ck_assert(takes(ch, i));
  ck_assert_int_eq(uvchan_try_recv(ch, &i), UV_EOF);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).sent, capacity);
}
END_TEST

START_TEST(abort_wakes_both_sides) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, support_capacities[_i], UVCHAN_WAIT);
  uvchan_t* empty = scene_channel(support_capacities[_i]);
  size_t capacity = support_capacities[_i];
  send_op_t sends[MANY];
  recv_op_t recv;
  uint64_t i;

  for (i = 0; i < MANY; i++) send_op(&sends[i], &scene.loop, ch, i);
  recv_op(&recv, &scene.loop, empty);
  ck_assert_int_eq(uvchan_abort(ch, UV_ECONNABORTED), 0);
  ck_assert_int_eq(uvchan_abort(empty, UV_ECONNABORTED), 0);
  scene_run();
  for (i = 0; i < MANY; i++) ck_assert_int_eq(sends[i].status, i < capacity ? 0 : UV_EPIPE);
  check_ended(&recv, UV_ECONNABORTED);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_ABORT]), capacity);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("request");
  TCase* order = scene_tcase(suite, "order");
  TCase* ends = scene_tcase(suite, "ends");

  tcase_add_loop_test(order, a_receive_request_gets_a_buffered_value_in_a_callback_of_its_own, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(order, a_send_request_with_room_calls_back_with_0, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(order, requests_that_wait_are_served_in_their_order, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(order, sends_that_wait_are_received_in_their_order, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(order, a_try_send_does_not_overtake_a_send_request_that_waits, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(order, one_sender_that_mixes_try_and_requests_is_received_in_order, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_test(order, the_value_of_a_send_that_waits_can_be_taken_before_its_callback);
  tcase_add_loop_test(order, room_lets_the_next_waiting_send_in_at_once, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(order, a_try_send_hands_its_value_to_a_receive_request_that_waits, 0,
                      SUPPORT_NCAPACITIES);

  tcase_add_loop_test(ends, on_a_closed_channel_requests_call_back_with_epipe_and_the_end, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(ends, close_wakes_all_receive_requests_with_the_end, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(ends, close_wakes_all_send_requests_with_epipe_and_keeps_what_is_buffered, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(ends, abort_wakes_both_sides, 0, SUPPORT_NCAPACITIES - 1);
  return support_main(suite);
}
