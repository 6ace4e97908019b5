/* SPDX-License-Identifier: MIT */
/* Proves that the lock is one (lock.h): two threads count under it, and whoever counts last frees
 * its memory: the one who let it go before does not touch it again. Nobody sleeps on for ever. */
#define MODEL_LOCK /* the library's own */
#include "whole.h"

static atomic_uint* lock;
static int counted; /* under the lock, as the rest */
static int is_free;

/* Whoever counts last frees the lock. */
static void count_one(void) {
  int last;

  uvchan__lock(lock);
  last = ++counted == 2;
  uvchan__unlock(lock);
  if (!last) return;
  assert(!is_free);
  is_free = 1;
  free(lock);
}

static void* counter(void* arg) {
  count_one();
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {counter, counter};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    lock = malloc(sizeof(*lock));
    atomic_init(lock, 0);
    counted = is_free = 0;
    model_run(threads, 2);
    assert(counted == 2 && is_free);
  }
  return 0;
}
