/* SPDX-License-Identifier: MIT */
/* How spinning ends: the receiver is stopped or closed, its loop ends, its time is over, or is set
 * anew. */
#include "spinner.h"

/* ---- Stop and close -------------------------------------------------------------------------- */

START_TEST(stop_ends_the_spinning_and_no_callback_comes_after_it) {
  spinner_t spinner;
  recv_op_t keeps_alive;
  uvchan_t* other = scene_channel(1);

  spinner_open(&spinner, capacity_of(_i));
  if (_i >= SUPPORT_NCAPACITIES) ck_assert_int_eq(try_send(spinner.ch, 1), 0);
  ck_assert_int_eq(uvchan_recv_stop(&spinner.sink.handle), 0);
  ck_assert(!uv_loop_alive(&scene.loop));
  scene_run();
  recv_op(&keeps_alive, &scene.loop, other);
  settle(&scene.loop);
  ck_assert(!is_awake(&scene.loop));
  ck_assert_uint_eq(spinner.sink.calls, 1);
  ck_assert_int_eq(cancel_op(&keeps_alive), 0);
  scene_run();
  ck_assert_int_eq(uvchan_recv_start(&spinner.sink.handle, sink_on_value), 0);
  if (_i < SUPPORT_NCAPACITIES) ck_assert_int_eq(try_send(spinner.ch, 1), 0);
  run_until(&scene.loop, spinner.sink.values == 2);
  ck_assert(is_awake(&scene.loop));
  spinner_close(&spinner);
}
END_TEST

START_TEST(close_ends_the_spinning_and_the_loop) {
  spinner_t spinner;

  spinner_open(&spinner, capacity_of(_i));
  if (_i >= SUPPORT_NCAPACITIES) ck_assert_int_eq(try_send(spinner.ch, 1), 0);
  sink_close(&spinner.sink);
  scene_run();
  ck_assert_uint_eq(spinner.sink.calls, 1);
  ck_assert_uint_eq(spinner.sink.closes, 1);
  scene_finish();
}
END_TEST

static void end_from_timer(uv_timer_t* timer) {
  sink_t* sink = timer->data;
  if (sink->last == 0) {
    sink_close(sink);
  } else {
    must(uvchan_recv_stop(&sink->handle) == 0);
  }
  uv_close((uv_handle_t*)timer, NULL);
}

/* In a run that nothing else would end. */
START_TEST(a_timer_that_stops_or_closes_it_lets_the_run_return) {
  spinner_t spinner;
  uv_timer_t timer;

  spinner_open(&spinner, capacity_of(_i));
  spinner.sink.last = _i < SUPPORT_NCAPACITIES;
  ck_assert_int_eq(uv_timer_init(&scene.loop, &timer), 0);
  timer.data = &spinner.sink;
  ck_assert_int_eq(uv_timer_start(&timer, end_from_timer, 5, 0), 0);
  scene_run();
  ck_assert_uint_eq(spinner.sink.calls, 1);
  if (_i < SUPPORT_NCAPACITIES) sink_close(&spinner.sink);
  scene_finish();
  ck_assert_uint_eq(spinner.sink.closes, 1);
}
END_TEST

START_TEST(its_own_callback_may_stop_or_close_it) {
  uvchan_t* ch = scene_channel(capacity_of(_i));
  int closes = _i < SUPPORT_NCAPACITIES;
  source_t source = {.ch = ch, .count = 100};
  uv_thread_t thread;
  sink_t sink;

  sink_start_spinning(&sink, &scene.loop, ch, LONG);
  if (closes) {
    sink.close_after = 100;
  } else {
    sink.stop_after = 100;
  }
  support_start(&thread, send_at_random, &source);
  scene_run();
  support_join(&thread);
  ck_assert_uint_eq(sink.values, 100);
  ck_assert_uint_eq(sink.calls, 100);
  if (!closes) sink_close(&sink);
  scene_finish_loop();
  ck_assert_uint_eq(sink.closes, 1);
}
END_TEST

START_TEST(an_unreferenced_spinning_receiver_does_not_keep_the_loop_alive) {
  spinner_t spinner;
  uv_timer_t timer;
  unsigned int fired = 0;

  spinner_open(&spinner, capacity_of(_i));
  uvchan_receiver_unref(&spinner.sink.handle);
  ck_assert(!uv_loop_alive(&scene.loop));
  scene_run();
  ck_assert_int_eq(uv_timer_init(&scene.loop, &timer), 0);
  timer.data = &fired;
  ck_assert_int_eq(uv_timer_start(&timer, count_timer, 2, 0), 0);
  ck_assert_int_eq(try_send(spinner.ch, 1), 0);
  scene_run();
  ck_assert_uint_eq(fired, 1);
  ck_assert_uint_eq(spinner.sink.values, 2);
  uv_close((uv_handle_t*)&timer, NULL);
  spinner_close(&spinner);
}
END_TEST

