/* SPDX-License-Identifier: MIT */
/* The values that a sink has taken and the server has not confirmed: a ring of their bytes.
 *
 *     confirmed | on their way | taken, not sent | free
 *    -----------+--------------+-----------------+-----------------
 *               head           sent              tail     head + size
 *
 * Positions only grow. The number of the value at position p is confirmed + 1 + (p - head).
 * I1. head <= sent <= tail <= head + size. The loop's thread alone. */
#ifndef UVCHAN_REDIS_WINDOW_H
#define UVCHAN_REDIS_WINDOW_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  unsigned char* bytes;
  size_t elem_size;
  uint64_t size; /* values */
  uint64_t head;
  uint64_t sent;
  uint64_t tail;
  uint64_t confirmed; /* the number of the last value that is in the stream */
} uvchan__redis_window_t;

static inline void* uvchan__redis_window_at(const uvchan__redis_window_t* window, uint64_t p) {
  return window->bytes + (size_t)(p % window->size) * window->elem_size;
}

static inline uint64_t uvchan__redis_window_free(const uvchan__redis_window_t* window) {
  return window->size - (window->tail - window->head);
}

/* Free places side by side from tail on. */
static inline size_t uvchan__redis_window_side_by_side(const uvchan__redis_window_t* window) {
  uint64_t to_end = window->size - window->tail % window->size;
  uint64_t room = uvchan__redis_window_free(window);

  return (size_t)(room < to_end ? room : to_end);
}

/* The number of the first value that is not sent. */
static inline uint64_t uvchan__redis_window_next(const uvchan__redis_window_t* window) {
  return window->confirmed + 1 + (window->sent - window->head);
}

/* All up to this number are in the stream. Answers how many that are more than before; a number
 * that is not taken yet can only be another producer's, and confirms what is here and no more. */
static inline uint64_t uvchan__redis_window_confirm(uvchan__redis_window_t* window, uint64_t last) {
  uint64_t n = last > window->confirmed ? last - window->confirmed : 0;

  if (n > window->tail - window->head) n = window->tail - window->head;
  window->head += n;
  window->confirmed += n;
  if (window->sent < window->head) window->sent = window->head;
  return n;
}

#endif /* UVCHAN_REDIS_WINDOW_H */
