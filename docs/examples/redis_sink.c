/* SPDX-License-Identifier: MIT */
/* A sink: what is sent into a channel goes into a stream of a Redis server, and so to another
 * machine. The argument is the server's unix socket; without one it is at 127.0.0.1. */
#include <inttypes.h>
#include <stdio.h>
#include <uvchan/redis.h>

typedef struct {
  int number;
  char pizza[12];
} order_t;

static void on_end(uvchan_redis_sink_t* sink, int status) {
  uvchan_redis_stats_t stats;

  uvchan_redis_sink_stats(sink, &stats);
  printf("over with %d: %" PRIu64 " values are in, %d are not\n", status, stats.values,
         (int)stats.held);
  uvchan_redis_sink_close(sink, NULL);
}

int main(int argc, char** argv) {
  static const order_t menu[] = {{1, "margherita"}, {2, "diavola"}, {3, "quattro"}};
  const uvchan_redis_sink_options_t options = {.server = {.path = argc > 1 ? argv[1] : NULL},
                                               .stream = "orders",
                                               .producer = "counter", /* of one process at a time */
                                               .on_end = on_end};
  uv_loop_t* loop = uv_default_loop();
  uvchan_redis_sink_t sink;
  uvchan_t* orders;

  if (uvchan_create(&orders, sizeof(order_t), 16) != 0) return 1;
  if (uvchan_redis_sink_init(loop, &sink, orders, &options) != 0) return 1;
  for (int i = 0; i < 3; i++) /* UV_EAGAIN where the channel is full, since the stream is */
    if (uvchan_try_send(orders, &menu[i]) != 0) return 1;
  uvchan_close(orders); /* the end goes into the stream too, behind all values */
  uvchan_release(orders);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop);
}
