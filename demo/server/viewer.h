/* A viewer: a connection that gets the live news as server-sent events. Threads: those of its
 * desk. */
#ifndef VIEWER_H
#define VIEWER_H

#include "connection.h"

/* Begins to write events to the connection, whose answer has begun. */
void viewer_open(connection_t* connection);

/* Nothing where the connection has none. */
void viewer_close(connection_t* connection);

#endif /* VIEWER_H */
