/* SPDX-License-Identifier: MIT */
/* A stream that was filled before is emptied by a source, through a channel to a receiver on the
 * same loop, which says of each value at once that it is done. The time is from the first value to
 * the end of the source, when the server has confirmed that all were done.
 *
 *   values (how many), capacity (values, of the channel), size (bytes), batch (values in a step),
 *   in_flight (values), auto (1: auto_done); sync, delay, pin as in benchmark-redis-sink.c; ms is
 *   ignored */
#include "redis.h"

static uvchan_t* channel;
static uvchan_redis_source_t source;
static uvchan_receiver_t receiver;
static uv_loop_t loop;
static uint64_t received, received_sum, begin, end, cpu, server_cpu;
static int is_auto;

static void start_clock(void) {
  server_cpu = redis_cpu();
  begin = benchmark_now();
  cpu = benchmark_cpu();
}

static void on_value(uvchan_receiver_t* r, int status, const void* element) {
  uint64_t number;

  if (status != 0) {
    uvchan_receiver_close(r, NULL);
    return;
  }
  if (received++ == 0) start_clock();
  memcpy(&number, is_auto ? element : UVCHAN_REDIS_VALUE(element), sizeof(number));
  received_sum += number;
  if (!is_auto) redis_must(uvchan_redis_done(element));
}

static void on_end(uvchan_redis_source_t* s, int status) {
  if (status != UV_EOF) redis_must(status);
  end = benchmark_now();
  cpu = benchmark_cpu() - cpu;
  uvchan_redis_source_close(s, NULL);
}

static void run(const benchmark_t* b, size_t size) {
  uvchan_redis_source_options_t options = {0};
  size_t bytes = size + (is_auto ? 0 : sizeof(uvchan_redis_ticket_t));

  options.server.path = redis.socket;
  options.stream = REDIS_STREAM;
  options.consumer = "a";
  options.batch = (unsigned int)benchmark_number(b, "batch", 0);
  options.in_flight = (unsigned int)benchmark_number(b, "in_flight", 0);
  options.auto_done = (unsigned int)is_auto;
  options.on_end = on_end;
  redis_must(uvchan_create(&channel, bytes, (size_t)benchmark_number(b, "capacity", 1024)));
  redis_must(uv_loop_init(&loop));
  redis_must(uvchan_redis_source_init(&loop, &source, channel, &options));
  redis_must(uvchan_receiver_init(&loop, &receiver, channel));
  redis_must(uvchan_recv_start(&receiver, on_value));
  uv_run(&loop, UV_RUN_DEFAULT);
  redis_must(uv_loop_close(&loop));
}

int main(int argc, char** argv) {
  benchmark_t b = benchmark_open(argc - 1, argv + 1,
                                 " values capacity size batch in_flight auto sync delay ms pin ");
  uint64_t values = benchmark_number(&b, "values", 50000);
  size_t size = (size_t)benchmark_number(&b, "size", 64);
  int is_pinned = benchmark_number(&b, "pin", 0) != 0;

  is_auto = benchmark_number(&b, "auto", 0) != 0;
  if (size < 8 || values < 1) benchmark_fail("out of range", "");
  redis_open(benchmark_word(&b, "sync", "never"), is_pinned ? 1 : -1);
  if (is_pinned) benchmark_pin(0);
  redis_fill((size_t)values, size);
  redis_move_away(benchmark_number(&b, "delay", 0));
  run(&b, size);
  server_cpu = redis_cpu() - server_cpu;
  benchmark_check(values, values * (values + 1) / 2, received, received_sum);
  benchmark_print_times(received, end - begin, cpu);
  benchmark_print("server_cpu", server_cpu);
  uvchan_release(channel);
  return benchmark_end();
}
