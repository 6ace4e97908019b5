/* SPDX-License-Identifier: MIT */
/* What a pool looks like at one moment, to who wants to show it; as channel/glance.h. Threads:
 * any. */
#ifndef UVCHAN_POOL_GLANCE_H
#define UVCHAN_POOL_GLANCE_H

#include <uvchan/pool.h>

#include "wake/roster.h"
#include "wake/waiters.h"

#define UVCHAN__GLANCE_THREADS 16 /* that are told one by one, and loops */

/* A thread that is at a work, and for how long. */
typedef struct {
  unsigned int thread; /* the system's number */
  const void* work;
  uint64_t ms;
} uvchan__at_work_t;

/* A loop with works that are pending. */
typedef struct {
  const void* loop;
  size_t finished; /* works whose on_done the loop has not come to */
} uvchan__pending_t;

typedef struct {
  const void* address;
  uint64_t number;
  unsigned int references;
  char name[UVCHAN__MEMBER_NAME];
  int is_busy; /* somebody has its lock and does not give it back soon: no more is told */
  int is_closed;
  uvchan_pool_stats_t stats; /* with no name */
  uint64_t first_waits_ms;   /* the longest that one has waited that has not begun */
  size_t rooms;              /* requests for room */
  int concerns;
  size_t n_at_work;
  uvchan__at_work_t at_work[UVCHAN__GLANCE_THREADS];
  size_t n_loops;
  size_t n_loops_shown;
  uvchan__pending_t loops[UVCHAN__GLANCE_THREADS];
} uvchan__pool_glance_t;

/* The member of a pool; loop and answer as uvchan__glance(). With the roster's lock. */
int uvchan__pool_glance(uvchan__member_t* member, const uv_loop_t* loop,
                        uvchan__pool_glance_t* glance);

#endif /* UVCHAN_POOL_GLANCE_H */
