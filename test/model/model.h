/* SPDX-License-Identifier: MIT */
/* What the models of the ring share: the ring itself, two slots, and where it starts. Each model
 * says what it proves, and how many values go round its ring. */
#ifndef MODEL_H
#define MODEL_H

#include "program.h"

/* the code itself, in one translation unit with the model */
#include "store/hints.c"
#include "store/ring.c"

#define MODEL_SLOTS 2 /* capacity of the rings */

static _Alignas(16) unsigned char model_memory[256];
static uvchan__ring_t model_ring;

/* Laps begin shortly before the 32 bits of a slot's seq wrap. A checker leaves the peak out, but
 * where a model is about it: a statistic, relaxed throughout, of which nothing follows, and which
 * makes ten executions of one. */
static inline void model_start(void) {
  assert(uvchan__ring_bytes(sizeof(uint64_t), MODEL_SLOTS) <= sizeof(model_memory));
  uvchan__ring_init(&model_ring, model_memory, sizeof(uint64_t), MODEL_SLOTS, UINT32_MAX / 2);
#if defined(MODEL_CHECKER) && !defined(MODEL_PEAK)
  atomic_init(&model_ring.tail.no_peak_before, INT64_MAX);
#endif
}

#endif /* MODEL_H */
