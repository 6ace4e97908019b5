/* What every model shares. A model is a program small enough to be explored whole by a stateless model checker for C11: the C library and
 * pthreads, two or three threads, loops with a bound. Built natively it runs its threads many times over and checks the same assertions.
 * Each model says what it proves, and how many values go round its ring. */
#ifndef MODEL_H
#define MODEL_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "../../lib/ring.c" /* the code itself, in one translation unit with the model */

void uvchan__relax(unsigned int* round) { ++*round; }

#ifdef UVCHAN_INJECT
#include <sched.h>
void uvchan__step(void) {
  static atomic_uint steps;

  if (atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed) % 13 == 0) sched_yield();
}
#endif

#ifndef MODEL_ROUNDS
#define MODEL_ROUNDS 2000 /* 1 for a checker */
#endif

#define MODEL_SLOTS 2 /* capacity of the rings */

static _Alignas(16) unsigned char model_memory[256];
static uvchan__ring_t model_ring;

/* Laps begin shortly before the 32 bits of a slot's turn wrap. */
static inline void model_start(void) {
  assert(uvchan__ring_bytes(sizeof(uint64_t), MODEL_SLOTS) <= sizeof(model_memory));
  uvchan__ring_init(&model_ring, model_memory, sizeof(uint64_t), MODEL_SLOTS, UINT32_MAX / 2);
}

/* Runs the threads to their end, once. */
static void model_run(void* (*const* threads)(void*), int n) {
  pthread_t ids[4];
  int i;

  for (i = 0; i < n; i++) {
    if (pthread_create(&ids[i], NULL, threads[i], NULL) != 0) assert(0);
  }
  for (i = 0; i < n; i++) pthread_join(ids[i], NULL);
}

#endif /* MODEL_H */
