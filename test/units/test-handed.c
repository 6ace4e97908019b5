/* SPDX-License-Identifier: MIT */
/* A value that a started receiver was told of is not lost where the receiver goes away before its
 * callback: it is ahead of all others, for whoever comes next. */
#include "scene.h"

/* How a receiver that was handed a value leaves before its callback. */
typedef void (*leave_fn)(sink_t* sink);

static void leave_by_stop(sink_t* sink) { ck_assert_int_eq(uvchan_recv_stop(&sink->handle), 0); }
static void leave_by_close(sink_t* sink) { sink_close(sink); }

static const leave_fn leaves[] = {leave_by_stop, leave_by_close};

#define NLEAVES 2
#define LEAVES_AND_KINDS (NLEAVES * SUPPORT_NCAPACITIES)

static size_t leave_capacity(int i) { return support_capacities[i / NLEAVES]; }

/* A channel on the scene's loop, and a receiver that waits there for its first value. */
typedef struct {
  uvchan_t* ch;
  sink_t sink;
  leave_fn leave;
} handed_t;

static void handed_open_on(handed_t* handed, uvchan_t* ch, int i) {
  handed->ch = ch;
  handed->leave = leaves[i % NLEAVES];
  sink_start(&handed->sink, &scene.loop, ch);
}

static void handed_open(handed_t* handed, int i) {
  handed_open_on(handed, scene_channel(leave_capacity(i)), i);
}

/* The test releases the channel. */
static void handed_open_dropping(handed_t* handed, support_drops_t* drops, int i) {
  handed_open_on(handed, support_dropping_channel(drops, 8, leave_capacity(i), UVCHAN_WAIT), i);
}

/* The receiver is told of the value, and leaves before its callback. */
static void hand_and_leave(handed_t* handed, uint64_t value) {
  ck_assert_int_eq(try_send(handed->ch, value), 0);
  handed->leave(&handed->sink);
}

static void close_if_open(sink_t* sink) {
  if (!uvchan_receiver_is_closing(&sink->handle)) sink_close(sink);
}

/* The loop is closed; the channel is there until the end of the test. */
static void handed_finish(handed_t* handed) {
  close_if_open(&handed->sink);
  scene_finish_loop();
  ck_assert_uint_eq(handed->sink.closes, 1);
  ck_assert_uint_eq(handed->sink.calls, 0);
}

START_TEST(a_value_of_a_receiver_that_left_goes_to_a_receive_of_the_thread) {
  handed_t handed;

  handed_open(&handed, _i);
  hand_and_leave(&handed, 5);
  ck_assert(takes(handed.ch, 5));
  ck_assert(is_empty(handed.ch));
  handed_finish(&handed);
  ck_assert_uint_eq(rest(handed.ch).received, 1);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_goes_to_the_next_started_receiver) {
  handed_t handed;
  sink_t next;

  handed_open(&handed, _i);
  ck_assert_int_eq(try_send(handed.ch, 0), 0);
  sink_start(&next, &scene.loop, handed.ch);
  handed.leave(&handed.sink);
  settle(&scene.loop);
  ck_assert_uint_eq(next.values, 1);
  sink_close(&next);
  handed_finish(&handed);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_goes_to_a_receiver_started_later) {
  handed_t handed;
  sink_t next;

  handed_open(&handed, _i);
  hand_and_leave(&handed, 0);
  settle(&scene.loop);
  sink_start_batch(&next, &scene.loop, handed.ch);
  settle(&scene.loop);
  ck_assert_uint_eq(next.values, 1);
  sink_close(&next);
  handed_finish(&handed);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_goes_to_a_request_that_waits) {
  handed_t handed;
  recv_op_t recv;
  select_op_t select;

  handed_open(&handed, _i);
  hand_and_leave(&handed, 5);
  recv_op(&recv, &scene.loop, handed.ch);
  select_case(&select, 0, handed.ch, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 1);
  settle(&scene.loop);
  check_received(&recv, 5);
  ck_assert_uint_eq(select.calls, 0);
  ck_assert_int_eq(cancel_op(&select), 0);
  handed_finish(&handed);
}
END_TEST

/* Of two that wait one is told of the value; whichever leaves, the other must hear of it. */
START_TEST(a_value_of_a_receiver_that_left_wakes_another_that_waits) {
  uvchan_t* ch = scene_channel(leave_capacity(_i));
  sink_t sinks[2];
  int first;

  for (first = 0; first < 2; first++) {
    sink_start(&sinks[0], &scene.loop, ch);
    sink_start_batch(&sinks[1], &scene.loop, ch);
    settle(&scene.loop);
    ck_assert_int_eq(try_send(ch, 0), 0);
    leaves[_i % NLEAVES](&sinks[first]);
    run_until(&scene.loop, sinks[1 - first].values == 1);
    ck_assert_uint_eq(sinks[first].calls, 0);
    close_if_open(&sinks[first]);
    sink_close(&sinks[1 - first]);
    scene_run();
  }
  scene_finish();
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_wakes_a_request_behind_it) {
  handed_t handed;
  recv_op_t recv;
  select_op_t select;

  handed_open(&handed, _i);
  settle(&scene.loop);
  recv_op(&recv, &scene.loop, handed.ch);
  select_case(&select, 0, handed.ch, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 1);
  hand_and_leave(&handed, 5);
  run_until(&scene.loop, recv.calls == 1);
  ck_assert_uint_eq(recv.value, 5);
  ck_assert_int_eq(cancel_op(&select), 0);
  handed_finish(&handed);
}
END_TEST

