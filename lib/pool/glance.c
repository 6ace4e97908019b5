/* SPDX-License-Identifier: MIT */
/* Looking at a pool. Threads: glance.h. */
#include "pool/glance.h"

#include <string.h>

#include "ground/lock.h"
#include "pool/lanes.h"
#include "pool/port.h"
#include "pool/stats.h"

/* ---- With the lock --------------------------------------------------------------------------- */

static void see_threads(const uvchan_pool_t* pool, uint64_t now, uvchan__pool_glance_t* glance) {
  unsigned int i;

  for (i = 0; i < pool->threads_at_most && glance->n_at_work < UVCHAN__GLANCE_THREADS; i++) {
    const uvchan__thread_t* thread = &pool->threads[i];
    uvchan__at_work_t* seen = &glance->at_work[glance->n_at_work];

    if (thread->work == NULL) continue;
    seen->thread = thread->number;
    seen->work = thread->work;
    seen->ms = now > thread->begun ? (now - thread->begun) / 1000000u : 0;
    glance->n_at_work++;
  }
}

static void see_loops(const uvchan_pool_t* pool, const uv_loop_t* loop,
                      uvchan__pool_glance_t* glance) {
  const uvchan__port_t* port;

  for (port = pool->ports; port != NULL; port = port->next) {
    if (port->loop == NULL) continue;
    if (port->loop == loop) glance->concerns = 1;
    glance->n_loops++;
    if (glance->n_loops_shown == UVCHAN__GLANCE_THREADS) continue;
    glance->loops[glance->n_loops_shown].loop = port->loop;
    glance->loops[glance->n_loops_shown++].finished = uvchan__port_finished(port);
  }
}

static void see_rooms(const uvchan_pool_t* pool, const uv_loop_t* loop,
                      uvchan__pool_glance_t* glance) {
  const uvchan__place_t* place;
  uvchan__sight_t sight;

  for (place = pool->rooms.first; place != NULL; place = place->next) {
    if (!uvchan__see(place->waiter, &sight)) continue;
    if (loop != NULL && sight.loop == loop) glance->concerns = 1;
    glance->rooms++;
  }
}

/* ---- The whole ------------------------------------------------------------------------------- */

int uvchan__pool_glance(uvchan__member_t* member, const uv_loop_t* loop,
                        uvchan__pool_glance_t* glance) {
  uvchan_pool_t* pool =
      (uvchan_pool_t*)(void*)((unsigned char*)member - offsetof(uvchan_pool_t, member));
  uint64_t now = uv_hrtime();

  memset(glance, 0, sizeof(*glance));
  /* relaxed: it is only told */
  glance->references = atomic_load_explicit(&pool->references, memory_order_relaxed);
  if (glance->references == 0) return 0;
  glance->address = pool;
  glance->number = pool->member.number;
  glance->concerns = loop == NULL;
  uvchan__member_name(&pool->member, glance->name, sizeof(glance->name));
  glance->is_busy = !uvchan__lock_soon(&pool->lock);
  if (glance->is_busy) return 1;
  uvchan__pool_stats_locked(pool, &glance->stats);
  glance->is_closed = pool->is_closed;
  glance->first_waits_ms = uvchan__lanes_longest_wait(pool, now) / 1000000u;
  see_threads(pool, now, glance);
  see_loops(pool, loop, glance);
  see_rooms(pool, loop, glance);
  uvchan__unlock(&pool->lock);
  return 1;
}
