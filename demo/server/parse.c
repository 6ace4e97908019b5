/* From bytes to requests, with http_parser. A callback that refuses sets the connection's refusal
 * and stops the parser; one that has completed a request after which no further one is taken just
 * now pauses it. */
#include "parse.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "exchange.h"
#include "routes.h"

static int refuse(connection_t* connection, int status) {
  connection->refusal = status;
  return -1;
}

/* ---- Headers --------------------------------------------------------------------------------- */

static int begins_with(const char* text, const char* start) {
  return strncasecmp(text, start, strlen(start)) == 0;
}

static content_t content_of(const char* type) {
  if (begins_with(type, "application/json")) return CONTENT_JSON;
  return begins_with(type, "application/x-www-form-urlencoded") ? CONTENT_FORM : CONTENT_OTHER;
}

static void take_header(request_t* request) {
  request->name[request->name_len < sizeof(request->name) ? request->name_len : 0] = '\0';
  request->value[request->value_len < sizeof(request->value) ? request->value_len
                                                             : sizeof(request->value) - 1] = '\0';
  if (strcasecmp(request->name, "host") == 0) request->nhosts++;
  if (strcasecmp(request->name, "content-type") == 0) request->content = content_of(request->value);
  if (strcasecmp(request->name, "expect") == 0)
    request->expects_continue = strcasecmp(request->value, "100-continue") == 0;
  request->name_len = request->value_len = 0;
  request->is_in_value = 0;
}

/* What does not fit is counted and not kept. */
static void collect(char* text, size_t size, size_t* len, const char* at, size_t n) {
  size_t room = *len < size ? size - *len : 0;

  memcpy(text + (*len < size ? *len : 0), at, n < room ? n : room);
  *len += n;
}

/* The parser is lenient here, and another server in front of this one might read such a header
 * otherwise. */
static int is_token(const char* at, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!isalnum((unsigned char)at[i]) &&
        (at[i] == '\0' || strchr("!#$%&'*+-.^_`|~", at[i]) == NULL))
      return 0;
  }
  return 1;
}

static int has_control_characters(const char* at, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (((unsigned char)at[i] < 0x20 && at[i] != '\t') || at[i] == 0x7f) return 1;
  }
  return 0;
}

static int on_header_field(http_parser* parser, const char* at, size_t n) {
  connection_t* connection = parser->data;
  request_t* request = &connection->request;

  if (!is_token(at, n)) return refuse(connection, 400);
  if (request->is_past_headers) return 0; /* a trailer */
  if (request->is_in_value) take_header(request);
  collect(request->name, sizeof(request->name), &request->name_len, at, n);
  return 0;
}

static int on_header_value(http_parser* parser, const char* at, size_t n) {
  connection_t* connection = parser->data;
  request_t* request = &connection->request;

  if (has_control_characters(at, n)) return refuse(connection, 400);
  if (request->is_past_headers) return 0;
  request->is_in_value = 1;
  collect(request->value, sizeof(request->value), &request->value_len, at, n);
  return 0;
}

/* A client that asks first whether to send its body is told to, where nothing else is under way;
 * elsewhere it sends it after a while. */
static void tell_to_continue(connection_t* connection) {
  if (connection->request.expects_continue && connection->first == NULL)
    bytes_add_text(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
}

static int on_headers_complete(http_parser* parser) {
  connection_t* connection = parser->data;
  request_t* request = &connection->request;
  int is_new = parser->http_minor > 0;

  if (request->is_in_value) take_header(request);
  request->is_past_headers = 1;
  if (parser->http_major != 1 || request->nhosts > 1 || (is_new && request->nhosts == 0))
    return refuse(connection, 400);
  if (parser->content_length != UINT64_MAX &&
      parser->content_length > connection->desk->house->options.body_bytes) {
    return refuse(connection, 413);
  }
  /* no other protocol is spoken here: the request is answered as if it had not asked */
  parser->upgrade = 0;
  if (is_new) tell_to_continue(connection);
  return 0;
}

/* ---- The rest of a message ------------------------------------------------------------------- */

static int on_message_begin(http_parser* parser) {
  connection_t* connection = parser->data;
  request_t* request = &connection->request;
  bytes_t target = request->target, body = request->body;

  bytes_clear(&target);
  bytes_clear(&body);
  *request = (request_t){.target = target, .body = body};
  connection->is_in_message = 1;
  connection->waits_for = DEADLINE_NONE; /* the time for this message begins */
  return 0;
}

/* The parser's limit on headers counts the request line too. */
static int on_url(http_parser* parser, const char* at, size_t n) {
  connection_t* connection = parser->data;

  bytes_add(&connection->request.target, at, n);
  return connection->request.target.has_failed ? refuse(connection, 500) : 0;
}

static int on_body(http_parser* parser, const char* at, size_t n) {
  connection_t* connection = parser->data;
  bytes_t* body = &connection->request.body;

  if (n > connection->desk->house->options.body_bytes - body->len) return refuse(connection, 413);
  bytes_add(body, at, n);
  return body->has_failed ? refuse(connection, 500) : 0;
}

static int on_message_complete(http_parser* parser) {
  connection_t* connection = parser->data;
  exchange_t* exchange = exchange_add(connection);

  connection->is_in_message = 0;
  if (exchange == NULL) return refuse(connection, 500);
  exchange->is_old = parser->http_minor == 0;
  exchange->keeps_alive = http_should_keep_alive(parser);
  exchange->is_head = parser->method == HTTP_HEAD;
  if (!exchange->keeps_alive) connection->is_last = 1;
  routes_handle(exchange, (enum http_method)parser->method);
  exchange_finish_answered(connection);
  if (!exchange_may_begin(connection)) http_parser_pause(parser, 1);
  return 0;
}

/* ---- Parsing --------------------------------------------------------------------------------- */

static const http_parser_settings settings = {.on_message_begin = on_message_begin,
                                              .on_url = on_url,
                                              .on_header_field = on_header_field,
                                              .on_header_value = on_header_value,
                                              .on_headers_complete = on_headers_complete,
                                              .on_body = on_body,
                                              .on_message_complete = on_message_complete};

void parse_set_limits(const options_t* options) {
  http_parser_set_max_header_size((uint32_t)options->header_bytes);
}

void parse_open(connection_t* connection) {
  http_parser_init(&connection->parser, HTTP_REQUEST);
  connection->parser.data = connection;
}

void parse_close(connection_t* connection) {
  bytes_free(&connection->request.target);
  bytes_free(&connection->request.body);
}

int parse_more(connection_t* connection, const char* data, size_t len) {
  http_parser* parser = &connection->parser;
  enum http_errno error;
  size_t parsed;

  http_parser_pause(parser, 0);
  parsed = http_parser_execute(parser, &settings, data, len);
  error = HTTP_PARSER_ERRNO(parser);
  if (connection->refusal != 0) return connection->refusal;
  if (error == HPE_HEADER_OVERFLOW) return 431;
  if (error != HPE_OK && error != HPE_PAUSED) return 400;
  bytes_add(&connection->rest, data + parsed, len - parsed);
  return connection->rest.has_failed ? 500 : 0;
}
