/* SPDX-License-Identifier: MIT */
/* The bakers: a process that bakes what servers elsewhere have ordered. As many as are wanted share
 * one stream of orders; each server has a stream of its own for what they report.
 *
 *   [ orders ] ==> source --orders--> crew: a pool of threads --reports--> outlets ==> [ results-A ]
 *        ^                             |                                          ==> [ results-B ]
 *        '---------- done, once the result is confirmed to be there <--------------------'
 *
 * It leaves in order:
 *
 *   a signal            the channel of orders is closed: the source takes no more
 *   nothing is here     each order is baked, its result there, and it is done: servers are told that
 *                       these bakers leave
 *   told                all is closed
 *   or too late         what is not done is given back, and other bakers get it at once
 *
 * One loop; the pool's threads bake. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "bakers/crew.h"
#include "bakers/options.h"
#include "bakers/outlets.h"
#include "must.h"
#include "shop/engine.h"
#include "shop/interrupt.h"

enum { SIGNALS = 2 };

#define BLOCK_MS 200      /* so that a signal is not waited for */
#define GIVE_BACK_MS 1000 /* the most that it takes: the server may be away */

typedef enum { BAKING, LEAVING, TELLING, GIVING_BACK, CLOSED } phase_t;

typedef struct {
  bakers_options_t options;
  uv_loop_t loop;
  uv_signal_t signals[SIGNALS];
  uv_timer_t beat;
  uv_timer_t drain;
  uv_check_t check; /* results are confirmed where the loop has polled */
  orders_t orders;
  orders_receiver_t orders_receiver;
  uvchan_redis_source_t source;
  outlets_t outlets;
  crew_t crew;
  phase_t phase;
  int has_failed;
} bakers_t;

static bakers_t bakers;

/* ---- Closing --------------------------------------------------------------------------------- */

static void close_all(void) {
  if (bakers.phase == CLOSED) return;
  bakers.phase = CLOSED;
  for (int i = 0; i < SIGNALS; i++) uv_close((uv_handle_t*)&bakers.signals[i], NULL);
  uv_close((uv_handle_t*)&bakers.beat, NULL);
  uv_close((uv_handle_t*)&bakers.drain, NULL);
  uv_close((uv_handle_t*)&bakers.check, NULL);
  uvchan_redis_source_close(&bakers.source, NULL);
  orders_receiver_close(&bakers.orders_receiver, NULL);
  crew_close(&bakers.crew);
  outlets_close(&bakers.outlets);
}

/* Whether the server has been told of each order that was here. */
static int has_told_all(void) {
  uvchan_redis_stats_t stats;

  uvchan_redis_source_stats(&bakers.source, &stats);
  return stats.held == 0;
}

static void on_check(uv_check_t* check) {
  uint64_t nunconfirmed = outlets_look(&bakers.outlets);

  (void)check;
  if (bakers.phase == LEAVING && bakers.crew.njobs == 0 && has_told_all()) {
    bakers.phase = TELLING;
    crew_tell(&bakers.crew, REPORT_LEAVING);
    nunconfirmed = outlets_look(&bakers.outlets);
  }
  if (bakers.phase == TELLING && nunconfirmed == 0) close_all();
  if (bakers.phase == GIVING_BACK && has_told_all()) close_all();
}

static void on_given_back(uv_timer_t* drain) {
  (void)drain;
  close_all();
}

static void on_drain(uv_timer_t* drain) {
  fprintf(stderr, "bakers: %u orders are left to others\n", bakers.crew.njobs);
  bakers.has_failed = 1;
  bakers.phase = GIVING_BACK;
  crew_give_back(&bakers.crew);
  must("start a timer", uv_timer_start(drain, on_given_back, GIVE_BACK_MS, 0));
}

/* With the watchers stopped, a second signal does what it does to any program. */
static void on_signal(uv_signal_t* watcher, int signum) {
  (void)watcher;
  (void)signum;
  bakers.phase = LEAVING;
  for (int i = 0; i < SIGNALS; i++)
    must("stop a signal's watcher", uv_signal_stop(&bakers.signals[i]));
  orders_close(orders_sendonly(bakers.orders));
  must("start a timer", uv_timer_start(&bakers.drain, on_drain, bakers.options.drain_ms, 0));
}

/* ---- What goes wrong ------------------------------------------------------------------------- */

