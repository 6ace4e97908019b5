/* How a loop is woken: one hub for each loop, made by its first user and gone with its last. Knows
 * entries, not what they stand for.
 *
 * A hub has one uv_async_t, to be woken from other threads, and three handles that need no
 * descriptor: a prepare handle, which looks for ready entries before the loop goes to sleep; an
 * idle handle, active where there are some, so that the poll does not block; and a check handle,
 * which runs the ready entries after the poll. So one turn is: timers, prepare (look), poll
 * (sockets), check (run). Only the prepare handle keeps the loop alive, and only while hub_ref()
 * was called more often than hub_unref().
 *
 * Threads: uvchan__hub_post() and uvchan__hub_wake_all() any; everything else is for the loop's
 * thread alone.
 *
 * I1  An entry is listed at most once; whoever lists or removes it holds the lock.
 * I2  awake means that the loop will look at the list without further help: it has its idle handle
 *     active, or a write to its descriptor is on its way, or it is in the hub's check, and looks at
 *     the end of it. Whoever runs the loop, uv_run() or a program that polls uv_backend_fd()
 *     itself, sees either of them. Set and cleared under the lock.
 * I3  No wake-up is lost. An entry is listed under the lock.
 *
 *         a poster                                  the loop's look, in prepare and at the end of check
 *         lists the entry, under the lock           under the lock: is the list empty? Then it clears awake
 *         under the same lock: awake? If not, he    lets the loop sleep, or its program
 *         sets it and wakes the loop
 *
 *     Case A, the listing comes first: the look finds the entry, and the loop turns on. Case B, the
 *     look comes first: the poster finds awake cleared and wakes the loop; or set again, and then
 *     whoever set it does. To wake it is to activate the idle handle, where the poster is on the
 *     loop's thread for certain: its call is for that thread alone, or that thread is between the
 *     hub's prepare and check, which is within uv_run(). Everywhere else it is a write to the
 *     descriptor, on the thread that last ran the loop too: it may have handed the loop to another
 *     thread, of which the hub knows nothing before its first prepare.
 * I4  No write reaches a loop that may be closed: uv_async_send() is called with wake_lock held and
 *     `closed` not set, and the hub sets `closed` under wake_lock before it closes its handles. The
 *     hub's memory is counted: one for the loop, one for each wake-up that was decided on and not
 *     carried out, one for each handle that is closing.
 * I5  From a turn's begin, and from each callback's, to the next prepare the idle handle is active:
 *     so where a callback is left, the loop turns on, and prepare does what had to follow it, and
 *     puts back into the list what had still to run.
 * I6  Where a stranger closed the hub's handles (uv_walk), none of them is touched again, and
 *     entries are listed without effect. Once libuv has closed them all for good, the loop is not
 *     touched any more either. */
#ifndef UVCHAN_HUB_H
#define UVCHAN_HUB_H

#include <uvchan/private.h>

#include "ground/atomic.h"

typedef struct uvchan__hub_s uvchan__hub_t;

/* Finds the loop's hub or makes it; each success is answered with one uvchan__hub_release(). 0,
 * UV_ENOMEM, or what uv_async_init() answers; after a failure nothing is left on the loop. */
int uvchan__hub_acquire(uv_loop_t* loop, uvchan__hub_t** hub);
void uvchan__hub_release(uvchan__hub_t* hub);

/* Keeps the loop alive, counted. */
void uvchan__hub_ref(uvchan__hub_t* hub);
void uvchan__hub_unref(uvchan__hub_t* hub);

/* Lists the entry, to be run on the loop, unless it is listed already. Where the loop has to be
 * woken, the hub is put in front of *wakes; the caller must then call uvchan__hub_wake_all() with
 * no lock held. Answers 1 where the loop is another thread's and asleep, else 0. The second is for
 * calls that are the loop's thread's alone, and needs nothing further. */
unsigned int uvchan__hub_post(uvchan__hub_t* hub, uvchan__entry_t* entry, uvchan__hub_t** wakes);
void uvchan__hub_post_here(uvchan__hub_t* hub, uvchan__entry_t* entry);
/* answers whether it was listed */
int uvchan__hub_unpost(uvchan__hub_t* hub, uvchan__entry_t* entry);
/* until somebody who is about to has listed it */
void uvchan__hub_await_post(uvchan__hub_t* hub, const uvchan__entry_t* entry);

/* Whether others wait for their turn on the loop. The loop's thread, in a turn. */
int uvchan__hub_is_in_demand(uvchan__hub_t* hub);

/* Whether a stranger has closed its handles, or some of them: then entries do not run any more. */
int uvchan__hub_is_dead(const uvchan__hub_t* hub);

/* Whether libuv has closed all of them for good: then the loop may be gone, closed and freed, and
 * nothing of it may be touched. What else would be left to libuv's closing phase is done at once. A
 * loop with a handle that is not closed for good can't be closed. */
int uvchan__hub_is_gone(const uvchan__hub_t* hub);
void uvchan__hub_wake_all(uvchan__hub_t* wakes);

/* Whether a post from here would have to wake the loop, just now: a statistic. */
unsigned int uvchan__hub_is_asleep(uvchan__hub_t* hub);

/* Whether the calling thread is the one that has last run the loop, by the hub's own observation. */
int uvchan__hub_runs_here(uvchan__hub_t* hub);

/* A callback of the user's need not return: it may be left by an exception or by longjmp(), as
 * libuv's may. So what has to follow it is owed by the hub before it begins, in the hub's memory:
 * by the stack's, or the user's, it may never be found again. There is one debt at a time, for
 * callbacks of one loop don't stand within each other. It is settled after the callback, or else by
 * the hub's next prepare, or before the hub's next callback. The loop's thread alone.
 *
 * owe() answers where to put what `after` is given, all NULL at first. forgive() takes back a debt
 * of just this kind, where it is still owed, whose first is `first`. */
#define UVCHAN__DEFERRED_ARGS 4
typedef void (*uvchan__deferred_func)(uvchan__hub_t* hub, void* const* args);
void** uvchan__hub_defer(uvchan__hub_t* hub, uvchan__deferred_func after);
void uvchan__hub_cancel_deferred(uvchan__hub_t* hub, uvchan__deferred_func after,
                                 const void* first);
void uvchan__hub_run_deferred(uvchan__hub_t* hub);

/* UVCHAN__SCRATCH_BYTES for the values that a receiver hands to its callback; entries run one after
 * the other, so they share it. */
void* uvchan__hub_scratch(uvchan__hub_t* hub);

/* Has libuv call cb in its closing phase, and keeps the loop alive until then: initialises the
 * handle and closes it at once. It needs no memory, cannot fail, and no stranger can take it away.
 * handle->data is the caller's, set before. */
void uvchan__later(uv_loop_t* loop, uv_idle_t* handle, uv_close_cb cb);

/* The same for a user of the hub; but where that is gone it calls cb here and now, and touches no
 * loop. What cb calls back has to return then, and may do the same for others. */
void uvchan__hub_later(uvchan__hub_t* hub, uv_loop_t* loop, uv_idle_t* handle, uv_close_cb cb);

/* The same, once all that is closing now is closed, strangers' handles too: in the closing phase
 * after the next one. later->idle.data is the caller's. */
void uvchan__after_closing(uv_loop_t* loop, uvchan__later_t* later, uv_close_cb done);

#endif /* UVCHAN_HUB_H */
