/* SPDX-License-Identifier: MIT */
/* A loop's use of its port, and the turns in which works are called back. Ideas and threads:
 * delivery.h and port.h. */
#include "pool/delivery.h"

#include <string.h>

#include "ends/request.h"
#include "ground/backoff.h"
#include "ground/memory.h"
#include "ground/platform.h"
#include "ground/tuning.h"
#include "pool/port.h"
#include "pool/threads.h"
#include "wake/hub.h"
#include "wake/posts.h"

/* Answers whether there are any. */
static int take_finished(uvchan__port_t* port) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);
  int some;

  uvchan__pool_lock(port->pool);
  some = uvchan__port_take(port);
  uvchan__pool_unlock(port->pool, &shift);
  return some;
}

/* ---- Its turn -------------------------------------------------------------------------------- */

static int has_batch(const void* port) {
  return uvchan__port_finished(port) >= UVCHAN__BUSY_VALUES;
}

/* The processor is given away at once, and not after some pauses as elsewhere: the thread that is
 * at it may have to have this one. 64 works in flight that do nothing take 143, 153 and 149 ns of
 * the processor each with 1, 2 and 4 threads, and 178, 174 and 168 without it. */
static void let_gather(const uvchan__port_t* port) {
  if (has_batch(port)) return;
  uvchan__yield();
  uvchan__coalesce_until(has_batch, port);
}

/* Where a callback leaves the turn, the next one goes on, for the port is posted. It is in use for
 * the turn itself, so that its last work does not end it meanwhile. */
static void begin_turn(uvchan__port_t* port) {
  if (!port->is_in_turn) port->n_uses++;
  port->is_in_turn = 1;
  if (port->was_busy) let_gather(port);
  uvchan__hub_post_here(port->hub, &port->entry);
  if (port->turn.first == NULL) take_finished(port);
}

static unsigned int call_back(uvchan__port_t* port) {
  unsigned int n = 0;

  while (port->turn.first != NULL && n < UVCHAN__DEFAULT_BUDGET_VALUES) {
    uvchan_work_t* work = port->turn.first;

    uvchan__port_begin_call(port, work);
    n++;
    uvchan__req_complete(UVCHAN__REQ(work), work->waiter.status);
  }
  return n;
}

/* Whether it looks once more in the next turn, so that the loop does not sleep before what is under
 * way comes back: to wake it costs more. Where that was in vain, it does so less and less often. */
static int looks_once_more(uvchan__port_t* port, unsigned int n) {
  if (port->was_busy) {
    port->was_busy = 0;
    if (n > 0) {
      port->misses = 0;
    } else {
      if (port->misses < UVCHAN__MOST_MISSES) port->misses++;
      port->skips = (unsigned char)((1u << port->misses) - 1);
    }
  }
  if (n < UVCHAN__BUSY_VALUES || port->n_uses == 1) return 0;
  if (port->skips > 0) {
    port->skips--;
    return 0;
  }
  port->was_busy = 1;
  return 1;
}

/* See port.h: out of the hub's list, and then the last look. */
static void end_turn(uvchan__port_t* port, unsigned int n) {
  port->is_in_turn = 0;
  if (port->turn.first == NULL && !looks_once_more(port, n)) {
    uvchan__hub_unpost(port->hub, &port->entry);
    if (port->n_uses > 1 && take_finished(port)) uvchan__hub_post_here(port->hub, &port->entry);
  }
  uvchan__delivery_leave(port);
}

static unsigned int take_turn(uvchan__entry_t* entry) {
  uvchan__port_t* port = (uvchan__port_t*)((unsigned char*)entry - offsetof(uvchan__port_t, entry));
  unsigned int n;

  begin_turn(port);
  n = call_back(port);
  end_turn(port, n);
  return n;
}

int uvchan__delivery_take_back(uvchan_work_t* work) {
  unsigned int round = 0;

  for (;;) {
    uvchan__shift_t shift = UVCHAN__SHIFT(0);
    int is_back;

    uvchan__pool_lock(work->pool);
    is_back = uvchan__port_take_back(work);
    uvchan__pool_unlock(work->pool, &shift);
    if (is_back) return 1;
    /* a stranger has closed the loop's handles, and no callback would come else */
    if (!uvchan__hub_is_deserted(work->waiter.hub)) return 0;
    uvchan__relax(&round);
  }
}

