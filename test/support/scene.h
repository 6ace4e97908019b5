/* SPDX-License-Identifier: MIT */
/* A scene: one loop and the channels that a test uses on it. The loop is open before each test of a
 * test case that scene_tcase() made; scene_finish(), or else the end of the test, runs it until
 * nothing is alive, closes it, and gives the channels back.
 *
 * A test whose own handles or requests are still open at its end calls scene_finish() itself, since
 * they are on its stack. */
#ifndef SCENE_H
#define SCENE_H

#include "support-loop.h"

#define SCENE_MOST_CHANNELS 64

typedef struct {
  uv_loop_t loop;
  int is_open;
  uvchan_t* channels[SCENE_MOST_CHANNELS];
  size_t nchannels;
} scene_t;

static scene_t scene;

static inline void scene_open(void) {
  scene.nchannels = 0;
  support_loop_open(&scene.loop);
  scene.is_open = 1;
}

/* Whatever the loop can do, it does; values that are left go with the last reference. */
static inline void scene_finish(void) {
  if (scene.is_open) support_loop_finish(&scene.loop);
  scene.is_open = 0;
  while (scene.nchannels > 0) uvchan_release(scene.channels[--scene.nchannels]);
}

/* Only the loop: for a test that looks at its channels after that. */
static inline void scene_finish_loop(void) {
  support_loop_finish(&scene.loop);
  scene.is_open = 0;
}

/* A channel of numbers that the scene gives back. */
static inline uvchan_t* scene_channel(size_t capacity) {
  must(scene.nchannels < SCENE_MOST_CHANNELS);
  return scene.channels[scene.nchannels++] = support_channel(8, capacity);
}

/* Until nothing is alive that keeps the loop running. */
static inline void scene_run(void) { ck_assert_int_eq(uv_run(&scene.loop, UV_RUN_DEFAULT), 0); }

static inline TCase* scene_tcase(Suite* suite, const char* name) {
  TCase* tcase = support_tcase(suite, name);

  tcase_add_checked_fixture(tcase, scene_open, scene_finish);
  return tcase;
}

#endif /* SCENE_H */
