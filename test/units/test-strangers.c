/* SPDX-License-Identifier: MIT */
/* A stranger closes every handle of the loop, as programs do at their end: uv_walk() with
 * uv_close(handle, NULL). At whatever moment he comes, the loop ends, later sends are harmless, and
 * whoever still closes or cancels what is his is called back. */
#include "scene.h"
#include "world.h"

START_TEST(a_stranger_at_once_ends_the_run_and_all_can_be_closed_after_it) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  stranger(world.loop);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  ck_assert_uint_eq(count_handles(world.loop, UV_UNKNOWN_HANDLE), 0);
  world_close(&world);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

START_TEST(a_stranger_after_some_turns_ends_the_run_and_all_can_be_closed_after_it) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  settle(world.loop);
  stranger(world.loop);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  world_close(&world);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

START_TEST(what_is_closed_before_the_stranger_comes_calls_back) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  world_close(&world);
  stranger(world.loop);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

START_TEST(what_is_closed_right_after_the_stranger_calls_back) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  settle(world.loop);
  stranger(world.loop);
  world_close(&world);
  stranger(world.loop);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

/* What was decided for a request whose wake-up handle is gone is too late to cancel; the attempt
 * brings its callback all the same. */
START_TEST(sends_and_closes_after_the_stranger_are_harmless) {
  world_t world;
  uv_thread_t thread;

  world_open(&world, support_capacities[_i / 2]);
  settle(world.loop);
  stranger(world.loop);
  if (_i % 2 == 0) ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  support_start(&thread, use_in_a_thread, &world);
  support_join(&thread);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  world_close(&world);
  loop_finish(world.loop);
  ck_assert_uint_eq(world.sink.closes, 1);
  ck_assert_uint_eq(world.batch.closes, 1);
  check_all_called(&world);
  uvchan_release(world.in);
  uvchan_release(world.out);
}
END_TEST

static void stranger_inside(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_on_value(receiver, status, value);
  stranger(receiver->loop);
}

START_TEST(a_stranger_in_a_receive_callback_ends_the_run) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;
  sink_t other;

  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, stranger_inside), 0);
  sink_start(&other, &scene.loop, ch);
  sink.unordered = other.unordered = 1;
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_run();
  sink_close(&sink);
  sink_close(&other);
  scene_finish_loop();
  ck_assert_uint_eq(sink.closes + other.closes, 2);
}
END_TEST

static void stranger_in_timer(uv_timer_t* timer) { stranger(timer->loop); }

START_TEST(a_stranger_in_a_timer_beside_a_sending_thread_ends_the_run) {
  world_t world;
  uv_timer_t timer;
  uv_thread_t thread;

  world_open(&world, support_capacities[_i]);
  ck_assert_int_eq(uv_timer_init(world.loop, &timer), 0);
  ck_assert_int_eq(uv_timer_start(&timer, stranger_in_timer, 1, 0), 0);
  support_start(&thread, use_in_a_thread, &world);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  support_join(&thread);
  world_close(&world);
  loop_finish(world.loop);
  ck_assert_uint_eq(world.sink.closes, 1);
  ck_assert_uint_eq(world.batch.closes, 1);
  check_all_called(&world);
  uvchan_release(world.in);
  uvchan_release(world.out);
}
END_TEST

/* After the stranger the loop is as good as new, also while the old users are still there. */
START_TEST(new_users_after_the_stranger_are_served) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_t* old_ch = scene_channel(support_capacities[_i]);
  sink_t old;
  sink_t sink;

  sink_start(&old, &scene.loop, old_ch);
  settle(&scene.loop);
  stranger(&scene.loop);
  if (_i % 2 == 0) scene_run();
  sink_start(&sink, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  run_until(&scene.loop, sink.values == 1);
  sink_close(&old);
  sink_close(&sink);
  scene_finish_loop();
  ck_assert_uint_eq(old.closes, 1);
  ck_assert_uint_eq(sink.closes, 1);
}
END_TEST

START_TEST(values_of_receivers_that_a_stranger_took_away_stay_in_the_channel) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  settle(&scene.loop);
  ck_assert_int_eq(try_send(ch, 5), 0);
  stranger(&scene.loop);
  scene_run();
  sink.unordered = 1;
  sink_close(&sink);
  scene_finish_loop();
  if (sink.values == 0) ck_assert(takes(ch, 5));
  ck_assert_uint_eq(rest(ch).received, 1);
}
END_TEST

START_TEST(a_ticker_whose_timer_a_stranger_closed_answers_as_a_closing_one) {
  uvchan_t* ch = support_channel(8, 3);
  world_t world;

  memset(&world, 0, sizeof(world));
  world.loop = loop_new();
  ck_assert_int_eq(uvchan_ticker_init(world.loop, &world.ticker, ch), 0);
  world.ticker.data = &world;
  ck_assert_int_eq(uvchan_ticker_start(&world.ticker, 0, 1), 0);
  stranger(world.loop);
  ck_assert_int_eq(uvchan_ticker_start(&world.ticker, 0, 1), UV_EINVAL);
  ck_assert_int_eq(uvchan_ticker_stop(&world.ticker), 0);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  uvchan_ticker_close(&world.ticker, on_ticker_close);
  loop_finish(world.loop);
  ck_assert_uint_eq(world.ticker_closes, 1);
  ck_assert_uint_eq(uvchan_len(ch), 0);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("strangers");
  TCase* moments = support_tcase(suite, "moments");
  TCase* after = support_tcase(suite, "after");
  TCase* served = scene_tcase(suite, "served");

  tcase_add_loop_test(moments, a_stranger_at_once_ends_the_run_and_all_can_be_closed_after_it, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments,
                      a_stranger_after_some_turns_ends_the_run_and_all_can_be_closed_after_it, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, what_is_closed_before_the_stranger_comes_calls_back, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, what_is_closed_right_after_the_stranger_calls_back, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, a_stranger_in_a_timer_beside_a_sending_thread_ends_the_run, 0,
                      SUPPORT_NCAPACITIES);

  tcase_add_loop_test(after, sends_and_closes_after_the_stranger_are_harmless, 0,
                      2 * SUPPORT_NCAPACITIES);
  tcase_add_test(after, a_ticker_whose_timer_a_stranger_closed_answers_as_a_closing_one);

  tcase_add_loop_test(served, a_stranger_in_a_receive_callback_ends_the_run, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(served, new_users_after_the_stranger_are_served, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(served, values_of_receivers_that_a_stranger_took_away_stay_in_the_channel, 0,
                      SUPPORT_NCAPACITIES);
  return support_main(suite);
}
