/* SPDX-License-Identifier: MIT */
/* on_done, on_room and on_closed that do not return: they leave uv_run() by longjmp(), or by an
 * exception of C++. The rest of the batch, the close, the loop and the pool go on when uv_run() is
 * called again. on_work has to return, and does. */
#include "leaving.h"
#include "works.h"

#define NWORKS 60

static work_op_t ops[NWORKS];
static uv_loop_t loop;
static unsigned int lefts;
static unsigned int every; /* so many on_done leave */
static int frees;          /* the memory is overwritten before that */

static void loop_begin(void) {
  support_loop_open(&loop);
  lefts = 0;
}

static void loop_finish(void) {
  unsigned int runs = 0;

  while (run_until_left(&loop, UV_RUN_DEFAULT) || uv_loop_alive(&loop)) must(++runs < 1000);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
}

/* Calls uv_run() again whenever it was left. */
#define go_on_until(condition)                  \
  do {                                          \
    unsigned int go_on_turns = 0;               \
    while (!(condition)) {                      \
      must(++go_on_turns < 10000000);           \
      (void)run_until_left(&loop, UV_RUN_ONCE); \
    }                                           \
  } while (0)

static void leave_now_and_then(uvchan_work_t* work, int status) {
  work_op_t* op = (work_op_t*)work;
  size_t at = (size_t)(op - ops);

  work_op_done(work, status);
  if (frees) memset(work, 0x5a, sizeof(*work));
  if (at % every != 0) return;
  lefts++;
  leave();
}

static void submit_all(uvchan_pool_t* pool) {
  int i;

  for (i = 0; i < NWORKS; i++) {
    work_op_init(&ops[i]);
    must(uvchan_pool_submit(&loop, &ops[i].work, pool, work_op_run, leave_now_and_then) == 0);
  }
}

static const unsigned int everies[] = {1, 2, 7};
#define NEVERY 3

/* One batch, for all is done before the loop looks. _i: how often it is left, and the memory. */
START_TEST(the_rest_of_a_batch_is_called_back) {
  uvchan_pool_t* pool = pool_new(2, NWORKS);

  loop_begin();
  every = everies[_i % NEVERY];
  frees = _i / NEVERY;
  submit_all(pool);
  support_await(pool_stats(pool).done == NWORKS);
  uvchan_pool_release(pool); /* what the works hold is given back by whoever was left */
  go_on_until(all_called(ops, NWORKS));
  ck_assert_uint_eq(lefts, (NWORKS + every - 1) / every);
  loop_finish();
  check_all_ended(ops, NWORKS, 0);
}
END_TEST

START_TEST(each_is_called_back_beside_the_threads) {
  uvchan_pool_t* pool = pool_new(2, 4);
  int round;

  loop_begin();
  every = everies[_i % NEVERY];
  frees = 0;
  for (round = 0; round < 20; round++) {
    submit_all(pool);
    go_on_until(all_called(ops, NWORKS));
    check_all_ended(ops, NWORKS, 0);
  }
  uvchan_pool_release(pool);
  loop_finish();
}
END_TEST

/* _i: cancelled in time, too late, or its time is over. */
START_TEST(a_work_that_was_not_done_may_be_left) {
  uvchan_pool_t* pool = pool_new(1, 4);
  gate_t gate;

  loop_begin();
  every = 1;
  frees = 0;
  gate_hold(&gate, &loop, pool, 1);
  work_op_init(&ops[0]);
  must(uvchan_pool_submit_ex(&loop, &ops[0].work, pool,
                             &(uvchan_work_options_t){.max_wait = _i == 2 ? 1 : 0}, work_op_run,
                             leave_now_and_then) == 0);
  if (_i == 0) ck_assert_int_eq(cancel_op(&ops[0]), 0);
  gate_open(&gate);
  if (_i == 1) support_await(pool_stats(pool).done == 2);
  if (_i == 1) ck_assert_int_eq(cancel_op(&ops[0]), UV_EBUSY);
  go_on_until(ops[0].calls == 1);
  check_ended(&ops[0], _i == 0 ? UV_ECANCELED : _i == 1 ? 0 : UV_ETIMEDOUT);
  ck_assert_uint_eq(lefts, 1);
  go_on_until(gate.holds[0].calls == 1);
  uvchan_waitgroup_destroy(&gate.wg);
  uvchan_pool_release(pool);
  loop_finish();
}
END_TEST

/* ---- Room and close -------------------------------------------------------------------------- */

static void leave_on_room(uvchan_room_t* req, int status) {
  must(status == 0 || status == UV_EPIPE || status == UV_ECANCELED);
  memset(req, 0x5a, sizeof(*req));
  lefts++;
  leave();
}

static void leave_on_closed(uvchan_pool_t* pool) {
  (void)pool_at_rest(pool);
  lefts++;
  leave();
}

/* _i: room, a cancel, a close. */
START_TEST(on_room_may_be_left) {
  uvchan_pool_t* pool = pool_new(1, 1);
  uvchan_room_t rooms[3];
  gate_t gate;
  int i;

  loop_begin();
  gate_hold(&gate, &loop, pool, 1);
  submit_work(&ops[0], &loop, pool);
  for (i = 0; i < 3; i++)
    ck_assert_int_eq(uvchan_pool_on_room(&loop, &rooms[i], pool, leave_on_room), 0);
  if (_i == 0) ck_assert_int_eq(cancel_op(&ops[0]), 0);
  for (i = 0; i < 3 && _i == 1; i++) {
    ck_assert_int_eq(cancel_op(&rooms[i]), 0);
    go_on_until(lefts == (unsigned int)i + 1); /* libuv's closing phase bears one at a time */
  }
  if (_i == 2) ck_assert_int_eq(uvchan_pool_close(&loop, pool, 0, NULL), 0);
  go_on_until(lefts == 3);
  gate_open(&gate);
  go_on_until(ops[0].calls == 1 && gate.holds[0].calls == 1);
  uvchan_waitgroup_destroy(&gate.wg);
  uvchan_pool_release(pool);
  loop_finish();
}
END_TEST

START_TEST(on_closed_may_be_left) {
  uvchan_pool_t* pool = pool_new(2, NWORKS);

  loop_begin();
  every = 3;
  frees = 0;
  submit_all(pool);
  ck_assert_int_eq(uvchan_pool_close(&loop, pool, UINT64_MAX, leave_on_closed), 0);
  uvchan_pool_release(pool);
  go_on_until(lefts == NWORKS / 3 + 1);
  loop_finish();
  check_all_ended(ops, NWORKS, 0);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-leaving");
  TCase* tcase = support_tcase(suite, "leaving");

  tcase_add_loop_test(tcase, the_rest_of_a_batch_is_called_back, 0, 2 * NEVERY);
  tcase_add_loop_test(tcase, each_is_called_back_beside_the_threads, 0, NEVERY);
  tcase_add_loop_test(tcase, a_work_that_was_not_done_may_be_left, 0, 3);
  tcase_add_loop_test(tcase, on_room_may_be_left, 0, 3);
  tcase_add_test(tcase, on_closed_may_be_left);
  return support_main(suite);
}
