/* SPDX-License-Identifier: MIT */
/* A channel's started receivers: their list, how they take values, and how they wait and stop.
 * Threads: receivers.h; what a sender on another thread sees of a receiver is its role, its place
 * and its entry. */
#include "channel/receivers.h"

#include "channel/aging.h"
#include "channel/steps.h"
#include "ground/tuning.h"
#include "wake/posts.h"

int uvchan__receivers_are_counted(const uvchan_t* ch) { return uvchan__is_unbuffered(ch); }

int uvchan__receivers_reserve(uvchan_t* ch) {
  uvchan__block_t* block;

  if (!uvchan__is_unbuffered(ch)) return 0;
  block = uvchan__block_new(uvchan__blocks_most_bytes(uvchan__blocks(ch)));
  if (block == NULL) return UV_ENOMEM;
  uvchan__lock_channel(ch);
  uvchan__blocks(ch)->keep++;
  uvchan__blocks_add(uvchan__blocks(ch), block);
  uvchan__unlock_channel(ch);
  return 0;
}

void uvchan__receivers_unreserve(uvchan_t* ch) {
  uvchan__block_t* block;

  if (!uvchan__is_unbuffered(ch)) return;
  uvchan__lock_channel(ch);
  block = uvchan__blocks_shrink(uvchan__blocks(ch));
  uvchan__unlock_channel(ch);
  uvchan__block_free_all(block);
}

/* [first.R] and [first.A]: that `started` leads to this receiver. Who is the first arms without the
 * lock, and whoever takes ARMED off looks for whom to post in `started`:
 *
 *      the first receiver that leaves             the next one              a sender
 *      started = the next one
 *      set_role(the next one)         [first.R]
 *                                     [first.A]   is_first()
 *                                     [word.R]    sets ARMED
 *                                                               [word.A]    takes ARMED off
 *                                                                           reads started
 *
 * Were one of the steps in between not ordered, the sender might still see the receiver that has
 * left. A receiver that sees late that it is the first waits in the queue until then, which is
 * right too. */
static void set_role(uvchan_receiver_t* receiver, unsigned int role) {
  /* [first.R] */
  atomic_store_explicit(uvchan__atomic(&receiver->is_first), role, memory_order_release);
}

static int is_first(uvchan_receiver_t* receiver) { /* [first.A] */
  return (atomic_load_explicit(uvchan__atomic(&receiver->is_first), memory_order_acquire) &
          UVCHAN__FIRST) != 0;
}

/* The list of started receivers: the first, which stays the first until it leaves (I5 of state.h);
 * the leaders of other loops, one for each loop (I6); and the others. */

static int is_of_loop(const uvchan_receiver_t* receiver, const uvchan__hub_t* hub) {
  return receiver->waiter.hub == hub;
}

static void note_loops(uvchan_t* ch) {
  uvchan_receiver_t* first = uvchan__first_started(ch);

  ch->several_loops = first != NULL && first->next != NULL && uvchan__is_leader(first->next);
}

static void insert_behind(uvchan_receiver_t* before, uvchan_receiver_t* receiver) {
  receiver->prev = before;
  receiver->next = before->next;
  before->next = receiver;
  if (receiver->next != NULL) receiver->next->prev = receiver;
}

static void set_started(uvchan_t* ch, uvchan_receiver_t* first) {
  atomic_store_explicit(&ch->started, first, memory_order_relaxed); /* relaxed: [first.R] follows */
  if (first != NULL) set_role(first, UVCHAN__FIRST | UVCHAN__LEADER);
}

static void link_locked(uvchan_t* ch, uvchan_receiver_t* receiver) {
  uvchan_receiver_t* first = uvchan__first_started(ch);
  uvchan_receiver_t* last = first; /* of the leaders */
  int is_led;

  receiver->prev = receiver->next = NULL;
  if (first == NULL) {
    set_started(ch, receiver);
    return;
  }
  is_led = is_of_loop(last, receiver->waiter.hub);
  while (last->next != NULL && uvchan__is_leader(last->next)) {
    last = last->next;
    is_led |= is_of_loop(last, receiver->waiter.hub);
  }
  set_role(receiver, is_led ? 0 : UVCHAN__LEADER);
  insert_behind(last, receiver);
}

