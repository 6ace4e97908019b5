/* SPDX-License-Identifier: MIT */
/* Proves that no work of a pool is forgotten (pool/state.h, I3): a loop submits one while the
 * pool's thread looks, parks, or sleeps. The thread does one work, and ends; the loop sleeps for
 * ever only when it is called back, once, and has seen what the thread did. */
#define MODEL_FIRST_WAKES 1

#include "pool.h"

static uvchan_pool_t* pool;
static uvchan_work_t work;
static int worked; /* plain: ordered by the pool alone */
static int called;

static void on_work(uvchan_work_t* same, void* state) {
  (void)same;
  (void)state;
  worked++;
}

static void on_done(uvchan_work_t* same, int status) {
  (void)same;
  assert(status == 0 && worked == 1);
  called++;
}

static void* thread(void* arg) {
  uvchan_work_t* taken = await_work(pool, &pool->threads[0]);

  assert(taken == &work);
  taken->on_work(taken, NULL);
  taken = threads_go_on(pool, &pool->threads[0], taken);
  assert(taken == NULL);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {thread};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    model_start_loop();
    pool = model_pool(1, 1);
    called = worked = 0;
    model_spawn(threads, 1);
    assert(uvchan_pool_try_submit(&model_uv, &work, pool, on_work, on_done) == 0);
    MODEL_AT_END();
    model_loop(2);
    assert(called == 1 && pool->n_looking == 1 && pool->n_running == 0);
    model_end_pool(pool);
    model_end_loop();
  }
  return 0;
}
