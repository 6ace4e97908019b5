/* SPDX-License-Identifier: MIT */
/* A source: what a sink elsewhere has put into a stream comes out of a channel, each value with its
 * ticket. A thread does the work, and says for each when it is done; until then the server keeps
 * it. The argument is the server's unix socket; without one it is at 127.0.0.1. */
#include <stdio.h>
#include <uvchan/redis.h>

typedef struct { /* as the sink's */
  int number;
  char pizza[12];
} order_t;

typedef struct {
  uvchan_redis_ticket_t ticket; /* first */
  order_t order;                /* of a multiple of 8 bytes: between values lie tickets */
} element_t;

static void bake(void* arg) {
  uvchan_t* orders = arg;
  element_t element;

  while (uvchan_recv_wait(orders, &element) == 0) { /* until the stream's end */
    if (element.order.number == 2 && element.ticket.deliveries == 1) {
      puts("the oven is too cold: another may do it, or I later");
      uvchan_redis_forget(&element.ticket);
      continue;
    }
    printf("%s, delivered %d times\n", element.order.pizza, (int)element.ticket.deliveries);
    uvchan_redis_done(&element.ticket); /* or it comes again, here or elsewhere */
  }
}

static void on_end(uvchan_redis_source_t* source, int status) {
  uvchan_redis_stats_t stats;

  uvchan_redis_source_stats(source, &stats);
  printf("%s: %d done, %d in the stream\n", uv_err_name(status), (int)stats.done,
         (int)stats.length);
  uvchan_redis_source_close(source, NULL);
}

int main(int argc, char** argv) {
  const uvchan_redis_source_options_t options = {.server = {.path = argc > 1 ? argv[1] : NULL},
                                                 .stream = "orders",
                                                 .consumer = "baker",   /* as a producer's name */
                                                 .claim_after_ms = 200, /* longer than any work */
                                                 .on_end = on_end};
  uv_loop_t* loop = uv_default_loop();
  uvchan_redis_source_t source;
  uv_thread_t baker;
  uvchan_t* orders;

  if (uvchan_create(&orders, sizeof(element_t), 4) != 0) return 1;
  if (uvchan_redis_source_init(loop, &source, orders, &options) != 0) return 1;
  if (uv_thread_create(&baker, bake, orders) != 0) return 1;
  uv_run(loop, UV_RUN_DEFAULT);
  uv_thread_join(&baker);
  uvchan_release(orders);
  return uv_loop_close(loop);
}
