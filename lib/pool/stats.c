/* SPDX-License-Identifier: MIT */
/* What can be asked of a pool. Threads: any. */
#include "pool/stats.h"

#include <string.h>

#include "pool/lanes.h"
#include "pool/threads.h"

void uvchan__pool_stats_locked(const uvchan_pool_t* pool, uvchan_pool_stats_t* stats) {
  stats->submitted = pool->submitted;
  stats->done = pool->done;
  stats->cancelled = pool->cancelled;
  stats->expired = pool->expired;
  stats->shed = pool->shed;
  stats->closed = pool->closed;
  stats->refused = pool->refused;
  stats->total_wait = pool->total_wait;
  stats->longest_wait = pool->longest_wait;
  stats->waiting = pool->n_inside;
  stats->waiting_urgent = pool->lanes[UVCHAN_URGENT].n_inside;
  stats->waiting_outside = pool->n_outside;
  stats->running = pool->n_running;
  stats->peak = pool->peak;
  stats->threads = pool->n_threads;
  stats->threads_idle = pool->n_threads - (unsigned int)pool->n_running;
  stats->threads_failed = pool->threads_failed;
  stats->capacity = pool->capacity;
  stats->threads_at_most = pool->threads_at_most;
}

void uvchan_pool_stats(uvchan_pool_t* pool, uvchan_pool_stats_t* stats) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);

  if (stats == NULL) return;
  memset(stats, 0, sizeof(*stats));
  stats->name = "";
  if (pool == NULL) return;
  uvchan__pool_lock(pool);
  uvchan__pool_stats_locked(pool, stats);
  uvchan__pool_unlock(pool, &shift);
  if (pool->name != NULL) stats->name = pool->name;
}
