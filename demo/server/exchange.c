/* Exchanges: one for each request, in order, each answered at its own time. */
#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>

#include "answer.h"
#include "intake.h"
#include "viewer.h"

/* ---- The queue ------------------------------------------------------------------------------- */

exchange_t* exchange_add(connection_t* connection) {
  exchange_t* exchange = calloc(1, sizeof(*exchange));

  if (exchange == NULL) return NULL;
  exchange->connection = connection;
  if (connection->last == NULL) {
    connection->first = exchange;
  } else {
    connection->last->next = exchange;
  }
  connection->last = exchange;
  connection->nexchanges++;
  return exchange;
}

int exchange_may_begin(const connection_t* connection) {
  if (connection->is_last || connection->wants_room) return 0;
  return connection->nexchanges < EXCHANGES_MAX && connection->out.len < OUT_MAX;
}

static exchange_t* take_first(connection_t* connection) {
  exchange_t* exchange = connection->first;

  connection->first = exchange->next;
  if (connection->first == NULL) connection->last = NULL;
  connection->nexchanges--;
  return exchange;
}

static void free_exchange(exchange_t* exchange) {
  bytes_free(&exchange->answer);
  free(exchange);
}

void exchange_finish_answered(connection_t* connection) {
  while (connection->first != NULL && connection->first->is_answered) {
    exchange_t* exchange = take_first(connection);

    bytes_add(&connection->out, exchange->answer.data, exchange->answer.len);
    if (exchange->answer.has_failed) connection->out.has_failed = 1;
    if (exchange->is_stream) {
      viewer_open(connection);
    } else if (!exchange->keeps_alive) {
      connection->ends = 1;
    }
    free_exchange(exchange);
  }
}

void exchange_drop_all(connection_t* connection) {
  while (connection->first != NULL) {
    exchange_t* exchange = take_first(connection);

    if (exchange->order != NULL) intake_forget(exchange->order);
    free_exchange(exchange);
  }
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* While the house closes, the last answer of a connection says that it is the last. */
static int keeps_alive(const exchange_t* exchange) {
  int is_newest = exchange->next == NULL;

  return exchange->keeps_alive &&
         !(is_newest && house_is_closing(exchange->connection->desk->house));
}

/* The first exchange's answer goes where it is written from; a later one's is kept until its
 * turn. */
static void give(exchange_t* exchange, answer_t* answer) {
  connection_t* connection = exchange->connection;

  exchange->is_answered = 1;
  if (!exchange->keeps_alive) connection->is_last = 1;
  answer->keeps_alive = exchange->keeps_alive;
  answer->is_old = exchange->is_old;
  answer->is_head = exchange->is_head;
  answer_write(exchange == connection->first ? &connection->out : &exchange->answer, answer,
               desk_date(connection->desk));
}

void exchange_answer(exchange_t* exchange, int status, const char* type, const char* headers,
                     const void* body, size_t len) {
  answer_t answer = {.status = status, .type = type, .headers = headers, .body = body, .len = len};

  exchange->keeps_alive = keeps_alive(exchange);
  give(exchange, &answer);
}

void exchange_refuse(exchange_t* exchange, int status, const char* why) {
  char body[128];
  int len = snprintf(body, sizeof(body), "{\"error\":\"%s\"}\n", why);

  exchange_answer(exchange, status, "application/json", status == 503 ? "Retry-After: 1\r\n" : NULL,
                  body, (size_t)len);
}

void exchange_stream(exchange_t* exchange, const char* type) {
  answer_t answer = {
      .status = 200, .type = type, .headers = "Cache-Control: no-store\r\n", .is_stream = 1};

  exchange->keeps_alive = 0;
  exchange->is_stream = !exchange->is_head;
  give(exchange, &answer);
}
