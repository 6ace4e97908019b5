/* SPDX-License-Identifier: MIT */
/* The ends of a stream as these suites use them, on the scene's loop: a sink with a channel of
 * numbers in front of it, and a source whose receiver checks what it gets. */
#ifndef ENDS_H
#define ENDS_H

#include <uvchan/redis.h>

#include "scene.h"
#include "server.h"

/* ---- Sinks ----------------------------------------------------------------------------------- */

typedef struct {
  uvchan_redis_sink_t handle; /* first */
  uvchan_t* ch;
  unsigned int ends;
  unsigned int closes;
  int status;
} out_t;

static inline void out_on_end(uvchan_redis_sink_t* handle, int status) {
  out_t* out = (out_t*)handle;

  out->ends++;
  out->status = status;
}

static inline void out_on_close(uvchan_redis_sink_t* handle) { ((out_t*)handle)->closes++; }

static inline uvchan_redis_sink_options_t out_options(const char* producer) {
  uvchan_redis_sink_options_t options;

  memset(&options, 0, sizeof(options));
  options.server.path = server.socket;
  options.server.backoff_most_ms = 100;
  options.stream = "orders";
  options.producer = producer;
  options.on_end = out_on_end;
  return options;
}

static inline void out_open(out_t* out, size_t capacity,
                            const uvchan_redis_sink_options_t* options) {
  memset(out, 0, sizeof(*out));
  out->ch = scene_channel(capacity);
  must(uvchan_redis_sink_init(&scene.loop, &out->handle, out->ch, options) == 0);
}

static inline void send_numbers(const out_t* out, uint64_t from, uint64_t to) {
  for (; from < to; from++) must(uvchan_try_send(out->ch, &from) == 0);
}

static inline void out_close(out_t* out) {
  uvchan_redis_sink_close(&out->handle, out_on_close);
  run_until(&scene.loop, out->closes == 1);
}

static inline uvchan_redis_stats_t out_stats(const out_t* out) {
  uvchan_redis_stats_t stats;

  uvchan_redis_sink_stats(&out->handle, &stats);
  return stats;
}

/* ---- Sources --------------------------------------------------------------------------------- */

typedef struct {
  uvchan_redis_ticket_t ticket;
  uint64_t value;
} element_t;

#define IN_PRODUCERS 8

typedef struct {
  uvchan_redis_source_t handle; /* first */
  uvchan_receiver_t receiver;
  uvchan_t* ch;
  uint64_t next;         /* the least number that has not come; numbers begin with 0 */
  uint64_t values;       /* all that came */
  uint64_t again;        /* those that had come before */
  uint64_t redelivered;  /* those whose ticket says so */
  uint64_t hold;         /* so many of the first are not done, but held */
  unsigned char* seen;   /* where others have a part: how often each number came; else NULL */
  unsigned char* firsts; /* with seen, or NULL: how often without a ticket that says again */
  uint64_t of_each;      /* with firsts: so many numbers are one producer's */
  uint64_t order[IN_PRODUCERS]; /* of each producer the least number that has not come first */
  element_t held[64];
  unsigned int nheld;
  unsigned int ends;
  unsigned int source_ends;
  unsigned int closes;
  int status;
  int end;
} in_t;

/* Again comes only what its ticket says so of, and what comes first is in its producer's order. */
static inline void in_note(in_t* in, const element_t* element) {
  uint64_t producer = element->value / in->of_each;

  must(producer < IN_PRODUCERS);
  if (element->ticket.deliveries > 1) return;
  must(in->seen[element->value] == 0);
  must(++in->firsts[element->value] == 1);
  must(element->value >= in->order[producer]);
  in->order[producer] = element->value + 1;
}

/* A number that has not come is the next one: so first deliveries are in order, and complete. */
static inline void in_on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  in_t* in = receiver->data;
  element_t element;

  if (status < 0) {
    in->ends++;
    in->end = status;
    return;
  }
  memcpy(&element, value, sizeof(element));
  must(in->seen != NULL || element.value <= in->next);
  if (in->firsts != NULL) in_note(in, &element);
  if (in->seen != NULL) in->seen[element.value]++;
  if (element.value < in->next) in->again++;
  if (element.value == in->next) in->next++;
  if (element.ticket.deliveries > 1) in->redelivered++;
  in->values++;
  if (in->nheld < in->hold) {
    in->held[in->nheld++] = element;
  } else {
    must(uvchan_redis_done(&element.ticket) == 0);
  }
}

