/* SPDX-License-Identifier: MIT */
/* A work, as its loop sees it: submitted, cancelled, expired, and called back. Knows lanes and
 * requests; does not know threads. Threads: the loop's. */
#include <string.h>

#include "ends/request.h"
#include "ground/probes.h"
#include "pool/delivery.h"
#include "pool/lanes.h"
#include "pool/port.h"
#include "pool/threads.h"
#include "wake/alarms.h"
#include "wake/hub.h"

/* ---- The outcome ----------------------------------------------------------------------------- */

static void let_go(uvchan__hub_t* hub, void* const* args) {
  (void)hub;
  uvchan__delivery_leave(args[0]);
}

static void complete_work(uvchan_req_t* req, int status) {
  uvchan_work_t* work = (uvchan_work_t*)req;

  uvchan__alarm_cancel(req->waiter.hub, &work->alarm);
  uvchan__req_defer(req, let_go)[0] = work->port;
  work->on_done(work, status);
}

/* It is withdrawn: nobody else finishes it, and it leaves its lane unless a thread has met it
 * there. */
static void withdraw_work(uvchan_req_t* req) {
  uvchan_work_t* work = (uvchan_work_t*)req;
  uvchan__shift_t shift = UVCHAN__SHIFT(0);

  uvchan__pool_lock(work->pool);
  UVCHAN__PROBE3(done, work->pool, work, UV_ECANCELED);
  uvchan__lanes_remove(work->pool, work, &shift);
  work->pool->cancelled++;
  uvchan__pool_unlock(work->pool, &shift);
}

/* Where it was withdrawn, a thread may have met it in its lane and passed it by: both know it under
 * the lock alone. */
static void on_alarm(uvchan__alarm_t* alarm) {
  uvchan_work_t* work = (uvchan_work_t*)((unsigned char*)alarm - offsetof(uvchan_work_t, alarm));
  uvchan__shift_t shift = UVCHAN__SHIFT(0);

  if (!uvchan__withdraw(&work->waiter)) return;
  uvchan__pool_lock(work->pool);
  uvchan__lanes_remove(work->pool, work, &shift);
  work->pool->expired++;
  uvchan__set_claimed(&work->waiter);
  uvchan__port_finish(work, UV_ETIMEDOUT, &shift);
  uvchan__pool_unlock(work->pool, &shift);
}

static int take_back_work(uvchan_req_t* req) {
  return uvchan__delivery_take_back((uvchan_work_t*)req);
}

/* ---- Submission ------------------------------------------------------------------------------ */

static int is_valid(const uvchan_work_options_t* options) {
  size_t i;

  if (options == NULL) return 0;
  for (i = 0; i < sizeof(options->reserved) / sizeof(options->reserved[0]); i++) {
    if (options->reserved[i] != NULL) return 0;
  }
  return options->priority == UVCHAN_NORMAL || options->priority == UVCHAN_URGENT;
}

/* As uv_hrtime(); 0 where there is no limit, or it lies beyond the end of that clock. */
static uint64_t limit_of(const uvchan_pool_t* pool, const uvchan_work_options_t* options,
                         uint64_t now) {
  uint64_t longest = pool->max_wait;

  if (options->max_wait != 0 && (longest == 0 || options->max_wait < longest))
    longest = options->max_wait;
  return longest == 0 || longest > UINT64_MAX - now ? 0 : now + longest;
}

/* All but what its port knows. */
static void prepare(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                    const uvchan_work_options_t* options) {
  work->loop = loop;
  work->withdraw = withdraw_work;
  work->complete = complete_work;
  work->take_back = take_back_work;
  work->later.data = work;
  uvchan__waiter_init(&work->waiter, UVCHAN__WORK, NULL, NULL);
  work->pool = pool;
  work->submitted = uv_hrtime();
  work->limit = limit_of(pool, options, work->submitted);
  work->lane = (unsigned char)options->priority;
  work->is_queued = work->is_inside = work->place = 0;
  uvchan__alarm_init(&work->alarm);
}

