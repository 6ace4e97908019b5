/* A connection's exchanges: a queue in the order of the requests. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "connection.h"

/* Adds one at the end; NULL where memory ran out. */
exchange_t* exchange_add(connection_t* connection);

/* Whether a further request is taken just now. */
int exchange_may_begin(const connection_t* connection);

/* Takes out those at the front that are answered, with their answers to what is to be written. */
void exchange_finish_answered(connection_t* connection);

/* Takes out all; orders that any waits for are told. */
void exchange_drop_all(connection_t* connection);

/* ---- Answers --------------------------------------------------------------------------------- */

/* Gives the whole answer.
 *   headers   further ones, each with its end of line, or NULL */
void exchange_answer(exchange_t* exchange, int status, const char* type, const char* headers,
                     const void* body, size_t len);

/* The same with {"error":why}, and with Retry-After where the status is 503. */
void exchange_refuse(exchange_t* exchange, int status, const char* why);

/* Begins an answer that goes on until the connection ends: a viewer writes the rest. */
void exchange_stream(exchange_t* exchange, const char* type);

#endif /* EXCHANGE_H */
