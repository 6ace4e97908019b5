/* SPDX-License-Identifier: MIT */
/* Live news: what happens to orders, on its way from the loops and the bakers to everyone who
 * watches.
 *
 *   desks, bakers --news--> main loop --one channel for each viewer--> the viewer's desk
 *                          ^  |   ^
 *    the channels of new   |  |   +--rolls: the orders that they have under way-- counters
 *    viewers, from desks --+  +--errands: a call of the roll--> counters
 *
 * A viewer begins with the orders that are under way: when one has come, the main loop calls the
 * roll of all counters, and puts together what they answer. The viewer gets the news from before
 * the roll was called, so that nothing is missing in between; what it is told twice it knows by the
 * numbers of orders.
 *
 * The news channel and those of the viewers drop their oldest values, so nobody who tells waits for
 * anybody who watches. The main loop looks at the news twenty times a second, as long as anybody
 * watches, and copies at most what a viewer's channel holds: so neither many viewers nor a busy
 * kitchen make it take the processor from the bakers. A viewer that goes closes its channel; the
 * main loop finds that out with its next value and gives back its reference.
 *
 * Threads: live_tell(), live_watch() and live_answer_roll() any; the rest the main loop's. */
#ifndef LIVE_H
#define LIVE_H

#include <stdatomic.h>
#include <uvchan/typed.h>

#include "shop/board.h"
#include "shop/errand.h"
#include "shop/order.h"

#define VIEWERS_MAX 64
#define VIEWER_CAPACITY 128

typedef enum {
  NEWS_WAITING,
  NEWS_BAKING,
  NEWS_READY,
  NEWS_LOST,
  NEWS_REJECTED,
  NEWS_GAVE_UP
} news_state_t;

typedef struct {
  wish_t wish;
  uint64_t number; /* 0 where the order was rejected */
  news_state_t state;
  double waited_ms;
  double baked_ms;
} news_item_t;

#define ROLL_MAX 64

/* The orders that are under way at a moment: how many there are, and the eldest of them, in any
 * order. */
typedef struct {
  uint64_t nwaiting;
  uint64_t nbaking;
  size_t n;
  news_item_t items[ROLL_MAX];
} roll_t;

UVCHAN_TYPED(news, news_item_t)
UVCHAN_TYPED(rolls, roll_t*) /* a value goes with its memory; NULL where there was none */
UVCHAN_TYPED(boards, roll_t)

/* What a viewer receives. */
typedef struct {
  boards_t board; /* once: the roll that it begins with */
  news_t news;
} watch_t;

UVCHAN_TYPED(newcomers, watch_t) /* a value has a reference to either channel, and goes with it */

typedef enum { BOARD_WANTED, BOARD_UNDER_WAY, BOARD_SENT } board_state_t;

typedef struct {
  watch_t watch;
  board_state_t board;
} viewed_t;

typedef struct {
  board_t* board;
  news_t news;
  newcomers_t newcomers;
  newcomers_receiver_t newcomers_receiver;
  rolls_t rolls;
  rolls_receiver_t rolls_receiver;
  const errands_t* errands; /* fixed: of each counter */
  unsigned int ncounters;   /* fixed */
  unsigned int nmissing;    /* counters that have not answered the roll that is being called */
  roll_t roll;              /* what the others have answered */
  uv_timer_t beat;          /* active while there are viewers */
  news_item_t items[VIEWER_CAPACITY];
  viewed_t viewers[VIEWERS_MAX]; /* one reference each */
  size_t nviewers;
  int is_over;
} live_t;

/* Makes the channels, and takes viewers on the main loop.
 *   errands   the channel of each of n counters, until live_end() */
void live_open(live_t* live, uv_loop_t* loop, board_t* board, const errands_t* errands,
               unsigned int n);

/* Says what has happened to an order; costs next to nothing where nobody watches. */
void live_tell(live_t* live, const order_t* order, news_state_t state);

/* Makes the channels of a viewer: *watch gets one reference to each, the caller's. Answers 0,
 * UV_EAGAIN where there are too many viewers, UV_EPIPE where the server closes, or UV_ENOMEM. */
int live_watch(live_t* live, watch_t* watch);

/* Closes them, and gives the references back: the viewer leaves. */
void live_unwatch(watch_t* watch);

/* A counter's answer to the errand without a client.
 *   roll   of malloc(), from here on no longer the caller's; or NULL */
void live_answer_roll(live_t* live, roll_t* roll);

/* Counts an order. Answers where to write it; NULL where it is not among the eldest that are
 * kept. */
news_item_t* roll_add(roll_t* roll, uint64_t number, news_state_t state);

/* Delivers the end to every viewer. What is told from here on reaches nobody. */
void live_end(live_t* live);

/* After live_end(): closes what is on the main loop. */
void live_close(live_t* live);

/* When the main loop is done. */
void live_release(live_t* live);

const char* news_state_name(news_state_t state);

#endif /* LIVE_H */
