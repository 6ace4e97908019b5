/* SPDX-License-Identifier: MIT */
/* A stranger closes every handle of a loop that has works at a pool: uv_walk() with
 * uv_close(handle, NULL). The run ends, the loop may go, the pool works on for others, and
 * uvchan_cancel() brings each callback, of what waits, runs or has ended. */
#include "scene.h"
#include "works.h"
#include "world.h"

#define NWAIT 4 /* two of them outside */

/* One loop with a work of each sort at a pool of one thread. */
typedef struct {
  uv_loop_t* loop;
  uvchan_pool_t* pool;
  work_op_t done; /* and not called back */
  gate_t gate;    /* a work that runs */
  work_op_t waits[NWAIT];
  unsigned int rooms;
  int room_status;
  uvchan_room_t room;
} office_t;

static office_t office;

static void on_room(uvchan_room_t* req, int status) {
  must(req == &office.room);
  office.room_status = status;
  office.rooms++;
}

static void office_open(void) {
  int i;

  memset(&office, 0, sizeof(office));
  office.loop = loop_new();
  office.pool = pool_new(1, 2);
  submit_work(&office.done, office.loop, office.pool);
  support_await(pool_stats(office.pool).done == 1);
  gate_hold(&office.gate, office.loop, office.pool, 1);
  for (i = 0; i < NWAIT; i++)
    submit_work_ex(&office.waits[i], office.loop, office.pool, lane_of((uint64_t)i),
                   i == 1 ? 0 : 3600 * UINT64_C(1000000000));
  ck_assert_int_eq(uvchan_pool_on_room(office.loop, &office.room, office.pool, on_room), 0);
}

static int cancel_all_that_wait(void) {
  int cancelled = 0;
  int i;

  ck_assert_int_eq(cancel_op(&office.room), 0); /* before there is some */
  for (i = 0; i < NWAIT; i++) cancelled += cancel_op(&office.waits[i]) == 0;
  return cancelled;
}

static void open_gate(void* arg) { gate_open(arg); }

static void check_office(void) {
  check_ended(&office.done, 0);
  check_ended(&office.gate.holds[0], 0);
  check_all_ended(office.waits, NWAIT, UV_ECANCELED);
  ck_assert_uint_eq(office.rooms, 1);
  ck_assert_int_eq(office.room_status, UV_ECANCELED);
}

static void office_close(void) {
  check_office();
  ck_assert_uint_eq(pool_at_rest(office.pool).done, 2);
  ck_assert_uint_eq(pool_at_rest(office.pool).cancelled, NWAIT);
  uvchan_waitgroup_destroy(&office.gate.wg);
  uvchan_pool_release(office.pool);
}

/* Where the handles are closed for good, and the loop may be gone, it calls back before it
 * returns. */
static void cancel_the_rest(void) {
  ck_assert_int_eq(cancel_op(&office.done), UV_EBUSY);
  ck_assert_int_eq(cancel_op(&office.gate.holds[0]), UV_EBUSY);
}

/* _i: whether the loop has had turns, in which what is done is called back, before the stranger;
 * whether it runs after him; and whether another thread ends the work while it is cancelled. */
