/* SPDX-License-Identifier: MIT */
/* Callbacks in libuv's closing phase; see closing.h. */
#include "wake/closing.h"

#include "ground/platform.h"

void uvchan__later(uv_loop_t* loop, uv_idle_t* handle, uv_close_cb cb) {
  uv_idle_init(loop, handle);
  uv_close((uv_handle_t*)handle, cb);
}

static void on_next_turn(uv_idle_t* idle) {
  uv_close((uv_handle_t*)idle, ((uvchan__later_t*)idle)->done);
}

/* Where the next closing phase is a later one, waiting for that keeps clear of strangers; else a
 * whole turn has to come between. */
static void on_this_closing_phase(uv_handle_t* handle) {
  uvchan__later_t* later = (uvchan__later_t*)handle;

  if (UVCHAN__CLOSING_PHASE_ENDS) {
    uvchan__later(handle->loop, &later->idle, later->done);
  } else {
    uv_idle_init(handle->loop, &later->idle);
    uv_idle_start(&later->idle, on_next_turn);
  }
}

void uvchan__after_closing(uv_loop_t* loop, uvchan__later_t* later, uv_close_cb cb) {
  later->done = cb;
  uvchan__later(loop, &later->idle, on_this_closing_phase);
}
