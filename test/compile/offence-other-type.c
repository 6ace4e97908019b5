/* SPDX-License-Identifier: MIT */
/* A channel of orders takes and gives orders alone, also where another type has the same
 * members. */
#include "orders.h"

static void on_order(orders_receiver_t* receiver, int status, const order_t* order) {
  (void)receiver, (void)status, (void)order;
}

static void on_pizza(orders_receiver_t* receiver, int status, const pizza_t* pizza) {
  (void)receiver, (void)status, (void)pizza;
}

static void on_pizzas(orders_receiver_t* receiver, ssize_t npizzas, const pizza_t* pizzas) {
  (void)receiver, (void)npizzas, (void)pizzas;
}

int main(void) {
  orders_t ch = {NULL};
  orders_sendonly_t in = orders_sendonly(ch);
  orders_recvonly_t out = orders_recvonly(ch);
  orders_recv_cb cb = on_order;
  orders_receiver_t receiver;
  uv_loop_t loop;
  uvchan_send_t send_req;
  uvchan_recv_t recv_req;
  pizza_t pizza = {1};

#if OFFENCE == 1
  orders_try_send(in, pizza);
#elif OFFENCE == 2
  orders_try_send(in, 1);
#elif OFFENCE == 3
  orders_try_send(in, &pizza);
#elif OFFENCE == 4
  orders_try_send_n(in, &pizza, 1);
#elif OFFENCE == 5
  orders_send_wait(in, pizza);
#elif OFFENCE == 6
  orders_send_timedwait(in, pizza, 1);
#elif OFFENCE == 7
  orders_send(&loop, &send_req, in, &pizza, NULL);
#elif OFFENCE == 8
  orders_case_send(in, &pizza);
#elif OFFENCE == 9
  orders_try_recv(out, &pizza);
#elif OFFENCE == 10
  orders_try_recv_n(out, &pizza, 1);
#elif OFFENCE == 11
  orders_recv_wait(out, &pizza);
#elif OFFENCE == 12
  orders_recv_timedwait(out, &pizza, 1);
#elif OFFENCE == 13
  orders_recv(&loop, &recv_req, out, &pizza, NULL);
#elif OFFENCE == 14
  orders_case_recv(out, &pizza);
#elif OFFENCE == 15
  orders_recv_start(&receiver, on_pizza);
#elif OFFENCE == 16
  orders_recv_start_batch(&receiver, on_pizzas);
#endif
  (void)in, (void)out, (void)cb, (void)on_pizza, (void)on_pizzas;
  (void)receiver, (void)loop, (void)send_req, (void)recv_req, (void)pizza;
  return 0;
}
