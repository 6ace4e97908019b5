/* SPDX-License-Identifier: MIT */
/* What every model is made of, for each of its two readers: a stateless model checker for C11,
 * which explores the program whole (explore.sh, with MODEL_CHECKER defined), and the compiler,
 * whose program runs its threads many times over and checks the same assertions.
 *
 * Nothing here bounds a loop: a loop that does not end by itself keeps the exploration from ending,
 * and explore.sh says so. What the checker leaves out stands at uvchan__relax() below, and in the
 * file of the model that leaves out more. */
#ifndef MODEL_PROGRAM_H
#define MODEL_PROGRAM_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#ifdef MODEL_CHECKER

#include <genmc.h>

#define MODEL_ROUNDS 1

/* Its assert.h has no static_assert, and it knows no instruction to pause. It copies only what has
 * a length that it can see: all values of models are of eight bytes. */
#define static_assert _Static_assert
#define __builtin_ia32_pause() ((void)0)
#undef __aarch64__
#define memcpy(to, from, size) model_copy(to, from, size)

static inline void* model_copy(void* to, const void* from, size_t size) {
  assert(size == sizeof(uint64_t));
  *(uint64_t*)to = *(const uint64_t*)from;
  return to;
}

/* The second pause of one wait ends the execution: no thread writes anything between two pauses of
 * a wait, so what comes after the second comes after the first too, in an execution where the
 * thread looks later. Back-off pauses once each time, and is not cut. What this hides is a wait
 * that never ends; that shows in the native program, which hangs. */
#ifndef MODEL_LOCK
void uvchan__relax(unsigned int* round) { __VERIFIER_assume((*round)++ == 0); }
#else
/* the lock pauses so often, and then sleeps: one pause stands for all */
void uvchan__relax(unsigned int* round) { *round += 1000; }
#endif

#else

#include <sched.h>

#ifndef MODEL_ROUNDS
#define MODEL_ROUNDS 2000
#endif

void uvchan__relax(unsigned int* round) {
  if (++*round % 16 == 0) sched_yield();
}

#ifdef UVCHAN_INJECT
void uvchan__step(void) {
  static atomic_uint steps;

  if (atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed) % 13 == 0) sched_yield();
}
#endif

#endif /* MODEL_CHECKER */

/* What one thread does at the end of a round, with all others joined, is for the native program,
 * which has rounds to come. It proves nothing, but a checker would follow it in each execution: it
 * is up to a third of the events, and under IMM most of the time. */
#define MODEL_HAS_NEXT_ROUND (MODEL_ROUNDS > 1)

static int model_threads; /* how many there are in this round */
static int model_running; /* how many of them are not joined yet */

/* 1 where the program's first thread may wake others too, and says by MODEL_AT_END() from when on
 * it does not. */
#ifndef MODEL_FIRST_WAKES
#define MODEL_FIRST_WAKES 0
#endif

#ifndef MODEL_AT_END
#define MODEL_AT_END() ((void)0) /* of a thread */
#endif

static inline void* model_thread(void* body) {
  (*(void* (**)(void*))body)(NULL);
  MODEL_AT_END();
  return NULL;
}

static pthread_t model_ids[4];

static inline void model_spawn(void* (**bodies)(void*), int n) {
  int i;

  model_running = n;
  model_threads = n + MODEL_FIRST_WAKES;
  for (i = 0; i < n; i++) {
    if (pthread_create(&model_ids[i], NULL, model_thread, &bodies[i]) != 0) assert(0);
  }
}

static inline void model_join(void) {
  while (model_running > 0) pthread_join(model_ids[--model_running], NULL);
}

/* Runs the threads to their end, once. */
static inline void model_run(void* (**bodies)(void*), int n) {
  model_spawn(bodies, n);
  model_join();
}

#endif /* MODEL_PROGRAM_H */
