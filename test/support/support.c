/* SPDX-License-Identifier: MIT */
/* The runner, the counting allocator and the small helpers that support.h describes.
 *
 * Each block of the allocator has a head in front with its size and a mark, so that its bytes are
 * known when it is freed and a second free or a write before the block is seen. Any thread may
 * enter. All counters are atomic, and relaxed: they must not order the threads under test, and are
 * read exactly only after those were joined. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const size_t support_capacities[SUPPORT_NCAPACITIES] = {0, 1, 3, 16, UVCHAN_UNBOUNDED};
const size_t support_elem_sizes[SUPPORT_NELEM_SIZES] = {0,  1,  4,    8,
                                                        12, 64, 1024, SUPPORT_MOST_BYTES};

static uv_thread_t main_thread;

/* ---- The allocator --------------------------------------------------------------------------- */

/* In one block; a sanitizer's own allocator would end the program at more than it likes. */
#define MOST_BYTES ((size_t)1 << 30)
#define LIVE ((size_t)0xa11c0de)
#define DEAD ((size_t)0xdeadbee)

typedef union {
  struct {
    size_t size;
    size_t mark;
  } block;
  max_align_t align;
} head_t;

/* new memory is filled with rubbish, but not where a tool looks for uses of fresh memory */
static int scribbles;
static atomic_size_t blocks;
static atomic_size_t bytes;
static atomic_size_t peak;
static atomic_size_t calls;
static atomic_size_t failures;
static atomic_long countdown = -1; /* allocations until the one that fails; negative: none fails */
static atomic_int fail_forever;

#define RELAXED memory_order_relaxed

static int should_fail(void) {
  long left = atomic_load_explicit(&countdown, RELAXED);
  while (left > 0) {
    if (atomic_compare_exchange_weak_explicit(&countdown, &left, left - 1, RELAXED, RELAXED))
      return 0;
  }
  if (left < 0) return 0;
  if (!atomic_load_explicit(&fail_forever, RELAXED)) atomic_store_explicit(&countdown, -1, RELAXED);
  atomic_fetch_add_explicit(&failures, 1, RELAXED);
  return 1;
}

static void count_in(size_t size) {
  size_t now = atomic_fetch_add_explicit(&bytes, size, RELAXED) + size;
  size_t most = atomic_load_explicit(&peak, RELAXED);
  while (now > most && !atomic_compare_exchange_weak_explicit(&peak, &most, now, RELAXED, RELAXED))
    continue;
  atomic_fetch_add_explicit(&blocks, 1, RELAXED);
  atomic_fetch_add_explicit(&calls, 1, RELAXED);
}

static void* counting_malloc(size_t size) {
  head_t* head;
  if (size > MOST_BYTES || should_fail()) return NULL;
  head = malloc(sizeof(*head) + size);
  if (head == NULL) return NULL;
  head->block.size = size;
  head->block.mark = LIVE;
  if (scribbles) memset(head + 1, 0xa5, size);
  count_in(size);
  return head + 1;
}

static void* counting_calloc(size_t n, size_t size) {
  void* memory;
  if (size != 0 && n > SIZE_MAX / size) return NULL;
  memory = counting_malloc(n * size);
  if (memory != NULL) memset(memory, 0, n * size);
  return memory;
}

static void counting_free(void* memory) {
  head_t* head;
  if (memory == NULL) return;
  head = (head_t*)memory - 1;
  if (head->block.mark != LIVE)
    support_failed(__FILE__, __LINE__, "freed once, and never written before its start");
  head->block.mark = DEAD;
  atomic_fetch_sub_explicit(&bytes, head->block.size, RELAXED);
  atomic_fetch_sub_explicit(&blocks, 1, RELAXED);
  memset(memory, 0x5a, head->block.size);
  free(head);
}

static void* counting_realloc(void* memory, size_t size) {
  void* moved;
  size_t old;
  if (memory == NULL) return counting_malloc(size);
  moved = counting_malloc(size);
  if (moved == NULL) return NULL;
  old = ((head_t*)memory - 1)->block.size;
  memcpy(moved, memory, old < size ? old : size);
  counting_free(memory);
  return moved;
}