static void fail(const char* what, int status) {
  if (bakers.phase == CLOSED) return;
  fprintf(stderr, "error: %s: %s\n", what,
          status == UV_EEXIST ? "other bakers have begun under this name" : uv_strerror(status));
  bakers.has_failed = 1;
  close_all();
}

static void on_outlet_failed(outlet_t* outlet, int status) {
  char what[64];

  snprintf(what, sizeof(what), "the results of %s", outlet->server);
  fail(what, status);
}

static void on_source_end(uvchan_redis_source_t* source, int status) {
  (void)source;
  if (bakers.phase == BAKING) fail("the stream of orders", status);
}

/* ---- Orders ---------------------------------------------------------------------------------- */

static void on_order(orders_receiver_t* receiver, int status, const order_in_t* order) {
  (void)receiver;
  if (status == 0) crew_take(&bakers.crew, order);
}

static void on_beat(uv_timer_t* beat) {
  (void)beat;
  if (bakers.phase == BAKING) crew_tell(&bakers.crew, REPORT_THERE);
  outlets_sweep(&bakers.outlets);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void watch_signals(void) {
  static const int signums[SIGNALS] = {SIGINT, SIGTERM};

  signal(SIGPIPE, SIG_IGN); /* a server that is gone is an error of one write */
  for (int i = 0; i < SIGNALS; i++) {
    must("watch a signal", uv_signal_init(&bakers.loop, &bakers.signals[i]));
    if (signums[i] == SIGINT && interrupt_is_ignored()) continue;
    must("watch a signal", uv_signal_start(&bakers.signals[i], on_signal, signums[i]));
  }
}

static void start_handles(void) {
  must("make a timer", uv_timer_init(&bakers.loop, &bakers.drain));
  must("make a timer", uv_timer_init(&bakers.loop, &bakers.beat));
  must("start a timer", uv_timer_start(&bakers.beat, on_beat, THERE_MS, THERE_MS));
  must("make a check", uv_check_init(&bakers.loop, &bakers.check));
  must("start a check", uv_check_start(&bakers.check, on_check));
}

/* What is left at the end stays in the stream. */
static void drop_order(void* value, uvchan_drop_reason_t reason, void* arg) {
  uvchan_redis_ticket_t ticket;

  (void)reason;
  (void)arg;
  memcpy(&ticket, value, sizeof(ticket));
  uvchan_redis_requeue(&ticket);
}

static void receive_orders(void) {
  const bakers_options_t* options = &bakers.options;
  const uvchan_options_t orders = {
      .capacity = options->in_flight, .drop_cb = drop_order, .name = "orders"};
  const uvchan_redis_source_options_t source = {.server = engine_at(options->redis),
                                                .stream = ORDERS_STREAM,
                                                .consumer = options->name,
                                                .in_flight = options->in_flight,
                                                .claim_after_ms = options->claim_ms,
                                                .hold_ms = UINT64_MAX, /* a thread that bakes is
                                                                          no stranger */
                                                .block_ms = BLOCK_MS,
                                                .on_end = on_source_end};

  must("create the orders channel", orders_create_ex(&bakers.orders, &orders));
  must("receive orders",
       orders_receiver_init(&bakers.loop, &bakers.orders_receiver, orders_recvonly(bakers.orders)));
  must("receive orders", orders_recv_start(&bakers.orders_receiver, on_order));
  must("begin with the stream of orders",
       uvchan_redis_source_init(&bakers.loop, &bakers.source, orders_channel(bakers.orders),
                                &source));
}

static void open_bakers(void) {
  must("make the loop", uv_loop_init(&bakers.loop));
  watch_signals();
  outlets_open(&bakers.outlets, &bakers.loop, &bakers.options, crew_confirmed, on_outlet_failed);
  crew_open(&bakers.crew, &bakers.loop, &bakers.options, &bakers.outlets, &bakers.source);
  receive_orders();
  start_handles();
  printf("The bakers %s are here.\n", bakers.options.name);
  must_have_printed();
}

int main(int argc, char** argv) {
  bakers.options = bakers_options_parse(argc, argv);
  open_bakers();
  must("run the loop", uv_run(&bakers.loop, UV_RUN_DEFAULT));
  crew_release(&bakers.crew);
  orders_release(bakers.orders);
  must("close the loop", uv_loop_close(&bakers.loop));
  printf("The bakers %s are gone: baked %llu.\n", bakers.options.name,
         (unsigned long long)bakers.crew.baked);
  must_have_printed();
  return bakers.has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
