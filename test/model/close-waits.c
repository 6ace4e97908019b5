/* SPDX-License-Identifier: MIT */
/* Proves that a close ends every wait, once (state.h, I2): a sender and a receiver wait at a
 * channel without a buffer, while a third thread closes it. Both get the value across, or both the
 * end; nobody sleeps on for ever, and no value is half sent. */
#include "whole.h"

static uvchan_t* channel;
static int sent;
static int received;

static void* sender(void* arg) {
  uint64_t value = 5;
  int r = uvchan_send_wait(channel, &value);

  assert(r == 0 || r == UV_EPIPE);
  sent = r == 0;
  return arg;
}

static void* receiver(void* arg) {
  uint64_t value = 0;
  int r = uvchan_recv_wait(channel, &value);

  assert(r == 0 || r == UV_ECANCELED);
  assert(value == (r == 0 ? 5 : 0));
  received = r == 0;
  return arg;
}

static void* closer(void* arg) {
  assert(uvchan_close_with(channel, UV_ECANCELED) == 0);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, receiver, closer};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    channel = model_channel(0, UVCHAN_WAIT);
    model_run(threads, 3);
    assert(sent == received);
    model_end_channel(channel);
  }
  return 0;
}
