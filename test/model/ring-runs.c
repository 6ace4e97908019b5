/* SPDX-License-Identifier: MIT */
/* Proves that batches go through the ring whole, and beside single values: one sender tries a batch
 * of two values, another one a single value, a receiver takes a batch of two; what is left is
 * received at the end. What was moved is received, once, and a batch's values stay in order. One
 * value was there before: so up to four go through a ring of two slots, and the ring wraps. */
#include "model.h"

static uint64_t got[8];
static int ngot;
static atomic_int sent;

static void* by_batch(void* arg) {
  uint64_t values[2] = {10, 11};
  size_t moved = 0;
  uvchan__ring_result_t r = uvchan__ring_push_n(&model_ring, values, 2, UVCHAN__MARKS, &moved);

  assert(r == UVCHAN__RING_DONE || r == UVCHAN__RING_FULL);
  if (r == UVCHAN__RING_DONE) atomic_fetch_add(&sent, (int)moved);
  return arg;
}

static void* by_one(void* arg) {
  uint64_t value = 20;

  if (uvchan__ring_push(&model_ring, &value, UVCHAN__MARKS) == UVCHAN__RING_DONE)
    atomic_fetch_add(&sent, 1);
  return arg;
}

static void* receiver(void* arg) {
  uint64_t values[2];
  size_t moved, i;

  if (uvchan__ring_pop_n(&model_ring, values, 2, UVCHAN__SLOW, &moved) != UVCHAN__RING_DONE)
    return arg;
  for (i = 0; i < moved; i++) got[ngot++] = values[i];
  return arg;
}

/* Of the batch the first value comes first; of all the one that was there. */
static void check(void) {
  uint64_t next = 10;
  int i;

  assert(ngot == atomic_load(&sent) && got[0] == 7);
  for (i = 1; i < ngot; i++) {
    if (got[i] == 20) continue;
    assert(got[i] == next);
    next++;
  }
}

int main(void) {
  static void* (*threads[])(void*) = {by_batch, by_one, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    uint64_t value = 7;

    model_start();
    ngot = 0;
    atomic_store(&sent, 1);
    assert(uvchan__ring_push(&model_ring, &value, 0) == UVCHAN__RING_DONE);
    model_run(threads, 3);
    receiver(NULL);
    receiver(NULL);
    check();
  }
  return 0;
}
