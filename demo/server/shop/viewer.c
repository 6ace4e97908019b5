/* SPDX-License-Identifier: MIT */
/* A viewer begins when it has got its board, with all that is under way at once: what counts there
 * and the tickets belong together. Then it takes what is in its channel twenty times a second,
 * unless its last write is still under way; a tick is written every quarter of a second. So a slow
 * viewer costs one write and one full channel, whatever happens in the kitchen: the channel drops
 * the oldest.
 *
 * The channels have two references each: the viewer's, and the main loop's until it finds the news
 * closed. */
#include "shop/viewer.h"

#include <stdlib.h>

#include "must.h"
#include "shop/json.h"
#include "shop/stats.h"

#define PULSE_MS 50
#define PULSES_PER_TICK 5

typedef struct {
  house_t* house;
  connection_t* connection;
  watch_t watch;
  int has_board;
  uint64_t missed_before; /* news that nobody saw, when it came */
  uv_timer_t pulse;
  unsigned int pulses;
} viewer_t;

static uint64_t dropped_by(news_t news) {
  uvchan_stats_t stats;

  uvchan_stats(news_channel(news), &stats);
  return stats.dropped;
}

/* By its own channel, and by the one before it. */
static uint64_t skipped_by(const viewer_t* viewer) {
  return dropped_by(viewer->watch.news) + dropped_by(viewer->house->live.news) -
         viewer->missed_before;
}

/* ---- Events ---------------------------------------------------------------------------------- */

/* When a client without a patience of its own is to come back; drawn, so that those who lose their
 * server together don't come back together. */
#define RETRY_MS 1000

static json_t* order_as_json(const news_item_t* item) {
  return json_pack("{s:I, s:s, s:s, s:i, s:s, s:f, s:f}", "number", (json_int_t)item->number,
                   "state", news_state_name(item->state), "pizza", item->wish.pizza.bytes, "count",
                   item->wish.count, "customer", item->wish.customer.bytes, "waited_ms",
                   json_ms(item->waited_ms), "baked_ms", json_ms(item->baked_ms));
}

static json_t* roll_as_json(const roll_t* roll) {
  json_t* orders = json_array();

  for (size_t i = 0; i < roll->n; i++)
    json_array_append_new(orders, order_as_json(&roll->items[i]));
  return orders;
}

/* `opened` tells a page whose server has begun anew that numbers of orders begin anew too. */
static void write_hello(const viewer_t* viewer, const roll_t* roll, bytes_t* out) {
  house_t* house = viewer->house;
  json_t* tick = stats_tick(house, skipped_by(viewer));

  json_object_set_new(tick, "waiting", json_integer((json_int_t)roll->nwaiting));
  json_object_set_new(tick, "baking", json_integer((json_int_t)roll->nbaking));
  bytes_printf(out, "retry: %llu\nevent: hello\ndata: ",
               (unsigned long long)(RETRY_MS + uv_hrtime() / 1000 % RETRY_MS));
  json_add(out, json_pack("{s:I, s:i, s:i, s:s, s:I, s:o, s:o}", "capacity",
                          (json_int_t)house->options.queue, "bakers", (int)house->options.bakers,
                          "loops", (int)house->options.loops, "policy",
                          when_full_name(house->options.when_full), "opened",
                          (json_int_t)house->opened_s, "tick", tick, "orders", roll_as_json(roll)));
  bytes_add_text(out, "\n\n");
}

static void write_order(const news_item_t* item, bytes_t* out) {
  bytes_add_text(out, "event: order\ndata: ");
  json_add(out, order_as_json(item));
  bytes_add_text(out, "\n\n");
}

static void write_tick(viewer_t* viewer, bytes_t* out) {
  bytes_add_text(out, "event: tick\ndata: ");
  json_add(out, stats_tick(viewer->house, skipped_by(viewer)));
  bytes_add_text(out, "\n\n");
}

/* At most what the channel holds, so that a pulse comes to an end while others go on sending.
 * Answers 0 after the end. */
static int write_news(viewer_t* viewer, bytes_t* out) {
  news_item_t item;
  int r = 0;

  for (int i = 0; i < VIEWER_CAPACITY && r == 0; i++) {
    r = news_try_recv(news_recvonly(viewer->watch.news), &item);
    if (r == 0) write_order(&item, out);
  }
  if (r == 0 || r == UV_EAGAIN) return 1;
  bytes_add_text(out, "event: bye\ndata: {}\n\n");
  return 0;
}

/* Answers whether the viewer has begun. */
static int begin_with_board(viewer_t* viewer, bytes_t* out) {
  roll_t roll;

  if (viewer->has_board) return 1;
  if (boards_try_recv(boards_recvonly(viewer->watch.board), &roll) != 0) return 0;
  viewer->has_board = 1;
  write_hello(viewer, &roll, out);
  return 1;
}

static int has_ended(const viewer_t* viewer) {
  return uvchan_is_closed(news_channel(viewer->watch.news));
}

static void on_pulse(uv_timer_t* pulse) {
  viewer_t* viewer = pulse->data;
  connection_t* connection = viewer->connection;
  bytes_t* out = connection_out(connection);

  if (connection_is_writing(connection)) return;
  if (!begin_with_board(viewer, out) && !has_ended(viewer)) return;
  if (viewer->has_board && viewer->pulses++ % PULSES_PER_TICK == 0) write_tick(viewer, out);
  if (!write_news(viewer, out)) {
    connection_finish(connection);
    viewer_close(connection);
  }
  connection_settle(connection);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t* pulse) { free(pulse->data); }

void viewer_open(house_t* house, connection_t* connection) {
  viewer_t* viewer = calloc(1, sizeof(*viewer));

  if (viewer == NULL || live_watch(&house->live, &viewer->watch) != 0) {
    free(viewer);
    connection_finish(connection); /* and the client tries again */
    return;
  }
  viewer->house = house;
  viewer->connection = connection;
  viewer->missed_before = dropped_by(house->live.news);
  connection->stream = viewer;
  board_add(&house->board.viewers);
  must("make a timer", uv_timer_init(connection->host->loop, &viewer->pulse));
  viewer->pulse.data = viewer;
  must("start a timer", uv_timer_start(&viewer->pulse, on_pulse, 0, PULSE_MS));
}

void viewer_close(connection_t* connection) {
  viewer_t* viewer = connection->stream;
  house_t* house = viewer->house;

  connection->stream = NULL;
  board_take(&house->board.viewers);
  atomic_fetch_add_explicit(&house->board.viewers_skipped, skipped_by(viewer),
                            memory_order_relaxed);
  live_unwatch(&viewer->watch); /* the main loop finds that out, and gives its references back */
  uv_close((uv_handle_t*)&viewer->pulse, on_closed);
}
