/* SPDX-License-Identifier: MIT */
/* Everything on one loop: what a callback sends is received on the same loop.
 *
 *   run                  values; those of one run are sent in the callback that got the last value
 *                        of the run before
 *   ms                   how long
 *   from=callback|idle   the sending callback: the receiver's own, or that of an idle handle, so
 *                        that each run takes a turn of the loop */
#include "benchmark.h"

#include <uvchan.h>

#define CAPACITY 64
#define VALUES_A_LOOK 1024 /* at the clock */

static uvchan_t* channel;
static uvchan_receiver_t receiver;
static uv_idle_t idle;
static uint64_t end, sent, sent_sum, received, received_sum;
static unsigned int run;
static int from_idle;

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

static void send_run(void) {
  unsigned int i;

  for (i = 0; i < run; i++) {
    uint64_t value = ++sent;

    must(uvchan_try_send(channel, &value));
    sent_sum += value;
  }
}

static int is_over(void) { return received % VALUES_A_LOOK < run && benchmark_now() >= end; }

static void stop(void) {
  must(uvchan_close(channel));
  uv_idle_stop(&idle);
}

static void on_value(uvchan_receiver_t* r, int status, const void* value) {
  uint64_t number;

  if (status != 0) {
    uvchan_receiver_close(r, NULL);
    uv_close((uv_handle_t*)&idle, NULL);
    return;
  }
  memcpy(&number, value, sizeof(number));
  received++;
  received_sum += number;
  if (number != sent || from_idle) return;
  if (is_over()) {
    stop();
  } else {
    send_run();
  }
}

static void on_idle(uv_idle_t* handle) {
  (void)handle;
  if (is_over()) {
    stop();
  } else {
    send_run();
  }
}

int main(int argc, char** argv) {
  benchmark_t b = benchmark_open(argc - 1, argv + 1, " run from ms pin ");
  const char* from = benchmark_word(&b, "from", "callback");
  uint64_t begin, cpu;
  uv_loop_t loop;

  run = (unsigned int)benchmark_number(&b, "run", 1);
  if (run < 1 || run > CAPACITY) benchmark_fail("out of range", "run");
  if (strcmp(from, "callback") != 0 && strcmp(from, "idle") != 0)
    benchmark_fail("neither callback nor idle", from);
  if (benchmark_number(&b, "pin", 0) != 0) benchmark_pin(0);
  must(uv_loop_init(&loop));
  must(uv_idle_init(&loop, &idle));
  must(uvchan_create(&channel, sizeof(uint64_t), CAPACITY));
  must(uvchan_receiver_init(&loop, &receiver, channel));
  must(uvchan_recv_start(&receiver, on_value));
  begin = benchmark_now();
  cpu = benchmark_cpu();
  end = begin + benchmark_number(&b, "ms", 200) * 1000000;
  from_idle = strcmp(from, "idle") == 0;
  if (from_idle) {
    must(uv_idle_start(&idle, on_idle));
  } else {
    send_run();
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  benchmark_check(sent, sent_sum, received, received_sum);
  benchmark_print_times(received, benchmark_now() - begin, benchmark_cpu() - cpu);
  uvchan_release(channel);
  must(uv_loop_close(&loop));
  return benchmark_end();
}
