/* SPDX-License-Identifier: MIT */
/* A thread sends one value each period to a loop that sleeps in between; the latency is from before
 * the send to inside the callback.
 *
 *   period (nanoseconds), spin (of the receiver, microseconds), ms (how long), pin (1: each on a
 *   processor of its own) */
#include "benchmark.h"

#include <uvchan.h>

static uvchan_t* channel;
static uvchan_receiver_t receiver;
static benchmark_latencies_t latencies;
static uv_barrier_t ready;
static uint64_t received_sum, receiver_cpu;
static int pinned;

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

static void on_time(uvchan_receiver_t* r, int status, const void* value) {
  uint64_t sent_at;

  if (status != 0) {
    uvchan_receiver_close(r, NULL);
    return;
  }
  memcpy(&sent_at, value, sizeof(sent_at));
  received_sum += sent_at;
  benchmark_note(&latencies, benchmark_now() - sent_at);
}

static void receive(void* arg) {
  uv_loop_t loop;
  unsigned int* spin = arg;

  if (pinned) benchmark_pin(1);
  must(uv_loop_init(&loop));
  must(uvchan_receiver_init(&loop, &receiver, channel));
  if (*spin > 0) must(uvchan_receiver_set_spin(&receiver, *spin));
  must(uvchan_recv_start(&receiver, on_time));
  uv_barrier_wait(&ready);
  receiver_cpu = benchmark_clock(CLOCK_THREAD_CPUTIME_ID);
  uv_run(&loop, UV_RUN_DEFAULT);
  receiver_cpu = benchmark_clock(CLOCK_THREAD_CPUTIME_ID) - receiver_cpu;
  must(uv_loop_close(&loop));
}

int main(int argc, char** argv) {
  benchmark_t b = benchmark_open(argc - 1, argv + 1, " period spin ms pin ");
  uint64_t period = benchmark_number(&b, "period", 10000);
  uint64_t ns = benchmark_number(&b, "ms", 200) * 1000000;
  unsigned int spin = (unsigned int)benchmark_number(&b, "spin", 0);
  uint64_t begin, cpu, due, sent = 0, sent_sum = 0;
  uv_thread_t thread;

  pinned = benchmark_number(&b, "pin", 0) != 0;
  must(uvchan_create(&channel, sizeof(uint64_t), 1024));
  must(uv_barrier_init(&ready, 2));
  must(uv_thread_create(&thread, receive, &spin));
  if (pinned) benchmark_pin(0);
  uv_barrier_wait(&ready);
  begin = benchmark_now();
  cpu = benchmark_cpu();
  for (due = begin + period; due < begin + ns; due += period) {
    uint64_t now;

    while ((now = benchmark_now()) < due) continue;
    must(uvchan_send_wait(channel, &now));
    sent++;
    sent_sum += now;
  }
  must(uvchan_close(channel));
  uv_thread_join(&thread);
  cpu = benchmark_cpu() - cpu;
  benchmark_check(sent, sent_sum, latencies.n, received_sum);
  benchmark_print_times(sent, benchmark_now() - begin, cpu);
  benchmark_print("receiver_cpu", receiver_cpu);
  benchmark_print_latencies(&latencies);
  uvchan_release(channel);
  uv_barrier_destroy(&ready);
  return benchmark_end();
}
