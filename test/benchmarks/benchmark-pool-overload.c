/* SPDX-License-Identifier: MIT */
/* A loop submits a work each period, more than a pool's threads can do, whatever becomes of those
 * before. Values are the works that were worked off in the time; the latency is theirs, from the
 * submission to the begin.
 *
 *   threads, period (nanoseconds), target (of the admission, microseconds; its interval is ten
 *   times as long; 0: none), work (burn: of the processor's time, or sleep), us (microseconds of
 *   one), ms (how long), pin (taken and not used) */
#include "benchmark.h"

#include <stdatomic.h>
#include <uvchan/pool.h>

#define CAPACITY 16384

typedef struct item_s {
  uvchan_work_t work;
  uint64_t submitted, begun;
  struct item_s* next;
} item_t;

static uv_loop_t loop;
static uv_async_t async;
static uvchan_pool_t* pool;
static item_t* unused;
static uint64_t submitted, done, not_done, period, due, work_ns, end, end_cpu;
static benchmark_latencies_t latencies;
static benchmark_work_t work_kind;
static atomic_int stopped;

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

static void on_work(uvchan_work_t* work, void* state) {
  (void)state;
  ((item_t*)work)->begun = benchmark_now();
  benchmark_work_off(work_kind, work_ns);
}

static void put_back(item_t* item) {
  item->next = unused;
  unused = item;
}

static void on_done(uvchan_work_t* work, int status) {
  item_t* item = (item_t*)work;

  put_back(item);
  if (status != 0 || end != 0) {
    not_done++;
    return;
  }
  done++;
  benchmark_note(&latencies, item->begun - item->submitted);
}

static item_t* take_unused(void) {
  item_t* item = unused;

  if (item == NULL) return calloc(1, sizeof(*item));
  unused = item->next;
  return item;
}

static void submit(void) {
  item_t* item = take_unused();
  int r;

  if (item == NULL) benchmark_fail("no memory", "");
  item->submitted = benchmark_now();
  r = uvchan_pool_try_submit(&loop, &item->work, pool, on_work, on_done);
  if (r == UV_EAGAIN) {
    put_back(item);
    return;
  }
  must(r);
  submitted++;
}

static void on_tick(uv_async_t* handle) {
  uint64_t now = benchmark_now();

  if (atomic_load_explicit(&stopped, memory_order_relaxed)) {
    end = now;
    end_cpu = benchmark_cpu();
    uv_close((uv_handle_t*)handle, NULL);
    must(uvchan_pool_close(&loop, pool, 0, NULL));
    return;
  }
  for (; due <= now; due += period) submit();
}

static void run(void* arg) {
  (void)arg;
  uv_run(&loop, UV_RUN_DEFAULT);
}

static void tick(void) { must(uv_async_send(&async)); }

static void make_pool(const benchmark_t* b) {
  uvchan_pool_options_t options;
  uvchan_admission_t admission;

  memset(&options, 0, sizeof(options));
  memset(&admission, 0, sizeof(admission));
  options.threads = (unsigned int)benchmark_number(b, "threads", 1);
  options.capacity = CAPACITY;
  admission.target = benchmark_number(b, "target", 0) * 1000;
  admission.interval = 10 * admission.target;
  if (admission.target > 0) options.admission = &admission;
  must(uvchan_pool_create(&pool, &options));
}

static void free_items(void) {
  while (unused != NULL) {
    item_t* next = unused->next;

    free(unused);
    unused = next;
  }
}

int main(int argc, char** argv) {
  benchmark_t b = benchmark_open(argc - 1, argv + 1, " threads period target work us ms pin ");
  uint64_t begin, cpu;
  uv_thread_t thread;

  period = benchmark_number(&b, "period", 62500);
  work_kind = benchmark_work_of(&b);
  work_ns = benchmark_number(&b, "us", 100) * 1000;
  if (period < 1000) benchmark_fail("out of range", "period");
  make_pool(&b);
  must(uv_loop_init(&loop));
  must(uv_async_init(&loop, &async, on_tick));
  begin = due = benchmark_now();
  cpu = benchmark_cpu();
  must(uv_thread_create(&thread, run, NULL));
  benchmark_tick(benchmark_number(&b, "ms", 200), period, tick);
  atomic_store(&stopped, 1);
  tick();
  uv_thread_join(&thread);
  benchmark_check(submitted, 0, done + not_done, 0);
  benchmark_print_times(done, end - begin, end_cpu - cpu);
  benchmark_print_latencies(&latencies);
  uvchan_pool_release(pool);
  must(uv_loop_close(&loop));
  free_items();
  return benchmark_end();
}
