/* What the pizzeria has for a desk to call, and how a counter closes:
 *
 *   quit's end      no further connection is accepted; requests that still come are answered,
 *                   orders among them with 503
 *   drained's end   every order that was accepted is back and answered: the desk ends, and its
 *                   connections with what they have to write
 *   no connection   the loop ends, and the house is told */
#include "shop/counter.h"

#include "must.h"
#include "shop/routes.h"
#include "shop/viewer.h"

/* ---- The service ----------------------------------------------------------------------------- */

static counter_t* counter_of(const host_t* host) { return host->data; }

static void handle(exchange_t* exchange, const request_t* request) {
  counter_t* counter = counter_of(exchange->queue->host);

  routes_handle(counter->house, &counter->intake, exchange, request);
}

static void forget(exchange_t* exchange) { intake_forget(exchange->work); }

static void open_viewer(connection_t* connection) {
  viewer_open(counter_of(connection->host)->house, connection);
}

static int is_closing(const host_t* host) { return house_is_closing(counter_of(host)->house); }

static void leave_house(host_t* host) {
  must("leave the counter", uvchan_waitgroup_done(&counter_of(host)->house->desks));
}

static const service_t service = {.handle = handle,
                                  .forget = forget,
                                  .stream = open_viewer,
                                  .end_stream = viewer_close,
                                  .is_closing = is_closing,
                                  .left = leave_house};

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_quit(uvchan_receiver_t* receiver, int status, const void* value) {
  counter_t* counter = receiver->data;

  (void)value;
  if (status == 0) return; /* nothing is ever sent */
  uvchan_receiver_close(receiver, NULL);
  desk_stop_listening(&counter->desk);
}

static void on_drained(uvchan_receiver_t* receiver, int status, const void* value) {
  counter_t* counter = receiver->data;

  (void)value;
  if (status == 0) return; /* as above */
  uvchan_receiver_close(receiver, NULL);
  desk_end(&counter->desk);
}

static desk_options_t desk_options(house_t* house) {
  const options_t* options = &house->options;
  unsigned int connections = options->connections / options->loops;

  return (desk_options_t){.connections = connections == 0 ? 1 : connections,
                          .idle_ms = options->idle_ms,
                          .body_bytes = options->body_bytes,
                          .nopen = &house->board.connections};
}

static void listen_for_end(counter_t* counter, uvchan_receiver_t* receiver, uvchan_t* channel,
                           uvchan_recv_cb on_end) {
  must("listen for an end", uvchan_receiver_init(&counter->desk.loop, receiver, channel));
  receiver->data = counter;
  must("listen for an end", uvchan_recv_start(receiver, on_end));
}

void counter_open(counter_t* counter, house_t* house, const struct sockaddr* address, int* fd) {
  const desk_options_t options = desk_options(house);

  counter->house = house;
  desk_open(&counter->desk, &options, &service, counter, address, fd);
  intake_open(&counter->intake, &counter->desk, house);
  listen_for_end(counter, &counter->quit_receiver, house->quit, on_quit);
  listen_for_end(counter, &counter->drained_receiver, house->drained, on_drained);
}

void counter_start(counter_t* counter) { desk_start(&counter->desk); }

void counter_join(counter_t* counter) { desk_join(&counter->desk); }
