/* Live news: what happens to orders, on its way from the loops and the bakers to everyone who
 * watches.
 *
 *   desks, bakers --news--> main loop --one channel for each viewer--> the viewer's desk
 *                                ^
 *                                +--doors: the channels of new viewers-- desks
 *
 * The news channel and those of the viewers drop their oldest values, so nobody who tells waits for
 * anybody who watches. The main loop looks at the news twenty times a second, as long as anybody
 * watches, and copies at most what a viewer's channel holds: so neither many viewers nor a busy
 * kitchen make it take the processor from the bakers. A viewer that goes closes its channel; the
 * main loop finds that out with its next value and gives back its reference.
 *
 * Threads: live_tell(), live_watch() any; the rest the main loop's. */
#ifndef LIVE_H
#define LIVE_H

#include <stdatomic.h>
#include <uvchan/typed.h>

#include "shop/board.h"
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

UVCHAN_TYPED(news, news_item_t)
UVCHAN_TYPED(doors, news_t) /* a value is a reference to a viewer's channel, and goes with it */

typedef struct {
  board_t* board;
  news_t news;
  doors_t doors;
  doors_receiver_t doors_receiver;
  uv_timer_t beat; /* active while there are viewers */
  news_item_t items[VIEWER_CAPACITY];
  news_t viewers[VIEWERS_MAX]; /* one reference each */
  size_t nviewers;
  int is_over;
} live_t;

/* Makes the channels, and lets viewers in on the main loop. */
void live_open(live_t* live, uv_loop_t* loop, board_t* board);

/* Says what has happened to an order; costs next to nothing where nobody watches. */
void live_tell(live_t* live, const order_t* order, news_state_t state);

/* Makes a channel for a viewer: *viewer gets one reference, the caller's. Answers 0, UV_EAGAIN
 * where there are too many viewers, UV_EPIPE where the server closes, or UV_ENOMEM. */
int live_watch(live_t* live, news_t* viewer);

/* Delivers the end to every viewer. What is told from here on reaches nobody. */
void live_end(live_t* live);

/* After live_end(): closes what is on the main loop. */
void live_close(live_t* live);

/* When the main loop is done. */
void live_release(live_t* live);

const char* news_state_name(news_state_t state);

#endif /* LIVE_H */
