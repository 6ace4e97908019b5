/* SPDX-License-Identifier: MIT */
/* A thread sends as fast as it can into a channel, and a sink drains it into a stream that has room
 * for all. The time is from the first value to the end of the sink, when the server has confirmed
 * all of them.
 *
 *   capacity (values, of the channel), size (bytes), batch (values in a step), in_flight (values),
 *   sync (never, no, everysec, always: what the server does about its file), delay (microseconds
 *   to the server and back, each), ms (how long), pin (1:
 *   the server on the second processor, all else on the first) */
#include "redis.h"

static uvchan_t* channel;
static uvchan_redis_sink_t sink;
static uv_loop_t loop;
static uv_timer_t timer;
static uv_sem_t gate; /* the sink is connected */
static size_t size;
static uint64_t ms, sent, sent_sum, begin, end, cpu, server_cpu;

static void send_all(void* arg) {
  unsigned char* value = calloc(1, size);
  uint64_t until;

  (void)arg;
  if (value == NULL) abort();
  uv_sem_wait(&gate);
  until = benchmark_now() + ms * 1000000;
  do {
    sent++;
    sent_sum += sent;
    memcpy(value, &sent, sizeof(sent));
    redis_must(uvchan_send_wait(channel, value));
  } while (sent % 64 != 0 || benchmark_now() < until);
  redis_must(uvchan_close(channel));
  free(value);
}

static void on_end(uvchan_redis_sink_t* s, int status) {
  redis_must(status);
  end = benchmark_now();
  cpu = benchmark_cpu() - cpu;
  uvchan_redis_sink_close(s, NULL);
}

/* Looks whether it is connected. */
static void on_timer(uv_timer_t* t) {
  uvchan_redis_stats_t stats;

  uvchan_redis_sink_stats(&sink, &stats);
  if (stats.state != UVCHAN_REDIS_RUNNING) return;
  uv_close((uv_handle_t*)t, NULL);
  server_cpu = redis_cpu();
  begin = benchmark_now();
  cpu = benchmark_cpu();
  uv_sem_post(&gate);
}

static void run(const benchmark_t* b) {
  uvchan_redis_sink_options_t options = redis_sink_options();
  uv_thread_t thread;

  options.batch = (unsigned int)benchmark_number(b, "batch", 0);
  options.in_flight = (unsigned int)benchmark_number(b, "in_flight", 0);
  options.on_end = on_end;
  redis_must(uvchan_create(&channel, size, (size_t)benchmark_number(b, "capacity", 1024)));
  redis_must(uv_sem_init(&gate, 0));
  redis_must(uv_loop_init(&loop));
  redis_must(uvchan_redis_sink_init(&loop, &sink, channel, &options));
  redis_must(uv_timer_init(&loop, &timer));
  redis_must(uv_timer_start(&timer, on_timer, 1, 1));
  redis_must(uv_thread_create(&thread, send_all, NULL));
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_thread_join(&thread);
  redis_must(uv_loop_close(&loop));
}

int main(int argc, char** argv) {
  benchmark_t b =
      benchmark_open(argc - 1, argv + 1, " capacity size batch in_flight sync delay ms pin ");
  int is_pinned = benchmark_number(&b, "pin", 0) != 0;
  uint64_t received, received_sum;

  size = (size_t)benchmark_number(&b, "size", 64);
  ms = benchmark_number(&b, "ms", 200);
  if (size < 8) benchmark_fail("out of range", "size");
  redis_open(benchmark_word(&b, "sync", "never"), is_pinned ? 1 : -1);
  redis_move_away(benchmark_number(&b, "delay", 0));
  if (is_pinned) benchmark_pin(0);
  run(&b);
  server_cpu = redis_cpu() - server_cpu;
  redis_add_up(&received, &received_sum);
  benchmark_check(sent, sent_sum, received, received_sum);
  benchmark_print_times(received, end - begin, cpu);
  benchmark_print("server_cpu", server_cpu);
  uvchan_release(channel);
  uv_sem_destroy(&gate);
  return benchmark_end();
}
