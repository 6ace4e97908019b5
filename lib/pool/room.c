/* SPDX-License-Identifier: MIT */
/* Hearing that a pool has room. Knows lanes and requests. Threads: the loop's, but for
 * uvchan_pool_room(), which is anyone's. */
#include "ends/request.h"
#include "pool/lanes.h"
#include "pool/threads.h"
#include "wake/hub.h"

static void let_go(uvchan__hub_t* hub, void* const* args) {
  uvchan_pool_release(args[0]);
  uvchan__hub_unref(hub);
  uvchan__hub_release(hub);
}

static void complete_room(uvchan_req_t* req, int status) {
  uvchan_room_t* room = (uvchan_room_t*)req;

  uvchan__req_defer(req, let_go)[0] = room->pool;
  room->cb(room, status);
}

static void withdraw_room(uvchan_req_t* req) {
  uvchan_room_t* room = (uvchan_room_t*)req;
  uvchan__shift_t shift = UVCHAN__SHIFT(0);

  uvchan__pool_lock(room->pool);
  uvchan__dequeue(&room->pool->rooms, &room->place);
  uvchan__pool_unlock(room->pool, &shift);
}

/* Queues it, and answers UV_EAGAIN; or what there is to tell at once. */
static int await_room(uvchan_pool_t* pool, uvchan__place_t* place) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);
  int r = UV_EAGAIN;

  uvchan__pool_lock(pool);
  if (pool->is_closed) {
    r = UV_EPIPE;
  } else if (uvchan__lanes_have_room(pool, UVCHAN_NORMAL)) {
    r = 0;
  } else {
    uvchan__enqueue(&pool->rooms, place);
  }
  uvchan__pool_unlock(pool, &shift);
  return r;
}

int uvchan_pool_on_room(uv_loop_t* loop, uvchan_room_t* req, uvchan_pool_t* pool,
                        uvchan_room_cb cb) {
  uvchan__hub_t* hub;
  int r;

  if (loop == NULL || req == NULL || pool == NULL || cb == NULL) return UV_EINVAL;
  r = uvchan__hub_acquire(loop, &hub);
  if (r != 0) return r;
  uvchan__req_start(UVCHAN__REQ(req), loop, hub, withdraw_room, complete_room);
  req->pool = uvchan_pool_retain(pool);
  req->cb = cb;
  uvchan__place_init(&req->place, &req->waiter, NULL, NULL, 0);
  r = await_room(pool, &req->place);
  if (r != UV_EAGAIN) uvchan__req_decide(UVCHAN__REQ(req), r, 0);
  return 0;
}

size_t uvchan_pool_room(uvchan_pool_t* pool) {
  uvchan__shift_t shift = UVCHAN__SHIFT(0);
  size_t room;

  if (pool == NULL) return 0;
  uvchan__pool_lock(pool);
  room = pool->is_closed ? 0 : uvchan__lanes_room(pool);
  uvchan__pool_unlock(pool, &shift);
  return room;
}
