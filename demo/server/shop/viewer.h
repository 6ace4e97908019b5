/* SPDX-License-Identifier: MIT */
/* A viewer: a connection that gets the live news as server-sent events. Knows nothing of requests.
 * Threads: the connection's host's. */
#ifndef VIEWER_H
#define VIEWER_H

#include "http/connection.h"
#include "shop/house.h"

/* Begins to write events to the connection, whose answer has begun. */
void viewer_open(house_t* house, connection_t* connection);

/* The connection's stream is a viewer. */
void viewer_close(connection_t* connection);

#endif /* VIEWER_H */
