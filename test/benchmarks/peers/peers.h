/* SPDX-License-Identifier: MIT */
/* What the peers in C and C++ share: a main() that finds the workload, and the threads of a
 * workload, which begin together, are told to stop after `ms` milliseconds, and whose counts and
 * sums are compared at the end. Needs C11 or C++17 with GCC's atomic builtins.
 *
 * A program runs one workload and ends, so what its threads share is one object, `peers`. Exit
 * codes: 0; 1, a check failed; 2, a workload or an argument that is unknown or not supported. */
#ifndef PEERS_H
#define PEERS_H

#include "../benchmark.h"

#include <malloc.h>
#include <pthread.h>

#define PEERS_MOST_THREADS 128
#define PEERS_ALIGNED \
  __attribute__((aligned(128))) /* two cache lines, since processors fetch them in pairs */

#define PEERS_STREAM " ms pin from to senders receivers capacity size batch "
#define PEERS_PINGPONG " ms pin capacity "
#define PEERS_PACED " ms pin period "
#define PEERS_SAME_LOOP " ms pin run "
#define PEERS_MANY " ms pin channels capacity "
#define PEERS_MEMORY " ms pin kind "
#define PEERS_POOL " ms pin threads flight loops work us period "
#define PEERS_POOL_MEMORY " ms pin "

#if defined(__x86_64__) || defined(__i386__)
#define PEERS_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PEERS_PAUSE() __asm__ volatile("yield" ::: "memory")
#else
#define PEERS_PAUSE() __asm__ volatile("" ::: "memory")
#endif

/* Says to the compiler that all bytes there are looked at, so that none of them is left out of a
 * copy. */
#define PEERS_KEEP(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

typedef struct {
  const char* name;
  const char* arguments; /* as benchmark_open() takes them */
  void (*run)(const benchmark_t* b);
} peers_workload_t;

typedef struct peers_thread_s peers_thread_t;

struct PEERS_ALIGNED peers_thread_s {
  void (*run)(peers_thread_t* self);
  void* data;
  int processor; /* with pin=1 */
  pthread_t thread;
  uint64_t sent;
  uint64_t sent_sum;
  uint64_t received;
  uint64_t received_sum;
  uint64_t began_own; /* processor time of this thread */
  uint64_t ended;     /* 0 where it receives nothing */
  uint64_t ended_cpu;
  uint64_t ended_own;
};

static struct {
  PEERS_ALIGNED int stop;
  PEERS_ALIGNED unsigned int senders_left;
  PEERS_ALIGNED int pin;
  uint64_t ms;
  uint64_t began;
  uint64_t began_cpu;
  pthread_barrier_t ready; /* all threads are there */
  pthread_barrier_t gate;  /* and the clock runs */
  size_t nthreads;
  peers_thread_t threads[PEERS_MOST_THREADS];
} peers;

/* ---- What is not supported, what must not fail ----------------------------------------------- */

BENCHMARK_UNUSED static void peers_refuse(const char* what) {
  benchmark_fail("not supported", what);
}

BENCHMARK_UNUSED static void peers_must(int ok, const char* what) {
  if (ok) return;
  fprintf(stderr, "failed: %s\n", what);
  exit(1);
}

BENCHMARK_UNUSED static void* peers_alloc(size_t n, size_t size) {
  void* memory = calloc(n == 0 ? 1 : n, size);

  peers_must(memory != NULL, "calloc");
  return memory;
}

/* ---- Threads --------------------------------------------------------------------------------- */

/* Adds a thread to the workload. With pin=1 it stays on the given processor: 0 for those that send,
 * or run the first loop. */
BENCHMARK_UNUSED static peers_thread_t* peers_add(void (*run)(peers_thread_t* self), void* data,
                                                  int processor) {
  peers_thread_t* thread;

  if (peers.nthreads == PEERS_MOST_THREADS) peers_refuse("so many threads");
  thread = &peers.threads[peers.nthreads++];
  thread->run = run;
  thread->data = data;
  thread->processor = processor;
  return thread;
}

BENCHMARK_UNUSED static int peers_stopped(void) {
  return __atomic_load_n(&peers.stop, __ATOMIC_RELAXED);
}

/* Each of `peers.senders_left` senders calls it once, after its last value; 1 for the last of them,
 * who delivers the end. */
BENCHMARK_UNUSED static int peers_last_sender(void) {
  return __atomic_sub_fetch(&peers.senders_left, 1, __ATOMIC_ACQ_REL) == 0;
}

BENCHMARK_UNUSED static void peers_count_sent(peers_thread_t* self, uint64_t number) {
  self->sent++;
  self->sent_sum += number;
}

