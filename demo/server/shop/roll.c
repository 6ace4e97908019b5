/* SPDX-License-Identifier: MIT */
/* A desk's orders are found by its connections, as the work of their exchanges: an order whose
 * client has left is nobody's any more, and not in the roll. */
#include "shop/roll.h"

#include <stdlib.h>

#include "http/connection.h"

/* What a baker writes is read when the order is back, and not here: but for its state, which is
 * atomic. */
static void add(roll_t* roll, const order_t* order) {
  news_state_t state = order_is_taken(order) ? NEWS_BAKING : NEWS_WAITING;
  news_item_t* item;

  item = roll_add(roll, order->number, state);
  if (item != NULL) item->wish = order->wish;
}

roll_t* roll_of(const desk_t* desk) {
  roll_t* roll = calloc(1, sizeof(*roll));

  if (roll == NULL) return NULL;
  for (const connection_t* connection = desk->connections; connection != NULL;
       connection = connection->next) {
    const exchange_t* exchange = connection->exchanges.first;

    for (; exchange != NULL; exchange = exchange->next)
      if (exchange->work != NULL) add(roll, exchange->work);
  }
  return roll;
}
