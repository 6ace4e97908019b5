/* SPDX-License-Identifier: MIT */
/* How a pool is made, held, closed and freed. Knows lanes and threads and ports; does not know
 * works. Threads: any, but for the close, which is its loop's. */
#include <string.h>

#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/tuning.h"
#include "pool/delivery.h"
#include "pool/lanes.h"
#include "pool/threads.h"
#include "wake/alarms.h"
#include "wake/defer.h"
#include "wake/hub.h"
#include "wake/posts.h"

/* ---- Making one ------------------------------------------------------------------------------ */

static int is_valid(const uvchan_pool_options_t* options) {
  size_t i;

  for (i = 0; i < sizeof(options->reserved) / sizeof(options->reserved[0]); i++) {
    if (options->reserved[i] != NULL) return 0;
  }
  return options->capacity > 0 && options->urgent_places < options->capacity &&
         uvchan__admission_is_valid(options->admission);
}

static unsigned int threads_of(const uvchan_pool_options_t* options) {
  return options->threads == 0 ? UVCHAN__DEFAULT_THREADS : options->threads;
}

/* The pool, its threads' places, and the name. 0 where that is more than a size_t holds. */
static size_t bytes_of(const uvchan_pool_options_t* options, size_t name_bytes) {
  size_t most = SIZE_MAX - sizeof(uvchan_pool_t) - name_bytes;
  size_t threads = threads_of(options);

  if (threads > most / sizeof(uvchan__thread_t)) return 0;
  return sizeof(uvchan_pool_t) + threads * sizeof(uvchan__thread_t) + name_bytes;
}

static unsigned int on_end(uvchan__entry_t* entry);

static void init(uvchan_pool_t* pool, const uvchan_pool_options_t* options) {
  unsigned int i;

  pool->threads_at_most = threads_of(options);
  pool->capacity = options->capacity;
  pool->normal_capacity = options->capacity - options->urgent_places;
  pool->max_wait = options->max_wait;
  pool->stack_size = options->stack_size;
  pool->thread_begin = options->thread_begin;
  pool->thread_end = options->thread_end;
  pool->thread_arg = options->thread_arg;
  pool->end.run = on_end;
  for (i = 0; i < UVCHAN__LANES; i++)
    uvchan__admission_init(&pool->lanes[i].admission, options->admission);
  for (i = 0; i < pool->threads_at_most; i++) pool->threads[i].pool = pool;
  atomic_init(&pool->references, 1);
  pool->typical_ns = UVCHAN__CALL_NS; /* nothing is known: it is not soon worked off */
  atomic_init(&pool->patience, UVCHAN__LONGEST_PATIENCE_NS);
}

int uvchan_pool_create(uvchan_pool_t** pool, const uvchan_pool_options_t* options) {
  size_t name_bytes, bytes;
  uvchan_pool_t* made;
  int r;

  if (pool == NULL || options == NULL || !is_valid(options)) return UV_EINVAL;
  name_bytes = options->name == NULL ? 0 : strlen(options->name) + 1;
  bytes = bytes_of(options, name_bytes);
  if (bytes == 0) return UV_EINVAL;
  made = uvchan__malloc(bytes);
  if (made == NULL) return UV_ENOMEM;
  memset(made, 0, bytes);
  init(made, options);
  if (name_bytes > 0)
    made->name = memcpy((unsigned char*)made + bytes - name_bytes, options->name, name_bytes);
  r = uvchan__threads_begin(made);
  if (r != 0) {
    uvchan__threads_join(made);
    uvchan__free(made);
    return r;
  }
  uvchan__roster_add(&made->member, UVCHAN__POOLS, made->name);
  *pool = made;
  return 0;
}

/* ---- Holding it ------------------------------------------------------------------------------ */

uvchan_pool_t* uvchan_pool_retain(uvchan_pool_t* pool) {
  /* Relaxed: who retains holds a reference already. */
  if (pool != NULL) atomic_fetch_add_explicit(&pool->references, 1, memory_order_relaxed);
  return pool;
}

void uvchan_pool_set_data(uvchan_pool_t* pool, void* data) {
  if (pool != NULL) pool->data = data;
}

void* uvchan_pool_get_data(const uvchan_pool_t* pool) { return pool == NULL ? NULL : pool->data; }

/* Nobody else knows the pool any more but its threads, which have nothing to do. */
static void destroy(uvchan_pool_t* pool) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);

  uvchan__roster_remove(&pool->member, UVCHAN__POOLS);
  uvchan__pool_lock(pool);
  pool->is_closed = 1;
  atomic_store_explicit(&pool->worth_a_look, 1, memory_order_relaxed); /* a hint */
  uvchan__threads_call_all(pool, &shift);
  uvchan__pool_unlock(pool, &shift);
  uvchan__threads_join(pool);
  uvchan__deliveries_free(pool);
  uvchan__free(pool);
}

