/* SPDX-License-Identifier: MIT */
/* Proves that a thread that sleeps is woken, and that nothing touches its memory after that
 * (park.h): one thread parks, another one finishes it, and the outcome, which is plain, is seen.
 * The waiter is freed as soon as the sleeper is back. */
#include "whole.h"

static uvchan__waiter_t* waiter;

static void* sleeper(void* arg) {
  assert(uvchan__park(waiter, UVCHAN__FOR_EVER) == 0);
  assert(waiter->status == 7);
  free(waiter);
  return arg;
}

static void* waker(void* arg) {
  waiter->status = 7;
  uvchan__unpark(waiter);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sleeper, waker};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    waiter = malloc(sizeof(*waiter));
    uvchan__waiter_init(waiter, UVCHAN__THREAD, NULL, NULL);
    model_run(threads, 2);
  }
  return 0;
}
