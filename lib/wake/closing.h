/* SPDX-License-Identifier: MIT */
/* Callbacks that libuv makes in its closing phase, by a handle of the caller's that is initialised
 * and closed in one step: no stranger's uv_walk() can keep them from happening. Knows no hub. The
 * loop's thread alone. */
#ifndef UVCHAN_CLOSING_H
#define UVCHAN_CLOSING_H

#include <uvchan/private.h>

/* Has libuv call cb in its closing phase, and keeps the loop alive until then. It needs no memory,
 * cannot fail, and no stranger can take it away. handle->data is the caller's, set before. */
void uvchan__later(uv_loop_t* loop, uv_idle_t* handle, uv_close_cb cb);

/* The same, once all that is closing now is closed, strangers' handles too: in the closing phase
 * after the next one. later->idle.data is the caller's. */
void uvchan__after_closing(uv_loop_t* loop, uvchan__later_t* later, uv_close_cb cb);

#endif /* UVCHAN_CLOSING_H */
