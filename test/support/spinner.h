/* SPDX-License-Identifier: MIT */
/* What the suites on spinning receivers share: a receiver that spins, whether its loop is awake,
 * and a thread that sends to it. Whether a loop spins is read off its backend timeout: 0 where its
 * next turn will not block. Nothing is timed: a spin is either far longer than any test, or over at
 * some time. */
#ifndef SPINNER_H
#define SPINNER_H

#include "scene.h"

#define LONG 3000000000u /* microseconds: as good as for ever */

#define SPINNER_NSPINS 4
static const unsigned int spinner_spins[SPINNER_NSPINS] = {1, 10, 100, LONG};

static inline size_t capacity_of(int i) { return support_capacities[i % SUPPORT_NCAPACITIES]; }
static inline unsigned int spin_of(int i) {
  return spinner_spins[i / SUPPORT_NCAPACITIES % SPINNER_NSPINS];
}

/* Meaningful after a turn, and while something keeps the loop alive. */
static inline int is_awake(uv_loop_t* loop) {
  must(uv_loop_alive(loop));
  return uv_backend_timeout(loop) == 0;
}

/* A turn that spins takes some microseconds: so many are more than a short spin has. */
static inline void run_until_asleep(uv_loop_t* loop) {
  unsigned int turns = 0;
  do {
    must(++turns < 200000);
    turn(loop, 1);
  } while (is_awake(loop));
}

static inline void sink_start_spinning(sink_t* sink, uv_loop_t* loop, uvchan_t* ch,
                                       unsigned int spin) {
  sink_start(sink, loop, ch);
  must(uvchan_receiver_set_spin(&sink->handle, spin) == 0);
}

static inline void count_timer(uv_timer_t* timer) { ++*(unsigned int*)timer->data; }

/* ---- A started receiver on the scene's loop that has had the value 0 and spins for it -------- */

typedef struct {
  uvchan_t* ch;
  sink_t sink;
} spinner_t;

static inline void spinner_open(spinner_t* spinner, size_t capacity) {
  spinner->ch = scene_channel(capacity);
  sink_start_spinning(&spinner->sink, &scene.loop, spinner->ch, LONG);
  settle(&scene.loop);
  must(try_send(spinner->ch, 0) == 0);
  settle(&scene.loop);
  must(spinner->sink.values == 1);
  must(is_awake(&scene.loop));
}

static inline void spinner_close(spinner_t* spinner) {
  sink_close(&spinner->sink);
  scene_finish();
  must(spinner->sink.closes == 1);
}

/* ---- A thread that sends --------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  uint64_t count;
  unsigned int most_gap; /* nanoseconds between two values */
  uint64_t first;
  int closes;
  atomic_int quit;
} source_t;

static inline void send_at_random(void* arg) {
  source_t* source = arg;
  uint32_t random = (uint32_t)source->count + 1;
  uint64_t i;
  for (i = 0; i < source->count; i++) {
    uint64_t number = source->first + i;
    must(uvchan_send_wait(source->ch, &number) == 0);
    if (source->most_gap != 0) support_spin(support_random(&random) % source->most_gap);
  }
  if (source->closes) must(uvchan_close(source->ch) == 0);
}

#endif /* SPINNER_H */
