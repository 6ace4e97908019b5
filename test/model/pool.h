/* SPDX-License-Identifier: MIT */
/* What the models of the work pool share: its sources, and a pool whose threads the models are
 * themselves. */
#ifndef MODEL_POOL_H
#define MODEL_POOL_H

#include "loop.h"

#ifdef MODEL_CHECKER
#pragma clang attribute push(__attribute__((internal_linkage)), apply_to = function)
#endif

#include <uvchan/pool.h>

#include "ground/backoff.h"
#include "ground/platform.h"

/* To let a batch gather changes nothing but time. */
void uvchan__coalesce_until(int (*has_batch)(const void* arg), const void* arg) {
  (void)has_batch;
  (void)arg;
}

void uvchan__hold_signals(uvchan__signals_t* signals) { (void)signals; }
void uvchan__let_signals(const uvchan__signals_t* signals) { (void)signals; }
void uvchan__name_thread(const char* name) { (void)name; }

#include "ends/request.c"
#include "wake/alarms.c"

/* Each file has its own idea of some short names. */
#define FINISHED PORT_FINISHED
#define go_on threads_go_on
#define look threads_look
#define close_locked life_close_locked
#define is_valid lanes_is_valid
#include "pool/lanes.c"
#undef is_valid
#define append port_append
#define unlink_work port_unlink_work
#include "pool/port.c"
#undef append
#undef unlink_work
#define find delivery_find
#define make delivery_make
#define take_turn delivery_take_turn
#define end_turn delivery_end_turn
#define begin_turn delivery_begin_turn
#define has_batch delivery_has_batch
#define call_back delivery_call_back
#include "pool/delivery.c"
#undef find
#undef make
#undef take_turn
#undef end_turn
#undef begin_turn
#undef has_batch
#undef call_back
#define run threads_run
#include "pool/threads.c"
#undef run
#define let_go life_let_go
#define is_valid life_is_valid
#define init life_init
#define on_closed life_on_closed
#include "pool/life.c"
#undef let_go
#undef is_valid
#undef init
#undef on_closed
#define is_valid work_is_valid
#define append work_append
#define let_go work_let_go
#include "pool/work.c"
#undef is_valid
#undef append
#undef let_go
#undef FINISHED
#undef go_on
#undef look
#undef close_locked

#define MODEL_POOL_THREADS 2

/* threads: the models' own, up to MODEL_POOL_THREADS, that look for work. */
static inline uvchan_pool_t* model_pool(size_t capacity, unsigned int threads) {
  static uvchan_pool_options_t options;
  size_t bytes = sizeof(uvchan_pool_t) + MODEL_POOL_THREADS * sizeof(uvchan__thread_t);
  uvchan_pool_t* pool = uvchan__malloc(bytes);

#ifndef MODEL_CHECKER
  memset(pool, 0, bytes);
#endif
  options.capacity = capacity;
  options.threads = MODEL_POOL_THREADS;
  life_init(pool, &options);
  pool->threads_at_most = pool->n_threads = pool->n_looking = threads;
  return pool;
}

/* At the end of a round: its threads are joined. */
static inline void model_end_pool(uvchan_pool_t* pool) {
  if (MODEL_HAS_NEXT_ROUND) uvchan_pool_release(pool);
}

#ifdef MODEL_CHECKER
#pragma clang attribute pop
#endif

#endif /* MODEL_POOL_H */
