/* SPDX-License-Identifier: MIT */
/* Started receivers of a history. Each callback is an operation: it took its values at some moment
 * since this thread was last seen. Where the channel is unbuffered, that it is at rest again is
 * another one, which has happened when the thread is seen next. */
#include <string.h>

#include "run.h"

static sink_t* sink_of(worker_t* worker, const history_op_t* op) {
  return &worker->sinks[op->target];
}

static history_op_t* sink_op(sink_t* sink, history_kind_t kind) {
  const history_pool_t* pool = sink->worker->pool;
  history_op_t* op = new_op(sink->worker, kind, sink->handle.channel == pool->channels[0] ? 0 : 1);

  op->target = (unsigned char)(sink - sink->worker->sinks);
  return op;
}

static void note_values(sink_t* sink, int result, const void* values) {
  size_t elem_size = sink->worker->pool->history->elem_size;
  history_op_t* op = sink_op(sink, HISTORY_TAKE);
  int i;

  op->settled = op->end = stamp(sink->worker);
  op->begin = sink->worker->since;
  op->form = HISTORY_SEVERAL;
  op->result = result;
  if (result > 0) op->n = (unsigned char)result;
  must(result <= HISTORY_MANY);
  for (i = 0; i < result; i++)
    op->values[i] = number_in((const unsigned char*)values + (size_t)i * elem_size, elem_size);
}

static void note_rest(sink_t* sink) {
  history_op_t* op;

  if (uvchan_capacity(sink->handle.channel) != 0 || !uvchan_receiver_is_active(&sink->handle))
    return;
  op = sink_op(sink, HISTORY_REST);
  op->begin = stamp(sink->worker);
  sink->worker->resting = op;
}

static void take(sink_t* sink, int result, const void* values) {
  note_values(sink, result, values);
  sink->in_callback = result > 0;
  perform_inside(sink->worker);
  sink->in_callback = 0;
  if (result > 0) note_rest(sink);
  begin_turn(sink->worker);
}

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  take((sink_t*)receiver, status == 0 ? 1 : status, value);
}

static void on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  take((sink_t*)receiver, (int)nvalues, values);
}

/* Notes what the call will find; nobody else can change it. */
void sink_prepare(worker_t* worker, history_op_t* op) {
  sink_t* sink = sink_of(worker, op);

  if (!sink->is_open) {
    must(uvchan_receiver_init(&worker->loop, &sink->handle,
                              worker->pool->channels[op->cases[0].channel]) == 0);
    sink->worker = worker;
    sink->is_open = 1;
  }
  op->argument = uvchan_receiver_is_active(&sink->handle) == (op->kind == HISTORY_STOP)
                     ? HISTORY_HAD_EFFECT
                     : 0;
  if (sink->in_callback) op->argument |= HISTORY_IN_CALLBACK;
}

int sink_start(worker_t* worker, const history_op_t* op) {
  uvchan_receiver_t* handle = &sink_of(worker, op)->handle;

  must(uvchan_receiver_set_budget(handle, op->n) == 0);
  must(uvchan_receiver_set_spin(handle, (unsigned int)op->timeout) == 0);
  return op->form == HISTORY_SEVERAL ? uvchan_recv_start_batch(handle, on_batch)
                                     : uvchan_recv_start(handle, on_value);
}

int sink_stop(worker_t* worker, const history_op_t* op) {
  return uvchan_recv_stop(&sink_of(worker, op)->handle);
}

int sinks_are_active(const worker_t* worker) {
  size_t i;

  for (i = 0; i < HISTORY_RECEIVERS; i++) {
    if (worker->sinks[i].is_open && uvchan_receiver_is_active(&worker->sinks[i].handle)) return 1;
  }
  return 0;
}

void sinks_note_idle(worker_t* worker) {
  unsigned int n[HISTORY_CHANNELS] = {0};
  size_t i;

  for (i = 0; i < HISTORY_RECEIVERS; i++) {
    const sink_t* sink = &worker->sinks[i];

    if (sink->is_open && uvchan_receiver_is_active(&sink->handle))
      n[sink->handle.channel == worker->pool->channels[0] ? 0 : 1]++;
  }
  for (i = 0; i < HISTORY_CHANNELS; i++) atomic_store(&worker->idle[i], n[i]);
}

static void on_closed(uvchan_receiver_t* receiver) { ((sink_t*)receiver)->is_open = 0; }

void sinks_close(worker_t* worker) {
  size_t i;

  for (i = 0; i < HISTORY_RECEIVERS; i++) {
    if (worker->sinks[i].is_open) uvchan_receiver_close(&worker->sinks[i].handle, on_closed);
  }
}
