/* SPDX-License-Identifier: MIT */
/* The end of a pool: what waits, what waits for room, what has begun; on_closed after the last
 * on_done of all loops; and references that are given back in any order. _i is mostly the number of
 * threads and the capacity. */
#include <stdlib.h>

#include "scene.h"
#include "works.h"

#define NWORKS 64
#define LONG_MS 1000000 /* milliseconds: longer than any test */

static work_op_t ops[NWORKS];
static uvchan_pool_t* closed_pool;
static unsigned int closes;

static void on_closed(uvchan_pool_t* pool) {
  uvchan_pool_stats_t stats = pool_at_rest(pool);

  closed_pool = pool;
  closes++;
  must(stats.threads == 0);
}

static void begin_close(uvchan_pool_t* pool, uint64_t drain_ms) {
  closes = 0;
  ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, drain_ms, on_closed), 0);
  ck_assert_uint_eq(closes, 0);
}

static void finish_close(uvchan_pool_t* pool) {
  scene_run();
  ck_assert_uint_eq(closes, 1);
  ck_assert_ptr_eq(closed_pool, pool);
}

/* All threads are held, the pool is full, and two more wait for room. */
static uvchan_pool_t* busy_pool(gate_t* gate, unsigned int threads, size_t capacity) {
  uvchan_pool_t* pool = pool_new(threads, capacity);
  size_t i;

  gate_hold(gate, &scene.loop, pool, threads);
  for (i = 0; i < capacity + 2; i++) submit_work(&ops[i], &scene.loop, pool);
  return pool;
}

/* ---- What becomes of works ------------------------------------------------------------------- */

