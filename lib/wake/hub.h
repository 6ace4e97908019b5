/* SPDX-License-Identifier: MIT */
/* A loop's hub, by which the loop is woken: made by its first user and gone with its last. Knows
 * how many users it has, not who they are. The loop's thread alone.
 *
 * A hub has one uv_async_t, to be woken from other threads, and four handles that need no
 * descriptor: a prepare handle, which looks for ready entries before the loop goes to sleep; an
 * idle handle, active where there are some, so that the poll does not block; a check handle, which
 * runs the ready entries after the poll (turns.h); and a timer (alarms.h). Only the prepare handle
 * keeps the loop alive, and only while uvchan__hub_ref() was called more often than
 * uvchan__hub_unref(). Entries get there by posts.h; the invariants stand in hub-state.h. */
#ifndef UVCHAN_HUB_H
#define UVCHAN_HUB_H

#include <uvchan/private.h>

/* Finds the loop's hub or makes it; each success is answered with one uvchan__hub_release(). 0,
 * UV_ENOMEM, or what uv_async_init() answers; after a failure nothing is left on the loop. */
int uvchan__hub_acquire(uv_loop_t* loop, uvchan__hub_t** hub);
void uvchan__hub_release(uvchan__hub_t* hub);

/* Keeps the loop alive, counted. */
void uvchan__hub_ref(uvchan__hub_t* hub);
void uvchan__hub_unref(uvchan__hub_t* hub);

/* Whether a stranger has closed its handles, so that no turn runs what is posted. */
int uvchan__hub_is_deserted(const uvchan__hub_t* hub);

/* UVCHAN__SCRATCH_BYTES for the values that a receiver hands to its callback; entries run one after
 * the other, so they share it. */
void* uvchan__hub_scratch(uvchan__hub_t* hub);

/* As uvchan__later(), for a user of the hub; but where that is gone it calls cb here and now, and
 * touches no loop. What cb calls back has to return then, and may do the same for others. */
void uvchan__hub_later(uvchan__hub_t* hub, uv_loop_t* loop, uv_idle_t* handle, uv_close_cb cb);

#endif /* UVCHAN_HUB_H */
