/* SPDX-License-Identifier: MIT */
/* Wait groups on a loop: the notify request, alone and beside threads. */
#include "scene.h"

START_TEST(a_notify_on_a_group_at_zero_calls_back_after_the_call) {
  uvchan_waitgroup_t wg;
  notify_op_t notify;

  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  notify_op(&notify, &scene.loop, &wg);
  ck_assert(uv_loop_alive(&scene.loop));
  ck_assert_int_eq(cancel_op(&notify), UV_EBUSY);
  scene_run();
  check_ended(&notify, 0);
  scene_finish_loop();
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

START_TEST(a_notify_waits_for_zero_and_keeps_the_loop_alive) {
  uvchan_waitgroup_t wg;
  notify_op_t notify;

  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 3), 0);
  notify_op(&notify, &scene.loop, &wg);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, -1), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(notify.calls, 0);
  ck_assert(uv_loop_alive(&scene.loop));
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), 0);
  ck_assert_uint_eq(notify.calls, 0);
  scene_run();
  check_ended(&notify, 0);
  scene_finish_loop();
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

START_TEST(a_count_below_zero_is_refused_and_wakes_nobody) {
  uvchan_waitgroup_t wg;
  notify_op_t notify;

  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 2), 0);
  notify_op(&notify, &scene.loop, &wg);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, -3), UV_EINVAL);
  settle(&scene.loop);
  ck_assert_uint_eq(notify.calls, 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, -2), 0);
  scene_run();
  ck_assert_uint_eq(notify.calls, 1);
  scene_finish_loop();
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

#define MANY 50

START_TEST(all_notifies_of_a_group_call_back_once) {
  uvchan_waitgroup_t wg;
  uv_loop_t loops[2];
  notify_op_t notifies[MANY];
  int i;

  for (i = 0; i < 2; i++) support_loop_open(&loops[i]);
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), 0);
  for (i = 0; i < MANY; i++) notify_op(&notifies[i], &loops[i % 2], &wg);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), 0);
  for (i = 0; i < 2; i++) support_loop_finish(&loops[i]);
  for (i = 0; i < MANY; i++) check_ended(&notifies[i], 0);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

typedef struct {
  uvchan_waitgroup_t wg;
  atomic_uint work; /* done before each uvchan_waitgroup_done() */
  atomic_uint woken;
} crew_t;

static void work(void* arg) {
  crew_t* crew = arg;
  atomic_fetch_add_explicit(&crew->work, 1, memory_order_relaxed);
  must(uvchan_waitgroup_done(&crew->wg) == 0);
}

static void wait_for_the_crew(void* arg) {
  crew_t* crew = arg;
  must(uvchan_waitgroup_wait(&crew->wg) == 0);
  atomic_fetch_add(&crew->woken, 1);
}

#define CREW 10

START_TEST(the_last_of_several_threads_wakes_the_loop_and_the_waiting_thread) {
  crew_t crew;
  uv_thread_t threads[CREW];
  uv_thread_t waiter;
  notify_op_t notify;
  int i;

  atomic_init(&crew.work, 0);
  atomic_init(&crew.woken, 0);
  ck_assert_int_eq(uvchan_waitgroup_init(&crew.wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&crew.wg, CREW), 0);
  notify_op(&notify, &scene.loop, &crew.wg);
  support_start(&waiter, wait_for_the_crew, &crew);
  for (i = 0; i < CREW; i++) support_start(&threads[i], work, &crew);
  scene_run();
  ck_assert_uint_eq(notify.calls, 1);
  ck_assert_uint_eq(atomic_load_explicit(&crew.work, memory_order_relaxed), CREW);
  support_join(&waiter);
  ck_assert_uint_eq(atomic_load(&crew.woken), 1);
  for (i = 0; i < CREW; i++) support_join(&threads[i]);
  scene_finish_loop();
  uvchan_waitgroup_destroy(&crew.wg);
}
END_TEST

typedef struct {
  uvchan_notify_t req;
  uvchan_waitgroup_t* wg;
  unsigned int rounds;
} again_t;