/* _i also: a limit that is never over, and none. */
START_TEST(what_waits_inside_is_done_and_what_waits_outside_is_not) {
  size_t capacity = shape_capacity(_i);
  gate_t gate;
  uvchan_pool_t* pool = busy_pool(&gate, shape_threads(_i), capacity);

  begin_close(pool, _i < POOL_NSHAPES ? LONG_MS : UINT64_MAX - (uint64_t)(_i % 2));
  run_until(&scene.loop, all_called(ops + capacity, 2));
  check_all_ended(ops + capacity, 2, UV_EPIPE);
  settle(&scene.loop);
  ck_assert_uint_eq(closes, 0);
  ck_assert_uint_eq(pool_stats(pool).waiting, capacity);
  gate_open(&gate);
  finish_close(pool);
  gate_finish(&gate, &scene.loop);
  check_all_ended(ops, capacity, 0);
  ck_assert_uint_eq(pool_at_rest(pool).closed, 2);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(with_no_time_nothing_more_begins) {
  size_t capacity = shape_capacity(_i);
  gate_t gate;
  uvchan_pool_t* pool = busy_pool(&gate, shape_threads(_i), capacity);
  size_t i;

  begin_close(pool, 0);
  run_until(&scene.loop, all_called(ops, capacity + 2));
  check_all_ended(ops, capacity, UV_ECANCELED);
  check_all_ended(ops + capacity, 2, UV_EPIPE);
  for (i = 0; i < capacity + 2; i++) ck_assert_uint_eq(atomic_load(&ops[i].begins), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(closes, 0); /* what has begun is waited for */
  gate_open(&gate);
  finish_close(pool);
  gate_finish(&gate, &scene.loop);
  ck_assert_uint_eq(pool_at_rest(pool).closed, capacity + 2);
  uvchan_pool_release(pool);
}
END_TEST

/* The limit passes while the gate is shut: whatever the clock says, what waits is not done. */
START_TEST(when_the_limit_is_over_what_waits_is_not_done) {
  size_t capacity = shape_capacity(_i);
  gate_t gate;
  uvchan_pool_t* pool = busy_pool(&gate, shape_threads(_i), capacity);

  begin_close(pool, 1);
  run_until(&scene.loop, all_called(ops, capacity + 2));
  check_all_ended(ops, capacity, UV_ECANCELED);
  check_all_ended(ops + capacity, 2, UV_EPIPE);
  ck_assert_uint_eq(closes, 0);
  gate_open(&gate);
  finish_close(pool);
  gate_finish(&gate, &scene.loop);
  uvchan_pool_release(pool);
}
END_TEST

/* Where all is done before the limit, it is over at once: LONG_MS would outlast the test. */
START_TEST(a_pool_without_works_closes_at_once) {
  static const uint64_t drains[] = {0, 1, LONG_MS, UINT64_MAX};
  uvchan_pool_t* pool = pool_new(shape_threads(_i), 1);

  if (_i % 2 == 0) {
    submit_work(&ops[0], &scene.loop, pool);
    scene_run();
  }
  begin_close(pool, drains[_i / 2 % 4]);
  finish_close(pool);
  ck_assert_uint_eq(uvchan_pool_room(pool), 0);
  uvchan_pool_release(pool);
}
END_TEST

/* The pool is gone when its limit would have been over. */
START_TEST(its_limit_goes_with_it) {
  uvchan_pool_t* other = pool_new(1, 1);
  uvchan_pool_t* pool = pool_new(1, 1);
  gate_t gate;

  gate_hold(&gate, &scene.loop, other, 1);
  begin_close(pool, 2);
  uvchan_pool_release(pool);
  run_until(&scene.loop, closes == 1);
  submit_work_ex(&ops[0], &scene.loop, other, UVCHAN_NORMAL, 4000000);
  run_until(&scene.loop, ops[0].calls == 1);
  check_ended(&ops[0], UV_ETIMEDOUT);
  gate_end(&gate, &scene.loop);
  uvchan_pool_release(other);
}
END_TEST

/* ---- Submissions after it -------------------------------------------------------------------- */

START_TEST(no_work_is_taken_after_it) {
  gate_t gate;
  uvchan_pool_t* pool = busy_pool(&gate, 1, 1);

  begin_close(pool, UINT64_MAX);
  ck_assert_int_eq(try_work(&ops[10], &scene.loop, pool), UV_EPIPE);
  submit_work(&ops[11], &scene.loop, pool);
  ck_assert_uint_eq(pool_stats(pool).refused, 0);
  run_until(&scene.loop, ops[11].calls == 1);
  check_ended(&ops[11], UV_EPIPE);
  gate_open(&gate);
  finish_close(pool);
  gate_finish(&gate, &scene.loop);
  ck_assert_int_eq(try_work(&ops[10], &scene.loop, pool), UV_EPIPE);
  submit_work(&ops[12], &scene.loop, pool);
  scene_run();
  check_ended(&ops[12], UV_EPIPE);
  ck_assert_uint_eq(closes, 1);
  ck_assert_uint_eq(ops[10].calls, 0);
  ck_assert_uint_eq(pool_at_rest(pool).submitted, 4);
  uvchan_pool_release(pool);
}
END_TEST

/* Another loop's. */
START_TEST(another_loop_gets_epipe_too) {
  uvchan_pool_t* pool = pool_new(2, 2);
  uv_loop_t loop;

  begin_close(pool, 0);
  support_loop_open(&loop);
  ck_assert_int_eq(try_work(&ops[0], &loop, pool), UV_EPIPE);
  if (_i == 1) finish_close(pool);
  submit_work(&ops[1], &loop, pool);
  if (_i == 2) ck_assert_int_eq(cancel_op(&ops[1]), UV_EBUSY);
  support_loop_finish(&loop);
  check_ended(&ops[1], UV_EPIPE);
  if (_i != 1) finish_close(pool);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- A second close -------------------------------------------------------------------------- */

static void never_closed(uvchan_pool_t* pool) {
  (void)pool;
  must(0);
}

START_TEST(a_second_close_with_no_time_hurries) {
  size_t capacity = shape_capacity(_i);
  gate_t gate;
  uvchan_pool_t* pool = busy_pool(&gate, shape_threads(_i), capacity);

  begin_close(pool, UINT64_MAX);
  ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, LONG_MS, never_closed), UV_EALREADY);
  settle(&scene.loop);
  ck_assert_uint_eq(pool_stats(pool).waiting, capacity);
  ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, 0, never_closed), UV_EALREADY);
  ck_assert_uint_eq(pool_stats(pool).waiting, 0);
  run_until(&scene.loop, all_called(ops, capacity));
  check_all_ended(ops, capacity, UV_ECANCELED);
  gate_open(&gate);
  finish_close(pool);
  gate_finish(&gate, &scene.loop);
  ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, 0, never_closed), UV_EALREADY);
  scene_run();
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(nobody_need_hear_of_the_end) {
  gate_t gate;
  uvchan_pool_t* pool = busy_pool(&gate, shape_threads(_i), shape_capacity(_i));

  ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, LONG_MS, NULL), 0);
  if (_i % 2 == 0) uvchan_pool_release(pool);
  gate_open(&gate);
  scene_run();
  check_all_ended(ops, shape_capacity(_i), 0);
  gate_finish(&gate, &scene.loop);
  if (_i % 2 == 1) ck_assert_uint_eq(pool_at_rest(pool).threads, 0);
  if (_i % 2 == 1) uvchan_pool_release(pool);
}
END_TEST

