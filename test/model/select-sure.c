/* SPDX-License-Identifier: MIT */
/* Proves that a select that does not wait looks at its cases twice, and at what has changed between
 * (select.c, try_until_sure()): a value goes to and fro between two channels, always sent to the
 * one before it is received from the other, and the select never finds both empty. The value is
 * moved three times: a second look that did not compare stamps would need all of them to be
 * wrong. */
#include "whole.h"

#include "channel/several.c"
#include "ends/request.c"

#ifdef MODEL_CHECKER
static uint32_t model_random_(void) { return 0; }
#define next_random(parameters) \
  model_random_##parameters() /* so its definition is another function's */
#endif
#define is_valid are_valid
#include "ends/select.c"
#undef is_valid

#define MOVES 3

static uvchan_t* channels[2];

static void* selector(void* arg) {
  uvchan_case_t cases[2];
  uvchan__block_t* block = NULL;
  uint64_t value = 0;
  int i;

  for (i = 0; i < 2; i++) {
    cases[i].ch = channels[1 - i];
    cases[i].op = UVCHAN_RECV;
    cases[i].value = &value;
    cases[i].status = 1;
  }
  i = try_until_sure(cases, 2, &block);
  assert(i >= 0 && cases[i].status == 0 && value != 0);
  return arg;
}

static void* mover(void* arg) {
  uint64_t move;
  int r = 0;

  for (move = 1; move <= MOVES && r == 0; move++) {
    uint64_t value = move + 1;

    assert(uvchan_try_send(channels[move % 2], &value) == 0);
    r = uvchan_try_recv(channels[(move + 1) % 2], &value);
    assert(r == UV_EAGAIN || (r == 0 && value == move));
  }
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {selector, mover};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    uint64_t value = 1;
    int i;

    for (i = 0; i < 2; i++) channels[i] = model_channel(1, UVCHAN_WAIT);
    assert(uvchan_try_send(channels[0], &value) == 0);
    model_run(threads, 2);
    for (i = 0; i < 2; i++) model_end_channel(channels[i]);
  }
  return 0;
}
