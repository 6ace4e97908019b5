/* SPDX-License-Identifier: MIT */
/* A thread sends more than some threads can work off: how long what they take has waited, and how
 * much of it they get done. Values come at random, as on a net; a worker sleeps for as long as its
 * work takes, so this needs no more processors than there are.
 *
 *   workers, work (microseconds for a value), load (per cent of what the workers can do), target
 *   and interval (of the admission, microseconds; target=0: without one), ms (how long)
 *
 * p50 to p999 are of the waits of what was taken, in nanoseconds; values is how many. */
#include "benchmark.h"

#include <math.h>
#include <uvchan.h>

#define MOST_WORKERS 64

typedef struct {
  uv_thread_t thread;
  uint64_t sum;
  benchmark_latencies_t waits;
} worker_t;

typedef struct {
  uint64_t number;
  uint64_t sent_at;
} value_t;

static uvchan_t* channel;
static uv_barrier_t ready;
static uint64_t work_ns;
static uint64_t shed, shed_sum;

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

/* On the thread of whoever takes: the sums are the channel's, so it has one lock for all. */
static void on_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  uv_mutex_lock(arg);
  if (reason != UVCHAN_DROPPED_SHED) abort();
  shed++;
  shed_sum += ((value_t*)value)->number;
  uv_mutex_unlock(arg);
}

static void sleep_until(uint64_t ns) {
  uint64_t now;

  while ((now = benchmark_now()) < ns) {
    struct timespec t;

    t.tv_sec = (time_t)((ns - now) / 1000000000u);
    t.tv_nsec = (long)((ns - now) % 1000000000u);
    nanosleep(&t, NULL);
  }
}

static void work(void* arg) {
  worker_t* worker = arg;
  value_t value;

  uv_barrier_wait(&ready);
  while (uvchan_recv_wait(channel, &value) == 0) {
    uint64_t now = benchmark_now();

    worker->sum += value.number;
    benchmark_note(&worker->waits, now - value.sent_at);
    sleep_until(now + work_ns);
  }
}

/* The gaps between values that come independently of each other. */
static uint64_t random_gap(uint64_t* state, double mean) {
  double uniform = (double)(benchmark_random(state) >> 11) * (1.0 / 9007199254740992.0);

  return (uint64_t)(-mean * log(1.0 - uniform));
}

/* What is due is sent at once where the sleep was too long. Answers how many were sent. */
static uint64_t send_until(uint64_t end, double gap) {
  uint64_t state = 1, due = benchmark_now();
  value_t value = {0, 0};

  while (due < end) {
    sleep_until(due);
    value.number++;
    value.sent_at = benchmark_now();
    must(uvchan_try_send(channel, &value));
    due += random_gap(&state, gap);
  }
  return value.number;
}

static void make_channel(const benchmark_t* b, uv_mutex_t* lock) {
  uvchan_admission_t admission = {0};
  uvchan_options_t options = {0};

  admission.target = benchmark_number(b, "target", 0) * 1000;
  admission.interval = benchmark_number(b, "interval", 20000) * 1000;
  options.elem_size = sizeof(value_t);
  options.capacity = UVCHAN_UNBOUNDED;
  options.drop_cb = on_drop;
  options.drop_arg = lock;
  if (admission.target > 0) options.admission = &admission;
  must(uvchan_create_ex(&channel, &options));
}

/* What has not been taken when the time is over is nobody's. */
static uint64_t drain(void) {
  uint64_t sum = 0;
  value_t value;

  while (uvchan_try_recv(channel, &value) == 0) sum += value.number;
  return sum;
}

static void add_up(worker_t* worker, benchmark_latencies_t* waits, uint64_t* sum) {
  size_t i;

  for (i = 0; i < worker->waits.n; i++) benchmark_note(waits, worker->waits.ns[i]);
  free(worker->waits.ns);
  *sum += worker->sum;
}

int main(int argc, char** argv) {
  static worker_t workers[MOST_WORKERS];
  benchmark_t b = benchmark_open(argc - 1, argv + 1, " workers work load target interval ms ");
  size_t n = (size_t)benchmark_number(&b, "workers", 4), i;
  benchmark_latencies_t waits = {NULL, 0, 0};
  uint64_t begin, end, cpu, sent, left, sum = 0;
  uv_mutex_t lock;

  work_ns = benchmark_number(&b, "work", 500) * 1000;
  if (n < 1 || n > MOST_WORKERS || work_ns < 1) benchmark_fail("out of range", "");
  must(uv_mutex_init(&lock));
  must(uv_barrier_init(&ready, (unsigned int)n + 1));
  make_channel(&b, &lock);
  for (i = 0; i < n; i++) must(uv_thread_create(&workers[i].thread, work, &workers[i]));
  uv_barrier_wait(&ready);
  begin = benchmark_now();
  cpu = benchmark_cpu();
  end = begin + benchmark_number(&b, "ms", 300) * 1000000;
  sent = send_until(end,
                    (double)work_ns * 100 / (double)n / (double)benchmark_number(&b, "load", 200));
  left = drain();
  must(uvchan_close(channel));
  for (i = 0; i < n; i++) uv_thread_join(&workers[i].thread);
  cpu = benchmark_cpu() - cpu;
  for (i = 0; i < n; i++) add_up(&workers[i], &waits, &sum);
  benchmark_check(0, sent * (sent + 1) / 2, 0, sum + left + shed_sum);
  benchmark_print_times(waits.n, end - begin, cpu);
  benchmark_print("sent", sent);
  benchmark_print("shed", shed);
  benchmark_print_latencies(&waits);
  uvchan_release(channel);
  uv_mutex_destroy(&lock);
  uv_barrier_destroy(&ready);
  return benchmark_end();
}
