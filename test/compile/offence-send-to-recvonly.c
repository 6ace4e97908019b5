/* SPDX-License-Identifier: MIT */
/* A receive-only end has no way to send or to close. */
#include "orders.h"

int main(void) {
  orders_t ch = {NULL};
  orders_recvonly_t end = orders_recvonly(ch);
  uv_loop_t loop;
  uvchan_send_t req;
  order_t order = {1};

#if OFFENCE == 1
  orders_try_send(end, order);
#elif OFFENCE == 2
  orders_try_send_n(end, &order, 1);
#elif OFFENCE == 3
  orders_send_wait(end, order);
#elif OFFENCE == 4
  orders_send_timedwait(end, order, 1);
#elif OFFENCE == 5
  orders_send(&loop, &req, end, &order, NULL);
#elif OFFENCE == 6
  orders_case_send(end, &order);
#elif OFFENCE == 7
  orders_close(end);
#elif OFFENCE == 8
  orders_close_with(end, UV_EIO);
#elif OFFENCE == 9
  orders_abort(end, UV_EIO);
#elif OFFENCE == 10
  orders_sendonly_t other = end;
#endif
  (void)end, (void)loop, (void)req, (void)order;
  return 0;
}
