/* SPDX-License-Identifier: MIT */
/* A pool's threads. Invariants: state.h; which threads enter: threads.h. */
#include "pool/threads.h"

#include <string.h>

#include "ground/lock.h"
#include "ground/tuning.h"
#include "pool/lanes.h"
#include "pool/port.h"
#include "wake/patience.h"
#include "wake/posts.h"

/* ---- Calling a thread: with the lock --------------------------------------------------------- */

/* The one that was parked last: what it needs is still near, and the others can sleep on. A guard
 * that can't be claimed is awake already, and about to look. */
static int call_parked(uvchan_pool_t* pool, uvchan__shift_t* shift) {
  uvchan__place_t* place = pool->parked.last;

  if (place == NULL) return 0;
  uvchan__dequeue(&pool->parked, place);
  pool->n_looking++;
  if (uvchan__claim(place->waiter)) uvchan__settle(place->waiter, 0, &shift->wakes);
  return 1;
}

void uvchan__threads_call_all(uvchan_pool_t* pool, uvchan__shift_t* shift) {
  while (call_parked(pool, shift)) continue;
}

/* A place for one more, or NULL. */
static uvchan__thread_t* reserve(uvchan_pool_t* pool, uint64_t now) {
  uvchan__thread_t* thread = pool->threads;

  if (pool->n_threads == pool->threads_at_most || now < pool->retry_at) return NULL;
  while (thread->is_making || (thread->is_used && !thread->has_ended)) thread++;
  thread->is_making = 1;
  pool->n_threads++;
  pool->n_making++;
  pool->n_beginning++;
  thread->is_beginning = 1;
  return thread;
}

/* As far as can be told, by those who are at work; now: 0 where nobody has looked at the clock. */
static int is_soon_worked_off(const uvchan_pool_t* pool, uint64_t now) {
  size_t n = pool->n_running == 0 ? 0 : uvchan__lanes_waiting(pool) / pool->n_running;

  return pool->has_guard && pool->n_running > 0 && n < UVCHAN__CALL_NS &&
         n * pool->typical_ns < UVCHAN__CALL_NS &&
         uvchan__lanes_longest_wait(pool, now) < UVCHAN__CALL_NS;
}

static void call_one_where_missing(uvchan_pool_t* pool, uvchan__shift_t* shift) {
  if (pool->n_looking > 0 || uvchan__lanes_waiting(pool) == 0) return;
  if (is_soon_worked_off(pool, shift->now)) return;
  if (call_parked(pool, shift)) return;
  if (uvchan__lanes_waiting(pool) > pool->n_beginning) shift->to_make = reserve(pool, shift->now);
}

/* ---- The stay under the lock ----------------------------------------------------------------- */

static uvchan__thread_t* make(uvchan__thread_t* thread, int* status);

void uvchan__pool_lock(uvchan_pool_t* pool) { uvchan__lock(&pool->lock); }

void uvchan__pool_unlock(uvchan_pool_t* pool, uvchan__shift_t* shift) {
  int status;

  call_one_where_missing(pool, shift);
  uvchan__unlock(&pool->lock);
  uvchan__wake_all(&shift->wakes);
  while (shift->to_make != NULL) shift->to_make = make(shift->to_make, &status);
}

/* Posted with the lock: the loop joins the threads, this one too, and whoever holds the pool lets
 * go of it after this alone. */
void uvchan__pool_check_end(uvchan_pool_t* pool, uvchan__shift_t* shift) {
  if (!pool->has_end || pool->end_is_posted || pool->n_threads > 0 || pool->n_making > 0 ||
      pool->n_ports_used > 0)
    return;
  pool->end_is_posted = 1;
  uvchan__hub_post(pool->end_hub, &pool->end, &shift->wakes.hubs);
}

/* ---- Work: on the pool's own threads --------------------------------------------------------- */

static int has_ended(const uvchan_pool_t* pool) {
  return pool->is_closed && uvchan__lanes_waiting(pool) == 0;
}

static void learn_typical(uvchan_pool_t* pool, uint64_t ns) {
  pool->typical_ns +=
      ns / UVCHAN__TYPICAL_PART_LEARNED - pool->typical_ns / UVCHAN__TYPICAL_PART_LEARNED;
}

/* Whether many have come since it was asked before: then more will. Where they come one by one
 * thread and loop had better sleep in turns, which the system then has do so on one processor: one
 * work at a time takes 4.6 microseconds so, and 31 where the thread spins on another one meanwhile,
 * for then the loop's has to be woken too. */
static int many_came(const uvchan_pool_t* pool, uint64_t* seen_submitted) {
  uint64_t n = pool->submitted - *seen_submitted;

  *seen_submitted = pool->submitted;
  return n >= UVCHAN__BUSY_VALUES;
}

/* One work is done, and the next one begins: one stay for both. It is counted before it is posted,
 * so that its on_done finds it counted. NULL: there is none, and the thread looks. */