BENCHMARK_UNUSED static void peers_count_received(peers_thread_t* self, uint64_t number) {
  self->received++;
  self->received_sum += number;
}

/* A thread that receives calls it when it has received its last value. */
BENCHMARK_UNUSED static void peers_ended(peers_thread_t* self) {
  self->ended = benchmark_now();
  self->ended_cpu = benchmark_cpu();
  self->ended_own = benchmark_clock(CLOCK_THREAD_CPUTIME_ID);
}

static void* peers_thread(void* arg) {
  peers_thread_t* self = (peers_thread_t*)arg;

  if (peers.pin) benchmark_pin(self->processor);
  pthread_barrier_wait(&peers.ready);
  pthread_barrier_wait(&peers.gate);
  self->began_own = benchmark_clock(CLOCK_THREAD_CPUTIME_ID);
  self->run(self);
  return NULL;
}

static void peers_print_threads(void) {
  uint64_t sent = 0, sent_sum = 0, received = 0, received_sum = 0;
  const peers_thread_t* last = &peers.threads[0];
  const peers_thread_t* t;

  for (t = peers.threads; t < peers.threads + peers.nthreads; t++) {
    sent += t->sent;
    sent_sum += t->sent_sum;
    received += t->received;
    received_sum += t->received_sum;
    if (t->ended > last->ended) last = t;
  }
  benchmark_check(sent, sent_sum, received, received_sum);
  peers_must(last->ended != 0, "no thread has received the end");
  benchmark_print_times(received, last->ended - peers.began, last->ended_cpu - peers.began_cpu);
}

/* Runs all threads for `ms` milliseconds, waits for them, compares their counts and prints the
 * times. */
BENCHMARK_UNUSED static void peers_run(void) {
  size_t i;

  pthread_barrier_init(&peers.ready, NULL, (unsigned int)peers.nthreads + 1);
  pthread_barrier_init(&peers.gate, NULL, (unsigned int)peers.nthreads + 1);
  for (i = 0; i < peers.nthreads; i++) {
    peers_must(pthread_create(&peers.threads[i].thread, NULL, peers_thread, &peers.threads[i]) == 0,
               "pthread_create");
  }
  pthread_barrier_wait(&peers.ready);
  peers.began = benchmark_now();
  peers.began_cpu = benchmark_cpu();
  pthread_barrier_wait(&peers.gate);
  benchmark_sleep(peers.ms);
  __atomic_store_n(&peers.stop, 1, __ATOMIC_RELAXED);
  for (i = 0; i < peers.nthreads; i++) pthread_join(peers.threads[i].thread, NULL);
  peers_print_threads();
}

/* ---- Stream ---------------------------------------------------------------------------------- */

typedef struct {
  int from_loop;
  int to_loop;
  size_t senders;
  size_t receivers;
  size_t capacity;
  size_t size;
  size_t batch;
} peers_stream_t;

static int peers_is_loop(const benchmark_t* b, const char* name, const char* otherwise) {
  const char* word = benchmark_word(b, name, otherwise);

  if (strcmp(word, "loop") == 0) return 1;
  if (strcmp(word, "thread") != 0) benchmark_fail("neither thread nor loop", word);
  return 0;
}

/* From a thread to a loop, where nothing else is said. */
BENCHMARK_UNUSED static peers_stream_t peers_stream(const benchmark_t* b) {
  peers_stream_t s;

  s.from_loop = peers_is_loop(b, "from", "thread");
  s.to_loop = peers_is_loop(b, "to", "loop");
  s.senders = benchmark_number(b, "senders", 1);
  s.receivers = benchmark_number(b, "receivers", 1);
  s.capacity = benchmark_number(b, "capacity", 1024);
  s.size = benchmark_number(b, "size", 8);
  s.batch = benchmark_number(b, "batch", 1);
  if (s.senders < 1 || s.receivers < 1 || s.batch < 1)
    peers_refuse("nobody who sends or receives, or batches of nothing");
  if (s.senders > PEERS_MOST_THREADS || s.receivers > PEERS_MOST_THREADS)
    peers_refuse("so many threads");
  if (s.size < 8 || s.size > 65536) peers_refuse("values of fewer than 8 bytes or more than 65536");
  if (s.capacity > 1u << 24 || s.batch > 1u << 16) peers_refuse("so large a capacity or batch");
  peers.senders_left = (unsigned int)s.senders;
  return s;
}

/* ---- Paced ----------------------------------------------------------------------------------- */

