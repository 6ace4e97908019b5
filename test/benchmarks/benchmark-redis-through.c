/* SPDX-License-Identifier: MIT */
/* A thread sends into a channel, which a sink on one loop drains into a stream; a source on another
 * loop fills a channel from it, whose receiver there says of each value that it is done. The time
 * is from the first value to the last that is received; the latency, where values are paced, from
 * before a value is sent to inside the receiver's callback.
 *
 *   period (nanoseconds; 0: as fast as it can), bound (values, of the stream; 0: none), local (1:
 *   one channel from the thread to the loop, and no server); capacity, size, sync, delay, ms, pin:
 *   as in benchmark-redis-sink.c */
#include "redis.h"

static uvchan_t *from, *to; /* one channel where there is no server */
static uvchan_redis_sink_t sink;
static uvchan_redis_source_t source;
static uvchan_receiver_t receiver;
static uv_loop_t near, far; /* of the sink; of the source and the receiver */
static uv_timer_t near_timer, far_timer;
static uv_barrier_t gate; /* all are connected */
static benchmark_latencies_t latencies;
static size_t size;
static int is_local, is_paced;
static uint64_t ms, period, sent, sent_sum, received, received_sum, end;

/* ---- Sending --------------------------------------------------------------------------------- */

static void send_one(void) {
  unsigned char value[4096] = {0};
  uint64_t now = is_paced ? benchmark_now() : 0;

  sent++;
  sent_sum += sent;
  memcpy(value, &sent, sizeof(sent));
  memcpy(value + sizeof(sent), &now, sizeof(now));
  redis_must(uvchan_send_wait(from, value));
}

static void send_all(void) {
  uint64_t until = benchmark_now() + ms * 1000000;

  if (is_paced) {
    benchmark_tick(ms, period, send_one);
  } else {
    do {
      send_one();
    } while (sent % 64 != 0 || benchmark_now() < until);
  }
  redis_must(uvchan_close(from));
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static void on_value(uvchan_receiver_t* r, int status, const void* element) {
  const void* value = is_local ? element : UVCHAN_REDIS_VALUE(element);
  uint64_t number, time;

  if (status != 0) {
    uvchan_receiver_close(r, NULL);
    return;
  }
  memcpy(&number, value, sizeof(number));
  memcpy(&time, (const unsigned char*)value + sizeof(number), sizeof(time));
  received++;
  received_sum += number;
  end = benchmark_now();
  if (is_paced) benchmark_note(&latencies, end - time);
  if (!is_local) redis_must(uvchan_redis_done(element));
}

static void on_sink_end(uvchan_redis_sink_t* s, int status) {
  redis_must(status);
  uvchan_redis_sink_close(s, NULL);
}

static void on_source_end(uvchan_redis_source_t* s, int status) {
  if (status != UV_EOF) redis_must(status);
  uvchan_redis_source_close(s, NULL);
}

/* ---- Loops ----------------------------------------------------------------------------------- */

/* A timer on each loop looks whether that one is connected. */
static void on_timer(uv_timer_t* timer) {
  uvchan_redis_stats_t stats;

  if (timer == &near_timer) {
    uvchan_redis_sink_stats(&sink, &stats);
  } else {
    uvchan_redis_source_stats(&source, &stats);
  }
  if (stats.state != UVCHAN_REDIS_RUNNING) return;
  uv_close((uv_handle_t*)timer, NULL);
  uv_barrier_wait(&gate);
}

static void run_loop(void* arg) { uv_run(arg, UV_RUN_DEFAULT); }

static void start_timer(uv_loop_t* loop, uv_timer_t* timer) {
  redis_must(uv_timer_init(loop, timer));
  redis_must(uv_timer_start(timer, on_timer, 1, 1));
}

static void open_ends(uint64_t bound) {
  uvchan_redis_sink_options_t in = redis_sink_options();
  uvchan_redis_source_options_t out = {0};

  if (bound > 0) in.capacity = bound;
  in.on_end = on_sink_end;
  out.server.path = redis.socket;
  out.stream = REDIS_STREAM;
  out.consumer = "a";
  out.on_end = on_source_end;
  redis_must(uvchan_redis_sink_init(&near, &sink, from, &in));
  redis_must(uvchan_redis_source_init(&far, &source, to, &out));
  start_timer(&near, &near_timer);
  start_timer(&far, &far_timer);
}

static void open_channels(size_t capacity) {
  redis_must(uvchan_create(&from, size, capacity));
  if (is_local) {
    to = uvchan_retain(from);
  } else {
    redis_must(uvchan_create(&to, size + sizeof(uvchan_redis_ticket_t), capacity));
  }
  redis_must(uvchan_receiver_init(&far, &receiver, to));
  redis_must(uvchan_recv_start(&receiver, on_value));
}

static void run(uint64_t bound) {
  uint64_t begin, cpu, server_cpu = 0;
  uv_thread_t threads[2];
  int n = is_local ? 1 : 2;

  redis_must(uv_barrier_init(&gate, is_local ? 1 : 3));
  if (!is_local) open_ends(bound);
  redis_must(uv_thread_create(&threads[0], run_loop, &far));
  if (!is_local) redis_must(uv_thread_create(&threads[1], run_loop, &near));
  uv_barrier_wait(&gate);
  if (!is_local) server_cpu = redis_cpu();
  begin = benchmark_now();
  cpu = benchmark_cpu();
  send_all();
  while (n-- > 0) uv_thread_join(&threads[n]);
  cpu = benchmark_cpu() - cpu;
  benchmark_check(sent, sent_sum, received, received_sum);
  benchmark_print_times(received, end - begin, cpu);
  if (!is_local) benchmark_print("server_cpu", redis_cpu() - server_cpu);
  benchmark_print_latencies(&latencies);
}

int main(int argc, char** argv) {
  benchmark_t b =
      benchmark_open(argc - 1, argv + 1, " period bound local capacity size sync delay ms pin ");
  int is_pinned = benchmark_number(&b, "pin", 0) != 0;

  size = (size_t)benchmark_number(&b, "size", 64);
  ms = benchmark_number(&b, "ms", 200);
  period = benchmark_number(&b, "period", 0);
  is_paced = period > 0;
  is_local = benchmark_number(&b, "local", 0) != 0;
  if (size < 16 || size > 4096) benchmark_fail("out of range", "size");
  if (!is_local) redis_open(benchmark_word(&b, "sync", "never"), is_pinned ? 1 : -1);
  if (!is_local) redis_move_away(benchmark_number(&b, "delay", 0));
  if (is_pinned) benchmark_pin(0);
  redis_must(uv_loop_init(&near));
  redis_must(uv_loop_init(&far));
  open_channels((size_t)benchmark_number(&b, "capacity", 1024));
  run(benchmark_number(&b, "bound", 0));
  redis_must(uv_loop_close(&near));
  redis_must(uv_loop_close(&far));
  uvchan_release(from);
  uvchan_release(to);
  uv_barrier_destroy(&gate);
  return benchmark_end();
}
