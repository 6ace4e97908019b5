/* SPDX-License-Identifier: MIT */
/* The input, the clock and the allocator of a fuzzed run; see ground.h. */
#include "ground.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uvchan.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

void fuzz_failed(const char* file, int line, const char* expr) {
  fprintf(stderr, "%s:%d: '%s' does not hold\n", file, line, expr);
  abort();
}

/* ---- The input ------------------------------------------------------------------------------- */

static struct {
  const uint8_t* next;
  size_t left;
} input;

void fuzz_input(const uint8_t* bytes, size_t n) {
  input.next = bytes;
  input.left = n;
}

int fuzz_has_input(void) { return input.left > 0; }

uint8_t fuzz_byte(void) {
  if (input.left == 0) return 0;
  input.left--;
  return *input.next++;
}

unsigned int fuzz_below(unsigned int n) { return fuzz_byte() % n; }

/* ---- The clock ------------------------------------------------------------------------------- */

#define FIRST_NANOSECOND UINT64_C(1000000000)
#define LOOK_NANOSECONDS 5000

static int is_running;
static uint64_t nanoseconds;

void fuzz_clock_start(void) {
  is_running = 1;
  nanoseconds = FIRST_NANOSECOND;
}

void fuzz_clock_advance(unsigned int milliseconds) {
  nanoseconds += UINT64_C(1000000) * milliseconds;
}

void fuzz_clock_stop(void) { is_running = 0; }

#if defined(__linux__) && !defined(__SANITIZE_THREAD__)
/* In the place of the C library's, for libuv too; and so the next. */
int clock_gettime(clockid_t id, struct timespec* now) {
  if (!is_running || id == CLOCK_REALTIME) return (int)syscall(SYS_clock_gettime, id, now);
  nanoseconds += LOOK_NANOSECONDS;
  now->tv_sec = (time_t)(nanoseconds / 1000000000);
  now->tv_nsec = (long)(nanoseconds % 1000000000);
  return 0;
}

/* There is one thread: giving the processor away would only cost time. */
int sched_yield(void) { return is_running ? 0 : (int)syscall(SYS_sched_yield); }
#endif

/* ---- The allocator --------------------------------------------------------------------------- */

static size_t blocks;
static unsigned int failures;
static long countdown = -1; /* allocations until the one that fails; negative: none */
static int fails_forever;

static void* counting_malloc(size_t size) {
  void* memory;
  if (countdown == 0) {
    if (!fails_forever) countdown = -1;
    failures++;
    return NULL;
  }
  if (countdown > 0) countdown--;
  memory = malloc(size);
  must(memory != NULL);
  blocks++;
  return memory;
}

static void counting_free(void* memory) {
  must(memory != NULL && blocks > 0);
  blocks--;
  free(memory);
}

/* The library asks neither for zeros nor for more. */
static void* no_realloc(void* memory, size_t size) {
  (void)memory;
  (void)size;
  fuzz_failed(__FILE__, __LINE__, "asked for");
  return NULL;
}

static void* no_calloc(size_t n, size_t size) {
  (void)n;
  (void)size;
  fuzz_failed(__FILE__, __LINE__, "asked for");
  return NULL;
}

void fuzz_allocator_install(void) {
  must(uvchan_replace_allocator(counting_malloc, no_realloc, no_calloc, counting_free) == 0);
}

void fuzz_fail_at(unsigned int n, int forever) {
  countdown = (long)n;
  fails_forever = forever;
}

void fuzz_fail_never(void) { countdown = -1; }

unsigned int fuzz_failures(void) { return failures; }

size_t fuzz_allocations(void) { return blocks; }
