/* SPDX-License-Identifier: MIT */
/* Proves that two receivers never take the same value, one by one or in batches: a sender tries
 * three values, one receiver tries once, the other takes a batch of two; what is left is received
 * at the end. Three values go through a ring of two slots, so the ring wraps. */
#include "model.h"

static atomic_uint taken[3];
static atomic_uint sent;

static void* sender(void* arg) {
  uint64_t value;

  for (value = 0; value < 3; value++) {
    if (uvchan__ring_push(&model_ring, &value, UVCHAN__MARKS) != UVCHAN__RING_DONE) break;
    atomic_fetch_add(&sent, 1);
  }
  return arg;
}

static void* by_one(void* arg) {
  uint64_t value;

  if (uvchan__ring_pop(&model_ring, &value, UVCHAN__SLOW) == UVCHAN__RING_DONE)
    atomic_fetch_add(&taken[value], 1);
  return arg;
}

static void* by_batch(void* arg) {
  uint64_t values[2];
  size_t n, i;

  if (uvchan__ring_pop_n(&model_ring, values, 2, UVCHAN__SLOW, &n) != UVCHAN__RING_DONE) return arg;
  for (i = 0; i < n; i++) atomic_fetch_add(&taken[values[i]], 1);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, by_one, by_batch};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    unsigned int i;

    model_start();
    for (i = 0; i < 3; i++) atomic_store(&taken[i], 0);
    atomic_store(&sent, 0);
    model_run(threads, 3);
    by_one(NULL);
    by_one(NULL);
    for (i = 0; i < 3; i++) assert(atomic_load(&taken[i]) == (i < atomic_load(&sent) ? 1u : 0u));
  }
  return 0;
}
