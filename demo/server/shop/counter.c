/* SPDX-License-Identifier: MIT */
/* What the pizzeria has for a desk to call, and how a counter closes:
 *
 *   errands' end    no further client comes; requests that still come are answered, orders among
 *                   them with 503
 *   drained's end   every order that was accepted is back and answered: the desk ends, and its
 *                   connections with what they have to write
 *   no connection   the loop ends, and the house is told */
#include "shop/counter.h"

#include "must.h"
#include "shop/roll.h"
#include "shop/routes.h"
#include "shop/viewer.h"

/* ---- The service ----------------------------------------------------------------------------- */

static counter_t* counter_of(const host_t* host) { return host->data; }

static void handle(exchange_t* exchange, const request_t* request) {
  counter_t* counter = counter_of(exchange->queue->host);

  access_log_begin(&counter->house->log, exchange, request);
  routes_handle(counter->house, &counter->intake, exchange, request);
}

static void forget(exchange_t* exchange) { intake_forget(exchange->work); }

static void record(exchange_t* exchange, int status, size_t len) {
  house_t* house = counter_of(exchange->queue->host)->house;

  board_add(&house->board.answers[status]);
  access_log_end(&house->log, exchange, status, len);
}

static void open_viewer(connection_t* connection) {
  viewer_open(counter_of(connection->host)->house, connection);
}

static int is_closing(const host_t* host) { return house_is_closing(counter_of(host)->house); }

static void leave_house(host_t* host) {
  must("leave the counter", uvchan_waitgroup_done(&counter_of(host)->house->desks));
}

static const service_t service = {.handle = handle,
                                  .forget = forget,
                                  .record = record,
                                  .stream = open_viewer,
                                  .end_stream = viewer_close,
                                  .is_closing = is_closing,
                                  .left = leave_house};

/* ---- Errands --------------------------------------------------------------------------------- */

static void on_errand(errands_receiver_t* receiver, int status, const errand_t* errand) {
  counter_t* counter = receiver->handle.data;

  if (status != 0) { /* the end */
    errands_receiver_close(receiver, NULL);
    desk_shut_door(&counter->desk);
    intake_shut(&counter->intake);
  } else if (errand->connection != NULL) {
    desk_take(&counter->desk, errand->connection);
  } else {
    live_answer_roll(&counter->house->live, roll_of(&counter->desk));
  }
}

static void on_drained(uvchan_receiver_t* receiver, int status, const void* value) {
  counter_t* counter = receiver->data;

  (void)value;
  if (status == 0) return; /* nothing is ever sent */
  uvchan_receiver_close(receiver, NULL);
  desk_end(&counter->desk);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void receive_errands(counter_t* counter, errands_t errands) {
  must("receive errands", errands_receiver_init(&counter->desk.loop, &counter->errands_receiver,
                                                errands_recvonly(errands)));
  counter->errands_receiver.handle.data = counter;
  must("receive errands", errands_recv_start(&counter->errands_receiver, on_errand));
}

static void listen_for_the_end(counter_t* counter) {
  must("listen for the end", uvchan_receiver_init(&counter->desk.loop, &counter->drained_receiver,
                                                  counter->house->drained));
  counter->drained_receiver.data = counter;
  must("listen for the end", uvchan_recv_start(&counter->drained_receiver, on_drained));
}

void counter_open(counter_t* counter, house_t* house, unsigned int i, door_t* door) {
  const desk_options_t options = {.idle_ms = house->options.idle_ms,
                                  .body_bytes = house->options.body_bytes,
                                  .door = door,
                                  .nopen = &house->board.connections_of[i]};

  counter->house = house;
  desk_open(&counter->desk, &options, &service, counter);
  intake_open(&counter->intake, &counter->desk, house, i);
  receive_errands(counter, house->errands[i]);
  listen_for_the_end(counter);
}

void counter_start(counter_t* counter) { desk_start(&counter->desk); }

void counter_join(counter_t* counter) { desk_join(&counter->desk); }
