/* SPDX-License-Identifier: MIT */
/* The server's address. A name that is no number is looked up by libuv, since hiredis would
 * block. */
#include "redis/address.h"

#include <stdlib.h>
#include <string.h>

#include "redis/options.h"

#define MOST_PORT 65535

/* ---- One of the hosts ------------------------------------------------------------------------ */

typedef struct {
  const char* host;
  size_t n;
  unsigned long port; /* 0: it names none */
} spot_t;

/* Digits to the end, which lies before `end`. */
static int read_port(const char* at, const char* end, unsigned long* port) {
  unsigned long number = 0;

  if (at == end || end - at > 5) return UV_EINVAL;
  for (; at < end; at++) {
    if (*at < '0' || *at > '9') return UV_EINVAL;
    number = number * 10 + (unsigned long)(*at - '0');
  }
  if (number == 0 || number > MOST_PORT) return UV_EINVAL;
  *port = number;
  return 0;
}

static int check_spot(const spot_t* spot) {
  return spot->n > 0 && spot->n < UVCHAN__REDIS_HOST_BYTES ? 0 : UV_EINVAL;
}

/* "[address]" or "[address]:port". */
static int read_bracketed(const char* text, const char* end, spot_t* spot) {
  const char* close = memchr(text, ']', (size_t)(end - text));

  if (close == NULL) return UV_EINVAL;
  spot->host = text + 1;
  spot->n = (size_t)(close - spot->host);
  if (close + 1 == end) return check_spot(spot);
  if (close[1] != ':' || read_port(close + 2, end, &spot->port) != 0) return UV_EINVAL;
  return check_spot(spot);
}

/* A text with more than one colon is an IPv6 address without a port. */
static int read_spot(const char* text, const char* end, spot_t* spot) {
  const char* colon = memchr(text, ':', (size_t)(end - text));

  *spot = (spot_t){text, (size_t)(end - text), 0};
  if (text < end && *text == '[') return read_bracketed(text, end, spot);
  if (colon == NULL || memchr(colon + 1, ':', (size_t)(end - colon - 1)) != NULL)
    return check_spot(spot);
  spot->n = (size_t)(colon - text);
  if (read_port(colon + 1, end, &spot->port) != 0) return UV_EINVAL;
  return check_spot(spot);
}

/* The number `at` of the list, which has so many. */
static int find_spot(const char* hosts, unsigned int at, spot_t* spot) {
  const char* end;

  for (; at > 0; at--) hosts = strchr(hosts, ',') + 1;
  end = strchr(hosts, ',');
  return read_spot(hosts, end == NULL ? hosts + strlen(hosts) : end, spot);
}

/* ---- The target ------------------------------------------------------------------------------ */

static void aim(uvchan__redis_address_t* address, const spot_t* spot) {
  char before[UVCHAN__REDIS_HOST_BYTES];

  memcpy(before, address->host, sizeof(before));
  memmove(address->host, spot->host, spot->n);
  address->host[spot->n] = '\0';
  address->port = spot->port == 0 ? address->server.port : (unsigned int)spot->port;
  if (strcmp(before, address->host) != 0) address->turn++;
}

static void aim_at_host(uvchan__redis_address_t* address) {
  spot_t spot;

  find_spot(address->server.host, address->at, &spot);
  address->is_redirected = 0;
  aim(address, &spot);
}

void uvchan__redis_address_next(uvchan__redis_address_t* address) {
  address->at = (address->at + 1) % address->hosts;
  aim_at_host(address);
}

int uvchan__redis_address_redirect(uvchan__redis_address_t* address, const char* host, size_t n,
                                   unsigned long port) {
  const spot_t spot = {host, n, port};

  if (check_spot(&spot) != 0 || port == 0 || port > MOST_PORT) return UV_EINVAL;
  address->is_redirected = 1;
  aim(address, &spot);
  return 0;
}

/* A node that does not know its own name leaves that out: it is the one that has answered. */
int uvchan__redis_address_move(uvchan__redis_address_t* address, const char* words) {
  static const char moved[] = "MOVED ";
  const char* host =
      strncmp(words, moved, sizeof(moved) - 1) == 0 ? strchr(words + sizeof(moved) - 1, ' ') : NULL;
  const char* colon = host == NULL ? NULL : strrchr(host, ':');
  unsigned long port;

  if (colon == NULL || read_port(colon + 1, colon + strlen(colon), &port) != 0) return UV_EINVAL;
  host++;
  if (host == colon)
    return uvchan__redis_address_redirect(address, address->host, strlen(address->host), port);
  return uvchan__redis_address_redirect(address, host, (size_t)(colon - host), port);
}

