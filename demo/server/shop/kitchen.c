/* The bakers. Each is a thread with waiting calls: it sleeps in uvchan_recv_wait() while
 * there are no orders, and in uvchan_send_wait() while a desk is behind. A desk never waits for a
 * baker, so that cannot be a circle.
 *
 * Every baker is a counted sender of every desk's results channel. The last baker to leave closes
 * them all, and by then every order that was accepted is in one of them: so a desk's end of results
 * says that nothing of its own is in the kitchen any more. */
#include "shop/kitchen.h"

#include <stdlib.h>
#include <uv.h>

#include "must.h"

typedef struct baker_s {
  house_t* house;
  uv_thread_t thread;
  chance_t chance;
} baker_t;

static int has_waited_too_long(const house_t* house, const order_t* order) {
  uint64_t max_ns = house->options.max_wait_ms * 1000000;

  return max_ns != 0 && order->taken_ns - order->arrived_ns > max_ns;
}

/* Answers whether it is this baker's to bake: its desk may have given it up, or this very baker
 * does. */
static int is_to_be_baked(house_t* house, order_t* order) {
  if (!has_waited_too_long(house, order)) return order_take(order);
  if (!order_give_up(order)) return 0;
  board_take(&house->board.waiting);
  board_add(&house->board.gave_up);
  live_tell(&house->live, order, NEWS_GAVE_UP);
  return 0;
}

/* From half to one and a half of what the options say. */
static void sleep_while_it_bakes(baker_t* baker) {
  uint64_t ms = baker->house->options.bake_ms;

  if (ms != 0) uv_sleep((unsigned int)(ms / 2 + chance_below(&baker->chance, ms + 1)));
}

static void bake(baker_t* baker, order_t* order) {
  house_t* house = baker->house;
  int is_ready;

  order->taken_ns = uv_hrtime();
  if (!is_to_be_baked(house, order)) return;
  board_take(&house->board.waiting);
  board_add(&house->board.baking);
  live_tell(&house->live, order, NEWS_BAKING);
  sleep_while_it_bakes(baker);
  order->outcome = outcome_by_chance(&baker->chance);
  order->baked_ns = uv_hrtime();
  is_ready = outcome_is_ready(order->outcome);
  board_take(&house->board.baking);
  board_add(is_ready ? &house->board.ready : &house->board.lost);
  live_tell(&house->live, order, is_ready ? NEWS_READY : NEWS_LOST);
}

static void run_baker(void* arg) {
  baker_t* baker = arg;
  house_t* house = baker->house;
  order_t* order;

  while (orders_recv_wait(orders_recvonly(house->orders), &order) == 0) {
    results_sendonly_t home = order->home;

    bake(baker, order);
    /* from here on it is its desk's, who may free it at once */
    must("send an order back", results_send_wait(home, order));
  }
  for (unsigned int i = 0; i < house->options.loops; i++) {
    must("leave a desk", uvchan_sender_done(results_channel(house->results[i])));
  }
  must("leave the kitchen", uvchan_waitgroup_done(&house->bakers));
}

void kitchen_open(house_t* house) {
  unsigned int n = house->options.bakers;

  must("count the bakers", uvchan_waitgroup_init(&house->bakers));
  must("count the bakers", uvchan_waitgroup_add(&house->bakers, (int)n));
  house->all_bakers = calloc(n == 0 ? 1 : n, sizeof(baker_t));
  must("hire bakers", house->all_bakers == NULL ? UV_ENOMEM : 0);
  for (unsigned int i = 0; i < n; i++) {
    baker_t* baker = &house->all_bakers[i];

    baker->house = house;
    baker->chance = chance_new();
    must("start a baker", uv_thread_create(&baker->thread, run_baker, baker));
  }
}

void kitchen_join(house_t* house) {
  for (unsigned int i = 0; i < house->options.bakers; i++)
    must("wait for a baker", uv_thread_join(&house->all_bakers[i].thread));
  uvchan_waitgroup_destroy(&house->bakers);
  free(house->all_bakers);
}
