/* SPDX-License-Identifier: MIT */
/* A piece of memory that grows at its end. Knows nothing of what is in it. Threads: one at a time.
 *
 * Where memory runs out it is marked failed and takes nothing more, so that whoever fills it looks
 * once, at the end. */
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>

typedef struct {
  char* data; /* NULL where nothing was added yet */
  size_t len;
  size_t capacity;
  int has_failed;
} bytes_t;

void bytes_add(bytes_t* bytes, const void* data, size_t len);
void bytes_add_text(bytes_t* bytes, const char* text);
void bytes_printf(bytes_t* bytes, const char* format, ...) __attribute__((format(printf, 2, 3)));

/* Takes away the first n. */
void bytes_skip(bytes_t* bytes, size_t n);

/* Empties it, and keeps its memory unless that is large; the second gives the memory back. */
void bytes_clear(bytes_t* bytes);
void bytes_free(bytes_t* bytes);

#endif /* BYTES_H */
