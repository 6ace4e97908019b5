/* SPDX-License-Identifier: MIT */
/* An answer as HTTP/1.1 writes it. Knows nothing of who asked, nor where the bytes go. Threads:
 * any. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>

#include "http/bytes.h"

typedef struct {
  int status;
  const char* type;
  const char* headers; /* further ones, each with its end of line, or NULL */
  const void* body;
  size_t len;
  int keeps_alive;
  int is_old;    /* HTTP/1.0 */
  int is_head;   /* without its body, but it says how long that would be */
  int is_stream; /* without a length: it goes on until the connection ends */
} answer_t;

/* Adds the answer to *out.
 *   date   as HTTP writes it */
void answer_write(bytes_t* out, const answer_t* answer, const char* date);

/* Why a request is refused that nobody has handled, in words; NULL for what a service says. */
const char* answer_why(int status);

#endif /* ANSWER_H */
