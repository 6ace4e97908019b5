/* SPDX-License-Identifier: MIT */
/* What the system knows of the other side of a connection, without reading from it. Threads: the
 * handle's. */
#ifndef PEER_H
#define PEER_H

#include <uv.h>

/* Its system has said that nobody is there. */
int peer_is_gone(const uv_tcp_t* handle);

/* It sends no more, and what it sent may be unread; 0 where this system does not tell. */
int peer_has_ended(const uv_tcp_t* handle);

#endif /* PEER_H */
