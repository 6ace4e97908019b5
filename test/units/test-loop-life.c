/* SPDX-License-Identifier: MIT */
/* What keeps a loop alive and what does not, and what happens to channels whose loops end. */
#include <stdlib.h>

#include "scene.h"

START_TEST(only_a_started_and_referenced_receiver_keeps_the_loop_alive) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  ck_assert(!uv_loop_alive(&scene.loop));
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
  ck_assert(uv_loop_alive(&scene.loop));
  uvchan_receiver_unref(&sink.handle);
  uvchan_receiver_unref(&sink.handle);
  ck_assert(!uvchan_receiver_has_ref(&sink.handle));
  ck_assert(!uv_loop_alive(&scene.loop));
  scene_run();
  uvchan_receiver_ref(&sink.handle);
  ck_assert(uvchan_receiver_has_ref(&sink.handle));
  ck_assert(uv_loop_alive(&scene.loop));
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  ck_assert(!uv_loop_alive(&scene.loop));
  scene_run();
  ck_assert_int_eq(uv_loop_close(&scene.loop), UV_EBUSY);
  sink_close(&sink);
  ck_assert(uv_loop_alive(&scene.loop));
  scene_finish_loop();
  ck_assert_uint_eq(sink.closes, 1);
}
END_TEST

START_TEST(one_referenced_receiver_of_two_keeps_the_loop_alive) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sinks[2];

  sink_start(&sinks[0], &scene.loop, ch);
  sink_start(&sinks[1], &scene.loop, ch);
  uvchan_receiver_unref(&sinks[0].handle);
  ck_assert(uv_loop_alive(&scene.loop));
  uvchan_receiver_unref(&sinks[1].handle);
  ck_assert(!uv_loop_alive(&scene.loop));
  uvchan_receiver_ref(&sinks[0].handle);
  ck_assert(uv_loop_alive(&scene.loop));
  sink_close(&sinks[0]);
  scene_run();
  ck_assert_uint_eq(sinks[0].closes, 1);
  ck_assert_uint_eq(sinks[1].closes, 0);
  ck_assert(!uv_loop_alive(&scene.loop));
  sink_close(&sinks[1]);
  scene_finish();
}
END_TEST

START_TEST(a_receiver_that_reached_the_end_does_not_keep_the_loop_alive) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_close(ch), 0);
  ck_assert(uv_loop_alive(&scene.loop));
  scene_run();
  ck_assert_uint_eq(sink.ends, 1);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(a_pending_request_keeps_the_loop_alive) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  recv_op_t recv;

  recv_op(&recv, &scene.loop, ch);
  ck_assert(uv_loop_alive(&scene.loop));
  ck_assert_int_eq(uv_loop_close(&scene.loop), UV_EBUSY);
  ck_assert_int_eq(try_send(ch, 1), 0);
  ck_assert(uv_loop_alive(&scene.loop));
  scene_run();
  ck_assert_uint_eq(recv.calls, 1);
  scene_finish();
}
END_TEST

START_TEST(a_pending_request_keeps_the_loop_alive_beside_an_unreferenced_receiver) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_t* other = scene_channel(support_capacities[_i]);
  recv_op_t recv;
  sink_t sink;

  sink_start(&sink, &scene.loop, other);
  uvchan_receiver_unref(&sink.handle);
  ck_assert(!uv_loop_alive(&scene.loop));
  recv_op(&recv, &scene.loop, ch);
  ck_assert(uv_loop_alive(&scene.loop));
  ck_assert_int_eq(try_send(ch, 1), 0);
  scene_run();
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert(!uv_loop_alive(&scene.loop));
  sink_close(&sink);
  scene_finish();
}
END_TEST

static void send_zero(void* arg) {
  uint64_t number = 0;
  must(uvchan_send_wait(arg, &number) == 0);
}

static void on_idle_turn(uv_prepare_t* prepare) { (void)prepare; }

START_TEST(an_unreferenced_receiver_is_served_while_the_loop_runs) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uv_thread_t thread;
  uv_prepare_t prepare;
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  uvchan_receiver_unref(&sink.handle);
  ck_assert_int_eq(uv_prepare_init(&scene.loop, &prepare), 0);
  ck_assert_int_eq(uv_prepare_start(&prepare, on_idle_turn), 0);
  support_start(&thread, send_zero, ch);
  run_until(&scene.loop, sink.values == 1);
  support_join(&thread);
  uv_close((uv_handle_t*)&prepare, NULL);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(what_was_sent_to_an_unreferenced_receiver_is_not_lost) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uv_thread_t thread;
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  uvchan_receiver_unref(&sink.handle);
  support_start(&thread, send_zero, ch);
  support_join(&thread);
  scene_run();
  uvchan_receiver_ref(&sink.handle);
  run_until(&scene.loop, sink.values == 1);
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_run();
  ck_assert_uint_eq(sink.ends, 1);
  sink_close(&sink);
  scene_finish();
}
END_TEST

static void run_and_finish(void* arg) { support_loop_finish(arg); }

START_TEST(a_loop_set_up_on_one_thread_may_run_on_another) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uvchan_t* other = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  uv_thread_t thread;
  sink_t sink;
  recv_op_t recv;
  uint64_t i;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  sink.close_at_end = 1;
  recv_op(&recv, &loop, other);
  support_start(&thread, run_and_finish, &loop);
  for (i = 0; i < 50; i++) must(uvchan_send_wait(ch, &i) == 0);
  must(uvchan_send_wait(other, &i) == 0);
  must(uvchan_close(ch) == 0);
  support_join(&thread);
  ck_assert_uint_eq(sink.values, 50);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert_uint_eq(recv.value, 50);
  uvchan_release(ch);
  uvchan_release(other);
}
END_TEST

