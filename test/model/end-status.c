/* SPDX-License-Identifier: MIT */
/* Proves that who sees the end sees what was done before it (state.h, I2): a thread closes a
 * channel with a status of its own, after a plain write, while another one tries to receive, and a
 * third one asks whether it is closed. Nothing is sent. */
#include "whole.h"

static uvchan_t* channel;
static int announced;

static void* closer(void* arg) {
  announced = 1;
  assert(uvchan_close_with(channel, UV_ECANCELED) == 0);
  return arg;
}

static void* receiver(void* arg) {
  uint64_t value = 0;
  int r = uvchan_try_recv(channel, &value);

  assert(r == UV_EAGAIN || r == UV_ECANCELED);
  if (r == UV_ECANCELED) assert(announced == 1);
  return arg;
}

static void* asker(void* arg) {
  if (uvchan_is_closed(channel)) assert(announced == 1);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {closer, receiver, asker};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    channel = model_channel(1, UVCHAN_WAIT);
    announced = 0;
    model_run(threads, 3);
    model_end_channel(channel);
  }
  return 0;
}
