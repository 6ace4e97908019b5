/* SPDX-License-Identifier: MIT */
/* How a thread sleeps; its states stand in park.h. */
#include "wake/park.h"

#include <uv.h>

#include "ground/backoff.h"

enum { AWAKE = 0, ASLEEP, ROUSED, FINISHED };

/* What is left until the deadline, 0 where it has passed. */
static uint64_t time_left(uint64_t deadline) {
  uint64_t now;

  if (deadline == UVCHAN__FOR_EVER) return UVCHAN__FOR_EVER;
  now = uv_hrtime();
  return deadline > now ? deadline - now : 0;
}

int uvchan__spin_until_finished(uvchan__waiter_t* waiter, uvchan__patience_t* patience) {
  atomic_uint* sleep = uvchan__atomic(&waiter->sleep);

  while (atomic_load_explicit(sleep, memory_order_acquire) != FINISHED) { /* [sleep.A] */
    if (!uvchan__patience_wait(patience)) return 0;
  }
  return 1;
}

/* As uv_hrtime(); one beyond the end of that clock is never. */
static uint64_t deadline_of(uint64_t timeout) {
  uint64_t now;

  if (timeout == UVCHAN__FOR_EVER) return UVCHAN__FOR_EVER;
  now = uv_hrtime();
  return timeout < UVCHAN__FOR_EVER - now ? now + timeout : UVCHAN__FOR_EVER;
}

/* For whoever sees it meanwhile; relaxed: nothing follows from it. The waiter of a thread is in no
 * hub's list, and its entry is unused but for this, and the bed below. */
static void note_sleeper(uvchan__waiter_t* waiter) {
  uvchan__entry_t* since = (uvchan__entry_t*)(uintptr_t)(uv_hrtime() / 1000000u);

  atomic_store_explicit((_Atomic(uvchan__entry_t*)*)&waiter->entry.prev, since,
                        memory_order_relaxed);
  atomic_store_explicit(uvchan__atomic(&waiter->entry.posted), uvchan__thread_id(),
                        memory_order_relaxed);
}

unsigned int uvchan__asleep_since(uvchan__waiter_t* waiter) { /* relaxed: as above */
  return (unsigned int)(uintptr_t)atomic_load_explicit(
      (_Atomic(uvchan__entry_t*)*)&waiter->entry.prev, memory_order_relaxed);
}

unsigned int uvchan__sleeper(uvchan__waiter_t* waiter) { /* relaxed: as above */
  return atomic_load_explicit(uvchan__atomic(&waiter->entry.posted), memory_order_relaxed);
}

#if UVCHAN__HAS_FUTEX

int uvchan__park(uvchan__waiter_t* waiter, uint64_t timeout) {
  atomic_uint* sleep = uvchan__atomic(&waiter->sleep);
  uint64_t deadline = deadline_of(timeout);
  unsigned int seen = AWAKE;

  note_sleeper(waiter);
  uvchan__step();
  /* [sleep.A] with [sleep.R]: the outcome, and the value that was received. */
  atomic_compare_exchange_strong_explicit(sleep, &seen, ASLEEP, memory_order_acquire,
                                          memory_order_acquire);
  while (atomic_load_explicit(sleep, memory_order_acquire) != FINISHED) { /* [sleep.A] */
    uint64_t left = time_left(deadline);

    if (left == 0) return UV_ETIMEDOUT;
    uvchan__futex_wait(sleep, ASLEEP, left);
  }
  return 0;
}

void uvchan__unpark(uvchan__waiter_t* waiter) {
  atomic_uint* sleep = uvchan__atomic(&waiter->sleep);

  uvchan__step();
  /* [sleep.R] */
  if (atomic_exchange_explicit(sleep, FINISHED, memory_order_acq_rel) == ASLEEP)
    uvchan__futex_wake(sleep);
}

#else

/* Where it sleeps: on the stack of park(), for as long as that lasts, and known by way of the
 * waiter. So it needs no memory that all threads share: nothing that another copy of the library
 * would not find, and nothing that is left behind in a child of fork(). */
typedef struct {
  uv_mutex_t mutex;
  uv_cond_t roused;
} bed_t;

/* The waiter of a thread is in no hub's list. */
static void set_bed(uvchan__waiter_t* waiter, bed_t* bed) { waiter->entry.next = (void*)bed; }

static bed_t* bed_of(const uvchan__waiter_t* waiter) { return (void*)waiter->entry.next; }

static int make_bed(bed_t* bed) {
  if (uv_mutex_init(&bed->mutex) != 0) return UV_ENOMEM;
  if (uv_cond_init(&bed->roused) == 0) return 0;
  uv_mutex_destroy(&bed->mutex);
  return UV_ENOMEM;
}

