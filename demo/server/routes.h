/* Which request is answered how. */
#ifndef ROUTES_H
#define ROUTES_H

#include "connection.h"

/* Answers the exchange, or sees to it that it will be answered. The request is the connection's. */
void routes_handle(exchange_t* exchange, enum http_method method);

#endif /* ROUTES_H */
