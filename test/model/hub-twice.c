/* SPDX-License-Identifier: MIT */
/* Proves that an entry that is posted by two threads runs after each of the posts (hub-state.h,
 * I1): at most once for each, at least once in all, and the last run sees what either poster did
 * before. */
#include "loop.h"

static uvchan__entry_t entry;
/* relaxed: ordered by the entry alone; a run may meet the other poster's */
static atomic_int written[2];
static int seen[2];
static int runs;

static unsigned int run(uvchan__entry_t* posted) {
  (void)posted;
  seen[0] = atomic_load_explicit(&written[0], memory_order_relaxed);
  seen[1] = atomic_load_explicit(&written[1], memory_order_relaxed);
  runs++;
  return 1;
}

static void post(int i) {
  uvchan__hub_t* wakes = NULL;

  atomic_store_explicit(&written[i], 1, memory_order_relaxed);
  uvchan__hub_post(model_hub, &entry, &wakes);
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
    model_init_entry(&entry, run);
    atomic_store(&written[0], 0);
    atomic_store(&written[1], 0);
    runs = 0;
    model_spawn(threads, 2);
    model_loop(2);
    assert(runs == 1 || runs == 2);
    assert(seen[0] == 1 && seen[1] == 1);
    model_end_loop();
  }
  return 0;
}
