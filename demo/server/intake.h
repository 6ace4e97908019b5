/* The intake: how a desk's orders go to the kitchen and come back, and what happens when the
 * channel is full. Threads: the desk's. */
#ifndef INTAKE_H
#define INTAKE_H

#include "connection.h"
#include "desk.h"

void intake_open(desk_t* desk);

/* Sends an order to the kitchen; its exchange is answered here and now, or when it comes back. */
void intake_take(desk_t* desk, exchange_t* exchange, const wish_t* wish);

/* An order is back: answers whoever still waits for it. */
void intake_take_back(desk_t* desk, order_t* order);

/* Nobody waits for this order any more. */
void intake_forget(order_t* order);

#endif /* INTAKE_H */
