/* SPDX-License-Identifier: MIT */
/* The courier of a server that was built without uvchan-redis: there is none, and the command line
 * refuses to ask for one. */
#include <stdlib.h>
#include <string.h>

#include "shop/courier.h"

void courier_open(house_t* house, uv_loop_t* loop) {
  (void)house;
  (void)loop;
  abort();
}

void courier_shut(courier_t* courier, uint64_t drain_ms, void (*on_shut)(house_t* house)) {
  (void)courier;
  (void)drain_ms;
  (void)on_shut;
}

void courier_close(courier_t* courier) { (void)courier; }

void courier_release(house_t* house) { (void)house; }

void courier_done(const uvchan_redis_ticket_t* ticket) { (void)ticket; }

void courier_read(house_t* house, courier_view_t* view) {
  (void)house;
  memset(view, 0, sizeof(*view));
}

uint64_t courier_depth(const courier_t* courier, const courier_view_t* view) {
  (void)courier;
  return view->length;
}

uint64_t courier_capacity(const options_t* options) { return options->queue; }

void courier_say_figures(house_t* house) { (void)house; }
