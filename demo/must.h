/* SPDX-License-Identifier: MIT */
/* What the demo programs do about an error: they say it and end. With that, each call is checked
 * and the story stays in sight. A server would answer the one request that failed, and go on. */
#ifndef MUST_H
#define MUST_H

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/* Answers what the call answered, and does not return where that is one of libuv's errors. */
static inline int must(const char* what, int result) {
  if (result >= 0) return result;
  fprintf(stderr, "error: %s: %s\n", what, uv_strerror(result));
  exit(EXIT_FAILURE);
}

/* The last call of a program: what was printed has reached its reader, or the exit code says that
 * it has not. */
static inline void must_have_printed(void) {
  int flushed = fflush(stdout) == 0;

  must("write to the standard output", flushed && !ferror(stdout) ? 0 : UV_EIO);
}

#endif /* MUST_H */
