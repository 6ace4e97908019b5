/* SPDX-License-Identifier: MIT */
/* Proves that a wake-up that was decided on and is carried out late touches neither a loop that is
 * closed nor a hub that is gone (hub-state.h, I4): a thread posts an entry, whose run releases the
 * hub, whose last user it is. The loop, which is awake for an entry of its own, finds it without
 * being woken, and is closed, while the poster has still to wake it. */
#define MODEL_AT_FREE nobody_wakes_it
#define MODEL_WAKING begin_waking
#define MODEL_WOKE end_waking
static void nobody_wakes_it(void);
static void begin_waking(void);
static void end_waking(void);

#include "loop.h"

static uvchan__entry_t entries[2];
static int ran;
static int waking, woke; /* plain: where the poster has to wake the loop */

static void nobody_wakes_it(void) { assert(!waking || woke); }
static void begin_waking(void) { waking = 1; }
static void end_waking(void) { woke = 1; }

static unsigned int run_last(uvchan__entry_t* entry) {
  (void)entry;
  ran = 1;
  uvchan__hub_release(model_hub);
  return 1;
}

static unsigned int run_own(uvchan__entry_t* entry) {
  (void)entry;
  return 1;
}

static void* poster(void* arg) {
  uvchan__hub_t* wakes = NULL;

  uvchan__hub_post(model_hub, &entries[0], &wakes);
  uvchan__hub_wake_all(wakes);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {poster};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    uvchan__hub_t* wakes = NULL;

    model_start_loop();
    model_init_entry(&entries[0], run_last);
    model_init_entry(&entries[1], run_own);
    ran = waking = woke = 0;
    uvchan__hub_post(model_hub, &entries[1], &wakes);
    uvchan__hub_wake_all(wakes);
    model_spawn(threads, 1);
    while (!ran && model_turn(&model_uv, model_join)) continue;
    assert(ran);
    while (model_uv.async != NULL || model_uv.closing != NULL) model_turn(&model_uv, model_join);
    model_uv.is_closed = 1;
    model_join();
  }
  return 0;
}
