/* SPDX-License-Identifier: MIT */
/* Proves that a waiter is finished once: two claimers, on two channels, and its owner, who
 * withdraws it, race for one word; one of them wins, and only a claimer that has won writes the
 * value. A loser that can tell who has won sees what that one did before. No ring, and no values go
 * round one. */
#include "program.h"

#include "wake/claim.h"

enum { CLAIMER_A, CLAIMER_B, OWNER };

static atomic_uint claim;
static int outcome;     /* the winner's */
static int prepared[3]; /* plain: ordered by the word alone */
static atomic_int winners;

static void race(unsigned int state, int me) {
  unsigned int now;

  prepared[me] = 1;
  if (uvchan__decide(&claim, state)) {
    outcome = me + 1;
    atomic_fetch_add(&winners, 1);
    return;
  }
  now = atomic_load_explicit(&claim, memory_order_relaxed);
  if (now == UVCHAN__WITHDRAWN) assert(prepared[OWNER] == 1);
  if (now == UVCHAN__CLAIMED && me != OWNER)
    assert(prepared[me == CLAIMER_A ? CLAIMER_B : CLAIMER_A] == 1);
}

static void* claimer_a(void* arg) {
  race(UVCHAN__CLAIMED, CLAIMER_A);
  return arg;
}

static void* claimer_b(void* arg) {
  race(UVCHAN__CLAIMED, CLAIMER_B);
  return arg;
}

static void* owner(void* arg) {
  race(UVCHAN__WITHDRAWN, OWNER);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {claimer_a, claimer_b, owner};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    outcome = prepared[0] = prepared[1] = prepared[2] = 0;
    atomic_store(&winners, 0);
    atomic_store(&claim, (unsigned int)UVCHAN__WAITING);
    model_run(threads, 3);
    assert(atomic_load(&winners) == 1 && outcome != 0);
    assert(!uvchan__is_waiting(&claim));
    assert((atomic_load(&claim) == UVCHAN__WITHDRAWN) == (outcome == OWNER + 1));
  }
  return 0;
}
