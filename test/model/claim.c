/* Proves that a waiter is finished once: two claimers, on two channels, and its owner, who withdraws it, race for one word; one of them
 * wins, and only a claimer that has won writes the value. No ring, and no values go round one. */
#include "program.h"

#include "claim.h"

static atomic_uint claim;
static int outcome; /* the winner's */
static atomic_int winners;

static void race(unsigned int state, int mine) {
  if (!uvchan__leave_waiting(&claim, state)) return;
  outcome = mine;
  atomic_fetch_add(&winners, 1);
}

static void* claimer_a(void* arg) {
  race(UVCHAN__CLAIMED, 1);
  return arg;
}

static void* claimer_b(void* arg) {
  race(UVCHAN__CLAIMED, 2);
  return arg;
}

static void* owner(void* arg) {
  race(UVCHAN__WITHDRAWN, 3);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {claimer_a, claimer_b, owner};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    outcome = 0;
    atomic_store(&winners, 0);
    atomic_store(&claim, (unsigned int)UVCHAN__WAITING);
    model_run(threads, 3);
    assert(atomic_load(&winners) == 1 && outcome != 0);
    assert(!uvchan__is_waiting(&claim));
    assert((atomic_load(&claim) == UVCHAN__WITHDRAWN) == (outcome == 3));
  }
  return 0;
}
