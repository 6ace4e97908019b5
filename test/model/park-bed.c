/* SPDX-License-Identifier: MIT */
/* Proves the same as park-wakes.c of the portable way to sleep (park.c): a thread goes to bed with
 * a time limit, and once it is claimed, without one; another one claims it, and wakes it. Its
 * outcome is seen. The bed, which lies on its stack, is made when the waker finds it, and he is
 * done with it when the sleeper leaves it. The waiter is freed as soon as the sleeper is back. */
#define MODEL_WITHOUT_FUTEX
#include "whole.h"

int uv_mutex_init(uv_mutex_t* mutex) {
  mutex->is_gone = 0;
  return pthread_mutex_init(&mutex->lock, NULL);
}

void uv_mutex_destroy(uv_mutex_t* mutex) {
  mutex->is_gone = 1;
  pthread_mutex_destroy(&mutex->lock);
}

void uv_mutex_lock(uv_mutex_t* mutex) {
  assert(!mutex->is_gone);
  pthread_mutex_lock(&mutex->lock);
}

void uv_mutex_unlock(uv_mutex_t* mutex) {
  assert(!mutex->is_gone);
  pthread_mutex_unlock(&mutex->lock);
}

/* The time is over at the second look at the clock. */
int uv_cond_timedwait(uv_cond_t* cond, uv_mutex_t* mutex, uint64_t timeout) {
  (void)timeout;
  assert(!cond->is_gone);
  uv_mutex_unlock(mutex);
  uv_mutex_lock(mutex);
  return UV_ETIMEDOUT;
}

#ifdef MODEL_CHECKER

int uv_cond_init(uv_cond_t* cond) {
  cond->is_gone = cond->waits = 0;
  atomic_store_explicit(&cond->signalled, 0, memory_order_relaxed);
  return 0;
}

void uv_cond_destroy(uv_cond_t* cond) { cond->is_gone = 1; }

static void change_asleep(int by) {
  pthread_mutex_lock(&model_kernel);
  model_asleep += by;
  assert(model_asleep + model_ended < model_threads);
  pthread_mutex_unlock(&model_kernel);
}

void uv_cond_wait(uv_cond_t* cond, uv_mutex_t* mutex) {
  assert(!cond->is_gone);
  cond->waits = 1;
  change_asleep(1);
  uv_mutex_unlock(mutex);
  __VERIFIER_assume(atomic_load_explicit(&cond->signalled, memory_order_acquire) != 0);
  uv_mutex_lock(mutex);
}

void uv_cond_signal(uv_cond_t* cond) {
  assert(!cond->is_gone);
  if (!cond->waits) return;
  cond->waits = 0;
  change_asleep(-1);
  atomic_store_explicit(&cond->signalled, 1, memory_order_release);
}

#else

int uv_cond_init(uv_cond_t* cond) {
  cond->is_gone = 0;
  return pthread_cond_init(&cond->cond, NULL);
}

void uv_cond_destroy(uv_cond_t* cond) {
  cond->is_gone = 1;
  pthread_cond_destroy(&cond->cond);
}

void uv_cond_wait(uv_cond_t* cond, uv_mutex_t* mutex) {
  pthread_cond_wait(&cond->cond, &mutex->lock);
}
void uv_cond_signal(uv_cond_t* cond) { pthread_cond_signal(&cond->cond); }

#endif

static uvchan__waiter_t* waiter;
static int is_left; /* nobody has claimed it in time */

static void* sleeper(void* arg) {
  is_left = uvchan__await(waiter, NULL, 1000) != 0;
  if (is_left) return arg;
  assert(waiter->status == 7);
  free(waiter);
  return arg;
}

static void* waker(void* arg) {
  if (!uvchan__claim(waiter)) return arg;
  waiter->status = 7;
  uvchan__unpark(waiter);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {sleeper, waker};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    waiter = malloc(sizeof(*waiter));
    uvchan__waiter_init(waiter, UVCHAN__THREAD, NULL, NULL);
    uvchan__begin_waiting(waiter);
    is_left = 0;
    model_run(threads, 2);
    if (is_left) free(waiter);
  }
  return 0;
}
