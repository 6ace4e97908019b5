/* SPDX-License-Identifier: MIT */
/* A channel of one type: a value of another, or the wrong end, does not compile. */
#include <stdio.h>
#include <uvchan/typed.h>

struct order {
  int table;
  double price;
};

UVCHAN_TYPED(orders, struct order)

static void take_orders(orders_sendonly_t kitchen) {
  for (int table = 1; table <= 3; table++)
    orders_try_send(kitchen, (struct order){.table = table, .price = 8.5});
  orders_close(kitchen);
}

int main(void) {
  struct order order;
  double sum = 0;
  orders_t orders;

  if (orders_create(&orders, 8) != 0) return 1;
  take_orders(orders_sendonly(orders));
  while (orders_recv_wait(orders_recvonly(orders), &order) == 0) sum += order.price;
  printf("%.2f\n", sum);
  orders_release(orders);
  return 0;
}
