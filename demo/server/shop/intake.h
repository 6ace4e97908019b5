/* SPDX-License-Identifier: MIT */
/* The intake: how a desk's orders go to the kitchen, or to bakers elsewhere, and come back, and what
 * happens when it is full. Knows neither sockets nor paths. Threads: the desk's, but for intake_open(), which the main
 * thread calls before the desk's begins. */
#ifndef INTAKE_H
#define INTAKE_H

#include "http/desk.h"
#include "http/exchange.h"
#include "shop/afar.h"
#include "shop/house.h"

typedef struct intake_s {
  desk_t* desk;
  house_t* house;
  chance_t chance; /* of the orders that are baked on the loop */
  afar_t afar;     /* the orders that are baked elsewhere */
} intake_t;

/*   number   which of the house's desks it is */
void intake_open(intake_t* intake, desk_t* desk, house_t* house, unsigned int number);

/* No further client comes, and no order that would be baked elsewhere is taken. */
void intake_shut(intake_t* intake);

/* Sends an order to the kitchen; its exchange is answered here and now, or when it comes back. */
void intake_take(intake_t* intake, exchange_t* exchange, const wish_t* wish);

/* Nobody waits for this order any more: the work of an exchange that goes. */
void intake_forget(order_t* order);

#endif /* INTAKE_H */
