/* SPDX-License-Identifier: MIT */
/* Hello, values in batches that follow each other, a question for replicas, and the end. */
#include "redis/sending.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "redis/words.h"

#define MOST_FLIGHTS 8 /* steps that are on their way at once */
#define MOST_REST_MS 64

/* ---- Sending --------------------------------------------------------------------------------- */

static void begin_script(uvchan__redis_sink_t* sink, uvchan__redis_script_t script) {
  uvchan__redis_command_script(&sink->command, &sink->link, script);
  uvchan__redis_command_word(&sink->command, sink->producer);
}

void uvchan__redis_sink_greet(uvchan__redis_sink_t* sink) {
  sink->state = UVCHAN__REDIS_SINK_GREETING;
  begin_script(sink, UVCHAN__REDIS_HELLO);
  uvchan__redis_command_number(&sink->command, sink->epoch);
  uvchan__redis_command_word(&sink->command, sink->token);
  uvchan__redis_command_number(&sink->command,
                               sink->epoch == 0 ? sink->follows : sink->taking.window.confirmed);
  uvchan__redis_command_send(&sink->command, &sink->hello);
}

static void send_end(uvchan__redis_sink_t* sink) {
  char status[UVCHAN__REDIS_STATUS_BYTES];

  sink->state = UVCHAN__REDIS_SINK_ENDING;
  uvchan__redis_status_to_words(sink->taking.end_status, status);
  begin_script(sink, UVCHAN__REDIS_END);
  uvchan__redis_command_word(&sink->command, sink->mark);
  uvchan__redis_command_word(&sink->command, status);
  uvchan__redis_command_number(&sink->command, sink->options.producers);
  uvchan__redis_command_send(&sink->command, &sink->end);
}

