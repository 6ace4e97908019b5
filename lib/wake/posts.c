/* SPDX-License-Identifier: MIT */
/* How an entry gets to its loop. Threads: its header; invariants: hub-state.h.
 *
 * One wake-up serves all who need one until it is carried out: it is pending meanwhile, which is
 * one word.
 *
 *      a poster                                who carries out a wake-up
 *      lists his entry, under the lock         exchanges the word for 0
 *      is awake cleared? Then he sets it,      writes, under wake_lock
 *      and exchanges the word for 1
 *
 * The exchanges of the word stand in one order, and each sees what came before those in front of it
 * ([pending.R], [pending.A]). Case A, the poster finds 1: the exchange for 0 is still to come, and
 * sees his listing. So the write comes after the listing, and where it finds an earlier one unread,
 * that one is read after the listing too: the check that follows takes the lock, and finds the
 * entry. Case B, he finds 0: he carries out a wake-up himself, and the last one has done with
 * wake_next. A load or a store in place of either exchange would see nothing of the other side, and
 * case A would not hold. */
#include "wake/posts.h"

#include "ground/backoff.h"
#include "ground/lock.h"
#include "ground/platform.h"
#include "wake/hub-state.h"

/* Answers 1 where the wake-up is the caller's, 0 where one is pending, which will do. */
static unsigned int demand_wake_locked(uvchan__hub_t* hub, uvchan__hub_t** wakes) {
  hub->awake = 1;
  uvchan__step();
  /* [pending.R] and [pending.A] with send_wake() */
  if (atomic_exchange_explicit(&hub->wake_pending, 1, memory_order_acq_rel) != 0) return 0;
  /* relaxed: the lock orders it against the loop's own */
  atomic_fetch_add_explicit(&hub->references, UVCHAN__A_WAKER, memory_order_relaxed);
  hub->wake_next = *wakes;
  *wakes = hub;
  return 1;
}

/* [posted.R] with [posted.A] in turns.c, run_first(): whoever finds it posted is followed by its
 * run. */
static int is_posted(uvchan__entry_t* entry) {
  uvchan__step();
  return atomic_exchange_explicit(uvchan__atomic(&entry->posted), 1, memory_order_acq_rel) != 0;
}

unsigned int uvchan__hub_post(uvchan__hub_t* hub, uvchan__entry_t* entry, uvchan__hub_t** wakes) {
  unsigned int asleep = 0;
  int turn_on = 0;

  if (is_posted(entry)) return 0;
  uvchan__lock(&hub->lock);
  uvchan__list_append(&hub->ready, entry);
  if (!hub->awake) {
    int here = uvchan__hub_is_on_this_thread(hub);

    turn_on = here && hub->around_poll;
    if (turn_on) {
      hub->awake = 1;
    } else {
      asleep = demand_wake_locked(hub, wakes) && !here;
    }
  }
  uvchan__unlock(&hub->lock);
  if (turn_on) uvchan__hub_keep_turning(hub, 1);
  return asleep;
}

void uvchan__hub_post_here(uvchan__hub_t* hub, uvchan__entry_t* entry) {
  int turn_on;

  if (is_posted(entry)) return;
  uvchan__lock(&hub->lock);
  uvchan__list_append(&hub->ready, entry);
  turn_on = !hub->awake;
  hub->awake = 1;
  uvchan__unlock(&hub->lock);
  if (turn_on) uvchan__hub_keep_turning(hub, 1);
}

int uvchan__hub_unpost(uvchan__hub_t* hub, uvchan__entry_t* entry) {
  int listed;

  uvchan__lock(&hub->lock);
  listed = entry->next != NULL;
  if (listed) {
    uvchan__list_remove(entry);
    /* relaxed: nobody posts what is withdrawn */
    atomic_store_explicit(uvchan__atomic(&entry->posted), 0, memory_order_relaxed);
  }
  uvchan__unlock(&hub->lock);
  return listed;
}

static int is_listed(uvchan__hub_t* hub, const uvchan__entry_t* entry) {
  int listed;

  uvchan__lock(&hub->lock);
  listed = entry->next != NULL;
  uvchan__unlock(&hub->lock);
  return listed;
}

void uvchan__hub_await_post(uvchan__hub_t* hub, const uvchan__entry_t* entry) {
  unsigned int round = 0;

  while (!is_listed(hub, entry)) uvchan__relax(&round);
}

static void send_wake(uvchan__hub_t* hub) {
  int before = uvchan__hold_cancellation();

  uvchan__step();
  /* [pending.R] and [pending.A] with demand_wake_locked(): before the write. */
  atomic_exchange_explicit(&hub->wake_pending, 0, memory_order_acq_rel);
  uvchan__lock(&hub->wake_lock);
  if (!hub->closed && !uv_is_closing((uv_handle_t*)hub->async)) uv_async_send(hub->async);
  uvchan__unlock(&hub->wake_lock);
  uvchan__let_cancellation(before);
  uvchan__hub_give_back(hub, UVCHAN__A_WAKER);
}

void uvchan__hub_wake_all(uvchan__hub_t* wakes) {
  while (wakes != NULL) {
    uvchan__hub_t* next = wakes->wake_next;

    send_wake(wakes);
    wakes = next;
  }
}

unsigned int uvchan__hub_is_asleep(uvchan__hub_t* hub) {
  unsigned int asleep;

  uvchan__lock(&hub->lock);
  asleep = !hub->awake && !uvchan__hub_is_on_this_thread(hub);
  uvchan__unlock(&hub->lock);
  return asleep;
}

int uvchan__hub_runs_here(uvchan__hub_t* hub) {
  int here;

  uvchan__lock(&hub->lock);
  here = hub->has_run && uvchan__hub_is_on_this_thread(hub);
  uvchan__unlock(&hub->lock);
  return here;
}
