/* SPDX-License-Identifier: MIT */
/* Proves that the two ways to sleep at an empty ring go together (state.h, I5): a started receiver
 * arms, and where that is refused it queues under the lock; a thread marks tail SLOW under the
 * lock, gives the one that was armed its place in the queue, and queues behind it; a sender sends
 * two values, by the fast path, or where that is refused under the lock to the first in the queue.
 * Tail is never SLOW and ARMED; nobody is woken twice; and who still sleeps in the end sleeps where
 * there are no more values than others were told of. Nothing is closed, and nobody stops. Two
 * values go through a ring of two slots. */
#include "model.h"

enum { RECEIVER, THREAD };
typedef enum { AWAKE, ARMED, QUEUED, WOKEN } state_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* of the receiver, while it is ARMED: the one's who takes the mark off; else under the lock */
static state_t states[2];
static int queue[2]; /* under the lock, as the rest */
static int begin;
static int end;
static int taken;

static void wake(int who, state_t from) {
  assert(states[who] == from);
  states[who] = WOKEN;
}

static void enqueue(int who) {
  assert(end < 2);
  states[who] = QUEUED;
  queue[end++] = who;
}

static void mark_slow(void) {
  if (!uvchan__ring_mark(&model_ring.tail, UVCHAN__SLOW)) return;
  assert(states[RECEIVER] == ARMED);
  enqueue(RECEIVER);
}

static void settle(void) {
  uint64_t word = atomic_load(&model_ring.tail.word);

  assert((word & UVCHAN__SLOW) == 0 || (word & UVCHAN__ARMED) == 0);
  if (begin == end) uvchan__ring_unmark(&model_ring.tail, UVCHAN__SLOW);
  pthread_mutex_unlock(&lock);
}

static void take_or_queue(int who) {
  uint64_t value;

  pthread_mutex_lock(&lock);
  mark_slow();
  if (uvchan__ring_pop(&model_ring, &value, 0) == UVCHAN__RING_DONE) {
    states[who] = AWAKE;
    taken++;
  } else {
    enqueue(who);
  }
  settle();
}

static void* receiver(void* arg) {
  states[RECEIVER] = ARMED;
  switch (uvchan__ring_arm(&model_ring)) {
    case UVCHAN__RING_DONE:
      break;
    case UVCHAN__RING_FULL:
      states[RECEIVER] = AWAKE;
      break;
    default:
      take_or_queue(RECEIVER);
  }
  return arg;
}

static void* thread(void* arg) {
  take_or_queue(THREAD);
  return arg;
}

static void send_one(uint64_t value) {
  uvchan__ring_result_t r = uvchan__ring_push(&model_ring, &value, UVCHAN__MARKS);

  if (r == UVCHAN__RING_DISARMED) wake(RECEIVER, ARMED);
  if (r != UVCHAN__RING_REFUSED) return;
  pthread_mutex_lock(&lock);
  r = uvchan__ring_push(&model_ring, &value, 0);
  assert(r == UVCHAN__RING_DONE || r == UVCHAN__RING_DISARMED);
  if (r == UVCHAN__RING_DISARMED) wake(RECEIVER, ARMED);
  if (begin < end) wake(queue[begin++], QUEUED);
  settle();
}

static void* sender(void* arg) {
  send_one(1);
  send_one(2);
  return arg;
}

int main(void) {
  static void* (*threads[])(void*) = {receiver, thread, sender};
  int round;

  for (round = 0; round < MODEL_ROUNDS; round++) {
    size_t len;
    int is_marked;

    model_start();
    states[RECEIVER] = states[THREAD] = AWAKE;
    begin = end = taken = 0;
    model_run(threads, 3);
    is_marked = uvchan__ring_disarm(&model_ring);
    len = uvchan__ring_len(&model_ring);
    assert(len + (size_t)taken == 2);
    assert(is_marked == (states[RECEIVER] == ARMED));
    assert((begin < end) == uvchan__ring_is_slow(&model_ring.tail));
    if (is_marked) assert(len == 0);
    if (begin < end) assert(len <= (size_t)(states[RECEIVER] == WOKEN) + (states[THREAD] == WOKEN));
  }
  return 0;
}
