/* SPDX-License-Identifier: MIT */
/* Select over many channels.
 *
 *   mode=ready    one thread; every channel has values: a select receives one, and it is sent back
 *                 to the channel that it came from
 *   mode=waking   all channels are empty, and a thread waits in a select over them; another sends
 *                 to one of them, chosen at random, and waits for the answer before it sends the
 *                 next: values are round trips
 *   channels, ms (how long), pin (1: each thread on a processor of its own) */
#include "benchmark.h"

#include <stdatomic.h>
#include <uvchan.h>

#define CAPACITY 16
#define MOST_CHANNELS 1024
#define VALUES_A_LOOK 1024 /* at the clock */

static uvchan_case_t cases[MOST_CHANNELS];
static uint64_t slots[MOST_CHANNELS];
static size_t nchannels;
static uvchan_t* answers;
static int pinned;

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

static void make_channels(void) {
  size_t i;

  for (i = 0; i < nchannels; i++) {
    must(uvchan_create(&cases[i].ch, sizeof(uint64_t), CAPACITY));
    cases[i].op = UVCHAN_RECV;
    cases[i].value = &slots[i];
  }
}

static void release_channels(void) {
  size_t i;

  for (i = 0; i < nchannels; i++) uvchan_release(cases[i].ch);
}

/* ---- Ready ----------------------------------------------------------------------------------- */

static void select_ready(uint64_t ms) {
  uint64_t begin, end, cpu, values = 0, value = 1, sum = 0;
  size_t i, k;

  for (i = 0; i < nchannels; i++) {
    for (k = 0; k < CAPACITY / 2; k++) must(uvchan_try_send(cases[i].ch, &value));
  }
  begin = benchmark_now();
  cpu = benchmark_cpu();
  end = begin + ms * 1000000;
  do {
    for (k = 0; k < VALUES_A_LOOK; k++) {
      int chosen = uvchan_select_wait(cases, nchannels);

      if (chosen < 0 || cases[chosen].status != 0) abort();
      sum += slots[chosen];
      must(uvchan_try_send(cases[chosen].ch, &slots[chosen]));
    }
    values += VALUES_A_LOOK;
  } while (benchmark_now() < end);
  benchmark_check(values, values, values, sum);
  benchmark_print_times(values, benchmark_now() - begin, benchmark_cpu() - cpu);
}

/* ---- Waking ---------------------------------------------------------------------------------- */

static void answer(void* arg) {
  (void)arg;
  if (pinned) benchmark_pin(1);
  for (;;) {
    int chosen = uvchan_select_wait(cases, nchannels);

    if (chosen < 0 || cases[chosen].status != 0) return;
    must(uvchan_send_wait(answers, &slots[chosen]));
  }
}

static void select_waking(uint64_t ms) {
  uint64_t begin, end, cpu, values = 0, random = 0x9E3779B97F4A7C15u;
  uv_thread_t thread;

  must(uvchan_create(&answers, sizeof(uint64_t), 1));
  must(uv_thread_create(&thread, answer, NULL));
  if (pinned) benchmark_pin(0);
  begin = benchmark_now();
  cpu = benchmark_cpu();
  end = begin + ms * 1000000;
  while (benchmark_now() < end) {
    uint64_t sent = benchmark_random(&random);
    uint64_t got = 0;

    must(uvchan_send_wait(cases[sent % nchannels].ch, &sent));
    must(uvchan_recv_wait(answers, &got));
    benchmark_check(1, sent, 1, got);
    values++;
  }
  cpu = benchmark_cpu() - cpu;
  benchmark_print_times(values, benchmark_now() - begin, cpu);
  must(uvchan_close(cases[0].ch));
  uv_thread_join(&thread);
  uvchan_release(answers);
}

int main(int argc, char** argv) {
  benchmark_t b = benchmark_open(argc - 1, argv + 1, " channels mode ms pin ");
  const char* mode = benchmark_word(&b, "mode", "ready");
  uint64_t ms = benchmark_number(&b, "ms", 200);

  nchannels = (size_t)benchmark_number(&b, "channels", 8);
  pinned = benchmark_number(&b, "pin", 0) != 0;
  if (nchannels < 1 || nchannels > MOST_CHANNELS) benchmark_fail("out of range", "channels");
  make_channels();
  if (strcmp(mode, "ready") == 0) {
    select_ready(ms);
  } else if (strcmp(mode, "waking") == 0) {
    select_waking(ms);
  } else {
    benchmark_fail("neither ready nor waking", mode);
  }
  release_channels();
  return benchmark_end();
}
