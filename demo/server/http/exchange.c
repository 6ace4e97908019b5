/* SPDX-License-Identifier: MIT */
/* A queue for each connection, and the answers that are given into it. */
#include "http/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/answer.h"

/* ---- The queue ------------------------------------------------------------------------------- */

exchange_t* exchange_add(exchanges_t* queue) {
  exchange_t* exchange = calloc(1, sizeof(*exchange));

  if (exchange == NULL) return NULL;
  exchange->queue = queue;
  if (queue->last == NULL) {
    queue->first = exchange;
  } else {
    queue->last->next = exchange;
  }
  queue->last = exchange;
  queue->n++;
  return exchange;
}

int exchange_may_begin(const exchanges_t* queue, size_t flight) {
  return !queue->is_last && queue->n < EXCHANGES_MAX &&
         queue->nkept + queue->out.len + flight < OUT_MAX;
}

static exchange_t* take_first(exchanges_t* queue) {
  exchange_t* exchange = queue->first;

  queue->first = exchange->next;
  if (queue->first == NULL) queue->last = NULL;
  queue->n--;
  queue->nkept -= exchange->answer.len;
  return exchange;
}

static void record(exchange_t* exchange, int status, size_t len) {
  const service_t* service = exchange->queue->host->service;

  if (service->record != NULL) service->record(exchange, status, len);
}

static void free_exchange(exchange_t* exchange) {
  bytes_free(&exchange->answer);
  free(exchange);
}

finished_t exchange_finish_answered(exchanges_t* queue) {
  finished_t finished = {.ends = 0};

  while (queue->first != NULL && queue->first->is_answered) {
    exchange_t* exchange = take_first(queue);

    bytes_add(&queue->out, exchange->answer.data, exchange->answer.len);
    if (exchange->answer.has_failed) queue->out.has_failed = 1;
    if (exchange->is_stream) {
      finished.streams = 1;
    } else if (!exchange->keeps_alive) {
      finished.ends = 1;
    }
    free_exchange(exchange);
    if (finished.streams || finished.ends) exchange_drop_all(queue);
  }
  return finished;
}

void exchange_drop_all(exchanges_t* queue) {
  while (queue->first != NULL) {
    exchange_t* exchange = take_first(queue);

    if (exchange->work != NULL) queue->host->service->forget(exchange);
    if (!exchange->is_answered) record(exchange, 0, 0);
    free_exchange(exchange);
  }
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* While the service closes, the last answer of a connection says that it is the last. */
static int keeps_alive(const exchange_t* exchange) {
  const host_t* host = exchange->queue->host;
  int is_newest = exchange->next == NULL;

  return exchange->keeps_alive && !(is_newest && host->service->is_closing(host));
}

/* The first exchange's answer goes where it is written from; a later one's is kept until its
 * turn. */
static void give(exchange_t* exchange, answer_t* answer) {
  exchanges_t* queue = exchange->queue;
  bytes_t* out = exchange == queue->first ? &queue->out : &exchange->answer;

  exchange->is_answered = 1;
  if (!exchange->keeps_alive) queue->is_last = 1;
  answer->keeps_alive = exchange->keeps_alive;
  answer->is_old = exchange->is_old;
  answer->is_head = exchange->is_head;
  record(exchange, answer->status, answer->is_head ? 0 : answer->len);
  answer_write(out, answer, queue->host->date(queue->host));
  queue->nkept += exchange->answer.len;
}

void exchange_answer(exchange_t* exchange, int status, const char* type, const char* headers,
                     const void* body, size_t len) {
  answer_t answer = {.status = status, .type = type, .headers = headers, .body = body, .len = len};

  exchange->keeps_alive = keeps_alive(exchange);
  give(exchange, &answer);
}

static void refuse(exchange_t* exchange, int status, const char* why, const char* headers) {
  char body[128];
  int len = snprintf(body, sizeof(body), "{\"error\":\"%s\"}\n", why);

  exchange_answer(exchange, status, "application/json", headers, body, (size_t)len);
}

void exchange_refuse(exchange_t* exchange, int status, const char* why) {
  refuse(exchange, status, why, status == 503 ? "Retry-After: 1\r\n" : NULL);
}

void exchange_refuse_for(exchange_t* exchange, const char* why, uint64_t seconds) {
  char retry[64];

  snprintf(retry, sizeof(retry), "Retry-After: %" PRIu64 "\r\n", seconds);
  refuse(exchange, 503, why, retry);
}

void exchange_refuse_method(exchange_t* exchange, const char* allow) {
  refuse(exchange, 405, "method not allowed", allow);
}

void exchange_stream(exchange_t* exchange, const char* type) {
  answer_t answer = {
      .status = 200, .type = type, .headers = "Cache-Control: no-store\r\n", .is_stream = 1};

  exchange->keeps_alive = 0;
  exchange->is_stream = !exchange->is_head;
  give(exchange, &answer);
}
