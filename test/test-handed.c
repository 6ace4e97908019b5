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

/* Closes the first sink where it is not closing yet, and the loop. */
static void leave_finish(uv_loop_t* loop, sink_t* sink) {
  if (!uvchan_receiver_is_closing(&sink->handle)) sink_close(sink);
  support_loop_finish(loop);
  ck_assert_uint_eq(sink->closes, 1);
  ck_assert_uint_eq(sink->calls, 0);
}

START_TEST(a_value_of_a_receiver_that_left_goes_to_a_receive_of_the_thread) {
  uvchan_t* ch = support_channel(8, leave_capacity(_i));
  uv_loop_t loop;
  sink_t sink;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  ck_assert_int_eq(try_send(ch, 5), 0);
  leaves[_i % NLEAVES](&sink);
  ck_assert(takes(ch, 5));
  ck_assert(is_empty(ch));
  leave_finish(&loop, &sink);
  ck_assert_uint_eq(rest(ch).received, 1);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_goes_to_the_next_started_receiver) {
  uvchan_t* ch = support_channel(8, leave_capacity(_i));
  uv_loop_t loop;
  sink_t sink;
  sink_t next;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  sink_start(&next, &loop, ch);
  leaves[_i % NLEAVES](&sink);
  settle(&loop);
  ck_assert_uint_eq(next.values, 1);
  sink_close(&next);
  leave_finish(&loop, &sink);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_goes_to_a_receiver_started_later) {
  uvchan_t* ch = support_channel(8, leave_capacity(_i));
  uv_loop_t loop;
  sink_t sink;
  sink_t next;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  leaves[_i % NLEAVES](&sink);
  settle(&loop);
  sink_start_batch(&next, &loop, ch);
  settle(&loop);
  ck_assert_uint_eq(next.values, 1);
  sink_close(&next);
  leave_finish(&loop, &sink);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_goes_to_a_request_that_waits) {
  uvchan_t* ch = support_channel(8, leave_capacity(_i));
  uv_loop_t loop;
  sink_t sink;
  recv_op_t recv;
  select_op_t select;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  ck_assert_int_eq(try_send(ch, 5), 0);
  leaves[_i % NLEAVES](&sink);
  recv_op(&recv, &loop, ch);
  select_case(&select, 0, ch, UVCHAN_RECV, 0);
  select_op(&select, &loop, 1);
  settle(&loop);
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert_int_eq(recv.status, 0);
  ck_assert_uint_eq(recv.value, 5);
  ck_assert_uint_eq(select.calls, 0);
  ck_assert_int_eq(cancel_op(&select), 0);
  leave_finish(&loop, &sink);
  uvchan_release(ch);
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
    if (!uvchan_receiver_is_closing(&sinks[first].handle)) sink_close(&sinks[first]);
    sink_close(&sinks[1 - first]);
    scene_run();
  }
  scene_finish();
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_wakes_a_request_behind_it) {
  uvchan_t* ch = support_channel(8, leave_capacity(_i));
  uv_loop_t loop;
  sink_t sink;
  recv_op_t recv;
  select_op_t select;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  settle(&loop);
  recv_op(&recv, &loop, ch);
  select_case(&select, 0, ch, UVCHAN_RECV, 0);
  select_op(&select, &loop, 1);
  ck_assert_int_eq(try_send(ch, 5), 0);
  leaves[_i % NLEAVES](&sink);
  run_until(&loop, recv.calls == 1);
  ck_assert_uint_eq(recv.value, 5);
  ck_assert_int_eq(cancel_op(&select), 0);
  leave_finish(&loop, &sink);
  uvchan_release(ch);
}
END_TEST

static void take_five(void* arg) {
  uint64_t value = 0;
  must(uvchan_recv_wait(arg, &value) == 0);
  must(value == 5);
}

