/* SPDX-License-Identifier: MIT */
/* A sink's life: its end, its near side, its connection, its figures. */
#include <stdlib.h>
#include <string.h>
#include <uvchan/redis.h>

#include "redis/sending.h"

/* ---- The end --------------------------------------------------------------------------------- */

/* What was confirmed is told when an answer is done with: the callback may close the sink. */
void uvchan__redis_sink_tell(uvchan__redis_sink_t* sink) {
  if (sink->values == sink->told || sink->open > 0) return;
  sink->told = sink->values;
  if (sink->options.on_confirmed != NULL) sink->options.on_confirmed(sink->handle, sink->values);
}

/* The channel is closed so that no sender waits for a sink that takes no more. */
void uvchan__redis_sink_end_with(uvchan__redis_sink_t* sink, int status) {
  if (sink->state == UVCHAN__REDIS_SINK_OVER) return;
  sink->state = UVCHAN__REDIS_SINK_OVER;
  uv_timer_stop(&sink->rest);
  uvchan__redis_link_stop(&sink->link);
  uvchan__redis_taking_stop(&sink->taking);
  uvchan_close(sink->handle->channel);
  uvchan__redis_sink_tell(sink);
  if (sink->options.on_end != NULL && sink->open == 0) sink->options.on_end(sink->handle, status);
}

static void finish_one(uvchan__redis_sink_t* sink);

/* Without memory it is tried again with the next connection. */
void uvchan__redis_sink_take(uvchan__redis_sink_t* sink) {
  int r = sink->state == UVCHAN__REDIS_SINK_OVER ? 0 : uvchan__redis_taking_take(&sink->taking);

  if (r == UV_ENOMEM) {
    uvchan__redis_link_fail(&sink->link, r, "there is no memory");
  } else if (r != 0) {
    uvchan__redis_sink_end_with(sink, r);
  }
}

static void on_came(void* owner) {
  uvchan__redis_sink_take(owner);
  uvchan__redis_sink_pump(owner);
}

static void on_parted(void* owner) {
  uvchan__redis_sink_t* sink = owner;

  if (sink->open > 0) finish_one(sink);
}

/* ---- The connection -------------------------------------------------------------------------- */

static void on_ready(void* owner) { uvchan__redis_sink_greet(owner); }

static void on_lost(void* owner) {
  uvchan__redis_sink_t* sink = owner;

  sink->state = UVCHAN__REDIS_SINK_AWAY;
  sink->flights = 0;
  sink->is_waiting = 0;
  uv_timer_stop(&sink->rest);
}

static void on_gave_up(void* owner, int status) { uvchan__redis_sink_end_with(owner, status); }

/* ---- Init and close -------------------------------------------------------------------------- */

static void free_all(uvchan__redis_sink_t* sink) {
  uvchan__redis_command_free(&sink->command);
  uvchan__redis_taking_free(&sink->taking);
  free(sink->producer);
  free(sink);
}

static void finish_one(uvchan__redis_sink_t* sink) {
  uvchan_redis_sink_t* handle = sink->handle;
  uvchan_redis_sink_close_cb cb = sink->close_cb;
  uvchan_t* ch = handle->channel;

  if (--sink->open > 0) return;
  free_all(sink);
  handle->self = NULL;
  if (cb != NULL) cb(handle);
  uvchan_release(ch);
}

static void on_link_closed(void* owner) { finish_one(owner); }

static void on_rest_closed(uv_handle_t* rest) { finish_one(rest->data); }

static const uvchan__redis_link_calls_t link_calls = {on_ready, on_lost, on_gave_up,
                                                      on_link_closed};

/* All that needs memory and no loop. */
static int allocate(uvchan__redis_sink_t* sink, const uvchan_redis_server_t* server,
                    size_t elem_size) {
  int r = UV_ENOMEM;

  sink->producer = uvchan__redis_copy(sink->options.producer);
  if (sink->producer == NULL) return r;
  r = uvchan__redis_taking_init(&sink->taking, &sink->options, elem_size);
  if (r != 0) goto free_producer;
  r = uvchan__redis_command_init(&sink->command, sink->options.stream, sink->options.batch);
  if (r != 0) goto free_taking;
  r = uvchan__redis_link_prepare(&sink->link, server);
  if (r == 0) return 0;

  uvchan__redis_command_free(&sink->command);
free_taking:
  uvchan__redis_taking_free(&sink->taking);
free_producer:
  free(sink->producer);
  return r;
}

