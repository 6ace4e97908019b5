/* SPDX-License-Identifier: MIT */
/* Loops that submit: they are kept alive by what is pending and by nothing else; who polls by
 * himself sees what is done; callbacks may submit, close and cancel; and several pools, and several
 * loops, stand beside each other. */
#include "scene.h"
#include "works.h"

#ifndef _WIN32
#include <poll.h>
#endif

#define NWORKS 100

static work_op_t ops[NWORKS];

/* ---- Life ------------------------------------------------------------------------------------ */

START_TEST(a_pending_work_keeps_its_loop_alive) {
  uvchan_pool_t* pool = pool_new(1, 2);
  uv_loop_t loop;
  gate_t gate;

  support_loop_open(&loop);
  gate_hold(&gate, &loop, pool, 1);
  ck_assert(uv_loop_alive(&loop));
  ck_assert_int_eq(uv_loop_close(&loop), UV_EBUSY);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_NOWAIT) != 0, 1);
  if (_i == 1) uvchan_pool_release(pool);
  gate_open(&gate);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert(!uv_loop_alive(&loop));
  ck_assert_uint_eq(count_handles(&loop, UV_UNKNOWN_HANDLE), 0);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  check_ended(&gate.holds[0], 0);
  uvchan_waitgroup_destroy(&gate.wg);
  if (_i == 0) uvchan_pool_release(pool);
}
END_TEST

/* A pool is of no loop: it outlives those that used it, and they need not know it any more. */
START_TEST(loops_come_and_go) {
  uvchan_pool_t* pool = pool_new(2, 4);
  static uv_loop_t loop; /* at one address */
  int round, i;

  for (round = 0; round < 20; round++) {
    support_loop_open(&loop);
    for (i = 0; i < 8; i++) submit_work(&ops[i], &loop, pool);
    support_loop_finish(&loop);
    check_all_ended(ops, 8, 0);
  }
  ck_assert_uint_eq(support_allocations(), 2); /* the pool, and one port that is used again */
  uvchan_pool_release(pool);
}
END_TEST

