/* SPDX-License-Identifier: MIT */
/* What nobody uses costs nothing: no turns of the loop, no thread, no descriptor, no timer. */
#include <dirent.h>

#include "scene.h"

#define CROWD 1000

static uvchan_t* chs[CROWD];
static sink_t sinks[CROWD];

static void crowd_open(uv_loop_t* loop) {
  int i;
  for (i = 0; i < CROWD; i++) {
    chs[i] = support_channel(8, support_capacities[i % SUPPORT_NCAPACITIES]);
    sink_start(&sinks[i], loop, chs[i]);
  }
}

static void crowd_close(uv_loop_t* loop) {
  int i;
  for (i = 0; i < CROWD; i++) {
    sink_close(&sinks[i]);
    uvchan_release(chs[i]);
  }
  support_loop_finish(loop);
}

/* How many entries a directory of /proc has, or 0 where the system has no such thing. Wine shows a
 * program of Windows those of its host, where Wine itself has threads and descriptors that come and
 * go. */
static unsigned int entries_of(const char* path) {
  unsigned int n = 0;
#ifdef _WIN32
  DIR* dir = NULL;
#else
  DIR* dir = opendir(path);
#endif
  (void)path;
  if (dir == NULL) return 0;
  while (readdir(dir) != NULL) n++;
  closedir(dir);
  return n;
}

START_TEST(a_thousand_started_receivers_need_no_thread_and_no_descriptor_each) {
  uv_loop_t loop;
  uvchan_t* ch = support_channel(8, 1);
  sink_t first;
  unsigned int threads;
  unsigned int descriptors;

  support_loop_open(&loop);
  threads = entries_of("/proc/self/task");
  sink_start(&first, &loop, ch);
  settle(&loop);
  descriptors = entries_of("/proc/self/fd");
  crowd_open(&loop);
  settle(&loop);
  ck_assert_uint_eq(entries_of("/proc/self/task"), threads);
  ck_assert_uint_eq(entries_of("/proc/self/fd"), descriptors);
  ck_assert_uint_eq(count_handles(&loop, UV_TIMER), 1); /* the hub's, and it is not active */
  ck_assert_int_eq(uv_backend_timeout(&loop), -1);
  sink_close(&first);
  crowd_close(&loop);
  uvchan_release(ch);
}
END_TEST

static unsigned int turns_taken;

static void count_turn(uv_prepare_t* prepare) {
  (void)prepare;
  turns_taken++;
}

static void end_the_run(uv_timer_t* timer) { uv_stop(timer->loop); }

/* The loop sleeps until its timer: a library that polls would show in the number of turns. */
static void check_that_it_sleeps(uv_loop_t* loop) {
  uv_prepare_t prepare;
  uv_timer_t timer;

  must(uv_prepare_init(loop, &prepare) == 0);
  must(uv_timer_init(loop, &timer) == 0);
  must(uv_prepare_start(&prepare, count_turn) == 0);
  settle(loop);
  turns_taken = 0;
  ck_assert_int_eq(uv_backend_timeout(loop), -1);
  must(uv_timer_start(&timer, end_the_run, 30, 0) == 0);
  uv_run(loop, UV_RUN_DEFAULT);
  ck_assert_uint_le(turns_taken, 4);
  uv_close((uv_handle_t*)&prepare, NULL);
  uv_close((uv_handle_t*)&timer, NULL);
  settle(loop);
}

START_TEST(a_loop_with_a_thousand_started_receivers_sleeps) {
  uv_loop_t loop;

  support_loop_open(&loop);
  crowd_open(&loop);
  check_that_it_sleeps(&loop);
  crowd_close(&loop);
}
END_TEST

START_TEST(a_loop_sleeps_again_after_its_values_are_delivered) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;
  uint64_t i;

  sink_start(&sink, &scene.loop, ch);
  for (i = 0; i < 20; i++) {
    ck_assert_int_eq(try_send(ch, i), 0);
    run_until(&scene.loop, sink.values == i + 1);
  }
  check_that_it_sleeps(&scene.loop);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(a_loop_with_pending_requests_sleeps) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_waitgroup_t wg;
  recv_op_t recv;
  select_op_t select;
  notify_op_t notify;

  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), 0);
  recv_op(&recv, &scene.loop, ch);
  select_case(&select, 0, ch, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 1);
  notify_op(&notify, &scene.loop, &wg);
  check_that_it_sleeps(&scene.loop);
  ck_assert_int_eq(cancel_op(&recv), 0);
  ck_assert_int_eq(cancel_op(&select), 0);
  ck_assert_int_eq(cancel_op(&notify), 0);
  scene_finish_loop();
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

START_TEST(a_loop_whose_receiver_is_stopped_beside_a_full_channel_sleeps) {
  uvchan_t* ch = scene_channel(3);
  sink_t sink;
  send_op_t send;
  uint64_t i;

  sink_start(&sink, &scene.loop, ch);
  for (i = 0; i < 3; i++) ck_assert_int_eq(try_send(ch, i), 0);
  send_op(&send, &scene.loop, ch, 3);
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  check_that_it_sleeps(&scene.loop);
  ck_assert_uint_eq(sink.calls, 0);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
  run_until(&scene.loop, sink.values == 4);
  ck_assert_int_eq(send.status, 0);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(after_the_end_the_loop_sleeps) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_t* other = scene_channel(1);
  sink_t sink;
  sink_t alive;

  sink_start(&sink, &scene.loop, ch);
  sink_start(&alive, &scene.loop, other);
  ck_assert_int_eq(uvchan_close(ch), 0);
  run_until(&scene.loop, sink.ends == 1);
  check_that_it_sleeps(&scene.loop);
  ck_assert_uint_eq(sink.ends, 1);
  sink_close(&sink);
  sink_close(&alive);
  scene_finish();
}
END_TEST

int main(void) {
  Suite* suite = suite_create("idle");
  TCase* costs = support_tcase(suite, "costs");
  TCase* sleeps = scene_tcase(suite, "sleeps");

  tcase_add_test(costs, a_thousand_started_receivers_need_no_thread_and_no_descriptor_each);

  tcase_add_test(sleeps, a_loop_with_a_thousand_started_receivers_sleeps);
  tcase_add_loop_test(sleeps, a_loop_sleeps_again_after_its_values_are_delivered, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(sleeps, a_loop_with_pending_requests_sleeps, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(sleeps, a_loop_whose_receiver_is_stopped_beside_a_full_channel_sleeps);
  tcase_add_loop_test(sleeps, after_the_end_the_loop_sleeps, 0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}
