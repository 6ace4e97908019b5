/* SPDX-License-Identifier: MIT */
/* Proves that no answer of a pool is lost on its way back (pool/port.h): two threads finish a work
 * each, at any moment of the loop's turns, and of the port's own. The loop sleeps for ever only
 * when both are called back, once, and have seen what was done before; the port is in no use
 * then. */
#include "pool.h"

static uvchan_pool_t* pool;
static uvchan_work_t works[2];
static int written[2]; /* plain: ordered by the pool alone */
static int called[2];

static void on_work(uvchan_work_t* work, void* state) {
  (void)work;
  (void)state;
}

static void on_done(uvchan_work_t* work, int status) {
  int i = work == &works[1];

  assert(status == 0 && written[i] == 1);
  called[i]++;
}

static void finish(int i) {
  uvchan__shift_t shift = UVCHAN__SHIFT(1);

  written[i] = 1;
  uvchan__pool_lock(pool);
  uvchan__port_finish(&works[i], 0, &shift);
  uvchan__pool_unlock(pool, &shift);
}

static void* thread_a(void* arg) {
  finish(0);
  return arg;
}

static void* thread_b(void* arg) {
  finish(1);
  return arg;
}

/* As a thread does that takes all there is. */
static void take_both(void) {
  uvchan__shift_t shift = UVCHAN__SHIFT(1);

  uvchan__pool_lock(pool);
  assert(uvchan__lanes_take(pool, &shift) == &works[0]);
  assert(uvchan__lanes_take(pool, &shift) == &works[1]);
  uvchan__pool_unlock(pool, &shift);
}

int main(void) {
  static void* (*threads[])(void*) = {thread_a, thread_b};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    model_start_loop();
    pool = model_pool(2, 0);
    called[0] = called[1] = written[0] = written[1] = 0;
    assert(uvchan_pool_try_submit(&model_uv, &works[0], pool, on_work, on_done) == 0);
    assert(uvchan_pool_try_submit(&model_uv, &works[1], pool, on_work, on_done) == 0);
    take_both();
    model_spawn(threads, 2);
    model_loop(2);
    assert(called[0] == 1 && called[1] == 1 && pool->n_ports_used == 0);
    model_end_pool(pool);
    model_end_loop();
  }
  return 0;
}
