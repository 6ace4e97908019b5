/* SPDX-License-Identifier: MIT */
/* A sink: takes values from its channel into its window, and sends them until the server has them.
 *
 *   AWAY --ready--> GREETING --hello--> RUNNING --FULL, GAP--> HALTING --all answered--> RESTING
 *    ^                 ^                  |  ^                    |                        |
 *    '-- lost (any)    '------ GAP -------)--)--------------------'                        |
 *                                         |  '------------------- timer -------------------'
 *                                         '-- ended, nothing left --> ENDING --answer--> OVER
 *
 * I1. The server's last number for this producer and epoch is confirmed, or that of a value between
 *     head and tail: so what it says moves head, and nothing else does.
 * I2. While a request to receive is pending, its slot is the one at tail, and the window has room.
 * I3. In HALTING no value is sent until all answers are here: so `sent` may go back to head, and no
 *     value is on its way twice on one connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uvchan/redis.h>

#include "redis/command.h"
#include "redis/window.h"
#include "redis/words.h"

#define MOST_FLIGHTS 8 /* steps that are on their way at once */
#define MOST_BATCH 1024
#define MOST_REST_MS 64
#define FORMAT_BYTES 24

typedef enum { AWAY = 0, GREETING, RUNNING, HALTING, RESTING, ENDING, OVER } state_t;

typedef struct uvchan__redis_sink_s {
  uvchan_redis_sink_t* handle;
  uvchan__redis_link_t link;
  uvchan__redis_command_t command;
  uvchan__redis_call_t hello, add, end;
  uvchan__redis_window_t window;
  uvchan_recv_t request;
  uv_timer_t rest;
  uint64_t rest_ms;
  char* producer;
  uint64_t capacity;
  unsigned int batch;
  unsigned int producers;
  uvchan_redis_sink_cb on_end;
  uvchan_redis_sink_close_cb close_cb;
  state_t state;
  uint64_t epoch;       /* 0: the server has given none yet */
  unsigned int flights; /* steps without an answer */
  int is_full;          /* in HALTING: of the refusals the first was FULL, else GAP */
  int is_receiving;     /* the request is pending */
  int has_ended;        /* the channel; with which status: */
  int end_status;
  unsigned int open; /* while closing: what is not closed yet */
  uint64_t values, rolled_back, length;
  char format[FORMAT_BYTES];
} sink_t;

static void pump(sink_t* sink);

/* ---- The end --------------------------------------------------------------------------------- */

/* The channel is closed so that no sender waits for a sink that takes no more. */
static void end_with(sink_t* sink, int status) {
  if (sink->state == OVER) return;
  sink->state = OVER;
  uv_timer_stop(&sink->rest);
  uvchan__redis_link_stop(&sink->link);
  if (sink->is_receiving) uvchan_cancel((uvchan_req_t*)&sink->request);
  uvchan_close(sink->handle->channel);
  if (sink->on_end != NULL) sink->on_end(sink->handle, status);
}

/* ---- Taking ---------------------------------------------------------------------------------- */

static void on_received(uvchan_recv_t* request, int status);

/* What is there at once, then a request for the next; nothing that the window has no room for. */
static void take(sink_t* sink) {
  uvchan__redis_window_t* window = &sink->window;
  ssize_t n = 1;
  int r;

  if (sink->is_receiving || sink->has_ended || sink->state == OVER) return;
  while (n > 0 && uvchan__redis_window_free(window) > 0) {
    n = uvchan_try_recv_n(sink->handle->channel, uvchan__redis_window_at(window, window->tail),
                          uvchan__redis_window_side_by_side(window));
    if (n > 0) window->tail += (uint64_t)n;
  }
  if (uvchan__redis_window_free(window) == 0) return;
  r = uvchan_recv(sink->handle->loop, &sink->request, sink->handle->channel,
                  uvchan__redis_window_at(window, window->tail), on_received);
  if (r == 0) {
    sink->is_receiving = 1;
  } else {
    end_with(sink, r);
  }
}

