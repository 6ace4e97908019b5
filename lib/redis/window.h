/* SPDX-License-Identifier: MIT */
/* The values that a sink has taken and the server has not confirmed: a ring of their bytes, with
 * how many each has.
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
  size_t* lengths; /* NULL: each has `stride` */
  size_t stride;   /* bytes of a value, at most */
  uint64_t size;   /* values */
  uint64_t head;
  uint64_t sent;
  uint64_t tail;
  uint64_t confirmed; /* the number of the last value that is confirmed */
} uvchan__redis_window_t;

static inline void* uvchan__redis_window_at(const uvchan__redis_window_t* window, uint64_t p) {
  return window->bytes + (size_t)(p % window->size) * window->stride;
}

static inline size_t uvchan__redis_window_length(const uvchan__redis_window_t* window, uint64_t p) {
  return window->lengths == NULL ? window->stride : window->lengths[p % window->size];
}

static inline uint64_t uvchan__redis_window_held(const uvchan__redis_window_t* window) {
  return window->tail - window->head;
}

static inline uint64_t uvchan__redis_window_free(const uvchan__redis_window_t* window) {
  return window->size - uvchan__redis_window_held(window);
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

/* How many of those that are held have a number up to this one. A number that is not taken yet can
 * only be somebody else's, and says no more than that all are. */
static inline uint64_t uvchan__redis_window_up_to(const uvchan__redis_window_t* window,
                                                  uint64_t number) {
  uint64_t n = number > window->confirmed ? number - window->confirmed : 0;

  return n < uvchan__redis_window_held(window) ? n : uvchan__redis_window_held(window);
}

/* What is sent next is the first behind this number. */
static inline void uvchan__redis_window_rewind(uvchan__redis_window_t* window, uint64_t number) {
  window->sent = window->head + uvchan__redis_window_up_to(window, number);
}

/* All up to this number are confirmed. Answers how many that are more than before. */
static inline uint64_t uvchan__redis_window_confirm(uvchan__redis_window_t* window,
                                                    uint64_t number) {
  uint64_t n = uvchan__redis_window_up_to(window, number);

  window->head += n;
  window->confirmed += n;
  if (window->sent < window->head) window->sent = window->head;
  return n;
}

#endif /* UVCHAN_REDIS_WINDOW_H */
