/* SPDX-License-Identifier: MIT */
/* A child of fork() makes pools of its own, whatever the parent's were doing; and the parent's go
 * on. */
#include "child.h"

#if CAN_FORK

#include "works.h"

#define NWORKS 50

static work_op_t ops[NWORKS];

static void use_a_pool(void) {
  uvchan_pool_t* pool = pool_new(2, 4);
  uv_loop_t loop;
  int i;

  support_loop_open(&loop);
  for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &loop, pool);
  must(uvchan_pool_close(&loop, pool, UINT64_MAX, NULL) == 0);
  while (uv_run(&loop, UV_RUN_DEFAULT) != 0) continue;
  must(uv_loop_close(&loop) == 0);
  uvchan_pool_release(pool);
}

/* What waits outside when the pool is closed is not done: so these wait inside. */
static void use_a_large_pool(void) {
  uvchan_pool_t* pool = pool_new(2, NWORKS);
  uv_loop_t loop;
  int i;

  support_loop_open(&loop);
  for (i = 0; i < NWORKS; i++) submit_work(&ops[i], &loop, pool);
  must(uvchan_pool_close(&loop, pool, UINT64_MAX, NULL) == 0);
  while (uv_run(&loop, UV_RUN_DEFAULT) != 0) continue;
  must(uv_loop_close(&loop) == 0);
  for (i = 0; i < NWORKS; i++) must(ops[i].calls == 1 && ops[i].status == 0);
  uvchan_pool_release(pool);
}

/* _i: the parent's pool is idle, or its threads are held; and what the child does. */
START_TEST(a_child_has_pools_of_its_own) {
  uvchan_pool_t* pool;
  uv_loop_t loop;
  gate_t gate;
  pid_t pid;

  use_places();
  pool = pool_new(2, 4);
  support_loop_open(&loop);
  gate_hold(&gate, &loop, pool, 2);
  if (_i & 1) gate_end(&gate, &loop);
  pid = fork_child();
  if (pid == 0) {
    if (_i & 2) use_a_pool();
    use_a_large_pool();
    end_child(0);
  }
  await_child(pid);
  if ((_i & 1) == 0) gate_end(&gate, &loop);
  use_a_large_pool(); /* the parent's go on */
  support_loop_finish(&loop);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-fork");
  TCase* tcase = support_tcase(suite, "fork");

  tcase_add_loop_test(tcase, a_child_has_pools_of_its_own, 0, 4);
  return support_main(suite);
}

#else

int main(void) { return 0; }

#endif /* CAN_FORK */
