/* SPDX-License-Identifier: MIT */
/* A loop's use of its port at a pool, and the turns in which its works are called back. Knows ports
 * and the hub; does not know lanes or threads. Threads: the loop's, without the pool's lock, but
 * for what is said. */
#ifndef UVCHAN_POOL_DELIVERY_H
#define UVCHAN_POOL_DELIVERY_H

#include "pool/state.h"

/* The loop's port at this pool, in use once more; with the lock. NULL where the loop has none in
 * use: then uvchan__delivery_open() has to come first. */
uvchan__port_t* uvchan__delivery_use(uvchan_pool_t* pool, uv_loop_t* loop);

/* Opens one for the loop, which is kept alive by it. It is in use for the caller, until he leaves
 * it. 0, UV_ENOMEM, or what uv_async_init() answers. */
int uvchan__delivery_open(uvchan_pool_t* pool, uv_loop_t* loop, uvchan__port_t** port);

/* One use less. With the last one the port lets go of the hub and the pool. */
void uvchan__delivery_leave(uvchan__port_t* port);

/* Takes the work back where it is finished and not called back; answers whether it has. */
int uvchan__delivery_take_back(uvchan_work_t* work);

/* Of a pool that nobody uses any more. */
void uvchan__deliveries_free(uvchan_pool_t* pool);

#endif /* UVCHAN_POOL_DELIVERY_H */
