/* SPDX-License-Identifier: MIT */
/* A connection's life: reading and not reading, writing, its deadlines, and its end. */
#include "http/connection.h"

#include <unistd.h>

#include "http/answer.h"
#include "http/peer.h"
#include "must.h"

#define LINGER_MS 1000

/* ---- Closing --------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t* handle) {
  connection_t* connection = handle->data;

  parse_close(&connection->parser);
  bytes_free(&connection->rest);
  bytes_free(&connection->exchanges.out);
  bytes_free(&connection->flight);
  connection->host->closed(connection);
}

static void close_now(connection_t* connection) {
  if (connection->is_closing) return;
  connection->is_closing = 1;
  exchange_drop_all(&connection->exchanges);
  if (connection->stream != NULL) connection->host->service->end_stream(connection);
  uv_close((uv_handle_t*)&connection->handle, on_closed);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void on_shut_down(uv_shutdown_t* req, int status) {
  (void)req;
  (void)status; /* where the client is gone, reading says so too */
}

/* A close with bytes unread would have the system tell the client of a broken connection, ahead of
 * the answer. */
static void linger(connection_t* connection) {
  connection->is_lingering = 1;
  connection->exchanges.is_last = 1;
  if (connection->has_ended ||
      uv_shutdown(&connection->shutdown, (uv_stream_t*)&connection->handle, on_shut_down) != 0) {
    close_now(connection);
  }
}

static void on_written(uv_write_t* req, int status) {
  connection_t* connection = req->data;

  connection->is_writing = 0;
  bytes_clear(&connection->flight);
  if (status != 0) {
    close_now(connection);
    return;
  }
  connection_settle(connection);
}

static void write_out(connection_t* connection) {
  bytes_t empty = connection->flight;
  uv_buf_t buffer;

  if (connection->is_writing || connection->exchanges.out.len == 0) return;
  connection->flight = connection->exchanges.out;
  connection->exchanges.out = empty;
  connection->is_writing = 1;
  connection->waits_for = DEADLINE_NONE; /* the time for this write begins */
  connection->write.data = connection;
  buffer = uv_buf_init(connection->flight.data, (unsigned int)connection->flight.len);
  if (uv_write(&connection->write, (uv_stream_t*)&connection->handle, &buffer, 1, on_written) == 0)
    return;
  connection->is_writing = 0;
  close_now(connection);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static int may_begin(const connection_t* connection) {
  return !connection->is_closing && !connection->wants_room &&
         exchange_may_begin(&connection->exchanges, connection->flight.len);
}

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* Among the answers to earlier requests it would be taken for one of theirs. */
static void say_to_go_on(connection_t* connection) {
  if (!connection->owes_continue || connection->exchanges.first != NULL) return;
  connection->owes_continue = 0;
  bytes_add_text(&connection->exchanges.out, go_on);
}

static void finish_answered(connection_t* connection) {
  finished_t finished = exchange_finish_answered(&connection->exchanges);

  say_to_go_on(connection);
  if (finished.ends) connection->ends = 1;
  if (!finished.streams) return;
  connection->wants_room = 0; /* for an exchange behind it, which is dropped */
  connection->host->service->stream(connection);
}

static void on_begun(parser_t* parser) {
  connection_t* connection = parser->data;

  connection->waits_for = DEADLINE_NONE; /* the time for this message begins */
}

/* A client that asks first whether to send its body is told to, when that has its turn. */
static void on_continues(parser_t* parser) {
  connection_t* connection = parser->data;

  connection->owes_continue = 1;
  say_to_go_on(connection);
}

static int on_complete(parser_t* parser) {
  connection_t* connection = parser->data;
  const request_t* request = &parser->request;
  exchange_t* exchange = exchange_add(&connection->exchanges);

  connection->owes_continue = 0;
  if (exchange == NULL) return 500;
  exchange->is_old = request->is_old;
  exchange->keeps_alive = request->keeps_alive;
  exchange->is_head = request->method == METHOD_HEAD;
  if (!exchange->keeps_alive) connection->exchanges.is_last = 1;
  connection->host->service->handle(exchange, request);
  finish_answered(connection);
  return may_begin(connection) ? 0 : PARSE_PAUSE;
}

static const parser_calls_t parser_calls = {
    .begun = on_begun, .continues = on_continues, .complete = on_complete};

/* ---- Reading --------------------------------------------------------------------------------- */

/* The refusal is an answer like any other: it has its turn after those of earlier requests. */
static void refuse_client(connection_t* connection, int status) {
  exchange_t* exchange = exchange_add(&connection->exchanges);

  connection->exchanges.is_last = 1;
  connection->owes_continue = 0;
  if (exchange == NULL) {
    close_now(connection);
    return;
  }
  exchange->is_head =
      connection->parser.is_in_message && connection->parser.request.method == METHOD_HEAD;
  exchange->keeps_alive = 0;
  connection->parser.is_in_message = 0;
  exchange_refuse(exchange, status, answer_why(status));
}

/* Answers how many bytes were parsed, or as many as there are where the client is refused. */
static size_t parse(connection_t* connection, const char* data, size_t len) {
  size_t nparsed;
  int status;

  connection->is_parsing = 1;
  status = parse_more(&connection->parser, data, len, &nparsed);
  connection->is_parsing = 0;
  if (status == 0) return nparsed;
  if (!connection->is_closing) refuse_client(connection, status);
  return len;
}

/* What is not parsed now is, once a further request is taken; until then nothing is read, so there
 * is no rest when something was. */
static void parse_read(connection_t* connection, const char* data, size_t len) {
  size_t nparsed = parse(connection, data, len);

  bytes_add(&connection->rest, data + nparsed, len - nparsed);
  if (connection->rest.has_failed) refuse_client(connection, 500);
}

static void drop_rest(connection_t* connection) {
  bytes_free(&connection->rest);
  connection->nparsed = 0;
}

static void parse_rest(connection_t* connection) {
  bytes_t* rest = &connection->rest;

  while (rest->len > 0 && may_begin(connection)) {
    connection->nparsed +=
        parse(connection, rest->data + connection->nparsed, rest->len - connection->nparsed);
    if (connection->nparsed >= rest->len) drop_rest(connection);
    finish_answered(connection);
  }
}

/* A client that sends no more can still wait for its answers: a half of a connection is closed.
 * What it began to ask is never whole (RFC 9112, 8); where the last answer was given meanwhile,
 * that is not heard any more. */
static void on_end(connection_t* connection) {
  int is_heard = !connection->exchanges.is_last;

  connection->has_ended = 1;
  connection->exchanges.is_last = 1;
  if (connection->is_lingering) {
    close_now(connection);
  } else if (connection->parser.is_in_message && is_heard) {
    refuse_client(connection, 400);
  }
}

static void on_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buffer) {
  connection_t* connection = stream->data;

  if (nread == 0) return;
  if (nread == UV_EOF) {
    on_end(connection);
  } else if (nread < 0) {
    close_now(connection);
  } else if (!connection->exchanges.is_last) {
    parse_read(connection, buffer->base, (size_t)nread);
  }
  connection_settle(connection);
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  const host_t* host = ((connection_t*)handle->data)->host;

  (void)suggested;
  *buffer = uv_buf_init(host->scratch, (unsigned int)host->scratch_bytes);
}