/* The connection may be lost within the send: what is counted is counted before it. */
static void send_batch(uvchan__redis_sink_t* sink) {
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

static void send_wait(uvchan__redis_sink_t* sink) {
  sink->is_waiting = 1;
  uvchan__redis_command_begin(&sink->command, "WAIT");
  uvchan__redis_command_number(&sink->command, sink->options.replicas);
  uvchan__redis_command_number(&sink->command, sink->options.replicas_ms);
  uvchan__redis_command_send(&sink->command, &sink->wait);
}

static int wants_replicas(const uvchan__redis_sink_t* sink) {
  return sink->options.replicas > 0 && !sink->is_waiting &&
         (sink->flights > 0 || sink->in > sink->taking.window.confirmed);
}

/* A WAIT that is answered in ENDING is the one for the end: so none is due as that is sent. */
static int may_end(const uvchan__redis_sink_t* sink) {
  const uvchan__redis_window_t* window = &sink->taking.window;

  return sink->taking.has_ended && window->head == window->tail && !sink->is_waiting;
}

void uvchan__redis_sink_pump(uvchan__redis_sink_t* sink) {
  const uvchan__redis_window_t* window = &sink->taking.window;

  while (sink->state == UVCHAN__REDIS_SINK_RUNNING && sink->flights < MOST_FLIGHTS &&
         window->sent < window->tail)
    send_batch(sink);
  if (sink->state == UVCHAN__REDIS_SINK_RUNNING && wants_replicas(sink)) send_wait(sink);
  if (sink->state == UVCHAN__REDIS_SINK_RUNNING && may_end(sink)) send_end(sink);
}

/* ---- Halting --------------------------------------------------------------------------------- */

static void on_rested(uv_timer_t* timer) {
  uvchan__redis_sink_t* sink = timer->data;

  sink->state = UVCHAN__REDIS_SINK_RUNNING;
  uvchan__redis_sink_pump(sink);
}

/* All answers are here. */
static void go_on(uvchan__redis_sink_t* sink) {
  uvchan__redis_window_rewind(&sink->taking.window, sink->in);
  if (!sink->is_full) {
    uvchan__redis_sink_greet(sink);
    return;
  }
  sink->state = UVCHAN__REDIS_SINK_RESTING;
  uv_timer_start(&sink->rest, on_rested, sink->rest_ms, 0);
  if (sink->rest_ms < MOST_REST_MS) sink->rest_ms *= 2;
}

/* A batch behind a full one is a gap: the first refusal says why. */
static void halt(uvchan__redis_sink_t* sink, int is_full) {
  if (sink->state == UVCHAN__REDIS_SINK_HALTING) return;
  sink->state = UVCHAN__REDIS_SINK_HALTING;
  sink->is_full = is_full;
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void confirm(uvchan__redis_sink_t* sink) {
  sink->values += uvchan__redis_window_confirm(&sink->taking.window, sink->in);
}

/* The server has all up to this number. */
static void learn(uvchan__redis_sink_t* sink, uint64_t last) {
  const uvchan__redis_window_t* window = &sink->taking.window;
  uint64_t in = window->confirmed + uvchan__redis_window_up_to(window, last);

  if (in <= sink->in) return;
  sink->in = in;
  sink->rest_ms = 1;
  if (sink->options.replicas == 0) confirm(sink);
}

static void on_add(void* owner, const redisReply* reply) {
  const char* code = uvchan__redis_text(reply, 0);
  uvchan__redis_sink_t* sink = owner;

  sink->flights--;
  if (strcmp(code, "FENCED") == 0) {
    uvchan__redis_sink_end_with(sink, UV_EEXIST);
    return;
  }
  learn(sink, uvchan__redis_number(reply, 1));
  sink->length = uvchan__redis_number(reply, 2);
  if (strcmp(code, "CLOSED") == 0) {
    uvchan__redis_sink_end_with(sink, UV_EPIPE);
  } else if (strcmp(code, "FULL") == 0 || strcmp(code, "GAP") == 0) {
    halt(sink, strcmp(code, "FULL") == 0);
  } else if (strcmp(code, "OK") != 0) {
    uvchan__redis_link_fail(&sink->link, UV_EPROTO, "add has answered no code");
  }
  if (sink->state == UVCHAN__REDIS_SINK_HALTING && sink->flights == 0) go_on(sink);
  uvchan__redis_sink_take(sink);
  uvchan__redis_sink_pump(sink);
  uvchan__redis_sink_tell(sink);
}

/* Too few have it: that is told, and they are asked again, for which the server takes its time. */
static void on_wait(void* owner, const redisReply* reply) {
  uvchan__redis_sink_t* sink = owner;

  sink->is_waiting = 0;
  if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= (long long)sink->options.replicas) {
    confirm(sink);
    if (sink->state == UVCHAN__REDIS_SINK_ENDING) uvchan__redis_sink_end_with(sink, 0);
  } else {
    uvchan__redis_link_note(&sink->link, UV_EAGAIN, "NOREPLICAS too few replicas have confirmed");
    if (sink->state == UVCHAN__REDIS_SINK_ENDING) send_wait(sink);
  }
  uvchan__redis_sink_take(sink);
  uvchan__redis_sink_pump(sink);
  uvchan__redis_sink_tell(sink);
}

/* What is held gets new numbers behind the server's last. What was confirmed and is not there any
 * more is counted: where the mark is still there, what is above the last number; where it is not,
 * the server is at a moment before it gave that, and all is lost that was confirmed since. */
static void begin_anew(uvchan__redis_sink_t* sink, uint64_t last, int has_lost_mark) {
  uvchan__redis_window_t* window = &sink->taking.window;

  if (sink->epoch > 0) sink->rolled_back += window->confirmed - (has_lost_mark ? sink->base : last);
  window->confirmed = sink->in = sink->base = last;
}

/* What is not confirmed may have been in, and be lost: so the answer alone says what is. */
static void adopt(uvchan__redis_sink_t* sink, const char* how, uint64_t epoch, uint64_t last) {
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

static int has_sent_all(const uvchan__redis_sink_t* sink) {
  const uvchan__redis_window_t* window = &sink->taking.window;

  return sink->taking.has_ended && window->sent == window->tail;
}

/* The end is noted. */
static void finish_end(uvchan__redis_sink_t* sink) {
  sink->state = UVCHAN__REDIS_SINK_ENDING;
  if (sink->options.replicas > 0) {
    send_wait(sink);
  } else {
    uvchan__redis_sink_end_with(sink, 0);
  }
}

/* A stream that is closed is so by this producer where it has ended and all of its values are
 * in. */
static void on_hello(void* owner, const redisReply* reply) {
  const char* how = uvchan__redis_text(reply, 0);
  uint64_t epoch = uvchan__redis_number(reply, 1);
  uvchan__redis_sink_t* sink = owner;

  if (strcmp(how, "FENCED") == 0) {
    uvchan__redis_sink_end_with(sink, UV_EEXIST);
    return;
  }
  if (strcmp(how, "TAKEN") == 0) {
    sink->follows = epoch;
    uvchan__redis_sink_greet(sink);
    return;
  }
  if (epoch == 0) {
    uvchan__redis_link_fail(&sink->link, UV_EPROTO, "hello has answered no epoch");
    return;
  }
  adopt(sink, how, epoch, uvchan__redis_number(reply, 2));
  sink->length = uvchan__redis_number(reply, 4);
  if (uvchan__redis_text(reply, 3)[0] == '\0') {
    sink->state = UVCHAN__REDIS_SINK_RUNNING;
    uvchan__redis_sink_take(sink);
    uvchan__redis_sink_pump(sink);
  } else if (has_sent_all(sink)) {
    finish_end(sink);
  } else {
    uvchan__redis_sink_end_with(sink, UV_EPIPE);
  }
  uvchan__redis_sink_tell(sink);
}

static void on_end_noted(void* owner, const redisReply* reply) {
  const char* code = uvchan__redis_text(reply, 0);
  uvchan__redis_sink_t* sink = owner;

  if (strcmp(code, "GAP") == 0) {
    uvchan__redis_sink_greet(sink);
  } else if (strcmp(code, "FENCED") == 0) {
    uvchan__redis_sink_end_with(sink, UV_EEXIST);
  } else if (strcmp(code, "OK") == 0) {
    finish_end(sink);
  } else {
    uvchan__redis_link_fail(&sink->link, UV_EPROTO, "end has answered no code");
  }
}

void uvchan__redis_sink_prepare_sending(uvchan__redis_sink_t* sink) {
  sink->rest_ms = 1;
  sink->hello = (uvchan__redis_call_t){&sink->link, on_hello};
  sink->add = (uvchan__redis_call_t){&sink->link, on_add};
  sink->wait = (uvchan__redis_call_t){&sink->link, on_wait};
  sink->end = (uvchan__redis_call_t){&sink->link, on_end_noted};
}
