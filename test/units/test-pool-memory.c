/* SPDX-License-Identifier: MIT */
/* Memory of a pool: each call that asks for some answers UV_ENOMEM where it gets none, with no
 * effect, and succeeds the next time; and a work needs none. */
#include "scene.h"
#include "works.h"

#define NWORKS 1000

static work_op_t ops[NWORKS];

/* With the n-th allocation of the call failing, n = 0, 1, 2, ..., until it succeeds; meanwhile
 * nothing is on the loop. Answers how many have failed. */
#define fail_until_it_succeeds(loop, call, answer)                         \
  do {                                                                     \
    unsigned int handles_ = count_handles(loop, UV_UNKNOWN_HANDLE);        \
    size_t n_ = 0;                                                         \
    answer = 0;                                                            \
    for (;; n_++) {                                                        \
      int r_;                                                              \
      support_fail_at(n_, 1);                                              \
      r_ = (call);                                                         \
      support_fail_never();                                                \
      if (r_ == 0) break;                                                  \
      ck_assert_int_eq(r_, UV_ENOMEM);                                     \
      ck_assert_uint_eq(count_handles(loop, UV_UNKNOWN_HANDLE), handles_); \
      answer++;                                                            \
    }                                                                      \
  } while (0)

START_TEST(create) {
  uvchan_pool_options_t options = pool_options(4, 1000);
  uvchan_pool_t* pool = NULL;
  int failed;

  options.name = "a name";
  fail_until_it_succeeds(&scene.loop, uvchan_pool_create(&pool, &options), failed);
  ck_assert_int_eq(failed, 1);
  ck_assert_uint_eq(support_allocations(), 1);
  uvchan_pool_release(pool);
}
END_TEST

static int submit_one(uv_loop_t* loop, uvchan_pool_t* pool) {
  work_op_init(&ops[0]);
  return uvchan_pool_submit(loop, &ops[0].work, pool, work_op_run, work_op_done);
}

/* _i: tried or submitted; and whether the loop has a hub by another user already. */
START_TEST(the_first_work_of_a_loop) {
  uvchan_pool_t* pool = pool_new(1, 4);
  uvchan_t* ch = scene_channel(1);
  int failed;
  sink_t sink;

  if (_i & 1) sink_start(&sink, &scene.loop, ch);
  if (_i & 2) {
    fail_until_it_succeeds(&scene.loop, try_work(&ops[0], &scene.loop, pool), failed);
  } else {
    fail_until_it_succeeds(&scene.loop, submit_one(&scene.loop, pool), failed);
  }
  ck_assert_int_eq(failed, _i & 1 ? 1 : 2);
  ck_assert_uint_eq(pool_stats(pool).submitted, 1);
  run_until(&scene.loop, ops[0].calls == 1);
  if (_i & 1) sink_close(&sink);
  scene_finish();
  uvchan_pool_release(pool);
}
END_TEST

static void on_room(uvchan_room_t* req, int status) {
  must(status == 0);
  ++*(unsigned int*)req->data;
}

START_TEST(the_first_request_for_room) {
  uvchan_pool_t* pool = pool_new(1, 4);
  unsigned int calls = 0;
  uvchan_room_t room;
  int failed;

  room.data = &calls;
  fail_until_it_succeeds(&scene.loop, uvchan_pool_on_room(&scene.loop, &room, pool, on_room),
                         failed);
  ck_assert_int_eq(failed, 1);
  scene_run();
  ck_assert_uint_eq(calls, 1);
  uvchan_pool_release(pool);
}
END_TEST

/* Where it fails the pool is as before, and takes works. */
START_TEST(close) {
  uvchan_pool_t* pool = pool_new(1, 4);
  uv_loop_t loop;
  int failed;

  support_loop_open(&loop);
  support_fail_at(0, 1);
  ck_assert_int_eq(uvchan_pool_close(&loop, pool, 0, NULL), UV_ENOMEM);
  support_fail_never();
  submit_work(&ops[0], &scene.loop, pool);
  scene_run();
  check_ended(&ops[0], 0);
  fail_until_it_succeeds(&loop, uvchan_pool_close(&loop, pool, 0, NULL), failed);
  ck_assert_int_eq(failed, 1);
  support_loop_finish(&loop);
  uvchan_pool_release(pool);
}
END_TEST

/* Some wait inside, and some outside; all have limits. _i: the number of threads and the
 * capacity. */
START_TEST(a_work_needs_none) {
  uvchan_pool_t* pool = pool_new(shape_threads(_i), shape_capacity(_i));
  size_t calls;
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, shape_threads(_i));
  calls = support_calls();
  support_fail_at(0, 1);
  for (i = 0; i < NWORKS; i++)
    submit_work_ex(&ops[i], &scene.loop, pool, lane_of((uint64_t)i),
                   i % 3 == 0 ? UINT64_MAX / 4 : 0);
  for (i = 0; i < NWORKS; i += 10) ck_assert_int_eq(cancel_op(&ops[i]), 0);
  gate_open(&gate);
  run_until(&scene.loop, all_called(ops, NWORKS));
  gate_finish(&gate, &scene.loop);
  ck_assert_uint_eq(support_calls(), calls);
  ck_assert_uint_eq(support_failures(), 0);
  support_fail_never();
  scene_run();
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-memory");
  TCase* tcase = scene_tcase(suite, "memory");

  tcase_add_loop_test(tcase, the_first_work_of_a_loop, 0, 4);
  tcase_add_test(tcase, the_first_request_for_room);
  tcase_add_test(tcase, close);
  tcase_add_loop_test(tcase, a_work_needs_none, 0, POOL_NSHAPES);
  tcase_add_test(tcase, create);
  return support_main(suite);
}
