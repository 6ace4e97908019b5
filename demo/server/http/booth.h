/* SPDX-License-Identifier: MIT */
/* A booth: a desk with a door of its own, for a server of one loop. Clients come in by a call, and
 * not from another thread. Knows neither what a request is about, nor what ends the server.
 * Threads: booth_open() and booth_run() the main one; the rest the desk's. */
#ifndef BOOTH_H
#define BOOTH_H

#include "http/desk.h"
#include "http/door.h"

typedef struct {
  const char* ip;       /* version 4, as text */
  int port;             /* 0: of the system's choice */
  uint64_t connections; /* at most; what descriptors there are besides is found out by trying */
  uint64_t idle_ms;
  size_t body_bytes;
} booth_options_t;

typedef struct {
  desk_t desk;
  door_t door;
  atomic_uint_least64_t nopen; /* connections, by the door, and the next by the desk */
  atomic_uint_least64_t nserved;
  atomic_uint_least64_t nrefusals;
} booth_t;

/* Makes the loop, booth->desk.loop, and listens.
 *   service   that answers the requests, with its data */
void booth_open(booth_t* booth, const booth_options_t* options, const service_t* service,
                void* data);

/* That it listens at. */
int booth_port(const booth_t* booth);

/* Serves, until booth_end() and the last connection's end; the loop is closed then. */
void booth_run(booth_t* booth);

/* Nobody is let in any more; who is inside goes on. */
void booth_shut(booth_t* booth);

/* After booth_shut(), when nothing more will be answered late: see desk_end(). */
void booth_end(booth_t* booth);

#endif /* BOOTH_H */
