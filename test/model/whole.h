/* SPDX-License-Identifier: MIT */
/* What the models of the whole library share: its sources, in one translation unit with the model,
 * over a modelled libuv (uv.h), and a modelled way to sleep on a word.
 *
 * A checker takes its own mutex for the library's lock: lock-counts.c proves that the lock is one.
 * It looks at the clock as often as it is asked to, a microsecond apart, so that what is timed is
 * over at the second look; and patience is none: to look longer changes nothing but time. */
#ifndef MODEL_WHOLE_H
#define MODEL_WHOLE_H

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#ifdef MODEL_CHECKER /* what a model does not call is not compiled */
#include <genmc.h>
#pragma clang attribute push(__attribute__((internal_linkage)), apply_to = function)
#endif

#ifndef MODEL_CHECKER
#define MODEL_ROUNDS \
  500 /* threads sleep in most of them, and on a busy machine each wake-up takes a millisecond */
#endif

#define MODEL_AT_END model_end
static void model_end(void);

#include "program.h"

/* For the models about what comes before memory is freed: under IMM, whose races the checker does
 * not look for, these see it. */
#ifndef MODEL_AT_FREE
#define MODEL_AT_FREE() ((void)0)
#endif
#ifndef MODEL_WAKING
#define MODEL_WAKING() ((void)0) /* a wake-up of a loop begins */
#define MODEL_WOKE() ((void)0)   /* and has only to give back its reference to the hub */
#endif

#include <uvchan.h>

#include "ground/platform.h"
#include "ground/tuning.h"
#include "store/ring.h"
#include "wake/park.h"
#include "wake/roster.h"

#undef UVCHAN__HAS_FUTEX
#ifdef MODEL_WITHOUT_FUTEX
#define UVCHAN__HAS_FUTEX 0
#else
#define UVCHAN__HAS_FUTEX 1 /* of its own, below */
#endif
void uvchan__futex_wait(atomic_uint* word, unsigned int expected, uint64_t timeout);
void uvchan__futex_wake(atomic_uint* word);

#ifdef MODEL_CHECKER

/* It knows no constructors; and it reads a value as a whole, where the library touches its pages by
 * their bytes (prefault.h). */
#undef UVCHAN__FORKS
#define UVCHAN__FORKS 0
#define UVCHAN_PREFAULT_H

static inline void uvchan__prefault(const void* memory, size_t size) {
  assert(size == sizeof(uint64_t));
  (void)*(const volatile uint64_t*)memory;
}

/* It copies and clears only what it knows the type of: so a waiter and a place are cleared member
 * by member, what the library asks memory for is clear from the start, and no initialiser is of
 * zeros alone. */
/* clang-format off */
#define memset(to, byte, size) \
  _Generic((to), uvchan__waiter_t*: model_clear_waiter, uvchan__place_t*: model_clear_place, \
           uvchan__dropped_t*: model_clear_dropped, default: model_stay_clear)(to)
/* clang-format on */
#undef NULL
#define NULL model_null()
#define max_align_t uint64_t /* no long double */
#define qsort(places, n, size, compare) model_sort(places, n, compare)

static inline void* model_null(void) { return (void*)0; }

static inline void model_clear_waiter(uvchan__waiter_t* waiter) {
  waiter->next = NULL;
  waiter->index = 0;
  waiter->status = 0;
  waiter->kind = waiter->claim = waiter->sleep = 0;
  waiter->hub = NULL;
  waiter->entry.next = waiter->entry.prev = NULL;
  waiter->entry.posted = 0;
  waiter->entry.run = NULL;
}

static inline void model_clear_place(uvchan__place_t* place) {
  place->channel = NULL;
  place->index = 0;
  place->next = place->prev = NULL;
  place->waiter = NULL;
  place->value = NULL;
  place->order = 0;
  place->sends = place->for_close = place->queued = 0;
}

static inline void model_stay_clear(const void* memory) { (void)memory; }

/* Memory is given out once. Whether it was given back is a plain word, which is looked at wherever
 * a lock in that memory is taken or let go: so a use that comes after is an error, and one that
 * only might is a race. */
