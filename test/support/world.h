/* SPDX-License-Identifier: MIT */
/* What the suites on strangers share. A stranger closes every handle of a loop, as programs do at
 * their end: uv_walk() with uv_close(handle, NULL). The world is all that the library can have on a
 * loop, and its loop is in memory of its own, so that it can be gone before the world is. */
#ifndef WORLD_H
#define WORLD_H

#include <stdlib.h>

#include "support-loop.h"

static inline void close_handle(uv_handle_t* handle, void* arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static inline void stranger(uv_loop_t* loop) { uv_walk(loop, close_handle, NULL); }

static inline uv_loop_t* loop_new(void) {
  uv_loop_t* loop = malloc(sizeof(*loop));
  must(loop != NULL);
  support_loop_open(loop);
  return loop;
}

static inline void loop_finish(uv_loop_t* loop) {
  support_loop_finish(loop);
  free(loop);
}

/* The stranger has closed all that there is; nothing of the loop is left. */
static inline void loop_end(uv_loop_t* loop) {
  must(uv_run(loop, UV_RUN_DEFAULT) == 0);
  must(uv_loop_close(loop) == 0);
  memset(loop, 0x5a, sizeof(*loop));
  free(loop);
}

/* Everything that the library can have on a loop, once, over one kind of channel. */
typedef struct {
  uv_loop_t* loop; /* in memory of its own, that is freed with it */
  uvchan_t* in;    /* empty: receivers wait on it */
  uvchan_t* out;   /* full: senders wait on it */
  uvchan_waitgroup_t wg;
  sink_t sink;
  sink_t batch;
  recv_op_t recv;
  send_op_t send;
  select_op_t select;
  notify_op_t notify;
  uvchan_ticker_t ticker;
  unsigned int ticker_closes;
} world_t;

static inline void on_ticker_close(uvchan_ticker_t* ticker) {
  ((world_t*)ticker->data)->ticker_closes++;
}

static inline void world_open(world_t* world, size_t capacity) {
  uint64_t n = 0;
  memset(world, 0, sizeof(*world));
  world->loop = loop_new();
  world->in = support_channel(8, capacity);
  world->out = support_channel(8, capacity);
  while (capacity != UVCHAN_UNBOUNDED && try_send(world->out, n) == 0) n++;
  ck_assert_int_eq(uvchan_waitgroup_init(&world->wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&world->wg, 1), 0);
  sink_start(&world->sink, world->loop, world->in);
  sink_start_batch(&world->batch, world->loop, world->in);
  world->sink.unordered = world->batch.unordered = 1;
  recv_op(&world->recv, world->loop, world->in);
  if (capacity != UVCHAN_UNBOUNDED) send_op(&world->send, world->loop, world->out, 99);
  select_case(&world->select, 0, world->in, UVCHAN_RECV, 0);
  select_case(&world->select, 1, NULL, UVCHAN_RECV, 0);
  select_op(&world->select, world->loop, 2);
  notify_op(&world->notify, world->loop, &world->wg);
  ck_assert_int_eq(uvchan_ticker_init(world->loop, &world->ticker, world->out), 0);
  world->ticker.data = world;
  ck_assert_int_eq(uvchan_ticker_start(&world->ticker, 0, 1), 0);
}

/* Closes and cancels all that there is; what is decided already answers UV_EBUSY. */
static inline void world_close(world_t* world) {
  sink_close(&world->sink);
  sink_close(&world->batch);
  (void)cancel_op(&world->recv);
  if (world->send.req.loop != NULL) (void)cancel_op(&world->send);
  (void)cancel_op(&world->select);
  (void)cancel_op(&world->notify);
  uvchan_ticker_close(&world->ticker, on_ticker_close);
}

/* The loop ends, and everyone who was cancelled in time or closed was called back, once. */
static inline void world_finish(world_t* world) {
  loop_finish(world->loop);
  ck_assert_uint_eq(world->sink.closes, 1);
  ck_assert_uint_eq(world->batch.closes, 1);
  ck_assert_uint_eq(world->ticker_closes, 1);
  uvchan_waitgroup_destroy(&world->wg);
  uvchan_release(world->in);
  uvchan_release(world->out);
}

static inline void check_all_cancelled(const world_t* world) {
  check_ended(&world->recv, UV_ECANCELED);
  ck_assert_uint_eq(world->select.calls, 1);
  ck_assert_int_eq(world->select.index, UV_ECANCELED);
  check_ended(&world->notify, UV_ECANCELED);
  if (world->send.req.loop == NULL) return;
  check_ended(&world->send, UV_ECANCELED);
}

static inline void use_the_channels(world_t* world) {
  uint64_t value = 7;
  (void)uvchan_try_send(world->in, &value);
  (void)uvchan_try_send(world->out, &value);
  (void)uvchan_try_recv(world->out, &value);
  (void)uvchan_send_timedwait(world->in, &value, 1000);
  must(uvchan_waitgroup_add(&world->wg, 1) == 0);
  must(uvchan_waitgroup_add(&world->wg, -2) == 0);
  must(uvchan_close(world->in) == 0);
  must(uvchan_abort(world->out, UV_ECONNABORTED) == 0);
}

static inline void check_all_called(const world_t* world) {
  ck_assert_uint_eq(world->recv.calls, 1);
  ck_assert_uint_eq(world->select.calls, 1);
  ck_assert_uint_eq(world->notify.calls, 1);
  if (world->send.req.loop != NULL) ck_assert_uint_eq(world->send.calls, 1);
}

static inline void use_in_a_thread(void* arg) { use_the_channels(arg); }

#endif /* WORLD_H */
