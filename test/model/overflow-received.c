/* SPDX-License-Identifier: MIT */
/* Proves that an overflowing send is one step to who receives (overflow.c): a channel of one value
 * that drops its oldest is full when a sender sends one more, while another thread tries to
 * receive. It gets a value, the older one or the newer; and of each it is known where it went. Two
 * values go through a ring of one slot. */
#include "whole.h"

static uvchan_t* channel;
static uint64_t received;

static void* sender(void* arg) {
  uint64_t value = 2;

  assert(uvchan_try_send(channel, &value) == 0);
  return arg;
}

static void* receiver(void* arg) {
  uint64_t value = 0;

  assert(uvchan_try_recv(channel, &value) == 0);
  received = value;
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    uint64_t value = 1;

    channel = model_channel(1, UVCHAN_DROP_OLDEST);
    assert(uvchan_try_send(channel, &value) == 0);
    model_run(threads, 2);
    if (received == 1) {
      assert(uvchan_try_recv(channel, &value) == 0 && value == 2 && channel->dropped_old == 0);
    } else {
      assert(received == 2 && uvchan_len(channel) == 0 && channel->dropped_old == 1);
    }
    model_end_channel(channel);
  }
  return 0;
}
