/* SPDX-License-Identifier: MIT */
/* Who may finish a waiter: one word, left once. Includes the C library alone, so that a model
 * checker reads it; the states stand in waiters.h. */
#ifndef UVCHAN_CLAIM_H
#define UVCHAN_CLAIM_H

#include "ground/backoff.h"

enum { UVCHAN__WAITING = 0, UVCHAN__CLAIMED, UVCHAN__WITHDRAWN, UVCHAN__STARTING };

/* Answers 1 to the one caller that leaves WAITING, 0 to all others. [claim.R] and [claim.A] of one
 * word: the winner sees what the owner did before it was queued, and a loser what the winner did
 * before. */
static inline int uvchan__decide(atomic_uint* claim, unsigned int state) {
  unsigned int waiting = UVCHAN__WAITING;

  uvchan__step();
  return atomic_compare_exchange_strong_explicit(claim, &waiting, state, memory_order_acq_rel,
                                                 memory_order_acquire);
}

/* Relaxed: a hint, uvchan__decide() decides. */
static inline int uvchan__is_waiting(atomic_uint* claim) {
  return atomic_load_explicit(claim, memory_order_relaxed) == UVCHAN__WAITING;
}

#endif /* UVCHAN_CLAIM_H */
