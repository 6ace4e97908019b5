/* How a thread sleeps; its states stand in park.h. */
#include "park.h"

#include <uv.h>

enum { AWAKE = 0, ASLEEP, FINISHED };

/* What is left until the deadline, 0 where it has passed. */
static uint64_t time_left(uint64_t deadline) {
  uint64_t now;

  if (deadline == UVCHAN__FOR_EVER) return UVCHAN__FOR_EVER;
  now = uv_hrtime();
  return deadline > now ? deadline - now : 0;
}

int uvchan__linger(uvchan__waiter_t* waiter, uvchan__patience_t* patience) {
  atomic_uint* sleep = uvchan__atomic(&waiter->sleep);

  while (atomic_load_explicit(sleep, memory_order_acquire) != FINISHED) { /* [sleep.A] */
    if (!uvchan__patience_wait(patience)) return 0;
  }
  return 1;
}

int uvchan__park(uvchan__waiter_t* waiter, uint64_t timeout) {
  atomic_uint* sleep = uvchan__atomic(&waiter->sleep);
  uint64_t deadline = UVCHAN__FOR_EVER;
  unsigned int seen = AWAKE;

  if (timeout != UVCHAN__FOR_EVER) {
    uint64_t now = uv_hrtime();
    deadline = timeout < UVCHAN__FOR_EVER - now ? now + timeout : UVCHAN__FOR_EVER;
  }
  uvchan__step();
  /* [sleep.A] with [sleep.R]: the outcome, and the value that was received. */
  atomic_compare_exchange_strong_explicit(sleep, &seen, ASLEEP, memory_order_acquire, memory_order_acquire);
  while (atomic_load_explicit(sleep, memory_order_acquire) != FINISHED) { /* [sleep.A] */
    uint64_t left = time_left(deadline);

    if (left == 0) return UV_ETIMEDOUT;
    uvchan__sleep_on(sleep, ASLEEP, left);
  }
  return 0;
}

void uvchan__make_bed(uvchan__waiter_t* waiter) { waiter->entry.next = uvchan__bed_of(uvchan__atomic(&waiter->sleep)); }

void uvchan__unpark(uvchan__waiter_t* waiter) {
  atomic_uint* sleep = uvchan__atomic(&waiter->sleep);
  void* bed = waiter->entry.next; /* read before the waiter may be gone */

  uvchan__step();
  if (atomic_exchange_explicit(sleep, FINISHED, memory_order_acq_rel) == ASLEEP) uvchan__wake_at(bed); /* [sleep.R] */
}

unsigned int uvchan__is_asleep(uvchan__waiter_t* waiter) { /* relaxed: nothing follows from it */
  return atomic_load_explicit(uvchan__atomic(&waiter->sleep), memory_order_relaxed) == ASLEEP;
}
