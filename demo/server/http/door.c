/* SPDX-License-Identifier: MIT */
/* Accepts while there is room, and else sees to it that somebody, or a timer, has it look again. */
#include "http/door.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/connection.h"
#include "must.h"

#define BACKLOG 1024
#define LOOK_MAX 64  /* clients in one look, so that the loop has its turn */
#define PAUSE_MS 100 /* until descriptors and memory are asked for again */

typedef enum { ENTERED, NOBODY, SCARCE } entry_t;

/* ---- One client ------------------------------------------------------------------------------ */

/* What accept() says of the client, or of the network below it, concerns that one client alone.
 * Where nobody waits there is nothing to do; and whatever else it says, the door waits for a while:
 * so no error can keep the loop busy. */
static entry_t entry_of(int error) {
  switch (error) {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
      return NOBODY;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
      return ENTERED;
    default:
      return SCARCE;
  }
}

/* The memory first: without it nobody is accepted who could not be served. */
static entry_t let_one_in(door_t* door) {
  connection_t* connection = calloc(1, sizeof(*connection));
  socklen_t len = sizeof(connection->peer);

  if (connection == NULL) return SCARCE;
  connection->socket = accept(door->fd, &connection->peer.any, &len);
  if (connection->socket < 0) {
    free(connection);
    return entry_of(errno);
  }
  fcntl(connection->socket, F_SETFD, FD_CLOEXEC);
  atomic_fetch_add(door->nopen, 1);
  door->calls->enter(door, connection);
  return ENTERED;
}

/* ---- Room ------------------------------------------------------------------------------------ */

static int is_below_limit(const door_t* door) { return atomic_load(door->nopen) < door->most; }

/* A hold keeps everybody out; each room that was found meanwhile lets one in. */
static int is_held(door_t* door) {
  if (atomic_load(&door->nholds) == 0) {
    atomic_store(&door->nrooms, 0);
    return 0;
  }
  if (atomic_load(&door->nrooms) == 0) return 1;
  atomic_fetch_sub(&door->nrooms, 1); /* only the loop takes them */
  return 0;
}

/* ---- Looking --------------------------------------------------------------------------------- */

static void on_readable(uv_poll_t* poll, int status, int events) {
  (void)status; /* accept() says what is wrong */
  (void)events;
  door_look(poll->data);
}

static void on_pause(uv_timer_t* pause) { door_look(pause->data); }

static void shut_for_a_while(door_t* door) {
  atomic_fetch_add_explicit(door->nrefusals, 1, memory_order_relaxed); /* it counts */
  uv_poll_stop(&door->poll);
  uv_timer_start(&door->pause, on_pause, PAUSE_MS, 0);
}

/* Shut until somebody knocks. */
static void shut(door_t* door) { uv_poll_stop(&door->poll); }

static void open_again(door_t* door) {
  atomic_store(&door->is_shut, 0);
  uv_timer_stop(&door->pause);
  if (uv_poll_start(&door->poll, UV_READABLE, on_readable) == 0) return;
  atomic_store(&door->is_shut, 1);
  shut_for_a_while(door);
}

/* It is shut first, and looks whether there is room after that (I2). */
void door_look(door_t* door) {
  entry_t entry = ENTERED;

  if (door->is_stopped) return;
  atomic_store(&door->is_shut, 1);
  for (int i = 0; i < LOOK_MAX && entry == ENTERED; i++) {
    if (!door->calls->has_room(door)) {
      shut_for_a_while(door);
      return;
    }
    if (!is_below_limit(door) || is_held(door)) {
      shut(door);
      return;
    }
    entry = let_one_in(door);
  }
  if (entry == SCARCE) {
    shut_for_a_while(door);
  } else {
    open_again(door);
  }
}

/* ---- Who makes room -------------------------------------------------------------------------- */

static void knock_if_shut(door_t* door) {
  if (atomic_load(&door->is_shut)) door->calls->knock(door);
}

void door_left(door_t* door) {
  atomic_fetch_sub(door->nopen, 1);
  knock_if_shut(door);
}

void door_hold(door_t* door) { atomic_fetch_add(&door->nholds, 1); }

void door_unhold(door_t* door) {
  if (atomic_fetch_sub(&door->nholds, 1) == 1) knock_if_shut(door);
}

void door_found_room(door_t* door) {
  if (atomic_load(&door->nholds) == 0) return;
  atomic_fetch_add(&door->nrooms, 1);
  knock_if_shut(door);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static size_t length_of(const struct sockaddr* address) {
  return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static int listen_at(int fd, const struct sockaddr* address) {
  int on = 1;

  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(fd, address, (socklen_t)length_of(address)) != 0 || listen(fd, BACKLOG) != 0)
    return uv_translate_sys_error(errno);
  return 0;
}

int door_listen(door_t* door, uv_loop_t* loop, const struct sockaddr* address,
                const door_calls_t* calls, void* data) {
  int r;

  *door = (door_t){.calls = calls, .data = data};
  door->fd = socket(address->sa_family, SOCK_STREAM, 0);
  if (door->fd < 0) return uv_translate_sys_error(errno);
  r = listen_at(door->fd, address);
  if (r == 0) r = uv_poll_init_socket(loop, &door->poll, door->fd); /* which makes it wait never */
  if (r != 0) {
    close(door->fd);
    return r;
  }
  must("make a timer", uv_timer_init(loop, &door->pause));
  door->poll.data = door->pause.data = door;
  return 0;
}

void door_open(door_t* door, uint64_t most, atomic_uint_least64_t* nopen,
               atomic_uint_least64_t* nrefusals) {
  door->most = most;
  door->nopen = nopen;
  door->nrefusals = nrefusals;
  door_look(door);
}

static void on_poll_closed(uv_handle_t* poll) { close(((door_t*)poll->data)->fd); }

void door_stop(door_t* door) {
  if (door->is_stopped) return;
  door->is_stopped = 1;
  uv_close((uv_handle_t*)&door->pause, NULL);
  uv_close((uv_handle_t*)&door->poll, on_poll_closed);
}
