/* SPDX-License-Identifier: MIT */
/* Started receivers: a handle on a loop whose callback gets a channel's values. Knows how the
 * channel is taken from, and the hub; does not know the channel's structure, or what is looked at
 * before it waits (polling.h).
 *
 * A started receiver is in one of these states, which are the same to its user:
 *
 *      WAITING  it has nothing to receive, and the next value, or the end, has it posted: by tail's
 *               mark ARMED, where it waits alone on a bounded channel (state.h, I5), or by its
 *               place in the channel's queue
 *      POSTED   in its hub's list: its turn comes
 *      IN TURN  takes values and calls back, until there is none (WAITING, or POSTED to look once
 *               more), the budget is used up (POSTED), or it is stopped
 *
 * Threads: the loop's. A sender on another thread touches only the place and the entry: under the
 * channel's lock and the hub's, or with a post to make, which stop() waits for. So once stop() has
 * ended the wait and taken the entry out, no other thread knows of the receiver. */
#include <assert.h>
#include <string.h>

#include "channel/receivers.h"
#include "ends/polling.h"
#include "ground/memory.h"
#include "ground/tuning.h"
#include "store/hints.h"
#include "wake/defer.h"
#include "wake/hub.h"
#include "wake/posts.h"
#include "wake/waiters.h"

enum {
  OPEN = 1,
  STARTED = 2,
  CLOSING = 4,
  UNREFERENCED = 8,
  IN_TURN = 16,
  IN_CALLBACK = 32, /* of one that is counted: it is not available */
  SINGLY = 64,      /* values come one by one from a ring */
  CUT_OFF = 128,    /* its last turn used the budget up */
  COUNTED = 256     /* on a channel that counts who is available */
};

static_assert(sizeof(uvchan_receiver_t) <= 512,
              "a receiver takes no more than 512 bytes of its user's memory");

static int is_usable(const uvchan_receiver_t* receiver) {
  return receiver != NULL && (receiver->flags & OPEN) != 0 && (receiver->flags & CLOSING) == 0;
}

static uvchan__hub_t* hub_of(const uvchan_receiver_t* receiver) { return receiver->waiter.hub; }

/* Whether the channel counts it, and it is available now. */
static int is_counted_available(const uvchan_receiver_t* receiver) {
  return (receiver->flags & (COUNTED | IN_CALLBACK)) == COUNTED;
}

static void ref_loop(uvchan_receiver_t* receiver) {
  if ((receiver->flags & (STARTED | UNREFERENCED)) == STARTED) uvchan__hub_ref(hub_of(receiver));
}

static void unref_loop(uvchan_receiver_t* receiver) {
  if ((receiver->flags & (STARTED | UNREFERENCED)) == STARTED) uvchan__hub_unref(hub_of(receiver));
}

static void post(uvchan_receiver_t* receiver) {
  uvchan__hub_post_here(hub_of(receiver), &receiver->waiter.entry);
}

/* ---- Turns ----------------------------------------------------------------------------------- */

/* In this order (the model stop-owed explores it):
 *   1  End the wait, as long as it is in the list of started receivers, where a sender that has to
 *      post it finds it (state.h, I5). From here on nobody is about to post it.
 *   2  Leave that list, and pass on what it was told of. Before the end of its wait it might be
 *      told once more, and the value would stay with it.
 *   3  Take the entry out of the hub's list, where a post from before has put it: earlier, another
 *      could follow.
 *   4  Let go of the loop. */
static void stop(uvchan_receiver_t* receiver) {
  int is_available;

  if ((receiver->flags & STARTED) == 0) return;
  is_available = is_counted_available(receiver);
  uvchan__receivers_end_wait(receiver->channel, receiver);
  uvchan__receivers_remove(receiver->channel, receiver, is_available);
  uvchan__hub_unpost(hub_of(receiver), &receiver->waiter.entry);
  unref_loop(receiver);
  receiver->flags &= ~(unsigned int)STARTED;
}

static void call_back(uvchan_receiver_t* receiver, const void* values, size_t n) {
  if (receiver->batch_cb != NULL) {
    receiver->batch_cb(receiver, (ssize_t)n, values);
  } else {
    receiver->cb(receiver, 0, values);
  }
}

static void deliver(uvchan_receiver_t* receiver, const void* values, size_t n) {
  if ((receiver->flags & COUNTED) == 0) {
    call_back(receiver, values, n);
    return;
  }
  receiver->flags |= IN_CALLBACK;
  call_back(receiver, values, n);
  receiver->flags &= ~(unsigned int)IN_CALLBACK;
  if ((receiver->flags & STARTED) != 0) uvchan__receivers_make_available(receiver->channel);
}

