/* SPDX-License-Identifier: MIT */
/* Has threads do what a script says, and writes down what came of it. Threads and loops are made
 * once for many histories: a history takes microseconds, a thread tens of them. */
#include "run.h"

#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
void history_yield(void) { SwitchToThread(); }
#else
#include <sched.h>
void history_yield(void) { sched_yield(); }
#endif

/* ---- The clocks ------------------------------------------------------------------------------ */

uint64_t clock_of_test(void);

/* The library's, for the age of values: each look is later than all before it, so what is buffered
 * is a nanosecond old at the next. */
uint64_t clock_of_test(void) {
  static atomic_uint_fast64_t now;

  return atomic_fetch_add(&now, 1) + 1;
}

static unsigned int tick(worker_t* worker) { return atomic_fetch_add(&worker->pool->clock, 1) + 1; }

unsigned int stamp(worker_t* worker) {
  unsigned int now = tick(worker);

  if (worker->resting != NULL) worker->resting->settled = worker->resting->end = now;
  worker->resting = NULL;
  return now;
}

void begin_turn(worker_t* worker) { worker->since = tick(worker); }

int run_loop(worker_t* worker, uv_run_mode mode) {
  int alive;

  begin_turn(worker);
  alive = uv_run(&worker->loop, mode);
  stamp(worker);
  return alive;
}

history_op_t* new_op(worker_t* worker, history_kind_t kind, unsigned char channel) {
  unsigned int i = atomic_fetch_add(&worker->pool->next_op, 1);
  history_op_t* op;

  must(i < HISTORY_OPS);
  op = &worker->pool->history->ops[i];
  memset(op, 0, sizeof(*op));
  op->kind = kind;
  op->thread = (unsigned char)worker->index;
  op->ncases = op->n = 1;
  op->cases[0].channel = channel;
  return op;
}

/* ---- Workers --------------------------------------------------------------------------------- */

#define LOOKS 200 /* before it gives the processor away between two */

#define await(condition)                       \
  do {                                         \
    unsigned int looks_;                       \
    for (looks_ = 0; !(condition); looks_++) { \
      if (looks_ >= LOOKS) history_yield();    \
    }                                          \
  } while (0)

/* A worker's operations stand together. A callback may do the next one while this pauses before
 * it. */
static void do_script(worker_t* worker) {
  const history_op_t* ops = worker->pool->history->ops;

  for (worker->next = 0; ops[worker->next].thread != worker->index;) worker->next++;
  while (is_next_its_own(worker)) {
    unsigned int next = worker->next;

    pause_before(worker, ops[next].pause);
    if (worker->next == next) perform_next(worker);
  }
}

static void do_part(worker_t* worker) {
  history_pool_t* pool = worker->pool;

  atomic_fetch_add(&pool->arrived, 1);
  await(atomic_load(&pool->arrived) == pool->nthreads);
  do_script(worker);
  while (worker->pending > 0 || sinks_are_active(worker)) {
    sinks_note_idle(worker);
    run_loop(worker, UV_RUN_ONCE);
  }
  sinks_note_idle(worker);
  sinks_close(worker);
  while (run_loop(worker, UV_RUN_DEFAULT) != 0) continue; /* its hub closes */
  atomic_fetch_add(&pool->finished, 1);
}

static void work(void* arg) {
  worker_t* worker = arg;
  history_pool_t* pool = worker->pool;
  unsigned int round;

  begin_to_perform(worker);
  support_loop_open(&worker->loop);
  for (round = 0;; round++) {
    await(atomic_load(&pool->round) != round || atomic_load(&pool->leaves));
    if (atomic_load(&pool->leaves)) break;
    do_part(worker);
  }
  support_loop_finish(&worker->loop);
}

history_pool_t* history_pool_start(unsigned int nthreads, const history_calls_t* calls) {
  history_pool_t* pool = calloc(1, sizeof(*pool));
  unsigned int i;

  must(pool != NULL);
  pool->calls = calls;
  pool->nthreads = nthreads;
  pool->last.pool = pool;
  pool->last.index = HISTORY_THREADS - 1;
  for (i = 0; i < nthreads; i++) {
    pool->workers[i].pool = pool;
    pool->workers[i].index = i;
    support_start(&pool->workers[i].thread, work, &pool->workers[i]);
  }
  return pool;
}

