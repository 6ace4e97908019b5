/* SPDX-License-Identifier: MIT */
/* Growing memory: doubled when it is full, so that adding costs the same on average however much
 * there is. */
#include "http/bytes.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 512
#define KEPT 16384

static int make_room(bytes_t* bytes, size_t len) {
  size_t capacity = bytes->capacity < LEAST ? LEAST : bytes->capacity;
  char* data;

  if (bytes->has_failed) return 0;
  if (len <= bytes->capacity - bytes->len) return 1;
  while (capacity - bytes->len < len && capacity <= SIZE_MAX / 2) capacity *= 2;
  data = capacity - bytes->len < len ? NULL : realloc(bytes->data, capacity);
  if (data == NULL) {
    bytes->has_failed = 1;
    return 0;
  }
  bytes->data = data;
  bytes->capacity = capacity;
  return 1;
}

void bytes_add(bytes_t* bytes, const void* data, size_t len) {
  if (len == 0 || !make_room(bytes, len)) return;
  memcpy(bytes->data + bytes->len, data, len);
  bytes->len += len;
}

void bytes_add_text(bytes_t* bytes, const char* text) { bytes_add(bytes, text, strlen(text)); }

void bytes_printf(bytes_t* bytes, const char* format, ...) {
  va_list args;
  int len;

  va_start(args, format);
  len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0 || !make_room(bytes, (size_t)len + 1)) return;
  va_start(args, format);
  vsnprintf(bytes->data + bytes->len, (size_t)len + 1, format, args);
  va_end(args);
  bytes->len += (size_t)len;
}

void bytes_skip(bytes_t* bytes, size_t n) {
  if (n == 0) return;
  bytes->len -= n;
  memmove(bytes->data, bytes->data + n, bytes->len);
}

void bytes_clear(bytes_t* bytes) {
  bytes->len = 0;
  if (bytes->capacity > KEPT) bytes_free(bytes);
}

void bytes_free(bytes_t* bytes) {
  free(bytes->data);
  *bytes = (bytes_t){.data = NULL};
}
