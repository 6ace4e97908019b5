/* Which request is answered how. */
#ifndef ROUTES_H
#define ROUTES_H

#include "connection.h"

/* Answers the exchange, or sees to it that it will be answered. */
void routes_handle(exchange_t* exchange, const request_t* request);

#endif /* ROUTES_H */
