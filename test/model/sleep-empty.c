/* SPDX-License-Identifier: MIT */
/* Proves that no wake-up is lost at an empty ring (docs/design.md, "Why no wake-up is lost", 1): a
 * receiver takes what is there, then marks, looks again and sleeps; two senders try one value each,
 * by the fast path, or where the ring is SLOW under the lock. Nothing is closed. In the end the
 * receiver may sleep only at an empty ring. Two values go through a ring of two slots. */
#include "model.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int asleep; /* under the lock */

static void send_one(uint64_t value) {
  if (uvchan__ring_push(&model_ring, &value, UVCHAN__MARKS) == UVCHAN__RING_DONE) return;
  pthread_mutex_lock(&lock);
  assert(uvchan__ring_push(&model_ring, &value, 0) == UVCHAN__RING_DONE);
  asleep = 0;
  uvchan__ring_unmark(&model_ring.tail, UVCHAN__SLOW);
  pthread_mutex_unlock(&lock);
}

static void* sender_a(void* arg) {
  send_one(1);
  return arg;
}

static void* sender_b(void* arg) {
  send_one(2);
  return arg;
}

static void* receiver(void* arg) {
  uint64_t value;

  if (uvchan__ring_pop(&model_ring, &value, UVCHAN__SLOW) == UVCHAN__RING_DONE) return arg;
  pthread_mutex_lock(&lock);
  uvchan__ring_mark(&model_ring.tail, UVCHAN__SLOW);
  if (uvchan__ring_pop(&model_ring, &value, 0) == UVCHAN__RING_DONE) {
    uvchan__ring_unmark(&model_ring.tail, UVCHAN__SLOW);
  } else {
    asleep = 1;
  }
  pthread_mutex_unlock(&lock);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender_a, sender_b, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    model_start();
    asleep = 0;
    model_run(threads, 3);
    assert(!asleep || uvchan__ring_len(&model_ring) == 0);
    assert(!asleep); /* two values came, so it was woken */
  }
  return 0;
}