/* ---- Use ------------------------------------------------------------------------------------- */

/* One whose hub a stranger has left serves the works that are pending there, and no others: its
 * loop may be gone, and another one be at the same address. One of another copy of the library
 * serves the works of that, which may be unloaded after them. */
static int serves(const uvchan__port_t* port, const uv_loop_t* loop) {
  if (port->loop != loop) return 0;
  return loop == NULL || (port->entry.run == take_turn && !uvchan__hub_is_deserted(port->hub));
}

/* NULL for the loop: one that is in no use. */
static uvchan__port_t* find(uvchan_pool_t* pool, const uv_loop_t* loop) {
  uvchan__port_t* port = pool->ports;

  while (port != NULL && !serves(port, loop)) port = port->next;
  return port;
}

uvchan__port_t* uvchan__delivery_use(uvchan_pool_t* pool, uv_loop_t* loop) {
  uvchan__port_t* port = find(pool, loop);

  if (port != NULL) port->n_uses++;
  return port;
}

/* With the lock. */
static void begin_use(uvchan__port_t* port, uv_loop_t* loop) {
  port->entry.run = take_turn;
  port->loop = loop;
  port->hub = NULL;
  port->n_uses = 1;
  port->is_in_turn = port->was_busy = port->misses = port->skips = 0;
  port->pool->n_ports_used++;
}

/* Nobody else finds it any more from here on, but to use it again. */
static void end_use(uvchan_pool_t* pool, uvchan__port_t* port) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);

  uvchan__pool_lock(pool);
  port->loop = NULL;
  pool->n_ports_used--;
  uvchan__pool_check_end(pool, &shift);
  uvchan__pool_unlock(pool, &shift);
}

/* One that is in no use, or NULL. */
static uvchan__port_t* use_again(uvchan_pool_t* pool, uv_loop_t* loop) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);
  uvchan__port_t* port;

  uvchan__pool_lock(pool);
  port = find(pool, NULL);
  if (port != NULL) begin_use(port, loop);
  uvchan__pool_unlock(pool, &shift);
  return port;
}

static uvchan__port_t* make(uvchan_pool_t* pool, uv_loop_t* loop) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);
  uvchan__port_t* port = uvchan__malloc(sizeof(*port));

  if (port == NULL) return NULL;
  memset(port, 0, sizeof(*port));
  port->pool = pool;
  uvchan__pool_lock(pool);
  port->next = pool->ports;
  pool->ports = port;
  begin_use(port, loop);
  uvchan__pool_unlock(pool, &shift);
  return port;
}

/* The hub comes last: where it was the loop's first one, to let go of it would leave handles on the
 * loop that are closing. */
int uvchan__delivery_open(uvchan_pool_t* pool, uv_loop_t* loop, uvchan__port_t** port) {
  int r;

  *port = use_again(pool, loop);
  if (*port == NULL) *port = make(pool, loop);
  if (*port == NULL) return UV_ENOMEM;
  r = uvchan__hub_acquire(loop, &(*port)->hub);
  if (r != 0) {
    end_use(pool, *port);
    return r;
  }
  uvchan__hub_ref((*port)->hub);
  uvchan_pool_retain(pool);
  return 0;
}

/* The hub and the pool are read before its use ends. With no work nobody is about to post it. */
void uvchan__delivery_leave(uvchan__port_t* port) {
  uvchan_pool_t* pool = port->pool;
  uvchan__hub_t* hub = port->hub;

  if (--port->n_uses > 0) return;
  uvchan__hub_unpost(hub, &port->entry);
  end_use(pool, port);
  uvchan__hub_unref(hub);
  uvchan__hub_release(hub);
  uvchan_pool_release(pool);
}

void uvchan__deliveries_free(uvchan_pool_t* pool) {
  while (pool->ports != NULL) {
    uvchan__port_t* next = pool->ports->next;

    uvchan__free(pool->ports);
    pool->ports = next;
  }
}
