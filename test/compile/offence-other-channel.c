/* SPDX-License-Identifier: MIT */
/* An end is one of its channel's type, and a whole channel is no end. */
#include "orders.h"

int main(void) {
  orders_t ch = {NULL};
  pizzas_t other = {NULL};
  pizzas_receiver_t receiver;
  uv_loop_t loop;
  order_t order = {1};

#if OFFENCE == 1
  orders_try_send(pizzas_sendonly(other), order);
#elif OFFENCE == 2
  orders_try_recv(pizzas_recvonly(other), &order);
#elif OFFENCE == 3
  orders_receiver_init(&loop, &receiver, orders_recvonly(ch));
#elif OFFENCE == 4
  orders_try_send(ch, order);
#elif OFFENCE == 5
  orders_try_recv(ch, &order);
#elif OFFENCE == 6
  orders_close(ch);
#elif OFFENCE == 7
  orders_release(other);
#elif OFFENCE == 8
  uvchan_try_send(ch, &order);
#elif OFFENCE == 9
  orders_sendonly(orders_recvonly(ch));
#endif
  (void)ch, (void)other, (void)receiver, (void)loop, (void)order;
  return 0;
}