/* ---- The options ----------------------------------------------------------------------------- */

static uint64_t or_else(uint64_t value, uint64_t otherwise) {
  return value == 0 ? otherwise : value;
}

/* Answers how many hosts the list has; 0 where it can't be read. */
static unsigned int count_hosts(const char* hosts) {
  unsigned int i, n = 1;
  const char* at;
  spot_t spot;

  for (at = hosts; *at != '\0'; at++) n += *at == ',';
  for (i = 0; i < n; i++) {
    if (find_spot(hosts, i, &spot) != 0) return 0;
  }
  return n;
}

static int is_valid(const uvchan_redis_server_t* server) {
  size_t i;

  for (i = 0; i < sizeof(server->reserved) / sizeof(server->reserved[0]); i++) {
    if (server->reserved[i] != NULL) return 0;
  }
  return server->port <= MOST_PORT;
}

static void fill_in(uvchan_redis_server_t* server) {
  if (server->host == NULL) server->host = "127.0.0.1";
  if (server->port == 0) server->port = server->sentinel == NULL ? 6379 : 26379;
  server->connect_timeout_ms = or_else(server->connect_timeout_ms, 5000);
  server->reply_timeout_ms = or_else(server->reply_timeout_ms, 5000);
  server->backoff_least_ms = or_else(server->backoff_least_ms, 20);
  server->backoff_most_ms = or_else(server->backoff_most_ms, 5000);
  if (server->reply_timeout_ms > UVCHAN__REDIS_MOST_MS)
    server->reply_timeout_ms = UVCHAN__REDIS_MOST_MS;
}

static int copy_strings(uvchan__redis_address_t* address) {
  uvchan_redis_server_t* server = &address->server;
  const char** strings[] = {
      &server->path,     &server->host,          &server->sentinel,         &server->user,
      &server->password, &server->sentinel_user, &server->sentinel_password};
  size_t i, n = sizeof(strings) / sizeof(strings[0]), bytes = 0;
  char* at;

  for (i = 0; i < n; i++) bytes += *strings[i] == NULL ? 0 : strlen(*strings[i]) + 1;
  at = address->text = malloc(bytes);
  if (at == NULL) return UV_ENOMEM;
  for (i = 0; i < n; i++) {
    if (*strings[i] == NULL) continue;
    bytes = strlen(*strings[i]) + 1;
    *strings[i] = memcpy(at, *strings[i], bytes);
    at += bytes;
  }
  return 0;
}

int uvchan__redis_address_init(uvchan__redis_address_t* address,
                               const uvchan_redis_server_t* server) {
  memset(address, 0, sizeof(*address));
  if (!is_valid(server)) return UV_EINVAL;
  address->server = *server;
  fill_in(&address->server);
  address->hosts = count_hosts(address->server.host);
  if (address->hosts == 0) return UV_EINVAL;
  if (copy_strings(address) != 0) return UV_ENOMEM;
  aim_at_host(address);
  return 0;
}

void uvchan__redis_address_free(uvchan__redis_address_t* address) {
  free(address->text);
  address->text = NULL;
}

/* ---- To there -------------------------------------------------------------------------------- */

int uvchan__redis_address_is_name(const uvchan__redis_address_t* address) {
  struct sockaddr_in6 six;
  struct sockaddr_in four;

  return (address->server.path == NULL || address->is_redirected) &&
         uv_ip4_addr(address->host, 0, &four) != 0 && uv_ip6_addr(address->host, 0, &six) != 0;
}

redisAsyncContext* uvchan__redis_address_connect(const uvchan__redis_address_t* address,
                                                 const struct addrinfo* found) {
  char host[INET6_ADDRSTRLEN];
  int port = (int)address->port;

  if (address->server.path != NULL && !address->is_redirected)
    return redisAsyncConnectUnix(address->server.path);
  if (found == NULL) return redisAsyncConnect(address->host, port);
  if (found->ai_family == AF_INET) {
    uv_ip4_name((const struct sockaddr_in*)(const void*)found->ai_addr, host, sizeof(host));
  } else {
    uv_ip6_name((const struct sockaddr_in6*)(const void*)found->ai_addr, host, sizeof(host));
  }
  return redisAsyncConnect(host, port);
}
