/* SPDX-License-Identifier: MIT */
/* Submitting to a pool: each work is done once, on a thread of the pool, and called back once, on
 * its own loop; works begin in the order of their submission; and a pool is bounded. _i is mostly
 * the number of threads and the capacity. */
#include "scene.h"
#include "works.h"

#define NWORKS 200
#define MOST 16 /* that wait */

static work_op_t ops[NWORKS];

/* ---- Done, once, and called back ------------------------------------------------------------- */

START_TEST(every_work_is_done_once_and_called_back_once_on_its_loops_thread) {
  uvchan_pool_t* pool = pool_new(shape_threads(_i), shape_capacity(_i));
  uv_thread_t self = uv_thread_self();
  int i;

  for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &scene.loop, pool);
  scene_run();
  check_all_ended(ops, NWORKS, 0);
  for (i = 0; i < NWORKS; i++) {
    ck_assert_uint_eq(atomic_load(&ops[i].begins), 1);
    ck_assert(!uv_thread_equal(&ops[i].by, &self));
    ck_assert_ptr_null(ops[i].state);
    ck_assert_ptr_eq(ops[i].work.pool, pool);
    ck_assert_ptr_eq(ops[i].work.loop, &scene.loop);
  }
  ck_assert_uint_eq(pool_at_rest(pool).done, NWORKS);
  ck_assert_uint_eq(pool_at_rest(pool).submitted, NWORKS);
  uvchan_pool_release(pool);
}
END_TEST

/* One at a time, so that the loop and the threads are asleep in between, or about to be. */
START_TEST(a_work_wakes_a_thread_that_sleeps_and_its_end_the_loop) {
  uvchan_pool_t* pool = pool_new(shape_threads(_i), shape_capacity(_i));
  int i;

  for (i = 0; i < NWORKS; i++) {
    submit_work(&ops[i], &scene.loop, pool);
    run_until(&scene.loop, ops[i].calls == 1);
  }
  check_all_ended(ops, NWORKS, 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(data_is_the_users) {
  uvchan_pool_t* pool = pool_new(1, 1);

  ops[0].work.data = ops;
  submit_work(&ops[0], &scene.loop, pool);
  ck_assert_ptr_eq(ops[0].work.data, ops);
  scene_run();
  ck_assert_ptr_eq(ops[0].work.data, ops);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Order ----------------------------------------------------------------------------------- */

static void check_order(const work_op_t* works, int n) {
  int i;

  for (i = 1; i < n; i++) {
    ck_assert_uint_lt(works[i - 1].begun, works[i].begun);
    ck_assert_uint_lt(works[i - 1].ended, works[i].ended);
  }
}

START_TEST(with_one_thread_works_begin_and_come_back_in_the_order_of_their_submission) {
  uvchan_pool_t* pool = pool_new(1, shape_capacity(_i));
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &scene.loop, pool);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops, NWORKS, 0);
  check_order(ops, NWORKS);
  uvchan_pool_release(pool);
}
END_TEST

/* With several threads a work may overtake one that has begun. But of two that wait, the second one
 * does not begin while the first waits: so with all threads but one held the order is exact. */
START_TEST(with_several_threads_no_work_begins_before_an_earlier_one_that_waits) {
  unsigned int threads = shape_threads(_i);
  uvchan_pool_t* pool = pool_new(threads, MOST);
  gate_t gate, last;
  int i;

  gate_hold(&gate, &scene.loop, pool, threads - 1);
  gate_hold(&last, &scene.loop, pool, 1);
  for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &scene.loop, pool);
  gate_end(&last, &scene.loop);
  run_until(&scene.loop, all_called(ops, NWORKS));
  check_order(ops, NWORKS);
  gate_end(&gate, &scene.loop);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Bounded --------------------------------------------------------------------------------- */

START_TEST(a_try_is_refused_exactly_at_capacity_and_touches_nothing_after_it) {
  unsigned int threads = shape_threads(_i);
  size_t capacity = shape_capacity(_i);
  uvchan_pool_t* pool = pool_new(threads, capacity);
  work_op_t refused;
  gate_t gate;

  gate_hold(&gate, &scene.loop, pool, threads);
  fill_pool(ops, capacity, &scene.loop, pool);
  memset(&refused, 0, sizeof(refused));
  ck_assert_int_eq(try_work(&refused, &scene.loop, pool), UV_EAGAIN);
  ck_assert_int_eq(try_work(&refused, &scene.loop, pool), UV_EAGAIN);
  memset(&refused, 0x5a, sizeof(refused));
  ck_assert_uint_eq(pool_stats(pool).refused, 2);
  ck_assert_uint_eq(pool_stats(pool).waiting, capacity);
  ck_assert_uint_eq(pool_stats(pool).peak, capacity);
  ck_assert_uint_eq(pool_stats(pool).running, threads);
  ck_assert_uint_eq(pool_stats(pool).submitted, threads + capacity);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops, capacity, 0);
  ck_assert_uint_eq(((unsigned char*)&refused)[sizeof(refused) / 2], 0x5a);
  ck_assert_uint_eq(pool_at_rest(pool).done, threads + capacity);
  uvchan_pool_release(pool);
}
END_TEST

