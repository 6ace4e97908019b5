/* SPDX-License-Identifier: MIT */
/* A mutual exclusion lock in one word: 0 is free, 1 held, 2 held while others may sleep on it. All
 * zero is a free lock.
 *
 * Without the futex nobody sleeps on it: he waits by uvchan__relax(), at most a millisecond too
 * long. Locks are held for less than that; and to sleep he would need memory that all who may wake
 * him find, those in another copy of the library too.
 *
 * Measured against uv_mutex_t it is 4 bytes for 40; and where a select holds the locks of all its
 * channels, the number of those is not limited by what a lock-order checker can hold. After the
 * exchange in uvchan__unlock() the lock's memory is not touched again: whoever gets the lock next
 * may free it. Follows the third mutex of Ulrich Drepper's "Futexes Are Tricky".
 *
 * Threads: any. Knows nothing of what it guards. */
#ifndef UVCHAN_LOCK_H
#define UVCHAN_LOCK_H

#include "ground/backoff.h"
#include "ground/platform.h"

static inline void uvchan__lock(atomic_uint* lock) {
  unsigned int free_word = 0;
  unsigned int round = 0;

  uvchan__step();
  /* [lock.A] with [lock.R]: what was written under the lock before. */
  if (atomic_compare_exchange_strong_explicit(lock, &free_word, 1, memory_order_acquire,
                                              memory_order_relaxed))
    return;
  while (!UVCHAN__HAS_FUTEX || round < UVCHAN__LOCK_PAUSES) {
    uvchan__relax(&round);
    free_word = 0;
    /* relaxed: a hint, the exchange below decides */
    if (atomic_load_explicit(lock, memory_order_relaxed) != 0) continue;
    /* [lock.A] */
    if (atomic_compare_exchange_weak_explicit(lock, &free_word, 1, memory_order_acquire,
                                              memory_order_relaxed))
      return;
  }
#if UVCHAN__HAS_FUTEX
  while (atomic_exchange_explicit(lock, 2, memory_order_acquire) != 0) { /* [lock.A] */
    uvchan__futex_wait(lock, 2, UVCHAN__FOR_EVER);
  }
#endif
}

/* Answers 1 where it was free and is the caller's now; waits for nobody. */
static inline int uvchan__try_lock(atomic_uint* lock) {
  unsigned int free_word = 0;

  /* [lock.A] */
  return atomic_compare_exchange_strong_explicit(lock, &free_word, 1, memory_order_acquire,
                                                 memory_order_relaxed);
}

/* The same, and looks for a short while, in which it does not sleep: for who would rather say that
 * it is held than wait for a thread that a debugger has stopped. */
static inline int uvchan__lock_soon(atomic_uint* lock) {
  unsigned int round = 0;

  while (!uvchan__try_lock(lock)) {
    if (round >= UVCHAN__RELAX_PAUSES + UVCHAN__RELAX_YIELDS) return 0;
    uvchan__relax(&round);
  }
  return 1;
}

static inline void uvchan__unlock(atomic_uint* lock) {
  uvchan__step();
#if UVCHAN__HAS_FUTEX
  /* [lock.R] */
  if (atomic_exchange_explicit(lock, 0, memory_order_release) == 2) uvchan__futex_wake(lock);
#else
  atomic_store_explicit(lock, 0, memory_order_release); /* [lock.R] */
#endif
}

#endif /* UVCHAN_LOCK_H */