/* The close alone keeps its loop alive, and no longer than it has to. */
START_TEST(a_close_keeps_its_loop_alive) {
  uvchan_pool_t* pool = pool_new(1, 2);
  uv_loop_t loop;
  gate_t gate;

  support_loop_open(&loop);
  gate_hold(&gate, &loop, pool, 1);
  begin_close(pool, LONG_MS);
  settle(&scene.loop);
  ck_assert(uv_loop_alive(&scene.loop));
  ck_assert_int_eq(uv_loop_close(&scene.loop), UV_EBUSY);
  gate_open(&gate);
  support_loop_finish(&loop);
  finish_close(pool);
  ck_assert(!uv_loop_alive(&scene.loop));
  uvchan_waitgroup_destroy(&gate.wg);
  uvchan_pool_release(pool);
}
END_TEST

/* on_closed is called after the last on_done of another loop, which does not run until then. */
START_TEST(it_waits_for_the_callbacks_of_other_loops) {
  uvchan_pool_t* pool = pool_new(2, 4);
  uv_loop_t loop;
  int i;

  support_loop_open(&loop);
  for (i = 0; i < 3; i++) submit_work(&ops[i], &loop, pool);
  support_await(pool_stats(pool).done == 3);
  begin_close(pool, 0);
  settle(&scene.loop);
  support_await(pool_stats(pool).threads == 0);
  settle(&scene.loop);
  ck_assert_uint_eq(closes, 0);
  support_loop_finish(&loop);
  check_all_ended(ops, 3, 0);
  finish_close(pool);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- From a callback, and references --------------------------------------------------------- */

static uint64_t drain_in_callback;

static void close_in_callback(uvchan_work_t* work, int status) {
  work_op_done(work, status);
  begin_close(work->pool, drain_in_callback);
}

START_TEST(it_may_be_closed_in_a_callback) {
  uvchan_pool_t* pool = pool_new(1, 8);
  int i;

  drain_in_callback = _i == 0 ? 0 : UINT64_MAX;
  for (i = 0; i < 4; i++) {
    work_op_init(&ops[i]);
    ck_assert_int_eq(uvchan_pool_submit(&scene.loop, &ops[i].work, pool, work_op_run,
                                        i == 1 ? close_in_callback : work_op_done),
                     0);
  }
  support_await(pool_stats(pool).done == 4);
  finish_close(pool);
  check_all_ended(ops, 4, 0);
  uvchan_pool_release(pool);
}
END_TEST

static void release_in_callback(uvchan_work_t* work, int status) {
  uvchan_pool_t* pool = work->pool;

  work_op_done(work, status);
  memset(work, 0x5a, sizeof(work_op_t));
  uvchan_pool_release(pool);
}

static void release_in_on_closed(uvchan_pool_t* pool) {
  on_closed(pool);
  uvchan_pool_release(pool);
}

enum { BEFORE_CLOSE, AFTER_CLOSE, IN_ON_DONE, IN_ON_CLOSED, AT_THE_END, NRELEASES };

/* _i: when the one reference goes; with a close or without one; and which work is the last. */
START_TEST(its_reference_may_go_at_any_time) {
  int when = _i % NRELEASES;
  int closes_it = _i / NRELEASES % 2;
  uvchan_pool_t* pool = pool_new(2, 4);
  work_op_t* last = malloc(sizeof(*last));
  gate_t gate;

  must(last != NULL);
  closes = 0;
  gate_hold(&gate, &scene.loop, pool, 1);
  submit_work(&ops[0], &scene.loop, pool);
  work_op_init(last);
  ck_assert_int_eq(uvchan_pool_submit(&scene.loop, &last->work, pool, work_op_run,
                                      when == IN_ON_DONE ? release_in_callback : work_op_done),
                   0);
  if (closes_it) {
    uvchan_pool_retain(pool);
    if (when == BEFORE_CLOSE) uvchan_pool_release(pool);
    ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, LONG_MS, release_in_on_closed), 0);
  } else if (when == BEFORE_CLOSE) {
    uvchan_pool_release(pool);
  }
  if (when == AFTER_CLOSE || (when == IN_ON_CLOSED && !closes_it)) uvchan_pool_release(pool);
  gate_open(&gate);
  scene_run();
  gate_finish(&gate, &scene.loop);
  check_ended(&ops[0], 0);
  ck_assert_uint_eq(closes, closes_it ? 1 : 0);
  if (when == AT_THE_END || (when == IN_ON_CLOSED && closes_it)) uvchan_pool_release(pool);
  free(last);
}
END_TEST

