/* SPDX-License-Identifier: MIT */
/* What the offences are about: two channels of types that look alike, and their ends. */
#ifndef ORDERS_H
#define ORDERS_H

#include <uvchan/typed.h>

typedef struct {
  int number;
} order_t;

typedef struct {
  int number;
} pizza_t;

UVCHAN_TYPED(orders, order_t)
UVCHAN_TYPED(pizzas, pizza_t)

#endif /* ORDERS_H */
