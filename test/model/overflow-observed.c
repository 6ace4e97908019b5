/* SPDX-License-Identifier: MIT */
/* Proves that an overflowing send is one step to who asks (overflow.c): a channel that drops its
 * oldest value is full when a sender sends one more, while an observer asks how long it is. It is
 * never less than full. Three values go through a ring of two slots. */
#include "whole.h"

static uvchan_t* channel;

static void* sender(void* arg) {
  uint64_t value = 3;

  assert(uvchan_try_send(channel, &value) == 0);
  return arg;
}

static void* observer(void* arg) {
  assert(uvchan_len(channel) == 2);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, observer};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    uint64_t value;

    channel = model_channel(2, UVCHAN_DROP_OLDEST);
    for (value = 1; value <= 2; value++) assert(uvchan_try_send(channel, &value) == 0);
    model_run(threads, 2);
    assert(uvchan_len(channel) == 2);
    model_end_channel(channel);
  }
  return 0;
}
