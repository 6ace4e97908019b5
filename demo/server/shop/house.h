/* The house: what all threads share. Everything in it is fixed before the threads begin, or is the
 * pool, or a channel, or counts. */
#ifndef HOUSE_H
#define HOUSE_H

#include <uvchan.h>
#include <uvchan/pool.h>

#include "shop/board.h"
#include "shop/live.h"
#include "shop/options.h"
#include "shop/order.h"

typedef struct house_s {
  options_t options;
  uint64_t opened_ns;
  uvchan_pool_t* kitchen; /* whose threads are the bakers; NULL: the loops bake */
  /* On these nothing is ever sent: what they tell is their end, to all desks at once. */
  uvchan_t* quit;    /* the house closes */
  uvchan_t* drained; /* the kitchen has ended, and no order is under way any more */
  live_t live;
  board_t board;
  uvchan_waitgroup_t desks; /* threads that serve */
} house_t;

/* 1 from the moment that a signal came. */
static inline int house_is_closing(const house_t* house) { return uvchan_is_closed(house->quit); }

#endif /* HOUSE_H */
