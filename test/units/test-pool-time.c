/* SPDX-License-Identifier: MIT */
/* How long a work may wait: max_wait of the pool and of the work; and admission, which cuts a queue
 * that stands. Times are 1 nanosecond, which is over at once, 1 millisecond, or
 * 100 years. */
#include "scene.h"
#include "works.h"

#define LONG UINT64_C(3155760000000000000) /* nanoseconds: 100 years */
#define MS UINT64_C(1000000)
#define NWORKS 64

static work_op_t ops[NWORKS];

static uvchan_pool_t* timed_pool(unsigned int threads, size_t capacity, uint64_t max_wait) {
  uvchan_pool_options_t options = pool_options(threads, capacity);

  options.max_wait = max_wait;
  return pool_of(&options);
}

/* Holds the threads of a pool with a limit: a hold whose own time is over before a thread has
 * looked is submitted again. */
static void hold_timed(gate_t* gate, uvchan_pool_t* pool, unsigned int threads) {
  gate_init(gate);
  while (gate->n < threads) {
    work_op_t* op = &gate->holds[gate->n];

    do {
      work_op_init(op);
      op->work.data = gate;
      must(uvchan_pool_submit(&scene.loop, &op->work, pool, stand_at_gate, work_op_done) == 0);
      while (op->calls == 0 && atomic_load(&gate->entered) == gate->n) settle(&scene.loop);
    } while (atomic_load(&gate->entered) == gate->n);
    gate->n++;
  }
}

/* ---- While all threads are held, where no thread looks --------------------------------------- */

START_TEST(a_work_of_a_short_time_ends_while_all_threads_are_held) {
  unsigned int threads = shape_threads(_i);
  size_t capacity = shape_capacity(_i);
  uvchan_pool_t* pool = pool_new(threads, capacity);
  gate_t gate;
  size_t i;

  gate_hold(&gate, &scene.loop, pool, threads);
  for (i = 0; i < capacity + 2; i++) /* two outside */
    submit_work_ex(&ops[i], &scene.loop, pool, UVCHAN_NORMAL, 1);
  run_until(&scene.loop, all_called(ops, capacity + 2));
  check_all_ended(ops, capacity + 2, UV_ETIMEDOUT);
  ck_assert_uint_eq(pool_stats(pool).expired, capacity + 2);
  ck_assert_uint_eq(pool_stats(pool).waiting + pool_stats(pool).waiting_outside, 0);
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_eq(pool_at_rest(pool).done, threads);
  uvchan_pool_release(pool);
}
END_TEST

/* Many limits, in any order: those of a millisecond or less end, the others wait on. */
START_TEST(each_work_ends_by_its_own_limit) {
  uvchan_pool_t* pool = pool_new(1, NWORKS);
  uint32_t random = (uint32_t)_i + 1;
  int is_short[NWORKS];
  int n_short = 0;
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < NWORKS; i++) {
    is_short[i] = support_random(&random) % 2 == 0;
    n_short += is_short[i];
    submit_work_ex(&ops[i], &scene.loop, pool, lane_of(support_random(&random)),
                   is_short[i] ? 1 + support_random(&random) % MS : LONG - support_random(&random));
  }
  run_until(&scene.loop, pool_stats(pool).expired == (uint64_t)n_short);
  settle(&scene.loop);
  for (i = 0; i < NWORKS; i++) ck_assert_uint_eq(ops[i].calls, is_short[i] ? 1 : 0);
  gate_end(&gate, &scene.loop);
  scene_run();
  for (i = 0; i < NWORKS; i++) check_ended(&ops[i], is_short[i] ? UV_ETIMEDOUT : 0);
  ck_assert_uint_eq(pool_at_rest(pool).expired, (unsigned int)n_short);
  uvchan_pool_release(pool);
}
END_TEST