/* Room for all latencies, touched before they are measured. */
BENCHMARK_UNUSED static benchmark_latencies_t peers_latencies(uint64_t period) {
  benchmark_latencies_t l;

  if (period < 100) peers_refuse("a period below 100 ns");
  l.n = 0;
  l.room = peers.ms * 1000000u / period + 1024;
  l.ns = (uint32_t*)malloc(l.room * sizeof(*l.ns));
  peers_must(l.ns != NULL, "malloc");
  memset(l.ns, 1, l.room * sizeof(*l.ns));
  return l;
}

/* Waits on the clock until a period after *last, and returns the time. One who is late catches up,
 * without waiting. */
BENCHMARK_UNUSED static uint64_t peers_pace(uint64_t* last, uint64_t period) {
  uint64_t due = *last + period;
  uint64_t now = benchmark_now();

  while (now < due) {
    PEERS_PAUSE();
    now = benchmark_now();
  }
  *last = due;
  return now;
}

BENCHMARK_UNUSED static void peers_print_paced(const peers_thread_t* receiver,
                                               benchmark_latencies_t* l) {
  benchmark_print_latencies(l);
  benchmark_print("receiver_cpu", receiver->ended_own - receiver->began_own);
}

/* ---- Pool ------------------------------------------------------------------------------------ */

typedef struct {
  size_t threads;
  size_t flight;
  size_t loops;
  benchmark_work_t work;
  uint64_t work_ns;
  uint64_t period;
  int notes_turns; /* which latency it is: as benchmark-pool.c */
  int notes_waits;
} peers_pool_t;

BENCHMARK_UNUSED static peers_pool_t peers_pool(const benchmark_t* b) {
  peers_pool_t p;

  p.threads = benchmark_number(b, "threads", 4);
  p.flight = benchmark_number(b, "flight", 64);
  p.loops = benchmark_number(b, "loops", 1);
  p.work = benchmark_work_of(b);
  p.work_ns = benchmark_number(b, "us", 100) * 1000;
  p.period = benchmark_number(b, "period", 0);
  p.notes_turns = p.flight == 1;
  p.notes_waits = p.flight > 1 && p.work != BENCHMARK_EMPTY;
  if (p.threads < 1 || p.flight < 1 || p.loops < 1) peers_refuse("nobody who works or waits");
  if (p.period > 0 && (p.loops > 1 || p.flight > 1)) peers_refuse("a period for several works");
  return p;
}

static struct {
  uint64_t period;
  void (*send)(void* data);
  void* data;
} peers_ticks;

static void peers_tick(void) { peers_ticks.send(peers_ticks.data); }

static void peers_run_ticks(peers_thread_t* self) {
  (void)self;
  benchmark_tick(peers.ms, peers_ticks.period, peers_tick);
  while (!peers_stopped()) benchmark_sleep(1);
  peers_tick(); /* which sees that it is over */
}

/* Where there is a period, a thread that calls `send` so often. */
BENCHMARK_UNUSED static void peers_add_ticks(const peers_pool_t* p, void (*send)(void* data),
                                             void* data) {
  if (p->period == 0) return;
  peers_ticks.period = p->period;
  peers_ticks.send = send;
  peers_ticks.data = data;
  peers_add(peers_run_ticks, NULL, 0);
}

/* The first n threads are loops. */
BENCHMARK_UNUSED static void peers_print_loops(size_t n) {
  uint64_t least = UINT64_MAX, most = 0;
  size_t i;

  for (i = 0; i < n; i++) {
    if (peers.threads[i].received < least) least = peers.threads[i].received;
    if (peers.threads[i].received > most) most = peers.threads[i].received;
  }
  benchmark_print("least_values", least);
  benchmark_print("most_values", most);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

BENCHMARK_UNUSED static uint64_t peers_heap_bytes(void) {
  struct mallinfo2 info = mallinfo2();

  return info.uordblks + info.hblkhd;
}

/* ---- main() ---------------------------------------------------------------------------------- */

BENCHMARK_UNUSED static int peers_main(int argc, char** argv, const peers_workload_t* workloads,
                                       size_t n) {
  size_t i;

  if (argc < 2) benchmark_fail("usage: PROGRAM WORKLOAD name=value...", "");
  for (i = 0; i < n; i++) {
    if (strcmp(argv[1], workloads[i].name) == 0) {
      benchmark_t b = benchmark_open(argc - 2, argv + 2, workloads[i].arguments);

      peers.ms = benchmark_number(&b, "ms", 200);
      peers.pin = benchmark_number(&b, "pin", 0) != 0;
      workloads[i].run(&b);
      return benchmark_end();
    }
  }
  peers_refuse(argv[1]);
  return 2;
}

#define PEERS_MAIN(workloads)                                                             \
  int main(int argc, char** argv) {                                                       \
    return peers_main(argc, argv, workloads, sizeof(workloads) / sizeof((workloads)[0])); \
  }

#endif /* PEERS_H */
