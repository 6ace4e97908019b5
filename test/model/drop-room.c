/* SPDX-License-Identifier: MIT */
/* Proves that a channel's room for a large value that overflows is one call's at a time
 * (overflow.c): two threads send to a channel that drops what does not fit. One of them has the
 * room, and the other one memory of its own or, once the first is done with it, the room; each
 * value reaches drop_cb whole. The values are as small as in all models, and held as large ones
 * are. */
#include "whole.h"

static uvchan_t* channel;
static uint64_t room;
static atomic_int dropped[3];

static void drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  (void)arg;
  assert(reason == UVCHAN_DROPPED_OVERFLOW);
  atomic_fetch_add_explicit(&dropped[*(uint64_t*)value], 1, memory_order_relaxed);
}

static void send_one(uint64_t value) { assert(overflow_large(channel, &value) == 0); }

static void* sender_a(void* arg) {
  send_one(1);
  return arg;
}

static void* sender_b(void* arg) {
  send_one(2);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender_a, sender_b};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    channel = model_channel_with(1, UVCHAN_DROP_NEWEST, drop);
    atomic_store(&uvchan__drops(channel)->room, &room);
    atomic_store(&dropped[1], 0);
    atomic_store(&dropped[2], 0);
    model_run(threads, 2);
    assert(atomic_load(&uvchan__drops(channel)->room) == &room);
    assert(atomic_load(&dropped[1]) == 1 && atomic_load(&dropped[2]) == 1);
    model_end_channel(channel);
  }
  return 0;
}