static struct {
  _Alignas(64) unsigned char bytes[1024];
  int is_free;
} model_memory[4];
static unsigned int model_pieces; /* before the threads begin, or in one thread alone */

void* uvchan__malloc(size_t size) {
  assert(size <= sizeof(model_memory[0].bytes) && model_pieces < 4);
  return model_memory[model_pieces++].bytes;
}

static unsigned int model_piece(const void* memory) {
  return (unsigned int)(((uintptr_t)memory - (uintptr_t)&model_memory[0]) /
                        sizeof(model_memory[0]));
}

/* Of a channel it touches both sides of the ring, with whose words everyone begins. */
void uvchan__free(void* memory) {
  if (memory == NULL) return;
  MODEL_AT_FREE();
  model_memory[model_piece(memory)].is_free = 1;
  ((uint64_t*)memory)[0] = ((uint64_t*)memory)[UVCHAN__CACHE_LINE_BYTES / sizeof(uint64_t)] = 0;
}

#ifndef MODEL_LOCK
#define UVCHAN_LOCK_H
static inline void model_check_lock(const void* lock) {
  unsigned int piece = model_piece(lock);

  assert(piece >= 4 || !model_memory[piece].is_free);
}

static inline void uvchan__lock(atomic_uint* lock) {
  model_check_lock(lock);
  pthread_mutex_lock((pthread_mutex_t*)lock);
}

static inline void uvchan__unlock(atomic_uint* lock) {
  model_check_lock(lock);
  pthread_mutex_unlock((pthread_mutex_t*)lock);
}
#endif

#undef UVCHAN__LONGEST_PATIENCE_NS
#define UVCHAN__LONGEST_PATIENCE_NS 0
#undef UVCHAN__SCRATCH_BYTES
#define UVCHAN__SCRATCH_BYTES 16

#include "channel/drop.h"

static inline void model_clear_dropped(uvchan__dropped_t* dropped) {
  dropped->n = 0;
  dropped->position = 0;
  dropped->blocks = NULL;
}

static _Thread_local uint64_t model_clock;

uint64_t uv_hrtime(void) { return model_clock += 1000; }
void uvchan__yield(void) {}

static void model_sort(uvchan__place_t* places, size_t n,
                       int (*compare)(const void*, const void*)) {
  /* models list their cases in the order of locking */
  assert(n < 2 || compare(&places[0], &places[1]) <= 0);
}

/* The kernel's side of a futex: under its lock a sleeper looks at the word, and takes a bed; a
 * waker gets the first one up who sleeps there. While somebody sleeps there must be somebody else
 * who is not asleep and not at his end: or it sleeps for ever. */
static pthread_mutex_t model_kernel = PTHREAD_MUTEX_INITIALIZER;
static struct {
  atomic_uint* word;
  atomic_uint woken;
} model_beds[4];
static unsigned int model_taken;
static int model_asleep;
static int model_ended;

static void model_end(void) {
  pthread_mutex_lock(&model_kernel);
  model_ended++;
  assert(model_asleep == 0 || model_asleep + model_ended < model_threads);
  pthread_mutex_unlock(&model_kernel);
}

void uvchan__futex_wait(atomic_uint* word, unsigned int expected, uint64_t timeout) {
  unsigned int bed;

  pthread_mutex_lock(&model_kernel);
  if (atomic_load_explicit(word, memory_order_relaxed) != expected || timeout != UVCHAN__FOR_EVER) {
    pthread_mutex_unlock(&model_kernel);
    return;
  }
  bed = model_taken++;
  assert(bed < 4);
  model_beds[bed].word = word;
  model_asleep++;
  assert(model_asleep + model_ended < model_threads);
  pthread_mutex_unlock(&model_kernel);
  __VERIFIER_assume(atomic_load_explicit(&model_beds[bed].woken, memory_order_acquire) != 0);
}

void uvchan__futex_wake(atomic_uint* word) {
  unsigned int bed;

  pthread_mutex_lock(&model_kernel);
  for (bed = 0; bed < model_taken; bed++) {
    if (model_beds[bed].word != word) continue;
    model_beds[bed].word = NULL;
    model_asleep--;
    atomic_store_explicit(&model_beds[bed].woken, 1, memory_order_release);
    break;
  }
  pthread_mutex_unlock(&model_kernel);
}