/* The sends before the run come from the thread that set the loop up, which is not the thread that
 * runs it later. */
START_TEST(what_was_sent_before_another_thread_runs_the_loop_is_delivered) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  uv_thread_t thread;
  sink_t sink;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  sink.close_after = 1;
  settle(&loop);
  ck_assert_int_eq(try_send(ch, 0), 0);
  support_start(&thread, run_and_finish, &loop);
  support_join(&thread);
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_uint_eq(sink.closes, 1);
  uvchan_release(ch);
}
END_TEST

static atomic_int about_to_sleep;

static void note_sleep(uv_prepare_t* prepare) {
  (void)prepare;
  atomic_store(&about_to_sleep, 1);
}

static void run_until_one_came(void* arg) {
  sink_t* sink = arg;
  uint64_t before = sink->values;
  run_until(sink->handle.loop, sink->values != before);
}

/* The first thread has run the loop itself, so that the library knows it as the loop's own; then it
 * is any other. */
START_TEST(a_loop_that_moved_to_another_thread_is_woken_by_the_first) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uv_prepare_t prepare;
  uv_thread_t thread;
  sink_t sink;
  uint64_t i;

  ck_assert_int_eq(uv_prepare_init(&scene.loop, &prepare), 0);
  /* before the library's own, and so run after it */
  ck_assert_int_eq(uv_prepare_start(&prepare, note_sleep), 0);
  sink_start(&sink, &scene.loop, ch);
  for (i = 0; i < 10; i++) {
    settle(&scene.loop);
    atomic_store(&about_to_sleep, 0);
    support_start(&thread, run_until_one_came, &sink);
    support_await(atomic_load(&about_to_sleep));
    ck_assert_int_eq(try_send(ch, i), 0);
    support_join(&thread);
    ck_assert_uint_eq(sink.values, i + 1);
  }
  uv_close((uv_handle_t*)&prepare, NULL);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(sends_after_the_receiver_and_its_loop_are_gone_are_harmless) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t* loop = malloc(sizeof(*loop));
  sink_t* sink = malloc(sizeof(*sink));
  uint64_t i;

  ck_assert_ptr_nonnull(loop);
  ck_assert_ptr_nonnull(sink);
  support_loop_open(loop);
  sink_start(sink, loop, ch);
  settle(loop);
  sink_close(sink);
  support_loop_finish(loop);
  free(sink);
  free(loop);
  for (i = 0; i < 5; i++)
    ck_assert_int_eq(try_send(ch, i), i < support_capacities[_i] ? 0 : UV_EAGAIN);
  ck_assert_int_eq(uvchan_close(ch), 0);
  uvchan_release(ch);
}
END_TEST

typedef struct {
  uvchan_t* ch;
  uint64_t sent;
  atomic_int stop;
} flood_t;

static void flood(void* arg) {
  flood_t* source = arg;
  while (!atomic_load(&source->stop)) {
    int status = uvchan_send_timedwait(source->ch, &source->sent, 100000);
    must(status == 0 || status == UV_ETIMEDOUT);
    if (status == 0) source->sent++;
  }
}

/* Each round opens a loop and a receiver, takes some values and closes both, while a thread keeps
 * sending. */
START_TEST(a_send_that_races_with_the_close_of_receiver_and_loop_loses_nothing) {
  flood_t source = {support_channel(8, support_capacities[_i]), 0, 0};
  int rounds = support_count(300);
  uv_thread_t thread;
  uint64_t received = 0;
  uint64_t value;
  int round;

  atomic_init(&source.stop, 0);
  support_start(&thread, flood, &source);
  for (round = 0; round < rounds; round++) {
    uv_loop_t loop;
    sink_t sink;
    support_loop_open(&loop);
    if (round % 2 == 0) {
      sink_start(&sink, &loop, source.ch);
    } else {
      sink_start_batch(&sink, &loop, source.ch);
    }
    sink.first = received;
    if (round % 3 != 0) run_until(&loop, sink.values != 0);
    sink_close(&sink);
    support_loop_finish(&loop);
    received += sink.values;
  }
  atomic_store(&source.stop, 1);
  support_join(&thread);
  ck_assert_int_eq(uvchan_close(source.ch), 0);
  while (uvchan_try_recv(source.ch, &value) == 0) must(value == received++);
  ck_assert_uint_eq(received, source.sent);
  ck_assert_uint_eq(rest(source.ch).received, received);
  uvchan_release(source.ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("loop-life");
  TCase* alive = scene_tcase(suite, "alive");
  TCase* threads = scene_tcase(suite, "threads");

  tcase_add_loop_test(alive, only_a_started_and_referenced_receiver_keeps_the_loop_alive, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(alive, one_referenced_receiver_of_two_keeps_the_loop_alive, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(alive, a_receiver_that_reached_the_end_does_not_keep_the_loop_alive, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(alive, a_pending_request_keeps_the_loop_alive, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(alive, a_pending_request_keeps_the_loop_alive_beside_an_unreferenced_receiver,
                      0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(alive, an_unreferenced_receiver_is_served_while_the_loop_runs, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(alive, what_was_sent_to_an_unreferenced_receiver_is_not_lost, 0,
                      SUPPORT_NCAPACITIES);

  tcase_add_loop_test(threads, a_loop_set_up_on_one_thread_may_run_on_another, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(threads, what_was_sent_before_another_thread_runs_the_loop_is_delivered, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(threads, a_loop_that_moved_to_another_thread_is_woken_by_the_first, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(threads, sends_after_the_receiver_and_its_loop_are_gone_are_harmless, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(threads, a_send_that_races_with_the_close_of_receiver_and_loop_loses_nothing,
                      0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}
