/* SPDX-License-Identifier: MIT */
/* The server of the streams, as a command line names it: HOST, HOST:PORT, several of them with
 * commas between, or the path of a unix socket, which has a slash. */
#ifndef ENGINE_H
#define ENGINE_H

#include <string.h>
#include <uvchan/redis.h>

/*   text   in place as long as what is answered */
static inline uvchan_redis_server_t engine_at(const char* text) {
  uvchan_redis_server_t server = {.path = NULL};

  if (strchr(text, '/') != NULL) {
    server.path = text;
  } else {
    server.host = text;
  }
  return server;
}

#endif /* ENGINE_H */
