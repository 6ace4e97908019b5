/* SPDX-License-Identifier: MIT */
/* Where the server is: the caller's options, copied, with what is not set filled in; and a context
 * of hiredis' to there. Knows no connection's state. The loop's thread alone. */
#ifndef UVCHAN_REDIS_ADDRESS_H
#define UVCHAN_REDIS_ADDRESS_H

#include <hiredis/async.h>
#include <uvchan/redis.h>

/* All strings lie in one piece of memory, `text`. */
typedef struct {
  uvchan_redis_server_t server;
  char* text;
} uvchan__redis_address_t;

/* Returns 0; UV_EINVAL: something in reserved; UV_ENOMEM. */
int uvchan__redis_address_init(uvchan__redis_address_t* address,
                               const uvchan_redis_server_t* server);
void uvchan__redis_address_free(uvchan__redis_address_t* address);

/* 1 where the name has to be looked up first. */
int uvchan__redis_address_is_name(const uvchan__redis_address_t* address);

/* Begins to connect. found: what the name is, or NULL where there is no name. Returns NULL where
 * there is no memory; else a context, which may have failed already, with err set. */
redisAsyncContext* uvchan__redis_address_connect(const uvchan__redis_address_t* address,
                                                 const struct addrinfo* found);

#endif /* UVCHAN_REDIS_ADDRESS_H */
