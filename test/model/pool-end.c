/* SPDX-License-Identifier: MIT */
/* Proves that the end of a pool comes once, after all that it waits for (pool/state.h, I5): the
 * loop closes it while its thread does a work, looks or parks, and is called back after the work's
 * on_done and the thread's last touch of the pool. */
#define MODEL_FIRST_WAKES 1

#include "pool.h"

static uvchan_pool_t* pool;
static uvchan_work_t work;
static int left; /* plain: ordered by the pool alone */
static int called;
static int ended;

static void on_work(uvchan_work_t* same, void* state) {
  (void)same;
  (void)state;
}

static void on_done(uvchan_work_t* same, int status) {
  (void)same;
  assert(status == 0 && ended == 0);
  called++;
}

static void on_pool_closed(uvchan_pool_t* same) {
  assert(same == pool && called == 1 && left == 1);
  ended++;
}

static void* thread(void* arg) {
  work_off(pool, &pool->threads[0]);
  left = 1;
  leave(pool, &pool->threads[0], 0);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {thread};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    model_start_loop();
    pool = model_pool(1, 1);
    called = left = ended = 0;
    assert(uvchan_pool_try_submit(&model_uv, &work, pool, on_work, on_done) == 0);
    model_spawn(threads, 1);
    assert(uvchan_pool_close(&model_uv, pool, UINT64_MAX, on_pool_closed) == 0);
    MODEL_AT_END();
    model_loop(4);
    assert(called == 1 && ended == 1);
    model_end_pool(pool);
    model_end_loop();
  }
  return 0;
}
