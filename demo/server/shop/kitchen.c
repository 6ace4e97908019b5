/* SPDX-License-Identifier: MIT */
/* The bakers: the threads of a pool. What each has for itself, its chance, is made on its thread as
 * it begins, and freed there as it ends. */
#include "shop/kitchen.h"

#include <stdlib.h>
#include <uv.h>

#include "must.h"

#define MS 1000000 /* in nanoseconds */

typedef struct {
  house_t* house;
  chance_t chance;
} baker_t;

/* ---- Baking ---------------------------------------------------------------------------------- */

/* From half to one and a half of what the options say. */
static void sleep_while_it_bakes(baker_t* baker) {
  uint64_t ms = baker->house->options.bake_ms;

  if (ms != 0) uv_sleep((unsigned int)(ms / 2 + chance_below(&baker->chance, ms + 1)));
}

void kitchen_bake(uvchan_work_t* work, void* state) {
  baker_t* baker = state;
  house_t* house = baker->house;
  order_t* order = work->data;
  int is_ready;

  order->taken_ns = uv_hrtime();
  order_take(order);
  board_take(&house->board.waiting);
  board_add(&house->board.baking);
  live_tell(&house->live, order, NEWS_BAKING);
  sleep_while_it_bakes(baker);
  order->outcome = outcome_by_chance(&baker->chance);
  order->baked_ns = uv_hrtime();
  is_ready = outcome_is_ready(order->outcome);
  board_take(&house->board.baking);
  board_add(is_ready ? &house->board.ready : &house->board.lost);
  board_learn_baking(&house->board, (order->baked_ns - order->taken_ns) / 1000);
  live_tell(&house->live, order, is_ready ? NEWS_READY : NEWS_LOST);
}

/* ---- How long ahead it is -------------------------------------------------------------------- */

/* As if all bakers that were heard of baked for this server alone. */
static uint64_t seconds_to_wait_elsewhere(const board_t* board) {
  uint64_t threads = board_read(&board->threads_elsewhere);

  if (threads == 0) return 1;
  return board_read(&board->waiting) * board_read(&board->typical_us) / threads / 1000000 + 1;
}

uint64_t kitchen_seconds_to_wait(house_t* house) {
  uvchan_pool_stats_t stats;
  uint64_t us;

  if (house->courier != NULL) return seconds_to_wait_elsewhere(&house->board);
  uvchan_pool_stats(house->kitchen, &stats);
  if (stats.threads == 0) return 1; /* it has ended */
  us = (stats.waiting + stats.waiting_outside) * board_read(&house->board.typical_us) /
       stats.threads_at_most;
  return us / 1000000 + 1;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int begin_baker(void** state, void* house) {
  baker_t* baker = malloc(sizeof(*baker));

  if (baker == NULL) return UV_ENOMEM;
  *baker = (baker_t){.house = house, .chance = chance_new()};
  *state = baker;
  return 0;
}

static void end_baker(void* state, void* house) {
  (void)house;
  free(state);
}

void kitchen_open(house_t* house) {
  const options_t* options = &house->options;
  const uvchan_admission_t admission = {.target = options->target_ms * MS,
                                        .interval = options->interval_ms * MS};
  const uvchan_pool_options_t kitchen = {.threads = options->bakers,
                                         .capacity = options->queue,
                                         .max_wait = options->max_wait_ms * MS,
                                         .admission = options->target_ms == 0 ? NULL : &admission,
                                         .name = "kitchen",
                                         .thread_begin = begin_baker,
                                         .thread_end = end_baker,
                                         .thread_arg = house};

  if (options->bakers == 0 || options->redis != NULL) return;
  must("open the kitchen", uvchan_pool_create(&house->kitchen, &kitchen));
  uvchan_pool_set_data(house->kitchen, house);
}
