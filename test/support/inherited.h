/* SPDX-License-Identifier: MIT */
/* A loop of the parent's, with a channel and its receiver, that a child goes on with. */
#ifndef INHERITED_H
#define INHERITED_H

#include "child.h"

#if CAN_FORK

#define CHILD_VALUES 20

static inline void send_one(void* arg) { must(try_send(arg, 0) == 0); }

/* A channel that holds one value for its receiver even where it has no room. */
typedef struct {
  uv_loop_t loop;
  uvchan_t* ch;
  sink_t sink;
} inherited_t;

static inline void inherited_open(inherited_t* inherited, size_t capacity) {
  support_loop_open(&inherited->loop);
  inherited->ch = support_channel(8, capacity);
  sink_start(&inherited->sink, &inherited->loop, inherited->ch);
  inherited->sink.close_at_end = 1;
  settle(&inherited->loop);
}

static inline void inherited_finish(inherited_t* inherited) {
  support_loop_finish(&inherited->loop);
  uvchan_release(inherited->ch);
}

/* A thread that sends each value when the receiver waits for it, with the loop asleep or about to
 * be. */
typedef struct {
  uv_thread_t thread;
  uvchan_t* ch;
  uint64_t first;
} slow_t;

static inline void send_slowly_and_close(void* arg) {
  slow_t* slow = arg;
  uint64_t i;
  for (i = 0; i < CHILD_VALUES; i++) {
    support_await_receivers(slow->ch, 1);
    must(try_send(slow->ch, slow->first + i) == 0);
  }
  support_await_receivers(slow->ch, 1);
  must(uvchan_close(slow->ch) == 0);
}

/* In a child: the loop is the parent's and goes on, with so many values received or on their way
 * before the fork. */
static inline void go_on(inherited_t* inherited, uint64_t before) {
  slow_t slow;
  slow.ch = inherited->ch;
  slow.first = before;
  child_must(uv_thread_create(&slow.thread, send_slowly_and_close, &slow) == 0);
  while (uv_run(&inherited->loop, UV_RUN_DEFAULT) != 0) continue;
  child_must(uv_thread_join(&slow.thread) == 0);
  child_must(inherited->sink.values == before + CHILD_VALUES && inherited->sink.ends == 1 &&
             inherited->sink.closes == 1);
  child_must(uv_loop_close(&inherited->loop) == 0);
  uvchan_release(inherited->ch);
  child_must(support_allocations() == 0);
}

#endif /* CAN_FORK */

#endif /* INHERITED_H */