/* A limit that is cancelled leaves no alarm behind, and the alarms around it ring. */
START_TEST(a_cancelled_work_takes_its_limit_with_it) {
  uvchan_pool_t* pool = pool_new(1, NWORKS);
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < 9; i++)
    submit_work_ex(&ops[i], &scene.loop, pool, UVCHAN_NORMAL, i % 3 == 1 ? LONG : MS);
  for (i = 0; i < 9; i += 3) ck_assert_int_eq(cancel_op(&ops[(i + _i) % 9]), 0);
  run_until(&scene.loop, all_called(&ops[0], 1) || _i == 1);
  if (_i == 1) run_until(&scene.loop, pool_stats(pool).expired == 6);
  gate_end(&gate, &scene.loop);
  scene_run();
  for (i = 0; i < 9; i++) {
    if (i % 3 == _i) {
      check_ended(&ops[i], UV_ECANCELED);
    } else if (i % 3 == 1) {
      check_ended(&ops[i], 0);
    } else {
      ck_assert_uint_eq(ops[i].calls, 1); /* at the gate's end some may begin in time */
    }
  }
  uvchan_pool_release(pool);
}
END_TEST

/* ---- The limits of the pool and of the work -------------------------------------------------- */

/* Finished by a thread that looks: the loop does not run until the gate is open and all is over. */
START_TEST(a_thread_that_looks_ends_what_is_over) {
  uvchan_pool_t* pool = pool_new(1, 16);
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < 6; i++)
    submit_work_ex(&ops[i], &scene.loop, pool, lane_of((uint64_t)i), i < 3 ? 1 : 0);
  gate_open(&gate);
  support_await(pool_stats(pool).done == 4);
  ck_assert_uint_eq(pool_at_rest(pool).expired, 3);
  gate_finish(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops, 3, UV_ETIMEDOUT);
  check_all_ended(ops + 3, 3, 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(the_pools_limit_holds_for_every_work) {
  uvchan_pool_t* pool = timed_pool(1, 16, MS);
  gate_t gate;
  int i;

  hold_timed(&gate, pool, 1);
  for (i = 0; i < 6; i++)
    submit_work_ex(&ops[i], &scene.loop, pool, lane_of((uint64_t)i),
                   i < 3 ? 0 : LONG); /* a longer one is none */
  run_until(&scene.loop, all_called(ops, 6));
  check_all_ended(ops, 6, UV_ETIMEDOUT);
  gate_end(&gate, &scene.loop);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_shorter_limit_of_the_work_holds) {
  uvchan_pool_t* pool = timed_pool(1, 16, LONG);
  gate_t gate;

  hold_timed(&gate, pool, 1);
  submit_work_ex(&ops[0], &scene.loop, pool, UVCHAN_NORMAL, 1);
  submit_work_ex(&ops[1], &scene.loop, pool, UVCHAN_NORMAL, 0);
  submit_work_ex(&ops[2], &scene.loop, pool, UVCHAN_NORMAL, UINT64_MAX);
  run_until(&scene.loop, ops[0].calls == 1);
  settle(&scene.loop);
  check_ended(&ops[0], UV_ETIMEDOUT);
  ck_assert_uint_eq(ops[1].calls + ops[2].calls, 0);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops + 1, 2, 0);
  uvchan_pool_release(pool);
}
END_TEST

/* What lies beyond the end of the clock is no limit. */
START_TEST(the_longest_limits_are_none) {
  uvchan_pool_t* pool = timed_pool(1, 16, _i == 0 ? UINT64_MAX : UINT64_MAX - 1);

  submit_work_ex(&ops[0], &scene.loop, pool, UVCHAN_NORMAL, UINT64_MAX);
  scene_run();
  check_ended(&ops[0], 0);
  uvchan_pool_release(pool);
}
END_TEST

