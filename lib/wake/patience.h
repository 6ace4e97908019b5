/* SPDX-License-Identifier: MIT */
/* How long a thread in a waiting call looks again before it sleeps. Knows nothing of channels.
 *
 * To be woken costs tens of microseconds, most of it on the way out of the kernel; what is waited
 * for often comes sooner. So a thread pauses and looks, at growing distances, and soon gives up its
 * processor between two looks, so that who it waits for may run there.
 *
 * Measured: a value from thread to thread without a buffer takes 20 microseconds where both sleep,
 * and 0.14 with this.
 *
 * It learns whether that pays: the word that it is given holds how many nanoseconds to try, at most
 * UVCHAN__LONGEST_PATIENCE_NS (tuning.h). A wait that was over sooner than the longest patience
 * moves the word up to that, in whichever way the thread waited in the end; a longer one moves it
 * down. Where waits are long, it soon does not try at all; and it starts again as soon as they are
 * short. Relaxed throughout: nothing follows from it. */
#ifndef UVCHAN_PATIENCE_H
#define UVCHAN_PATIENCE_H

#include "ground/atomic.h"
#include "ground/tuning.h"

typedef struct {
  /* nanoseconds, as uv_hrtime(); 0 until the clock was looked at, which the first rounds are too
   * short for */
  uint64_t begin;
  uint64_t limit;
  uint64_t now;
  unsigned int round;  /* of the quick ones */
  unsigned int pauses; /* in the next one after those */
  int was_given_away;  /* the processor, in the last one */
} uvchan__patience_t;

void uvchan__patience_init(uvchan__patience_t* patience, const atomic_uint* learned,
                           uint64_t timeout);
/* until it is time to look again; 0: no more */
int uvchan__patience_wait(uvchan__patience_t* patience);
/* After a wait that was not in vain. */
void uvchan__patience_learn(uvchan__patience_t* patience, atomic_uint* learned);
void uvchan__patience_look(uvchan__patience_t* patience); /* at the clock */

/* What is left of a timeout that began with the patience. */
static inline uint64_t uvchan__patience_left(const uvchan__patience_t* patience, uint64_t timeout) {
  uint64_t gone = patience->now - patience->begin;

  if (timeout == UINT64_MAX) return timeout;
  return timeout > gone ? timeout - gone : 0;
}

static inline uint64_t uvchan__patience_spent(const uvchan__patience_t* patience) {
  return patience->now - patience->begin;
}

/* A good part of it is over: what was hoped for at first may not come. */
static inline int uvchan__patience_is_fading(const uvchan__patience_t* patience) {
  return patience->now - patience->begin > patience->limit / UVCHAN__PATIENCE_PART_HOPED;
}

#endif /* UVCHAN_PATIENCE_H */