/* Its first user: not even handles that are closing. */
START_TEST(a_refusal_leaves_nothing_on_the_loop) {
  uvchan_pool_t* pool = pool_new(1, 1);
  uv_loop_t loop;
  work_op_t refused;
  gate_t gate;

  gate_hold(&gate, &scene.loop, pool, 1);
  fill_pool(ops, 1, &scene.loop, pool);
  support_loop_open(&loop);
  memset(&refused, 0, sizeof(refused));
  ck_assert_int_eq(try_work(&refused, &loop, pool), UV_EAGAIN);
  ck_assert_uint_eq(count_handles(&loop, UV_UNKNOWN_HANDLE), 0);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  ck_assert_int_eq(uvchan_cancel((uvchan_req_t*)&refused.work), UV_EBUSY);
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_eq(refused.calls, 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_work_that_begins_leaves_its_room) {
  uvchan_pool_t* pool = pool_new(1, shape_capacity(_i));
  size_t capacity = shape_capacity(_i);
  gate_t first, second;

  gate_hold(&first, &scene.loop, pool, 1);
  gate_init(&second);
  second.n = 1;
  work_op_init(&second.holds[0]);
  second.holds[0].work.data = &second;
  ck_assert_int_eq(
      uvchan_pool_try_submit(&scene.loop, &second.holds[0].work, pool, stand_at_gate, work_op_done),
      0);
  fill_pool(ops, capacity - 1, &scene.loop, pool);
  ck_assert_int_eq(try_work(&ops[capacity], &scene.loop, pool), UV_EAGAIN);
  ck_assert_uint_eq(uvchan_pool_room(pool), 0);
  gate_open(&first);
  support_await(atomic_load(&second.entered) == 1);
  ck_assert_uint_eq(uvchan_pool_room(pool), 1);
  ck_assert_int_eq(try_work(&ops[capacity], &scene.loop, pool), 0);
  ck_assert_int_eq(try_work(&ops[capacity + 1], &scene.loop, pool), UV_EAGAIN);
  gate_finish(&first, &scene.loop);
  gate_end(&second, &scene.loop);
  scene_run();
  ck_assert_uint_eq(pool_at_rest(pool).peak, capacity);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_work_that_is_cancelled_leaves_its_room) {
  size_t capacity = shape_capacity(_i);
  uvchan_pool_t* pool = pool_new(1, capacity);
  gate_t gate;

  gate_hold(&gate, &scene.loop, pool, 1);
  fill_pool(ops, capacity, &scene.loop, pool);
  ck_assert_int_eq(cancel_op(&ops[capacity / 2]), 0);
  ck_assert_uint_eq(uvchan_pool_room(pool), 1);
  ck_assert_int_eq(try_work(&ops[capacity], &scene.loop, pool), 0);
  ck_assert_int_eq(try_work(&ops[capacity + 1], &scene.loop, pool), UV_EAGAIN);
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_eq(pool_at_rest(pool).cancelled, 1);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_work_whose_time_is_over_leaves_its_room) {
  size_t capacity = shape_capacity(_i);
  uvchan_pool_t* pool = pool_new(1, capacity);
  gate_t gate;

  gate_hold(&gate, &scene.loop, pool, 1);
  submit_work_ex(&ops[0], &scene.loop, pool, UVCHAN_NORMAL, 1);
  fill_pool(ops + 1, capacity - 1, &scene.loop, pool);
  ck_assert_int_eq(try_work(&ops[capacity], &scene.loop, pool), UV_EAGAIN);
  run_until(&scene.loop, ops[0].calls == 1);
  check_ended(&ops[0], UV_ETIMEDOUT);
  ck_assert_uint_eq(uvchan_pool_room(pool), 1);
  ck_assert_int_eq(try_work(&ops[capacity], &scene.loop, pool), 0);
  gate_end(&gate, &scene.loop);
  scene_run();
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Waiting for room ------------------------------------------------------------------------ */

START_TEST(what_waits_for_room_goes_in_in_its_turn_and_no_try_passes_it) {
  size_t capacity = shape_capacity(_i);
  uvchan_pool_t* pool = pool_new(1, capacity);
  gate_t gate;
  size_t i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < capacity + 3; i++) submit_work(&ops[i], &scene.loop, pool);
  ck_assert_uint_eq(pool_stats(pool).waiting, capacity);
  ck_assert_uint_eq(pool_stats(pool).waiting_outside, 3);
  for (i = 1; i <= 3; i++) { /* for each that leaves, the first of those outside goes in */
    ck_assert_int_eq(cancel_op(&ops[i - 1]), 0);
    ck_assert_uint_eq(pool_stats(pool).waiting, capacity);
    ck_assert_uint_eq(pool_stats(pool).waiting_outside, 3 - i);
    ck_assert_int_eq(try_work(&ops[NWORKS - 1], &scene.loop, pool), UV_EAGAIN);
  }
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops, 3, UV_ECANCELED);
  check_all_ended(ops + 3, capacity, 0);
  check_order(ops + 3, (int)capacity);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(never_more_than_capacity_wait_inside_and_threads_run) {
  unsigned int threads = shape_threads(_i);
  size_t capacity = shape_capacity(_i);
  uvchan_pool_t* pool = pool_new(threads, capacity);
  unsigned int round;
  int i;

  atomic_store(&works_most_inside, 0);
  for (round = 0; round < 5; round++) {
    for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &scene.loop, pool);
    scene_run();
  }
  ck_assert_uint_le(pool_at_rest(pool).peak, capacity);
  ck_assert_uint_le(atomic_load(&works_most_inside), threads);
  uvchan_pool_release(pool);
}
END_TEST

