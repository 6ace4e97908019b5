/* SPDX-License-Identifier: MIT */
/* What all requests have in common: one operation of a loop that may have to wait its turn, with
 * one callback.
 *
 * A request holds its loop's hub, and keeps the loop alive, from its start to its callback. Its
 * outcome is decided once: at once by its own start (uvchan__req_decide()), by another thread that
 * claims its waiter, or by uvchan_cancel(), which withdraws it. The first two post its entry to the
 * hub; the third has libuv itself call back, so that no stranger's uv_walk() can keep it from
 * happening.
 *
 * Knows waiters and the hub; does not know channels, but for a reference to give back. Threads: the
 * loop's, but for what waiters.h says of a claimer. */
#ifndef UVCHAN_REQUEST_H
#define UVCHAN_REQUEST_H

#include <uvchan.h>

#include "wake/defer.h"
#include "wake/waiters.h"

/* takes its places out of their queues */
typedef void (*uvchan__withdraw_func)(uvchan_req_t* req);
/* defers what has to be given back (uvchan__req_defer()), and calls the user back */
typedef void (*uvchan__complete_func)(uvchan_req_t* req, int status);

#define UVCHAN__REQ(req) ((uvchan_req_t*)(req))

typedef struct {
  UVCHAN__WORK_FIELDS(uvchan_req_t)
} uvchan__work_req_t;

/* From here on the loop is kept alive, until the callback. The hub was acquired for the request. */
void uvchan__req_start(uvchan_req_t* req, uv_loop_t* loop, uvchan__hub_t* hub,
                       uvchan__withdraw_func withdraw, uvchan__complete_func complete);

/* Before the user's callback, after which nothing of the request is touched: it may have freed it,
 * or may not return. Answers where to put what `after` has to give back; it ends with
 * uvchan__req_let_go(), which by itself releases the channels it is given. */
void** uvchan__req_defer(uvchan_req_t* req, uvchan__deferred_func after);
void uvchan__req_let_go(uvchan__hub_t* hub, void* const* channels);

/* Calls back, and does what has to follow. */
void uvchan__req_complete(uvchan_req_t* req, int status);

/* The outcome of a request that was never queued. */
void uvchan__req_decide(uvchan_req_t* req, int status, size_t index);

#endif /* UVCHAN_REQUEST_H */
