/* SPDX-License-Identifier: MIT */
/* From bytes to requests: collects a message, holds it to its limits, and tells when it is whole.
 * It does not know who takes the requests, nor how they are answered. Threads: one at a time for
 * each parser.
 *
 *   I1  Two read each message, the wire its grammar and a library its fields and its body, and a
 *       request is handed on where both find its end at the same byte. */
#ifndef PARSE_H
#define PARSE_H

#include <stddef.h>

#include "http/fields.h"
#include "http/line.h"
#include "http/reader.h"
#include "http/request.h"
#include "http/wire.h"

/* No status: no further request is taken just now. */
#define PARSE_PAUSE 1

typedef struct parser_s parser_t;

/* Who takes the requests. */
typedef struct {
  void (*begun)(parser_t* parser);     /* a message begins */
  void (*continues)(parser_t* parser); /* its client asks whether to send the body */
  /* parser->request is whole. Answers 0, PARSE_PAUSE, or the status to refuse the client with */
  int (*complete)(parser_t* parser);
} parser_calls_t;

struct parser_s {
  wire_t wire;
  reader_t reader;
  const parser_calls_t* calls;
  void* data;        /* of who takes the requests */
  size_t body_bytes; /* at most */
  request_t request;
  int is_in_message;

  fields_t fields; /* of the message that is being read */
  char name[24];   /* of the field that is being read; a longer one is none of ours */
  size_t name_len;
  field_t field; /* that it is, while its value is read */
  bytes_t value; /* where it is one of ours */
  int is_in_value;
};

/* For all parsers: before any is opened.
 *   header_bytes   at most, in the fields of a message with its request line; 16384 where nobody
 *                  says so */
void parse_set_limits(size_t header_bytes);

void parse_open(parser_t* parser, const parser_calls_t* calls, void* data, size_t body_bytes);

/* Parses as far as requests are taken; *nparsed bytes were. Answers 0, or the status to refuse the
 * client with. */
int parse_more(parser_t* parser, const char* data, size_t len, size_t* nparsed);

/* Gives back the memory of the request that is being read. */
void parse_close(parser_t* parser);

#endif /* PARSE_H */