/* Nothing is read ahead of what was read before: where a write has made room for further requests,
 * those in the rest come first. After the last request it is read from too, and what comes is
 * thrown away: so its end is seen. */
static void read_or_stop(connection_t* connection) {
  int may_parse = connection->rest.len == 0 && may_begin(connection);
  int wanted = !connection->has_ended && (may_parse || connection->exchanges.is_last) &&
               !connection->wants_room;

  if (wanted == connection->is_reading) return;
  connection->is_reading = wanted;
  if (!wanted) {
    uv_read_stop((uv_stream_t*)&connection->handle);
  } else if (uv_read_start((uv_stream_t*)&connection->handle, on_alloc, on_read) != 0) {
    close_now(connection);
  }
}

void connection_wants_room(connection_t* connection) { connection->wants_room = 1; }

void connection_wants_no_room(connection_t* connection) { connection->wants_room = 0; }

void connection_found_room(connection_t* connection) {
  connection->wants_room = 0;
  connection_settle(connection);
}

/* ---- Whether the client is there ------------------------------------------------------------- */

static int is_owed(const connection_t* connection) {
  return connection->exchanges.first != NULL || connection->stream != NULL;
}

/* A client that closed its connection looks like one that closed half of it: both send no more. To
 * tell them apart something has to be sent, to which the system of one that is gone says so. An
 * interim answer is what a client passes over that did not ask for it (RFC 9110, 15.2.1); HTTP/1.0
 * has none. Where answers are on their way they do as well. */
static void knock(connection_t* connection) {
  const exchange_t* first = connection->exchanges.first;

  if (connection->has_knocked || connection->is_writing || first == NULL || first->is_old) return;
  if (!connection->has_ended && !peer_has_ended(&connection->handle)) return;
  connection->has_knocked = 1;
  bytes_add_text(&connection->exchanges.out, go_on);
  connection_settle(connection);
}