void uvchan_pool_release(uvchan_pool_t* pool) {
  if (pool == NULL) return;
  uvchan__step();
  /* [references.R] and [references.A]: all use of the pool comes before its end. */
  if (atomic_fetch_sub_explicit(&pool->references, 1, memory_order_acq_rel) == 1) destroy(pool);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void let_go(uvchan__hub_t* hub, void* const* args) {
  uvchan_pool_release(args[0]);
  uvchan__hub_unref(hub);
  uvchan__hub_release(hub);
}

/* The end has come, and nobody takes it over any more. */
static void note_end(uvchan_pool_t* pool) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);

  uvchan__pool_lock(pool);
  pool->has_end = 0;
  uvchan__pool_unlock(pool, &shift);
}

/* On the closing loop. The threads have nothing left to do but to return. */
static unsigned int on_end(uvchan__entry_t* entry) {
  uvchan_pool_t* pool = (uvchan_pool_t*)((unsigned char*)entry - offsetof(uvchan_pool_t, end));
  uvchan__hub_t* hub = pool->end_hub;

  note_end(pool);
  uvchan__alarm_cancel(hub, &pool->drain);
  uvchan__threads_join(pool);
  uvchan__hub_defer(hub, let_go)[0] = pool;
  if (pool->closed_cb != NULL) pool->closed_cb(pool);
  uvchan__hub_run_deferred(hub);
  return 1;
}

/* With the lock: nothing more begins. */
static void end_waiting(uvchan_pool_t* pool, uvchan__shift_t* shift) {
  uvchan__lanes_end(pool, 0, UV_ECANCELED, shift);
  uvchan__threads_call_all(pool, shift);
}

static void on_drained(uvchan__alarm_t* alarm) {
  uvchan_pool_t* pool = (uvchan_pool_t*)((unsigned char*)alarm - offsetof(uvchan_pool_t, drain));
  uvchan__shift_t shift = UVCHAN__SHIFT(0);

  uvchan__pool_lock(pool);
  end_waiting(pool, &shift);
  uvchan__pool_unlock(pool, &shift);
}

/* As uv_hrtime(); 0: no limit. */
static uint64_t end_of_drain(uint64_t drain_ms) {
  uint64_t now = uv_hrtime();

  return drain_ms > (UINT64_MAX - now) / 1000000u ? 0 : now + drain_ms * 1000000u;
}

/* With the lock: 0, or UV_EALREADY. What waits outside is told first: it does not go in any
 * more. */
static int close_locked(uvchan_pool_t* pool, uint64_t drain_ms, uvchan__shift_t* shift) {
  int r = pool->is_closed ? UV_EALREADY : 0;

  pool->is_closed = 1;
  if (r == 0) {
    uvchan__lanes_end(pool, 1, UV_EPIPE, shift);
    uvchan__lanes_tell_room(pool, UV_EPIPE, shift);
    uvchan__threads_call_all(pool, shift);
  }
  if (drain_ms == 0) end_waiting(pool, shift);
  return r;
}

/* With the lock. Where a stranger has closed the handles of the loop that waits for the end, a
 * second close of that loop's takes the place of the first: answers the hub that waits no more, or
 * NULL. */
static uvchan__hub_t* take_end_over(uvchan_pool_t* pool, const uv_loop_t* loop) {
  uvchan__hub_t* before = pool->end_hub;

  if (!pool->has_end || pool->end_loop != loop || !uvchan__hub_is_deserted(before)) return NULL;
  uvchan__hub_unpost(before, &pool->end);
  pool->end_is_posted = 0;
  return before;
}

/* The first close, or the one that takes over, holds the pool. */
static int close_on(uvchan_pool_t* pool, uv_loop_t* loop, uvchan__hub_t* hub, uint64_t drain_ms,
                    uvchan_pool_closed_cb on_closed) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);
  uvchan__hub_t* before = NULL;
  int r;

  uvchan__pool_lock(pool);
  r = close_locked(pool, drain_ms, &shift);
  if (r == 0) uvchan_pool_retain(pool);
  if (r != 0) before = take_end_over(pool, loop);
  if (before != NULL) r = 0;
  if (r == 0) {
    pool->end_loop = loop;
    pool->end_hub = hub;
    pool->closed_cb = on_closed;
    pool->has_end = 1;
    uvchan__hub_ref(hub);
    uvchan__pool_check_end(pool, &shift);
  }
  uvchan__pool_unlock(pool, &shift);
  if (before == NULL) return r;
  uvchan__alarm_cancel(before, &pool->drain);
  uvchan__hub_unref(before);
  uvchan__hub_release(before);
  return r;
}

int uvchan_pool_close(uv_loop_t* loop, uvchan_pool_t* pool, uint64_t drain_ms,
                      uvchan_pool_closed_cb on_closed) {
  uvchan__hub_t* hub;
  uint64_t limit;
  int r;

  if (loop == NULL || pool == NULL) return UV_EINVAL;
  r = uvchan__hub_acquire(loop, &hub);
  if (r != 0) return r;
  r = close_on(pool, loop, hub, drain_ms, on_closed);
  if (r != 0) {
    uvchan__hub_release(hub);
    return r;
  }
  limit = end_of_drain(drain_ms);
  if (drain_ms > 0 && limit != 0) uvchan__alarm_set(hub, &pool->drain, limit, on_drained);
  return 0;
}
