/* SPDX-License-Identifier: MIT */
/* Proves the hand-over without a buffer, from thread to thread (waiters.h, park.h): whoever comes
 * first waits, the other one takes the value from him or gives it to him, and both return. The
 * sender's memory is its own again, and what it did before is seen. */
#include "whole.h"

static uvchan_t* channel;
static int announced; /* plain: ordered by the value alone */

static void* sender(void* arg) {
  uint64_t value = 5;

  announced = 1;
  assert(uvchan_send_wait(channel, &value) == 0);
  value = 6;
  return arg;
}

static void* receiver(void* arg) {
  uint64_t value = 0;

  assert(uvchan_recv_wait(channel, &value) == 0);
  assert(value == 5 && announced == 1);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    announced = 0;
    channel = model_channel(0, UVCHAN_WAIT);
    model_run(threads, 2);
    model_end_channel(channel);
  }
  return 0;
}
