/* SPDX-License-Identifier: MIT */
/* A desk: one loop in a thread of its own, with the connections that it was given. Knows neither
 * what a request is about, nor how clients come in, nor the other desks.
 *
 * A connection lives and dies on its desk. Threads: all of it is the desk's own, but for
 * desk_open(), desk_start() and desk_join(), which the main thread calls before the thread begins
 * and after it has ended. */
#ifndef DESK_H
#define DESK_H

#include <stdatomic.h>
#include <time.h>
#include <uv.h>

#include "http/door.h"
#include "http/host.h"

#define READ_BYTES 65536

typedef struct {
  uint64_t idle_ms;
  size_t body_bytes;
  door_t* door; /* that its clients come through */
  /* its connections are counted down here, by whoever gives them counted up */
  atomic_uint_least64_t* nopen;
} desk_options_t;

typedef struct desk_s {
  host_t host; /* first: what a connection has of its desk */
  uv_thread_t thread;
  uv_loop_t loop;

  door_t* door;
  int is_door_shut; /* no further connection comes */
  atomic_uint_least64_t* nopen;
  struct connection_s* connections;
  uv_timer_t sweep; /* cuts off connections whose time is over */

  time_t date_at;
  char date[40];
  char read_buffer[READ_BYTES];
} desk_t;

/* Makes the loop with its handles.
 *   service   that answers the requests, with its data */
void desk_open(desk_t* desk, const desk_options_t* options, const service_t* service, void* data);
void desk_start(desk_t* desk);
void desk_join(desk_t* desk);

/* Serves a client, as door_calls_t gives it. */
void desk_take(desk_t* desk, struct connection_s* connection);

/* While there is a hold, of any desk, the door lets nobody in, but for desk_found_room(). */
void desk_hold(desk_t* desk);
void desk_unhold(desk_t* desk);

/* Work that waited has found room, or given up: see door_found_room(). */
void desk_found_room(desk_t* desk);

/* No further connection comes; those that are open go on. */
void desk_shut_door(desk_t* desk);

/* Nothing more will be answered late: connections end with what they have to write, and after the
 * last of them, and desk_shut_door(), the desk's own handles are closed. */
void desk_end(desk_t* desk);

#endif /* DESK_H */
