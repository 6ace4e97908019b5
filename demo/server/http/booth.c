/* SPDX-License-Identifier: MIT */
/* A door whose clients go to the desk on the same loop. So whoever makes room is on that loop too,
 * and a knock is a look. */
#include "http/booth.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "must.h"

/* ---- What the door calls --------------------------------------------------------------------- */

static int has_room(door_t* door) {
  (void)door;
  return 1;
}

static void enter(door_t* door, struct connection_s* connection) {
  booth_t* booth = door->data;

  atomic_fetch_add_explicit(&booth->nserved, 1, memory_order_relaxed); /* it counts */
  desk_take(&booth->desk, connection);
}

static const door_calls_t door_calls = {.has_room = has_room, .enter = enter, .knock = door_look};

/* ---- Life ------------------------------------------------------------------------------------ */

static void listen_at(booth_t* booth, const booth_options_t* options) {
  struct sockaddr_in address;

  must("read the address", uv_ip4_addr(options->ip, options->port, &address));
  must("listen at the address", door_listen(&booth->door, &booth->desk.loop,
                                            (struct sockaddr*)&address, &door_calls, booth));
  door_open(&booth->door, options->connections, &booth->nopen, &booth->nrefusals);
}

void booth_open(booth_t* booth, const booth_options_t* options, const service_t* service,
                void* data) {
  const desk_options_t desk = {.idle_ms = options->idle_ms,
                               .body_bytes = options->body_bytes,
                               .door = &booth->door,
                               .nopen = &booth->nserved};

  atomic_init(&booth->nopen, 0);
  atomic_init(&booth->nserved, 0);
  atomic_init(&booth->nrefusals, 0);
  desk_open(&booth->desk, &desk, service, data);
  listen_at(booth, options);
}

int booth_port(const booth_t* booth) {
  struct sockaddr_in address;
  socklen_t len = sizeof(address);
  int r = getsockname(booth->door.fd, (struct sockaddr*)&address, &len);

  must("read the address", r == 0 ? 0 : uv_translate_sys_error(errno));
  return ntohs(address.sin_port);
}

void booth_run(booth_t* booth) {
  desk_start(&booth->desk);
  desk_join(&booth->desk);
}

void booth_shut(booth_t* booth) {
  door_stop(&booth->door);
  desk_shut_door(&booth->desk);
}

void booth_end(booth_t* booth) { desk_end(&booth->desk); }
