/* SPDX-License-Identifier: MIT */
/* What every suite stands on: the runner, an allocator that counts and fails on demand, checked
 * loops, threads, and the tables of capacities and element sizes. It knows the public header alone.
 *
 * A suite makes its test cases with support_tcase(), so that each test begins with nothing
 * allocated and must end so. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <check.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>
#include <uvchan.h>

/* ---- The runner ------------------------------------------------------------------------------ */

/* Installs the allocator, runs the suite and answers what main() returns. */
int support_main(Suite* suite);

/* A new test case of the suite, whose fixture checks the allocator's balance after each test. */
TCase* support_tcase(Suite* suite, const char* name);

/* 1 where a sanitizer, valgrind or injected yields make everything slow; support_count() is then a
 * tenth of n, and 1 or more. */
int support_slow(void);
int support_count(int n);

/* As ck_assert(), but writes nothing while it holds and is allowed in any thread: for hot loops and
 * for what runs beside others. (Each ck_assert() takes a lock of Check's own, which would order the
 * threads under test.) */
#define must(expr) ((expr) ? (void)0 : support_failed(__FILE__, __LINE__, #expr))
_Noreturn void support_failed(const char* file, int line, const char* expr);

/* ---- The allocator --------------------------------------------------------------------------- */

size_t support_allocations(void); /* blocks that are not freed yet */
size_t support_bytes(void);       /* bytes in them, as they were asked for */
size_t support_peak_bytes(void);  /* the most of it since the last support_reset_peak() */
void support_reset_peak(void);
size_t support_calls(void); /* successful allocations ever made */

/* The n-th allocation from now fails, 0 being the next one; with forever all after it too. */
void support_fail_at(size_t n, int forever);
void support_fail_never(void);
size_t support_failures(void); /* how many failed since support_fail_at() */

/* ---- Loops ----------------------------------------------------------------------------------- */

void support_loop_open(uv_loop_t* loop);
/* runs it until nothing is alive; uv_loop_close() must answer 0 */
void support_loop_finish(uv_loop_t* loop);

/* ---- Threads --------------------------------------------------------------------------------- */

void support_start(uv_thread_t* thread, uv_thread_cb body, void* arg);
void support_join(uv_thread_t* thread);

/* Waits until the condition holds, and fails the test after a minute without it. */
#define support_await(condition)                                                 \
  do {                                                                           \
    unsigned int turns_ = 0;                                                     \
    while (!(condition)) support_pause(__FILE__, __LINE__, #condition, &turns_); \
  } while (0)
void support_pause(const char* file, int line, const char* condition, unsigned int* turns);

/* Keeps the processor busy for so many nanoseconds: to vary the moment at which threads meet, never
 * to wait for one. */
void support_spin(uint64_t nanoseconds);

/* Wait until exactly n senders, or receivers, wait on the channel. */
void support_await_senders(const uvchan_t* ch, size_t n);
void support_await_receivers(const uvchan_t* ch, size_t n);

/* ---- Channels and values --------------------------------------------------------------------- */

#define SUPPORT_MOST_BYTES 5000 /* in a value */

#define SUPPORT_NCAPACITIES 5
extern const size_t support_capacities[SUPPORT_NCAPACITIES]; /* 0, 1, 3, 16, UVCHAN_UNBOUNDED */
#define SUPPORT_NELEM_SIZES 8
extern const size_t support_elem_sizes[SUPPORT_NELEM_SIZES]; /* 0, 1, 4, 8, 12, 64, 1024, 5000 */

uvchan_t* support_channel(size_t elem_size, size_t capacity); /* uvchan_create(), checked */

/* A value of so many bytes that is made from a number, and whether this is it. */
void support_fill(void* value, size_t elem_size, uint64_t number);
int support_matches(const void* value, size_t elem_size, uint64_t number);

/* The statistics of a channel that nobody is using: sent == received + dropped + len. */
uvchan_stats_t support_at_rest(const uvchan_t* ch);

/* Counts what a channel drops: support_on_drop is the drop_cb, the recorder its argument. The sum
 * is of values of 8 bytes. */
typedef struct {
  size_t elem_size;
  atomic_uint by_reason[UVCHAN_DROPPED_SHED + 1];
  atomic_uint_fast64_t sum;
  atomic_uint_fast64_t last;
} support_drops_t;

void support_on_drop(void* value, uvchan_drop_reason_t reason, void* drops);
uvchan_t* support_dropping_channel(support_drops_t* drops, size_t elem_size, size_t capacity,
                                   uvchan_overflow_t overflow);
/* The same of any options, whose drop_cb and size are set. */
uvchan_t* support_recording_channel(support_drops_t* drops, uvchan_options_t* options);

/* A random number, from a state that starts with any value but 0. */
uint32_t support_random(uint32_t* state);

#endif /* SUPPORT_H */