static void take_five(void* arg) {
  uint64_t value = 0;
  must(uvchan_recv_wait(arg, &value) == 0);
  must(value == 5);
}

START_TEST(a_value_of_a_receiver_that_left_wakes_a_thread_behind_it) {
  handed_t handed;
  uv_thread_t thread;

  handed_open(&handed, _i);
  settle(&scene.loop);
  support_start(&thread, take_five, handed.ch);
  support_await_receivers(handed.ch, 2);
  hand_and_leave(&handed, 5);
  support_join(&thread);
  handed_finish(&handed);
}
END_TEST

/* The receiver stands first and is told of the first value; the request is served by the second
 * send, with the older value. */
START_TEST(a_request_gets_the_oldest_value_though_a_receiver_was_told_of_it) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;
  recv_op_t recv;

  sink_start(&sink, &scene.loop, ch);
  settle(&scene.loop);
  recv_op(&recv, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert_int_eq(try_send(ch, 1), 0);
  sink.first = 1;
  settle(&scene.loop);
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert_uint_eq(recv.value, 0);
  ck_assert_uint_eq(sink.values, 1);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_is_ahead_of_all_others) {
  handed_t handed;
  send_op_t sends[20];
  uint64_t i;

  handed_open(&handed, _i);
  ck_assert_int_eq(try_send(handed.ch, 0), 0);
  for (i = 0; i < 20; i++) send_op(&sends[i], &scene.loop, handed.ch, i + 1);
  handed.leave(&handed.sink);
  for (i = 0; i <= 20; i++) ck_assert(takes(handed.ch, i));
  settle(&scene.loop);
  for (i = 0; i < 20; i++) ck_assert_int_eq(sends[i].status, 0);
  handed_finish(&handed);
  ck_assert_uint_eq(rest(handed.ch).received, 21);
}
END_TEST

START_TEST(the_values_of_two_receivers_that_left_keep_their_order) {
  uvchan_t* ch = scene_channel(leave_capacity(_i));
  sink_t sinks[2];
  int first, i;

  for (first = 0; first < 2; first++) {
    sink_start(&sinks[0], &scene.loop, ch);
    sink_start(&sinks[1], &scene.loop, ch);
    ck_assert_int_eq(try_send(ch, 1), 0);
    if (uvchan_capacity(ch) != 1) ck_assert_int_eq(try_send(ch, 2), 0);
    leaves[_i % NLEAVES](&sinks[first]);
    leaves[_i % NLEAVES](&sinks[1 - first]);
    ck_assert(takes(ch, 1));
    if (uvchan_capacity(ch) != 1) ck_assert(takes(ch, 2));
    ck_assert(is_empty(ch));
    for (i = 0; i < 2; i++) close_if_open(&sinks[i]);
    scene_run();
    for (i = 0; i < 2; i++) ck_assert_uint_eq(sinks[i].closes, 1);
    for (i = 0; i < 2; i++) ck_assert_uint_eq(sinks[i].calls, 0);
  }
  scene_finish();
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_is_dropped_by_abort) {
  support_drops_t drops;
  handed_t handed;

  handed_open_dropping(&handed, &drops, _i);
  hand_and_leave(&handed, 5);
  ck_assert_int_eq(uvchan_abort(handed.ch, UV_EOF), 0);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_ABORT]), 1);
  ck_assert_uint_eq(atomic_load(&drops.sum), 5);
  handed_finish(&handed);
  ck_assert_uint_eq(rest(handed.ch).dropped, 1);
  uvchan_release(handed.ch);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), 0);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_is_dropped_by_the_last_release) {
  support_drops_t drops;
  handed_t handed;

  handed_open_dropping(&handed, &drops, _i);
  hand_and_leave(&handed, 5);
  handed_finish(&handed);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), 0);
  uvchan_release(handed.ch);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), 1);
  ck_assert_uint_eq(atomic_load(&drops.sum), 5);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_comes_before_the_end) {
  handed_t handed;
  sink_t next;

  handed_open(&handed, _i);
  ck_assert_int_eq(try_send(handed.ch, 0), 0);
  ck_assert_int_eq(uvchan_close(handed.ch), 0);
  handed.leave(&handed.sink);
  sink_start(&next, &scene.loop, handed.ch);
  settle(&scene.loop);
  ck_assert_uint_eq(next.values, 1);
  ck_assert_uint_eq(next.ends, 1);
  sink_close(&next);
  handed_finish(&handed);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("handed");
  TCase* leave = scene_tcase(suite, "leave");

  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_goes_to_a_receive_of_the_thread, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_goes_to_the_next_started_receiver, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_goes_to_a_receiver_started_later, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_goes_to_a_request_that_waits, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_wakes_another_that_waits, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_wakes_a_request_behind_it, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_wakes_a_thread_behind_it, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_request_gets_the_oldest_value_though_a_receiver_was_told_of_it, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_is_ahead_of_all_others, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, the_values_of_two_receivers_that_left_keep_their_order, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_is_dropped_by_abort, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_is_dropped_by_the_last_release, 0,
                      LEAVES_AND_KINDS);
  tcase_add_loop_test(leave, a_value_of_a_receiver_that_left_comes_before_the_end, 0,
                      LEAVES_AND_KINDS);
  return support_main(suite);
}