static void finish_one(sink_t* sink);

static void on_received(uvchan_recv_t* request, int status) {
  sink_t* sink = request->data;

  sink->is_receiving = 0;
  if (sink->open > 0) {
    finish_one(sink);
    return;
  }
  if (status == 0) {
    sink->window.tail++;
  } else if (status != UV_ECANCELED && status != UV_ENOMEM) {
    sink->has_ended = 1;
    sink->end_status = status;
  }
  take(sink);
  pump(sink);
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void begin_script(sink_t* sink, uvchan__redis_script_t script) {
  uvchan__redis_command_script(&sink->command, &sink->link, script);
  uvchan__redis_command_word(&sink->command, sink->producer);
  uvchan__redis_command_number(&sink->command, sink->epoch);
}

static void send_hello(sink_t* sink) {
  sink->state = GREETING;
  begin_script(sink, UVCHAN__REDIS_HELLO);
  uvchan__redis_command_send(&sink->command, &sink->hello);
}

static void send_end(sink_t* sink) {
  char status[UVCHAN__REDIS_STATUS_BYTES];

  sink->state = ENDING;
  uvchan__redis_status_to_words(sink->end_status, status);
  begin_script(sink, UVCHAN__REDIS_END);
  uvchan__redis_command_word(&sink->command, status);
  uvchan__redis_command_number(&sink->command, sink->producers);
  uvchan__redis_command_send(&sink->command, &sink->end);
}

/* The connection may be lost within the send: what is counted is counted before it. */
static void send_batch(sink_t* sink) {
  uvchan__redis_window_t* window = &sink->window;
  unsigned int n;

  begin_script(sink, UVCHAN__REDIS_ADD);
  uvchan__redis_command_number(&sink->command, sink->capacity);
  uvchan__redis_command_number(&sink->command, uvchan__redis_window_next(window));
  uvchan__redis_command_word(&sink->command, sink->format);
  for (n = 0; n < sink->batch && window->sent < window->tail; n++) {
    uvchan__redis_command_bytes(&sink->command, uvchan__redis_window_at(window, window->sent++),
                                window->elem_size);
  }
  sink->flights++;
  uvchan__redis_command_send(&sink->command, &sink->add);
}

static void pump(sink_t* sink) {
  const uvchan__redis_window_t* window = &sink->window;

  while (sink->state == RUNNING && sink->flights < MOST_FLIGHTS && window->sent < window->tail)
    send_batch(sink);
  if (sink->state == RUNNING && sink->has_ended && window->head == window->tail) send_end(sink);
}

/* ---- Halting --------------------------------------------------------------------------------- */

static void on_rested(uv_timer_t* timer) {
  sink_t* sink = timer->data;

  sink->state = RUNNING;
  pump(sink);
}

/* All answers are here. */
static void go_on(sink_t* sink) {
  sink->window.sent = sink->window.head;
  if (!sink->is_full) {
    send_hello(sink);
    return;
  }
  sink->state = RESTING;
  uv_timer_start(&sink->rest, on_rested, sink->rest_ms, 0);
  if (sink->rest_ms < MOST_REST_MS) sink->rest_ms *= 2;
}

/* A batch behind a full one is a gap: the first refusal says why. */
static void halt(sink_t* sink, int is_full) {
  if (sink->state == HALTING) return;
  sink->state = HALTING;
  sink->is_full = is_full;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* The last number behind a foreign epoch is another process's, and confirms nothing. */
static void on_add(void* owner, const redisReply* reply) {
  const char* code = uvchan__redis_text(reply, 0);
  sink_t* sink = owner;
  uint64_t n;

  sink->flights--;
  if (strcmp(code, "FENCED") == 0) {
    end_with(sink, UV_EEXIST);
    return;
  }
  n = uvchan__redis_window_confirm(&sink->window, uvchan__redis_number(reply, 1));
  sink->values += n;
  sink->length = uvchan__redis_number(reply, 2);
  if (n > 0) sink->rest_ms = 1;
  if (strcmp(code, "CLOSED") == 0) {
    end_with(sink, UV_EPIPE);
  } else if (strcmp(code, "OK") != 0) {
    halt(sink, strcmp(code, "FULL") == 0);
  }
  if (sink->state == HALTING && sink->flights == 0) go_on(sink);
  take(sink);
  pump(sink);
}

/* What the server has is in; what it has lost of that which was confirmed is counted, and its
 * number is where this goes on. */
static void reconcile(sink_t* sink, uint64_t last) {
  uvchan__redis_window_t* window = &sink->window;

  if (sink->epoch == 0) window->confirmed = last;
  if (last >= window->confirmed) {
    sink->values += uvchan__redis_window_confirm(window, last);
  } else {
    sink->rolled_back += window->confirmed - last;
    window->confirmed = last;
  }
  window->sent = window->head;
}

/* A stream that is closed is so by this producer where it has ended and all of its values are
 * in. */
static void on_hello(void* owner, const redisReply* reply) {
  sink_t* sink = owner;
  uint64_t epoch = uvchan__redis_number(reply, 0);

  if (epoch == 0) {
    uvchan__redis_link_fail(&sink->link, UV_EPROTO, "hello has answered no epoch");
    return;
  }
  if (sink->epoch != 0 && epoch != sink->epoch) {
    end_with(sink, UV_EEXIST);
    return;
  }
  reconcile(sink, uvchan__redis_number(reply, 1));
  sink->epoch = epoch;
  sink->length = uvchan__redis_number(reply, 3);
  if (uvchan__redis_text(reply, 2)[0] != '\0') {
    end_with(sink, sink->has_ended && sink->window.head == sink->window.tail ? 0 : UV_EPIPE);
    return;
  }
  sink->state = RUNNING;
  take(sink);
  pump(sink);
}

static void on_end_noted(void* owner, const redisReply* reply) {
  const char* code = uvchan__redis_text(reply, 0);

  if (strcmp(code, "GAP") == 0) {
    send_hello(owner);
  } else {
    end_with(owner, strcmp(code, "OK") == 0 ? 0 : UV_EEXIST);
  }
}

/* ---- The connection -------------------------------------------------------------------------- */

static void on_ready(void* owner) { send_hello(owner); }

static void on_lost(void* owner) {
  sink_t* sink = owner;

  sink->state = AWAY;
  sink->flights = 0;
  uv_timer_stop(&sink->rest);
}

static void on_gave_up(void* owner, int status) { end_with(owner, status); }

/* ---- Init and close -------------------------------------------------------------------------- */

static void free_all(sink_t* sink) {
  uvchan__redis_command_free(&sink->command);
  free(sink->window.bytes);
  free(sink->producer);
  free(sink);
}

static void finish_one(sink_t* sink) {
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

static int is_valid(const uvchan_redis_sink_options_t* options) {
  size_t i;

  for (i = 0; i < sizeof(options->reserved) / sizeof(options->reserved[0]); i++) {
    if (options->reserved[i] != NULL) return 0;
  }
  return options->stream != NULL && options->producer != NULL && options->batch <= MOST_BATCH;
}

static void prepare(sink_t* sink, const uvchan_redis_sink_options_t* options) {
  sink->capacity = options->capacity == 0 ? 1000 : options->capacity;
  sink->batch = options->batch == 0 ? 64 : options->batch;
  sink->producers = options->producers == 0 ? 1 : options->producers;
  sink->on_end = options->on_end;
  sink->rest_ms = 1;
  sink->hello = (uvchan__redis_call_t){&sink->link, on_hello};
  sink->add = (uvchan__redis_call_t){&sink->link, on_add};
  sink->end = (uvchan__redis_call_t){&sink->link, on_end_noted};
  sink->request.data = sink;
  snprintf(sink->format, sizeof(sink->format), "1 %zu", sink->window.elem_size);
}

/* The memory; what is made of it is freed with the sink. */
static int allocate(sink_t* sink, const uvchan_redis_sink_options_t* options, size_t elem_size) {
  unsigned int in_flight = options->in_flight == 0 ? 512 : options->in_flight;
  size_t bytes = strlen(options->producer) + 1;

  sink->window.elem_size = elem_size;
  sink->window.size = in_flight;
  sink->window.bytes = calloc(in_flight, elem_size);
  sink->producer = malloc(bytes);
  if (sink->window.bytes == NULL || sink->producer == NULL) return UV_ENOMEM;
  memcpy(sink->producer, options->producer, bytes);
  return 0;
}

int uvchan_redis_sink_init(uv_loop_t* loop, uvchan_redis_sink_t* handle, uvchan_t* ch,
                           const uvchan_redis_sink_options_t* options) {
  sink_t* sink;
  int r = UV_ENOMEM;

  if (loop == NULL || handle == NULL || ch == NULL || options == NULL) return UV_EINVAL;
  if (uvchan_elem_size(ch) == 0 || !is_valid(options)) return UV_EINVAL;
  sink = calloc(1, sizeof(*sink));
  if (sink == NULL) return UV_ENOMEM;
  r = allocate(sink, options, uvchan_elem_size(ch));
  if (r != 0) goto free_sink;
  r = uvchan__redis_command_init(&sink->command, options->stream,
                                 options->batch == 0 ? 64 : options->batch);
  if (r != 0) goto free_sink;
  prepare(sink, options);
  r = uvchan__redis_link_prepare(&sink->link, &options->server);
  if (r != 0) goto free_command;
  uvchan__redis_link_begin(loop, &sink->link, &link_calls, sink);
  uv_timer_init(loop, &sink->rest);
  sink->rest.data = sink;
  sink->handle = handle;
  handle->loop = loop;
  handle->channel = uvchan_retain(ch);
  handle->self = sink;
  return 0;

free_command:
  uvchan__redis_command_free(&sink->command);
free_sink:
  free(sink->window.bytes);
  free(sink->producer);
  free(sink);
  return r;
}

void uvchan_redis_sink_close(uvchan_redis_sink_t* handle, uvchan_redis_sink_close_cb cb) {
  sink_t* sink = handle == NULL ? NULL : handle->self;

  if (sink == NULL || sink->open > 0) return;
  sink->close_cb = cb;
  sink->state = OVER;
  sink->open = 2 + (sink->is_receiving ? 1 : 0);
  if (sink->is_receiving) uvchan_cancel((uvchan_req_t*)&sink->request);
  uv_close((uv_handle_t*)&sink->rest, on_rest_closed);
  uvchan__redis_link_close(&sink->link);
}

/* ---- Figures --------------------------------------------------------------------------------- */

static uvchan_redis_state_t state_of(const sink_t* sink) {
  switch (sink->state) {
    case RUNNING:
      return UVCHAN_REDIS_RUNNING;
    case HALTING:
    case RESTING:
      return UVCHAN_REDIS_FULL;
    case ENDING:
      return UVCHAN_REDIS_ENDING;
    case OVER:
      return UVCHAN_REDIS_OVER;
    default:
      return UVCHAN_REDIS_AWAY;
  }
}

void uvchan_redis_sink_stats(const uvchan_redis_sink_t* handle, uvchan_redis_stats_t* stats) {
  const sink_t* sink = handle == NULL ? NULL : handle->self;

  memset(stats, 0, sizeof(*stats));
  stats->last_words = "";
  if (sink == NULL || sink->open > 0) return;
  stats->state = state_of(sink);
  stats->last_error = sink->link.last_error;
  stats->last_words = sink->link.last_words;
  stats->values = sink->values;
  stats->rolled_back = sink->rolled_back;
  stats->connects = sink->link.connects;
  stats->failures = sink->link.failures;
  stats->held = (size_t)(sink->window.tail - sink->window.head);
  stats->length = sink->length;
}
