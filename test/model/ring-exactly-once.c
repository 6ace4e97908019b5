/* SPDX-License-Identifier: MIT */
/* Proves that no value is lost, doubled or torn, and that one sender's values stay in order: one
 * sender tries two values, another one, a receiver tries twice; what is left is received at the
 * end. Three values go through a ring of two slots, so the ring wraps. */
#include "model.h"

static uint64_t got[8];
static int ngot;
static atomic_int sent;

static void send(uint64_t first, uint64_t n) {
  uint64_t i;

  for (i = 0; i < n; i++) {
    uint64_t value = first + i;

    if (uvchan__ring_push(&model_ring, &value, UVCHAN__MARKS) != UVCHAN__RING_DONE) return;
    atomic_fetch_add(&sent, 1);
  }
}

static void* sender_a(void* arg) {
  send(10, 2);
  return arg;
}

static void* sender_b(void* arg) {
  send(20, 1);
  return arg;
}

static void receive(int tries) {
  uint64_t value;

  while (tries-- > 0) {
    if (uvchan__ring_pop(&model_ring, &value, UVCHAN__SLOW) == UVCHAN__RING_DONE)
      got[ngot++] = value;
  }
}

static void* receiver(void* arg) {
  receive(2);
  return arg;
}

static void check(void) {
  uint64_t last_a = 9;
  uint64_t last_b = 19;
  int i;

  assert(ngot == atomic_load(&sent));
  for (i = 0; i < ngot; i++) {
    uint64_t* last = got[i] < 20 ? &last_a : &last_b;

    assert(got[i] == *last + 1);
    *last = got[i];
  }
}

int main(void) {
  static void* (*threads[])(void*) = {sender_a, sender_b, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    model_start();
    ngot = 0;
    atomic_store(&sent, 0);
    model_run(threads, 3);
    receive(4);
    check();
  }
  return 0;
}