static void take_out(uvchan_receiver_t* receiver) {
  if (receiver->prev != NULL) receiver->prev->next = receiver->next;
  if (receiver->next != NULL) receiver->next->prev = receiver->prev;
}

/* F: the first; L: a leader; each loop, a to c, has one of them. In front are the leaders, whose
 * order among themselves says nothing.
 *
 *      who leaves                before                 after
 *      the first, a, with        F:a  L:b  L:c  a  b    F:b  L:a  L:c  b
 *      others of its loop
 *      the first, alone there    F:a  L:b  L:c  b       F:b  L:c  b
 *      another leader, b         F:a  L:b  L:c  a  b    F:a  L:b  L:c  a     (the other b)
 *      one that leads nobody     F:a  L:b  L:c  a  b    F:a  L:b  L:c  a
 *
 * The next one in the list becomes the first: a leader, or where there is one loop alone, the next
 * of that. The heir is another one of the loop that has lost its leader; where that is not the
 * first, or a leader already, it goes behind the first, to the leaders. */
static void unlink_receiver_locked(uvchan_t* ch, uvchan_receiver_t* receiver) {
  int was_leader = uvchan__is_leader(receiver);
  uvchan_receiver_t* heir;

  take_out(receiver);
  if (receiver->prev == NULL) set_started(ch, receiver->next);
  if (!was_leader) return;
  for (heir = uvchan__first_started(ch); heir != NULL && !is_of_loop(heir, receiver->waiter.hub);)
    heir = heir->next;
  if (heir == NULL || uvchan__is_leader(heir)) return;
  take_out(heir);
  set_role(heir, UVCHAN__LEADER);
  insert_behind(uvchan__first_started(ch), heir);
}

void uvchan__receivers_add(uvchan_t* ch, uvchan_receiver_t* receiver, int is_available) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__lock_channel(ch);
  link_locked(ch, receiver);
  note_loops(ch);
  if (is_available) {
    uvchan__change_available_locked(ch, 1);
    uvchan__unblock_senders_locked(ch, &visit);
  }
  uvchan__unlock_and_wake(ch, &visit);
}

void uvchan__receivers_remove(uvchan_t* ch, uvchan_receiver_t* receiver, int is_available) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__lock_channel(ch);
  unlink_receiver_locked(ch, receiver);
  note_loops(ch);
  if (is_available) uvchan__change_available_locked(ch, -1);
  uvchan__pass_on_locked(ch, &visit);
  uvchan__unlock_and_wake(ch, &visit);
}

/* A receiver that waits does so in one of three ways; which one can't change with the lock held:
 *
 *      it is queued              it is taken out, and nobody finds it any more: who had found it
 *                                before has posted it with the lock held
 *      it has tail ARMED         it takes the mark off, and nobody looks for it any more
 *      neither, and is_armed     somebody has taken the mark off: on the fast path, and is between
 *                                that and his post; or with the lock held, and has posted it
 *
 * In the last case the post is awaited, for the receiver's memory may go soon after this; without
 * the lock, which somebody else may hold meanwhile. It is in the list then: its turn, which would
 * take it out, comes on this thread alone, and resets is_armed. */
void uvchan__receivers_end_wait(uvchan_t* ch, uvchan_receiver_t* receiver) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int queued, is_posted;

  uvchan__lock_channel(ch);
  queued = receiver->place.queued;
  uvchan__dequeue_place(&receiver->place);
  is_posted = receiver->is_armed && !queued && !uvchan__ring_disarm(&ch->ring);
  uvchan__unlock_and_wake(ch, &visit);
  if (is_posted) uvchan__hub_await_post(receiver->waiter.hub, &receiver->waiter.entry);
  receiver->is_armed = 0;
}

/* With place NULL it is not queued. On an unbuffered channel it gets one value, and is no longer
 * available from there to the end of its callback. That is counted before the value is taken, which
 * lets a waiting sender fill the room: were the receiver still counted, there would be room for a
 * value that nobody can be called back with. Where there was nothing to take, it is available as
 * before; no sender waits then who could have filled the room. */
