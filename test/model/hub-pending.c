/* SPDX-License-Identifier: MIT */
/* Proves that who finds a wake-up pending may rely on it (posts.c): something else keeps the loop
 * turning, which so runs an entry and clears awake while the write that was decided on for it is
 * still to come. One thread carries that out and then posts an entry, another posts one meanwhile:
 * either may find the other's wake-up pending, and the later write the earlier one unread. The loop
 * sleeps for ever only when all have run, each once, and have seen what was done before. */
#include "loop.h"

#define POSTS 3

static uvchan__entry_t entries[POSTS];
static int written[POSTS]; /* plain: ordered by the hub alone */
static int ran[POSTS];
static uvchan__hub_t* first_wakes;

static unsigned int run(uvchan__entry_t* entry) {
  int i = entry == &entries[1] ? 1 : entry == &entries[2] ? 2 : 0;

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

static void* late_waker(void* arg) {
  uvchan__hub_wake_all(first_wakes);
  post(2);
  return arg;
}

static void* poster(void* arg) {
  post(1);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {late_waker, poster};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    int i;

    model_start_loop();
    for (i = 0; i < POSTS; i++) {
      model_init_entry(&entries[i], run);
      ran[i] = written[i] = 0;
    }
    model_uv.idles++;
    model_turn(&model_uv, model_join); /* awake is cleared */
    first_wakes = NULL;
    written[0] = 1;
    uvchan__hub_post(model_hub, &entries[0], &first_wakes);
    assert(first_wakes == model_hub);
    model_turn(&model_uv, model_join); /* the entry runs */
    assert(ran[0] == 1);
    model_uv.prepare->cb(model_uv.prepare); /* awake is cleared */
    model_spawn(threads, 2);
    model_poll(&model_uv, model_join); /* what is written is read */
    model_uv.check->cb(model_uv.check);
    model_uv.idles--;
    model_loop(POSTS);
    for (i = 0; i < POSTS; i++) assert(ran[i] == 1);
    model_end_loop();
  }
  return 0;
}
