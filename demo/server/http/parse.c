/* SPDX-License-Identifier: MIT */
/* From bytes to requests: the wire cuts them into parts, the reader takes those apart, and here it
 * is judged what the parts say. */
#include "http/parse.h"

#include <stdio.h>
#include <string.h>

static size_t most_header_bytes = 16384; /* fixed once a parser is open */

/* ---- Fields ---------------------------------------------------------------------------------- */

static void end_field(parser_t* parser) {
  if (parser->is_in_value && parser->field != FIELD_OTHER)
    fields_add(&parser->fields, parser->field, parser->value.data, parser->value.len);
  bytes_clear(&parser->value);
  parser->name_len = 0;
  parser->is_in_value = 0;
}

/* What does not fit is counted and not kept. */
static void on_name(void* data, const char* at, size_t n) {
  parser_t* parser = data;
  size_t len, room;

  if (parser->is_in_value) end_field(parser);
  len = parser->name_len;
  room = len < sizeof(parser->name) ? sizeof(parser->name) - len : 0;
  if (room > 0) memcpy(parser->name + len, at, n < room ? n : room);
  parser->name_len += n;
}

static void on_value(void* data, const char* at, size_t n) {
  parser_t* parser = data;

  if (!parser->is_in_value) {
    parser->is_in_value = 1;
    parser->field = parser->name_len > sizeof(parser->name)
                        ? FIELD_OTHER
                        : fields_find(parser->name, parser->name_len);
  }
  if (parser->field != FIELD_OTHER) bytes_add(&parser->value, at, n);
}

static void on_body(void* data, const char* at, size_t n) {
  parser_t* parser = data;

  bytes_add(&parser->request.body, at, n);
}

static const reader_calls_t reader_calls = {.name = on_name, .value = on_value, .body = on_body};

/* ---- The parts of a message ------------------------------------------------------------------ */

static void begin_message(parser_t* parser) {
  request_t* request = &parser->request;
  bytes_t target = request->target, body = request->body;

  bytes_clear(&target);
  bytes_clear(&body);
  *request = (request_t){.method = METHOD_OTHER, .target = target, .body = body};
  parser->fields = (fields_t){.nhosts = 0};
  parser->reader.is_complete = 0;
  parser->is_in_message = 1;
  parser->calls->begun(parser);
}

/* The library has the line from here. A later version of HTTP/1 is read like the latest that is
 * known (RFC 9110, 2.5). */
static int end_line(parser_t* parser) {
  bytes_t* text = &parser->wire.line;
  request_t* request = &parser->request;
  line_t line;
  int status = line_read(&line, text->data, text->len);

  if (status != 0) return status;
  request->method = line.method;
  request->method_name = line.method_name;
  request->is_old = line.minor == 0;
  line_write_target(&line, &request->target);
  if (line.minor > 1) text->data[text->len - 1] = '1';
  bytes_add_text(text, "\r\n");
  if (request->target.has_failed || text->has_failed) return 500;
  return reader_take(&parser->reader, text->data, text->len) ? 0 : 400;
}

static void expect_rest(parser_t* parser) {
  fields_t* fields = &parser->fields;
  int is_chunked = fields->ntransfers > 0;

  if (is_chunked) {
    wire_expect_chunks(&parser->wire, parser->body_bytes);
  } else {
    wire_expect_body(&parser->wire, fields->length);
  }
  if (fields->expects_continue && !parser->request.is_old && parser->wire.at != WIRE_END)
    parser->calls->continues(parser);
}

static int end_head(parser_t* parser) {
  request_t* request = &parser->request;
  fields_t* fields = &parser->fields;
  int failed = parser->value.has_failed;
  int status;

  end_field(parser);
  if (failed) return 500;
  status = fields_judge(fields, request->is_old);
  if (status != 0) return status;
  if (fields->length > parser->body_bytes) return 413;
  request->content = fields->content;
  request->keeps_alive = fields_keep_alive(fields, request->is_old);
  expect_rest(parser);
  return 0;
}

/* Extensions are passed over (RFC 9112, 7.1.1): the library sees the size alone. */
static int end_size(parser_t* parser) {
  char line[24];
  int len = snprintf(line, sizeof(line), "%llx\r\n", (unsigned long long)parser->wire.left);

  return reader_take(&parser->reader, line, (size_t)len) ? 0 : 400;
}

/* Of a trailer it sees the end: no field in it counts for anything (RFC 9110, 6.5.1). */
static int end_trailer(parser_t* parser) {
  return reader_take(&parser->reader, "\r\n", 2) ? 0 : 400;
}

static int end_message(parser_t* parser) {
  parser->is_in_message = 0;
  if (parser->request.body.has_failed) return 500;
  return parser->calls->complete(parser);
}

/* ---- Parsing --------------------------------------------------------------------------------- */

/* What the bytes are that the library has to see next. */
static int hand_on(parser_t* parser, const char* data, size_t len) {
  wire_t* wire = &parser->wire;

  if (wire_is_keeping(wire)) return 0;
  if (wire->at == WIRE_LINE_END) return end_line(parser);
  if (wire->at == WIRE_SIZE_END) return end_size(parser);
  if (wire->at == WIRE_END && wire->is_chunked) return end_trailer(parser);
  return reader_take(&parser->reader, data, len) ? 0 : 400;
}

/* Bytes that the wire has seen, up to the end of a part or of what there is. */
static int take_part(parser_t* parser, const char* data, size_t len) {
  wire_t* wire = &parser->wire;
  int status = hand_on(parser, data, len);

  if (status == 0 && wire->at == WIRE_HEAD_END) status = end_head(parser);
  if (status != 0) return status;
  if (parser->is_in_message && parser->reader.is_complete != (wire->at == WIRE_END)) return 400;
  return wire->at == WIRE_END ? end_message(parser) : 0;
}

/* The wire does not let the last of the bytes through. What came before it is looked at first, so
 * that the status is the same wherever bytes are parted. */
static int refuse_last(parser_t* parser, int status, const char* data, size_t len) {
  if (wire_is_keeping(&parser->wire)) return status;
  return reader_take(&parser->reader, data, len - 1) ? status : 400;
}

void parse_set_limits(size_t header_bytes) { most_header_bytes = header_bytes; }

void parse_open(parser_t* parser, const parser_calls_t* calls, void* data, size_t body_bytes) {
  *parser = (parser_t){.calls = calls, .data = data, .body_bytes = body_bytes};
  parser->wire.head_bytes = most_header_bytes;
  reader_open(&parser->reader, &reader_calls, parser);
}

void parse_close(parser_t* parser) {
  bytes_free(&parser->request.target);
  bytes_free(&parser->request.body);
  bytes_free(&parser->wire.line);
  bytes_free(&parser->value);
}

int parse_more(parser_t* parser, const char* data, size_t len, size_t* nparsed) {
  wire_t* wire = &parser->wire;
  int status = 0;

  *nparsed = 0;
  while (*nparsed < len && status == 0) {
    const char* part = data + *nparsed;
    size_t n;

    status = wire_look(wire, part, len - *nparsed, &n);
    *nparsed += n;
    if (!parser->is_in_message && wire->at > WIRE_BETWEEN_LF) begin_message(parser);
    status = status == 0 ? take_part(parser, part, n) : refuse_last(parser, status, part, n);
  }
  return status == PARSE_PAUSE ? 0 : status;
}
