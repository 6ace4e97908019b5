/* A desk's loop: it listens, cuts off connections whose time is over, and closes in order.
 *
 *   quit's end      no further connection is accepted; requests that still come are answered, orders among them with 503
 *   results' end    every order that was accepted is back and answered: connections end with what they have to write
 *   no connection   the timers are closed, uv_run() returns, uv_loop_close() answers 0 */
#include "desk.h"

#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "intake.h"
#include "must.h"

#define BACKLOG 1024
#define SWEEP_MS 100

/* ---- Accepting ------------------------------------------------------------------------------- */

/* While a connection is held, libuv does not poll the listening socket: the backlog of the system
 * carries the wait. */
static int has_orders_that_hold(const desk_t* desk) {
  return desk->house->options.when_full == WHEN_FULL_BACKLOG && desk->nsending > 0;
}

void desk_found_room(desk_t* desk) {
  if (!desk->is_connection_held || !desk->has_listener ||
      desk->nconnections >= desk->most_connections)
    return;
  desk->is_connection_held = 0;
  connection_open(desk, (uv_stream_t*)&desk->listener);
}

void desk_accept(desk_t* desk) {
  if (!has_orders_that_hold(desk)) desk_found_room(desk);
}

static void on_connection(uv_stream_t* listener, int status) {
  desk_t* desk = listener->data;

  /* the client is gone again, or descriptors are scarce: libuv comes back with the next */
  if (status != 0) return;
  desk->is_connection_held = 1;
  desk_accept(desk);
}

/* The other desks listen on the same socket through a descriptor of their own. */
static void listen_at(desk_t* desk, const struct sockaddr* address, int* fd) {
  uv_os_fd_t own;

  must("listen", uv_tcp_init(&desk->loop, &desk->listener));
  desk->listener.data = desk;
  if (*fd < 0) {
    must("bind to the address", uv_tcp_bind(&desk->listener, address, 0));
  } else {
    must("share the port", uv_tcp_open(&desk->listener, must("share the port", dup(*fd))));
  }
  must("listen at the address", uv_listen((uv_stream_t*)&desk->listener, BACKLOG, on_connection));
  must("listen", uv_fileno((uv_handle_t*)&desk->listener, &own));
  desk->has_listener = 1;
  if (*fd < 0) *fd = own;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void on_sweep(uv_timer_t* timer) {
  desk_t* desk = timer->data;
  uint64_t now = uv_now(&desk->loop);

  for (connection_t *connection = desk->connections, *next; connection != NULL; connection = next) {
    next = connection->next;
    connection_check_time(connection, now);
  }
}

const char* desk_date(desk_t* desk) {
  time_t now = time(NULL);
  struct tm parts;

  if (now != desk->date_at && gmtime_r(&now, &parts) != NULL) {
    strftime(desk->date, sizeof(desk->date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    desk->date_at = now;
  }
  return desk->date;
}

/* ---- Closing --------------------------------------------------------------------------------- */

static void close_timer(uv_timer_t* timer) {
  if (!uv_is_closing((uv_handle_t*)timer)) uv_close((uv_handle_t*)timer, NULL);
}

void desk_end_if_done(desk_t* desk) {
  if (desk->has_listener || !desk->is_served || desk->connections != NULL) return;
  close_timer(&desk->sweep);
  close_timer(&desk->patience);
}

static void on_quit(uvchan_receiver_t* receiver, int status, const void* value) {
  desk_t* desk = receiver->data;

  (void)value;
  if (status == 0) return; /* nothing is ever sent */
  uvchan_receiver_close(receiver, NULL);
  uv_close((uv_handle_t*)&desk->listener, NULL); /* a connection that is held goes with it */
  desk->has_listener = 0;
  desk_end_if_done(desk);
}

static void end_connections(desk_t* desk) {
  for (connection_t *connection = desk->connections, *next; connection != NULL; connection = next) {
    next = connection->next;
    connection_end(connection);
  }
}

static void on_results(results_receiver_t* receiver, ssize_t nresults, order_t* const* results) {
  desk_t* desk = receiver->handle.data;

  for (ssize_t i = 0; i < nresults; i++) intake_take_back(desk, results[i]);
  if (nresults >= 0) return;
  results_receiver_close(receiver, NULL);
  desk->is_served = 1;
  end_connections(desk);
  desk_end_if_done(desk);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void desk_open(desk_t* desk, house_t* house, results_t results, const struct sockaddr* address,
               int* fd) {
  memset(desk, 0, sizeof(*desk));
  desk->house = house;
  desk->results = results;
  desk->most_connections = house->options.connections / house->options.loops;
  if (desk->most_connections == 0) desk->most_connections = 1;
  desk->chance = chance_new();
  must("make a loop", uv_loop_init(&desk->loop));
  desk->loop.data = desk;
  listen_at(desk, address, fd);
  must("receive results",
       results_receiver_init(&desk->loop, &desk->results_receiver, results_recvonly(results)));
  desk->results_receiver.handle.data = desk;
  must("receive results", results_recv_start_batch(&desk->results_receiver, on_results));
  must("listen for the end", uvchan_receiver_init(&desk->loop, &desk->quit_receiver, house->quit));
  desk->quit_receiver.data = desk;
  must("listen for the end", uvchan_recv_start(&desk->quit_receiver, on_quit));
  must("make a timer", uv_timer_init(&desk->loop, &desk->sweep));
  desk->sweep.data = desk;
  must("start a timer", uv_timer_start(&desk->sweep, on_sweep, SWEEP_MS, SWEEP_MS));
  intake_open(desk);
}

static void run_desk(void* arg) {
  desk_t* desk = arg;

  must("run a loop", uv_run(&desk->loop, UV_RUN_DEFAULT));
  must("close a loop", uv_loop_close(&desk->loop));
  must("leave the desk", uvchan_waitgroup_done(&desk->house->desks));
}

void desk_start(desk_t* desk) {
  must("start a desk", uv_thread_create(&desk->thread, run_desk, desk));
}

void desk_join(desk_t* desk) { must("wait for a desk", uv_thread_join(&desk->thread)); }
