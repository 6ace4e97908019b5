/* SPDX-License-Identifier: MIT */
/* Which request is answered how. Knows neither sockets nor the library that parses. */
#ifndef ROUTES_H
#define ROUTES_H

#include "http/exchange.h"
#include "http/request.h"
#include "shop/house.h"
#include "shop/intake.h"

/* Answers the exchange, or sees to it that it will be answered. */
void routes_handle(house_t* house, intake_t* intake, exchange_t* exchange,
                   const request_t* request);

#endif /* ROUTES_H */
