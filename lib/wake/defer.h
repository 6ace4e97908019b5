/* SPDX-License-Identifier: MIT */
/* What has to follow a callback of the user's that need not return: it may be left by an exception
 * or by longjmp(), as libuv's may. Knows neither what follows nor who asks for it. The loop's
 * thread alone.
 *
 * It is noted before the callback begins, in the hub's memory: on the stack, or in the user's
 * memory, it might never be found again. One thing is deferred at a time, for callbacks of one loop
 * don't stand within each other. It is done after the callback, or else by the hub's next prepare,
 * or before the hub's next callback. For a receiver that is recover(), in ends/receiver.c. */
#ifndef UVCHAN_DEFER_H
#define UVCHAN_DEFER_H

#include <uvchan/private.h>

#define UVCHAN__DEFERRED_ARGS 4
typedef void (*uvchan__deferred_func)(uvchan__hub_t* hub, void* const* args);

/* Answers where to put what `after` is given, all NULL at first. */
void** uvchan__hub_defer(uvchan__hub_t* hub, uvchan__deferred_func after);

/* Forgets what was deferred, where it is `after`, and its first argument is `first`. */
void uvchan__hub_cancel_deferred(uvchan__hub_t* hub, uvchan__deferred_func after,
                                 const void* first);

void uvchan__hub_run_deferred(uvchan__hub_t* hub);

#endif /* UVCHAN_DEFER_H */
