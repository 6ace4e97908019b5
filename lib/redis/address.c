/* SPDX-License-Identifier: MIT */
/* The server's address. A name that is no number is looked up by libuv, since hiredis would
 * block. */
#include "redis/address.h"

#include <stdlib.h>
#include <string.h>

static uint64_t or_else(uint64_t value, uint64_t otherwise) {
  return value == 0 ? otherwise : value;
}

static int is_valid(const uvchan_redis_server_t* server) {
  size_t i;

  for (i = 0; i < sizeof(server->reserved) / sizeof(server->reserved[0]); i++) {
    if (server->reserved[i] != NULL) return 0;
  }
  return server->port <= 65535;
}

static void fill_in(uvchan_redis_server_t* server) {
  if (server->host == NULL) server->host = "127.0.0.1";
  if (server->port == 0) server->port = 6379;
  server->connect_timeout_ms = or_else(server->connect_timeout_ms, 5000);
  server->reply_timeout_ms = or_else(server->reply_timeout_ms, 5000);
  server->backoff_least_ms = or_else(server->backoff_least_ms, 20);
  server->backoff_most_ms = or_else(server->backoff_most_ms, 5000);
}

int uvchan__redis_address_init(uvchan__redis_address_t* address,
                               const uvchan_redis_server_t* server) {
  const char** strings[4];
  size_t i, bytes = 0;
  char* at;

  if (!is_valid(server)) return UV_EINVAL;
  address->server = *server;
  fill_in(&address->server);
  strings[0] = &address->server.path;
  strings[1] = &address->server.host;
  strings[2] = &address->server.user;
  strings[3] = &address->server.password;
  for (i = 0; i < 4; i++) bytes += *strings[i] == NULL ? 0 : strlen(*strings[i]) + 1;
  at = address->text = malloc(bytes);
  if (at == NULL) return UV_ENOMEM;
  for (i = 0; i < 4; i++) {
    if (*strings[i] == NULL) continue;
    bytes = strlen(*strings[i]) + 1;
    *strings[i] = memcpy(at, *strings[i], bytes);
    at += bytes;
  }
  return 0;
}

void uvchan__redis_address_free(uvchan__redis_address_t* address) {
  free(address->text);
  address->text = NULL;
}

int uvchan__redis_address_is_name(const uvchan__redis_address_t* address) {
  struct sockaddr_in6 six;
  struct sockaddr_in four;

  return address->server.path == NULL && uv_ip4_addr(address->server.host, 0, &four) != 0 &&
         uv_ip6_addr(address->server.host, 0, &six) != 0;
}

redisAsyncContext* uvchan__redis_address_connect(const uvchan__redis_address_t* address,
                                                 const struct addrinfo* found) {
  int port = (int)address->server.port;
  char host[INET6_ADDRSTRLEN];

  if (address->server.path != NULL) return redisAsyncConnectUnix(address->server.path);
  if (found == NULL) return redisAsyncConnect(address->server.host, port);
  if (found->ai_family == AF_INET) {
    uv_ip4_name((const struct sockaddr_in*)(const void*)found->ai_addr, host, sizeof(host));
  } else {
    uv_ip6_name((const struct sockaddr_in6*)(const void*)found->ai_addr, host, sizeof(host));
  }
  return redisAsyncConnect(host, port);
}
