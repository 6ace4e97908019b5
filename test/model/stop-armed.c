/* SPDX-License-Identifier: MIT */
/* Proves that a receiver that has tail ARMED can stop while others send (state.h, I5): it takes the
 * mark off itself, or exactly one sender has taken it off, finds the receiver, and posts it; then
 * the stop waits for that post, and after it nobody touches the receiver any more. A second
 * receiver, which arms after the stop of the first, gets none of the first one's posts. A sender
 * sends two values, by the fast path; where a receiver finds a value it does not arm. Two values go
 * through a ring of two slots. */
#include "model.h"

typedef struct {
  int alive; /* plain: the memory of a receiver */
  int armed;
  int disarmed;
  atomic_int posted;
} sleeper_t;

static sleeper_t sleepers[2];
static _Atomic(sleeper_t*) started; /* relaxed, as in the library: ordered by the mark */

static void send_one(uint64_t value) {
  sleeper_t* sleeper;

  if (uvchan__ring_push(&model_ring, &value, UVCHAN__MARKS) != UVCHAN__RING_DISARMED) return;
  sleeper = atomic_load_explicit(&started, memory_order_relaxed);
  assert(sleeper->alive);
  uvchan__step();
  assert(atomic_fetch_add_explicit(&sleeper->posted, 1, memory_order_acq_rel) == 0);
}

static void* sender(void* arg) {
  send_one(1);
  send_one(2);
  return arg;
}

static void start(sleeper_t* sleeper) {
  sleeper->alive = 1;
  atomic_store_explicit(&started, sleeper, memory_order_relaxed);
  sleeper->armed = uvchan__ring_arm(&model_ring) == UVCHAN__RING_DONE;
}

/* Answers 1 when it is done: the memory is gone. It looks four times for a post that it is owed,
 * where the library does not give up. */
static int stop(sleeper_t* sleeper) {
  unsigned int round = 0;

  sleeper->disarmed = uvchan__ring_disarm(&model_ring);
  while (sleeper->armed && !sleeper->disarmed &&
         atomic_load_explicit(&sleeper->posted, memory_order_acquire) == 0) {
    if (round == 4) return 0;
    uvchan__relax(&round);
  }
  sleeper->alive = 0;
  return 1;
}

static void* receiver(void* arg) {
  uint64_t value;

  start(&sleepers[0]);
  if (!stop(&sleepers[0])) return arg;
  /* so that the second finds an empty ring now and then */
  uvchan__ring_pop(&model_ring, &value, UVCHAN__SLOW);
  start(&sleepers[1]);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    int i;

    model_start();
    for (i = 0; i < 2; i++) {
      sleepers[i].alive = sleepers[i].armed = sleepers[i].disarmed = 0;
      atomic_store(&sleepers[i].posted, 0);
    }
    model_run(threads, 2);
    assert(stop(&sleepers[1]));
    for (i = 0; i < 2; i++)
      assert(atomic_load(&sleepers[i].posted) + sleepers[i].disarmed == sleepers[i].armed);
    assert(!sleepers[1].disarmed || uvchan__ring_len(&model_ring) == 0);
  }
  return 0;
}
