/* SPDX-License-Identifier: MIT */
/* Proves that no wake-up of a loop is lost (hub-state.h, I3): two threads post an entry each, at
 * any moment of the loop's turns, also between its prepare handle and its poll. The loop sleeps for
 * ever only when both have run, each once, and have seen what was done before. */
#include "loop.h"

static uvchan__entry_t entries[2];
static int written[2]; /* plain: ordered by the hub alone */
static int ran[2];

static unsigned int run(uvchan__entry_t* entry) {
  int i = entry == &entries[1];

  assert(written[i] == 1);
  ran[i]++;
  return 1;
}

static void post(int i) {
  uvchan__hub_t* wakes = NULL;

  written[i] = 1;
  uvchan__hub_post(model_hub, &entries[i], &wakes);
  uvchan__hub_wake_all(wakes);
}

static void* poster_a(void* arg) {
  post(0);
  return arg;
}

static void* poster_b(void* arg) {
  post(1);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {poster_a, poster_b};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    model_start_loop();
    model_init_entry(&entries[0], run);
    model_init_entry(&entries[1], run);
    ran[0] = ran[1] = written[0] = written[1] = 0;
    model_spawn(threads, 2);
    model_loop(2);
    assert(ran[0] == 1 && ran[1] == 1);
    model_end_loop();
  }
  return 0;
}
