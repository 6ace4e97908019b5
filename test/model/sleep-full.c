/* SPDX-License-Identifier: MIT */
/* Proves that no wake-up is lost at a full ring: the mirror of sleep-empty.c. A sender finds the
 * ring full, marks both words, looks again and sleeps; two receivers take one value each, by the
 * fast path, or where head is SLOW under the lock. Nothing is closed. In the end the sender may
 * sleep only at a full ring. Three values go through a ring of two slots. */
#include "model.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int asleep; /* under the lock */
static int nsent;

static void* receive_one(void* arg) {
  uint64_t value;

  if (uvchan__ring_pop(&model_ring, &value, UVCHAN__SLOW) != UVCHAN__RING_REFUSED) return arg;
  pthread_mutex_lock(&lock);
  uvchan__ring_pop(&model_ring, &value, 0);
  if (asleep) { /* finishes the sender: its value goes in */
    value = 3;
    assert(uvchan__ring_push(&model_ring, &value, 0) == UVCHAN__RING_DONE);
    nsent++;
    asleep = 0;
  }
  uvchan__ring_unmark(&model_ring.tail, UVCHAN__SLOW);
  uvchan__ring_unmark(&model_ring.head, UVCHAN__SLOW);
  pthread_mutex_unlock(&lock);
  return arg;
}

static void* receiver_a(void* arg) { return receive_one(arg); }
static void* receiver_b(void* arg) { return receive_one(arg); }

static void* sender(void* arg) {
  uint64_t value = 3;

  pthread_mutex_lock(&lock);
  uvchan__ring_mark(&model_ring.tail, UVCHAN__SLOW);
  uvchan__ring_mark(&model_ring.head, UVCHAN__SLOW);
  if (uvchan__ring_push(&model_ring, &value, 0) == UVCHAN__RING_DONE) {
    nsent++;
    uvchan__ring_unmark(&model_ring.tail, UVCHAN__SLOW);
    uvchan__ring_unmark(&model_ring.head, UVCHAN__SLOW);
  } else {
    asleep = 1;
  }
  pthread_mutex_unlock(&lock);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {receiver_a, receiver_b, sender};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    uint64_t value = 1;

    model_start();
    asleep = nsent = 0;
    assert(uvchan__ring_push(&model_ring, &value, 0) == UVCHAN__RING_DONE);
    assert(uvchan__ring_push(&model_ring, &value, 0) == UVCHAN__RING_DONE);
    model_run(threads, 3);
    assert(!asleep && nsent == 1); /* two slots became free, so it was woken */
    assert(uvchan__ring_len(&model_ring) == 1);
  }
  return 0;
}
