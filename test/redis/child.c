/* SPDX-License-Identifier: MIT */
/* A process of its own with one end of a stream, for tests that kill it. It dies with them.
 *
 *   redis-child produce SOCKET NAME FIRST N   sends so many numbers, and the end: exits with 0 once
 *                                             all of it is in the stream
 *   redis-child consume SOCKET NAME DONE CLAIM_MS
 *                                             is done with so many values at once, and holds the
 *                                             others; each is written to standard output before it
 *                                             is done; exits with 0 at the end */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uvchan/redis.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "child-record.h"

#define need(expr) ((expr) ? (void)0 : fail(__LINE__, #expr))

static void fail(int line, const char* expr) {
  fprintf(stderr, "child.c:%d: '%s' does not hold\n", line, expr);
  _exit(2);
}

static uv_loop_t loop;
static uvchan_t* ch;

/* ---- A producer ------------------------------------------------------------------------------ */

static struct {
  uvchan_redis_sink_t sink;
  uint64_t first;
  uint64_t values;
} producer;

static void on_sink_closed(uvchan_redis_sink_t* sink) { (void)sink; }

static void on_sink_end(uvchan_redis_sink_t* sink, int status) {
  need(status == 0);
  uvchan_redis_sink_close(sink, on_sink_closed);
}

static void send_all(void* arg) {
  uint64_t i;

  (void)arg;
  for (i = producer.first; i < producer.first + producer.values; i++)
    need(uvchan_send_wait(ch, &i) == 0);
  need(uvchan_close(ch) == 0);
}

static void produce(const char* socket, const char* name) {
  uvchan_redis_sink_options_t options;
  uv_thread_t thread;

  memset(&options, 0, sizeof(options));
  options.server.path = socket;
  options.server.backoff_least_ms = 1;
  options.server.backoff_most_ms = 20;
  options.stream = "orders";
  options.producer = name;
  options.batch = 8;
  options.capacity = 200;
  options.producers = 1;
  options.on_end = on_sink_end;
  need(uvchan_create(&ch, sizeof(uint64_t), 16) == 0);
  need(uvchan_redis_sink_init(&loop, &producer.sink, ch, &options) == 0);
  need(uv_thread_create(&thread, send_all, NULL) == 0);
  need(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  need(uv_thread_join(&thread) == 0);
}

/* ---- A consumer ------------------------------------------------------------------------------ */

typedef struct {
  uvchan_redis_ticket_t ticket;
  uint64_t value;
} element_t;

static struct {
  uvchan_redis_source_t source;
  uvchan_receiver_t receiver;
  uint64_t done;
} consumer;

static void on_source_end(uvchan_redis_source_t* source, int status) {
  need(status == UV_EOF);
  uvchan_redis_source_close(source, NULL);
}

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  child_record_t record;
  element_t element;

  if (status < 0) {
    uvchan_receiver_close(receiver, NULL);
    return;
  }
  memcpy(&element, value, sizeof(element));
  record.value = element.value;
  record.deliveries = element.ticket.deliveries;
  need(write(1, &record, sizeof(record)) == (ssize_t)sizeof(record));
  if (consumer.done == 0) return;
  consumer.done--;
  need(uvchan_redis_done(&element.ticket) == 0);
}

static void consume(const char* socket, const char* name, uint64_t claim_ms) {
  uvchan_redis_source_options_t options;

  memset(&options, 0, sizeof(options));
  options.server.path = socket;
  options.server.backoff_least_ms = 1;
  options.server.backoff_most_ms = 20;
  options.stream = "orders";
  options.consumer = name;
  options.batch = 8;
  options.block_ms = 20;
  options.claim_after_ms = claim_ms;
  options.on_end = on_source_end;
  need(uvchan_create(&ch, sizeof(element_t), 16) == 0);
  need(uvchan_redis_source_init(&loop, &consumer.source, ch, &options) == 0);
  need(uvchan_receiver_init(&loop, &consumer.receiver, ch) == 0);
  need(uvchan_recv_start(&consumer.receiver, on_value) == 0);
  need(uv_run(&loop, UV_RUN_DEFAULT) == 0);
}

int main(int argc, char** argv) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  need(argc == 6);
  need(uv_loop_init(&loop) == 0);
  if (strcmp(argv[1], "produce") == 0) {
    producer.first = strtoull(argv[4], NULL, 10);
    producer.values = strtoull(argv[5], NULL, 10);
    produce(argv[2], argv[3]);
  } else {
    consumer.done = strtoull(argv[4], NULL, 10);
    consume(argv[2], argv[3], strtoull(argv[5], NULL, 10));
  }
  need(uv_loop_close(&loop) == 0);
  uvchan_release(ch);
  return 0;
}
