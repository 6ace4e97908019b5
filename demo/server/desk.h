/* A desk: one loop in a thread of its own, with the connections that it accepted. All desks listen
 * on the same port.
 *
 * A connection lives and dies on its desk, and an order is made and freed there. Threads: all of it
 * is the desk's own, but for `results`, which is a channel, and for desk_open() and desk_join(),
 * which the main thread calls before the thread begins and after it has ended. */
#ifndef DESK_H
#define DESK_H

#include <time.h>
#include <uv.h>

#include "house.h"

#define READ_BYTES 65536

typedef struct desk_s {
  house_t* house;
  uv_thread_t thread;
  uv_loop_t loop;

  results_t results; /* bakers -> this desk */
  results_receiver_t results_receiver;
  uvchan_receiver_t quit_receiver;

  uv_tcp_t listener;
  int has_listener;
  int is_connection_held; /* libuv has accepted a connection and waits for uv_accept() */
  unsigned int most_connections;
  unsigned int nconnections;
  struct connection_s* connections;
  uv_timer_t sweep; /* cuts off connections whose time is over */

  size_t nsending;     /* orders that wait for room in the channel */
  uv_timer_t patience; /* for the eldest order, where there is a limit */
  order_t* eldest;
  order_t* youngest;
  chance_t chance;

  int is_served; /* the end of the results came */
  time_t date_at;
  char date[40];
  char read_buffer[READ_BYTES];
} desk_t;

/* Makes the loop with its handles; listens at *fd, where the first desk binds and puts the
 * descriptor for the others. */
void desk_open(desk_t* desk, house_t* house, results_t results, const struct sockaddr* address,
               int* fd);
void desk_start(desk_t* desk);
void desk_join(desk_t* desk);

/* Accepts a connection that was held back, where nothing holds it any more. */
void desk_accept(desk_t* desk);

/* An order that waited has found room, or given up: accepts one connection that was held back, even
 * if more orders wait. Else connections that are open could keep all others out for ever. */
void desk_found_room(desk_t* desk);

/* Closes what is the desk's own, once the kitchen has nothing of it and no connection is left. */
void desk_end_if_done(desk_t* desk);

/* The date as HTTP writes it. */
const char* desk_date(desk_t* desk);

#endif /* DESK_H */
