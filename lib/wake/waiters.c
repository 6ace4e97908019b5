/* SPDX-License-Identifier: MIT */
/* Who waits, in order; and the wait of a thread, with what its deadline does: uvchan__await().
 * States, invariants and threads: waiters.h. */
#include "wake/waiters.h"

#include <string.h>

#include "wake/claim.h"
#include "wake/hub-state.h"
#include "wake/park.h"
#include "wake/posts.h"

void uvchan__waiter_init(uvchan__waiter_t* waiter, uvchan__kind_t kind, uvchan__hub_t* hub,
                         unsigned int (*run)(uvchan__entry_t* entry)) {
  memset(waiter, 0, sizeof(*waiter));
  waiter->kind = kind;
  waiter->claim = UVCHAN__STARTING;
  waiter->hub = hub;
  waiter->entry.run = run;
}

void uvchan__place_init(uvchan__place_t* place, uvchan__waiter_t* waiter, struct uvchan_s* channel,
                        const void* value, int sends) {
  memset(place, 0, sizeof(*place));
  place->waiter = waiter;
  place->channel = channel;
  place->value = (void*)(uintptr_t)value; /* a sender's is only read */
  place->sends = (unsigned char)sends;
  place->for_close = 1;
}

int uvchan__claim(uvchan__waiter_t* waiter) {
  return uvchan__decide(uvchan__atomic(&waiter->claim), UVCHAN__CLAIMED);
}

int uvchan__withdraw(uvchan__waiter_t* waiter) {
  return uvchan__decide(uvchan__atomic(&waiter->claim), UVCHAN__WITHDRAWN);
}

/* Relaxed: nobody leaves CLAIMED, STARTING or WITHDRAWN but the owner, who asks. */
int uvchan__is_claimed(uvchan__waiter_t* waiter) {
  return atomic_load_explicit(uvchan__atomic(&waiter->claim), memory_order_relaxed) ==
         UVCHAN__CLAIMED;
}

/* Relaxed, as it is in the owner's hands alone. */
static void set_state(uvchan__waiter_t* waiter, unsigned int state) {
  atomic_store_explicit(uvchan__atomic(&waiter->claim), state, memory_order_relaxed);
}

void uvchan__set_claimed(uvchan__waiter_t* waiter) { set_state(waiter, UVCHAN__CLAIMED); }

void uvchan__set_withdrawn(uvchan__waiter_t* waiter) { set_state(waiter, UVCHAN__WITHDRAWN); }

static int is_waiting(const uvchan__place_t* place) {
  return uvchan__is_waiting(uvchan__atomic(&place->waiter->claim));
}

void uvchan__enqueue(uvchan__queue_t* queue, uvchan__place_t* place) {
  place->next = NULL;
  place->prev = queue->last;
  if (queue->last == NULL) {
    queue->first = place;
  } else {
    queue->last->next = place;
  }
  queue->last = place;
  place->queued = 1;
  uvchan__begin_waiting(place->waiter);
}

/* Relaxed: a claimer has the lock of the queue after this. */
void uvchan__begin_waiting(uvchan__waiter_t* waiter) {
  atomic_store_explicit(uvchan__atomic(&waiter->claim), UVCHAN__WAITING, memory_order_relaxed);
}

void uvchan__dequeue(uvchan__queue_t* queue, uvchan__place_t* place) {
  if (!place->queued) return;
  if (place->prev == NULL) {
    queue->first = place->next;
  } else {
    place->prev->next = place->next;
  }
  if (place->next == NULL) {
    queue->last = place->prev;
  } else {
    place->next->prev = place->prev;
  }
  place->queued = 0;
}

/* Places of waiters that are decided already may stand in front (I2). */
uvchan__place_t* uvchan__first_waiting(uvchan__queue_t* queue) {
  while (queue->first != NULL && !is_waiting(queue->first)) uvchan__dequeue(queue, queue->first);
  return queue->first;
}

size_t uvchan__count_waiting(const uvchan__queue_t* queue) {
  const uvchan__place_t* place;
  size_t n = 0;

  for (place = queue->first; place != NULL; place = place->next) n += is_waiting(place) ? 1 : 0;
  return n;
}

