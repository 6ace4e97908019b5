/* SPDX-License-Identifier: MIT */
/* The door: the one socket that listens, for all desks. It lets clients in while there is room for
 * them; nobody is let in, and nobody sent away, where there is none: the backlog of the system
 * carries the wait, and the door costs no processor. Knows neither who serves the clients nor how
 * they get there.
 *
 * It does not listen through libuv, which accepts a connection before anybody can say whether there
 * is room, and which, out of descriptors, closes waiting clients with one that it keeps in reserve,
 * or, where another thread has taken that one, tries again for ever. Here the socket is polled, and
 * accept() is called only while there is room; where the system refuses it, the poll is stopped.
 *
 *   I1  What is let in is counted in *nopen until door_left(), and never more than `most`.
 *   I2  A door that does not poll has `is_shut` set, and then looked again: so whoever makes room
 *       either did so before that look or sees it shut, and knocks. Both sides use sequentially
 *       consistent accesses for that, to the counters and to `is_shut`.
 *   I3  A door that waits for what nobody tells of, descriptors or memory, has its pause active.
 *
 * Threads: door_left(), door_hold(), door_unhold() and door_found_room() any; the rest the loop's,
 * or before that runs. */
#ifndef DOOR_H
#define DOOR_H

#include <stdatomic.h>
#include <stdint.h>
#include <uv.h>

struct connection_s;
typedef struct door_s door_t;

/* What the door needs of who has it. */
typedef struct {
  /* Whether a client could be taken now; asked on the loop, ahead of each enter(). */
  int (*has_room)(door_t* door);
  /* Takes a client: its socket, in zeroed memory that calloc() gave, both to be given back; and
   * door_left() to be called once. */
  void (*enter)(door_t* door, struct connection_s* connection);
  /* Sees to it, from any thread, that door_look() is called on the loop soon. */
  void (*knock)(door_t* door);
} door_calls_t;

struct door_s {
  const door_calls_t* calls; /* fixed, as the four below */
  void* data;                /* of who has it */
  uint64_t most;             /* connections at most */
  atomic_uint_least64_t* nopen;
  atomic_uint_least64_t* nrefusals;

  uv_poll_t poll;
  uv_timer_t pause;
  int fd;
  int is_stopped;
  atomic_int is_shut;
  atomic_uint nholds; /* reasons not to let anybody in */
  atomic_uint nrooms; /* clients that are let in all the same */
};

/* Listens at the address. Until door_open() nobody is let in. Answers 0, or why not. */
int door_listen(door_t* door, uv_loop_t* loop, const struct sockaddr* address,
                const door_calls_t* calls, void* data);

/* Lets clients in.
 *   most        at most so many at a time
 *   nopen       where they are counted, for others to read; as the next
 *   nrefusals   how often the system had no descriptor or no memory for one, or nobody room */
void door_open(door_t* door, uint64_t most, atomic_uint_least64_t* nopen,
               atomic_uint_least64_t* nrefusals);

/* Somebody has knocked. */
void door_look(door_t* door);

/* A client that was let in is gone, with its descriptor and its memory. */
void door_left(door_t* door);

/* While there is a hold nobody is let in, but for door_found_room(). */
void door_hold(door_t* door);
void door_unhold(door_t* door);

/* Work that waited has found room, or given up: lets in one client that waits, even if there are
 * holds. Else connections that are open could keep all others out for ever. */
void door_found_room(door_t* door);

/* Nobody is let in any more; the socket is closed, and clients that wait in the backlog are sent
 * away by the system. */
void door_stop(door_t* door);

#endif /* DOOR_H */
