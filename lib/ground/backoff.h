/* SPDX-License-Identifier: MIT */
/* To wait a moment for another thread that is at work and will not wake anybody; and, in tests, to
 * let the others run where they hardly ever would. Knows nothing of what is waited for. Threads:
 * any.
 *
 * Who waits for what may take long sleeps instead (wake/park.h). */
#ifndef UVCHAN_BACKOFF_H
#define UVCHAN_BACKOFF_H

#include "ground/atomic.h"
#include "ground/tuning.h"

/* One step of waiting for a thread that is between two of its steps, holds no lock and sleeps
 * nowhere: pauses at first, then gives up the processor, then sleeps a millisecond at a time. So a
 * thread that was pre-empted there gets to run even on a single processor, and under real-time
 * priorities. *round starts at 0. */
void uvchan__relax(unsigned int* round);

/* Lets a batch gather: waits until there is one, for UVCHAN__COALESCE_NS at the most, and gives the
 * processor away once meanwhile: on a single one, that is what lets it come. */
void uvchan__coalesce_until(int (*has_batch)(const void* arg), const void* arg);

/* Another thread has moved the word that this one wants to move: leaves it to him for a moment, in
 * which he may move it many times more, for longer each time. Where both tried again at once, the
 * word's line would go to and fro for each move. *pauses starts at
 * UVCHAN__FIRST_BACK_OFF_PAUSES. */
static inline void uvchan__back_off(unsigned int* pauses) {
  unsigned int i;

  for (i = 0; i < *pauses; i++) {
    unsigned int round = 0; /* a pause, and no more */

    uvchan__relax(&round);
  }
  if (*pauses < UVCHAN__MOST_BACK_OFF_PAUSES) *pauses *= 2;
}

/* Before each atomic step of the protocols: where the library is built with UVCHAN_INJECT,
 * sometimes gives up the processor, so that tests meet interleavings that a quiet machine never
 * shows. Nothing otherwise. */
#ifdef UVCHAN_INJECT
void uvchan__step(void);
#else
static inline void uvchan__step(void) {}
#endif

#endif /* UVCHAN_BACKOFF_H */