/* While it is read from, reading tells its end. */
static void look_for_client(connection_t* connection) {
  if (peer_is_gone(&connection->handle)) {
    close_now(connection);
  } else {
    knock(connection);
  }
}

/* ---- Time ------------------------------------------------------------------------------------ */

static deadline_t what_it_waits_for(const connection_t* connection) {
  if (connection->is_lingering) return DEADLINE_LINGER;
  if (connection->is_writing) return DEADLINE_WRITE;
  if (connection->stream != NULL) return DEADLINE_NONE;
  if (connection->parser.is_in_message && connection->is_reading) return DEADLINE_MESSAGE;
  return connection->exchanges.first != NULL ? DEADLINE_NONE : DEADLINE_IDLE;
}

/* The first sweep can come at once, and the last one is that in which it goes (I3). */
static uint64_t sweeps_in(uint64_t ms) { return (ms + SWEEP_MS - 1) / SWEEP_MS + 2; }

static void begin_time(connection_t* connection) {
  const host_t* host = connection->host;
  int is_short = connection->waits_for == DEADLINE_LINGER || host->is_served;

  connection->sweeps = sweeps_in(is_short ? LINGER_MS : host->idle_ms);
}

static void set_deadline(connection_t* connection) {
  deadline_t waits_for = what_it_waits_for(connection);

  if (waits_for == connection->waits_for) return;
  connection->waits_for = waits_for;
  begin_time(connection);
}

/* A client that takes a little of a large answer has its time anew. */
static void see_what_is_taken(connection_t* connection) {
  size_t not_taken = uv_stream_get_write_queue_size((uv_stream_t*)&connection->handle);

  if (connection->waits_for == DEADLINE_WRITE && not_taken < connection->not_taken)
    begin_time(connection);
  connection->not_taken = not_taken;
}

static void cut_off(connection_t* connection) {
  if (connection->waits_for == DEADLINE_MESSAGE) {
    refuse_client(connection, 408);
    connection_settle(connection);
  } else if (connection->waits_for == DEADLINE_IDLE) {
    connection_end(connection);
  } else {
    close_now(connection);
  }
}

void connection_check_time(connection_t* connection) {
  if (connection->is_closing) return;
  if (!connection->is_reading && is_owed(connection)) look_for_client(connection);
  if (connection->is_closing || connection->waits_for == DEADLINE_NONE) return;
  see_what_is_taken(connection);
  if (--connection->sweeps == 0) cut_off(connection);
}

/* ---- Together -------------------------------------------------------------------------------- */

void connection_settle(connection_t* connection) {
  if (connection->is_closing || connection->is_parsing) return;
  finish_answered(connection);
  parse_rest(connection);
  if (connection->exchanges.is_last) drop_rest(connection);
  if (connection->exchanges.out.has_failed) close_now(connection);
  if (connection->is_closing) return;
  write_out(connection);
  if (connection->has_ended && !is_owed(connection)) connection->ends = 1;
  if (connection->ends && !connection->is_writing && !connection->is_lingering &&
      !connection->is_closing)
    linger(connection);
  if (connection->is_closing) return;
  read_or_stop(connection);
  set_deadline(connection);
}

/* Where answers are owed it ends after the last of them. */
void connection_end(connection_t* connection) {
  if (connection->is_closing) return;
  if (!is_owed(connection) && !connection->parser.is_in_message) {
    connection->exchanges.is_last = 1;
    connection->ends = 1;
  }
  connection->waits_for = DEADLINE_NONE; /* what is left has to be quick */
  connection_settle(connection);
}

bytes_t* connection_out(connection_t* connection) { return &connection->exchanges.out; }

int connection_is_writing(const connection_t* connection) { return connection->is_writing; }

void connection_finish(connection_t* connection) { connection->ends = 1; }

void connection_open(connection_t* connection, host_t* host) {
  must("prepare a connection", uv_tcp_init(host->loop, &connection->handle));
  connection->handle.data = connection;
  connection->host = host;
  connection->exchanges.host = host;
  connection->exchanges.owner = connection;
  parse_open(&connection->parser, &parser_calls, connection, host->body_bytes);
  if (uv_tcp_open(&connection->handle, connection->socket) != 0) {
    close(connection->socket); /* which the handle has not taken */
    close_now(connection);
    return;
  }
  uv_tcp_nodelay(&connection->handle, 1);
  connection_settle(connection);
}
