/* SPDX-License-Identifier: MIT */
/* Proves that no wake-up is lost at an empty ring where the sleeper has tail ARMED (ring.h, I4): a
 * receiver takes what is there, and arms where there is nothing; two senders try one value each, by
 * the fast path. Whoever takes the mark off owes the receiver its wake-up, and sees what it did
 * before it armed. In the end exactly one owes, or the mark is still there and the ring is empty.
 * Nothing is closed. Two values go through a ring of two slots. */
#include "model.h"

static int announced; /* plain: ordered by the mark alone */
static int armed;
static atomic_int owing;

static void send_one(uint64_t value) {
  uvchan__ring_result_t r = uvchan__ring_push(&model_ring, &value, UVCHAN__MARKS);

  assert(r == UVCHAN__RING_DONE || r == UVCHAN__RING_DISARMED);
  if (r == UVCHAN__RING_DONE) return;
  assert(announced);
  atomic_fetch_add(&owing, 1);
}

static void* sender_a(void* arg) {
  send_one(1);
  return arg;
}

static void* sender_b(void* arg) {
  send_one(2);
  return arg;
}

/* No other receiver is there: so it finds a value each time that it cannot arm, at most twice. */
static void* receiver(void* arg) {
  uint64_t value;
  int taken = uvchan__ring_pop(&model_ring, &value, UVCHAN__SLOW) == UVCHAN__RING_DONE;

  announced = 1;
  while (uvchan__ring_arm(&model_ring) == UVCHAN__RING_FULL) {
    assert(uvchan__ring_pop(&model_ring, &value, UVCHAN__SLOW) == UVCHAN__RING_DONE);
    assert(++taken <= 2);
  }
  armed = 1;
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender_a, sender_b, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    int is_marked;

    model_start();
    announced = armed = 0;
    atomic_store(&owing, 0);
    model_run(threads, 3);
    is_marked = uvchan__ring_disarm(&model_ring);
    assert(armed && atomic_load(&owing) + is_marked == 1);
    assert(!is_marked || uvchan__ring_len(&model_ring) == 0);
  }
  return 0;
}
