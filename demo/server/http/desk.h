/* A desk: one loop in a thread of its own, with the connections that it accepted. All desks listen
 * on the same port. Knows neither what a request is about nor the other desks.
 *
 * A connection lives and dies on its desk. Threads: all of it is the desk's own, but for
 * desk_open(), desk_start() and desk_join(), which the main thread calls before the thread begins
 * and after it has ended. */
#ifndef DESK_H
#define DESK_H

#include <stdatomic.h>
#include <time.h>
#include <uv.h>

#include "http/host.h"

#define READ_BYTES 65536

typedef struct {
  unsigned int connections; /* at most */
  uint64_t idle_ms;
  size_t body_bytes;
  atomic_uint_least64_t* nopen; /* the open connections of all desks are counted here */
} desk_options_t;

typedef struct desk_s {
  host_t host; /* first: what a connection has of its desk */
  uv_thread_t thread;
  uv_loop_t loop;

  uv_tcp_t listener;
  int has_listener;
  int is_connection_held; /* libuv has accepted a connection and waits for uv_accept() */
  size_t nholds;          /* reasons not to accept it */
  unsigned int most_connections;
  unsigned int nconnections;
  atomic_uint_least64_t* nopen;
  struct connection_s* connections;
  uv_timer_t sweep; /* cuts off connections whose time is over */

  time_t date_at;
  char date[40];
  char read_buffer[READ_BYTES];
} desk_t;

/* Makes the loop with its handles; listens at *fd, where the first desk binds and puts the
 * descriptor for the others.
 *   service   that answers the requests, with its data */
void desk_open(desk_t* desk, const desk_options_t* options, const service_t* service, void* data,
               const struct sockaddr* address, int* fd);
void desk_start(desk_t* desk);
void desk_join(desk_t* desk);

/* While there is a hold no further connection is accepted, but for desk_found_room(). */
void desk_hold(desk_t* desk);
void desk_unhold(desk_t* desk);

/* Work that waited has found room, or given up: accepts one connection that was held back, even if
 * there are holds. Else connections that are open could keep all others out for ever. */
void desk_found_room(desk_t* desk);

/* No further connection is accepted; those that are open go on. */
void desk_stop_listening(desk_t* desk);

/* Nothing more will be answered late: connections end with what they have to write, and after the
 * last of them, and desk_stop_listening(), the desk's own handles are closed. */
void desk_end(desk_t* desk);

#endif /* DESK_H */
