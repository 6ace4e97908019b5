/* From bytes to requests: collects a message, holds it to its limits, and tells when it is whole.
 * The one room that knows http_parser; it does not know who takes the requests, nor how they are
 * answered. Threads: one at a time for each parser. */
#ifndef PARSE_H
#define PARSE_H

#include <http_parser.h>
#include <stddef.h>

#include "http/request.h"

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

/* The headers of the message that is being read, as far as they matter. */
typedef struct {
  unsigned int nhosts;
  int expects_continue;
  int are_complete;
  char name[24]; /* of the header being read; a longer one is none of ours */
  char value[64];
  size_t name_len;
  size_t value_len;
  int is_in_value;
} headers_t;

struct parser_s {
  http_parser http;
  const parser_calls_t* calls;
  void* data;        /* of who takes the requests */
  size_t body_bytes; /* at most */
  request_t request;
  headers_t headers;
  int is_in_message;
  int refusal; /* the status that a callback has refused the client with, or 0 */
};

/* For all parsers: before any is opened.
 *   header_bytes   at most, in the headers of a message with its request line */
void parse_set_limits(size_t header_bytes);

void parse_open(parser_t* parser, const parser_calls_t* calls, void* data, size_t body_bytes);

/* Parses as far as requests are taken; *nparsed bytes were. Answers 0, or the status to refuse the
 * client with. */
int parse_more(parser_t* parser, const char* data, size_t len, size_t* nparsed);

/* Gives back the memory of the request that is being read. */
void parse_close(parser_t* parser);

#endif /* PARSE_H */
