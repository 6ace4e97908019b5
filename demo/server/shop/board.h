/* SPDX-License-Identifier: MIT */
/* The board: what is counted, for /stats, /metrics and the live page. Threads: any.
 *
 * At rest arrived == ready + lost + rejected + gave_up, and waiting == baking == 0. */
#ifndef BOARD_H
#define BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "shop/histogram.h"
#include "shop/options.h"

#define STATUSES 600

typedef struct {
  atomic_uint_least64_t arrived; /* well-formed orders */
  atomic_uint_least64_t waiting; /* in the kitchen, or for room in it */
  atomic_uint_least64_t baking;
  atomic_uint_least64_t outside; /* of those that wait: for room on the way to bakers elsewhere */
  atomic_uint_least64_t threads_elsewhere; /* that bake for this server, as bakers have told */
  atomic_uint_least64_t ready;
  atomic_uint_least64_t lost;
  atomic_uint_least64_t rejected; /* no room, or closed */
  /* waited too long, or until the kitchen ended, or their customer left: never baked */
  atomic_uint_least64_t gave_up;
  atomic_uint_least64_t gone;                      /* came back and found their customer gone */
  atomic_uint_least64_t numbers;                   /* the last number that was given out */
  atomic_uint_least64_t typical_us;                /* that baking takes; see board_learn_baking() */
  atomic_uint_least64_t connections;               /* with those on their way to a counter */
  atomic_uint_least64_t connections_of[LOOPS_MAX]; /* each counter: the same */
  atomic_uint_least64_t refusals; /* the system had no descriptor, or no memory, for a client */
  atomic_uint_least64_t answers[STATUSES]; /* by status; requests that got none are at 0 */
  atomic_uint_least64_t lines;             /* of the access log */
  atomic_uint_least64_t lines_dropped;     /* there was no room, or they could not be written */
  atomic_uint_least64_t viewers;
  atomic_uint_least64_t viewers_skipped; /* events that the channels of viewers dropped */
  /* from an order's arrival to its answer, of those that were baked */
  histogram_t latency;

  /* Looked at four times a second by the main thread, in board_sample(). */
  atomic_uint_least64_t throughput_milli; /* answers in the last second, times 1000 */
  atomic_uint_least64_t recent_p50_us;    /* of the last ten seconds */
  atomic_uint_least64_t recent_p99_us;
} board_t;

static inline void board_add(atomic_uint_least64_t* counter) {
  atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static inline void board_take(atomic_uint_least64_t* counter) {
  atomic_fetch_sub_explicit(counter, 1, memory_order_relaxed);
}

static inline uint64_t board_read(const atomic_uint_least64_t* counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void board_set(atomic_uint_least64_t* counter, uint64_t value) {
  atomic_store_explicit(counter, value, memory_order_relaxed);
}

/* Gives out the next number; and takes one back where no further one was given out. */
uint64_t board_next_number(board_t* board);
void board_return_number(board_t* board, uint64_t number);

/* An order has been baked for so long. Of two bakers that say so at once one may go unheard. */
void board_learn_baking(board_t* board, uint64_t us);

/* ---- The main thread's samples --------------------------------------------------------------- */

#define SAMPLE_MS 250
#define SAMPLES_IN_SECOND (1000 / SAMPLE_MS)
#define RECENT_SECONDS 10

typedef struct {
  uint64_t answered[SAMPLES_IN_SECOND];
  uint64_t at_ns[SAMPLES_IN_SECOND];
  histogram_view_t latency[RECENT_SECONDS]; /* one for each second */
  unsigned int n;
} samples_t;

void board_sample(board_t* board, samples_t* samples, uint64_t now_ns);

#endif /* BOARD_H */