static void close_by_stranger(uv_handle_t* handle, void* arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

START_TEST(a_stranger_who_closes_every_handle_ends_the_spinning) {
  spinner_t spinner;

  spinner_open(&spinner, capacity_of(_i));
  uv_walk(&scene.loop, close_by_stranger, NULL);
  scene_run();
  ck_assert_int_eq(try_send(spinner.ch, 1), 0);
  ck_assert_uint_eq(spinner.sink.calls, 1);
  spinner_close(&spinner);
}
END_TEST

/* ---- When it is over ------------------------------------------------------------------------- */

START_TEST(a_time_of_0_ends_the_spinning) {
  spinner_t spinner;

  spinner_open(&spinner, capacity_of(_i));
  ck_assert_int_eq(uvchan_receiver_set_spin(&spinner.sink.handle, 0), 0);
  settle(&scene.loop);
  ck_assert(!is_awake(&scene.loop));
  ck_assert_int_eq(try_send(spinner.ch, 1), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(spinner.sink.values, 2);
  ck_assert(!is_awake(&scene.loop));
  spinner_close(&spinner);
}
END_TEST

START_TEST(a_shorter_time_ends_the_spinning_too) {
  spinner_t spinner;

  spinner_open(&spinner, capacity_of(_i));
  ck_assert_int_eq(uvchan_receiver_set_spin(&spinner.sink.handle, 1), 0);
  run_until_asleep(&scene.loop);
  spinner_close(&spinner);
}
END_TEST

/* Longer spinning for an earlier value does not come back with a shorter one for none. */
START_TEST(a_time_that_was_set_back_to_0_leaves_nothing_behind) {
  spinner_t spinner;

  spinner_open(&spinner, capacity_of(_i));
  ck_assert_int_eq(uvchan_receiver_set_spin(&spinner.sink.handle, 0), 0);
  run_until_asleep(&scene.loop);
  ck_assert_int_eq(uvchan_receiver_set_spin(&spinner.sink.handle, 1), 0);
  ck_assert_int_eq(uvchan_recv_stop(&spinner.sink.handle), 0);
  ck_assert_int_eq(uvchan_recv_start(&spinner.sink.handle, sink_on_value), 0);
  run_until_asleep(&scene.loop);
  spinner_close(&spinner);
}
END_TEST

static void set_spin_by_value(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_on_value(receiver, status, value);
  must(uvchan_receiver_set_spin(receiver, ((sink_t*)receiver)->values % 2 == 1 ? LONG : 0) == 0);
}

START_TEST(the_callback_may_begin_and_end_the_spinning) {
  uvchan_t* ch = scene_channel(capacity_of(_i));
  sink_t sink;
  uint64_t i;

  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, set_spin_by_value), 0);
  for (i = 0; i < 6; i++) {
    ck_assert_int_eq(try_send(ch, i), 0);
    settle(&scene.loop);
    ck_assert_uint_eq(sink.values, i + 1);
    ck_assert_int_eq(is_awake(&scene.loop), i % 2 == 0);
  }
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(before_its_first_value_it_does_not_spin) {
  uvchan_t* ch = scene_channel(capacity_of(_i));
  sink_t sink;

  sink_start_spinning(&sink, &scene.loop, ch, LONG);
  settle(&scene.loop);
  ck_assert(!is_awake(&scene.loop));
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(it_spins_whatever_its_budget_is) {
  static const unsigned int budgets[] = {1, 2, 3, 1000};
  uvchan_t* ch = scene_channel(_i % 2 == 0 ? 16 : UVCHAN_UNBOUNDED);
  sink_t sink;
  uint64_t i;

  sink_start_spinning(&sink, &scene.loop, ch, LONG);
  ck_assert_int_eq(uvchan_receiver_set_budget(&sink.handle, budgets[_i / 2]), 0);
  for (i = 0; i < 6; i++) ck_assert_int_eq(try_send(ch, i), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 6);
  ck_assert(is_awake(&scene.loop));
  sink_close(&sink);
  scene_finish();
}
END_TEST

static void count_turn(uv_prepare_t* prepare) { ++*(unsigned int*)prepare->data; }

static void end_the_run(uv_timer_t* timer) { uv_stop(timer->loop); }

/* After its time the loop sleeps until its timer: a few turns, and not thousands. */
START_TEST(when_its_time_is_over_the_loop_sleeps_and_is_woken_again) {
  uvchan_t* ch = scene_channel(capacity_of(_i));
  uv_prepare_t prepare;
  uv_timer_t timer;
  unsigned int turns, spin = _i < SUPPORT_NCAPACITIES ? 1 : 2000;
  source_t source = {.ch = ch, .count = 1};
  uv_thread_t thread;
  sink_t sink;

  ck_assert_int_eq(uv_prepare_init(&scene.loop, &prepare), 0);
  ck_assert_int_eq(uv_timer_init(&scene.loop, &timer), 0);
  prepare.data = &turns;
  ck_assert_int_eq(uv_prepare_start(&prepare, count_turn), 0);
  sink_start_spinning(&sink, &scene.loop, ch, spin);
  for (; source.first < 5; source.first++) {
    support_start(&thread, send_at_random, &source);
    run_until(&scene.loop, sink.values == source.first + 1);
    support_join(&thread);
    run_until_asleep(&scene.loop);
    turns = 0;
    ck_assert_int_eq(uv_timer_start(&timer, end_the_run, 20, 0), 0);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    ck_assert_uint_le(turns, 4);
  }
  uv_close((uv_handle_t*)&prepare, NULL);
  uv_close((uv_handle_t*)&timer, NULL);
  sink_close(&sink);
  scene_finish();
}
END_TEST

typedef struct {
  uvchan_t* ch;
  uint64_t count;
  atomic_uint_fast64_t seen;
} knocker_t;

static void knock(void* arg) {
  knocker_t* knocker = arg;
  uint32_t random = 7;
  uint64_t i;
  for (i = 0; i < knocker->count; i++) {
    must(uvchan_send_wait(knocker->ch, &i) == 0);
    support_await(atomic_load(&knocker->seen) == i + 1);
    support_spin(support_random(&random) % 60000);
  }
}

static void on_knock(uvchan_receiver_t* receiver, int status, const void* value) {
  knocker_t* knocker = receiver->data;
  sink_on_value(receiver, status, value);
  atomic_fetch_add(&knocker->seen, 1);
}

/* Each value comes about when the spinning for the one before ends; one that is overlooked then
 * leaves both sides waiting. */
START_TEST(a_value_that_comes_just_as_the_spinning_ends_is_delivered) {
  knocker_t knocker = {.ch = support_channel(8, capacity_of(_i)),
                       .count = (uint64_t)support_count(1000)};
  uv_thread_t thread;
  sink_t sink;

  sink_init(&sink, &scene.loop, knocker.ch);
  sink.handle.data = &knocker;
  sink.close_after = knocker.count;
  ck_assert_int_eq(uvchan_receiver_set_spin(&sink.handle, _i < SUPPORT_NCAPACITIES ? 9 : 25), 0);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, on_knock), 0);
  support_start(&thread, knock, &knocker);
  scene_finish_loop();
  support_join(&thread);
  ck_assert_uint_eq(sink.values, knocker.count);
  uvchan_release(knocker.ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("spin-ends");
  TCase* stops = scene_tcase(suite, "stops");
  TCase* over = scene_tcase(suite, "over");
  TCase* anew = scene_tcase(suite, "anew");
  const int kinds = SUPPORT_NCAPACITIES;

  tcase_add_loop_test(stops, stop_ends_the_spinning_and_no_callback_comes_after_it, 0, 2 * kinds);
  tcase_add_loop_test(stops, close_ends_the_spinning_and_the_loop, 0, 2 * kinds);
  tcase_add_loop_test(stops, a_timer_that_stops_or_closes_it_lets_the_run_return, 0, 2 * kinds);
  tcase_add_loop_test(stops, its_own_callback_may_stop_or_close_it, 0, 2 * kinds);
  tcase_add_loop_test(stops, an_unreferenced_spinning_receiver_does_not_keep_the_loop_alive, 0,
                      kinds);
  tcase_add_loop_test(stops, a_stranger_who_closes_every_handle_ends_the_spinning, 0, kinds);

  tcase_add_loop_test(over, before_its_first_value_it_does_not_spin, 0, kinds);
  tcase_add_loop_test(over, it_spins_whatever_its_budget_is, 0, 8);
  tcase_add_loop_test(over, when_its_time_is_over_the_loop_sleeps_and_is_woken_again, 0, 2 * kinds);
  tcase_add_loop_test(over, a_value_that_comes_just_as_the_spinning_ends_is_delivered, 0,
                      2 * kinds);

  tcase_add_loop_test(anew, a_time_of_0_ends_the_spinning, 0, kinds);
  tcase_add_loop_test(anew, a_shorter_time_ends_the_spinning_too, 0, kinds);
  tcase_add_loop_test(anew, a_time_that_was_set_back_to_0_leaves_nothing_behind, 0, kinds);
  tcase_add_loop_test(anew, the_callback_may_begin_and_end_the_spinning, 0, kinds);
  return support_main(suite);
}
