/* SPDX-License-Identifier: MIT */
/* The hubs, and the roster of channels and pools, over a fork. In the parent and the child alone
 * the thread that forks; invariants: hub-state.h. turns.c names a function of this file, so that a
 * program that is linked to the static library has the handlers too. */
#include "wake/fork.h"

#include "ground/lock.h"
#include "ground/platform.h"
#include "wake/hub-state.h"
#include "wake/roster.h"

#if UVCHAN__FORKS

/* A child has the thread that forked alone, and of the others what they left in memory: a lock that
 * one of them held would be held for ever. So nobody is inside of a lock of a hub's at a fork:
 *
 *      the thread that forks          another thread
 *      takes the roster's lock,       makes, frees or sees a channel or a pool: the roster's lock
 *      the registry's lock,           makes or ends a hub: the registry's lock
 *      each hub's lock, wake_lock     posts, looks: a hub's lock
 *      forks                          writes: a wake_lock
 *      gives them back, in both       and takes no other under the one that it has
 *
 * Who holds one of them waits for no other one: so the thread that forks gets them all, in whatever
 * order. It waits with them held for what other handlers of the program's wait for that run after
 * this one, which are those that were registered before the library was loaded; none of theirs may
 * wait for a thread that is in a call of the library. It is in none itself: nothing of the user's
 * runs, and no memory is asked for, between a post and its wake-up.
 *
 * A hub that is registered no more has no users, and nobody in the child takes its locks again. */
static void hold_all(void) {
  uvchan__hub_t* hub;
  size_t i;

  uvchan__roster_hold();
  uvchan__lock(&uvchan__registry.lock);
  for (i = 0; i < UVCHAN__HUB_BUCKETS; i++) {
    for (hub = uvchan__registry.buckets[i]; hub != NULL; hub = hub->next) {
      uvchan__lock(&hub->lock);
      uvchan__lock(&hub->wake_lock);
    }
  }
}

static void unlock_hub(uvchan__hub_t* hub) {
  uvchan__unlock(&hub->wake_lock);
  uvchan__unlock(&hub->lock);
}

/* With all locks, in the child. The list is whole. Wake-ups that other threads had decided on will
 * not be carried out, and what was written to the descriptor is not seen, for uv_loop_fork() makes
 * another one. Nothing of that is needed: a loop comes to the hub's prepare before it polls; where
 * the thread that forked is past that, which it alone can be, the idle handle is active instead. So
 * the hub is awake in the sense of I2 until its first turn, and nobody in the child writes to a
 * descriptor that is still the parent's. */
static void inherit(uvchan__hub_t* hub) {
  int here = hub->thread == uvchan__this_thread();

  /* relaxed: no other thread is there */
  atomic_store_explicit(&hub->wake_pending, 0, memory_order_relaxed);
  atomic_store_explicit(
      &hub->references,
      atomic_load_explicit(&hub->references, memory_order_relaxed) % UVCHAN__A_WAKER,
      memory_order_relaxed);
  if (!here) {
    hub->thread = 0;
    hub->has_run = 0;
    hub->around_poll = 0;
  }
  hub->is_inherited = 1;
  hub->awake = 1;
  if (here) uvchan__hub_keep_turning(hub, 1);
}

static void go_on(void (*with)(uvchan__hub_t* hub)) {
  uvchan__hub_t* hub;
  size_t i;

  for (i = 0; i < UVCHAN__HUB_BUCKETS; i++) {
    for (hub = uvchan__registry.buckets[i]; hub != NULL; hub = hub->next) {
      if (with != NULL) with(hub);
      unlock_hub(hub);
    }
  }
  uvchan__unlock(&uvchan__registry.lock);
}

static void go_on_in_parent(void) {
  go_on(NULL);
  uvchan__roster_go_on();
}

static void go_on_in_child(void) {
  uvchan__forget_thread_id();
  go_on(inherit);
  uvchan__roster_inherit();
}

UVCHAN__AT_LOAD static void provide_for_fork(void) {
  uvchan__at_fork(hold_all, go_on_in_parent, go_on_in_child);
}

#endif

static void on_replaced(uv_handle_t* handle) {
  uvchan__hub_t* hub = handle->data;

  hub->is_replaced = 0;
  uvchan__hub_give_back(hub, 1);
}

/* In the child's first turn, before its look. libuv up to 1.44 takes a handle that was sent to
 * before the fork for one whose callback is still to come, for ever, and does not write for it any
 * more. So the hub goes on with another one. Where that is still closing, since its process is a
 * child's child, the loop turns until it is closed. */
void uvchan__hub_replace_async(uvchan__hub_t* hub) {
  uv_async_t* before = hub->async;
  uv_async_t* other = before == &hub->asyncs[0] ? &hub->asyncs[1] : &hub->asyncs[0];

  if (hub->is_replaced) return;
  hub->is_inherited = 0;
  if (uvchan__hub_is_dead(hub) || uv_async_init(hub->loop, other, uvchan__hub_on_async) != 0)
    return;
  uv_unref((uv_handle_t*)other);
  other->data = hub;
  uvchan__lock(&hub->wake_lock);
  hub->async = other;
  uvchan__unlock(&hub->wake_lock);
  hub->is_replaced = 1;
  /* relaxed: the loop's own reference is still there */
  atomic_fetch_add_explicit(&hub->references, 1, memory_order_relaxed);
  uv_close((uv_handle_t*)before, on_replaced);
}
