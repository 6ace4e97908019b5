/* SPDX-License-Identifier: MIT */
/* The two libraries have the same callbacks, and differ in how they begin and how they tell of an
 * error. */
#include "http/reader.h"

static int on_header_field(library_t* library, const char* at, size_t n) {
  reader_t* reader = library->data;

  reader->calls->name(reader->data, at, n);
  return 0;
}

static int on_header_value(library_t* library, const char* at, size_t n) {
  reader_t* reader = library->data;

  reader->calls->value(reader->data, at, n);
  return 0;
}

/* No other protocol is spoken here: the request is answered as if it had not asked. */
static int on_headers_complete(library_t* library) {
  library->upgrade = 0;
  return 0;
}

static int on_body(library_t* library, const char* at, size_t n) {
  reader_t* reader = library->data;

  reader->calls->body(reader->data, at, n);
  return 0;
}

static int on_message_complete(library_t* library) {
  reader_t* reader = library->data;

  reader->is_complete = 1;
  return 0;
}

#ifdef SERVER_HAS_LLHTTP
static const llhttp_settings_t settings = {
#else
static const http_parser_settings settings = {
#endif
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete};

void reader_open(reader_t* reader, const reader_calls_t* calls, void* data) {
  *reader = (reader_t){.calls = calls, .data = data};
#ifdef SERVER_HAS_LLHTTP
  llhttp_init(&reader->library, HTTP_REQUEST, &settings);
#else
  http_parser_init(&reader->library, HTTP_REQUEST);
#endif
  reader->library.data = reader;
}

int reader_take(reader_t* reader, const char* bytes, size_t len) {
#ifdef SERVER_HAS_LLHTTP
  return llhttp_execute(&reader->library, bytes, len) == HPE_OK;
#else
  if (len == 0) return 1; /* which would stand for the end of the connection */
  return http_parser_execute(&reader->library, &settings, bytes, len) == len &&
         HTTP_PARSER_ERRNO(&reader->library) == HPE_OK;
#endif
}
