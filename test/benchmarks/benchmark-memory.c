/* SPDX-License-Identifier: MIT */
/* The memory that channels ask for, counted in the allocator: what is asked, not what malloc makes
 * of it.
 *
 *   kind=idle      a channel of 16 values of 8 bytes through which one value has gone; the mean of
 *                  1,000 of them
 *   kind=empty     an unbounded channel, the same
 *   kind=million   an unbounded channel with 1,000,000 values of 8 bytes; and what it keeps once
 *                  they are received (drained_bytes)
 *   ms, pin        taken and not used, so that all programs take them */
#include "benchmark.h"

#include <stddef.h>
#include <uvchan.h>

#define CHANNELS 1000
#define MILLION 1000000

static uint64_t held; /* bytes; one thread */

/* Each piece of memory begins with its size. */
#define HEADER sizeof(max_align_t)

static void* count_malloc(size_t size) {
  unsigned char* memory = malloc(HEADER + size);

  if (memory == NULL) return NULL;
  memcpy(memory, &size, sizeof(size));
  held += size;
  return memory + HEADER;
}

static void count_free(void* memory) {
  size_t size;

  if (memory == NULL) return;
  memory = (unsigned char*)memory - HEADER;
  memcpy(&size, memory, sizeof(size));
  held -= size;
  free(memory);
}

static void* no_realloc(void* memory, size_t size) {
  (void)memory;
  (void)size;
  return NULL;
}

static void* no_calloc(size_t n, size_t size) {
  (void)n;
  (void)size;
  return NULL;
}

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

static uint64_t measure(uvchan_t** channels, size_t n, size_t capacity) {
  uint64_t before = held;
  uint64_t value;
  size_t i;

  for (i = 0; i < n; i++) {
    value = i;
    must(uvchan_create(&channels[i], sizeof(value), capacity));
    must(uvchan_try_send(channels[i], &value));
    must(uvchan_try_recv(channels[i], &value));
    benchmark_check(1, i, 1, value);
  }
  return (held - before) / n;
}

static void measure_million(void) {
  uint64_t before = held;
  uint64_t value, i;
  uvchan_t* channel;

  must(uvchan_create(&channel, sizeof(value), UVCHAN_UNBOUNDED));
  for (i = 0; i < MILLION; i++) must(uvchan_try_send(channel, &i));
  benchmark_print("bytes", held - before);
  for (i = 0; i < MILLION; i++) {
    must(uvchan_try_recv(channel, &value));
    benchmark_check(1, i, 1, value);
  }
  benchmark_print("drained_bytes", held - before);
  uvchan_release(channel);
}

int main(int argc, char** argv) {
  static uvchan_t* channels[CHANNELS];
  benchmark_t b = benchmark_open(argc - 1, argv + 1, " kind ms pin ");
  const char* kind = benchmark_word(&b, "kind", "idle");
  size_t i;

  must(uvchan_replace_allocator(count_malloc, no_realloc, no_calloc, count_free));
  if (strcmp(kind, "million") == 0) {
    measure_million();
  } else if (strcmp(kind, "idle") == 0) {
    benchmark_print("bytes", measure(channels, CHANNELS, 16));
  } else if (strcmp(kind, "empty") == 0) {
    benchmark_print("bytes", measure(channels, CHANNELS, UVCHAN_UNBOUNDED));
  } else {
    benchmark_fail("neither idle, empty nor million", kind);
  }
  for (i = 0; i < CHANNELS; i++) uvchan_release(channels[i]);
  benchmark_check(0, 0, held, 0);
  return benchmark_end();
}
