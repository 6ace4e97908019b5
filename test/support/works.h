/* SPDX-License-Identifier: MIT */
/* What the suites on pools share: works that record how they began and ended, and a gate at which
 * threads of a pool stand until it is opened. It knows the public headers alone.
 *
 * Nothing here sleeps in order to wait: a thread that stands at a gate is busy for as long as the
 * test likes, and what is submitted meanwhile waits for certain. */
#ifndef WORKS_H
#define WORKS_H

#include <uvchan/pool.h>

#include "support-loop.h"

/* ---- Pools ----------------------------------------------------------------------------------- */

static inline uvchan_pool_t* pool_of(const uvchan_pool_options_t* options) {
  uvchan_pool_t* pool = NULL;

  must(uvchan_pool_create(&pool, options) == 0);
  must(pool != NULL);
  return pool;
}

static inline uvchan_pool_options_t pool_options(unsigned int threads, size_t capacity) {
  uvchan_pool_options_t options;

  memset(&options, 0, sizeof(options));
  options.threads = threads;
  options.capacity = capacity;
  return options;
}

static inline uvchan_pool_t* pool_new(unsigned int threads, size_t capacity) {
  uvchan_pool_options_t options = pool_options(threads, capacity);

  return pool_of(&options);
}

static inline uvchan_pool_stats_t pool_stats(uvchan_pool_t* pool) {
  uvchan_pool_stats_t stats;

  uvchan_pool_stats(pool, &stats);
  must(stats.waiting <= stats.peak && stats.peak <= stats.capacity);
  must(stats.waiting_urgent <= stats.waiting);
  must(stats.running <= stats.threads && stats.threads <= stats.threads_at_most);
  must(stats.threads_idle + stats.running == stats.threads);
  return stats;
}

/* Of a pool that nobody is using. */
static inline uvchan_pool_stats_t pool_at_rest(uvchan_pool_t* pool) {
  uvchan_pool_stats_t stats = pool_stats(pool);

  must(stats.submitted == stats.done + stats.cancelled + stats.expired + stats.shed + stats.closed);
  must(stats.waiting == 0 && stats.waiting_outside == 0 && stats.running == 0);
  return stats;
}

/* The shapes that a test runs over. */
#define POOL_NSHAPES 9
static inline unsigned int shape_threads(int i) {
  static const unsigned int threads[] = {1, 2, 4};
  return threads[i % 3];
}
static inline size_t shape_capacity(int i) {
  static const size_t capacities[] = {1, 2, 16};
  return capacities[i / 3 % 3];
}

/* ---- Works that record how they ended -------------------------------------------------------- */

typedef struct {
  uvchan_work_t work; /* first */
  unsigned int calls; /* of on_done */
  int status;         /* the last one's */
  atomic_uint begins; /* calls of on_work */
  unsigned int begun; /* which of all works it began as */
  unsigned int ended; /* which of all works it was called back as */
  void* state;        /* of the thread that did it */
  uv_thread_t by;     /* that thread */
  uv_thread_t home;   /* the loop's thread */
} work_op_t;

static atomic_uint works_begun;
static atomic_uint works_ended;
static atomic_uint works_inside;      /* in on_work just now */
static atomic_uint works_most_inside; /* at once */

static inline void works_enter(void) {
  unsigned int n = atomic_fetch_add(&works_inside, 1) + 1;
  unsigned int most = atomic_load(&works_most_inside);

  while (n > most && !atomic_compare_exchange_weak(&works_most_inside, &most, n)) continue;
}

static inline void works_leave(void) { atomic_fetch_sub(&works_inside, 1); }

static inline void work_op_begin(work_op_t* op, void* state) {
  must(atomic_fetch_add(&op->begins, 1) == 0);
  must(op->calls == 0);
  op->begun = atomic_fetch_add(&works_begun, 1);
  op->by = uv_thread_self();
  op->state = state;
}

static inline void work_op_run(uvchan_work_t* work, void* state) {
  works_enter();
  work_op_begin((work_op_t*)work, state);
  works_leave();
}

static inline void work_op_done(uvchan_work_t* work, int status) {
  work_op_t* op = (work_op_t*)work;
  uv_thread_t self = uv_thread_self();

  must(uv_thread_equal(&self, &op->home));
  must((status == 0) == (atomic_load(&op->begins) == 1));
  op->ended = atomic_fetch_add(&works_ended, 1);
  op->status = status;
  op->calls++;
}

static inline void work_op_init(work_op_t* op) {
  void* data = op->work.data;

  memset(op, 0, sizeof(*op));
  op->work.data = data; /* the user's */
  op->home = uv_thread_self();
}