/* What has begun is never over, however long it takes. */
START_TEST(a_work_that_has_begun_ends_with_0) {
  uvchan_pool_t* pool = timed_pool(1, 1, MS);
  gate_t gate;

  hold_timed(&gate, pool, 1);
  submit_work(&ops[0], &scene.loop, pool);
  run_until(&scene.loop, ops[0].calls == 1); /* so its own time is over as well */
  check_ended(&ops[0], UV_ETIMEDOUT);
  gate_end(&gate, &scene.loop);
  ck_assert_int_eq(gate.holds[0].status, 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(waits_are_counted_of_those_that_begin) {
  uvchan_pool_t* pool = pool_new(1, 16);
  uint64_t before, waited;
  gate_t gate;

  gate_hold(&gate, &scene.loop, pool, 1);
  before = pool_stats(pool).total_wait;
  submit_work_ex(&ops[0], &scene.loop, pool, UVCHAN_NORMAL, 1);
  submit_work(&ops[1], &scene.loop, pool);
  waited = uv_hrtime();
  run_until(&scene.loop, ops[0].calls == 1);
  waited = uv_hrtime() - waited; /* at the least, of the second one */
  ck_assert_uint_eq(pool_stats(pool).total_wait, before);
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_ge(pool_at_rest(pool).longest_wait, waited);
  ck_assert_uint_ge(pool_at_rest(pool).total_wait, before + waited);
  ck_assert_uint_le(pool_at_rest(pool).longest_wait, pool_at_rest(pool).total_wait);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Admission ------------------------------------------------------------------------------- */

static uvchan_pool_t* admitting_pool(size_t capacity, uint64_t target, uint64_t interval) {
  uvchan_pool_options_t options = pool_options(1, capacity);
  uvchan_admission_t admission;

  memset(&admission, 0, sizeof(admission));
  admission.target = target;
  admission.interval = interval;
  options.admission = &admission; /* copied */
  return pool_of(&options);
}

/* Each takes some nanoseconds and waits for longer than the target: the queue stands once an
 * interval has passed, and is cut, but for the last. The first one to be taken opens the interval
 * in which the queue is found to stand. */
START_TEST(a_standing_queue_is_cut_but_for_its_last_work) {
  uvchan_pool_t* pool = admitting_pool(NWORKS, 1, 1);
  uint64_t shed;
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &scene.loop, pool);
  gate_end(&gate, &scene.loop);
  scene_run();
  shed = pool_at_rest(pool).shed;
  ck_assert_uint_ge(shed, NWORKS - 3);
  check_ended(&ops[NWORKS - 1], 0);
  for (i = 0; i < NWORKS; i++) {
    if (ops[i].status == UV_ETIMEDOUT) shed--;
    ck_assert_int_eq(ops[i].status, atomic_load(&ops[i].begins) == 1 ? 0 : UV_ETIMEDOUT);
  }
  ck_assert_uint_eq(shed, 0);
  ck_assert_uint_eq(pool_at_rest(pool).expired, 0);
  uvchan_pool_release(pool);
}
END_TEST

/* What waits outside stands behind: then the last one inside is not the last. */
START_TEST(works_outside_are_behind) {
  uvchan_pool_t* pool = admitting_pool(2, 1, 1);
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &scene.loop, pool);
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_ge(pool_at_rest(pool).shed, NWORKS - 3);
  check_ended(&ops[NWORKS - 1], 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_burst_is_not_cut) {
  uvchan_pool_t* pool = admitting_pool(NWORKS, _i == 0 ? 1 : LONG, _i == 0 ? LONG : 1);
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &scene.loop, pool);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops, NWORKS, 0);
  ck_assert_uint_eq(pool_at_rest(pool).shed, 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_single_work_is_never_cut) {
  uvchan_pool_t* pool = admitting_pool(NWORKS, 1, 1);
  int i;

  for (i = 0; i < NWORKS; i++) {
    submit_work(&ops[i], &scene.loop, pool);
    scene_run();
  }
  check_all_ended(ops, NWORKS, 0);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-time");
  TCase* tcase = scene_tcase(suite, "threads are held");

  tcase_add_loop_test(tcase, a_work_of_a_short_time_ends_while_all_threads_are_held, 0,
                      POOL_NSHAPES);
  tcase_add_loop_test(tcase, each_work_ends_by_its_own_limit, 0, 10);
  tcase_add_loop_test(tcase, a_cancelled_work_takes_its_limit_with_it, 0, 3);
  tcase = scene_tcase(suite, "limits");
  tcase_add_test(tcase, a_thread_that_looks_ends_what_is_over);
  tcase_add_test(tcase, the_pools_limit_holds_for_every_work);
  tcase_add_test(tcase, a_shorter_limit_of_the_work_holds);
  tcase_add_loop_test(tcase, the_longest_limits_are_none, 0, 2);
  tcase_add_test(tcase, a_work_that_has_begun_ends_with_0);
  tcase_add_test(tcase, waits_are_counted_of_those_that_begin);
  tcase = scene_tcase(suite, "admission");
  tcase_add_test(tcase, a_standing_queue_is_cut_but_for_its_last_work);
  tcase_add_test(tcase, works_outside_are_behind);
  tcase_add_loop_test(tcase, a_burst_is_not_cut, 0, 2);
  tcase_add_test(tcase, a_single_work_is_never_cut);
  return support_main(suite);
}