static void unmake_bed(bed_t* bed) {
  uv_cond_destroy(&bed->roused);
  uv_mutex_destroy(&bed->mutex);
}

/* Relaxed: [sleep.A] comes after it. */
static void lie_in(bed_t* bed, atomic_uint* sleep, uint64_t deadline) {
  int before = uvchan__hold_cancellation();
  uint64_t left;

  uv_mutex_lock(&bed->mutex);
  while (atomic_load_explicit(sleep, memory_order_relaxed) == ASLEEP &&
         (left = time_left(deadline)) > 0) {
    if (left == UVCHAN__FOR_EVER) {
      uv_cond_wait(&bed->roused, &bed->mutex);
    } else {
      uv_cond_timedwait(&bed->roused, &bed->mutex, uvchan__cap_sleep(left));
    }
  }
  uv_mutex_unlock(&bed->mutex);
  uvchan__let_cancellation(before);
}

/* Looks again and again, where there is no bed to be had, or its end is near. */
static int doze(atomic_uint* sleep, uint64_t deadline) {
  unsigned int round = 0;

  while (atomic_load_explicit(sleep, memory_order_acquire) != FINISHED) { /* [sleep.A] */
    if (time_left(deadline) == 0) return UV_ETIMEDOUT;
    uvchan__relax(&round);
  }
  return 0;
}

/* Leaves the bed only when nobody knows of it any more: it has taken ASLEEP back, or the waker has
 * let go of it.
 *
 *      the sleeper                             the waker
 *      AWAKE to ASLEEP: the bed is there       AWAKE to FINISHED: it will not go to bed; or
 *      with the mutex: while ASLEEP, waits     ASLEEP to ROUSED: it stays until it is FINISHED
 *      its time is over: ASLEEP to AWAKE       with the mutex: signals
 *      ROUSED: until FINISHED                  FINISHED, the last touch
 *
 * No wake-up is lost: the waker signals with the mutex, after ROUSED, and the sleeper looks with it
 * before each wait. */
static int sleep_in(bed_t* bed, atomic_uint* sleep, uint64_t deadline) {
  unsigned int seen = AWAKE;

  uvchan__step();
  /* [bed.R] with [bed.A] in unpark(): the bed is made. [sleep.A] with [sleep.R]: the outcome, and
   * the value that was received. */
  if (!atomic_compare_exchange_strong_explicit(sleep, &seen, ASLEEP, memory_order_acq_rel,
                                               memory_order_acquire))
    return 0;
  lie_in(bed, sleep, deadline);
  uvchan__step();
  seen = ASLEEP;
  /* Relaxed: who finds AWAKE does not touch the bed. */
  if (atomic_compare_exchange_strong_explicit(sleep, &seen, AWAKE, memory_order_relaxed,
                                              memory_order_relaxed))
    return UV_ETIMEDOUT;
  return doze(sleep, UVCHAN__FOR_EVER);
}

int uvchan__park(uvchan__waiter_t* waiter, uint64_t timeout) {
  atomic_uint* sleep = uvchan__atomic(&waiter->sleep);
  uint64_t deadline = deadline_of(timeout);
  bed_t bed;
  int r;

  note_sleeper(waiter);
  if (make_bed(&bed) != 0) return doze(sleep, deadline);
  set_bed(waiter, &bed);
  r = sleep_in(&bed, sleep, deadline);
  unmake_bed(&bed);
  return r;
}

/* The sleeper may go to bed, or take that back, meanwhile. */
static unsigned int rouse(atomic_uint* sleep) {
  unsigned int seen = AWAKE;

  for (;;) {
    unsigned int next = seen == AWAKE ? FINISHED : ROUSED;

    uvchan__step();
    /* [sleep.R] where it is FINISHED; [bed.A] where it is ROUSED. */
    if (atomic_compare_exchange_weak_explicit(sleep, &seen, next, memory_order_acq_rel,
                                              memory_order_acquire))
      return next;
  }
}

void uvchan__unpark(uvchan__waiter_t* waiter) {
  atomic_uint* sleep = uvchan__atomic(&waiter->sleep);
  bed_t* bed;

  if (rouse(sleep) == FINISHED) return;
  bed = bed_of(waiter);
  uv_mutex_lock(&bed->mutex);
  uv_cond_signal(&bed->roused);
  uv_mutex_unlock(&bed->mutex);
  uvchan__step();
  atomic_store_explicit(sleep, FINISHED, memory_order_release); /* [sleep.R] */
}

#endif

unsigned int uvchan__is_asleep(uvchan__waiter_t* waiter) { /* relaxed: nothing follows from it */
  return atomic_load_explicit(uvchan__atomic(&waiter->sleep), memory_order_relaxed) == ASLEEP;
}
