/* SPDX-License-Identifier: MIT */
/* Values that grow old, in the calls of threads: the stores and the ways that such tests go
 * through. */
#ifndef AGING_WAYS_H
#define AGING_WAYS_H

#include "aging.h"
#include "ways.h"

/* Capacities that buffer without a started receiver. */
static const size_t stores[] = {1, 3, 16, UVCHAN_UNBOUNDED};
#define NSTORES 4
#define NBOUNDED 3
#define STORE(i) stores[(i) % NSTORES]

static inline size_t fits(size_t capacity) { return capacity < 5 ? capacity : 5; }

/* Loop number: store, then way, then whether there is a drop_cb. */
#define WAY(i) ((way_t)((i) / NSTORES % NWAYS))
#define HAS_DROPS(i) ((i) < NSTORES * NWAYS)
#define NTABLE (2 * NSTORES * NWAYS)

/* Who waits for one value, or with one, on a thread of its own. */
typedef struct {
  uvchan_t* ch;
  uint64_t value;
  int r;
} one_t;

static inline void send_one(void* arg) {
  one_t* one = arg;
  one->r = uvchan_send_wait(one->ch, &one->value);
}

static inline void receive_one(void* arg) {
  one_t* one = arg;
  one->r = uvchan_recv_wait(one->ch, &one->value);
}

#endif /* AGING_WAYS_H */
