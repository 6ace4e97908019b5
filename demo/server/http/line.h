/* SPDX-License-Identifier: MIT */
/* The request line: method, target, version (RFC 9112, 3). Knows no other line. Threads: any. */
#ifndef LINE_H
#define LINE_H

#include "http/request.h"

typedef struct {
  method_t method;
  const char* method_name;
  const char* target;
  size_t target_len;
  int minor; /* of the version, whose major is 1 */
} line_t;

/* Takes the line apart, without its end. Answers 0, or the status to refuse the client with: 400
 * where it is malformed, 501 for a method that nobody here knows, 505 for another major version,
 * 421 for a target at another kind of server. */
int line_read(line_t* line, const char* text, size_t len);

/* Writes the target as the service sees it: the path and the query, or "*". */
void line_write_target(const line_t* line, bytes_t* out);

/* Whether it is host [":" port], as in a Host field or in a target; the host may be empty there. */
int line_is_authority(const char* text, size_t len);

#endif /* LINE_H */
