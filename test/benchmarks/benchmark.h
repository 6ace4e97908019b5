/* SPDX-License-Identifier: MIT */
/* What the benchmark programs share, those of the library and those of the peers in C and C++:
 * arguments of the form name=value, time, processors, sums, latencies, and the one line that a
 * program prints. Reads as C11 and as C++17; knows the C library and POSIX alone.
 *
 * The line is `values=N ns=N cpu=N ...`: what was received, the wall time of that in nanoseconds,
 * the processor time of the whole process in it, and further figures by name. docs/benchmarks.md
 * says what each workload and each figure means. */
#ifndef BENCHMARK_H
#define BENCHMARK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* processors to run on; so this header comes first */
#endif

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

#define BENCHMARK_UNUSED __attribute__((unused))

/* ---- Arguments ------------------------------------------------------------------------------- */

typedef struct {
  int argc;
  char** argv;
} benchmark_t;

BENCHMARK_UNUSED static void benchmark_fail(const char* what, const char* which) {
  fprintf(stderr, "%s%s%s\n", what, which[0] == '\0' ? "" : ": ", which);
  exit(2);
}

/* Exits with 2 where an argument is none of the names, which stand between spaces: " senders
 * capacity ". */
BENCHMARK_UNUSED static benchmark_t benchmark_open(int argc, char** argv, const char* names) {
  benchmark_t b;
  int i;

  b.argc = argc;
  b.argv = argv;
  for (i = 0; i < argc; i++) {
    const char* end = strchr(argv[i], '=');
    char name[64];

    if (end == NULL || end - argv[i] > 60)
      benchmark_fail("no argument of the form name=value", argv[i]);
    snprintf(name, sizeof(name), " %.*s ", (int)(end - argv[i]), argv[i]);
    if (strstr(names, name) == NULL) benchmark_fail("no such argument here", argv[i]);
  }
  return b;
}

BENCHMARK_UNUSED static const char* benchmark_word(const benchmark_t* b, const char* name,
                                                   const char* otherwise) {
  size_t length = strlen(name);
  int i;

  for (i = 0; i < b->argc; i++) {
    if (strncmp(b->argv[i], name, length) == 0 && b->argv[i][length] == '=')
      return b->argv[i] + length + 1;
  }
  return otherwise;
}

BENCHMARK_UNUSED static uint64_t benchmark_number(const benchmark_t* b, const char* name,
                                                  uint64_t otherwise) {
  const char* word = benchmark_word(b, name, NULL);
  char* end;
  uint64_t number;

  if (word == NULL) return otherwise;
  number = strtoull(word, &end, 10);
  if (word[0] < '0' || word[0] > '9' || *end != '\0') benchmark_fail("not a number", word);
  return number;
}

/* ---- Time and processors --------------------------------------------------------------------- */

BENCHMARK_UNUSED static uint64_t benchmark_clock(clockid_t clock) {
  struct timespec t;

  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

BENCHMARK_UNUSED static uint64_t benchmark_now(void) { return benchmark_clock(CLOCK_MONOTONIC); }

BENCHMARK_UNUSED static uint64_t benchmark_cpu(void) {
  return benchmark_clock(CLOCK_PROCESS_CPUTIME_ID);
}

BENCHMARK_UNUSED static void benchmark_sleep(uint64_t ms) {
  struct timespec t;

  t.tv_sec = (time_t)(ms / 1000);
  t.tv_nsec = (long)(ms % 1000) * 1000000;
  nanosleep(&t, NULL);
}

/* Keeps the calling thread on one processor of those that the process may use, counted from 0 and
 * around; elsewhere than on Linux it does nothing. */
BENCHMARK_UNUSED static void benchmark_pin(int nth) {
#ifdef __linux__
  cpu_set_t all, one;
  int n, seen = 0;
  size_t cpu;

  if (sched_getaffinity(0, sizeof(all), &all) != 0 || (n = CPU_COUNT(&all)) < 1) return;
  CPU_ZERO(&one);
  for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &all) && seen++ == nth % n) CPU_SET(cpu, &one);
  }
  pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
#else
  (void)nth;
#endif
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* xorshift64*, by George Marsaglia and Sebastiano Vigna. *state is not 0. */
BENCHMARK_UNUSED static uint64_t benchmark_random(uint64_t* state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545F4914F6CDD1Du;
}

