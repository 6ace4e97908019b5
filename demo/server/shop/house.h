/* SPDX-License-Identifier: MIT */
/* The house: what all threads share. Everything in it is fixed before the threads begin, or is the
 * pool, or a channel, or counts. */
#ifndef HOUSE_H
#define HOUSE_H

#include <uvchan.h>
#include <uvchan/pool.h>

#include "shop/accesslog.h"
#include "shop/board.h"
#include "shop/errand.h"
#include "shop/live.h"
#include "shop/options.h"
#include "shop/order.h"

typedef struct courier_s courier_t;

typedef struct house_s {
  options_t options;
  uint64_t opened_ns;
  int64_t opened_s;       /* of the calendar */
  uvchan_pool_t* kitchen; /* whose threads are the bakers; NULL: the loops bake, or others: */
  courier_t* courier;     /* to bakers elsewhere; NULL: orders are baked here */
  errands_t* errands;     /* main loop -> each counter: options.loops of them */
  /* On these nothing is ever sent: what they tell is their end, to all at once. */
  uvchan_t* leaving; /* a signal has come: balancers are asked to go elsewhere */
  uvchan_t* quit;    /* the house closes */
  uvchan_t* drained; /* the kitchen has ended, and no order is under way any more */
  live_t live;
  access_log_t log;
  board_t board;
  uvchan_waitgroup_t desks; /* threads that serve */
  int has_failed;           /* the main thread's: it closes, and nobody asked for that */
} house_t;

/* 1 from the moment that a signal came. */
static inline int house_is_leaving(const house_t* house) {
  return uvchan_is_closed(house->leaving);
}

/* 1 when the time to leave it is over as well: no order is taken any more. */
static inline int house_is_closing(const house_t* house) { return uvchan_is_closed(house->quit); }

#endif /* HOUSE_H */
