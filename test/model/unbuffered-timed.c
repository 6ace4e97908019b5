/* SPDX-License-Identifier: MIT */
/* Proves that a value without a buffer is handed over once or not at all, where both sides wait
 * with a time limit that may be over at any moment (waiters.h, I2): a withdrawal races with a
 * claim, and who returns from a call that was in vain has left the channel's queues. */
#include "whole.h"

static uvchan_t* channel;
static int sent;
static int received;

static void* sender(void* arg) {
  uint64_t value = 5;
  int r = uvchan_send_timedwait(channel, &value, 1);

  assert(r == 0 || r == UV_ETIMEDOUT);
  sent = r == 0;
  return arg;
}

static void* receiver(void* arg) {
  uint64_t value = 0;
  int r = uvchan_recv_timedwait(channel, &value, 1);

  assert(r == 0 || r == UV_ETIMEDOUT);
  assert(value == (r == 0 ? 5 : 0));
  received = r == 0;
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    channel = model_channel(0, UVCHAN_WAIT);
    model_run(threads, 2);
    assert(sent == received);
    assert(channel->sendq.first == NULL && channel->recvq.first == NULL);
    model_end_channel(channel);
  }
  return 0;
}