static void prepare(uvchan__redis_sink_t* sink, uvchan_redis_sink_t* handle, size_t elem_size) {
  sink->handle = handle;
  uvchan__redis_write_token(sink->token);
  uvchan__redis_write_format(sink->format,
                             sink->options.encode == NULL ? NULL : sink->options.format, elem_size);
  uvchan__redis_sink_prepare_sending(sink);
  sink->taking.handle = handle;
  sink->taking.came = on_came;
  sink->taking.parted = on_parted;
  sink->taking.owner = sink;
}

/* What can't fail. */
static void begin(uvchan__redis_sink_t* sink, uv_loop_t* loop) {
  uvchan__redis_link_begin(loop, &sink->link, &link_calls, sink);
  if (sink->options.replicas > 0) sink->link.patience_ms += sink->options.replicas_ms;
  uv_timer_init(loop, &sink->rest);
  sink->rest.data = sink;
}

int uvchan_redis_sink_init(uv_loop_t* loop, uvchan_redis_sink_t* handle, uvchan_t* ch,
                           const uvchan_redis_sink_options_t* options) {
  uvchan__redis_sink_t* sink;
  int r;

  if (loop == NULL || handle == NULL || ch == NULL || options == NULL) return UV_EINVAL;
  sink = calloc(1, sizeof(*sink));
  if (sink == NULL) return UV_ENOMEM;
  r = uvchan__redis_sink_options(options, uvchan_elem_size(ch), &sink->options);
  if (r == 0) r = allocate(sink, &options->server, uvchan_elem_size(ch));
  if (r != 0) {
    free(sink);
    return r;
  }
  prepare(sink, handle, uvchan_elem_size(ch));
  begin(sink, loop);
  handle->loop = loop;
  handle->channel = uvchan_retain(ch);
  handle->self = sink;
  return 0;
}

void uvchan_redis_sink_close(uvchan_redis_sink_t* handle, uvchan_redis_sink_close_cb cb) {
  uvchan__redis_sink_t* sink = handle == NULL ? NULL : handle->self;

  if (sink == NULL || sink->open > 0) return;
  sink->close_cb = cb;
  sink->state = UVCHAN__REDIS_SINK_OVER;
  sink->open = 2 + (uvchan__redis_taking_stop(&sink->taking) ? 1 : 0);
  uv_close((uv_handle_t*)&sink->rest, on_rest_closed);
  uvchan__redis_link_close(&sink->link);
}

/* ---- Figures --------------------------------------------------------------------------------- */

static uvchan_redis_state_t state_of(const uvchan__redis_sink_t* sink) {
  switch (sink->state) {
    case UVCHAN__REDIS_SINK_RUNNING:
      return UVCHAN_REDIS_RUNNING;
    case UVCHAN__REDIS_SINK_HALTING:
    case UVCHAN__REDIS_SINK_RESTING:
      return UVCHAN_REDIS_FULL;
    case UVCHAN__REDIS_SINK_ENDING:
      return UVCHAN_REDIS_ENDING;
    case UVCHAN__REDIS_SINK_OVER:
      return UVCHAN_REDIS_OVER;
    default:
      return UVCHAN_REDIS_AWAY;
  }
}

void uvchan_redis_sink_stats(const uvchan_redis_sink_t* handle, uvchan_redis_stats_t* stats) {
  const uvchan__redis_sink_t* sink = handle == NULL ? NULL : handle->self;

  if (stats == NULL) return;
  memset(stats, 0, sizeof(*stats));
  stats->last_words = "";
  if (sink == NULL || sink->open > 0) return;
  stats->state = state_of(sink);
  stats->last_error = sink->link.last_error;
  stats->last_words = sink->link.last_words;
  stats->values = sink->values;
  stats->rolled_back = sink->rolled_back;
  stats->refused = sink->taking.refused;
  stats->connects = sink->link.connects;
  stats->failures = sink->link.failures;
  stats->held = (size_t)uvchan__redis_window_held(&sink->taking.window);
  stats->length = sink->length;
}
