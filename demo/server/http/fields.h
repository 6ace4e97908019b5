/* SPDX-License-Identifier: MIT */
/* The fields of a request's head that decide how the connection goes on (RFC 9110 and RFC 9112):
 * what they say, and whether it goes together. Knows no other field. Threads: any. */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdint.h>

#include "http/request.h"

typedef enum {
  FIELD_OTHER,
  FIELD_HOST,
  FIELD_CONTENT_LENGTH,
  FIELD_TRANSFER_ENCODING,
  FIELD_CONNECTION,
  FIELD_EXPECT,
  FIELD_CONTENT_TYPE
} field_t;

typedef struct {
  unsigned int nhosts;
  unsigned int nlengths;
  unsigned int ntransfers; /* Transfer-Encoding fields */
  unsigned int nchunked;   /* codings of that name */
  uint64_t length;
  int is_wrong; /* one that has a value it can't have */
  int is_chunked_last;
  int has_unknown_coding;
  int is_closing;
  int is_kept;
  int expects_continue;
  int expects_other;
  content_t content;
} fields_t;

field_t fields_find(const char* name, size_t len);

/* Adds one, with its value as it stands after the colon. */
void fields_add(fields_t* fields, field_t field, const char* value, size_t len);

/* Answers 0, or the status to refuse the client with.
 *   is_old   HTTP/1.0 */
int fields_judge(const fields_t* fields, int is_old);

int fields_keep_alive(const fields_t* fields, int is_old);

#endif /* FIELDS_H */