static void notified_again(uvchan_notify_t* req, int status) {
  again_t* again = (again_t*)req;
  must(status == 0);
  if (++again->rounds == 20) return;
  must(uvchan_waitgroup_add(again->wg, 1) == 0);
  must(uvchan_waitgroup_notify(req->loop, req, again->wg, notified_again) == 0);
  must(uvchan_waitgroup_done(again->wg) == 0);
}

START_TEST(a_group_and_its_request_may_be_used_again_in_the_callback) {
  uvchan_waitgroup_t wg;
  again_t again;

  memset(&again, 0, sizeof(again));
  again.wg = &wg;
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_notify(&scene.loop, &again.req, &wg, notified_again), 0);
  scene_run();
  ck_assert_uint_eq(again.rounds, 20);
  scene_finish_loop();
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

static void destroy_the_group(uvchan_notify_t* req, int status) {
  notify_op_t* op = (notify_op_t*)req;
  notify_op_done(req, status);
  uvchan_waitgroup_destroy(op->req.data);
  memset(op->req.data, 0x5a, sizeof(uvchan_waitgroup_t));
}

/* The thread that brings a group to zero touches it no more once the notify has called back: the
 * callback may take its memory away. */
START_TEST(the_callback_may_destroy_the_group) {
  crew_t crew;
  uv_loop_t loop;
  uv_thread_t thread;
  notify_op_t notify;
  int round;

  for (round = 0; round < support_count(300); round++) {
    support_loop_open(&loop);
    memset(&notify, 0, sizeof(notify));
    notify.req.data = &crew.wg;
    atomic_init(&crew.work, 0);
    ck_assert_int_eq(uvchan_waitgroup_init(&crew.wg), 0);
    ck_assert_int_eq(uvchan_waitgroup_add(&crew.wg, 1), 0);
    ck_assert_int_eq(uvchan_waitgroup_notify(&loop, &notify.req, &crew.wg, destroy_the_group), 0);
    support_start(&thread, work, &crew);
    support_loop_finish(&loop);
    support_join(&thread);
    ck_assert_uint_eq(notify.calls, 1);
  }
}
END_TEST

START_TEST(a_notify_closes_a_channel_when_all_is_done) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_waitgroup_t wg;
  notify_op_t notify;
  sink_t sink;
  uint64_t i;

  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  sink_start(&sink, &scene.loop, ch);
  sink.close_at_end = 1;
  for (i = 0; i < 5; i++) {
    ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), 0);
    ck_assert_int_eq(try_send(ch, i), 0);
    settle(&scene.loop);
    ck_assert_uint_eq(sink.values, i + 1);
  }
  notify_op(&notify, &scene.loop, &wg);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, -5), 0);
  run_until(&scene.loop, notify.calls == 1);
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_finish_loop();
  ck_assert_uint_eq(sink.ends, 1);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

START_TEST(null_is_refused) {
  uvchan_waitgroup_t wg;
  uv_loop_t loop;
  notify_op_t notify;

  support_loop_open(&loop);
  memset(&notify, 0, sizeof(notify));
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_notify(NULL, &notify.req, &wg, notify_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_waitgroup_notify(&loop, NULL, &wg, notify_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_waitgroup_notify(&loop, &notify.req, NULL, notify_op_done), UV_EINVAL);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  ck_assert_uint_eq(notify.calls, 0);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("waitgroup-loop");
  TCase* notify = scene_tcase(suite, "notify");

  tcase_add_test(notify, a_notify_on_a_group_at_zero_calls_back_after_the_call);
  tcase_add_test(notify, a_notify_waits_for_zero_and_keeps_the_loop_alive);
  tcase_add_test(notify, a_count_below_zero_is_refused_and_wakes_nobody);
  tcase_add_test(notify, all_notifies_of_a_group_call_back_once);
  tcase_add_test(notify, the_last_of_several_threads_wakes_the_loop_and_the_waiting_thread);
  tcase_add_test(notify, a_group_and_its_request_may_be_used_again_in_the_callback);
  tcase_add_test(notify, the_callback_may_destroy_the_group);
  tcase_add_loop_test(notify, a_notify_closes_a_channel_when_all_is_done, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(notify, null_is_refused);
  return support_main(suite);
}
