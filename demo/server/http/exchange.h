/* SPDX-License-Identifier: MIT */
/* Exchanges: the requests of one connection with their answers. Each is answered at its own time,
 * and written in its turn. Knows neither sockets nor what a request is about. Threads: one, the
 * host's.
 *
 *   I1  Exchanges are answered in any order, and written in the order of their requests.
 *   I2  nkept is the sum of the answers that are in the queue's exchanges. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "http/bytes.h"
#include "http/host.h"

#define EXCHANGES_MAX 16
#define OUT_MAX 65536 /* bytes of answers, wherever they wait, with which no request is taken */

typedef struct exchange_s exchange_t;

/* Those of one connection, the eldest first. */
typedef struct {
  host_t* host;
  struct connection_s* owner; /* nothing here looks into it */
  exchange_t* first;
  exchange_t* last;
  size_t n;
  size_t nkept; /* bytes of answers whose turn is to come */
  bytes_t out;  /* the answers whose turn has come */
  int is_last;  /* no further request is taken */
} exchanges_t;

struct exchange_s {
  exchanges_t* queue;
  exchange_t* next; /* the request that came after it */
  void* work;       /* the service's: what the answer comes from, or NULL */
  void* record;     /* the service's, until it is told how the exchange ends, or NULL */
  bytes_t answer;
  int is_answered;
  int is_head;   /* the answer has no body, but says how long it would be */
  int is_stream; /* the answer goes on for ever */
  int keeps_alive;
  int is_old; /* HTTP/1.0 */
};

/* ---- The queue ------------------------------------------------------------------------------- */

/* Adds one at the end; NULL where memory ran out. */
exchange_t* exchange_add(exchanges_t* queue);

/* Whether a further request is taken just now.
 *   flight   bytes of earlier answers that are being written */
int exchange_may_begin(const exchanges_t* queue, size_t flight);

typedef struct {
  int ends;    /* one was the last of its connection */
  int streams; /* one goes on: the service writes the rest */
} finished_t;

/* Takes out those at the front that are answered, with their answers to what is to be written. What
 * stands behind the last answer is dropped, as by the call below. */
finished_t exchange_finish_answered(exchanges_t* queue);

/* Takes out all; the service is told of those that have work under way. */
void exchange_drop_all(exchanges_t* queue);

/* ---- Answers --------------------------------------------------------------------------------- */

/* Gives the whole answer.
 *   headers   further ones, each with its end of line, or NULL */
void exchange_answer(exchange_t* exchange, int status, const char* type, const char* headers,
                     const void* body, size_t len);

/* The same with {"error":why}, and with Retry-After where the status is 503: after a second. */
void exchange_refuse(exchange_t* exchange, int status, const char* why);

/* The same with 503, where the client had better not come again for so many seconds. */
void exchange_refuse_for(exchange_t* exchange, const char* why, uint64_t seconds);

/* The same with 405.
 *   allow   the methods that there are, as the field Allow with its end of line */
void exchange_refuse_method(exchange_t* exchange, const char* allow);

/* Begins an answer that goes on until the connection ends. */
void exchange_stream(exchange_t* exchange, const char* type);

#endif /* EXCHANGE_H */