START_TEST(a_value_of_a_receiver_that_left_wakes_a_thread_behind_it) {
  uvchan_t* ch = support_channel(8, leave_capacity(_i));
  uv_loop_t loop;
  uv_thread_t thread;
  sink_t sink;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  settle(&loop);
  support_start(&thread, take_five, ch);
  support_await_receivers(ch, 2);
  ck_assert_int_eq(try_send(ch, 5), 0);
  leaves[_i % NLEAVES](&sink);
  support_join(&thread);
  leave_finish(&loop, &sink);
  uvchan_release(ch);
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
  uvchan_t* ch = support_channel(8, leave_capacity(_i));
  uv_loop_t loop;
  sink_t sink;
  send_op_t sends[20];
  uint64_t i;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  for (i = 0; i < 20; i++) send_op(&sends[i], &loop, ch, i + 1);
  leaves[_i % NLEAVES](&sink);
  for (i = 0; i <= 20; i++) ck_assert(takes(ch, i));
  settle(&loop);
  for (i = 0; i < 20; i++) ck_assert_int_eq(sends[i].status, 0);
  leave_finish(&loop, &sink);
  ck_assert_uint_eq(rest(ch).received, 21);
  uvchan_release(ch);
}
END_TEST

START_TEST(the_values_of_two_receivers_that_left_keep_their_order) {
  uvchan_t* ch = support_channel(8, leave_capacity(_i));
  uv_loop_t loop;
  sink_t sinks[2];
  int first;

  for (first = 0; first < 2; first++) {
    support_loop_open(&loop);
    sink_start(&sinks[0], &loop, ch);
    sink_start(&sinks[1], &loop, ch);
    ck_assert_int_eq(try_send(ch, 1), 0);
    if (uvchan_capacity(ch) != 1) ck_assert_int_eq(try_send(ch, 2), 0);
    leaves[_i % NLEAVES](&sinks[first]);
    leaves[_i % NLEAVES](&sinks[1 - first]);
    ck_assert(takes(ch, 1));
    if (uvchan_capacity(ch) != 1) ck_assert(takes(ch, 2));
    ck_assert(is_empty(ch));
    if (!uvchan_receiver_is_closing(&sinks[0].handle)) sink_close(&sinks[0]);
    leave_finish(&loop, &sinks[1]);
  }
  uvchan_release(ch);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_is_dropped_by_abort) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, leave_capacity(_i), UVCHAN_WAIT);
  uv_loop_t loop;
  sink_t sink;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  ck_assert_int_eq(try_send(ch, 5), 0);
  leaves[_i % NLEAVES](&sink);
  ck_assert_int_eq(uvchan_abort(ch, UV_EOF), 0);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_ABORT]), 1);
  ck_assert_uint_eq(atomic_load(&drops.sum), 5);
  leave_finish(&loop, &sink);
  ck_assert_uint_eq(rest(ch).dropped, 1);
  uvchan_release(ch);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), 0);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_is_dropped_by_the_last_release) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, leave_capacity(_i), UVCHAN_WAIT);
  uv_loop_t loop;
  sink_t sink;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  ck_assert_int_eq(try_send(ch, 5), 0);
  leaves[_i % NLEAVES](&sink);
  leave_finish(&loop, &sink);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), 0);
  uvchan_release(ch);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), 1);
  ck_assert_uint_eq(atomic_load(&drops.sum), 5);
}
END_TEST

START_TEST(a_value_of_a_receiver_that_left_comes_before_the_end) {
  uvchan_t* ch = support_channel(8, leave_capacity(_i));
  uv_loop_t loop;
  sink_t sink;
  sink_t next;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  leaves[_i % NLEAVES](&sink);
  sink_start(&next, &loop, ch);
  settle(&loop);
  ck_assert_uint_eq(next.values, 1);
  ck_assert_uint_eq(next.ends, 1);
  sink_close(&next);
  leave_finish(&loop, &sink);
  uvchan_release(ch);
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