static uvchan_work_t* go_on(uvchan_pool_t* pool, uvchan__thread_t* thread, uvchan_work_t* done) {
  uvchan__shift_t shift = UVCHAN__SHIFT(uv_hrtime());
  uvchan_work_t* next;

  uvchan__pool_lock(pool);
  pool->done++;
  learn_typical(pool, shift.now - thread->begun);
  thread->begun = shift.now;
  uvchan__port_finish(done, 0, &shift);
  next = uvchan__lanes_take(pool, &shift);
  thread->work = next;
  if (next == NULL) {
    thread->spins = many_came(pool, &thread->seen_at_end) && pool->n_looking == 0;
    pool->n_running--;
    pool->n_looking++;
  }
  uvchan__pool_unlock(pool, &shift);
  return next;
}

/* The guard is a parked thread that looks again before long, as long as many works come: so that
 * another thread need not be woken for each few works that are soon worked off, and a few that are
 * not do not wait for more than that. Where few have come meanwhile it parks for good. */
static void park(uvchan_pool_t* pool, uvchan__thread_t* thread) {
  uvchan__waiter_init(&thread->waiter, UVCHAN__THREAD, NULL, NULL);
  uvchan__place_init(&thread->place, &thread->waiter, NULL, NULL, 0);
  uvchan__enqueue(&pool->parked, &thread->place);
  pool->n_looking--;
  thread->is_guard =
      many_came(pool, &thread->seen_at_park) && !pool->has_guard && pool->n_threads > 1;
  if (thread->is_guard) pool->has_guard = 1;
}

/* It looks from here on. Answers whether it does so by itself, as the guard does, and was not
 * called. */
static int leave_parked(uvchan_pool_t* pool, uvchan__thread_t* thread) {
  int by_itself = thread->place.queued;

  if (thread->is_beginning) {
    thread->is_beginning = 0;
    pool->n_beginning--;
    pool->n_looking++;
  }
  if (thread->is_guard) pool->has_guard = 0;
  thread->is_guard = 0;
  if (by_itself) {
    uvchan__dequeue(&pool->parked, &thread->place);
    pool->n_looking++;
  }
  return by_itself;
}

/* Whether others are at it who need no help. */
static int leaves_it_to_others(const uvchan_pool_t* pool, uint64_t now) {
  return pool->n_running > 0 && uvchan__lanes_longest_wait(pool, now) < UVCHAN__CALL_NS;
}

/* may_park: where there is nothing it is parked. Where the pool has come to its end, *is_over, and
 * the thread looks no more. */
static uvchan_work_t* look(uvchan_pool_t* pool, uvchan__thread_t* thread, int may_park,
                           int* is_over) {
  uvchan__shift_t shift = UVCHAN__SHIFT(uv_hrtime());
  uvchan_work_t* work = NULL;
  int by_itself;

  uvchan__pool_lock(pool);
  by_itself = leave_parked(pool, thread);
  if (!by_itself || !leaves_it_to_others(pool, shift.now)) work = uvchan__lanes_take(pool, &shift);
  *is_over = work == NULL && has_ended(pool);
  if (work != NULL) pool->n_running++;
  thread->work = work;
  thread->number = uvchan__thread_id();
  thread->begun = shift.now;
  if (work != NULL || *is_over) {
    pool->n_looking--;
  } else if (may_park) {
    park(pool, thread);
  }
  uvchan__pool_unlock(pool, &shift);
  return work;
}

static unsigned int worth_a_look(const uvchan_pool_t* pool) { /* relaxed: a hint */
  return atomic_load_explicit(&pool->worth_a_look, memory_order_relaxed);
}

static int has_batch(const void* pool) { return worth_a_look(pool) >= UVCHAN__BUSY_VALUES; }

/* Looks again for a while, as a thread that waits on a channel does; without the lock. */
static uvchan_work_t* spin(uvchan_pool_t* pool, uvchan__thread_t* thread,
                           uvchan__patience_t* patience, int* is_over) {
  uvchan_work_t* work = NULL;

  while (work == NULL && !*is_over && uvchan__patience_wait(patience)) {
    if (worth_a_look(pool) == 0) continue;
    uvchan__coalesce_until(has_batch, pool);
    work = look(pool, thread, 0, is_over);
  }
  return work;
}

/* Where works come in numbers one thread at a time spins, for the one that comes next; the others
 * park at once. NULL: the pool has ended. */
static uvchan_work_t* await_work(uvchan_pool_t* pool, uvchan__thread_t* thread) {
  uvchan__patience_t patience;
  uvchan_work_t* work = NULL;
  int is_over = 0;

  uvchan__patience_init(&patience, &pool->patience, UVCHAN__FOR_EVER);
  uvchan__patience_look(&patience);
  if (thread->spins) work = spin(pool, thread, &patience, &is_over);
  while (work == NULL && !is_over) {
    work = look(pool, thread, 1, &is_over);
    if (work == NULL && !is_over)
      uvchan__await(&thread->waiter, NULL, thread->is_guard ? UVCHAN__GUARD_NS : UVCHAN__FOR_EVER);
  }
  uvchan__patience_learn(&patience, &pool->patience);
  return work;
}