/* Ends the program where a value was lost, doubled or torn. */
BENCHMARK_UNUSED static void benchmark_check(uint64_t sent, uint64_t sent_sum, uint64_t received,
                                             uint64_t received_sum) {
  if (sent == received && sent_sum == received_sum) return;
  fprintf(stderr, "sent %llu values with sum %llu, received %llu with sum %llu\n",
          (unsigned long long)sent, (unsigned long long)sent_sum, (unsigned long long)received,
          (unsigned long long)received_sum);
  exit(1);
}

/* ---- Latencies ------------------------------------------------------------------------------- */

typedef struct {
  uint32_t* ns;
  size_t n;
  size_t room;
} benchmark_latencies_t;

BENCHMARK_UNUSED static void benchmark_note(benchmark_latencies_t* l, uint64_t ns) {
  if (l->n == l->room) {
    l->room = l->room == 0 ? 65536 : 2 * l->room;
    l->ns = (uint32_t*)realloc(l->ns, l->room * sizeof(*l->ns));
    if (l->ns == NULL) abort();
  }
  l->ns[l->n++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static int benchmark_compare_ns(const void* a, const void* b) {
  uint32_t x = *(const uint32_t*)a;
  uint32_t y = *(const uint32_t*)b;

  return x < y ? -1 : x > y;
}

/* ---- Works ----------------------------------------------------------------------------------- */

/* What the threads of a pool are given to do. */
typedef enum { BENCHMARK_EMPTY, BENCHMARK_BURN, BENCHMARK_SLEEP } benchmark_work_t;

BENCHMARK_UNUSED static benchmark_work_t benchmark_work_of(const benchmark_t* b) {
  const char* word = benchmark_word(b, "work", "empty");

  if (strcmp(word, "burn") == 0) return BENCHMARK_BURN;
  if (strcmp(word, "sleep") == 0) return BENCHMARK_SLEEP;
  if (strcmp(word, "empty") != 0) benchmark_fail("neither empty, burn nor sleep", word);
  return BENCHMARK_EMPTY;
}

BENCHMARK_UNUSED static void benchmark_sleep_ns(uint64_t ns) {
  struct timespec t;

  t.tv_sec = (time_t)(ns / 1000000000u);
  t.tv_nsec = (long)(ns % 1000000000u);
  nanosleep(&t, NULL);
}

/* So much of the calling thread's processor time, or so long asleep, and what the system adds. */
BENCHMARK_UNUSED static void benchmark_work_off(benchmark_work_t work, uint64_t ns) {
  if (work == BENCHMARK_BURN) {
    uint64_t end = benchmark_clock(CLOCK_THREAD_CPUTIME_ID) + ns;

    while (benchmark_clock(CLOCK_THREAD_CPUTIME_ID) < end) continue;
  } else if (work == BENCHMARK_SLEEP) {
    benchmark_sleep_ns(ns);
  }
}

/* Calls back each period for so long; who is late catches up, without waiting. */
BENCHMARK_UNUSED static void benchmark_tick(uint64_t ms, uint64_t period, void (*tick)(void)) {
  uint64_t due = benchmark_now();
  uint64_t end = due + ms * 1000000u;

  while (due < end) {
    uint64_t now = benchmark_now();

    if (now < due) benchmark_sleep_ns(due - now);
    tick();
    due += period;
  }
}

/* ---- The line -------------------------------------------------------------------------------- */

BENCHMARK_UNUSED static void benchmark_print(const char* name, uint64_t figure) {
  printf("%s=%llu ", name, (unsigned long long)figure);
}

BENCHMARK_UNUSED static void benchmark_print_times(uint64_t values, uint64_t ns, uint64_t cpu) {
  benchmark_print("values", values);
  benchmark_print("ns", ns);
  benchmark_print("cpu", cpu);
}

/* Sorts them, prints the percentiles in nanoseconds, and frees them. */
BENCHMARK_UNUSED static void benchmark_print_latencies(benchmark_latencies_t* l) {
  if (l->n > 0) {
    qsort(l->ns, l->n, sizeof(*l->ns), benchmark_compare_ns);
    benchmark_print("p50", l->ns[l->n / 2]);
    benchmark_print("p90", l->ns[l->n - 1 - l->n / 10]);
    benchmark_print("p99", l->ns[l->n - 1 - l->n / 100]);
    benchmark_print("p999", l->ns[l->n - 1 - l->n / 1000]);
  }
  free(l->ns);
  l->ns = NULL;
  l->n = l->room = 0;
}

BENCHMARK_UNUSED static int benchmark_end(void) {
  printf("\n");
  return 0;
}

#endif /* BENCHMARK_H */
