/* SPDX-License-Identifier: MIT */
/* What waits in a pool, in which order it begins, and who hears that there is room. With the pool's
 * lock. Knows works by their place in a lane and their claim; does not know threads or loops. */
#ifndef UVCHAN_POOL_LANES_H
#define UVCHAN_POOL_LANES_H

#include "pool/state.h"

int uvchan__lanes_have_room(const uvchan_pool_t* pool, unsigned int lane);
size_t uvchan__lanes_room(const uvchan_pool_t* pool); /* for how many normal works */
size_t uvchan__lanes_waiting(const uvchan_pool_t* pool);
/* of those that begin next; nanoseconds */
uint64_t uvchan__lanes_longest_wait(const uvchan_pool_t* pool, uint64_t now);

/* At the end of its lane: inside where there is room, else outside. */
void uvchan__lanes_append(uvchan_pool_t* pool, uvchan_work_t* work);

/* Where it is in a lane: the room that it leaves goes to others. */
void uvchan__lanes_remove(uvchan_pool_t* pool, uvchan_work_t* work, uvchan__shift_t* shift);

/* The work that begins next, claimed; or NULL. Those whose time is over, and those that are cut,
 * are finished. */
uvchan_work_t* uvchan__lanes_take(uvchan_pool_t* pool, uvchan__shift_t* shift);

/* Finishes all, or those outside alone, with that status; counted in `closed`. */
void uvchan__lanes_end(uvchan_pool_t* pool, int outside_alone, int status, uvchan__shift_t* shift);

/* Has those called back who wait for room. */
void uvchan__lanes_tell_room(uvchan_pool_t* pool, int status, uvchan__shift_t* shift);

#endif /* UVCHAN_POOL_LANES_H */
