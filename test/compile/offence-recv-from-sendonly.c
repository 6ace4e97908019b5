/* SPDX-License-Identifier: MIT */
/* A send-only end has no way to receive. */
#include "orders.h"

int main(void) {
  orders_t ch = {NULL};
  orders_sendonly_t end = orders_sendonly(ch);
  orders_receiver_t receiver;
  uv_loop_t loop;
  uvchan_recv_t req;
  order_t order = {1};

#if OFFENCE == 1
  orders_try_recv(end, &order);
#elif OFFENCE == 2
  orders_try_recv_n(end, &order, 1);
#elif OFFENCE == 3
  orders_recv_wait(end, &order);
#elif OFFENCE == 4
  orders_recv_timedwait(end, &order, 1);
#elif OFFENCE == 5
  orders_recv(&loop, &req, end, &order, NULL);
#elif OFFENCE == 6
  orders_receiver_init(&loop, &receiver, end);
#elif OFFENCE == 7
  orders_case_recv(end, &order);
#elif OFFENCE == 8
  orders_recvonly_t other = end;
#endif
  (void)end, (void)receiver, (void)loop, (void)req, (void)order;
  return 0;
}
