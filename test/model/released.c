/* SPDX-License-Identifier: MIT */
/* Proves that all use of a channel comes before it is freed (life.c): two threads hold a reference
 * each; each uses the channel once more, one of them by the fast path alone, and lets go of it.
 * What is left in it is dropped by the last one, who sees it. */
#define MODEL_AT_FREE all_have_used_it
static void all_have_used_it(void);

#include "whole.h"

static uvchan_t* channel;
static int used[2]; /* plain: by each thread */

static void all_have_used_it(void) { assert(used[0] && used[1]); }

static void* sender(void* arg) {
  uint64_t value = 5;

  assert(uvchan_try_send(channel, &value) == 0);
  used[0] = 1;
  uvchan_release(channel);
  return arg;
}

static void* receiver(void* arg) {
  uint64_t value = 0;
  int r = uvchan_try_recv(channel, &value);

  assert(r == UV_EAGAIN || (r == 0 && value == 5));
  used[1] = 1;
  uvchan_release(channel);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sender, receiver};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    channel = model_channel(1, UVCHAN_WAIT);
    uvchan_retain(channel);
    used[0] = used[1] = 0;
    model_run(threads, 2);
  }
  return 0;
}
