/* SPDX-License-Identifier: MIT */
/* For the peers that use libuv: a loop with its uv_async_t. */
#ifndef LOOP_H
#define LOOP_H

#include "peers.h"

#include <uv.h>

BENCHMARK_UNUSED static void loop_init(uv_loop_t* loop) {
  peers_must(uv_loop_init(loop) == 0, "uv_loop_init");
}

/* After its thread was joined. A loop that has a handle left says that something is wrong. */
BENCHMARK_UNUSED static void loop_close(uv_loop_t* loop) {
  peers_must(uv_loop_close(loop) == 0, "uv_loop_close");
}

BENCHMARK_UNUSED static void loop_async(uv_loop_t* loop, uv_async_t* async, uv_async_cb cb,
                                        void* data) {
  peers_must(uv_async_init(loop, async, cb) == 0, "uv_async_init");
  async->data = data;
}

/* For peers_add(), where the thread's data is a loop that has all it needs. */
BENCHMARK_UNUSED static void loop_run(peers_thread_t* self) {
  uv_run((uv_loop_t*)self->data, UV_RUN_DEFAULT);
}

#endif /* LOOP_H */
