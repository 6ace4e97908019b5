/* SPDX-License-Identifier: MIT */
/* A sink: sends what it has taken until the server has it.
 *
 *   AWAY --ready--> GREETING --hello--> RUNNING --FULL, GAP--> HALTING --all answered--> RESTING
 *    ^                 ^                  |  ^                    |                        |
 *    '-- lost (any)    '------ GAP -------)--)--------------------'                        |
 *                                         |  '------------------- timer -------------------'
 *                                         '-- ended, nothing left --> ENDING --answer--> OVER
 *
 * I1. Numbers have a meaning within one mark, which is the epoch and the token: where hello answers
 *     SAME, the server's last number is `confirmed` or that of a value between head and tail; where
 *     it answers another, the numbers of all that is held begin anew behind the server's last.
 * I2. What the server says moves `in`, and with it, or once enough replicas have it, head; nothing
 *     else does. `in` goes back with a hello alone, where the server has lost what no replica had.
 * I3. In HALTING no value is sent until all answers are here: so `sent` may go back, and no value
 *     is on its way twice on one connection.
 * I4. One WAIT is due at most. It answers for all that was answered before it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uvchan/redis.h>

#include "redis/command.h"
#include "redis/options.h"
#include "redis/taking.h"
#include "redis/words.h"

#define MOST_FLIGHTS 8 /* steps that are on their way at once */
#define MOST_REST_MS 64
#define MARK_BYTES (UVCHAN__REDIS_TOKEN_BYTES + 24)

typedef enum { AWAY = 0, GREETING, RUNNING, HALTING, RESTING, ENDING, OVER } state_t;

typedef struct uvchan__redis_sink_s {
  uvchan_redis_sink_t* handle;
  uvchan_redis_sink_options_t options; /* filled in; of its strings the producer's alone is kept */
  char* producer;
  char format[UVCHAN__REDIS_FORMAT_BYTES];
  char token[UVCHAN__REDIS_TOKEN_BYTES];
  uvchan__redis_link_t link;
  uvchan__redis_command_t command;
  uvchan__redis_call_t hello, add, wait, end;
  uvchan__redis_taking_t taking;
  uv_timer_t rest;
  uint64_t rest_ms;
  uvchan_redis_sink_close_cb close_cb;
  state_t state;
  uint64_t epoch; /* 0: the server has given none yet, and it is to follow: */
  uint64_t follows;
  char mark[MARK_BYTES];
  uint64_t base;        /* the server's last number as it gave the mark */
  uint64_t in;          /* the number of the last value that the server is known to have */
  unsigned int flights; /* steps without an answer */
  int is_waiting;       /* for replicas */
  int is_full;          /* in HALTING: of the refusals the first was FULL, else GAP */
  unsigned int open;    /* while closing: what is not closed yet */
  uint64_t values, told, rolled_back, length;
} sink_t;

static void pump(sink_t* sink);

/* ---- The end --------------------------------------------------------------------------------- */

/* What was confirmed is told when an answer is done with: the callback may close the sink. */
static void tell(sink_t* sink) {
  if (sink->values == sink->told || sink->open > 0) return;
  sink->told = sink->values;
  if (sink->options.on_confirmed != NULL) sink->options.on_confirmed(sink->handle, sink->values);
}

/* The channel is closed so that no sender waits for a sink that takes no more. */
static void end_with(sink_t* sink, int status) {
  if (sink->state == OVER) return;
  sink->state = OVER;
  uv_timer_stop(&sink->rest);
  uvchan__redis_link_stop(&sink->link);
  uvchan__redis_taking_stop(&sink->taking);
  uvchan_close(sink->handle->channel);
  tell(sink);
  if (sink->options.on_end != NULL && sink->open == 0) sink->options.on_end(sink->handle, status);
}

static void finish_one(sink_t* sink);

