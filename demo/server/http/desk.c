/* SPDX-License-Identifier: MIT */
/* A desk's loop: it serves its connections, cuts off those whose time is over, and ends when it has
 * none, and nothing is to come: then uv_run() returns, and uv_loop_close() answers 0. */
#include "http/desk.h"

#include <stdlib.h>
#include <string.h>

#include "http/connection.h"
#include "must.h"

/* The host is its first member. */
static desk_t* desk_of(host_t* host) { return (desk_t*)host; }

/* ---- Connections ----------------------------------------------------------------------------- */

static void list_connection(desk_t* desk, connection_t* connection) {
  connection->next = desk->connections;
  if (desk->connections != NULL) desk->connections->prev = connection;
  desk->connections = connection;
}

static void unlist_connection(desk_t* desk, connection_t* connection) {
  if (connection->prev != NULL) connection->prev->next = connection->next;
  if (connection->next != NULL) connection->next->prev = connection->prev;
  if (desk->connections == connection) desk->connections = connection->next;
}

void desk_take(desk_t* desk, connection_t* connection) {
  list_connection(desk, connection);
  connection_open(connection, &desk->host);
  if (desk->host.is_served) connection_end(connection);
}

void desk_hold(desk_t* desk) { door_hold(desk->door); }

void desk_unhold(desk_t* desk) { door_unhold(desk->door); }

void desk_found_room(desk_t* desk) { door_found_room(desk->door); }

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
  if (!desk->is_door_shut || !desk->host.is_served || desk->connections != NULL) return;
  if (!uv_is_closing((uv_handle_t*)&desk->sweep)) uv_close((uv_handle_t*)&desk->sweep, NULL);
}

/* The memory goes before the door is told: somebody may wait for it there. */
static void on_connection_closed(connection_t* connection) {
  desk_t* desk = desk_of(connection->host);

  unlist_connection(desk, connection);
  free(connection);
  atomic_fetch_sub_explicit(desk->nopen, 1, memory_order_relaxed); /* it counts */
  door_left(desk->door);
  end_if_done(desk);
}

void desk_shut_door(desk_t* desk) {
  desk->is_door_shut = 1;
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

void desk_open(desk_t* desk, const desk_options_t* options, const service_t* service, void* data) {
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
  desk->door = options->door;
  desk->nopen = options->nopen;
  must("make a loop", uv_loop_init(&desk->loop));
  must("make a timer", uv_timer_init(&desk->loop, &desk->sweep));
  desk->sweep.data = desk;
  must("start a timer", uv_timer_start(&desk->sweep, on_sweep, SWEEP_MS, SWEEP_MS));
}

static void run_desk(void* arg) {
  desk_t* desk = arg;

  must("run a loop", uv_run(&desk->loop, UV_RUN_DEFAULT));
  must("close a loop", uv_loop_close(&desk->loop));
  if (desk->host.service->left != NULL) desk->host.service->left(&desk->host);
}

void desk_start(desk_t* desk) {
  must("start a desk", uv_thread_create(&desk->thread, run_desk, desk));
}

void desk_join(desk_t* desk) { must("wait for a desk", uv_thread_join(&desk->thread)); }
