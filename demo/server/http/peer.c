/* SPDX-License-Identifier: MIT */
/* libuv tells of the other side's end by reading alone: while a handle is not read from it is not
 * polled, and a second handle on the same descriptor, for UV_DISCONNECT, is not allowed. So the
 * system is asked, without waiting, and of what it answers nothing is taken that libuv waits for:
 * an error of the socket is only asked for where the connection goes if there is one. */
#define _GNU_SOURCE /* for POLLRDHUP */
#include "http/peer.h"

#include <poll.h>
#include <sys/socket.h>

int peer_is_gone(const uv_tcp_t* handle) {
  int error = 0;
  socklen_t len = sizeof(error);
  uv_os_fd_t fd;

  if (uv_fileno((const uv_handle_t*)handle, &fd) != 0) return 0;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0;
}

#ifdef POLLRDHUP
int peer_has_ended(const uv_tcp_t* handle) {
  struct pollfd asked = {.events = POLLRDHUP};

  if (uv_fileno((const uv_handle_t*)handle, &asked.fd) != 0) return 0;
  return poll(&asked, 1, 0) > 0 && (asked.revents & POLLRDHUP) != 0;
}
#else
int peer_has_ended(const uv_tcp_t* handle) {
  (void)handle;
  return 0;
}
#endif