void history_pool_stop(history_pool_t* pool) {
  unsigned int i;

  atomic_store(&pool->leaves, 1);
  for (i = 0; i < pool->nthreads; i++) support_join(&pool->workers[i].thread);
  free(pool);
}

/* ---- One history ----------------------------------------------------------------------------- */

static void open_channels(history_pool_t* pool) {
  unsigned int i;

  for (i = 0; i < pool->history->nchannels; i++) {
    uvchan_options_t options;

    memset(&options, 0, sizeof(options));
    options.elem_size = pool->history->elem_size;
    options.capacity = pool->history->channels[i].capacity;
    options.overflow = pool->history->channels[i].overflow;
    options.max_age = pool->history->channels[i].max_age;
    options.drop_cb = on_drop;
    options.drop_arg = &pool->droppings[i];
    pool->droppings[i].pool = pool;
    pool->droppings[i].channel = (unsigned char)i;
    must(uvchan_create_ex(&pool->channels[i], &options) == 0);
  }
}

static void do_last(history_pool_t* pool, const history_op_t* op) {
  history_op_t* done = new_op(&pool->last, op->kind, op->cases[0].channel);

  *done = *op;
  pause_before(&pool->last, done->pause);
  perform(&pool->last, done);
}

/* A value is there, and a receiver that is started and whose loop does nothing else: it will be
 * called back without help. */
static int is_on_its_way(history_pool_t* pool) {
  unsigned int i, k;

  for (i = 0; i < pool->history->nchannels; i++) {
    for (k = 0; k < pool->nthreads; k++) {
      if (atomic_load(&pool->workers[k].idle[i]) > 0 && uvchan_len(pool->channels[i]) > 0) return 1;
    }
  }
  return 0;
}

#define QUIET 20000 /* nanoseconds in which nothing has happened, until it helps */
#define QUIET_LOOKS 8
#define FOR_EVER 60000000000u /* nanoseconds */

/* It helps where nothing seems to happen any more. That may be too early, which is as good a
 * history as another. */
static void await_workers(history_pool_t* pool) {
  history_t* history = pool->history;
  uint64_t quiet = support_slow() ? 10 * QUIET : QUIET;
  unsigned int rescues = 0;
  unsigned int looks = 0;
  unsigned int before = 0;
  uint64_t since = uv_hrtime();

  for (; atomic_load(&pool->finished) < pool->nthreads; looks++) {
    unsigned int now = atomic_load(&pool->clock);

    history_yield();
    if (now != before) {
      before = now;
      looks = 0;
      since = uv_hrtime();
    }
    if (looks < QUIET_LOOKS || uv_hrtime() - since < quiet) continue;
    /* somebody waits beside a value, or at a channel that is closed */
    must(uv_hrtime() - since < FOR_EVER);
    if (rescues < history->nrescues && !is_on_its_way(pool))
      do_last(pool, &history->rescues[rescues++]);
  }
}

static void check_statistics(const uvchan_t* ch) {
  uvchan_stats_t stats;

  uvchan_stats(ch, &stats);
  must(stats.sent == stats.received + stats.dropped + stats.len);
  must(stats.waiting_senders == 0 && stats.waiting_receivers == 0);
}

static void release_channels(history_pool_t* pool) {
  unsigned char i;

  for (i = 0; i < pool->history->nchannels; i++) {
    check_statistics(pool->channels[i]);
    perform(&pool->last, new_op(&pool->last, HISTORY_RELEASE, i));
  }
}

void history_run(history_pool_t* pool, history_t* history) {
  pool->history = history;
  pool->nops = history->nops;
  atomic_store(&pool->next_op, history->nops);
  open_channels(pool);
  atomic_store(&pool->clock, 0);
  atomic_store(&pool->arrived, 0);
  atomic_store(&pool->finished, 0);
  atomic_fetch_add(&pool->round, 1);
  await_workers(pool);
  release_channels(pool);
  history->nops = atomic_load(&pool->next_op);
}
