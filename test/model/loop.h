/* SPDX-License-Identifier: MIT */
/* What the models with a loop share: one loop, which the program's first thread runs, and its
 * hub. */
#ifndef MODEL_LOOP_H
#define MODEL_LOOP_H

#include "whole.h"

static uv_loop_t model_uv;
static uvchan__hub_t* model_hub;

static inline void model_start_loop(void) {
#ifndef MODEL_CHECKER
  memset(&model_uv, 0, sizeof(model_uv));
#endif
  assert(uvchan__hub_acquire(&model_uv, &model_hub) == 0);
}

static inline void model_init_entry(uvchan__entry_t* entry,
                                    unsigned int (*run)(uvchan__entry_t* entry)) {
  entry->next = entry->prev = NULL;
  entry->posted = 0;
  entry->run = run;
}

/* As uvchan_receiver_init() does, for the channel's side of it. */
static inline void model_init_receiver(uvchan_receiver_t* receiver, uvchan_t* ch,
                                       uvchan__hub_t* hub, unsigned int (*run)(uvchan__entry_t*)) {
  receiver->channel = ch;
  receiver->next = receiver->prev = NULL;
  receiver->is_armed = 0;
  receiver->is_first = 0;
  uvchan__waiter_init(&receiver->waiter, UVCHAN__RECEIVER, hub, run);
  uvchan__place_init(&receiver->place, &receiver->waiter, ch, NULL, 0);
}

/* Turns until the loop would sleep for ever; posts: how many there are at most, and so how many
 * turns there can be. */
static inline void model_loop(int posts) {
  int turns = 0;

  while (model_turn(&model_uv, model_join)) assert(++turns <= 2 * posts + 1);
}

/* The hub's last user goes, and the loop closes, at the end of a round. */
static inline void model_end_loop(void) {
  if (!MODEL_HAS_NEXT_ROUND) return;
  uvchan__hub_release(model_hub);
  model_turn(&model_uv, model_join);
  assert(model_uv.async == NULL && model_uv.closing == NULL);
}

#endif /* MODEL_LOOP_H */
