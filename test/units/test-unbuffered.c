/* SPDX-License-Identifier: MIT */
/* Started receivers on an unbuffered channel: it has room for one value for each of them that is
 * not in its callback. And what a waiting send in such a callback does. */
#include "scene.h"

START_TEST(an_unbuffered_channel_takes_nothing_before_a_receiver_is_started) {
  uvchan_t* ch = scene_channel(0);
  sink_t sink;

  ck_assert_int_eq(try_send(ch, 0), UV_EAGAIN);
  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 0), UV_EAGAIN);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  ck_assert_int_eq(try_send(ch, 0), UV_EAGAIN);
  sink_close(&sink);
  ck_assert_int_eq(try_send(ch, 0), UV_EAGAIN);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).sent, 0);
}
END_TEST

START_TEST(an_unbuffered_channel_takes_one_value_for_each_started_receiver) {
  uvchan_t* ch = scene_channel(0);
  sink_t sinks[3];
  uint64_t round;
  int i;

  for (i = 0; i < 3; i++) {
    sink_start(&sinks[i], &scene.loop, ch);
    sinks[i].unordered = 1;
  }
  for (round = 0; round < 3; round++) {
    for (i = 0; i < 3; i++) ck_assert_int_eq(try_send(ch, round), 0);
    ck_assert_int_eq(try_send(ch, round), UV_EAGAIN);
    settle(&scene.loop);
  }
  ck_assert_uint_eq(sinks[0].values + sinks[1].values + sinks[2].values, 9);
  for (i = 0; i < 3; i++) sink_close(&sinks[i]);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).received, 9);
}
END_TEST

typedef struct {
  int in_callback; /* what try_send answered inside the callback */
  int wait_answer; /* what send_wait answered there */
  unsigned int calls;
} probe_t;

static void probe_inside(uvchan_receiver_t* receiver, int status, const void* value) {
  probe_t* probe = receiver->data;
  uint64_t number = 99;
  if (status < 0) return;
  (void)value;
  if (probe->calls++ != 0) return;
  probe->in_callback = uvchan_try_send(receiver->channel, &number);
  if (probe->in_callback == UV_EAGAIN)
    probe->wait_answer = uvchan_send_wait(receiver->channel, &number);
}

START_TEST(inside_the_callback_of_the_only_receiver_an_unbuffered_channel_takes_nothing) {
  uvchan_t* ch = scene_channel(0);
  uvchan_receiver_t receiver;
  probe_t probe = {1, 1, 0};

  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receiver, ch), 0);
  receiver.data = &probe;
  ck_assert_int_eq(uvchan_recv_start(&receiver, probe_inside), 0);
  ck_assert_int_eq(try_send(ch, 0), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(probe.calls, 1);
  ck_assert_int_eq(probe.in_callback, UV_EAGAIN);
  ck_assert_int_eq(probe.wait_answer, UV_EBUSY);
  ck_assert_int_eq(try_send(ch, 1), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(probe.calls, 2);
  uvchan_receiver_close(&receiver, NULL);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).received, 2);
}
END_TEST

START_TEST(inside_a_callback_an_unbuffered_channel_takes_a_value_for_another_receiver) {
  uvchan_t* ch = scene_channel(0);
  uvchan_receiver_t receivers[2];
  probe_t probe = {1, 1, 0};
  int i;

  for (i = 0; i < 2; i++) {
    ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receivers[i], ch), 0);
    receivers[i].data = &probe;
    ck_assert_int_eq(uvchan_recv_start(&receivers[i], probe_inside), 0);
  }
  ck_assert_int_eq(try_send(ch, 0), 0);
  settle(&scene.loop);
  ck_assert_int_eq(probe.in_callback, 0);
  ck_assert_uint_eq(probe.calls, 2);
  for (i = 0; i < 2; i++) uvchan_receiver_close(&receivers[i], NULL);
  scene_finish();
}
END_TEST

static void fill_then_wait(uvchan_receiver_t* receiver, int status, const void* value) {
  probe_t* probe = receiver->data;
  uint64_t number = 7;
  (void)value;
  if (status < 0 || probe->calls++ != 0) return;
  do {
    probe->in_callback = uvchan_try_send(receiver->channel, &number);
  } while (probe->in_callback == 0);
  probe->wait_answer = uvchan_send_wait(receiver->channel, &number);
  if (probe->wait_answer == UV_EBUSY)
    probe->wait_answer = (int)uvchan_send_wait_n(receiver->channel, &number, 1);
}

START_TEST(a_waiting_send_that_only_this_loop_could_end_answers_ebusy) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_receiver_t receiver;
  probe_t probe = {1, 1, 0};

  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receiver, ch), 0);
  receiver.data = &probe;
  ck_assert_int_eq(uvchan_recv_start(&receiver, fill_then_wait), 0);
  ck_assert_int_eq(try_send(ch, 0), 0);
  settle(&scene.loop);
  ck_assert_int_eq(probe.in_callback, UV_EAGAIN);
  ck_assert_int_eq(probe.wait_answer, UV_EBUSY);
  uvchan_receiver_close(&receiver, NULL);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).sent, probe.calls);
}
END_TEST

static void take_one(void* arg) {
  uint64_t value = 0;
  must(uvchan_recv_wait(arg, &value) == 0);
  must(value == 99);
}

static void hand_to_the_thread(uvchan_receiver_t* receiver, int status, const void* value) {
  probe_t* probe = receiver->data;
  uint64_t number = 99;
  uv_thread_t thread;
  (void)value;
  if (status < 0 || probe->calls++ != 0) return;
  support_start(&thread, take_one, receiver->channel);
  support_await_receivers(receiver->channel, 1);
  probe->wait_answer = uvchan_send_wait(receiver->channel, &number);
  support_join(&thread);
}

START_TEST(a_waiting_send_in_a_callback_reaches_a_thread_that_waits) {
  uvchan_t* ch = scene_channel(0);
  uvchan_receiver_t receiver;
  probe_t probe = {1, 1, 0};

  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receiver, ch), 0);
  receiver.data = &probe;
  ck_assert_int_eq(uvchan_recv_start(&receiver, hand_to_the_thread), 0);
  ck_assert_int_eq(try_send(ch, 0), 0);
  settle(&scene.loop);
  ck_assert_int_eq(probe.wait_answer, 0);
  uvchan_receiver_close(&receiver, NULL);
  scene_finish_loop();
  ck_assert_uint_eq(rest(ch).received, 2);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("unbuffered");
  TCase* room = scene_tcase(suite, "room");

  tcase_add_test(room, an_unbuffered_channel_takes_nothing_before_a_receiver_is_started);
  tcase_add_test(room, an_unbuffered_channel_takes_one_value_for_each_started_receiver);
  tcase_add_test(room,
                 inside_the_callback_of_the_only_receiver_an_unbuffered_channel_takes_nothing);
  tcase_add_test(room, inside_a_callback_an_unbuffered_channel_takes_a_value_for_another_receiver);
  tcase_add_loop_test(room, a_waiting_send_that_only_this_loop_could_end_answers_ebusy, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_test(room, a_waiting_send_in_a_callback_reaches_a_thread_that_waits);
  return support_main(suite);
}
