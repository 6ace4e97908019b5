/* SPDX-License-Identifier: MIT */
/* Proves that the first receiver's place is handed over between two loops (receivers.c; state.h,
 * I5): A, the first, stops on its thread, while B, the second, begins to wait on its own, and a
 * third thread sends a value. B takes the value, or it is posted; and A is not posted once it has
 * stopped. One value goes through a ring of two slots. */
#include "loop.h"

static uvchan_t* channel;
static uvchan_receiver_t receivers[2];
static int taken; /* by B */

static unsigned int run(uvchan__entry_t* entry) {
  (void)entry;
  return 1;
}

static void stop(uvchan_receiver_t* receiver) {
  uvchan__receivers_end_wait(channel, receiver);
  uvchan__receivers_remove(channel, receiver, 0);
  uvchan__hub_unpost(receiver->waiter.hub, &receiver->waiter.entry);
}

static void* loop_a(void* arg) {
  stop(&receivers[0]);
  receivers[0].waiter.kind = 99; /* plain: the memory is the user's again */
  return arg;
}

static void* loop_b(void* arg) {
  uint64_t value = 0;
  size_t moved = 0;
  int r = uvchan__receivers_take_or_wait(channel, &receivers[1], &value, 1, &moved);

  assert(r == UV_EAGAIN || (r == 0 && moved == 1 && value == 5));
  taken = r == 0;
  return arg;
}

static void* sender(void* arg) {
  uint64_t value = 5;

  assert(uvchan_try_send(channel, &value) == 0);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {loop_a, loop_b, sender};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    model_start_loop(); /* one hub for both, which changes nothing but whose list an entry is in */
    channel = model_channel(2, UVCHAN_WAIT);
    model_init_receiver(&receivers[0], channel, model_hub, run);
    model_init_receiver(&receivers[1], channel, model_hub, run);
    uvchan__receivers_add(channel, &receivers[0], 0);
    uvchan__receivers_add(channel, &receivers[1], 0);
    taken = 0;
    model_run(threads, 3);
    assert(receivers[0].waiter.entry.posted == 0);
    assert(taken || receivers[1].waiter.entry.posted == 1);
    if (MODEL_HAS_NEXT_ROUND) stop(&receivers[1]);
    model_end_channel(channel);
    model_end_loop();
  }
  return 0;
}