static void deliver_end(uvchan_receiver_t* receiver, int status) {
  stop(receiver);
  if (receiver->batch_cb != NULL) {
    receiver->batch_cb(receiver, status, NULL);
  } else {
    receiver->cb(receiver, status, NULL);
  }
}

/* How many values one callback may get. */
static size_t batch_length(const uvchan_receiver_t* receiver, size_t budget) {
  size_t size, n;

  if (receiver->batch_cb == NULL || receiver->slot != NULL) return 1;
  size = uvchan__size_to_receive(receiver->channel);
  n = size == 0 ? budget : UVCHAN__SCRATCH_BYTES / size;
  return n < budget ? n : budget;
}

/* After a callback that left the turn: as if it had returned, with one more look. IN_TURN is set,
 * IN_CALLBACK on a channel that counts its receivers, and STARTED unless the callback has stopped
 * it. Whoever is in a callback is neither queued nor armed, so the post is the only one. */
static void recover(uvchan__hub_t* hub, void* const* args) {
  uvchan_receiver_t* receiver = args[0];
  unsigned int flags = receiver->flags;

  (void)hub;
  receiver->flags = flags & ~(unsigned int)(IN_TURN | IN_CALLBACK);
  if ((flags & STARTED) == 0) return;
  if ((flags & IN_CALLBACK) != 0) uvchan__receivers_make_available(receiver->channel);
  post(receiver);
}

/* The ordinary case, one value after the other: until there is none, the budget is used up, or it
 * is stopped. */
static void deliver_singly(uvchan_receiver_t* receiver, uvchan__turn_t* turn, void* value) {
  uvchan_t* ch = receiver->channel;
  size_t left = turn->left;

  while (left > 0 && (receiver->flags & (STARTED | SINGLY)) == (STARTED | SINGLY)) {
    if (!uvchan__receivers_take_fast(ch, value)) break;
    left--;
    receiver->cb(receiver, 0, value);
  }
  turn->delivered += (unsigned int)(turn->left - left);
  turn->left = left;
}

/* A hint, as far as the next slot tells. Where it is wrong, and another turn follows, that looks
 * again; and to wait takes a closer look in the same step. So a wrong hint costs time and loses no
 * value. Where it spins, the first look of each turn is a closer one. */
static int looks_empty(const uvchan_receiver_t* receiver, const uvchan__turn_t* turn) {
  if ((receiver->flags & SINGLY) == 0 || (receiver->spin > 0 && turn->spun_since == 0)) return 0;
  return !uvchan__ring_has_value(uvchan__ring_of(receiver->channel));
}

/* Takes values: 0, the end, UVCHAN__LOOK_ANEW, or UV_EAGAIN and what is next; WAIT means that it
 * waits now. */
static int take(uvchan_receiver_t* receiver, uvchan__turn_t* turn, void* values, size_t* n,
                uvchan__next_t* next) {
  size_t length = batch_length(receiver, turn->left);

  if (!looks_empty(receiver, turn)) {
    int r = uvchan__receivers_take(receiver->channel, values, length, n);

    if (r != UV_EAGAIN) return r;
  }
  *next = uvchan__poll_or_wait(receiver, turn);
  return *next == UVCHAN__WAIT
             ? uvchan__receivers_take_or_wait(receiver->channel, receiver, values, length, n)
             : UV_EAGAIN;
}

/* The post that runs the turn has ended the wait: nobody else is about to post it. What makes up
 * for a callback that is left is deferred before there is any; and a batch may gather before the
 * first look. */
static uvchan__turn_t begin_turn(uvchan_receiver_t* receiver) {
  uvchan__turn_t turn = {receiver->budget, 0, (receiver->flags & CUT_OFF) != 0, 0};

  uvchan__hub_defer(hub_of(receiver), recover)[0] = receiver;
  receiver->is_armed = 0;
  receiver->flags = (receiver->flags | IN_TURN) & ~(unsigned int)CUT_OFF;
  uvchan__coalesce(receiver);
  return turn;
}

/* CUT_OFF tells the next turn that this one has delivered as much as it may; where it has delivered
 * nothing, the budget went into looks. The post comes last, once the outcome of all callbacks is
 * known: who was stopped is not posted, and who was started again is, for start() leaves that to
 * the turn it is in. Who WAITs is known to senders already: a post would be a turn in vain. */