size_t support_allocations(void) { return atomic_load(&blocks); }
size_t support_bytes(void) { return atomic_load(&bytes); }
size_t support_peak_bytes(void) { return atomic_load(&peak); }
void support_reset_peak(void) { atomic_store(&peak, atomic_load(&bytes)); }
size_t support_calls(void) { return atomic_load(&calls); }
size_t support_failures(void) { return atomic_load(&failures); }

void support_fail_at(size_t n, int forever) {
  atomic_store(&failures, 0);
  atomic_store(&fail_forever, forever);
  atomic_store(&countdown, (long)n);
}

void support_fail_never(void) { atomic_store(&countdown, -1); }

/* ---- The runner ------------------------------------------------------------------------------ */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(UVCHAN_INJECT)
#define SLOW_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SLOW_BUILD 1
#endif
#endif
#ifndef SLOW_BUILD
#define SLOW_BUILD 0
#endif

int support_slow(void) {
  const char* preload = getenv("LD_PRELOAD");
  if (SLOW_BUILD || getenv("UVCHAN_TEST_SLOW") != NULL) return 1;
  return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

int support_count(int n) {
  if (!support_slow()) return n;
  return n < 10 ? 1 : n / 10;
}

static void begin(void) {
  main_thread = uv_thread_self();
  support_fail_never();
  ck_assert_uint_eq(support_allocations(), 0);
}

static void end(void) {
  support_fail_never();
  ck_assert_uint_eq(support_allocations(), 0);
  ck_assert_uint_eq(support_bytes(), 0);
}

TCase* support_tcase(Suite* suite, const char* name) {
  TCase* tcase = tcase_create(name);
  tcase_add_checked_fixture(tcase, begin, end);
  tcase_set_timeout(tcase, support_slow() ? 240 : 60);
  suite_add_tcase(suite, tcase);
  return tcase;
}

int support_main(Suite* suite) {
  SRunner* runner;
  int failed;
  if (uvchan_replace_allocator(counting_malloc, counting_realloc, counting_calloc, counting_free) !=
      0) {
    fprintf(stderr, "the library refused the counting allocator\n");
    return EXIT_FAILURE;
  }
  runner = srunner_create(suite);
  scribbles = !support_slow();
  srunner_run_all(runner, CK_ENV);
  failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Check leaves a failed test by a jump or by exit(), which only its own thread may do; another
 * thread ends the process. */
void support_failed(const char* file, int line, const char* expr) {
  uv_thread_t self = uv_thread_self();
  if (uv_thread_equal(&self, &main_thread))
    ck_abort_msg("%s:%d: '%s' does not hold", file, line, expr);
  fprintf(stderr, "%s:%d: '%s' does not hold, in a thread\n", file, line, expr);
  abort();
}

/* ---- Loops ----------------------------------------------------------------------------------- */

void support_loop_open(uv_loop_t* loop) { must(uv_loop_init(loop) == 0); }

void support_loop_finish(uv_loop_t* loop) {
  int stops = 0;
  while (uv_run(loop, UV_RUN_DEFAULT) != 0) must(++stops < 1000);
  must(uv_loop_close(loop) == 0);
}

/* ---- Threads --------------------------------------------------------------------------------- */

void support_start(uv_thread_t* thread, uv_thread_cb body, void* arg) {
  must(uv_thread_create(thread, body, arg) == 0);
}

void support_join(uv_thread_t* thread) { must(uv_thread_join(thread) == 0); }

void support_pause(const char* file, int line, const char* condition, unsigned int* turns) {
  if (++*turns > 60000) support_failed(file, line, condition);
  uv_sleep(*turns < 20 ? 0 : 1);
}

void support_spin(uint64_t nanoseconds) {
  uint64_t start = uv_hrtime();
  while (uv_hrtime() - start < nanoseconds) continue;
}

static size_t waiting_senders(const uvchan_t* ch) {
  uvchan_stats_t stats;
  uvchan_stats(ch, &stats);
  return stats.waiting_senders;
}

static size_t waiting_receivers(const uvchan_t* ch) {
  uvchan_stats_t stats;
  uvchan_stats(ch, &stats);
  return stats.waiting_receivers;
}

void support_await_senders(const uvchan_t* ch, size_t n) {
  support_await(waiting_senders(ch) == n);
}
void support_await_receivers(const uvchan_t* ch, size_t n) {
  support_await(waiting_receivers(ch) == n);
}

/* ---- Channels and values --------------------------------------------------------------------- */

uvchan_t* support_channel(size_t elem_size, size_t capacity) {
  uvchan_t* ch = NULL;
  must(uvchan_create(&ch, elem_size, capacity) == 0);
  must(ch != NULL);
  return ch;
}

static int is_big_endian(void) {
  const uint16_t one = 1;
  return *(const unsigned char*)&one == 0;
}

/* A value begins as the number does in memory: in 8 bytes, or, where the value has fewer, cut to an
 * integer of that size. */
static unsigned char byte_of(uint64_t number, size_t elem_size, size_t at) {
  size_t n = elem_size < 8 ? elem_size : 8;
  if (at < n) return (unsigned char)(number >> (8 * (is_big_endian() ? n - 1 - at : at)));
  return (unsigned char)(number * 31 + at * 7);
}

static uint64_t number_in(const unsigned char* value, size_t elem_size) {
  size_t n = elem_size < 8 ? elem_size : 8;
  uint64_t number = 0;
  size_t at;
  for (at = 0; at < n; at++)
    number |= (uint64_t)value[at] << (8 * (is_big_endian() ? n - 1 - at : at));
  return number;
}

void support_fill(void* value, size_t elem_size, uint64_t number) {
  unsigned char* into = value;
  size_t at;
  for (at = 0; at < elem_size; at++) into[at] = byte_of(number, elem_size, at);
}

int support_matches(const void* value, size_t elem_size, uint64_t number) {
  const unsigned char* from = value;
  size_t at;
  for (at = 0; at < elem_size; at++) {
    if (from[at] != byte_of(number, elem_size, at)) return 0;
  }
  return 1;
}

uvchan_stats_t support_at_rest(const uvchan_t* ch) {
  uvchan_stats_t stats;
  uvchan_stats(ch, &stats);
  must(stats.sent == stats.received + stats.dropped + stats.len);
  must(stats.len == uvchan_len(ch));
  must(stats.capacity == uvchan_capacity(ch));
  must(stats.len <= stats.capacity);
  must(stats.peak <= stats.capacity);
  must(stats.len <= stats.peak);
  return stats;
}

void support_on_drop(void* value, uvchan_drop_reason_t reason, void* drops) {
  support_drops_t* recorder = drops;
  uint64_t number;
  must(reason >= UVCHAN_DROPPED_OVERFLOW && reason <= UVCHAN_DROPPED_SHED);
  must((value == NULL) == (recorder->elem_size == 0));
  number = value == NULL ? 0 : number_in(value, recorder->elem_size);
  atomic_fetch_add(&recorder->by_reason[reason], 1);
  atomic_fetch_add(&recorder->sum, number);
  atomic_store(&recorder->last, number);
}

uvchan_t* support_recording_channel(support_drops_t* drops, uvchan_options_t* options) {
  uvchan_t* ch = NULL;
  memset(drops, 0, sizeof(*drops));
  drops->elem_size = options->elem_size;
  options->drop_cb = support_on_drop;
  options->drop_arg = drops;
  must(uvchan_create_ex(&ch, options) == 0);
  return ch;
}

uvchan_t* support_dropping_channel(support_drops_t* drops, size_t elem_size, size_t capacity,
                                   uvchan_overflow_t overflow) {
  uvchan_options_t options;
  memset(&options, 0, sizeof(options));
  options.elem_size = elem_size;
  options.capacity = capacity;
  options.overflow = overflow;
  return support_recording_channel(drops, &options);
}

uint32_t support_random(uint32_t* state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  *state = x;
  return x;
}
