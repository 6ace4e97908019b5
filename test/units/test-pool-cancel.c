/* SPDX-License-Identifier: MIT */
/* Cancelling a work: 0 and UV_ECANCELED where it has not begun, UV_EBUSY and its own outcome where
 * it has; at once in either case, and its callback comes once. _i is mostly the number of threads
 * and the capacity. */
#include "scene.h"
#include "works.h"

#define NWORKS 200

static work_op_t ops[NWORKS];

/* ---- Before it begins ------------------------------------------------------------------------ */

START_TEST(a_work_that_waits_does_not_begin_any_more) {
  unsigned int threads = shape_threads(_i);
  size_t capacity = shape_capacity(_i);
  uvchan_pool_t* pool = pool_new(threads, capacity);
  gate_t gate;
  size_t i;

  gate_hold(&gate, &scene.loop, pool, threads);
  for (i = 0; i < 2 * capacity; i++) submit_work(&ops[i], &scene.loop, pool); /* half outside */
  for (i = 0; i < 2 * capacity; i++) {
    ck_assert_int_eq(cancel_op(&ops[i]), 0);
    ck_assert_uint_eq(ops[i].calls, 0);
  }
  ck_assert_uint_eq(pool_stats(pool).cancelled, 2 * capacity);
  ck_assert_uint_eq(pool_stats(pool).waiting + pool_stats(pool).waiting_outside, 0);
  run_until(&scene.loop, all_called(ops, 2 * capacity));
  check_all_ended(ops, 2 * capacity, UV_ECANCELED);
  gate_end(&gate, &scene.loop);
  scene_run();
  for (i = 0; i < 2 * capacity; i++) ck_assert_uint_eq(atomic_load(&ops[i].begins), 0);
  ck_assert_uint_eq(pool_at_rest(pool).cancelled, 2 * capacity);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_work_that_waits_outside_leaves_the_others_in_their_order) {
  size_t capacity = shape_capacity(_i);
  uvchan_pool_t* pool = pool_new(1, capacity);
  gate_t gate;
  size_t i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < capacity + 4; i++) submit_work(&ops[i], &scene.loop, pool);
  for (i = capacity; i < capacity + 4; i += 2) ck_assert_int_eq(cancel_op(&ops[i]), 0);
  ck_assert_uint_eq(pool_stats(pool).waiting, capacity);
  ck_assert_uint_eq(pool_stats(pool).waiting_outside, 2);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops, capacity, 0);
  check_ended(&ops[capacity], UV_ECANCELED);
  check_ended(&ops[capacity + 1], 0);
  check_ended(&ops[capacity + 2], UV_ECANCELED);
  check_ended(&ops[capacity + 3], 0);
  ck_assert_uint_lt(ops[capacity - 1].begun, ops[capacity + 1].begun);
  ck_assert_uint_lt(ops[capacity + 1].begun, ops[capacity + 3].begun);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_second_cancel_is_too_late) {
  uvchan_pool_t* pool = pool_new(1, 1);
  gate_t gate;

  gate_hold(&gate, &scene.loop, pool, 1);
  submit_work(&ops[0], &scene.loop, pool);
  ck_assert_int_eq(cancel_op(&ops[0]), 0);
  ck_assert_int_eq(cancel_op(&ops[0]), UV_EBUSY);
  run_until(&scene.loop, ops[0].calls == 1);
  ck_assert_int_eq(cancel_op(&ops[0]), UV_EBUSY);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_ended(&ops[0], UV_ECANCELED);
  ck_assert_uint_eq(pool_at_rest(pool).cancelled, 1);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(its_memory_may_be_used_again_in_its_callback) {
  uvchan_pool_t* pool = pool_new(1, 1);
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < 10; i++) {
    submit_work(&ops[0], &scene.loop, pool);
    ck_assert_int_eq(cancel_op(&ops[0]), 0);
    run_until(&scene.loop, ops[0].calls == 1);
    check_ended(&ops[0], UV_ECANCELED);
  }
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_eq(pool_at_rest(pool).cancelled, 10);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Too late -------------------------------------------------------------------------------- */

/* Were it to wait for the work, this test would hang: the gate is opened after it. */
START_TEST(a_work_that_has_begun_is_busy_at_once) {
  unsigned int threads = shape_threads(_i);
  uvchan_pool_t* pool = pool_new(threads, shape_capacity(_i));
  gate_t gate;
  unsigned int i;

  gate_hold(&gate, &scene.loop, pool, threads);
  for (i = 0; i < threads; i++) ck_assert_int_eq(cancel_op(&gate.holds[i]), UV_EBUSY);
  for (i = 0; i < threads; i++) ck_assert_int_eq(cancel_op(&gate.holds[i]), UV_EBUSY);
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_eq(pool_at_rest(pool).cancelled, 0);
  ck_assert_uint_eq(pool_at_rest(pool).done, threads);
  uvchan_pool_release(pool);
}
END_TEST

static int is_done(uvchan_pool_t* pool, uint64_t n) { return pool_stats(pool).done == n; }

/* _i: how many turns the loop makes between the end of the works and the cancel; and which of them
 * is cancelled. */
START_TEST(a_work_that_is_done_and_not_called_back_gets_its_outcome) {
  uvchan_pool_t* pool = pool_new(2, 16);
  int which = _i % 3;
  int i;

  for (i = 0; i < 3; i++) submit_work(&ops[i], &scene.loop, pool);
  support_await(is_done(pool, 3));
  ck_assert_int_eq(cancel_op(&ops[which]), UV_EBUSY);
  ck_assert_uint_eq(ops[which].calls, 0);
  if (_i >= 3) ck_assert_int_eq(cancel_op(&ops[which]), UV_EBUSY);
  for (i = 0; i < 3 && _i >= 6; i++) ck_assert_int_eq(cancel_op(&ops[i]), UV_EBUSY);
  scene_run();
  check_all_ended(ops, 3, 0);
  ck_assert_uint_eq(pool_at_rest(pool).cancelled, 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_work_whose_time_is_over_gets_its_outcome) {
  uvchan_pool_t* pool = pool_new(1, 4);
  gate_t gate;

  gate_hold(&gate, &scene.loop, pool, 1);
  submit_work_ex(&ops[0], &scene.loop, pool, UVCHAN_NORMAL, 1);
  gate_open(&gate);
  support_await(pool_stats(pool).expired == 1);
  ck_assert_int_eq(cancel_op(&ops[0]), UV_EBUSY);
  gate_finish(&gate, &scene.loop);
  scene_run();
  check_ended(&ops[0], UV_ETIMEDOUT);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- In another's callback ------------------------------------------------------------------- */

typedef struct {
  work_op_t op; /* first */
  work_op_t* others;
  int n;
  int answers[8];
} canceller_t;

static void cancel_others(uvchan_work_t* work, int status) {
  canceller_t* canceller = (canceller_t*)work;
  int i;

  work_op_done(work, status);
  for (i = 0; i < canceller->n; i++) canceller->answers[i] = cancel_op(&canceller->others[i]);
}

static void canceller_submit(canceller_t* canceller, uvchan_pool_t* pool, int n) {
  memset(canceller, 0, sizeof(*canceller));
  canceller->others = ops;
  canceller->n = n;
  work_op_init(&canceller->op);
  must(uvchan_pool_submit(&scene.loop, &canceller->op.work, pool, work_op_run, cancel_others) == 0);
}

/* The others are of the same batch, in front of it and behind it, and finished. */
START_TEST(those_of_the_same_batch_get_their_outcome) {
  uvchan_pool_t* pool = pool_new(1, 16);
  canceller_t canceller;
  int i;

  for (i = 0; i < 4; i++) {
    if (i == _i) canceller_submit(&canceller, pool, 4);
    submit_work(&ops[i], &scene.loop, pool);
  }
  if (_i == 4) canceller_submit(&canceller, pool, 4);
  support_await(is_done(pool, 5));
  scene_run();
  check_ended(&canceller.op, 0);
  check_all_ended(ops, 4, 0);
  for (i = 0; i < 4; i++) ck_assert_int_eq(canceller.answers[i], UV_EBUSY);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(those_that_wait_are_cancelled) {
  uvchan_pool_t* pool = pool_new(1, 16);
  canceller_t canceller;
  gate_t gate;
  int i;

  canceller_submit(&canceller, pool, 4);
  support_await(is_done(pool, 1));
  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < 4; i++) submit_work(&ops[i], &scene.loop, pool);
  run_until(&scene.loop, canceller.op.calls == 1);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops, 4, UV_ECANCELED);
  for (i = 0; i < 4; i++) ck_assert_int_eq(canceller.answers[i], 0);
  uvchan_pool_release(pool);
}
END_TEST

static void cancel_itself(uvchan_work_t* work, int status) {
  work_op_done(work, status);
  must(cancel_op(work) == UV_EBUSY);
}

START_TEST(a_work_in_its_own_callback_is_busy) {
  uvchan_pool_t* pool = pool_new(1, 1);

  work_op_init(&ops[0]);
  ck_assert_int_eq(uvchan_pool_submit(&scene.loop, &ops[0].work, pool, work_op_run, cancel_itself),
                   0);
  scene_run();
  check_ended(&ops[0], 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_work_that_was_never_submitted_is_refused) {
  memset(&ops[0], 0, sizeof(ops[0]));
  ck_assert_int_eq(cancel_op(&ops[0]), UV_EINVAL);
}
END_TEST

/* ---- While threads begin --------------------------------------------------------------------- */

/* Each cancel meets its work at another moment: exactly one of the two outcomes, and the figures
 * agree. */
START_TEST(a_cancel_while_threads_begin_has_one_outcome) {
  unsigned int threads = shape_threads(_i);
  uvchan_pool_t* pool = pool_new(threads, shape_capacity(_i));
  uint32_t random = (uint32_t)_i + 1;
  int rounds = support_count(50);
  uint64_t cancelled = 0;
  int round, i;

  for (round = 0; round < rounds; round++) {
    int answers[NWORKS];

    for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &scene.loop, pool);
    for (i = 0; i < NWORKS; i++) {
      int which = round % 2 == 0 ? i : NWORKS - 1 - i;

      if (support_random(&random) % 4 == 0) uv_run(&scene.loop, UV_RUN_NOWAIT);
      answers[which] = cancel_op(&ops[which]);
      cancelled += answers[which] == 0;
    }
    scene_run();
    for (i = 0; i < NWORKS; i++) check_ended(&ops[i], answers[i] == 0 ? UV_ECANCELED : 0);
  }
  ck_assert_uint_eq(pool_at_rest(pool).cancelled, cancelled);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-cancel");
  TCase* tcase = scene_tcase(suite, "in time");

  tcase_add_loop_test(tcase, a_work_that_waits_does_not_begin_any_more, 0, POOL_NSHAPES);
  tcase_add_loop_test(tcase, a_work_that_waits_outside_leaves_the_others_in_their_order, 0,
                      POOL_NSHAPES);
  tcase_add_test(tcase, a_second_cancel_is_too_late);
  tcase_add_test(tcase, its_memory_may_be_used_again_in_its_callback);
  tcase = scene_tcase(suite, "too late");
  tcase_add_loop_test(tcase, a_work_that_has_begun_is_busy_at_once, 0, POOL_NSHAPES);
  tcase_add_loop_test(tcase, a_work_that_is_done_and_not_called_back_gets_its_outcome, 0, 9);
  tcase_add_test(tcase, a_work_whose_time_is_over_gets_its_outcome);
  tcase = scene_tcase(suite, "in a callback");
  tcase_add_loop_test(tcase, those_of_the_same_batch_get_their_outcome, 0, 5);
  tcase_add_test(tcase, those_that_wait_are_cancelled);
  tcase_add_test(tcase, a_work_in_its_own_callback_is_busy);
  tcase_add_test(tcase, a_work_that_was_never_submitted_is_refused);
  tcase = scene_tcase(suite, "beside threads");
  tcase_add_loop_test(tcase, a_cancel_while_threads_begin_has_one_outcome, 0, POOL_NSHAPES);
  return support_main(suite);
}