/* Until a waiter is claimed, `next`, which is its claimer's, holds since when it waits.
 *
 *      who sees it, at one channel     a claimer, at another one
 *      [next.A]  reads next            claims the waiter
 *      is it WAITING still?            [next.R]  writes next
 *
 * Where it was the claimer's write that was read, the waiter is seen to be CLAIMED. */
static void set_next(uvchan__waiter_t* waiter, uvchan__waiter_t* next) {
  /* [next.R] */
  atomic_store_explicit((_Atomic(uvchan__waiter_t*)*)&waiter->next, next, memory_order_release);
}

void uvchan__note_since(uvchan__waiter_t* waiter, uint64_t now_ms) {
  set_next(waiter, (uvchan__waiter_t*)(uintptr_t)now_ms);
}

static unsigned int since_of(uvchan__waiter_t* waiter) {
  uvchan__waiter_t* next = /* [next.A] */
      atomic_load_explicit((_Atomic(uvchan__waiter_t*)*)&waiter->next, memory_order_acquire);

  return (unsigned int)(uintptr_t)next;
}

int uvchan__see(uvchan__waiter_t* waiter, uvchan__sight_t* sight) {
  int is_thread = waiter->kind == UVCHAN__THREAD;
  unsigned int since = is_thread ? uvchan__asleep_since(waiter) : since_of(waiter);

  memset(sight, 0, sizeof(*sight));
  sight->address = waiter;
  sight->loop = is_thread ? NULL : waiter->hub->loop;
  sight->thread = is_thread ? uvchan__sleeper(waiter) : 0;
  sight->has_since = since != 0;
  if (since != 0) sight->waited_ms = (unsigned int)(uv_hrtime() / 1000000u) - since;
  return uvchan__is_waiting(uvchan__atomic(&waiter->claim));
}

/* As far as can be seen; a loop that several are posted to in a row is counted once. */
static unsigned int is_asleep(uvchan__waiter_t* waiter, const uvchan__wakes_t* wakes) {
  if (waiter->kind == UVCHAN__THREAD) return uvchan__is_asleep(waiter);
  if (wakes->last != NULL && wakes->last->hub == waiter->hub) return 0;
  return uvchan__hub_is_asleep(waiter->hub);
}

void uvchan__settle(uvchan__waiter_t* waiter, int status, uvchan__wakes_t* wakes) {
  waiter->status = status;
  set_next(waiter, NULL);
  if (wakes->last == NULL) {
    wakes->first = waiter;
  } else {
    set_next(wakes->last, waiter);
  }
  wakes->last = waiter;
}

void uvchan__finish(uvchan__place_t* place, int status, uvchan__wakes_t* wakes) {
  place->waiter->index = place->index;
  wakes->asleep += is_asleep(place->waiter, wakes);
  uvchan__settle(place->waiter, status, wakes);
}

void uvchan__tell(uvchan__waiter_t* receiver, uvchan__wakes_t* wakes) {
  wakes->asleep += uvchan__hub_post(receiver->hub, &receiver->entry, &wakes->hubs);
}

/* Without a lock. Requests are posted to their hubs, which are then woken with those that have a
 * started receiver to run: each once. */
void uvchan__wake_all(uvchan__wakes_t* wakes) {
  uvchan__waiter_t* waiter = wakes->first;

  while (waiter != NULL) {
    uvchan__waiter_t* next = waiter->next; /* of a waiter that is woken nothing is left */

    if (waiter->kind == UVCHAN__THREAD) {
      uvchan__unpark(waiter);
    } else {
      uvchan__hub_post(waiter->hub, &waiter->entry, &wakes->hubs);
    }
    waiter = next;
  }
  uvchan__hub_wake_all(wakes->hubs);
}

/* Exactly one of claim() and withdraw() succeeds (I2). Where it is the claimer's, he is between his
 * claim and his unpark, and touches the waiter until then (I4): so this returns after that alone,
 * however late it is. Nothing of the user's runs in between, and he waits for nobody. */
int uvchan__await(uvchan__waiter_t* waiter, uvchan__patience_t* patience, uint64_t timeout) {
  if (patience != NULL) {
    if (uvchan__spin_until_finished(waiter, patience)) return 0;
    timeout = uvchan__patience_left(patience, timeout);
  }
  if (uvchan__park(waiter, timeout) == 0) return 0;
  if (uvchan__withdraw(waiter)) return UV_ETIMEDOUT;
  uvchan__park(waiter, UVCHAN__FOR_EVER);
  return 0;
}