START_TEST(each_work_can_be_cancelled_after_the_stranger) {
  uv_thread_t thread;

  office_open();
  if (_i & 1) settle(office.loop);
  stranger(office.loop);
  if (_i & 2) ck_assert_int_eq(uv_run(office.loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq(cancel_all_that_wait(), NWAIT);
  if (_i & 4) {
    support_start(&thread, open_gate, &office.gate);
    cancel_the_rest();
    support_join(&thread);
  } else {
    gate_open(&office.gate);
    support_await(pool_stats(office.pool).done == 2);
    cancel_the_rest();
  }
  loop_finish(office.loop);
  office_close();
}
END_TEST

/* The loop's memory is gone while a thread does its work. */
START_TEST(each_work_can_be_cancelled_after_the_end_of_the_loop) {
  uv_thread_t thread;

  office_open();
  if (_i & 1) settle(office.loop);
  stranger(office.loop);
  loop_end(office.loop);
  ck_assert_int_eq(cancel_all_that_wait(), NWAIT);
  ck_assert_uint_eq(office.waits[0].calls, 1);
  if (_i & 2) {
    support_start(&thread, open_gate, &office.gate);
    cancel_the_rest();
    support_join(&thread);
  } else {
    gate_open(&office.gate);
    cancel_the_rest();
  }
  office_close();
}
END_TEST

/* What threads do after the stranger, and after the loop, is harmless. */
START_TEST(the_pool_works_on_after_the_stranger) {
  int i;

  office_open();
  stranger(office.loop);
  if (_i == 1) ck_assert_int_eq(uv_run(office.loop, UV_RUN_DEFAULT), 0);
  if (_i == 2) loop_end(office.loop);
  gate_open(&office.gate);
  support_await(pool_stats(office.pool).done == 2 + NWAIT);
  ck_assert_int_eq(cancel_op(&office.room), UV_EBUSY);
  for (i = 0; i < NWAIT; i++) ck_assert_int_eq(cancel_op(&office.waits[i]), UV_EBUSY);
  cancel_the_rest();
  if (_i < 2) loop_finish(office.loop);
  check_all_ended(office.waits, NWAIT, 0);
  check_ended(&office.done, 0);
  ck_assert_uint_eq(office.rooms, 1);
  ck_assert_int_eq(office.room_status, 0);
  ck_assert_uint_eq(pool_at_rest(office.pool).done, 2 + NWAIT);
  uvchan_waitgroup_destroy(&office.gate.wg);
  uvchan_pool_release(office.pool);
}
END_TEST

/* The loop is as good as new for new works, while old ones are still there. */
START_TEST(new_works_after_the_stranger_are_served) {
  work_op_t later[2];

  office_open();
  settle(office.loop);
  stranger(office.loop);
  if (_i & 1) ck_assert_int_eq(uv_run(office.loop, UV_RUN_DEFAULT), 0);
  submit_work(&later[0], office.loop, office.pool);
  submit_work_ex(&later[1], office.loop, office.pool, UVCHAN_NORMAL, 1);
  run_until(office.loop, later[1].calls == 1);
  check_ended(&later[1], UV_ETIMEDOUT);
  ck_assert_int_eq(cancel_all_that_wait(), NWAIT);
  gate_open(&office.gate);
  run_until(office.loop, later[0].calls == 1);
  check_ended(&later[0], 0);
  cancel_the_rest();
  loop_finish(office.loop);
  check_office();
  uvchan_waitgroup_destroy(&office.gate.wg);
  uvchan_pool_release(office.pool);
}
END_TEST

/* Another loop at the same address has nothing to do with the one that is gone. */
START_TEST(another_loop_at_the_same_address_is_served) {
  static uv_loop_t loop;
  uvchan_pool_t* pool = pool_new(1, 8);
  work_op_t old, later;
  gate_t gate;

  support_loop_open(&loop);
  gate_hold(&gate, &loop, pool, 1);
  submit_work(&old, &loop, pool);
  stranger(&loop);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  support_loop_open(&loop);
  submit_work(&later, &loop, pool);
  gate_open(&gate);
  run_until(&loop, later.calls == 1);
  ck_assert_int_eq(cancel_op(&gate.holds[0]), UV_EBUSY);
  ck_assert_int_eq(cancel_op(&old), UV_EBUSY);
  support_loop_finish(&loop);
  check_ended(&old, 0);
  check_ended(&later, 0);
  check_ended(&gate.holds[0], 0);
  uvchan_waitgroup_destroy(&gate.wg);
  uvchan_pool_release(pool);
}
END_TEST

static unsigned int ends;

static void count_end(uvchan_pool_t* pool) {
  must(pool != NULL);
  ends++;
}

/* _i: whether the end has come when the stranger does, and whether the loop is made anew before the
 * pool is closed once more. */
START_TEST(a_close_is_taken_over_after_the_stranger) {
  static uv_loop_t loop;
  uvchan_pool_t* pool = pool_new(2, 8);
  work_op_t op;

  ends = 0;
  support_loop_open(&loop);
  submit_work(&op, &loop, pool);
  run_until(&loop, op.calls == 1);
  ck_assert_int_eq(uvchan_pool_close(&loop, pool, 3600000, count_end), 0);
  if (_i & 1) support_await(pool_stats(pool).threads == 0);
  stranger(&loop);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  if (_i & 2) {
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    support_loop_open(&loop);
  }
  ck_assert_uint_eq(ends, 0);
  ck_assert_int_eq(uvchan_pool_close(&loop, pool, 3600000, count_end), 0);
  ck_assert_int_eq(uvchan_pool_close(&loop, pool, 3600000, count_end), UV_EALREADY);
  support_loop_finish(&loop);
  ck_assert_uint_eq(ends, 1);
  uvchan_pool_release(pool);
}
END_TEST

static void stranger_inside(uvchan_work_t* work, int status) {
  uv_loop_t* loop = work->loop;

  work_op_done(work, status);
  stranger(loop);
}

/* The rest of the same batch was not called back, and is by its cancel. */
START_TEST(a_stranger_in_a_callback_ends_the_run) {
  uvchan_pool_t* pool = pool_new(1, 8);
  uv_loop_t* loop = loop_new();
  work_op_t ops[3];
  int i;

  for (i = 0; i < 3; i++) {
    work_op_init(&ops[i]);
    ck_assert_int_eq(uvchan_pool_submit(loop, &ops[i].work, pool, work_op_run,
                                        i == 0 ? stranger_inside : work_op_done),
                     0);
  }
  support_await(pool_stats(pool).done == 3);
  ck_assert_int_eq(uv_run(loop, UV_RUN_DEFAULT), 0);
  check_ended(&ops[0], 0);
  for (i = 1; i < 3; i++) ck_assert_int_eq(cancel_op(&ops[i]), UV_EBUSY);
  loop_finish(loop);
  check_all_ended(ops, 3, 0);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-strangers");
  TCase* tcase = support_tcase(suite, "strangers");

  tcase_add_loop_test(tcase, each_work_can_be_cancelled_after_the_stranger, 0, 8);
  tcase_add_loop_test(tcase, each_work_can_be_cancelled_after_the_end_of_the_loop, 0, 4);
  tcase_add_loop_test(tcase, the_pool_works_on_after_the_stranger, 0, 3);
  tcase_add_loop_test(tcase, new_works_after_the_stranger_are_served, 0, 2);
  tcase_add_test(tcase, another_loop_at_the_same_address_is_served);
  tcase_add_loop_test(tcase, a_close_is_taken_over_after_the_stranger, 0, 4);
  tcase_add_test(tcase, a_stranger_in_a_callback_ends_the_run);
  return support_main(suite);
}
