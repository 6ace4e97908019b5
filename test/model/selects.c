/* SPDX-License-Identifier: MIT */
/* Proves that two selects pair with each other (select.c): one would send to the first channel or
 * receive from the second, the other one the reverse; both channels are without a buffer. Both go
 * on, by the same channel, and exactly one value goes across. Neither pairs with itself, and nobody
 * sleeps on for ever. The first look at all cases, before anything is queued, is left to the native
 * program: it is made of what other models explore, and makes thousands of executions of one. */
#include "whole.h"

#include "channel/several.c"
#include "ends/request.c"

#define is_valid are_valid
#include "ends/select.c"
#undef is_valid

static uvchan_t* channels[2];
static uint64_t values[2][2]; /* of each thread, for each channel */
static int chosen_by[2];

static int select_two(uvchan_case_t* cases) {
#ifdef MODEL_CHECKER
  uvchan__place_t places[2];
  uvchan__patience_t patience;

  uvchan__patience_init(&patience, patience_of_thread(), UINT64_MAX);
  return select_with(places, cases, 2, &patience, UINT64_MAX);
#else
  return uvchan_select_wait(cases, 2);
#endif
}

static void* select_one(int thread) {
  uvchan_case_t cases[2];
  int i;

  for (i = 0; i < 2; i++) {
    cases[i].ch = channels[i];
    cases[i].op = i == thread ? UVCHAN_SEND : UVCHAN_RECV;
    cases[i].value = &values[thread][i];
    cases[i].status = 1;
  }
  chosen_by[thread] = select_two(cases);
  assert(chosen_by[thread] >= 0 && cases[chosen_by[thread]].status == 0);
  return NULL;
}

static void* select_a(void* arg) {
  (void)arg;
  return select_one(0);
}

static void* select_b(void* arg) {
  (void)arg;
  return select_one(1);
}

int main(void) {
  static void* (*threads[])(void*) = {select_a, select_b};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    int i;

    for (i = 0; i < 2; i++) {
      channels[i] = model_channel(0, UVCHAN_WAIT);
      values[i][i] = 5;
      values[i][1 - i] = 0;
    }
    model_run(threads, 2);
    assert(chosen_by[0] == chosen_by[1]);
    assert(values[1 - chosen_by[0]][chosen_by[0]] == 5);
    assert(values[chosen_by[0]][1 - chosen_by[0]] == 0);
    for (i = 0; i < 2; i++) {
      assert(channels[i]->sendq.first == NULL && channels[i]->recvq.first == NULL);
      model_end_channel(channels[i]);
    }
  }
  return 0;
}