static int take_in(uvchan__visit_t* visit, uvchan_t* ch, uvchan__place_t* place, void* values,
                   size_t n, size_t* moved) {
  int unbuffered = uvchan__is_unbuffered(ch);
  int r = UV_EAGAIN;

  *moved = 0;
  uvchan__lock_channel(ch);
  if (place != NULL) uvchan__mark_for(ch, 0);
  if (unbuffered) {
    uvchan__change_available_locked(ch, -1);
    n = 1;
  }
  while (*moved < n) {
    r = uvchan__recv_locked(ch, uvchan__nth(values, *moved, uvchan__size_to_receive(ch)), visit);
    if (r != 0) break;
    visit->held = NULL; /* its memory has a value in it */
    ++*moved;
  }
  if (*moved > 0) r = 0;
  if (unbuffered && r != 0) uvchan__change_available_locked(ch, 1);
  if (unbuffered && r == UVCHAN__OVERDUE) uvchan__unblock_senders_locked(ch, visit);
  if (r == UV_EAGAIN && place != NULL && !place->queued) uvchan__enqueue_place(place);
  uvchan__unlock_and_wake(ch, visit);
  return r;
}

/* What has to be dropped is held where the values would go, so no memory is asked for, and nothing
 * is taken in the same visit; what is left over is found by the next. So each drop_cb is followed
 * by another look at the receiver, which it may have stopped. */
static UVCHAN__APART int take_aged(uvchan_t* ch, uvchan__place_t* place, void* values, size_t n,
                                   size_t* moved) {
  size_t size = uvchan__size_to_receive(ch);
  uvchan__held_t held;
  uvchan__visit_t visit = UVCHAN__VISIT_HOLDING(NULL, &held);
  int r;

  uvchan__held_init(&held, ch, values, size > UVCHAN__SCRATCH_BYTES ? size : UVCHAN__SCRATCH_BYTES);
  held.is_apart = !ch->has_drops;
  r = take_in(&visit, ch, place, values, n, moved);
  if (r != UVCHAN__OVERDUE) return r;
  *moved = visit.ncut;
  uvchan__drop_held(ch, &held);
  return UVCHAN__LOOK_ANEW;
}

static int take_under_lock(uvchan_t* ch, uvchan__place_t* place, void* values, size_t n,
                           size_t* moved) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  if (ch->is_aging) return take_aged(ch, place, values, n, moved);
  return take_in(&visit, ch, place, values, n, moved);
}

int uvchan__receivers_take(uvchan_t* ch, void* values, size_t n, size_t* moved) {
  uvchan__ring_result_t r;

  if (n > 1) {
    r = uvchan__ring_pop_n(&ch->ring, values, n, UVCHAN__SLOW, moved);
  } else {
    r = uvchan__ring_pop(&ch->ring, values, UVCHAN__SLOW);
    *moved = 1;
  }
  if (r == UVCHAN__RING_DONE) UVCHAN__PROBE2(receive, ch, *moved);
  return r == UVCHAN__RING_REFUSED ? take_under_lock(ch, NULL, values, n, moved)
                                   : uvchan__from_ring(ch, r);
}

/* Waits without the lock where nobody else waits; that is tried again where a value came meanwhile
 * and somebody else took it. */
int uvchan__receivers_take_or_wait(uvchan_t* ch, uvchan_receiver_t* receiver, void* values,
                                   size_t n, size_t* moved) {
  uvchan__ring_result_t armed = UVCHAN__RING_FULL;

  if (!uvchan__has_ring_to_receive(ch) || !is_first(receiver))
    return take_under_lock(ch, &receiver->place, values, n, moved);
  while (armed == UVCHAN__RING_FULL) {
    int r;

    armed = uvchan__ring_arm(&ch->ring);
    if (armed != UVCHAN__RING_FULL) break;
    r = uvchan__receivers_take(ch, values, n, moved);
    if (r != UV_EAGAIN) return r;
  }
  if (armed == UVCHAN__RING_REFUSED) return take_under_lock(ch, &receiver->place, values, n, moved);
  receiver->is_armed = 1;
  return UV_EAGAIN;
}

void uvchan__receivers_make_available(uvchan_t* ch) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__lock_channel(ch);
  uvchan__change_available_locked(ch, 1);
  uvchan__unblock_senders_locked(ch, &visit);
  uvchan__unlock_and_wake(ch, &visit);
}
