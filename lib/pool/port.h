/* SPDX-License-Identifier: MIT */
/* The way back: where a loop's works wait, once they are finished, to be called back. A loop has
 * one port at each pool (for each copy of the library that submits), while works of its are pending
 * there. With the pool's lock, but for what is said. Knows works and the hub; does not know lanes,
 * who finishes, or how works are called back.
 *
 * A thread puts what it has finished into the port under the pool's lock, which it holds in any
 * case to take the next; and posts the port to the hub where it was empty. So a work costs the hub
 * nothing, and a batch of them one entry.
 *
 *      a thread                              the loop, in the port's turn (delivery.c)
 *      under the lock: puts a work in;       takes all there is, under the lock; calls back
 *      was it empty? Then it posts           takes its entry out of the hub's list
 *                                            under the lock: has some come meanwhile? Then it
 *                                            posts the port again
 *
 * In its turn the port is posted: what comes meanwhile wakes nobody. Case A, a work comes before
 * the last look: that finds it. Case B, after it: the port was empty, and its entry out of the
 * list, so the thread posts it. */
#ifndef UVCHAN_POOL_PORT_H
#define UVCHAN_POOL_PORT_H

#include "pool/state.h"

/* The work, claimed by the caller, has this outcome. */
void uvchan__port_finish(uvchan_work_t* work, int status, uvchan__shift_t* shift);

/* All that is finished goes to the turn; answers whether there is any. */
int uvchan__port_take(uvchan__port_t* port);

/* Takes the work back where it is finished and not called back; answers whether it has. */
int uvchan__port_take_back(uvchan_work_t* work);

/* The loop's thread, without the lock: the work leaves the turn. */
void uvchan__port_begin_call(uvchan__port_t* port, uvchan_work_t* work);

/* How many are finished and not in the turn: a hint, without the lock. */
unsigned int uvchan__port_finished(const uvchan__port_t* port);

#endif /* UVCHAN_POOL_PORT_H */
