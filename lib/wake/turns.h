/* SPDX-License-Identifier: MIT */
/* A loop's turn, as its hub takes part in it: what is ready runs between the poll and the closing
 * callbacks. Knows entries, not what they stand for, and nothing of who posts them. The loop's
 * thread alone; the invariants stand in hub-state.h.
 *
 *      prepare     looks: where an entry is ready the idle handle is active, and so
 *      poll        does not block; sockets, and the hub's async handle
 *      check       runs what is ready, and looks again
 *      closing callbacks
 *
 * libuv runs timers before prepare up to 1.44, and after the closing callbacks from 1.45 on. */
#ifndef UVCHAN_TURNS_H
#define UVCHAN_TURNS_H

#include <uvchan/private.h>

void uvchan__hub_on_prepare(uv_prepare_t* prepare);
void uvchan__hub_on_check(uv_check_t* check);

/* Whether others wait for their turn on the loop: a hint. In a turn. */
int uvchan__hub_is_in_demand(uvchan__hub_t* hub);

#endif /* UVCHAN_TURNS_H */
