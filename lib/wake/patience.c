/* SPDX-License-Identifier: MIT */
/* How long a thread looks again before it sleeps; the idea stands in patience.h. */
#include "wake/patience.h"

#include <uv.h>

#include "ground/platform.h"

/* Set in the learned word where the processor is needed by others: what was waited for came while
 * it was given to them. */
#define YIELD_FIRST ((unsigned int)1 << 31)

void uvchan__patience_init(uvchan__patience_t* patience, const atomic_uint* learned,
                           uint64_t timeout) {
  unsigned int word = atomic_load_explicit(learned, memory_order_relaxed);

  patience->limit = word & ~YIELD_FIRST;
  if (patience->limit > timeout) patience->limit = timeout;
  if (patience->limit < UVCHAN__SHORTEST_PATIENCE_NS) patience->limit = 0;
  patience->begin = patience->now = 0;
  patience->round = 0;
  patience->pauses =
      (word & YIELD_FIRST) != 0 ? UVCHAN__MOST_LOOK_PAUSES : UVCHAN__FIRST_LOOK_PAUSES;
  patience->was_given_away = 0;
  if ((word & YIELD_FIRST) != 0) patience->round = UVCHAN__QUICK_LOOKS;
  if (timeout != UINT64_MAX || patience->limit == 0 || patience->round > 0)
    uvchan__patience_look(patience);
}

void uvchan__patience_look(uvchan__patience_t* patience) {
  patience->now = uv_hrtime();
  if (patience->begin == 0) patience->begin = patience->now;
}

static void yield(uvchan__patience_t* patience) {
  uint64_t before = patience->now;

  uvchan__yield();
  uvchan__patience_look(patience);
  patience->was_given_away = patience->now - before >= UVCHAN__GIVEN_AWAY_NS;
}

static int wait_longer(uvchan__patience_t* patience) {
  unsigned int i;

  if (patience->now - patience->begin >= patience->limit) return 0;
  if (patience->pauses >= UVCHAN__MOST_LOOK_PAUSES) {
    yield(patience);
    if (patience->was_given_away) return 1;
  }
  for (i = 0; i < patience->pauses; i++) uvchan__pause();
  if (patience->pauses < UVCHAN__MOST_LOOK_PAUSES) patience->pauses *= 2;
  uvchan__patience_look(patience);
  return 1;
}

int uvchan__patience_wait(uvchan__patience_t* patience) {
  if (patience->round >= UVCHAN__QUICK_LOOKS || patience->limit == 0) return wait_longer(patience);
  patience->round++;
  uvchan__pause();
  return 1;
}

/* 1 where all of the wait came to no more than a patience, or to a little more that others used. */
static int paid(uvchan__patience_t* patience) {
  uint64_t gone;

  if (patience->begin == 0) return 1;
  uvchan__patience_look(patience);
  gone = patience->now - patience->begin;
  if (gone > UVCHAN__MOST_GIVEN_AWAY_NS) patience->was_given_away = 0;
  return gone <= UVCHAN__LONGEST_PATIENCE_NS || patience->was_given_away;
}

void uvchan__patience_learn(uvchan__patience_t* patience, atomic_uint* learned) {
  unsigned int before = atomic_load_explicit(learned, memory_order_relaxed);
  unsigned int limit = before & ~YIELD_FIRST;
  unsigned int part = UVCHAN__PATIENCE_PART_LEARNED;
  unsigned int after = paid(patience)
                           ? limit + (UVCHAN__LONGEST_PATIENCE_NS - limit + part - 1) / part
                           : limit - limit / part;

  if (patience->was_given_away) after |= YIELD_FIRST;
  if (after != before) atomic_store_explicit(learned, after, memory_order_relaxed);
}