#else

#include <time.h>

void* uvchan__malloc(size_t size) { return malloc(size); }

void uvchan__free(void* memory) {
  if (memory != NULL) MODEL_AT_FREE();
  free(memory);
}

uint64_t uv_hrtime(void) {
  struct timespec now;

  timespec_get(&now, TIME_UTC);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void uvchan__yield(void) { sched_yield(); }
static void model_end(void) {}

static pthread_mutex_t model_kernel = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t model_changed = PTHREAD_COND_INITIALIZER;

void uvchan__futex_wait(atomic_uint* word, unsigned int expected, uint64_t timeout) {
  pthread_mutex_lock(&model_kernel);
  if (atomic_load_explicit(word, memory_order_relaxed) == expected && timeout == UVCHAN__FOR_EVER) {
    pthread_cond_wait(&model_changed, &model_kernel);
  }
  pthread_mutex_unlock(&model_kernel);
}

void uvchan__futex_wake(atomic_uint* word) {
  (void)word;
  pthread_mutex_lock(&model_kernel);
  pthread_cond_broadcast(&model_changed);
  pthread_mutex_unlock(&model_kernel);
}

#endif /* MODEL_CHECKER */

/* Nothing is cancelled, forked, or closed by a stranger here. */
int uvchan__hold_cancellation(void) {
  MODEL_WAKING();
  return 0;
}

void uvchan__let_cancellation(int before) {
  (void)before;
  MODEL_WOKE();
}

void uvchan__at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void)) {
  (void)before;
  (void)in_parent;
  (void)in_child;
}

/* Nobody looks at a channel from outside: what that costs a call is a lock that no other thread
 * here takes. */
void uvchan__roster_add(uvchan__member_t* member, uvchan__list_t list, const char* name) {
  (void)member;
  (void)list;
  (void)name;
}

void uvchan__roster_remove(uvchan__member_t* member, uvchan__list_t list) {
  (void)member;
  (void)list;
}

void uvchan__roster_hold(void) {}
void uvchan__roster_go_on(void) {}
void uvchan__roster_inherit(void) {}
unsigned int uvchan__thread_id(void) { return 1; }
void uvchan__forget_thread_id(void) {}

int uvchan__handle_is_closed(const struct uv_handle_s* handle) {
  (void)handle;
  return 0;
}

#include "channel/aging.c"
#include "channel/call.c"
#include "channel/close.c"
#include "channel/drop.c"
#include "channel/life.c"
#include "channel/overflow.c"
#include "channel/receivers.c"
#include "channel/stats.c"
#include "channel/steps.c"
#include "ends/thread.c"
#include "store/admission.c"
#include "store/blocks.c"
#include "store/hints.c"
#include "store/ring.c"
#include "wake/closing.c"
#include "wake/defer.c"
#include "wake/fork.c"
#include "wake/hub-state.c"
#include "wake/hub.c"
#include "wake/park.c"
#include "wake/patience.c"
#include "wake/posts.c"
#include "wake/turns.c"
#include "wake/waiters.c"

/* A channel of uint64_t. */
static inline uvchan_t* model_channel_with(size_t capacity, uvchan_overflow_t overflow,
                                           uvchan_drop_cb drop_cb) {
  static uvchan_options_t options;
  uvchan_t* ch = NULL;

  options.elem_size = sizeof(uint64_t);
  options.capacity = capacity;
  options.overflow = overflow;
  options.drop_cb = drop_cb;
  assert(uvchan_create_ex(&ch, &options) == 0);
#ifdef MODEL_CHECKER
  atomic_init(&ch->ring.tail.no_peak_before, INT64_MAX); /* see model.h */
#endif
  return ch;
}

static inline uvchan_t* model_channel(size_t capacity, uvchan_overflow_t overflow) {
  return model_channel_with(capacity, overflow, NULL);
}

/* At the end of a round. */
static inline void model_end_channel(uvchan_t* ch) {
  if (MODEL_HAS_NEXT_ROUND) uvchan_release(ch);
}

#ifdef MODEL_CHECKER
#pragma clang attribute pop
#endif

#endif /* MODEL_WHOLE_H */
