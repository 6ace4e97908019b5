/* A viewer takes what is in its channel twenty times a second, unless its last write is still under
 * way; a tick is written every quarter of a second. So a slow viewer costs one write and one full
 * channel, whatever happens in the kitchen: the channel drops the oldest.
 *
 * The channel has two references: the viewer's, and the main loop's until it finds the channel
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
  news_t news;
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
  return dropped_by(viewer->news) + dropped_by(viewer->house->live.news) - viewer->missed_before;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void write_hello(const house_t* house, bytes_t* out) {
  bytes_add_text(out, "retry: 1000\nevent: hello\ndata: ");
  json_add(out, json_pack("{s:I, s:i, s:i, s:s}", "capacity", (json_int_t)house->options.queue,
                          "bakers", (int)house->options.bakers, "loops", (int)house->options.loops,
                          "policy", when_full_name(house->options.when_full)));
  bytes_add_text(out, "\n\n");
}

static void write_order(const news_item_t* item, bytes_t* out) {
  bytes_add_text(out, "event: order\ndata: ");
  json_add(out,
           json_pack("{s:I, s:s, s:s, s:i, s:s, s:f, s:f}", "number", (json_int_t)item->number,
                     "state", news_state_name(item->state), "pizza", item->wish.pizza.bytes,
                     "count", item->wish.count, "customer", item->wish.customer.bytes, "waited_ms",
                     json_ms(item->waited_ms), "baked_ms", json_ms(item->baked_ms)));
  bytes_add_text(out, "\n\n");
}

static void write_tick(viewer_t* viewer, bytes_t* out) {
  bytes_add_text(out, "event: tick\ndata: ");
  stats_write_tick(viewer->house, skipped_by(viewer), out);
  bytes_add_text(out, "\n\n");
}

/* At most what the channel holds, so that a pulse comes to an end while others go on sending.
 * Answers 0 after the end. */
static int write_news(viewer_t* viewer, bytes_t* out) {
  news_item_t item;
  int r = 0;

  for (int i = 0; i < VIEWER_CAPACITY && r == 0; i++) {
    r = news_try_recv(news_recvonly(viewer->news), &item);
    if (r == 0) write_order(&item, out);
  }
  if (r == 0 || r == UV_EAGAIN) return 1;
  bytes_add_text(out, "event: bye\ndata: {}\n\n");
  return 0;
}

static void on_pulse(uv_timer_t* pulse) {
  viewer_t* viewer = pulse->data;
  connection_t* connection = viewer->connection;

  if (connection_is_writing(connection)) return;
  if (viewer->pulses++ % PULSES_PER_TICK == 0) write_tick(viewer, connection_out(connection));
  if (!write_news(viewer, connection_out(connection))) {
    connection_finish(connection);
    viewer_close(connection);
  }
  connection_settle(connection);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t* pulse) { free(pulse->data); }

void viewer_open(house_t* house, connection_t* connection) {
  viewer_t* viewer = calloc(1, sizeof(*viewer));

  if (viewer == NULL || live_watch(&house->live, &viewer->news) != 0) {
    free(viewer);
    connection_finish(connection); /* and the client tries again */
    return;
  }
  viewer->house = house;
  viewer->connection = connection;
  viewer->missed_before = dropped_by(house->live.news);
  connection->stream = viewer;
  board_add(&house->board.viewers);
  write_hello(house, connection_out(connection));
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
  /* the main loop finds that out, and gives its reference back */
  news_close(news_sendonly(viewer->news));
  news_release(viewer->news);
  uv_close((uv_handle_t*)&viewer->pulse, on_closed);
}
