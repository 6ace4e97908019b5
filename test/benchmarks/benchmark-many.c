/* SPDX-License-Identifier: MIT */
/* One thread sends to channels chosen at random; one loop receives from all of them.
 *
 *   channels, capacity (values, of each), ms (how long), pin (1: each side on a processor of its
 *   own) */
#include "benchmark.h"

#include <stdatomic.h>
#include <uvchan.h>

static uvchan_t** channels;
static uvchan_receiver_t* receivers;
static size_t nchannels, capacity;
static uv_barrier_t ready;
static uint64_t received, received_sum, end;
static int pinned;
static atomic_int stopped;

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  uint64_t number;

  if (status != 0) {
    uvchan_receiver_close(receiver, NULL);
    return;
  }
  memcpy(&number, value, sizeof(number));
  received++;
  received_sum += number;
}

static void receive(void* arg) {
  uv_loop_t loop;
  size_t i;

  (void)arg;
  if (pinned) benchmark_pin(1);
  must(uv_loop_init(&loop));
  for (i = 0; i < nchannels; i++) {
    must(uvchan_create(&channels[i], sizeof(uint64_t), capacity));
    must(uvchan_receiver_init(&loop, &receivers[i], channels[i]));
    must(uvchan_recv_start(&receivers[i], on_value));
  }
  uv_run(&loop, UV_RUN_NOWAIT); /* each has looked once before the time begins */
  uv_barrier_wait(&ready);
  uv_run(&loop, UV_RUN_DEFAULT);
  end = benchmark_now();
  must(uv_loop_close(&loop));
}

static void watch(void* arg) {
  benchmark_sleep(*(const uint64_t*)arg);
  atomic_store(&stopped, 1);
}

int main(int argc, char** argv) {
  benchmark_t b = benchmark_open(argc - 1, argv + 1, " channels capacity ms pin ");
  uint64_t ms = benchmark_number(&b, "ms", 200);
  uint64_t begin, cpu, sent = 0, sent_sum = 0, random = 0x9E3779B97F4A7C15u;
  uv_thread_t receiver, watcher;
  size_t i;

  nchannels = (size_t)benchmark_number(&b, "channels", 1);
  capacity = (size_t)benchmark_number(&b, "capacity", 16);
  pinned = benchmark_number(&b, "pin", 0) != 0;
  if (nchannels < 1 || nchannels > 1000000 || capacity > 1000000)
    benchmark_fail("out of range", "");
  channels = calloc(nchannels, sizeof(*channels));
  receivers = calloc(nchannels, sizeof(*receivers));
  if (channels == NULL || receivers == NULL) benchmark_fail("no memory", "");
  must(uv_barrier_init(&ready, 2));
  must(uv_thread_create(&receiver, receive, NULL));
  uv_barrier_wait(&ready);
  begin = benchmark_now();
  cpu = benchmark_cpu();
  must(uv_thread_create(&watcher, watch, &ms));
  if (pinned) benchmark_pin(0);
  while (!atomic_load_explicit(&stopped, memory_order_relaxed)) {
    uint64_t value = benchmark_random(&random);

    must(uvchan_send_wait(channels[value % nchannels], &value));
    sent++;
    sent_sum += value;
  }
  for (i = 0; i < nchannels; i++) must(uvchan_close(channels[i]));
  uv_thread_join(&receiver);
  uv_thread_join(&watcher);
  cpu = benchmark_cpu() - cpu;
  benchmark_check(sent, sent_sum, received, received_sum);
  benchmark_print_times(received, end - begin, cpu);
  for (i = 0; i < nchannels; i++) uvchan_release(channels[i]);
  free(receivers);
  free(channels);
  uv_barrier_destroy(&ready);
  return benchmark_end();
}
