/* SPDX-License-Identifier: MIT */
/* How a thread sleeps until the one who claimed it has finished with it, or its time is over, which
 * alone withdraws nothing (uvchan__await() does). Knows nothing of channels.
 *
 * The word waiter->sleep:   AWAKE --park()--> ASLEEP --unpark()--> FINISHED
 *                             '---------------unpark()----------------^
 * Only its own thread parks, and only the one who claimed it unparks, once. The step to FINISHED is
 * the last touch of the waiter's memory: as soon as the thread sees it, the waiter may go out of
 * scope. Without a futex there is one more state on the way, and one more arrow, which stand in
 * park.c. */
#ifndef UVCHAN_PARK_H
#define UVCHAN_PARK_H

#include <uvchan/private.h>

#include "ground/platform.h"
#include "wake/patience.h"

/* Looks as long as the patience lasts; returns 1 when finished, else 0. */
int uvchan__spin_until_finished(uvchan__waiter_t* waiter, uvchan__patience_t* patience);

/* Returns 0 when finished, or UV_ETIMEDOUT after timeout nanoseconds (UVCHAN__FOR_EVER: no
 * limit). */
int uvchan__park(uvchan__waiter_t* waiter, uint64_t timeout);

void uvchan__unpark(uvchan__waiter_t* waiter);

/* Since when it sleeps, in milliseconds as uv_hrtime(), which wrap; and the system's number of its
 * thread. Either may be 0. */
unsigned int uvchan__asleep_since(uvchan__waiter_t* waiter);
unsigned int uvchan__sleeper(uvchan__waiter_t* waiter);

/* Answers 1 or 0: a statistic. */
unsigned int uvchan__is_asleep(uvchan__waiter_t* waiter);

#endif /* UVCHAN_PARK_H */