static unsigned int end_turn(uvchan_receiver_t* receiver, const uvchan__turn_t* turn,
                             uvchan__next_t next) {
  if (turn->left == 0 && turn->delivered > 0) receiver->flags |= CUT_OFF;
  receiver->flags &= ~(unsigned int)IN_TURN;
  uvchan__hub_cancel_deferred(hub_of(receiver), recover, receiver);
  if ((receiver->flags & STARTED) != 0 && next != UVCHAN__WAIT) post(receiver);
  if (next == UVCHAN__WAIT) uvchan__note_since(&receiver->waiter, uv_now(receiver->loop));
  return turn->delivered;
}

/* Charges the budget; a turn ends where it is used up. */
static void spend(uvchan__turn_t* turn, size_t values) {
  turn->left -= values < turn->left ? values : turn->left;
}

/* Any callback may stop the receiver, or close it, or start it anew: so STARTED is looked at after
 * each. Its memory stays until the close callback, which is in no turn.
 *
 * Round by round: the ordinary case first, as long as it goes, since it looks at little beside the
 * ring; where that stops, the general case once. */
static unsigned int take_turn(uvchan__entry_t* entry) {
  uvchan_receiver_t* receiver =
      (uvchan_receiver_t*)((unsigned char*)entry - offsetof(uvchan_receiver_t, waiter.entry));
  void* values = receiver->slot != NULL ? receiver->slot : uvchan__hub_scratch(hub_of(receiver));
  uvchan__turn_t turn = begin_turn(receiver);
  uvchan__next_t next = UVCHAN__NEXT_TURN;

  while (turn.left > 0 && (receiver->flags & STARTED) != 0) {
    size_t n;
    int r;

    deliver_singly(receiver, &turn, values);
    if (turn.left == 0 || (receiver->flags & STARTED) == 0) break;
    r = take(receiver, &turn, values, &n, &next);
    if (r == UV_EAGAIN && next == UVCHAN__LOOK_AGAIN) {
      /* or a turn would never end where others take whatever it sees */
      spend(&turn, UVCHAN__LOOK_COST_VALUES);
      continue;
    }
    if (r == UV_EAGAIN) break;
    next = UVCHAN__NEXT_TURN; /* also where it began to wait, and found a value while it did */
    if (r == 0) {
      deliver(receiver, values, n);
    } else if (r != UVCHAN__LOOK_ANEW) {
      n = 1; /* of the budget: it is a callback too */
      deliver_end(receiver, r);
    }
    spend(&turn, n);
    turn.delivered += (unsigned int)n;
  }
  return end_turn(receiver, &turn, next);
}

/* ---- Start and stop -------------------------------------------------------------------------- */

/* Its first turn finds out whether there is something to receive. */
static int start(uvchan_receiver_t* receiver, uvchan_recv_cb cb, uvchan_recv_batch_cb batch_cb) {
  int is_available;

  if (!is_usable(receiver) || (cb == NULL && batch_cb == NULL)) return UV_EINVAL;
  if ((receiver->flags & STARTED) != 0) return UV_EALREADY;
  receiver->cb = cb;
  receiver->batch_cb = batch_cb;
  receiver->flags &= ~(unsigned int)SINGLY;
  if (cb != NULL && uvchan__has_ring_to_receive(receiver->channel)) receiver->flags |= SINGLY;
  receiver->flags |= STARTED;
  ref_loop(receiver);
  is_available = is_counted_available(receiver);
  uvchan__receivers_add(receiver->channel, receiver, is_available);
  if ((receiver->flags & IN_TURN) == 0) post(receiver);
  return 0;
}

int uvchan_recv_start(uvchan_receiver_t* receiver, uvchan_recv_cb cb) {
  return start(receiver, cb, NULL);
}

int uvchan_recv_start_batch(uvchan_receiver_t* receiver, uvchan_recv_batch_cb cb) {
  return start(receiver, NULL, cb);
}

int uvchan_recv_stop(uvchan_receiver_t* receiver) {
  if (receiver == NULL) return UV_EINVAL;
  stop(receiver);
  return 0;
}

int uvchan_receiver_set_budget(uvchan_receiver_t* receiver, unsigned int values) {
  if (!is_usable(receiver) || values == 0) return UV_EINVAL;
  receiver->budget = values;
  return 0;
}

