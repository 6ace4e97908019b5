/* SPDX-License-Identifier: MIT */
/* What the main loop asks of a counter, through a channel of its own for each. Types alone. */
#ifndef ERRAND_H
#define ERRAND_H

#include <uvchan/typed.h>

struct connection_s;

typedef struct {
  /* A client to serve, that the value carries with it; or NULL: the counter is to tell which orders
   * it has under way. */
  struct connection_s* connection;
} errand_t;

UVCHAN_TYPED(errands, errand_t)

#define ERRANDS_CAPACITY 256

#endif /* ERRAND_H */
