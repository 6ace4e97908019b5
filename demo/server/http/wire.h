/* SPDX-License-Identifier: MIT */
/* Bytes, held to the grammar of HTTP/1.1 (RFC 9112) ahead of whoever reads them, and cut where one
 * part of a message ends. Knows what a message is made of, and not what it says. Threads: one at a
 * time.
 *
 * Parsers differ in what they put up with: a line that ends in LF alone, a line folded into the
 * next, a chunk without its end. Where two of them on one way disagree, what is the body of one
 * request to the first is a request to the second. So none of that gets past here, whichever
 * library reads behind it. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "http/bytes.h"

typedef enum {
  WIRE_BETWEEN, /* messages: an empty line is passed over */
  WIRE_BETWEEN_LF,
  WIRE_LINE,
  WIRE_LINE_LF,
  WIRE_LINE_END, /* the request line is whole */
  WIRE_FIELD,    /* a line begins, of the head or of the trailer */
  WIRE_NAME,
  WIRE_VALUE,
  WIRE_VALUE_LF,
  WIRE_FIELDS_LF,
  WIRE_HEAD_END, /* the head is whole: whoever reads it says what follows */
  WIRE_BODY,
  WIRE_SIZE, /* the line ahead of a chunk */
  WIRE_SIZE_DIGIT,
  WIRE_SIZE_SPACE,
  WIRE_EXTENSION,
  WIRE_SIZE_LF,
  WIRE_SIZE_END, /* that line is whole: `left` bytes follow */
  WIRE_CHUNK,
  WIRE_CHUNK_CR,
  WIRE_CHUNK_LF,
  WIRE_CHUNK_END,
  WIRE_END /* the message is whole */
} wire_at_t;

typedef struct {
  wire_at_t at;
  bytes_t line;      /* the request line, without its end */
  size_t nbytes;     /* of the head, the trailer, or the line ahead of a chunk */
  size_t head_bytes; /* that may come */
  int is_chunked;
  uint64_t left;       /* bytes to come of the body, or of the chunk */
  uint64_t body_bytes; /* that may still come */
} wire_t;

/* Looks at bytes until a part of a message ends, where wire->at is one of WIRE_..._END, or all are
 * seen; *nseen were. Answers 0, or the status to refuse the client with. */
int wire_look(wire_t* wire, const char* data, size_t len, size_t* nseen);

/* Whether it is within what it keeps, and nobody else has to see in pieces: the request line, the
 * line ahead of a chunk, the trailer. */
int wire_is_keeping(const wire_t* wire);

/* After WIRE_HEAD_END: how long the body is, 0 for none, or that it comes in chunks, of so many
 * bytes at most. */
void wire_expect_body(wire_t* wire, uint64_t len);
void wire_expect_chunks(wire_t* wire, uint64_t body_bytes);

/* Of a method, of the name of a field, and the like. */
int wire_is_token(const char* text, size_t len);

#endif /* WIRE_H */
