/* SPDX-License-Identifier: MIT */
/* Where the server is: the caller's options, copied, with what is not set filled in; which host is
 * the next to be tried; and a context of hiredis' to there. Knows no connection's state. The loop's
 * thread alone.
 *
 *                                    +-- MOVED, a sentinel's answer --> redirected
 *   the 1st host -> the 2nd -> ... --+                                      |
 *        ^-------------------------------- any failure ---------------------'
 */
#ifndef UVCHAN_REDIS_ADDRESS_H
#define UVCHAN_REDIS_ADDRESS_H

#include <hiredis/async.h>
#include <uvchan/redis.h>

#define UVCHAN__REDIS_HOST_BYTES 256

/* All strings of the options lie in one piece of memory, `text`. */
typedef struct {
  uvchan_redis_server_t server;
  char* text;
  unsigned int hosts;
  unsigned int turn; /* of names: a look-up is of one */
  unsigned int at;   /* of the hosts */
  int is_redirected;
  char host[UVCHAN__REDIS_HOST_BYTES]; /* the target, as port is */
  unsigned int port;
} uvchan__redis_address_t;

/* Returns 0; UV_EINVAL: something in reserved, a port of more than 65535, a host that can't be
 * read; UV_ENOMEM. */
int uvchan__redis_address_init(uvchan__redis_address_t* address,
                               const uvchan_redis_server_t* server);
void uvchan__redis_address_free(uvchan__redis_address_t* address);

/* The target has failed: the next host's turn. */
void uvchan__redis_address_next(uvchan__redis_address_t* address);

/* The target is another one until it fails: `n` bytes of a name, and a port. Returns 0; UV_EINVAL:
 * there can't be such a one. */
int uvchan__redis_address_redirect(uvchan__redis_address_t* address, const char* host, size_t n,
                                   unsigned long port);

/* The same by the words of a node of a cluster, "MOVED 3999 127.0.0.1:6381". Returns 0; UV_EINVAL:
 * they are other words, or name no such one. */
int uvchan__redis_address_move(uvchan__redis_address_t* address, const char* words);

/* 1 where the target is a sentinel, which is to be asked for the primary. */
static inline int uvchan__redis_address_is_sentinel(const uvchan__redis_address_t* address) {
  return address->server.sentinel != NULL && !address->is_redirected;
}

/* 1 where the target's name has to be looked up first. */
int uvchan__redis_address_is_name(const uvchan__redis_address_t* address);

/* Begins to connect. found: what the name is, or NULL where there is no name. Returns NULL where
 * there is no memory; else a context, which may have failed already, with err set. */
redisAsyncContext* uvchan__redis_address_connect(const uvchan__redis_address_t* address,
                                                 const struct addrinfo* found);

#endif /* UVCHAN_REDIS_ADDRESS_H */