/* After many short works a few more call nobody at first: each begins all the same while the one
 * before it is held. */
START_TEST(a_work_begins_beside_one_that_takes_long_after_many_short_ones) {
  uvchan_pool_t* pool = pool_new(2, NWORKS);
  int round, i;

  for (round = 0; round < support_count(100); round++) {
    gate_t gate;

    for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &scene.loop, pool);
    run_until(&scene.loop, all_called(ops, NWORKS));
    gate_hold(&gate, &scene.loop, pool, 2);
    gate_end(&gate, &scene.loop);
  }
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Several loops --------------------------------------------------------------------------- */

#define NLOOPS 3

typedef struct {
  uv_thread_t thread;
  uv_loop_t loop;
  uvchan_pool_t* pool;
  work_op_t ops[NWORKS];
  unsigned int refused;
} client_t;

static client_t clients[NLOOPS];

static void submit_all(void* arg) {
  client_t* client = arg;
  int i;

  for (i = 0; i < NWORKS; i++) {
    if (i % 2 == 0) {
      submit_work(&client->ops[i], &client->loop, client->pool);
    } else if (try_work(&client->ops[i], &client->loop, client->pool) != 0) {
      client->refused++;
      client->ops[i].calls = 1;
    }
    if (i % 16 == 0) uv_run(&client->loop, UV_RUN_NOWAIT);
  }
  must(uv_run(&client->loop, UV_RUN_DEFAULT) == 0);
  uvchan_pool_release(client->pool);
}

START_TEST(each_loop_gets_its_own_answers) {
  uvchan_pool_t* pool = pool_new(shape_threads(_i), shape_capacity(_i));
  unsigned int refused = 0;
  int i;

  for (i = 0; i < NLOOPS; i++) {
    support_loop_open(&clients[i].loop);
    clients[i].pool = uvchan_pool_retain(pool);
    support_start(&clients[i].thread, submit_all, &clients[i]);
  }
  for (i = 0; i < NLOOPS; i++) {
    support_join(&clients[i].thread);
    support_loop_finish(&clients[i].loop);
    refused += clients[i].refused;
    check_all_ended(clients[i].ops, NWORKS, 0);
  }
  ck_assert_uint_eq(pool_at_rest(pool).refused, refused);
  ck_assert_uint_eq(pool_at_rest(pool).done, NLOOPS * NWORKS - refused);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool");
  TCase* tcase = scene_tcase(suite, "done");

  tcase_add_loop_test(tcase, every_work_is_done_once_and_called_back_once_on_its_loops_thread, 0,
                      POOL_NSHAPES);
  tcase_add_loop_test(tcase, a_work_wakes_a_thread_that_sleeps_and_its_end_the_loop, 0,
                      POOL_NSHAPES);
  tcase_add_test(tcase, data_is_the_users);
  tcase = scene_tcase(suite, "order");
  tcase_add_loop_test(tcase,
                      with_one_thread_works_begin_and_come_back_in_the_order_of_their_submission, 0,
                      POOL_NSHAPES);
  tcase_add_loop_test(tcase, with_several_threads_no_work_begins_before_an_earlier_one_that_waits,
                      0, POOL_NSHAPES);
  tcase = scene_tcase(suite, "bounded");
  tcase_add_loop_test(tcase, a_try_is_refused_exactly_at_capacity_and_touches_nothing_after_it, 0,
                      POOL_NSHAPES);
  tcase_add_test(tcase, a_refusal_leaves_nothing_on_the_loop);
  tcase_add_loop_test(tcase, a_work_that_begins_leaves_its_room, 0, POOL_NSHAPES);
  tcase_add_loop_test(tcase, a_work_that_is_cancelled_leaves_its_room, 0, POOL_NSHAPES);
  tcase_add_loop_test(tcase, a_work_whose_time_is_over_leaves_its_room, 0, POOL_NSHAPES);
  tcase_add_loop_test(tcase, what_waits_for_room_goes_in_in_its_turn_and_no_try_passes_it, 0,
                      POOL_NSHAPES);
  tcase_add_loop_test(tcase, never_more_than_capacity_wait_inside_and_threads_run, 0, POOL_NSHAPES);
  tcase_add_test(tcase, a_work_begins_beside_one_that_takes_long_after_many_short_ones);
  tcase = support_tcase(suite, "several loops");
  tcase_add_loop_test(tcase, each_loop_gets_its_own_answers, 0, POOL_NSHAPES);
  return support_main(suite);
}