/* ---- Beside others --------------------------------------------------------------------------- */

#define NLOOPS 3

typedef struct {
  uv_thread_t thread;
  uv_loop_t loop;
  uvchan_pool_t* pool;
  work_op_t ops[NWORKS];
  unsigned int n;
  unsigned int refused;
} client_t;

static client_t clients[NLOOPS];

/* Until the pool is closed. */
static void submit_until_closed(void* arg) {
  client_t* client = arg;
  int r = 0;

  while (r != UV_EPIPE) {
    for (client->n = 0; client->n < NWORKS && r != UV_EPIPE; client->n++) {
      r = try_work(&client->ops[client->n], &client->loop, client->pool);
      if (r != 0) break;
    }
    while (uv_run(&client->loop, UV_RUN_DEFAULT) != 0) continue;
    must(all_called(client->ops, client->n));
  }
  submit_work(&client->ops[0], &client->loop, client->pool);
  must(uv_run(&client->loop, UV_RUN_DEFAULT) == 0);
  must(client->ops[0].status == UV_EPIPE);
  uvchan_pool_release(client->pool);
}

START_TEST(it_closes_while_other_loops_submit) {
  uvchan_pool_t* pool = pool_new(shape_threads(_i), shape_capacity(_i));
  int i;

  for (i = 0; i < NLOOPS; i++) {
    support_loop_open(&clients[i].loop);
    clients[i].pool = uvchan_pool_retain(pool);
    support_start(&clients[i].thread, submit_until_closed, &clients[i]);
  }
  support_await(pool_stats(pool).done > 100);
  begin_close(pool, _i % 2 == 0 ? 0 : UINT64_MAX);
  scene_run();
  ck_assert_uint_eq(closes, 1);
  for (i = 0; i < NLOOPS; i++) {
    support_join(&clients[i].thread);
    support_loop_finish(&clients[i].loop);
  }
  (void)pool_at_rest(pool);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-close");
  TCase* tcase = scene_tcase(suite, "works");

  tcase_add_loop_test(tcase, what_waits_inside_is_done_and_what_waits_outside_is_not, 0,
                      2 * POOL_NSHAPES);
  tcase_add_loop_test(tcase, with_no_time_nothing_more_begins, 0, POOL_NSHAPES);
  tcase_add_loop_test(tcase, when_the_limit_is_over_what_waits_is_not_done, 0, POOL_NSHAPES);
  tcase_add_loop_test(tcase, a_pool_without_works_closes_at_once, 0, 24);
  tcase_add_test(tcase, its_limit_goes_with_it);
  tcase_add_test(tcase, no_work_is_taken_after_it);
  tcase_add_loop_test(tcase, another_loop_gets_epipe_too, 0, 3);
  tcase = scene_tcase(suite, "close");
  tcase_add_loop_test(tcase, a_second_close_with_no_time_hurries, 0, POOL_NSHAPES);
  tcase_add_loop_test(tcase, nobody_need_hear_of_the_end, 0, 2 * POOL_NSHAPES);
  tcase_add_test(tcase, a_close_keeps_its_loop_alive);
  tcase_add_test(tcase, it_waits_for_the_callbacks_of_other_loops);
  tcase_add_loop_test(tcase, it_may_be_closed_in_a_callback, 0, 2);
  tcase_add_loop_test(tcase, its_reference_may_go_at_any_time, 0, 2 * NRELEASES);
  tcase = scene_tcase(suite, "beside others");
  tcase_add_loop_test(tcase, it_closes_while_other_loops_submit, 0, 2 * POOL_NSHAPES);
  return support_main(suite);
}
