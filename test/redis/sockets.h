/* SPDX-License-Identifier: MIT */
/* Unix sockets, as what stands between the ends and the server uses them. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support.h"

static inline void unix_address(struct sockaddr_un* address, const char* path) {
  memset(address, 0, sizeof(*address));
  address->sun_family = AF_UNIX;
  must(strlen(path) < sizeof(address->sun_path));
  strcpy(address->sun_path, path);
}

static inline int unix_listen(const char* path) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address;

  unix_address(&address, path);
  must(fd >= 0);
  must(bind(fd, (const struct sockaddr*)&address, sizeof(address)) == 0);
  must(listen(fd, 64) == 0);
  return fd;
}

/* -1: there is nobody. */
static inline int unix_connect(const char* path) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address;

  unix_address(&address, path);
  must(fd >= 0);
  if (connect(fd, (const struct sockaddr*)&address, sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

/* For a thread that writes to ends that may be gone. */
static inline void block_sigpipe(void) {
  sigset_t set;

  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  must(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

#endif /* SOCKETS_H */
