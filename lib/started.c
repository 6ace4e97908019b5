/* A channel's started receivers, as the channel sees them: joining, leaving, taking values, being at rest. Threads: the receiver's loop. */
#include "started.h"

#include "hub.h"

int uvchan__receiver_open(uvchan_t* ch) {
  uvchan__block_t* block;

  if (!uvchan__is_unbuffered(ch)) return 0;
  block = uvchan__block_new(uvchan__blocks_most_bytes(uvchan__blocks(ch)));
  if (block == NULL) return UV_ENOMEM;
  uvchan__lock(&ch->lock);
  uvchan__blocks(ch)->keep++;
  uvchan__blocks_add(uvchan__blocks(ch), block);
  uvchan__unlock(&ch->lock);
  return 0;
}

void uvchan__receiver_shut(uvchan_t* ch) {
  uvchan__block_t* block;

  if (!uvchan__is_unbuffered(ch)) return;
  uvchan__lock(&ch->lock);
  block = uvchan__blocks_shrink(uvchan__blocks(ch));
  uvchan__unlock(&ch->lock);
  uvchan__block_free_all(block);
}

/* [first.R] and [first.A]: that `started` leads to this receiver. Who is the first arms without the lock, and whoever takes ARMED off
 * looks for whom to post in `started`:
 *
 *      the first receiver that leaves             the next one              a sender
 *      started = the next one
 *      set_first(the next one)        [first.R]
 *                                     [first.A]   is_first()
 *                                     [word.R]    sets ARMED
 *                                                               [word.A]    takes ARMED off
 *                                                                           reads started
 *
 * Were one of the steps in between not ordered, the sender might still see the receiver that has left. A receiver that sees late that it
 * is the first waits in the queue until then, which is right too. */
static void set_first(uvchan_receiver_t* receiver, unsigned int is_first) {
  atomic_store_explicit(uvchan__atomic(&receiver->is_first), is_first, memory_order_release); /* [first.R] */
}

static int is_first(uvchan_receiver_t* receiver) {
  return atomic_load_explicit(uvchan__atomic(&receiver->is_first), memory_order_acquire) != 0; /* [first.A] */
}

/* Behind the first, which stays the first until it leaves: see I5 of channel.h. */
static void link_locked(uvchan_t* ch, uvchan_receiver_t* receiver) {
  uvchan_receiver_t* first = uvchan__first_started(ch);

  receiver->prev = first;
  receiver->next = NULL;
  set_first(receiver, first == NULL);
  if (first == NULL) {
    atomic_store_explicit(&ch->started, receiver, memory_order_relaxed); /* relaxed: see uvchan__first_started() */
    return;
  }
  receiver->next = first->next;
  first->next = receiver;
  if (receiver->next != NULL) receiver->next->prev = receiver;
}

static void unlink_locked(uvchan_t* ch, uvchan_receiver_t* receiver) {
  if (receiver->prev == NULL) {
    atomic_store_explicit(&ch->started, receiver->next, memory_order_relaxed); /* relaxed: [first.R] follows */
    if (receiver->next != NULL) set_first(receiver->next, 1);
  } else {
    receiver->prev->next = receiver->next;
  }
  if (receiver->next != NULL) receiver->next->prev = receiver->prev;
}

void uvchan__receiver_join(uvchan_t* ch, uvchan_receiver_t* receiver, int rests) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__enter(ch);
  link_locked(ch, receiver);
  if (rests) {
    uvchan__change_resting_locked(ch, 1);
    uvchan__admit_locked(ch, &visit);
  }
  uvchan__leave(ch, &visit);
}

void uvchan__receiver_leave(uvchan_t* ch, uvchan_receiver_t* receiver, int rests) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__enter(ch);
  unlink_locked(ch, receiver);
  if (rests) uvchan__change_resting_locked(ch, -1);
  uvchan__pass_on_locked(ch, &visit);
  uvchan__leave(ch, &visit);
}

/* Under the lock it is queued, or has tail ARMED, or somebody has taken the mark off and is about to post it. */
void uvchan__receiver_end_wait(uvchan_t* ch, uvchan_receiver_t* receiver) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int queued, owed;

  uvchan__enter(ch);
  queued = receiver->place.queued;
  uvchan__dequeue(&ch->receivers, &receiver->place);
  owed = receiver->is_armed && !queued && !uvchan__ring_disarm(&ch->ring);
  uvchan__leave(ch, &visit);
  if (owed) uvchan__hub_await_post(receiver->waiter.hub, &receiver->waiter.entry);
  receiver->is_armed = 0;
}

/* With place NULL it is not queued. Unbuffered, it is no longer at rest before the room is counted in which a waiting sender may put the
 * next value. */
static int take_slowly(uvchan_t* ch, uvchan__place_t* place, void* values, size_t n, size_t* moved) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int unbuffered = uvchan__is_unbuffered(ch);
  int r = UV_EAGAIN;

  *moved = 0;
  uvchan__enter(ch);
  if (place != NULL) uvchan__mark_for(ch, 0);
  if (unbuffered) {
    uvchan__change_resting_locked(ch, -1);
    n = 1;
  }
  while (*moved < n) {
    r = uvchan__recv_locked(ch, uvchan__nth(values, *moved, uvchan__size_to_receive(ch)), &visit);
    if (r != 0) break;
    ++*moved;
  }
  if (*moved > 0) r = 0;
  if (unbuffered && r != 0) uvchan__change_resting_locked(ch, 1);
  if (r == UV_EAGAIN && place != NULL && !place->queued) uvchan__enqueue_place(place);
  uvchan__leave(ch, &visit);
  return r;
}

int uvchan__receiver_take(uvchan_t* ch, void* values, size_t n, size_t* moved) {
  uvchan__ring_result_t r;

  if (n > 1) {
    r = uvchan__ring_pop_n(&ch->ring, values, n, UVCHAN__SLOW, moved);
  } else {
    r = uvchan__ring_pop(&ch->ring, values, UVCHAN__SLOW);
    *moved = 1;
  }
  return r == UVCHAN__RING_REFUSED ? take_slowly(ch, NULL, values, n, moved) : uvchan__from_ring(ch, r);
}

/* Waits without the lock where nobody else waits; that is tried again where a value came meanwhile and somebody else took it. */
int uvchan__receiver_take_or_wait(uvchan_t* ch, uvchan_receiver_t* receiver, void* values, size_t n, size_t* moved) {
  uvchan__ring_result_t armed = UVCHAN__RING_FULL;

  if (!uvchan__can_receive_fast(ch) || !is_first(receiver)) return take_slowly(ch, &receiver->place, values, n, moved);
  while (armed == UVCHAN__RING_FULL) {
    int r;

    armed = uvchan__ring_arm(&ch->ring);
    if (armed != UVCHAN__RING_FULL) break;
    r = uvchan__receiver_take(ch, values, n, moved);
    if (r != UV_EAGAIN) return r;
  }
  if (armed == UVCHAN__RING_REFUSED) return take_slowly(ch, &receiver->place, values, n, moved);
  receiver->is_armed = 1;
  return UV_EAGAIN;
}

void uvchan__receiver_rest(uvchan_t* ch) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__enter(ch);
  uvchan__change_resting_locked(ch, 1);
  uvchan__admit_locked(ch, &visit);
  uvchan__leave(ch, &visit);
}
