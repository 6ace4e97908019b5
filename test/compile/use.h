/* SPDX-License-Identifier: MIT */
/* A use of the headers that is C11 and C++11: one value goes through a typed channel, and through a
 * plain one, and a pool does one work. */
#ifndef USE_H
#define USE_H

#include <string.h>

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

static void add_one(uvchan_work_t* work, void* state) {
  (void)state;
  ++*(int*)work->data;
}

static void close_pool(uvchan_work_t* work, int status) {
  if (status == 0) uvchan_pool_close(work->loop, work->pool, 0, NULL);
}

static int use_pool(void) {
  uv_loop_t loop;
  uvchan_pool_t* pool;
  uvchan_pool_options_t options;
  uvchan_work_t work;
  int number = 41;

  memset(&options, 0, sizeof(options));
  options.capacity = 1;
  if (uv_loop_init(&loop) != 0 || uvchan_pool_create(&pool, &options) != 0) return 1;
  work.data = &number;
  if (uvchan_pool_try_submit(&loop, &work, pool, add_one, close_pool) != 0) return 2;
  uv_run(&loop, UV_RUN_DEFAULT);
  uvchan_pool_release(pool);
  return uv_loop_close(&loop) == 0 && number == 42 ? 0 : 3;
}

#endif /* USE_H */
