/* Exchanges: one for each request, in order, each answered at its own time. */
#include "exchange.h"

#include <stdlib.h>

#include "intake.h"
#include "viewer.h"

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
