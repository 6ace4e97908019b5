/* A connection: bytes in, through the parser, to exchanges; their answers, in the order of the
 * requests, and bytes out. Knows nothing of orders but that an exchange may wait for one. Threads:
 * those of its desk.
 *
 *   I1  Exchanges are answered in any order, and written in the order of their requests.
 *   I2  What a client can make the server hold is bounded: it is read from only while fewer than
 *       EXCHANGES_MAX requests are under way, less than OUT_MAX bytes wait to be written, and no
 *       order of it waits for room. What was read already and is not parsed stays in `rest`.
 *   I3  One write is under way at a time; answers that are ready meanwhile go together in the next.
 *   I4  It is freed in the close callback of its handle, and by then no exchange and no viewer
 *       knows of it. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <uv.h>

#include "bytes.h"
#include "desk.h"
#include "parse.h"

#define EXCHANGES_MAX 16
#define OUT_MAX 65536

typedef struct connection_s connection_t;
typedef struct exchange_s exchange_t;

/* A request and its answer. */
struct exchange_s {
  connection_t* connection;
  exchange_t* next; /* the request that came after it */
  order_t* order;   /* that it waits for, or NULL */
  bytes_t answer;
  int is_answered;
  int is_head;   /* the answer has no body, but says how long it would be */
  int is_stream; /* the answer goes on for ever */
  int keeps_alive;
  int is_old; /* HTTP/1.0 */
};

typedef enum {
  DEADLINE_NONE,
  DEADLINE_IDLE,
  DEADLINE_MESSAGE,
  DEADLINE_WRITE,
  DEADLINE_LINGER
} deadline_t;

struct connection_s {
  uv_tcp_t handle;
  desk_t* desk;
  connection_t* next;
  connection_t* prev;

  parser_t parser;
  bytes_t rest; /* read, and not parsed */
  int is_parsing;
  int is_last; /* no further request is taken */
  int is_reading;
  int wants_room;

  exchange_t* first;
  exchange_t* last;
  size_t nexchanges;

  bytes_t out;    /* ready to be written */
  bytes_t flight; /* being written */
  uv_write_t write;
  uv_shutdown_t shutdown;
  int is_writing;
  int ends; /* after what is to be written */
  /* all is written; what the client still sends is thrown away, so that it sees the answer before
   * the end */
  int is_lingering;
  int has_ended; /* the client sends no more */
  int is_closing;

  deadline_t waits_for;
  uint64_t deadline; /* in uv_now() */
  struct viewer_s* viewer;
};

/* Accepts the connection that the listener holds. */
void connection_open(desk_t* desk, uv_stream_t* listener);

/* Goes on with what is possible: write, take further requests, read or stop reading. To be called
 * after an answer that was not given from within the request's handling. */
void connection_settle(connection_t* connection);

/* While it wants room it is not read from. */
void connection_wants_room(connection_t* connection);
void connection_found_room(connection_t* connection);

/* It ends when what it owes is written. */
void connection_end(connection_t* connection);

/* Cuts it off where its time is over. */
void connection_check_time(connection_t* connection, uint64_t now);

void connection_close(connection_t* connection);

#endif /* CONNECTION_H */
