/* SPDX-License-Identifier: MIT */
/* What the suites on loops share: a receiver that checks what it gets, requests that record how
 * they ended, and short words for turning a loop. Everything is for the loop's own thread. It knows
 * support.h and the public header alone. */
#ifndef SUPPORT_LOOP_H
#define SUPPORT_LOOP_H

#include <string.h>

#include "support.h"

/* ---- Turning a loop -------------------------------------------------------------------------- */

/* Turns that never block: enough of them finish whatever the loop can do without the outside. */
static inline void turn(uv_loop_t* loop, int times) {
  while (times-- > 0) uv_run(loop, UV_RUN_NOWAIT);
}

static inline void settle(uv_loop_t* loop) { turn(loop, 10); }

/* Turns that block until something happens, until the condition holds. The time limit of the test
 * case ends one that blocks for ever. */
#define run_until(loop, condition)        \
  do {                                    \
    unsigned int run_until_turns = 0;     \
    while (!(condition)) {                \
      must(++run_until_turns < 10000000); \
      uv_run(loop, UV_RUN_ONCE);          \
    }                                     \
  } while (0)

typedef struct {
  uv_handle_type type;
  unsigned int count;
} walk_count_t;

static inline void walk_counts(uv_handle_t* handle, void* arg) {
  walk_count_t* walk = arg;
  walk->count += walk->type == UV_UNKNOWN_HANDLE || handle->type == walk->type;
}

/* How many handles of the type stand on the loop; UV_UNKNOWN_HANDLE is for all. */
static inline unsigned int count_handles(uv_loop_t* loop, uv_handle_type type) {
  walk_count_t walk;
  walk.type = type;
  walk.count = 0;
  uv_walk(loop, walk_counts, &walk);
  return walk.count;
}

/* ---- A receiver that checks what it gets ----------------------------------------------------- */

typedef struct {
  uvchan_receiver_t handle; /* first, so that a pointer to it is a pointer to the whole */
  uint64_t values;          /* how many came; they must be numbered 0, 1, 2, ... unless unordered */
  uint64_t first;           /* the number of the first value */
  uint64_t last;            /* the last value's, where values have 8 bytes */
  uint64_t close_after;     /* closes itself after so many values; 0: never */
  uint64_t stop_after;      /* stops itself after so many values; 0: never */
  unsigned int calls;
  unsigned int ends;
  unsigned int closes;
  int end; /* the status of the last end */
  int unordered;
  int close_at_end;
  int inside;
} sink_t;

static inline void sink_on_close(uvchan_receiver_t* receiver) {
  sink_t* sink = (sink_t*)receiver;
  must(!sink->inside);
  sink->closes++;
}

static inline void sink_take(sink_t* sink, const void* value) {
  size_t elem_size = uvchan_elem_size(sink->handle.channel);
  must(sink->ends == 0);
  must(sink->closes == 0);
  must(sink->unordered || support_matches(value, elem_size, sink->first + sink->values));
  if (elem_size == 8) memcpy(&sink->last, value, 8);
  sink->values++;
}

static inline void sink_end(sink_t* sink, int status, const void* value) {
  must(status < 0);
  must(value == NULL);
  must(sink->closes == 0);
  sink->ends++;
  sink->end = status;
  if (sink->close_at_end) uvchan_receiver_close(&sink->handle, sink_on_close);
}

static inline void sink_after(sink_t* sink) {
  if (sink->stop_after != 0 && sink->values == sink->stop_after)
    must(uvchan_recv_stop(&sink->handle) == 0);
  if (sink->close_after != 0 && sink->values == sink->close_after)
    uvchan_receiver_close(&sink->handle, sink_on_close);
}

static inline void sink_on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_t* sink = (sink_t*)receiver;
  must(!sink->inside);
  sink->inside = 1;
  sink->calls++;
  if (status < 0) {
    sink_end(sink, status, value);
  } else {
    must(status == 0);
    sink_take(sink, value);
    sink_after(sink);
  }
  sink->inside = 0;
}

static inline void sink_on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  sink_t* sink = (sink_t*)receiver;
  size_t elem_size = uvchan_elem_size(receiver->channel);
  ssize_t i;
  must(!sink->inside);
  must(nvalues != 0);
  sink->inside = 1;
  sink->calls++;
  if (nvalues < 0) sink_end(sink, (int)nvalues, values);
  for (i = 0; i < nvalues; i++)
    sink_take(sink, elem_size == 0 ? values : (const char*)values + (size_t)i * elem_size);
  if (nvalues > 0) sink_after(sink);
  sink->inside = 0;
}

static inline void sink_init(sink_t* sink, uv_loop_t* loop, uvchan_t* ch) {
  memset(sink, 0, sizeof(*sink));
  must(uvchan_receiver_init(loop, &sink->handle, ch) == 0);
}

static inline void sink_start(sink_t* sink, uv_loop_t* loop, uvchan_t* ch) {
  sink_init(sink, loop, ch);
  must(uvchan_recv_start(&sink->handle, sink_on_value) == 0);
}

