/* SPDX-License-Identifier: MIT */
/* The entrance: the door of the house, on the main loop, and the channels by which clients get from
 * there to the counters.
 *
 *   door --errands: one channel for each counter--> the counter with the fewest connections
 *     ^
 *     +--knocks-- desks that have made room while the door was shut
 *
 * So the limit of connections is one for the house, a client waits only where no counter has room,
 * and the counters have equally many.
 *
 * Threads: the main loop's. */
#ifndef ENTRANCE_H
#define ENTRANCE_H

#include <uvchan/typed.h>

#include "http/door.h"
#include "shop/house.h"

UVCHAN_TYPED(knocks, char)

typedef struct {
  door_t door;
  house_t* house;
  unsigned int next; /* the counter where the search for the next one begins */
  knocks_t knocks;
  knocks_receiver_t knocks_receiver;
} entrance_t;

/* Listens at the address; nobody is let in yet. */
void entrance_listen(entrance_t* entrance, house_t* house, uv_loop_t* loop,
                     const struct sockaddr* address);

/* Lets clients in.
 *   most   connections at most */
void entrance_open(entrance_t* entrance, uint64_t most);

/* Nobody is let in any more: each counter gets those who are on their way to it, and then the end
 * of its errands. */
void entrance_shut(entrance_t* entrance);

/* When the desks have left, so that nobody knocks any more: closes what is on the main loop. */
void entrance_close(entrance_t* entrance);

/* When the main loop is done. */
void entrance_release(entrance_t* entrance);

#endif /* ENTRANCE_H */
