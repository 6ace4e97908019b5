/* SPDX-License-Identifier: MIT */
/* Proves that a receiver that has tail ARMED can stop while others send (receivers.c; state.h, I5):
 * it takes the mark off itself, or a sender has, and then the stop waits for that post; after it
 * nobody touches the receiver, whose memory is then used for something else. Two senders send one
 * value each, through a ring of two slots. */
#include "loop.h"

static uvchan_t* channel;
static uvchan_receiver_t receiver;

static unsigned int run(uvchan__entry_t* entry) {
  (void)entry;
  return 1;
}

static void* sender_a(void* arg) {
  uint64_t value = 1;

  assert(uvchan_try_send(channel, &value) == 0);
  return arg;
}

static void* sender_b(void* arg) {
  uint64_t value = 2;

  assert(uvchan_try_send(channel, &value) == 0);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender_a, sender_b};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    uint64_t value;
    size_t moved;

    model_start_loop();
    channel = model_channel(2, UVCHAN_WAIT);
    model_init_receiver(&receiver, channel, model_hub, run);
    uvchan__receivers_add(channel, &receiver, 0);
    assert(uvchan__receivers_take_or_wait(channel, &receiver, &value, 1, &moved) == UV_EAGAIN &&
           receiver.is_armed);
    model_spawn(threads, 2);
    uvchan__receivers_end_wait(channel, &receiver);
    uvchan__receivers_remove(channel, &receiver, 0);
    uvchan__hub_unpost(model_hub, &receiver.waiter.entry);
    /* plain: the memory is the user's again */
    receiver.waiter.kind = receiver.waiter.entry.posted = 99;
    receiver.waiter.hub = NULL;
    receiver.waiter.entry.next = NULL;
    model_join();
    assert(receiver.waiter.kind == 99 && receiver.waiter.entry.posted == 99 &&
           receiver.waiter.entry.next == NULL);
    assert(uvchan_len(channel) == 2);
    model_end_channel(channel);
    model_end_loop();
  }
  return 0;
}
