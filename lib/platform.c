/* The platform's way to sleep on a word, with the portable way beside it. Knows nothing of channels. */
#include "platform.h"

#include <uv.h>

#if !defined(_WIN32) && !defined(UVCHAN_PORTABLE)
#include <sched.h>
#endif
#ifndef _WIN32
#include <pthread.h>
#endif

#if !defined(_WIN32) && !defined(__ANDROID__)

int uvchan__hold_cancellation(void) {
  int before;

  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  return before;
}

void uvchan__let_cancellation(int before) { pthread_setcancelstate(before, &before); }

#else /* where threads can't be cancelled */

int uvchan__hold_cancellation(void) { return 0; }

void uvchan__let_cancellation(int before) { (void)before; }

#endif

#if UVCHAN__HAS_FUTEX

#include <errno.h>
#include <linux/futex.h>
#include <unistd.h>

int uvchan__sleep_on(atomic_uint* word, unsigned int expected, uint64_t timeout) {
  struct {
    long seconds;
    long nanoseconds;
  } relative, *limit = NULL; /* as the kernel reads it here: the C library's timespec may be wider on a 32-bit machine */

  if (timeout != UVCHAN__FOR_EVER) {
    timeout = uvchan__at_once(timeout);
    relative.seconds = (long)(timeout / 1000000000u);
    relative.nanoseconds = (long)(timeout % 1000000000u);
    limit = &relative;
  }
  if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, limit, NULL, 0) == 0) return 0;
  return errno == ETIMEDOUT ? UV_ETIMEDOUT : 0;
}

void* uvchan__bed_of(atomic_uint* word) { return word; }

void uvchan__wake_at(void* bed) { syscall(SYS_futex, bed, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

static void hold_buckets(void) {} /* there are none */
static void let_buckets_go(void) {}
static void renew_buckets(void) {}

#else

/* A sleeper holds its bucket's mutex from its look at the word until it sleeps, and a waker takes that mutex after it changed the word:
 * so either the sleeper sees the change, or the waker's signal comes while it sleeps. Words share buckets, therefore all are woken. */
#define BUCKETS 64

typedef struct {
  uv_mutex_t mutex;
  uv_cond_t changed;
} bucket_t;

static bucket_t buckets[BUCKETS];

static uv_once_t once = UV_ONCE_INIT;

static void init_buckets(void) {
  size_t i;

  for (i = 0; i < BUCKETS; i++) {
    if (uv_mutex_init(&buckets[i].mutex) != 0 || uv_cond_init(&buckets[i].changed) != 0) assert(0 && "no mutex to be had");
  }
}

static bucket_t* bucket_of(const atomic_uint* word) {
  uv_once(&once, init_buckets);
  return &buckets[(size_t)(((uintptr_t)word >> 4) * 0x9E3779B1u >> 8) % BUCKETS];
}

int uvchan__sleep_on(atomic_uint* word, unsigned int expected, uint64_t timeout) {
  bucket_t* bucket = bucket_of(word);
  int before = uvchan__hold_cancellation();
  int r = 0;

  uv_mutex_lock(&bucket->mutex);
  if (atomic_load_explicit(word, memory_order_relaxed) == expected) { /* relaxed: the caller looks again with its own order */
    if (timeout == UVCHAN__FOR_EVER) {
      uv_cond_wait(&bucket->changed, &bucket->mutex);
    } else {
      r = uv_cond_timedwait(&bucket->changed, &bucket->mutex, uvchan__at_once(timeout));
    }
  }
  uv_mutex_unlock(&bucket->mutex);
  uvchan__let_cancellation(before);
  return r;
}

void* uvchan__bed_of(atomic_uint* word) { return bucket_of(word); }

void uvchan__wake_at(void* bed) {
  bucket_t* bucket = bed;

  uv_mutex_lock(&bucket->mutex);
  uv_cond_broadcast(&bucket->changed);
  uv_mutex_unlock(&bucket->mutex);
}

#if UVCHAN__FORKS

/* Who holds a bucket waits for nothing else: so all can be held at once. */
static void hold_buckets(void) {
  size_t i;

  uv_once(&once, init_buckets); /* or the child might find it begun, by a thread that it does not have */
  for (i = 0; i < BUCKETS; i++) uv_mutex_lock(&buckets[i].mutex);
}

static void let_buckets_go(void) {
  size_t i;

  for (i = BUCKETS; i > 0; i--) uv_mutex_unlock(&buckets[i - 1].mutex);
}

/* A condition remembers who waits, and would wait itself for threads that the child does not have: so it gets new ones. */
static void renew_buckets(void) { init_buckets(); }

#endif

#endif

static void sleep_for(unsigned int milliseconds) {
  int before = uvchan__hold_cancellation();

  uv_sleep(milliseconds);
  uvchan__let_cancellation(before);
}

#if defined(_WIN32) && !defined(UVCHAN_PORTABLE)
void uvchan__yield(void) { SwitchToThread(); }
#elif !defined(UVCHAN_PORTABLE)
void uvchan__yield(void) { sched_yield(); }
#else
void uvchan__yield(void) { sleep_for(0); }
#endif

/* libuv's own mark UV_HANDLE_CLOSED, the same everywhere from 1.42 to 1.52; a test closes handles of each kind and looks. */
int uvchan__is_finished(const uv_handle_t* handle) { return (handle->flags & 0x2u) != 0; }

/* ---- Fork ----------------------------------------------------------------------------------------------------------------- */

#if UVCHAN__FORKS

static struct {
  void (*before)(void);
  void (*in_parent)(void);
  void (*in_child)(void);
} at_fork;

static void before_fork(void) {
  at_fork.before();
  hold_buckets();
}

static void in_parent(void) {
  let_buckets_go();
  at_fork.in_parent();
}

static void in_child(void) {
  renew_buckets();
  at_fork.in_child();
}

void uvchan__at_fork(void (*before)(void), void (*parent)(void), void (*child)(void)) {
  at_fork.before = before;
  at_fork.in_parent = parent;
  at_fork.in_child = child;
  (void)pthread_atfork(before_fork, in_parent, in_child); /* without memory at load a fork is not provided for */
}

#endif

/* ---- Waiting a moment ----------------------------------------------------------------------------------------------------- */

#define PAUSES 64
#define YIELDS 256

void uvchan__relax(unsigned int* round) {
  unsigned int r = (*round)++;

  if (r < PAUSES) {
    uvchan__pause();
  } else if (r < PAUSES + YIELDS) {
    uvchan__yield();
  } else {
    sleep_for(1);
  }
}

#ifdef UVCHAN_INJECT

#include <stdlib.h>

static _Thread_local uint32_t dice;

static uint32_t throw_dice(void) {
  static atomic_uint threads;

  if (dice == 0) {
    const char* seed = getenv("UVCHAN_SEED");
    dice = (uint32_t)(seed == NULL ? 1 : strtoul(seed, NULL, 10)) * 2654435761u + atomic_fetch_add(&threads, 1u) * 40503u + 1u;
    if (dice == 0) dice = 1;
  }
  dice ^= dice << 13;
  dice ^= dice >> 17;
  dice ^= dice << 5;
  return dice;
}

void uvchan__step(void) {
  uint32_t n = throw_dice() % 1024;

  if (n < 16) sleep_for(0);
  if (n < 128) uvchan__pause();
}

#endif
