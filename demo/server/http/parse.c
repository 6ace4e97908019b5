/* From bytes to requests, with http_parser. A callback that refuses sets the parser's refusal and
 * stops it; one that has completed a request after which no further one is taken just now pauses
 * it. */
#include "http/parse.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static int refuse(parser_t* parser, int status) {
  parser->refusal = status;
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

static void take_header(parser_t* parser) {
  headers_t* headers = &parser->headers;

  headers->name[headers->name_len < sizeof(headers->name) ? headers->name_len : 0] = '\0';
  headers->value[headers->value_len < sizeof(headers->value) ? headers->value_len
                                                             : sizeof(headers->value) - 1] = '\0';
  if (strcasecmp(headers->name, "host") == 0) headers->nhosts++;
  if (strcasecmp(headers->name, "content-type") == 0)
    parser->request.content = content_of(headers->value);
  if (strcasecmp(headers->name, "expect") == 0)
    headers->expects_continue = strcasecmp(headers->value, "100-continue") == 0;
  headers->name_len = headers->value_len = 0;
  headers->is_in_value = 0;
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

static int on_header_field(http_parser* http, const char* at, size_t n) {
  parser_t* parser = http->data;
  headers_t* headers = &parser->headers;

  if (!is_token(at, n)) return refuse(parser, 400);
  if (headers->are_complete) return 0; /* a trailer */
  if (headers->is_in_value) take_header(parser);
  collect(headers->name, sizeof(headers->name), &headers->name_len, at, n);
  return 0;
}

static int on_header_value(http_parser* http, const char* at, size_t n) {
  parser_t* parser = http->data;
  headers_t* headers = &parser->headers;

  if (has_control_characters(at, n)) return refuse(parser, 400);
  if (headers->are_complete) return 0;
  headers->is_in_value = 1;
  collect(headers->value, sizeof(headers->value), &headers->value_len, at, n);
  return 0;
}

static int on_headers_complete(http_parser* http) {
  parser_t* parser = http->data;
  headers_t* headers = &parser->headers;
  int is_new = http->http_minor > 0;

  if (headers->is_in_value) take_header(parser);
  headers->are_complete = 1;
  if (http->http_major != 1 || headers->nhosts > 1 || (is_new && headers->nhosts == 0))
    return refuse(parser, 400);
  if (http->content_length != UINT64_MAX && http->content_length > parser->body_bytes)
    return refuse(parser, 413);
  /* no other protocol is spoken here: the request is answered as if it had not asked */
  http->upgrade = 0;
  if (is_new && headers->expects_continue) parser->calls->continues(parser);
  return 0;
}

/* ---- The rest of a message ------------------------------------------------------------------- */

static int on_message_begin(http_parser* http) {
  parser_t* parser = http->data;
  request_t* request = &parser->request;
  bytes_t target = request->target, body = request->body;

  bytes_clear(&target);
  bytes_clear(&body);
  *request = (request_t){.target = target, .body = body};
  parser->headers = (headers_t){.nhosts = 0};
  parser->is_in_message = 1;
  parser->calls->begun(parser);
  return 0;
}

/* The parser's limit on headers counts the request line too. */
static int on_url(http_parser* http, const char* at, size_t n) {
  parser_t* parser = http->data;

  bytes_add(&parser->request.target, at, n);
  return parser->request.target.has_failed ? refuse(parser, 500) : 0;
}

static int on_body(http_parser* http, const char* at, size_t n) {
  parser_t* parser = http->data;
  bytes_t* body = &parser->request.body;

  if (n > parser->body_bytes - body->len) return refuse(parser, 413);
  bytes_add(body, at, n);
  return body->has_failed ? refuse(parser, 500) : 0;
}

static method_t method_of(const http_parser* http) {
  switch (http->method) {
    case HTTP_GET:
      return METHOD_GET;
    case HTTP_HEAD:
      return METHOD_HEAD;
    case HTTP_POST:
      return METHOD_POST;
    default:
      return METHOD_OTHER;
  }
}

static int on_message_complete(http_parser* http) {
  parser_t* parser = http->data;
  request_t* request = &parser->request;
  int r;

  parser->is_in_message = 0;
  request->method = method_of(http);
  request->method_name = http_method_str((enum http_method)http->method);
  request->is_old = http->http_minor == 0;
  request->keeps_alive = http_should_keep_alive(http);
  r = parser->calls->complete(parser);
  if (r != 0 && r != PARSE_PAUSE) return refuse(parser, r);
  if (r == PARSE_PAUSE) http_parser_pause(http, 1);
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

void parse_set_limits(size_t header_bytes) {
  http_parser_set_max_header_size((uint32_t)header_bytes);
}

void parse_open(parser_t* parser, const parser_calls_t* calls, void* data, size_t body_bytes) {
  *parser = (parser_t){.calls = calls, .data = data, .body_bytes = body_bytes};
  http_parser_init(&parser->http, HTTP_REQUEST);
  parser->http.data = parser;
}

void parse_close(parser_t* parser) {
  bytes_free(&parser->request.target);
  bytes_free(&parser->request.body);
}

int parse_more(parser_t* parser, const char* data, size_t len, size_t* nparsed) {
  enum http_errno error;

  http_parser_pause(&parser->http, 0);
  *nparsed = http_parser_execute(&parser->http, &settings, data, len);
  error = HTTP_PARSER_ERRNO(&parser->http);
  if (parser->refusal != 0) return parser->refusal;
  if (error == HPE_HEADER_OVERFLOW) return 431;
  return error == HPE_OK || error == HPE_PAUSED ? 0 : 400;
}
