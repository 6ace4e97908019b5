/* SPDX-License-Identifier: MIT */
/* A connection: bytes in, through the parser, to exchanges; their answers, in the order of the
 * requests, and bytes out. Knows neither what the requests are about nor who else is connected.
 * Threads: its host's.
 *
 *   I1  What a client can make the server hold is bounded: a request is taken only while fewer than
 *       EXCHANGES_MAX are under way, their answers, with those that are being written, are less
 *       than OUT_MAX bytes, and no work of it waits for room. So there are at most OUT_MAX bytes of
 *       answers, one answer more, and those of EXCHANGES_MAX requests that were under way before.
 *       What was read already and is not parsed stays in `rest`; it is read from again when that is
 *       empty, so that is one read at most, and the order of requests is the order of bytes.
 *   I2  One write is under way at a time; answers that are ready meanwhile go together in the next.
 *   I3  It is cut off only where, when its time was over, nothing had come that it waited for. Time
 *       is counted in sweeps, which are timers, and between two of them the loop has polled: a
 *       process that stands still for a while counts one sweep, whatever the clock says. The
 *       connection goes one sweep after that in which its time is over; so what had come by then,
 *       the poll between the two has read.
 *   I4  A client is taken for gone where the system says so, not where it sends no more. While it
 *       is not read from, and something is owed to it, the system is asked at each sweep: that
 *       costs no memory, where reading on would have to keep what comes.
 *   I5  Its memory is given back in the close callback of its handle, and by then no exchange, no
 *       work and no stream knows of it. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <uv.h>

#include "http/bytes.h"
#include "http/exchange.h"
#include "http/host.h"
#include "http/parse.h"

typedef struct connection_s connection_t;

typedef enum {
  DEADLINE_NONE,
  DEADLINE_IDLE,
  DEADLINE_MESSAGE,
  DEADLINE_WRITE,
  DEADLINE_LINGER
} deadline_t;

typedef union {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
} peer_t;

struct connection_s {
  uv_os_sock_t socket; /* fixed by whoever lets the client in, as the one below */
  peer_t peer;
  uv_tcp_t handle;
  host_t* host;
  connection_t* next; /* the host's, as the one below */
  connection_t* prev;

  exchanges_t exchanges;
  void* stream; /* the service's: what writes an answer that goes on, or NULL */

  parser_t parser;
  bytes_t rest;   /* read, and not parsed */
  size_t nparsed; /* but for so many of its first */
  int is_parsing;
  int is_reading;
  int wants_room;
  int owes_continue; /* the client waits to be told to send a body */

  bytes_t flight; /* being written */
  uv_write_t write;
  uv_shutdown_t shutdown;
  int is_writing;
  int ends; /* after what is to be written */
  /* all is written; what the client still sends is thrown away, so that it sees the answer before
   * the end */
  int is_lingering;
  int has_ended;   /* the client sends no more */
  int has_knocked; /* it was sent something, to find out whether it is there */
  int is_closing;

  deadline_t waits_for;
  uint64_t sweeps;  /* until it is cut off */
  size_t not_taken; /* of the flight, at the last sweep */
};

static inline connection_t* connection_of(const exchange_t* exchange) {
  return exchange->queue->owner;
}

/* ---- For its host ---------------------------------------------------------------------------- */

/* Opens the connection on the host's loop.
 *   connection   zeroed memory but for the socket and the peer, until host->closed() */
void connection_open(connection_t* connection, host_t* host);

/* It ends when what it owes is written. */
void connection_end(connection_t* connection);

/* Counts one sweep, and cuts the connection off where its time is over, or its client is found to
 * be gone: in each SWEEP_MS, from a timer of the host's loop. */
void connection_check_time(connection_t* connection);

/* ---- For the service ------------------------------------------------------------------------- */

/* Goes on with what is possible: write, take further requests, read or stop reading. To be called
 * after an answer that was not given from within the request's handling. */
void connection_settle(connection_t* connection);

/* While it wants room it is not read from. Where room was found, it is settled; where none is
 * wanted any more, that is left to the caller. */
void connection_wants_room(connection_t* connection);
void connection_found_room(connection_t* connection);
void connection_wants_no_room(connection_t* connection);

/* What is to be written next, and whether something is being written already: an answer that goes
 * on is added to, and the connection settled; or it is complete, and the connection ends. */
bytes_t* connection_out(connection_t* connection);
int connection_is_writing(const connection_t* connection);
void connection_finish(connection_t* connection);

#endif /* CONNECTION_H */