/* Each submits and checks that the callback does not run inside the call. */
static inline int try_work(work_op_t* op, uv_loop_t* loop, uvchan_pool_t* pool) {
  int r;

  work_op_init(op);
  r = uvchan_pool_try_submit(loop, &op->work, pool, work_op_run, work_op_done);
  must(op->calls == 0);
  return r;
}

static inline void submit_work(work_op_t* op, uv_loop_t* loop, uvchan_pool_t* pool) {
  work_op_init(op);
  must(uvchan_pool_submit(loop, &op->work, pool, work_op_run, work_op_done) == 0);
  must(op->calls == 0);
}

/* One lane after the other, or by chance. */
static inline uvchan_priority_t lane_of(uint64_t n) {
  return n % 2 == 0 ? UVCHAN_NORMAL : UVCHAN_URGENT;
}

static inline void submit_work_ex(work_op_t* op, uv_loop_t* loop, uvchan_pool_t* pool,
                                  uvchan_priority_t priority, uint64_t max_wait) {
  uvchan_work_options_t options;

  memset(&options, 0, sizeof(options));
  options.priority = priority;
  options.max_wait = max_wait;
  work_op_init(op);
  must(uvchan_pool_submit_ex(loop, &op->work, pool, &options, work_op_run, work_op_done) == 0);
  must(op->calls == 0);
}

static inline int try_work_ex(work_op_t* op, uv_loop_t* loop, uvchan_pool_t* pool,
                              uvchan_priority_t priority) {
  uvchan_work_options_t options;

  memset(&options, 0, sizeof(options));
  options.priority = priority;
  work_op_init(op);
  return uvchan_pool_try_submit_ex(loop, &op->work, pool, &options, work_op_run, work_op_done);
}

/* ---- A gate ---------------------------------------------------------------------------------- */

#define GATE_MOST 4 /* threads that stand at one */

/* A work at the gate is one that runs until the gate is opened. */
typedef struct {
  uvchan_waitgroup_t wg;
  atomic_uint entered;
  unsigned int n;
  work_op_t holds[GATE_MOST];
} gate_t;

static inline void stand_at_gate(uvchan_work_t* work, void* state) {
  gate_t* gate = work->data;

  works_enter();
  work_op_begin((work_op_t*)work, state);
  atomic_fetch_add(&gate->entered, 1);
  must(uvchan_waitgroup_wait(&gate->wg) == 0);
  works_leave();
}

static inline void gate_init(gate_t* gate) {
  memset(gate, 0, sizeof(*gate));
  must(uvchan_waitgroup_init(&gate->wg) == 0);
  must(uvchan_waitgroup_add(&gate->wg, 1) == 0);
}

/* One more thread of the pool is held when this returns: its work has begun. */
static inline void gate_hold_one(gate_t* gate, uv_loop_t* loop, uvchan_pool_t* pool) {
  work_op_t* op = &gate->holds[gate->n++];

  must(gate->n <= GATE_MOST);
  work_op_init(op);
  op->work.data = gate;
  must(uvchan_pool_submit(loop, &op->work, pool, stand_at_gate, work_op_done) == 0);
  support_await(atomic_load(&gate->entered) == gate->n);
}

static inline void gate_hold(gate_t* gate, uv_loop_t* loop, uvchan_pool_t* pool,
                             unsigned int threads) {
  gate_init(gate);
  while (gate->n < threads) gate_hold_one(gate, loop, pool);
}

static inline void gate_open(gate_t* gate) { must(uvchan_waitgroup_done(&gate->wg) == 0); }

/* After the gate was opened: its works come back. */
static inline void gate_finish(gate_t* gate, uv_loop_t* loop) {
  unsigned int i;

  for (i = 0; i < gate->n; i++) {
    run_until(loop, gate->holds[i].calls == 1);
    ck_assert_int_eq(gate->holds[i].status, 0);
  }
  uvchan_waitgroup_destroy(&gate->wg);
}

static inline void gate_end(gate_t* gate, uv_loop_t* loop) {
  gate_open(gate);
  gate_finish(gate, loop);
}

/* ---- Several works --------------------------------------------------------------------------- */

static inline int all_called(const work_op_t* ops, size_t n) {
  while (n > 0 && ops[n - 1].calls == 1) n--;
  return n == 0;
}

static inline void check_all_ended(const work_op_t* ops, size_t n, int status) {
  size_t i;

  for (i = 0; i < n; i++) check_ended(&ops[i], status);
}

/* As many as are inside without a refusal. */
static inline void fill_pool(work_op_t* ops, size_t n, uv_loop_t* loop, uvchan_pool_t* pool) {
  size_t i;

  for (i = 0; i < n; i++) must(try_work(&ops[i], loop, pool) == 0);
}

#endif /* WORKS_H */
