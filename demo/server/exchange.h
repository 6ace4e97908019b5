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

#endif /* EXCHANGE_H */
