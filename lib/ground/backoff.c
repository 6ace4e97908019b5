/* SPDX-License-Identifier: MIT */
/* Waiting a moment, and a test's dice; backoff.h says for whom. Threads: any. */
#include "ground/backoff.h"

#include <uv.h>

#include "ground/platform.h"

void uvchan__relax(unsigned int* round) {
  unsigned int r = (*round)++;

  if (r < UVCHAN__RELAX_PAUSES) {
    uvchan__pause();
  } else if (r < UVCHAN__RELAX_PAUSES + UVCHAN__RELAX_YIELDS) {
    uvchan__yield();
  } else {
    uvchan__sleep_ms(UVCHAN__RELAX_SLEEP_MS);
  }
}

static void pause_a_while(void) {
  int i;

  for (i = 0; i < UVCHAN__COALESCE_PAUSES; i++) uvchan__pause();
}

void uvchan__coalesce_until(int (*has_batch)(const void* arg), const void* arg) {
  uint64_t begin = uv_hrtime();
  int has_yielded = 0;
  uint64_t gone = 0;

  while (!has_batch(arg) && gone < UVCHAN__COALESCE_NS) {
    if (gone > UVCHAN__COALESCE_NS / UVCHAN__COALESCE_PART_TO_YIELD && !has_yielded) {
      uvchan__yield();
      has_yielded = 1;
    }
    pause_a_while();
    gone = uv_hrtime() - begin;
  }
}

#ifdef UVCHAN_INJECT

#include <stdlib.h>

/* Each thread's own, from UVCHAN_SEED and how many threads have thrown before: so a run with few
 * threads can be had again. */
static _Thread_local uint32_t dice;

static uint32_t throw_dice(void) {
  static atomic_uint threads;

  if (dice == 0) {
    const char* seed = getenv("UVCHAN_SEED");
    dice = (uint32_t)(seed == NULL ? 1 : strtoul(seed, NULL, 10)) * 2654435761u +
           atomic_fetch_add(&threads, 1u) * 40503u + 1u;
    if (dice == 0) dice = 1;
  }
  dice ^= dice << 13;
  dice ^= dice >> 17;
  dice ^= dice << 5;
  return dice;
}

void uvchan__step(void) {
  uint32_t n = throw_dice() % 1024;

  if (n < 16) uvchan__sleep_ms(0);
  if (n < 128) uvchan__pause();
}

#endif
