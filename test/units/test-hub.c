/* SPDX-License-Identifier: MIT */
/* One wake-up handle for each loop, however many users it has: made by the first, gone with the
 * last. */
#include "scene.h"

#define CROWD 1000

static uvchan_t* crowd_chs[CROWD];
static sink_t crowd[CROWD];

static void crowd_open(uv_loop_t* loop, int batches) {
  int i;
  for (i = 0; i < CROWD; i++) {
    crowd_chs[i] = support_channel(8, support_capacities[i % SUPPORT_NCAPACITIES]);
    if (batches) {
      sink_start_batch(&crowd[i], loop, crowd_chs[i]);
    } else {
      sink_start(&crowd[i], loop, crowd_chs[i]);
    }
  }
}

static void crowd_close(uv_loop_t* loop) {
  int i;
  for (i = 0; i < CROWD; i++) {
    sink_close(&crowd[i]);
    uvchan_release(crowd_chs[i]);
  }
  support_loop_finish(loop);
  for (i = 0; i < CROWD; i++) must(crowd[i].closes == 1);
}

START_TEST(a_thousand_receivers_share_one_async_handle) {
  uv_loop_t loop;

  support_loop_open(&loop);
  ck_assert_uint_eq(count_handles(&loop, UV_ASYNC), 0);
  crowd_open(&loop, 0);
  ck_assert_uint_eq(count_handles(&loop, UV_ASYNC), 1);
  crowd_close(&loop);
}
END_TEST

START_TEST(the_async_handle_goes_with_the_last_user_and_comes_with_the_next) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  recv_op_t recv;
  sink_t sinks[2];
  int round;

  support_loop_open(&loop);
  for (round = 0; round < 20; round++) {
    ck_assert_uint_eq(count_handles(&loop, UV_UNKNOWN_HANDLE), 0);
    sink_start(&sinks[0], &loop, ch);
    sink_init(&sinks[1], &loop, ch);
    recv_op(&recv, &loop, ch);
    ck_assert_uint_eq(count_handles(&loop, UV_ASYNC), 1);
    ck_assert_int_eq(cancel_op(&recv), 0);
    sink_close(&sinks[0]);
    settle(&loop);
    ck_assert_uint_eq(recv.calls, 1);
    ck_assert_uint_eq(count_handles(&loop, UV_ASYNC), 1);
    sink_close(&sinks[1]);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(sinks[1].closes, 1);
  }
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  uvchan_release(ch);
}
END_TEST

static void close_and_open_again(uvchan_receiver_t* receiver) {
  sink_t* sink = (sink_t*)receiver;
  uvchan_t* ch = receiver->channel;
  uv_loop_t* loop = receiver->loop;
  unsigned int closes = sink->closes + 1;
  if (closes < 10) {
    sink_start(sink, loop, ch);
    uvchan_receiver_close(&sink->handle, close_and_open_again);
  }
  sink->closes = closes;
}

START_TEST(a_receiver_may_be_opened_again_in_the_close_callback_of_the_last_one) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  uvchan_receiver_close(&sink.handle, close_and_open_again);
  scene_finish_loop();
  ck_assert_uint_eq(sink.closes, 10);
}
END_TEST

START_TEST(a_user_that_comes_while_the_handle_is_closing_is_served) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t first;
  sink_t second;

  sink_start(&first, &scene.loop, ch);
  sink_close(&first);
  sink_start(&second, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  run_until(&scene.loop, second.values == 1);
  ck_assert_uint_eq(first.calls, 0);
  sink_close(&second);
  scene_finish_loop();
  ck_assert_uint_eq(first.closes + second.closes, 2);
}
END_TEST

static void send_to_the_crowd(void* arg) {
  uint64_t i;
  (void)arg;
  for (i = 0; i < CROWD; i++) {
    uint64_t number = 0;
    must(uvchan_send_wait(crowd_chs[i], &number) == 0);
  }
}

static int crowd_has(uint64_t values) {
  uint64_t sum = 0;
  int i;
  for (i = 0; i < CROWD; i++) sum += crowd[i].values;
  return sum == values;
}

START_TEST(a_thousand_receivers_all_get_what_a_thread_sends) {
  uv_loop_t loop;
  uv_thread_t thread;

  support_loop_open(&loop);
  crowd_open(&loop, _i);
  support_start(&thread, send_to_the_crowd, NULL);
  run_until(&loop, crowd_has(CROWD));
  support_join(&thread);
  crowd_close(&loop);
}
END_TEST

START_TEST(a_thousand_receivers_all_get_the_end) {
  uv_loop_t loop;
  int i;

  support_loop_open(&loop);
  crowd_open(&loop, _i);
  for (i = 0; i < CROWD; i++) must(uvchan_close(crowd_chs[i]) == 0);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  for (i = 0; i < CROWD; i++) must(crowd[i].ends == 1 && crowd[i].end == UV_EOF);
  crowd_close(&loop);
}
END_TEST