/* With the lock: 0; or what a work that does not wait for room is refused for. */
static int refuse(uvchan_pool_t* pool, unsigned int lane) {
  if (pool->is_closed) return UV_EPIPE;
  if (uvchan__lanes_have_room(pool, lane)) return 0;
  pool->refused++;
  return UV_EAGAIN;
}

/* With the lock, in use of its port: it is taken, or told that it is too late. */
static void enter(uvchan_work_t* work, uvchan__shift_t* shift) {
  uvchan_pool_t* pool = work->pool;

  work->waiter.hub = work->port->hub;
  if (pool->is_closed) {
    uvchan__set_claimed(&work->waiter);
    uvchan__port_finish(work, UV_EPIPE, shift);
    return;
  }
  pool->submitted++;
  uvchan__begin_waiting(&work->waiter);
  uvchan__lanes_append(pool, work);
}

/* The ordinary case, in one stay under the lock: the loop has works pending, and a port. UV_ENXIO:
 * it has none, and what is refused needs none. */
static int try_enter(uvchan_work_t* work, int waits_for_room) {
  uvchan_pool_t* pool = work->pool;
  uvchan__shift_t shift = UVCHAN__SHIFT(work->submitted);
  int r;

  uvchan__pool_lock(pool);
  r = waits_for_room ? 0 : refuse(pool, work->lane);
  if (r == 0) {
    work->port = uvchan__delivery_use(pool, work->loop);
    if (work->port == NULL) r = UV_ENXIO;
    if (work->port != NULL) enter(work, &shift);
  }
  uvchan__pool_unlock(pool, &shift);
  return r;
}

static int enter_by_new_port(uvchan_work_t* work, int waits_for_room) {
  uvchan__port_t* port;
  int r = uvchan__delivery_open(work->pool, work->loop, &port);

  if (r != 0) return r;
  r = try_enter(work, waits_for_room);
  uvchan__delivery_leave(port);
  return r;
}

/* The alarm is the loop's, as all that looks at it is: so it may be set when the work is on its way
 * back already. */
static int submit(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                  const uvchan_work_options_t* options, uvchan_work_cb on_work,
                  uvchan_work_done_cb on_done, int waits_for_room) {
  int r;

  if (loop == NULL || work == NULL || pool == NULL || on_work == NULL || on_done == NULL)
    return UV_EINVAL;
  if (!is_valid(options)) return UV_EINVAL;
  prepare(loop, work, pool, options);
  work->on_work = on_work;
  work->on_done = on_done;
  r = try_enter(work, waits_for_room);
  if (r == UV_ENXIO) r = enter_by_new_port(work, waits_for_room);
  if (r != 0) {
    work->complete = NULL; /* for a cancel of what is not pending */
    return r;
  }
  if (work->limit != 0) uvchan__alarm_set(work->waiter.hub, &work->alarm, work->limit, on_alarm);
  return 0;
}

static const uvchan_work_options_t no_options;

int uvchan_pool_try_submit(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                           uvchan_work_cb on_work, uvchan_work_done_cb on_done) {
  return submit(loop, work, pool, &no_options, on_work, on_done, 0);
}

int uvchan_pool_submit(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                       uvchan_work_cb on_work, uvchan_work_done_cb on_done) {
  return submit(loop, work, pool, &no_options, on_work, on_done, 1);
}

int uvchan_pool_try_submit_ex(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                              const uvchan_work_options_t* options, uvchan_work_cb on_work,
                              uvchan_work_done_cb on_done) {
  return submit(loop, work, pool, options, on_work, on_done, 0);
}

int uvchan_pool_submit_ex(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                          const uvchan_work_options_t* options, uvchan_work_cb on_work,
                          uvchan_work_done_cb on_done) {
  return submit(loop, work, pool, options, on_work, on_done, 1);
}
