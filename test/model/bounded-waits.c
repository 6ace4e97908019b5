/* SPDX-License-Identifier: MIT */
/* Proves that neither side of a bounded channel sleeps on for ever (ring.h, I4): a sender waits for
 * room, a receiver for values; the ring is their fast path, the queues their slow one. A value is
 * there at first; a second one goes through the ring of one slot, so the ring wraps. */
#include "whole.h"

static uvchan_t* channel;
static int announced; /* plain: ordered by the value alone */

static void* sender(void* arg) {
  uint64_t value = 2;

  announced = 1;
  assert(uvchan_send_wait(channel, &value) == 0);
  return arg;
}

static void* receiver(void* arg) {
  uint64_t value = 0;

  assert(uvchan_recv_wait(channel, &value) == 0 && value == 1);
  assert(uvchan_recv_wait(channel, &value) == 0 && value == 2);
  assert(announced == 1);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    uint64_t value = 1;

    channel = model_channel(1, UVCHAN_WAIT);
    announced = 0;
    assert(uvchan_try_send(channel, &value) == 0);
    model_run(threads, 2);
    model_end_channel(channel);
  }
  return 0;
}
