/* The intake: how a desk's orders go to the kitchen and come back, and what happens when the
 * channel is full. Knows neither sockets nor paths. Threads: the desk's, but for `results`, which
 * is a channel, and for intake_open(), which the main thread calls before the desk's begins. */
#ifndef INTAKE_H
#define INTAKE_H

#include "http/desk.h"
#include "http/exchange.h"
#include "shop/house.h"

typedef struct intake_s {
  desk_t* desk;
  house_t* house;
  results_t results; /* bakers -> this desk; the house's */
  results_receiver_t receiver;
  uv_timer_t patience; /* for the eldest order, where there is a limit */
  order_t* eldest;     /* of those that may wait too long */
  order_t* youngest;
  chance_t chance;
} intake_t;

/* Receives the desk's results, until they end: then every order that was accepted is back and
 * answered, and the desk ends. */
void intake_open(intake_t* intake, desk_t* desk, house_t* house, results_t results);

/* Sends an order to the kitchen; its exchange is answered here and now, or when it comes back. */
void intake_take(intake_t* intake, exchange_t* exchange, const wish_t* wish);

/* Nobody waits for this order any more: the work of an exchange that goes. */
void intake_forget(order_t* order);

#endif /* INTAKE_H */
