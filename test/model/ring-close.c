/* SPDX-License-Identifier: MIT */
/* Proves that no value stands behind the end: a sender tries two values while another thread
 * closes; a receiver that has seen the end has received every value whose send was done, and
 * nothing is left. The receiver looks four times, and the rest is checked at the end. Two values go
 * through a ring of two slots, which started in the middle of a lap. */
#include "model.h"

static atomic_int sent;
static int received;
static int ended;

static void* sender(void* arg) {
  uint64_t value;

  for (value = 0; value < 2; value++) {
    if (uvchan__ring_push(&model_ring, &value, UVCHAN__MARKS) != UVCHAN__RING_DONE) break;
    atomic_fetch_add(&sent, 1);
  }
  return arg;
}

static void* closer(void* arg) {
  uvchan__ring_mark(&model_ring.tail, UVCHAN__CLOSED);
  return arg;
}

static void receive(int tries) {
  uint64_t value;

  while (tries-- > 0) {
    uvchan__ring_result_t r = uvchan__ring_pop(&model_ring, &value, UVCHAN__SLOW);

    assert(!ended || r == UVCHAN__RING_ENDED);
    received += r == UVCHAN__RING_DONE;
    ended |= r == UVCHAN__RING_ENDED;
  }
}

static void* receiver(void* arg) {
  receive(4);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, closer, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    uint64_t value = 7;

    model_start();
    received = ended = 0;
    atomic_store(&sent, 0);
    assert(uvchan__ring_push(&model_ring, &value, 0) == UVCHAN__RING_DONE);
    assert(uvchan__ring_pop(&model_ring, &value, 0) == UVCHAN__RING_DONE && value == 7);
    model_run(threads, 3);
    receive(3);
    assert(ended);
    assert(received == atomic_load(&sent));
  }
  return 0;
}