int uvchan_receiver_set_spin(uvchan_receiver_t* receiver, unsigned int microseconds) {
  if (!is_usable(receiver)) return UV_EINVAL;
  receiver->spin = (uint64_t)microseconds * 1000;
  return 0;
}

int uvchan_receiver_is_active(const uvchan_receiver_t* receiver) {
  return receiver != NULL && (receiver->flags & STARTED) != 0;
}

int uvchan_receiver_is_closing(const uvchan_receiver_t* receiver) {
  return receiver != NULL && (receiver->flags & CLOSING) != 0;
}

int uvchan_receiver_has_ref(const uvchan_receiver_t* receiver) {
  return receiver != NULL && (receiver->flags & UNREFERENCED) == 0;
}

void uvchan_receiver_ref(uvchan_receiver_t* receiver) {
  if (!is_usable(receiver) || (receiver->flags & UNREFERENCED) == 0) return;
  receiver->flags &= ~(unsigned int)UNREFERENCED;
  ref_loop(receiver);
}

void uvchan_receiver_unref(uvchan_receiver_t* receiver) {
  if (!is_usable(receiver) || (receiver->flags & UNREFERENCED) != 0) return;
  unref_loop(receiver);
  receiver->flags |= UNREFERENCED;
}

/* ---- Init and close -------------------------------------------------------------------------- */

int uvchan_receiver_init(uv_loop_t* loop, uvchan_receiver_t* receiver, uvchan_t* ch) {
  uvchan__hub_t* hub;
  void* slot = NULL;
  int r = UV_ENOMEM;

  if (loop == NULL || receiver == NULL || ch == NULL) return UV_EINVAL;
  if (uvchan__size_to_receive(ch) > UVCHAN__SCRATCH_BYTES) {
    slot = uvchan__malloc(uvchan__size_to_receive(ch));
    if (slot == NULL) return UV_ENOMEM;
  }
  if (uvchan__receivers_reserve(ch) != 0) goto free_slot;
  r = uvchan__hub_acquire(loop, &hub);
  if (r != 0) goto unreserve;

  receiver->loop = loop;
  receiver->channel = uvchan_retain(ch);
  receiver->next = receiver->prev = NULL;
  receiver->cb = NULL;
  receiver->batch_cb = NULL;
  receiver->close_cb = NULL;
  receiver->slot = slot;
  receiver->spin = receiver->last_value = 0;
  receiver->budget = UVCHAN__DEFAULT_BUDGET_VALUES;
  receiver->is_armed = receiver->was_busy = receiver->misses = receiver->skips = 0;
  receiver->flags = OPEN;
  if (uvchan__receivers_are_counted(ch)) receiver->flags |= COUNTED;
  receiver->is_first = 0;
  receiver->later.data = receiver;
  uvchan__waiter_init(&receiver->waiter, UVCHAN__RECEIVER, hub, take_turn);
  uvchan__place_init(&receiver->place, &receiver->waiter, ch, NULL, 0);
  return 0;

unreserve:
  uvchan__receivers_unreserve(ch);
free_slot:
  uvchan__free(slot);
  return r;
}

static void let_go(uvchan__hub_t* hub, void* const* args) {
  uvchan_release(args[0]);
  uvchan__hub_unref(hub);
  uvchan__hub_release(hub);
}

/* The loop is kept alive until the hub is let go: after the callback, or in the hub's next prepare
 * where that does not return. The reference for it comes before it is deferred, since let_go()
 * gives it back. From the callback on nothing of the receiver is touched, which may be freed. */
static void on_closed(uv_handle_t* later) {
  uvchan_receiver_t* receiver = later->data;
  uvchan__hub_t* hub = hub_of(receiver);

  receiver->flags = CLOSING;
  uvchan__receivers_unreserve(receiver->channel);
  uvchan__free(receiver->slot);
  receiver->slot = NULL;
  uvchan__hub_ref(hub);
  uvchan__hub_defer(hub, let_go)[0] = receiver->channel;
  if (receiver->close_cb != NULL) receiver->close_cb(receiver);
  uvchan__hub_run_deferred(hub);
}

void uvchan_receiver_close(uvchan_receiver_t* receiver, uvchan_receiver_close_cb cb) {
  if (!is_usable(receiver)) return;
  stop(receiver);
  /* it may be freed before the hub's next prepare */
  uvchan__hub_cancel_deferred(hub_of(receiver), recover, receiver);
  receiver->flags |= CLOSING;
  receiver->close_cb = cb;
  uvchan__hub_later(hub_of(receiver), receiver->loop, &receiver->later, on_closed);
}
