/* A connection's life: reading and not reading, writing, its deadlines, and its end. */
#include "http/connection.h"

#include <unistd.h>

#include "http/answer.h"
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
  return !connection->wants_room && exchange_may_begin(&connection->exchanges);
}

static void finish_answered(connection_t* connection) {
  finished_t finished = exchange_finish_answered(&connection->exchanges);

  if (finished.ends) connection->ends = 1;
  if (finished.streams) connection->host->service->stream(connection);
}

static void on_begun(parser_t* parser) {
  connection_t* connection = parser->data;

  connection->waits_for = DEADLINE_NONE; /* the time for this message begins */
}

/* A client that asks first whether to send its body is told to, where nothing else is under way;
 * elsewhere it sends it after a while. */
static void on_continues(parser_t* parser) {
  connection_t* connection = parser->data;

  if (connection->exchanges.first == NULL)
    bytes_add_text(&connection->exchanges.out, "HTTP/1.1 100 Continue\r\n\r\n");
}

static int on_complete(parser_t* parser) {
  connection_t* connection = parser->data;
  const request_t* request = &parser->request;
  exchange_t* exchange = exchange_add(&connection->exchanges);

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
  connection->parser.is_in_message = 0;
  bytes_free(&connection->rest);
  if (exchange == NULL) {
    close_now(connection);
    return;
  }
  exchange->keeps_alive = 0;
  exchange_refuse(exchange, status, answer_why(status));
}

/* What is not parsed now is, once a further request is taken. */
static int parse_and_keep_rest(connection_t* connection, const char* data, size_t len) {
  size_t nparsed;
  int status = parse_more(&connection->parser, data, len, &nparsed);

  if (status != 0) return status;
  bytes_add(&connection->rest, data + nparsed, len - nparsed);
  return connection->rest.has_failed ? 500 : 0;
}

static void parse(connection_t* connection, const char* data, size_t len) {
  int status;

  connection->is_parsing = 1;
  status = parse_and_keep_rest(connection, data, len);
  connection->is_parsing = 0;
  if (status != 0 && !connection->is_closing) refuse_client(connection, status);
}

/* A client that sends no more while an order of it is under way is taken to have left. Where
 * answers are on their way, they are written. */
static void on_end(connection_t* connection) {
  connection->has_ended = 1;
  connection->exchanges.is_last = 1;
  connection->ends = 1;
  if (connection->is_lingering || connection->exchanges.first != NULL ||
      connection->stream != NULL || connection->parser.is_in_message) {
    close_now(connection);
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
    parse(connection, buffer->base, (size_t)nread);
  }
  connection_settle(connection);
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  const host_t* host = ((connection_t*)handle->data)->host;

  (void)suggested;
  *buffer = uv_buf_init(host->scratch, (unsigned int)host->scratch_bytes);
}

static void parse_rest(connection_t* connection) {
  while (connection->rest.len > 0 && may_begin(connection) && !connection->is_closing) {
    bytes_t rest = connection->rest;

    connection->rest = (bytes_t){.data = NULL};
    parse(connection, rest.data, rest.len);
    bytes_free(&rest);
    finish_answered(connection);
  }
}

/* After the last request it is read from too, and what comes is thrown away: so its end is seen. */
static void read_or_stop(connection_t* connection) {
  const exchanges_t* exchanges = &connection->exchanges;
  int wanted = !connection->has_ended && !connection->wants_room &&
               (exchanges->is_last || exchange_may_begin(exchanges));

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

/* ---- Time ------------------------------------------------------------------------------------ */

static deadline_t what_it_waits_for(const connection_t* connection) {
  if (connection->is_lingering) return DEADLINE_LINGER;
  if (connection->is_writing) return DEADLINE_WRITE;
  if (connection->stream != NULL) return DEADLINE_NONE;
  if (connection->parser.is_in_message && connection->is_reading) return DEADLINE_MESSAGE;
  return connection->exchanges.first != NULL ? DEADLINE_NONE : DEADLINE_IDLE;
}

static void set_deadline(connection_t* connection) {
  const host_t* host = connection->host;
  deadline_t waits_for = what_it_waits_for(connection);
  uint64_t idle_ms = host->idle_ms;

  if (waits_for == connection->waits_for) return;
  connection->waits_for = waits_for;
  if (waits_for == DEADLINE_LINGER || host->is_served) idle_ms = LINGER_MS;
  connection->deadline = uv_now(host->loop) + idle_ms;
}

void connection_check_time(connection_t* connection, uint64_t now) {
  if (connection->is_closing || connection->waits_for == DEADLINE_NONE ||
      now < connection->deadline)
    return;
  if (connection->waits_for == DEADLINE_MESSAGE) {
    refuse_client(connection, 408);
    connection_settle(connection);
  } else if (connection->waits_for == DEADLINE_IDLE) {
    connection_end(connection);
  } else {
    close_now(connection);
  }
}

/* ---- Together -------------------------------------------------------------------------------- */

void connection_settle(connection_t* connection) {
  if (connection->is_closing || connection->is_parsing) return;
  finish_answered(connection);
  parse_rest(connection);
  if (connection->exchanges.is_last) bytes_free(&connection->rest);
  if (connection->exchanges.out.has_failed) close_now(connection);
  if (connection->is_closing) return;
  write_out(connection);
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
  if (connection->exchanges.first == NULL && connection->stream == NULL &&
      !connection->parser.is_in_message) {
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