/* With no works it keeps nothing, and releasing is enough. */
START_TEST(an_idle_pool_keeps_no_loop_alive) {
  uvchan_pool_t* pool = pool_new(4, 4);

  submit_work(&ops[0], &scene.loop, pool);
  scene_run();
  ck_assert(!uv_loop_alive(&scene.loop));
  scene_finish();
  uvchan_pool_release(uvchan_pool_retain(pool));
  ck_assert_ptr_null(uvchan_pool_retain(NULL));
  uvchan_pool_release(NULL);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Callbacks that go on -------------------------------------------------------------------- */

static unsigned int rounds;

static void submit_again(uvchan_work_t* work, int status) {
  work_op_t* op = (work_op_t*)work;
  uvchan_pool_t* pool = work->pool;

  work_op_done(work, status);
  if (rounds-- <= 1) {
    rounds = 1;
    return;
  }
  work_op_init(op);
  must(uvchan_pool_submit(&scene.loop, &op->work, pool, work_op_run, submit_again) == 0);
  must(op->calls == 0);
}

/* _i: so many at once. */
START_TEST(a_callback_may_submit_its_work_again) {
  static const int numbers[] = {1, 2, 40};
  uvchan_pool_t* pool = pool_new(2, 1);
  int i;

  rounds = 500;
  for (i = 0; i < numbers[_i]; i++) {
    work_op_init(&ops[i]);
    must(uvchan_pool_submit(&scene.loop, &ops[i].work, pool, work_op_run, submit_again) == 0);
  }
  scene_run();
  for (i = 0; i < numbers[_i]; i++) check_ended(&ops[i], 0);
  ck_assert_uint_ge(pool_at_rest(pool).done, 500);
  uvchan_pool_release(pool);
}
END_TEST

static void cancel_and_close(uvchan_work_t* work, int status) {
  uvchan_pool_t* pool = work->pool;
  int i;

  work_op_done(work, status);
  for (i = 1; i < 6; i++) must(cancel_op(&ops[i]) == UV_EBUSY);
  must(try_work(&ops[20], &scene.loop, pool) == 0);
  must(uvchan_pool_close(&scene.loop, pool, UINT64_MAX, NULL) == 0);
  must(try_work(&ops[21], &scene.loop, pool) == UV_EPIPE);
  submit_work(&ops[22], &scene.loop, pool);
}

START_TEST(a_callback_may_cancel_submit_and_close) {
  uvchan_pool_t* pool = pool_new(1, 16);
  int i;

  for (i = 0; i < 10; i++) {
    work_op_init(&ops[i]);
    must(uvchan_pool_submit(&scene.loop, &ops[i].work, pool, work_op_run,
                            i == 0 ? cancel_and_close : work_op_done) == 0);
  }
  support_await(pool_stats(pool).done == 10);
  scene_run();
  check_all_ended(ops, 10, 0);
  check_ended(&ops[20], 0);
  check_ended(&ops[22], UV_EPIPE);
  ck_assert_uint_eq(pool_at_rest(pool).done, 11);
  uvchan_pool_release(pool);
}
END_TEST

/* A work ends beside other users of the loop, and does not starve them, nor they it. */
START_TEST(it_shares_the_loop_with_receivers) {
  uvchan_pool_t* pool = pool_new(2, 4);
  uvchan_t* ch = scene_channel(UVCHAN_UNBOUNDED);
  uint64_t i;
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  for (i = 0; i < NWORKS; i++) {
    submit_work(&ops[i], &scene.loop, pool);
    ck_assert_int_eq(try_send(ch, i), 0);
  }
  run_until(&scene.loop, all_called(ops, NWORKS) && sink.values == NWORKS);
  sink_close(&sink);
  scene_finish();
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Who polls by himself -------------------------------------------------------------------- */

#ifndef _WIN32

/* As a program does that has an event loop of its own. */
START_TEST(who_polls_the_descriptor_sees_what_is_done) {
  uvchan_pool_t* pool = pool_new(2, 16);
  int round;

  for (round = 0; round < NWORKS; round++) {
    int i;

    for (i = 0; i < _i; i++) submit_work(&ops[i], &scene.loop, pool);
    while (!all_called(ops, (size_t)_i)) {
      struct pollfd one = {uv_backend_fd(&scene.loop), POLLIN, 0};

      must(poll(&one, 1, uv_backend_timeout(&scene.loop)) >= 0);
      uv_run(&scene.loop, UV_RUN_NOWAIT);
    }
  }
  uvchan_pool_release(pool);
}
END_TEST

#endif

/* ---- Several pools --------------------------------------------------------------------------- */

START_TEST(two_pools_on_one_loop_do_not_meet) {
  uvchan_pool_t* one = pool_new(1, 2);
  uvchan_pool_t* other = pool_new(2, 2);
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, one, 1);
  submit_work(&ops[0], &scene.loop, one);
  for (i = 1; i < 20; i++) submit_work(&ops[i], &scene.loop, other);
  run_until(&scene.loop, all_called(ops + 1, 19));
  ck_assert_uint_eq(ops[0].calls, 0);
  ck_assert_int_eq(uvchan_pool_close(&scene.loop, other, 0, NULL), 0);
  settle(&scene.loop);
  ck_assert_int_eq(cancel_op(&ops[0]), 0);
  submit_work(&ops[1], &scene.loop, one);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_ended(&ops[0], UV_ECANCELED);
  check_ended(&ops[1], 0);
  ck_assert_uint_eq(pool_at_rest(one).done, 2);
  ck_assert_uint_eq(pool_at_rest(other).done, 19);
  uvchan_pool_release(one);
  uvchan_pool_release(other);
}
END_TEST

/* A work of one pool sends to the loop, which submits to another pool; and that one's answer. */
typedef struct {
  work_op_t first;
  work_op_t second;
  uvchan_pool_t* next;
} stage_t;

static stage_t stages[NWORKS];
static unsigned int through;

static void second_done(uvchan_work_t* work, int status) {
  work_op_done(work, status);
  through++;
}

static void first_done(uvchan_work_t* work, int status) {
  stage_t* stage = (stage_t*)work;

  work_op_done(work, status);
  work_op_init(&stage->second);
  must(uvchan_pool_submit(&scene.loop, &stage->second.work, stage->next, work_op_run,
                          second_done) == 0);
}

START_TEST(works_go_through_two_pools) {
  uvchan_pool_t* one = pool_new(2, 1);
  uvchan_pool_t* other = pool_new(1, 2);
  int i;

  through = 0;
  for (i = 0; i < NWORKS; i++) {
    stages[i].next = other;
    work_op_init(&stages[i].first);
    must(uvchan_pool_submit(&scene.loop, &stages[i].first.work, one, work_op_run, first_done) == 0);
  }
  scene_run();
  ck_assert_uint_eq(through, NWORKS);
  uvchan_pool_release(one);
  uvchan_pool_release(other);
}
END_TEST

/* on_work may use the library: a channel to the loop, say. */
static void send_one(uvchan_work_t* work, void* state) {
  work_op_run(work, state);
  must(try_send(work->data, 0) == 0);
}

START_TEST(a_work_may_send_to_a_channel) {
  uvchan_pool_t* pool = pool_new(2, 2);
  uvchan_t* ch = scene_channel(UVCHAN_UNBOUNDED);
  sink_t sink;
  int i;

  sink_start(&sink, &scene.loop, ch);
  sink.unordered = 1;
  for (i = 0; i < NWORKS; i++) {
    ops[i].work.data = ch;
    work_op_init(&ops[i]);
    must(uvchan_pool_submit(&scene.loop, &ops[i].work, pool, send_one, work_op_done) == 0);
  }
  run_until(&scene.loop, sink.values == NWORKS);
  sink_close(&sink);
  scene_finish();
  check_all_ended(ops, NWORKS, 0);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-loops");
  TCase* tcase = scene_tcase(suite, "life");

  tcase_add_loop_test(tcase, a_pending_work_keeps_its_loop_alive, 0, 2);
  tcase_add_test(tcase, loops_come_and_go);
  tcase_add_test(tcase, an_idle_pool_keeps_no_loop_alive);
  tcase = scene_tcase(suite, "callbacks");
  tcase_add_loop_test(tcase, a_callback_may_submit_its_work_again, 0, 3);
  tcase_add_test(tcase, a_callback_may_cancel_submit_and_close);
  tcase_add_test(tcase, it_shares_the_loop_with_receivers);
#ifndef _WIN32
  tcase_add_loop_test(tcase, who_polls_the_descriptor_sees_what_is_done, 1, 3);
#endif
  tcase = scene_tcase(suite, "pools");
  tcase_add_test(tcase, two_pools_on_one_loop_do_not_meet);
  tcase_add_test(tcase, works_go_through_two_pools);
  tcase_add_test(tcase, a_work_may_send_to_a_channel);
  return support_main(suite);
}
