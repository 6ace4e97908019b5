/* The HTTP parser's callbacks: they collect a request, hold it to its limits, and hand it on when
 * it is complete. */
#ifndef PARSE_H
#define PARSE_H

#include "connection.h"

/* For all connections: before any is opened. */
void parse_set_limits(const options_t* options);

void parse_open(connection_t* connection);

/* Parses as far as the connection takes requests; what is left stays in its rest. Answers 0, or the
 * status to refuse the client with. */
int parse_more(connection_t* connection, const char* data, size_t len);

/* Gives back the memory of the request that is being read. */
void parse_close(connection_t* connection);

#endif /* PARSE_H */
