/* A desk's loop: it listens, cuts off connections whose time is over, and ends when it has neither
 * a listener nor a connection, and nothing is to come: then uv_run() returns, and uv_loop_close()
 * answers 0. */
#include "http/desk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/connection.h"
#include "must.h"

#define BACKLOG 1024

/* The host is its first member. */
static desk_t* desk_of(host_t* host) { return (desk_t*)host; }

/* ---- Accepting ------------------------------------------------------------------------------- */

static void list_connection(desk_t* desk, connection_t* connection) {
  connection->next = desk->connections;
  if (desk->connections != NULL) desk->connections->prev = connection;
  desk->connections = connection;
  desk->nconnections++;
  /* relaxed: it counts */
  atomic_fetch_add_explicit(desk->nopen, 1, memory_order_relaxed);
}

static void unlist_connection(desk_t* desk, connection_t* connection) {
  if (connection->prev != NULL) connection->prev->next = connection->next;
  if (connection->next != NULL) connection->next->prev = connection->prev;
  if (desk->connections == connection) desk->connections = connection->next;
  desk->nconnections--;
  /* relaxed: it counts */
  atomic_fetch_sub_explicit(desk->nopen, 1, memory_order_relaxed);
}

static void open_connection(desk_t* desk) {
  connection_t* connection = calloc(1, sizeof(*connection));

  if (connection == NULL) return; /* it is held until one that is closed gives memory back */
  desk->is_connection_held = 0;
  list_connection(desk, connection);
  connection_open(connection, &desk->host, (uv_stream_t*)&desk->listener);
}

void desk_found_room(desk_t* desk) {
  if (!desk->is_connection_held || !desk->has_listener ||
      desk->nconnections >= desk->most_connections)
    return;
  open_connection(desk);
}

/* While a connection is held, libuv does not poll the listening socket: the backlog of the system
 * carries the wait. */
static void accept_one(desk_t* desk) {
  if (desk->nholds == 0) desk_found_room(desk);
}

void desk_hold(desk_t* desk) { desk->nholds++; }

void desk_unhold(desk_t* desk) { desk->nholds--; }

static void on_connection(uv_stream_t* listener, int status) {
  desk_t* desk = listener->data;

  /* the client is gone again, or descriptors are scarce: libuv comes back with the next */
  if (status != 0) return;
  desk->is_connection_held = 1;
  accept_one(desk);
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

  for (connection_t *connection = desk->connections, *next; connection != NULL; connection = next) {
    next = connection->next;
    connection_check_time(connection);
  }
}

static const char* date_of(host_t* host) {
  desk_t* desk = desk_of(host);
  time_t now = time(NULL);
  struct tm parts;

  if (now != desk->date_at && gmtime_r(&now, &parts) != NULL) {
    strftime(desk->date, sizeof(desk->date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    desk->date_at = now;
  }
  return desk->date;
}

/* ---- Closing --------------------------------------------------------------------------------- */

static void end_if_done(desk_t* desk) {
  if (desk->has_listener || !desk->host.is_served || desk->connections != NULL) return;
  if (!uv_is_closing((uv_handle_t*)&desk->sweep)) uv_close((uv_handle_t*)&desk->sweep, NULL);
}

/* The memory goes first: a connection may be held for want of it. */
static void on_connection_closed(connection_t* connection) {
  desk_t* desk = desk_of(connection->host);

  unlist_connection(desk, connection);
  free(connection);
  accept_one(desk);
  end_if_done(desk);
}

/* A connection that is held goes with the listener. */
void desk_stop_listening(desk_t* desk) {
  uv_close((uv_handle_t*)&desk->listener, NULL);
  desk->has_listener = 0;
  end_if_done(desk);
}

void desk_end(desk_t* desk) {
  desk->host.is_served = 1;
  for (connection_t *connection = desk->connections, *next; connection != NULL; connection = next) {
    next = connection->next;
    connection_end(connection);
  }
  end_if_done(desk);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void desk_open(desk_t* desk, const desk_options_t* options, const service_t* service, void* data,
               const struct sockaddr* address, int* fd) {
  memset(desk, 0, sizeof(*desk));
  desk->host = (host_t){.loop = &desk->loop,
                        .service = service,
                        .data = data,
                        .date = date_of,
                        .closed = on_connection_closed,
                        .idle_ms = options->idle_ms,
                        .body_bytes = options->body_bytes,
                        .scratch = desk->read_buffer,
                        .scratch_bytes = sizeof(desk->read_buffer)};
  desk->most_connections = options->connections;
  desk->nopen = options->nopen;
  must("make a loop", uv_loop_init(&desk->loop));
  listen_at(desk, address, fd);
  must("make a timer", uv_timer_init(&desk->loop, &desk->sweep));
  desk->sweep.data = desk;
  must("start a timer", uv_timer_start(&desk->sweep, on_sweep, SWEEP_MS, SWEEP_MS));
}

static void run_desk(void* arg) {
  desk_t* desk = arg;

  must("run a loop", uv_run(&desk->loop, UV_RUN_DEFAULT));
  must("close a loop", uv_loop_close(&desk->loop));
  desk->host.service->left(&desk->host);
}

void desk_start(desk_t* desk) {
  must("start a desk", uv_thread_create(&desk->thread, run_desk, desk));
}

void desk_join(desk_t* desk) { must("wait for a desk", uv_thread_join(&desk->thread)); }
