/* SPDX-License-Identifier: MIT */
/* Wait groups, as in Go's package sync: a count of work, and those who wait until it is 0, threads
 * and loops.
 *
 * The lock guards count and waiters. Whoever brings the count to 0 claims all who wait, lets go of
 * the lock, and does not touch the wait group again: so a waiter may destroy it as soon as its own
 * call has returned, which it does only after it held the lock itself, or was woken. Knows waiters
 * and requests; does not know channels. Threads: any; a notify request's callback runs on its
 * loop. */
#include <limits.h>
#include <string.h>

#include "ends/request.h"
#include "ground/lock.h"
#include "wake/hub.h"

static atomic_uint* lock_of_group(uvchan_waitgroup_t* wg) { return uvchan__atomic(&wg->lock); }

int uvchan_waitgroup_init(uvchan_waitgroup_t* wg) {
  if (wg == NULL) return UV_EINVAL;
  wg->waiters.first = wg->waiters.last = NULL;
  wg->lock = 0;
  wg->count = 0;
  return 0;
}

/* it holds nothing but its own memory */
void uvchan_waitgroup_destroy(uvchan_waitgroup_t* wg) { (void)wg; }

/* With the lock. A waiter that can't be claimed has withdrawn, and needs no more than its place to
 * be gone. */
static void claim_all(uvchan_waitgroup_t* wg, uvchan__wakes_t* wakes) {
  uvchan__place_t* place;

  while ((place = uvchan__first_waiting(&wg->waiters)) != NULL) {
    uvchan__dequeue(&wg->waiters, place);
    if (uvchan__claim(place->waiter)) uvchan__finish(place, 0, wakes);
  }
}

int uvchan_waitgroup_add(uvchan_waitgroup_t* wg, int delta) {
  uvchan__wakes_t wakes = {NULL, NULL, NULL, 0};
  int64_t count;

  if (wg == NULL) return UV_EINVAL;
  uvchan__lock(lock_of_group(wg));
  count = (int64_t)wg->count + delta;
  if (count < 0 || count > INT_MAX) {
    uvchan__unlock(lock_of_group(wg));
    return UV_EINVAL;
  }
  wg->count = (int)count;
  if (count == 0) claim_all(wg, &wakes);
  uvchan__unlock(lock_of_group(wg));
  uvchan__wake_all(&wakes);
  return 0;
}

int uvchan_waitgroup_done(uvchan_waitgroup_t* wg) { return uvchan_waitgroup_add(wg, -1); }

/* Queues the place and answers 1, or answers 0 where there is nothing to wait for. */
static int enqueue_unless_done(uvchan_waitgroup_t* wg, uvchan__place_t* place) {
  int waits;

  uvchan__lock(lock_of_group(wg));
  waits = wg->count > 0;
  if (waits) uvchan__enqueue(&wg->waiters, place);
  uvchan__unlock(lock_of_group(wg));
  return waits;
}

/* After a withdrawal. It waits for whoever has the lock: so nobody touches the place afterwards. */
static void remove_from(uvchan_waitgroup_t* wg, uvchan__place_t* place) {
  uvchan__lock(lock_of_group(wg));
  uvchan__dequeue(&wg->waiters, place);
  uvchan__unlock(lock_of_group(wg));
}

int uvchan_waitgroup_timedwait(uvchan_waitgroup_t* wg, uint64_t timeout) {
  uvchan__waiter_t waiter;
  uvchan__place_t place;

  if (wg == NULL) return UV_EINVAL;
  uvchan__waiter_init(&waiter, UVCHAN__THREAD, NULL, NULL);
  uvchan__place_init(&place, &waiter, NULL, NULL, 0);
  if (!enqueue_unless_done(wg, &place)) return 0;
  if (uvchan__await(&waiter, NULL, timeout) == 0) return 0;
  remove_from(wg, &place);
  return UV_ETIMEDOUT;
}

int uvchan_waitgroup_wait(uvchan_waitgroup_t* wg) {
  return uvchan_waitgroup_timedwait(wg, UINT64_MAX);
}

static void withdraw_notify(uvchan_req_t* req) {
  uvchan_notify_t* notify = (uvchan_notify_t*)req;

  remove_from(notify->waitgroup, &notify->place);
}

static void complete_notify(uvchan_req_t* req, int status) {
  uvchan_notify_t* notify = (uvchan_notify_t*)req;

  uvchan__req_defer(req, uvchan__req_let_go);
  notify->cb(notify, status);
}

int uvchan_waitgroup_notify(uv_loop_t* loop, uvchan_notify_t* req, uvchan_waitgroup_t* wg,
                            uvchan_notify_cb cb) {
  uvchan__hub_t* hub;
  int r;

  if (loop == NULL || req == NULL || wg == NULL || cb == NULL) return UV_EINVAL;
  r = uvchan__hub_acquire(loop, &hub);
  if (r != 0) return r;
  uvchan__req_start(UVCHAN__REQ(req), loop, hub, withdraw_notify, complete_notify);
  req->waitgroup = wg;
  req->cb = cb;
  uvchan__place_init(&req->place, &req->waiter, NULL, NULL, 0);
  if (!enqueue_unless_done(wg, &req->place)) uvchan__req_decide(UVCHAN__REQ(req), 0, 0);
  return 0;
}