static void work_off(uvchan_pool_t* pool, uvchan__thread_t* thread) {
  uvchan_work_t* work = await_work(pool, thread);

  while (work != NULL) {
    work->on_work(work, thread->state);
    work = go_on(pool, thread, work);
    if (work == NULL) work = await_work(pool, thread);
  }
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void count_failure(uvchan_pool_t* pool, uint64_t now) {
  pool->threads_failed++;
  pool->retry_at = now + UVCHAN__THREAD_RETRY_NS;
}

/* The thread's last touch of the pool. */
static void leave(uvchan_pool_t* pool, uvchan__thread_t* thread, int has_failed) {
  uvchan__shift_t shift = UVCHAN__SHIFT(uv_hrtime());

  uvchan__pool_lock(pool);
  pool->n_threads--;
  thread->has_ended = 1;
  if (has_failed) {
    pool->n_beginning--;
    count_failure(pool, shift.now);
  }
  uvchan__pool_check_end(pool, &shift);
  uvchan__pool_unlock(pool, &shift);
}

/* To uvchan__threads_begin(), where that waits for it: of the first thread alone. */
static void report(uvchan__thread_t* thread, int status) {
  uvchan__wakes_t wakes = {NULL, NULL, NULL, 0};
  uvchan__waiter_t* creator = thread->creator;

  if (creator == NULL) return;
  thread->creator = NULL;
  uvchan__settle(creator, status, &wakes);
  uvchan__wake_all(&wakes);
}

static void run(void* arg) {
  uvchan__thread_t* thread = arg;
  uvchan_pool_t* pool = thread->pool;
  int r = 0;

  if (pool->name != NULL) uvchan__name_thread(pool->name);
  if (pool->thread_begin != NULL) r = pool->thread_begin(&thread->state, pool->thread_arg);
  report(thread, r);
  if (r == 0) {
    work_off(pool, thread);
    if (pool->thread_end != NULL) pool->thread_end(thread->state, pool->thread_arg);
  }
  leave(pool, thread, r != 0);
}

/* The signals of the process are for its own threads. Who is here may be another copy of the
 * library than the pool's, and be unloaded before the pool: so what runs is the pool's. */
static int start(uvchan__thread_t* thread) {
  uv_thread_options_t options;
  uvchan__signals_t before;
  int r;

  memset(&options, 0, sizeof(options));
  options.stack_size = thread->pool->stack_size;
  options.flags = options.stack_size == 0 ? UV_THREAD_NO_FLAGS : UV_THREAD_HAS_STACK_SIZE;
  uvchan__hold_signals(&before);
  r = uv_thread_create_ex(&thread->id, &options, thread->pool->thread_run, thread);
  uvchan__let_signals(&before);
  return r;
}

/* With the lock: it is started, or could not be. */
static void note_started(uvchan__thread_t* thread, int status, uint64_t now) {
  uvchan_pool_t* pool = thread->pool;

  thread->is_making = 0;
  thread->is_used = status == 0;
  pool->n_making--;
  if (status == 0) return;
  pool->n_threads--;
  pool->n_beginning--;
  count_failure(pool, now);
}

/* One that has ended before leaves its place to this one. The caller holds the pool, or is one of
 * its threads. Answers the next one to make: where what a thread has for itself may take long to
 * make, as many begin as works wait; else each has the next one made when it looks. */
static uvchan__thread_t* make(uvchan__thread_t* thread, int* status) {
  uvchan_pool_t* pool = thread->pool;
  uvchan__shift_t shift = UVCHAN__SHIFT(0);

  if (thread->is_used) uv_thread_join(&thread->id);
  thread->has_ended = 0;
  thread->spins = 0;
  thread->state = NULL;
  *status = start(thread);
  shift.now = uv_hrtime();
  uvchan__pool_lock(pool);
  note_started(thread, *status, shift.now);
  if (pool->thread_begin != NULL) call_one_where_missing(pool, &shift);
  uvchan__pool_check_end(pool, &shift);
  uvchan__unlock(&pool->lock);
  uvchan__wake_all(&shift.wakes);
  return shift.to_make;
}

int uvchan__threads_begin(uvchan_pool_t* pool) {
  uvchan__thread_t* first = reserve(pool, 0);
  uvchan__waiter_t creator;
  int r;

  uvchan__waiter_init(&creator, UVCHAN__THREAD, NULL, NULL);
  uvchan__set_claimed(&creator);
  first->creator = &creator;
  pool->thread_run = run;
  make(first, &r); /* the only one: no work waits yet */
  if (r != 0) return r;
  uvchan__await(&creator, NULL, UVCHAN__FOR_EVER);
  return creator.status;
}

void uvchan__threads_join(uvchan_pool_t* pool) {
  unsigned int i;

  for (i = 0; i < pool->threads_at_most; i++) {
    if (pool->threads[i].is_used) uv_thread_join(&pool->threads[i].id);
    pool->threads[i].is_used = 0;
  }
}
