/* SPDX-License-Identifier: MIT */
/* Proves that a wait group's waiter may free it as soon as its own call has returned (waitgroup.c):
 * one thread waits, two are done, the last of which wakes it; all that both did before is seen, by
 * plain reads. */
#include "whole.h"

#include "ends/request.c"
#define lock_of lock_of_group
#include "ends/waitgroup.c"

static uvchan_waitgroup_t* group;
static int work[2];

static void* worker_a(void* arg) {
  work[0] = 1;
  assert(uvchan_waitgroup_done(group) == 0);
  return arg;
}

static void* worker_b(void* arg) {
  work[1] = 1;
  assert(uvchan_waitgroup_done(group) == 0);
  return arg;
}

static void* waiter(void* arg) {
  assert(uvchan_waitgroup_wait(group) == 0);
  assert(work[0] == 1 && work[1] == 1);
  uvchan_waitgroup_destroy(group);
  free(group);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {worker_a, worker_b, waiter};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    group = malloc(sizeof(*group));
    work[0] = work[1] = 0;
    assert(uvchan_waitgroup_init(group) == 0 && uvchan_waitgroup_add(group, 2) == 0);
    model_run(threads, 3);
  }
  return 0;
}