/* Without memory it is tried again with the next connection. */
static void take(sink_t* sink) {
  int r = sink->state == OVER ? 0 : uvchan__redis_taking_take(&sink->taking);

  if (r == UV_ENOMEM) {
    uvchan__redis_link_fail(&sink->link, r, "there is no memory");
  } else if (r != 0) {
    end_with(sink, r);
  }
}

static void on_came(void* owner) {
  take(owner);
  pump(owner);
}

static void on_parted(void* owner) {
  sink_t* sink = owner;

  if (sink->open > 0) finish_one(sink);
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void begin_script(sink_t* sink, uvchan__redis_script_t script) {
  uvchan__redis_command_script(&sink->command, &sink->link, script);
  uvchan__redis_command_word(&sink->command, sink->producer);
}

static void send_hello(sink_t* sink) {
  sink->state = GREETING;
  begin_script(sink, UVCHAN__REDIS_HELLO);
  uvchan__redis_command_number(&sink->command, sink->epoch);
  uvchan__redis_command_word(&sink->command, sink->token);
  uvchan__redis_command_number(&sink->command,
                               sink->epoch == 0 ? sink->follows : sink->taking.window.confirmed);
  uvchan__redis_command_send(&sink->command, &sink->hello);
}

static void send_end(sink_t* sink) {
  char status[UVCHAN__REDIS_STATUS_BYTES];

  sink->state = ENDING;
  uvchan__redis_status_to_words(sink->taking.end_status, status);
  begin_script(sink, UVCHAN__REDIS_END);
  uvchan__redis_command_word(&sink->command, sink->mark);
  uvchan__redis_command_word(&sink->command, status);
  uvchan__redis_command_number(&sink->command, sink->options.producers);
  uvchan__redis_command_send(&sink->command, &sink->end);
}

/* The connection may be lost within the send: what is counted is counted before it. */
static void send_batch(sink_t* sink) {
  uvchan__redis_window_t* window = &sink->taking.window;
  unsigned int n;

  begin_script(sink, UVCHAN__REDIS_ADD);
  uvchan__redis_command_word(&sink->command, sink->mark);
  uvchan__redis_command_number(&sink->command, sink->options.capacity);
  uvchan__redis_command_number(&sink->command, uvchan__redis_window_next(window));
  uvchan__redis_command_word(&sink->command, sink->format);
  for (n = 0; n < sink->options.batch && window->sent < window->tail; n++, window->sent++) {
    uvchan__redis_command_bytes(&sink->command, uvchan__redis_window_at(window, window->sent),
                                uvchan__redis_window_length(window, window->sent));
  }
  sink->flights++;
  uvchan__redis_command_send(&sink->command, &sink->add);
}

static void send_wait(sink_t* sink) {
  sink->is_waiting = 1;
  uvchan__redis_command_begin(&sink->command, "WAIT");
  uvchan__redis_command_number(&sink->command, sink->options.replicas);
  uvchan__redis_command_number(&sink->command, sink->options.replicas_ms);
  uvchan__redis_command_send(&sink->command, &sink->wait);
}

static int wants_replicas(const sink_t* sink) {
  return sink->options.replicas > 0 && !sink->is_waiting &&
         (sink->flights > 0 || sink->in > sink->taking.window.confirmed);
}

/* A WAIT that is answered in ENDING is the one for the end: so none is due as that is sent. */
static int may_end(const sink_t* sink) {
  const uvchan__redis_window_t* window = &sink->taking.window;

  return sink->taking.has_ended && window->head == window->tail && !sink->is_waiting;
}

static void pump(sink_t* sink) {
  const uvchan__redis_window_t* window = &sink->taking.window;

  while (sink->state == RUNNING && sink->flights < MOST_FLIGHTS && window->sent < window->tail)
    send_batch(sink);
  if (sink->state == RUNNING && wants_replicas(sink)) send_wait(sink);
  if (sink->state == RUNNING && may_end(sink)) send_end(sink);
}

/* ---- Halting --------------------------------------------------------------------------------- */

static void on_rested(uv_timer_t* timer) {
  sink_t* sink = timer->data;

  sink->state = RUNNING;
  pump(sink);
}

/* All answers are here. */
static void go_on(sink_t* sink) {
  uvchan__redis_window_rewind(&sink->taking.window, sink->in);
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

static void confirm(sink_t* sink) {
  sink->values += uvchan__redis_window_confirm(&sink->taking.window, sink->in);
}

/* The server has all up to this number. */
static void learn(sink_t* sink, uint64_t last) {
  const uvchan__redis_window_t* window = &sink->taking.window;
  uint64_t in = window->confirmed + uvchan__redis_window_up_to(window, last);

  if (in <= sink->in) return;
  sink->in = in;
  sink->rest_ms = 1;
  if (sink->options.replicas == 0) confirm(sink);
}

static void on_add(void* owner, const redisReply* reply) {
  const char* code = uvchan__redis_text(reply, 0);
  sink_t* sink = owner;

  sink->flights--;
  if (strcmp(code, "FENCED") == 0) {
    end_with(sink, UV_EEXIST);
    return;
  }
  learn(sink, uvchan__redis_number(reply, 1));
  sink->length = uvchan__redis_number(reply, 2);
  if (strcmp(code, "CLOSED") == 0) {
    end_with(sink, UV_EPIPE);
  } else if (strcmp(code, "FULL") == 0 || strcmp(code, "GAP") == 0) {
    halt(sink, strcmp(code, "FULL") == 0);
  } else if (strcmp(code, "OK") != 0) {
    uvchan__redis_link_fail(&sink->link, UV_EPROTO, "add has answered no code");
  }
  if (sink->state == HALTING && sink->flights == 0) go_on(sink);
  take(sink);
  pump(sink);
  tell(sink);
}

/* Too few have it: that is told, and they are asked again, for which the server takes its time. */
static void on_wait(void* owner, const redisReply* reply) {
  sink_t* sink = owner;

  sink->is_waiting = 0;
  if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= (long long)sink->options.replicas) {
    confirm(sink);
    if (sink->state == ENDING) end_with(sink, 0);
  } else {
    uvchan__redis_link_note(&sink->link, UV_EAGAIN, "NOREPLICAS too few replicas have confirmed");
    if (sink->state == ENDING) send_wait(sink);
  }
  take(sink);
  pump(sink);
  tell(sink);
}

/* What is held gets new numbers behind the server's last. What was confirmed and is not there any
 * more is counted: where the mark is still there, what is above the last number; where it is not,
 * the server is at a moment before it gave that, and all is lost that was confirmed since. */
static void begin_anew(sink_t* sink, uint64_t last, int has_lost_mark) {
  uvchan__redis_window_t* window = &sink->taking.window;

  if (sink->epoch > 0) sink->rolled_back += window->confirmed - (has_lost_mark ? sink->base : last);
  window->confirmed = sink->in = sink->base = last;
}

/* What is not confirmed may have been in, and be lost: so the answer alone says what is. */
static void adopt(sink_t* sink, const char* how, uint64_t epoch, uint64_t last) {
  if (strcmp(how, "SAME") == 0) {
    sink->in = sink->taking.window.confirmed;
    learn(sink, last);
  } else {
    begin_anew(sink, last, strcmp(how, "BEHIND") != 0);
  }
  sink->epoch = epoch;
  snprintf(sink->mark, sizeof(sink->mark), "%" PRIu64 " %s", epoch, sink->token);
  uvchan__redis_window_rewind(&sink->taking.window, sink->in);
}

static int has_sent_all(const sink_t* sink) {
  const uvchan__redis_window_t* window = &sink->taking.window;

  return sink->taking.has_ended && window->sent == window->tail;
}

/* The end is noted. */
static void finish_end(sink_t* sink) {
  sink->state = ENDING;
  if (sink->options.replicas > 0) {
    send_wait(sink);
  } else {
    end_with(sink, 0);
  }
}

/* A stream that is closed is so by this producer where it has ended and all of its values are
 * in. */
static void on_hello(void* owner, const redisReply* reply) {
  const char* how = uvchan__redis_text(reply, 0);
  uint64_t epoch = uvchan__redis_number(reply, 1);
  sink_t* sink = owner;

  if (strcmp(how, "FENCED") == 0) {
    end_with(sink, UV_EEXIST);
    return;
  }
  if (strcmp(how, "TAKEN") == 0) {
    sink->follows = epoch;
    send_hello(sink);
    return;
  }
  if (epoch == 0) {
    uvchan__redis_link_fail(&sink->link, UV_EPROTO, "hello has answered no epoch");
    return;
  }
  adopt(sink, how, epoch, uvchan__redis_number(reply, 2));
  sink->length = uvchan__redis_number(reply, 4);
  if (uvchan__redis_text(reply, 3)[0] == '\0') {
    sink->state = RUNNING;
    take(sink);
    pump(sink);
  } else if (has_sent_all(sink)) {
    finish_end(sink);
  } else {
    end_with(sink, UV_EPIPE);
  }
  tell(sink);
}

static void on_end_noted(void* owner, const redisReply* reply) {
  const char* code = uvchan__redis_text(reply, 0);
  sink_t* sink = owner;

  if (strcmp(code, "GAP") == 0) {
    send_hello(sink);
  } else if (strcmp(code, "FENCED") == 0) {
    end_with(sink, UV_EEXIST);
  } else if (strcmp(code, "OK") == 0) {
    finish_end(sink);
  } else {
    uvchan__redis_link_fail(&sink->link, UV_EPROTO, "end has answered no code");
  }
}

/* ---- The connection -------------------------------------------------------------------------- */

static void on_ready(void* owner) { send_hello(owner); }

static void on_lost(void* owner) {
  sink_t* sink = owner;

  sink->state = AWAY;
  sink->flights = 0;
  sink->is_waiting = 0;
  uv_timer_stop(&sink->rest);
}

static void on_gave_up(void* owner, int status) { end_with(owner, status); }

/* ---- Init and close -------------------------------------------------------------------------- */

static void free_all(sink_t* sink) {
  uvchan__redis_command_free(&sink->command);
  uvchan__redis_taking_free(&sink->taking);
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

/* All that needs memory and no loop. */
static int allocate(sink_t* sink, const uvchan_redis_server_t* server, size_t elem_size) {
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

static void prepare(sink_t* sink, uvchan_redis_sink_t* handle, size_t elem_size) {
  sink->handle = handle;
  uvchan__redis_write_token(sink->token);
  uvchan__redis_write_format(sink->format,
                             sink->options.encode == NULL ? NULL : sink->options.format, elem_size);
  sink->rest_ms = 1;
  sink->hello = (uvchan__redis_call_t){&sink->link, on_hello};
  sink->add = (uvchan__redis_call_t){&sink->link, on_add};
  sink->wait = (uvchan__redis_call_t){&sink->link, on_wait};
  sink->end = (uvchan__redis_call_t){&sink->link, on_end_noted};
  sink->taking.handle = handle;
  sink->taking.came = on_came;
  sink->taking.parted = on_parted;
  sink->taking.owner = sink;
}

/* What can't fail. */
static void begin(sink_t* sink, uv_loop_t* loop) {
  uvchan__redis_link_begin(loop, &sink->link, &link_calls, sink);
  if (sink->options.replicas > 0) sink->link.patience_ms += sink->options.replicas_ms;
  uv_timer_init(loop, &sink->rest);
  sink->rest.data = sink;
}

int uvchan_redis_sink_init(uv_loop_t* loop, uvchan_redis_sink_t* handle, uvchan_t* ch,
                           const uvchan_redis_sink_options_t* options) {
  sink_t* sink;
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
  sink_t* sink = handle == NULL ? NULL : handle->self;

  if (sink == NULL || sink->open > 0) return;
  sink->close_cb = cb;
  sink->state = OVER;
  sink->open = 2 + (uvchan__redis_taking_stop(&sink->taking) ? 1 : 0);
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
