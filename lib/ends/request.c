/* SPDX-License-Identifier: MIT */
/* Requests: what they have in common, and sending and receiving one value. Threads: request.h.
 * Knows the calls of a channel. */
#include "ends/request.h"

#include "channel/call.h"
#include "wake/hub.h"
#include "wake/posts.h"

void uvchan__req_complete(uvchan_req_t* req, int status) {
  uvchan__hub_t* hub = req->waiter.hub;

  req->complete(req, status);
  uvchan__hub_run_deferred(hub);
}

/* The hub stays what it is: others read it while a place of the request is queued. */
void** uvchan__req_defer(uvchan_req_t* req, uvchan__deferred_func after) {
  req->complete = NULL; /* for a cancel that comes after the callback */
  return uvchan__hub_defer(req->waiter.hub, after);
}

void uvchan__req_let_go(uvchan__hub_t* hub, void* const* channels) {
  int i;

  for (i = 0; i < UVCHAN__DEFERRED_ARGS; i++) uvchan_release(channels[i]);
  uvchan__hub_unref(hub);
  uvchan__hub_release(hub);
}

/* In the hub's turn: the claimer has set the outcome before he posted the entry (waiters.h, I4). */
static unsigned int run(uvchan__entry_t* entry) {
  uvchan_req_t* req = (uvchan_req_t*)((unsigned char*)entry - offsetof(uvchan_req_t, waiter.entry));

  uvchan__req_complete(req, req->waiter.status);
  return 1;
}

void uvchan__req_start(uvchan_req_t* req, uv_loop_t* loop, uvchan__hub_t* hub,
                       uvchan__withdraw_func withdraw, uvchan__complete_func complete_func) {
  req->loop = loop;
  req->withdraw = withdraw;
  req->complete = complete_func;
  req->later.data = req;
  uvchan__waiter_init(&req->waiter, UVCHAN__REQUEST, hub, run);
  uvchan__note_since(&req->waiter, uv_now(loop));
  uvchan__hub_ref(hub);
}

/* As a claimer would: so a request whose outcome is known at once calls back in a turn all the
 * same, and not from within its own start. */
void uvchan__req_decide(uvchan_req_t* req, int status, size_t index) {
  req->waiter.status = status;
  req->waiter.index = index;
  uvchan__set_claimed(&req->waiter);
  uvchan__hub_post_here(req->waiter.hub, &req->waiter.entry);
}

static void on_cancelled(uv_handle_t* later) { uvchan__req_complete(later->data, UV_ECANCELED); }

static void on_rescued(uv_handle_t* later) {
  uvchan_req_t* req = later->data;

  uvchan__req_complete(req, req->waiter.status);
}

/* From here on nobody but its owner knows of the request. Another thread that has claimed it is on
 * its way to post it, with no lock held, and is waited for; but a pool's thread that does a work
 * may be at it for long, and the answer is 0 then. */
static int take_back(uvchan_req_t* req) {
  if (req->waiter.kind == UVCHAN__WORK) return ((uvchan__work_req_t*)req)->take_back(req);
  uvchan__hub_await_post(req->waiter.hub, &req->waiter.entry);
  uvchan__hub_unpost(req->waiter.hub, &req->waiter.entry);
  return 1;
}

/* The outcome is decided. A stranger may have closed the hub's handles, or close them next, and
 * then no turn comes to tell of it: so libuv itself has to call back. */
static void rescue(uvchan_req_t* req) {
  /* called back already, for its callback begins with uvchan__req_defer(); or not claimed but
   * withdrawn, by a cancel before this one, and libuv will call back */
  if (req->complete == NULL || !uvchan__is_claimed(&req->waiter) || !take_back(req)) return;
  uvchan__set_withdrawn(&req->waiter);
  uvchan__hub_later(req->waiter.hub, req->loop, &req->later, on_rescued);
}

/* Once it has withdrawn nobody else decides it (waiters.h, I2); its places, which may still be
 * queued, are taken out before libuv calls back, for the request may go then. */
int uvchan_cancel(uvchan_req_t* req) {
  if (req == NULL || req->withdraw == NULL) return UV_EINVAL;
  if (!uvchan__withdraw(&req->waiter)) {
    rescue(req);
    return UV_EBUSY;
  }
  req->withdraw(req);
  uvchan__hub_later(req->waiter.hub, req->loop, &req->later, on_cancelled);
  return 0;
}

/* ---- Send ---------------------------------------------------------------------------------------
 *
 * What may fail comes first, and nothing of the request is touched before it: arguments, a block,
 * the hub. From there a start succeeds, and its one callback comes. */

static void withdraw_send(uvchan_req_t* req) {
  uvchan__remove_place(&((uvchan_send_t*)req)->place);
}

static void complete_send(uvchan_req_t* req, int status) {
  uvchan_send_t* send = (uvchan_send_t*)req;

  uvchan__req_defer(req, uvchan__req_let_go)[0] = send->place.channel;
  send->cb(send, status);
}

int uvchan_send(uv_loop_t* loop, uvchan_send_t* req, uvchan_t* ch, const void* value,
                uvchan_send_cb cb) {
  uvchan__block_t* block = NULL;
  uvchan__hub_t* hub;
  size_t bytes;
  int r;

  if (loop == NULL || req == NULL || ch == NULL || cb == NULL) return UV_EINVAL;
  if (value == NULL && uvchan__size_to_send(ch) > 0) return UV_EINVAL;
  bytes = uvchan__send_block_bytes(ch);
  if (bytes > 0) { /* brought along, since after the hub nothing may fail */
    block = uvchan__block_new(bytes);
    if (block == NULL) return UV_ENOMEM;
  }
  r = uvchan__hub_acquire(loop, &hub);
  if (r != 0) {
    uvchan__block_free_all(block);
    return r;
  }
  uvchan__req_start(UVCHAN__REQ(req), loop, hub, withdraw_send, complete_send);
  req->cb = cb;
  uvchan__place_init(&req->place, &req->waiter, uvchan_retain(ch), value, 1);
  r = uvchan__send_or_enqueue(ch, &req->place, block, 0);
  if (r != UV_EAGAIN) uvchan__req_decide(UVCHAN__REQ(req), r, 0);
  return 0;
}

/* ---- Receive --------------------------------------------------------------------------------- */

static void withdraw_recv(uvchan_req_t* req) {
  uvchan__remove_place(&((uvchan_recv_t*)req)->place);
}

static void complete_recv(uvchan_req_t* req, int status) {
  uvchan_recv_t* recv = (uvchan_recv_t*)req;

  uvchan__req_defer(req, uvchan__req_let_go)[0] = recv->place.channel;
  recv->cb(recv, status);
}

int uvchan_recv(uv_loop_t* loop, uvchan_recv_t* req, uvchan_t* ch, void* value,
                uvchan_recv_done_cb cb) {
  uvchan__hub_t* hub;
  int r;

  if (loop == NULL || req == NULL || ch == NULL || cb == NULL) return UV_EINVAL;
  if (value == NULL && uvchan__size_to_receive(ch) > 0) return UV_EINVAL;
  r = uvchan__hub_acquire(loop, &hub);
  if (r != 0) return r;
  uvchan__req_start(UVCHAN__REQ(req), loop, hub, withdraw_recv, complete_recv);
  req->cb = cb;
  uvchan__place_init(&req->place, &req->waiter, uvchan_retain(ch), value, 0);
  r = uvchan__recv_or_enqueue(ch, &req->place);
  if (r != UV_EAGAIN) uvchan__req_decide(UVCHAN__REQ(req), r, 0);
  return 0;
}