static inline void sink_start_batch(sink_t* sink, uv_loop_t* loop, uvchan_t* ch) {
  sink_init(sink, loop, ch);
  must(uvchan_recv_start_batch(&sink->handle, sink_on_batch) == 0);
}

static inline void sink_close(sink_t* sink) { uvchan_receiver_close(&sink->handle, sink_on_close); }

/* ---- Requests that record how they ended ----------------------------------------------------- */

/* Values of 8 bytes. */
typedef struct {
  uvchan_send_t req; /* first */
  uint64_t value;
  unsigned int calls;
  int status;
} send_op_t;

typedef struct {
  uvchan_recv_t req; /* first */
  uint64_t value;
  unsigned int calls;
  int status;
} recv_op_t;

typedef struct {
  uvchan_notify_t req; /* first */
  unsigned int calls;
  int status;
} notify_op_t;

#define SELECT_OP_CASES 8

typedef struct {
  uvchan_select_t req; /* first */
  uvchan_case_t cases[SELECT_OP_CASES];
  uint64_t values[SELECT_OP_CASES];
  unsigned int calls;
  int index;
} select_op_t;

static inline void send_op_done(uvchan_send_t* req, int status) {
  send_op_t* op = (send_op_t*)req;
  op->calls++;
  op->status = status;
}

static inline void recv_op_done(uvchan_recv_t* req, int status) {
  recv_op_t* op = (recv_op_t*)req;
  op->calls++;
  op->status = status;
}

static inline void notify_op_done(uvchan_notify_t* req, int status) {
  notify_op_t* op = (notify_op_t*)req;
  op->calls++;
  op->status = status;
}

static inline void select_op_done(uvchan_select_t* req, int index) {
  select_op_t* op = (select_op_t*)req;
  op->calls++;
  op->index = index;
}

/* It has called back once, with this status. */
#define check_ended(op, code)               \
  do {                                      \
    ck_assert_uint_eq((op)->calls, 1);      \
    ck_assert_int_eq((op)->status, (code)); \
  } while (0)

static inline void check_received(const recv_op_t* op, uint64_t value) {
  check_ended(op, 0);
  ck_assert_uint_eq(op->value, value);
}

/* Each begins its operation and checks that the callback does not run inside the call. */
static inline void send_op(send_op_t* op, uv_loop_t* loop, uvchan_t* ch, uint64_t value) {
  memset(op, 0, sizeof(*op));
  op->value = value;
  must(uvchan_send(loop, &op->req, ch, &op->value, send_op_done) == 0);
  must(op->calls == 0);
}

static inline void recv_op(recv_op_t* op, uv_loop_t* loop, uvchan_t* ch) {
  memset(op, 0, sizeof(*op));
  must(uvchan_recv(loop, &op->req, ch, &op->value, recv_op_done) == 0);
  must(op->calls == 0);
}

static inline void notify_op(notify_op_t* op, uv_loop_t* loop, uvchan_waitgroup_t* wg) {
  memset(op, 0, sizeof(*op));
  must(uvchan_waitgroup_notify(loop, &op->req, wg, notify_op_done) == 0);
  must(op->calls == 0);
}

static inline void select_case(select_op_t* op, size_t at, uvchan_t* ch, uvchan_op_t kind,
                               uint64_t value) {
  op->values[at] = value;
  op->cases[at].ch = ch;
  op->cases[at].op = kind;
  op->cases[at].value = &op->values[at];
  op->cases[at].status = 1;
}

static inline void select_op(select_op_t* op, uv_loop_t* loop, size_t ncases) {
  op->calls = 0;
  op->index = -1;
  must(uvchan_select(loop, &op->req, op->cases, ncases, select_op_done) == 0);
  must(op->calls == 0);
}

static inline int cancel_op(void* op) { return uvchan_cancel((uvchan_req_t*)op); }

/* ---- Channels of numbers --------------------------------------------------------------------- */

static inline int try_send(uvchan_t* ch, uint64_t number) { return uvchan_try_send(ch, &number); }

/* Answers whether the channel had exactly this number ahead of all others. */
static inline int takes(uvchan_t* ch, uint64_t number) {
  uint64_t value = ~number;
  return uvchan_try_recv(ch, &value) == 0 && value == number;
}

static inline int is_empty(uvchan_t* ch) {
  uint64_t value;
  return uvchan_try_recv(ch, &value) == UV_EAGAIN;
}

/* The statistics of a channel that nobody is using. Unlike support_at_rest() it allows for values
 * that were handed to a receiver which went away before its callback: they may exceed the capacity
 * of an unbuffered channel. */
static inline uvchan_stats_t rest(const uvchan_t* ch) {
  uvchan_stats_t stats;
  uvchan_stats(ch, &stats);
  must(stats.sent == stats.received + stats.dropped + stats.len);
  return stats;
}

#endif /* SUPPORT_LOOP_H */
