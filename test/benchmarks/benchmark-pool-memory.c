/* SPDX-License-Identifier: MIT */
/* What a work that waits in a pool takes of memory, beside the caller's: 100,000 wait behind one
 * that is held up. Counted in the library's allocator, and in the heap where the C library tells;
 * the larger counts.
 *
 *   ms, pin   taken and not used, so that all programs take them */
#include "benchmark.h"

#include <stddef.h>
#include <uvchan/pool.h>

#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
#include <malloc.h>
#define HAS_MALLINFO2 1
#endif
#endif

#define WAITING 100000

static uint64_t asked; /* bytes, in all; the pool's threads ask for none here */
static uint64_t done;
static uv_sem_t held_up;

static void* count_malloc(size_t size) {
  asked += size;
  return malloc(size);
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

static uint64_t heap_bytes(void) {
#ifdef HAS_MALLINFO2
  struct mallinfo2 info = mallinfo2();

  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

static void on_first(uvchan_work_t* work, void* state) {
  (void)work;
  (void)state;
  uv_sem_wait(&held_up);
}

static void on_work(uvchan_work_t* work, void* state) {
  (void)work;
  (void)state;
}

static void on_done(uvchan_work_t* work, int status) {
  (void)work;
  must(status);
  done++;
}

static uvchan_pool_t* make_pool(void) {
  uvchan_pool_options_t options;
  uvchan_pool_t* pool;

  memset(&options, 0, sizeof(options));
  options.threads = 1;
  options.capacity = WAITING + 1;
  must(uvchan_pool_create(&pool, &options));
  return pool;
}

/* Bytes for each, beside what the first one takes for its loop. */
static uint64_t submit_all(uv_loop_t* loop, uvchan_pool_t* pool, uvchan_work_t* works) {
  uint64_t heap, bytes;
  size_t i;

  must(uvchan_pool_try_submit(loop, &works[0], pool, on_first, on_done));
  heap = heap_bytes();
  bytes = asked;
  for (i = 1; i <= WAITING; i++)
    must(uvchan_pool_try_submit(loop, &works[i], pool, on_work, on_done));
  bytes = asked - bytes;
  heap = heap_bytes() - heap;
  return (heap > bytes ? heap : bytes) / WAITING;
}

int main(int argc, char** argv) {
  static uvchan_work_t works[WAITING + 1];
  uvchan_pool_t* pool;
  uv_loop_t loop;

  benchmark_open(argc - 1, argv + 1, " ms pin ");
  must(uvchan_replace_allocator(count_malloc, no_realloc, no_calloc, free));
  must(uv_loop_init(&loop));
  must(uv_sem_init(&held_up, 0));
  pool = make_pool();
  benchmark_print("bytes", submit_all(&loop, pool, works));
  uv_sem_post(&held_up);
  uv_run(&loop, UV_RUN_DEFAULT);
  benchmark_check(WAITING + 1, 0, done, 0);
  uvchan_pool_release(pool);
  must(uv_loop_close(&loop));
  uv_sem_destroy(&held_up);
  return benchmark_end();
}