static inline void in_on_end(uvchan_redis_source_t* handle, int status) {
  in_t* in = (in_t*)handle;

  in->source_ends++;
  in->status = status;
}

static inline void in_on_close(uvchan_redis_source_t* handle) { ((in_t*)handle)->closes++; }

static inline void in_on_receiver_close(uvchan_receiver_t* receiver) {
  ((in_t*)receiver->data)->closes++;
}

static inline uvchan_redis_source_options_t in_options(const char* consumer) {
  uvchan_redis_source_options_t options;

  memset(&options, 0, sizeof(options));
  options.server.path = server.socket;
  options.server.backoff_most_ms = 100;
  options.stream = "orders";
  options.consumer = consumer;
  options.block_ms = 50;
  options.on_end = in_on_end;
  return options;
}

static inline void in_open(in_t* in, size_t capacity,
                           const uvchan_redis_source_options_t* options) {
  memset(in, 0, sizeof(*in));
  in->ch = support_channel(sizeof(element_t), capacity);
  must(uvchan_redis_source_init(&scene.loop, &in->handle, in->ch, options) == 0);
  must(uvchan_receiver_init(&scene.loop, &in->receiver, in->ch) == 0);
  in->receiver.data = in;
  must(uvchan_recv_start(&in->receiver, in_on_value) == 0);
}

static inline void in_close(in_t* in) {
  uvchan_redis_source_close(&in->handle, in_on_close);
  uvchan_receiver_close(&in->receiver, in_on_receiver_close);
  run_until(&scene.loop, in->closes == 2);
  uvchan_release(in->ch);
}

static inline uvchan_redis_stats_t in_stats(const in_t* in) {
  uvchan_redis_stats_t stats;

  uvchan_redis_source_stats(&in->handle, &stats);
  return stats;
}

/* ---- Senders --------------------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  uint64_t first;
  uint64_t values;
  int status; /* what the channel is closed with */
  uv_thread_t thread;
} sender_t;

/* Numbers from the first on, and then the end. */
static inline void sender_body(void* arg) {
  const sender_t* sender = arg;
  uint64_t end = sender->first + sender->values;
  uint64_t i;

  for (i = sender->first; i < end; i++) must(uvchan_send_wait(sender->ch, &i) == 0);
  must(uvchan_close_with(sender->ch, sender->status) == 0);
}

static inline void sender_start_at(sender_t* sender, uvchan_t* ch, uint64_t first, uint64_t values,
                                   int status) {
  sender->ch = ch;
  sender->first = first;
  sender->values = values;
  sender->status = status;
  support_start(&sender->thread, sender_body, sender);
}

static inline void sender_start(sender_t* sender, uvchan_t* ch, uint64_t values, int status) {
  sender_start_at(sender, ch, 0, values, status);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static inline void on_time(uv_timer_t* timer) { *(int*)timer->data = 1; }

/* Everything goes on meanwhile. */
static inline void let_pass(uint64_t ms) {
  uv_timer_t timer;
  int is_over = 0;

  must(uv_timer_init(&scene.loop, &timer) == 0);
  timer.data = &is_over;
  must(uv_timer_start(&timer, on_time, ms, 0) == 0);
  run_until(&scene.loop, is_over);
  uv_close((uv_handle_t*)&timer, NULL);
  settle(&scene.loop);
}

/* All of it on a loop that runs: the sender, the sink, the source, to the end. */
static inline void run_to_end(out_t* out, in_t* in) {
  run_until(&scene.loop, out->ends == 1 && in->source_ends == 1 && in->ends == 1);
}

/* One that claims nothing that is late: so what comes to it again was given back. */
static inline uvchan_redis_source_options_t in_patient(const char* consumer) {
  uvchan_redis_source_options_t options = in_options(consumer);

  options.claim_after_ms = 86400000;
  return options;
}

/* So many numbers are in the stream, and its producer is gone. */
static inline void put_numbers(uint64_t from, uint64_t to) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  with.producers = 2; /* so that the stream stays open */
  out_open(&out, 64, &with);
  send_numbers(&out, from, to);
  must(uvchan_close(out.ch) == 0);
  run_until(&scene.loop, out.ends == 1);
  ck_assert_int_eq(out.status, 0);
  out_close(&out);
}

static inline TCase* redis_tcase(Suite* suite, const char* name) {
  TCase* tcase = scene_tcase(suite, name);

  tcase_add_checked_fixture(tcase, server_open, server_close);
  return tcase;
}

#endif /* ENDS_H */
