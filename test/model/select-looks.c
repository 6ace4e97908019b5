/* SPDX-License-Identifier: MIT */
/* Proves that a select that does not wait says so only of one moment (select.c): one thread sends
 * to the first channel, and then would receive from either; the other one sends to the second
 * channel before it tries to receive from the first. So from the first send on there is a value in
 * one of them, though each may be empty when it is looked at: the select never finds none. Channels
 * have room for one value. It tries them in either order, and looks at them in either: a checker
 * draws both from a coin, the native program as ever. */
#include "whole.h"

#include "channel/several.c"
#include "ends/request.c"

static atomic_uint coin; /* of four sides; relaxed: whichever comes up */
static _Thread_local unsigned int side;

#ifdef MODEL_CHECKER
static uint32_t model_random_(void) { return (side & 2) != 0 ? UINT32_MAX : 0; }
#define next_random(parameters) \
  model_random_##parameters() /* so its definition is another function's */
#endif
#define is_valid are_valid
#include "ends/select.c"
#undef is_valid

static uvchan_t* channels[2];
static uint64_t sent[2];
static uint64_t received[2]; /* by each thread, 0 where it has none */

static void* selector(void* arg) {
  uvchan_case_t cases[2];
  unsigned int i;
  int chosen;

  side = atomic_load_explicit(&coin, memory_order_relaxed);
  assert(uvchan_try_send(channels[0], &sent[0]) == 0);
  for (i = 0; i < 2; i++) {
    cases[i].ch = channels[i ^ (side & 1)];
    cases[i].op = UVCHAN_RECV;
    cases[i].value = &received[0];
    cases[i].status = 1;
  }
  chosen = uvchan_try_select(cases, 2);
  assert(chosen >= 0 && cases[chosen].status == 0);
  assert(received[0] == sent[(unsigned int)chosen ^ (side & 1)]);
  return arg;
}

static void* mover(void* arg) {
  unsigned int i;
  int r;

  for (i = 1; i < 4; i++) atomic_store_explicit(&coin, i, memory_order_relaxed);
  assert(uvchan_try_send(channels[1], &sent[1]) == 0);
  r = uvchan_try_recv(channels[0], &received[1]);
  assert(r == UV_EAGAIN || (r == 0 && received[1] == sent[0]));
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {selector, mover};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    unsigned int i;

    for (i = 0; i < 2; i++) {
      channels[i] = model_channel(1, UVCHAN_WAIT);
      sent[i] = 5 + i;
      received[i] = 0;
    }
    atomic_store(&coin, 0);
    model_run(threads, 2);
    assert(received[0] != received[1]);
    for (i = 0; i < 2; i++) model_end_channel(channels[i]);
  }
  return 0;
}
