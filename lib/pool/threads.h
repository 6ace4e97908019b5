/* SPDX-License-Identifier: MIT */
/* A pool's threads: made when they are needed, they look for work, park where there is none, and
 * end with the pool. Knows lanes; does not know who submits, or what becomes of a work that is
 * finished. Threads: any; what runs on a pool's own is said. */
#ifndef UVCHAN_POOL_THREADS_H
#define UVCHAN_POOL_THREADS_H

#include "pool/state.h"

/* A stay under the lock: the second has a thread called where one is missing (state.h, I3),
 * unlocks, and wakes and makes what has to be. Nothing of the pool is touched after it, but where a
 * thread has to be made. */
void uvchan__pool_lock(uvchan_pool_t* pool);
void uvchan__pool_unlock(uvchan_pool_t* pool, uvchan__shift_t* shift);

/* With the lock: where a closed pool has neither works nor threads left, its end is posted. */
void uvchan__pool_check_end(uvchan_pool_t* pool, uvchan__shift_t* shift);

/* With the lock: all that are parked look, and end where the pool is closed. */
void uvchan__threads_call_all(uvchan_pool_t* pool, uvchan__shift_t* shift);

/* Makes the first thread, of a pool that nobody else knows yet, and waits until its begin has
 * returned. 0, what that has returned, or what the system says. */
int uvchan__threads_begin(uvchan_pool_t* pool);

/* Waits until all have ended, which are about to. */
void uvchan__threads_join(uvchan_pool_t* pool);

#endif /* UVCHAN_POOL_THREADS_H */