/* A full wake-up for each value would show here: the thread has sent all before the loop turns. */
START_TEST(one_wake_up_is_enough_for_all_that_was_sent_while_the_loop_slept) {
  uvchan_t* ch = scene_channel(UVCHAN_UNBOUNDED);
  uv_thread_t thread;
  sink_t sink;
  int i;

  for (i = 0; i < CROWD; i++) crowd_chs[i] = ch;
  sink_start(&sink, &scene.loop, ch);
  sink.unordered = 1;
  settle(&scene.loop);
  support_start(&thread, send_to_the_crowd, NULL);
  support_join(&thread);
  ck_assert_uint_le(rest(ch).wakeups, 2);
  run_until(&scene.loop, sink.values == CROWD);
  sink_close(&sink);
  scene_finish();
}
END_TEST

typedef struct {
  uvchan_t* ch;
  uint64_t number;
} one_value_t;

static void send_one(void* arg) {
  one_value_t* one = arg;
  must(uvchan_send_wait(one->ch, &one->number) == 0);
}

START_TEST(one_turn_delivers_what_a_thread_sent_before_it) {
  uvchan_t* ch = scene_channel(support_capacities[_i % SUPPORT_NCAPACITIES]);
  uv_run_mode mode = _i < SUPPORT_NCAPACITIES ? UV_RUN_ONCE : UV_RUN_NOWAIT;
  one_value_t one = {ch, 0};
  uv_thread_t thread;
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  for (one.number = 0; one.number < 5; one.number++) {
    support_start(&thread, send_one, &one);
    support_join(&thread);
    ck_assert_int_ne(uv_run(&scene.loop, mode), 0);
    ck_assert_uint_eq(sink.values, one.number + 1);
  }
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(one_turn_delivers_what_its_own_thread_sent_before_it) {
  uvchan_t* ch = scene_channel(support_capacities[_i % SUPPORT_NCAPACITIES]);
  uv_run_mode mode = _i < SUPPORT_NCAPACITIES ? UV_RUN_ONCE : UV_RUN_NOWAIT;
  sink_t sink;
  uint64_t i;

  sink_start(&sink, &scene.loop, ch);
  for (i = 0; i < 5; i++) {
    ck_assert_int_eq(try_send(ch, i), 0);
    ck_assert_int_ne(uv_run(&scene.loop, mode), 0);
    ck_assert_uint_eq(sink.values, i + 1);
  }
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(receivers_of_two_loops_in_one_thread_do_not_mix) {
  uvchan_t* chs[2];
  uv_loop_t loops[2];
  sink_t sinks[2];
  int i;

  for (i = 0; i < 2; i++) {
    chs[i] = support_channel(8, support_capacities[_i]);
    support_loop_open(&loops[i]);
    sink_start(&sinks[i], &loops[i], chs[i]);
    ck_assert_int_eq(try_send(chs[i], 0), 0);
  }
  settle(&loops[1]);
  ck_assert_uint_eq(sinks[0].values, 0);
  ck_assert_uint_eq(sinks[1].values, 1);
  settle(&loops[0]);
  ck_assert_uint_eq(sinks[0].values, 1);
  for (i = 0; i < 2; i++) {
    sink_close(&sinks[i]);
    support_loop_finish(&loops[i]);
    uvchan_release(chs[i]);
  }
}
END_TEST

int main(void) {
  Suite* suite = suite_create("hub");
  TCase* handle = scene_tcase(suite, "handle");
  TCase* wake = scene_tcase(suite, "wake");

  tcase_add_test(handle, a_thousand_receivers_share_one_async_handle);
  tcase_add_loop_test(handle, the_async_handle_goes_with_the_last_user_and_comes_with_the_next, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(handle, a_receiver_may_be_opened_again_in_the_close_callback_of_the_last_one,
                      0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(handle, a_user_that_comes_while_the_handle_is_closing_is_served, 0,
                      SUPPORT_NCAPACITIES);

  tcase_add_loop_test(wake, a_thousand_receivers_all_get_what_a_thread_sends, 0, 2);
  tcase_add_loop_test(wake, a_thousand_receivers_all_get_the_end, 0, 2);
  tcase_add_test(wake, one_wake_up_is_enough_for_all_that_was_sent_while_the_loop_slept);
  tcase_add_loop_test(wake, one_turn_delivers_what_a_thread_sent_before_it, 0,
                      2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(wake, one_turn_delivers_what_its_own_thread_sent_before_it, 0,
                      2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(wake, receivers_of_two_loops_in_one_thread_do_not_mix, 0,
                      SUPPORT_NCAPACITIES);
  return support_main(suite);
}
