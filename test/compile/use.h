/* A use of both headers that is C11 and C++17: one value goes through a typed channel, and through
 * a plain one. */
#ifndef USE_H
#define USE_H

struct order {
  int number;
};

UVCHAN_TYPED(orders, struct order)

static int use_typed(void) {
  orders_t ch;
  struct order in = {42};
  struct order out = {0};

  if (orders_create(&ch, 1) != 0) return 1;
  if (orders_try_send(orders_sendonly(ch), in) != 0) return 2;
  if (orders_close(orders_sendonly(ch)) != 0) return 3;
  if (orders_try_recv(orders_recvonly(ch), &out) != 0 || out.number != 42) return 4;
  if (orders_try_recv(orders_recvonly(ch), &out) != UV_EOF) return 5;
  orders_release(ch);
  return 0;
}

static int use_plain(void) {
  uvchan_t* ch;
  int in = 42;
  int out = 0;

  if (uvchan_create(&ch, sizeof(in), UVCHAN_UNBOUNDED) != 0) return 1;
  if (uvchan_try_send(ch, &in) != 0) return 2;
  if (uvchan_try_recv(ch, &out) != 0 || out != 42) return 3;
  uvchan_release(ch);
  return 0;
}

#endif /* USE_H */
