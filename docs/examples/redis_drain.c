/* SPDX-License-Identifier: MIT */
/* Closing in order, while values come: a worker that is to stop closes its channel and gives back
 * what is in it, and its source what was on its way. Another gets it at once. The argument is the
 * server's unix socket; without one it is at 127.0.0.1. */
#include <stdio.h>
#include <uvchan/redis.h>

typedef uint64_t order_t; /* a multiple of 8 bytes, since tickets lie between the values */

enum { ELEMENT_BYTES = sizeof(uvchan_redis_ticket_t) + sizeof(order_t) };

enum { ORDERS = 20, BEFORE_THE_END = 5 };

typedef struct {
  uvchan_redis_source_t source; /* first */
  uvchan_receiver_t receiver;
  uvchan_t* ch;
  int done;
  order_t sum;
} worker_t;

static uvchan_redis_source_options_t options;
static worker_t first, second;

static void on_element(uvchan_receiver_t* receiver, int status, const void* value) {
  worker_t* worker = receiver->data;

  if (status < 0) { /* the end, behind the last value */
    uvchan_receiver_close(receiver, NULL);
    return;
  }
  if (uvchan_is_closed(worker->ch) && worker == &first) { /* or it works this off as well */
    uvchan_redis_requeue(value);
    return;
  }
  worker->sum += *(const order_t*)UVCHAN_REDIS_VALUE(value);
  uvchan_redis_done(value); /* it begins with its ticket */
  if (++worker->done == BEFORE_THE_END && worker == &first) uvchan_close(worker->ch);
}

static int start(worker_t* worker, uv_loop_t* loop, const char* name) {
  options.consumer = name;
  if (uvchan_create(&worker->ch, ELEMENT_BYTES, 4) != 0) return UV_ENOMEM;
  if (uvchan_redis_source_init(loop, &worker->source, worker->ch, &options) != 0) return UV_EINVAL;
  if (uvchan_receiver_init(loop, &worker->receiver, worker->ch) != 0) return UV_ENOMEM;
  worker->receiver.data = worker;
  return uvchan_recv_start(&worker->receiver, on_element);
}

/* Nothing is at the server under this worker's name. */
static void on_source_end(uvchan_redis_source_t* source, int status) {
  worker_t* worker = (worker_t*)source;
  uvchan_redis_stats_t stats;

  uvchan_redis_source_stats(source, &stats);
  printf("%s, with %d in hand and all done: %d\n", uv_err_name(status), (int)stats.held,
         (int)stats.done == worker->done);
  uvchan_redis_source_close(source, NULL);
  if (worker == &first && start(&second, source->loop, "second") != 0) puts("no second one");
}

static void on_sink_end(uvchan_redis_sink_t* sink, int status) {
  printf("sent: %d\n", status);
  uvchan_redis_sink_close(sink, NULL);
  if (start(&first, sink->loop, "first") != 0) puts("no first one");
}

int main(int argc, char** argv) {
  const uvchan_redis_server_t server = {.path = argc > 1 ? argv[1] : NULL};
  const uvchan_redis_sink_options_t out = {
      .server = server, .stream = "bread", .producer = "shop", .on_end = on_sink_end};
  uv_loop_t* loop = uv_default_loop();
  uvchan_redis_sink_t sink;
  uvchan_t* orders;

  options.server = server;
  options.stream = "bread";
  options.on_end = on_source_end;
  if (uvchan_create(&orders, sizeof(order_t), ORDERS) != 0) return 1;
  for (order_t i = 0; i < ORDERS; i++) uvchan_try_send(orders, &i);
  uvchan_close(orders);
  if (uvchan_redis_sink_init(loop, &sink, orders, &out) != 0) return 1;
  uv_run(loop, UV_RUN_DEFAULT);
  printf("%d of %d by both, sum %d\n", first.done + second.done, ORDERS,
         (int)(first.sum + second.sum));
  uvchan_release(orders);
  uvchan_release(first.ch);
  uvchan_release(second.ch);
  return uv_loop_close(loop);
}
