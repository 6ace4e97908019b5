/* The steps that every operation on a channel is made of; the invariants stand in channel.h. */
#include "channel.h"

#include <assert.h>
#include <string.h>

#include "drop.h"
#include "hub.h"
#include "memory.h"

/* ---- Visits --------------------------------------------------------------------------------------------------------------- */

void uvchan__enter(uvchan_t* ch) { uvchan__lock(&ch->lock); }

static void set_tail_slow(uvchan_t* ch, int slow) {
  if (!uvchan__has_ring(ch) || ch->tail_slow == slow) return;
  ch->tail_slow = (unsigned char)slow;
  (slow ? uvchan__ring_mark : uvchan__ring_unmark)(&ch->ring.tail, UVCHAN__SLOW);
}

static void set_head_slow(uvchan_t* ch, int slow) {
  if (!uvchan__has_ring(ch) || ch->head_slow == slow) return;
  ch->head_slow = (unsigned char)slow;
  (slow ? uvchan__ring_mark : uvchan__ring_unmark)(&ch->ring.head, UVCHAN__SLOW);
}

void uvchan__settle_marks(uvchan_t* ch) {
  set_tail_slow(ch, ch->senders.first != NULL || ch->receivers.first != NULL);
  set_head_slow(ch, ch->senders.first != NULL);
}

void uvchan__leave(uvchan_t* ch, uvchan__visit_t* visit) {
  uvchan__settle_marks(ch);
  ch->wakeups += visit->wakes.asleep;
  uvchan__unlock(&ch->lock); /* the last touch of the channel: who is woken may release it */
  uvchan__wake(&visit->wakes);
  uvchan__block_free_all(visit->block);
  uvchan__block_free_all(visit->superfluous);
}

/* ---- The store: with the lock --------------------------------------------------------------------------------------------- */

static int is_closed(const uvchan_t* ch) { return uvchan__ring_is_closed(&ch->ring); }

static size_t stored(const uvchan_t* ch) { return uvchan__has_ring(ch) ? uvchan__ring_len(&ch->ring) : ch->blocks->len; }

static int has_room(const uvchan_t* ch) {
  if (uvchan__has_ring(ch)) return uvchan__ring_len(&ch->ring) < ch->capacity;
  return uvchan__is_unbounded(ch) || ch->blocks->len < ch->resting;
}

/* 0, UV_EAGAIN without room, UV_ENOMEM where a block has to be brought along. */
static int push(uvchan_t* ch, const void* value, uvchan__visit_t* visit) {
  if (uvchan__has_ring(ch)) return uvchan__ring_push(&ch->ring, value, 0) == UVCHAN__RING_DONE ? 0 : UV_EAGAIN;
  if (!has_room(ch)) return UV_EAGAIN;
  if (!uvchan__blocks_has_room(ch->blocks)) {
    if (visit->block == NULL) return UV_ENOMEM;
    uvchan__blocks_add(ch->blocks, visit->block);
    visit->block = NULL;
  }
  uvchan__blocks_push(ch->blocks, value);
  return 0;
}

static int pop(uvchan_t* ch, void* value, uvchan__visit_t* visit) {
  if (uvchan__has_ring(ch)) return uvchan__ring_pop(&ch->ring, value, 0) == UVCHAN__RING_DONE ? 0 : UV_EAGAIN;
  if (ch->blocks->len == 0) return UV_EAGAIN;
  uvchan__blocks_pop(ch->blocks, value, &visit->superfluous);
  return 0;
}

static void copy(const uvchan_t* ch, void* to, const void* from) {
  if (ch->ring.elem_size != 0) memcpy(to, from, ch->ring.elem_size);
}

/* ---- The steps: with the lock --------------------------------------------------------------------------------------------- */

/* Tells a started receiver to look. */
static void notify(uvchan_t* ch, uvchan__place_t* place, uvchan__visit_t* visit) {
  uvchan__dequeue(&ch->receivers, place);
  uvchan__notify(place, &visit->wakes);
}

/* Claims the first who waits to receive and is not a started receiver; NULL where none is before the first of those. */
static uvchan__place_t* claim_receiver(uvchan_t* ch) {
  uvchan__place_t* place;

  while ((place = uvchan__first_waiting(&ch->receivers)) != NULL && place->waiter->kind != UVCHAN__RECEIVER) {
    uvchan__dequeue(&ch->receivers, place);
    if (uvchan__claim(place->waiter)) return place;
  }
  return NULL;
}

static uvchan__place_t* claim_sender(uvchan_t* ch) {
  uvchan__place_t* place;

  while ((place = uvchan__first_waiting(&ch->senders)) != NULL) {
    uvchan__dequeue(&ch->senders, place);
    if (uvchan__claim(place->waiter)) return place;
  }
  return NULL;
}

/* Gives the channel a value: to the first who waits to receive, else to the store. Values that are in the store already, because started
 * receivers have been told of them, are older: then the waiter gets the oldest, and the new one goes behind.
 * 0, UV_EAGAIN or UV_ENOMEM. */
static int offer(uvchan_t* ch, const void* value, uvchan__visit_t* visit) {
  uvchan__place_t* place;
  int r;

  if (uvchan__is_unbounded(ch) && visit->block == NULL && !uvchan__blocks_has_room(ch->blocks) && ch->blocks->len > 0) {
    return UV_ENOMEM; /* before anyone is claimed */
  }
  place = claim_receiver(ch);
  if (place != NULL) {
    if (pop(ch, place->value, visit) == 0) {
      r = push(ch, value, visit);
      assert(r == 0); /* into the room that the pop made: tail is SLOW, and blocks that were emptied are kept while they are needed */
    } else {
      copy(ch, place->value, value);
      ch->direct++;
    }
    uvchan__finish(place, 0, &visit->wakes);
    return 0;
  }
  r = push(ch, value, visit);
  if (r == 0 && (place = uvchan__first_waiting(&ch->receivers)) != NULL) notify(ch, place, visit);
  return r;
}

/* Lets waiting senders fill the room there is. */
static void admit(uvchan_t* ch, uvchan__visit_t* visit) {
  uvchan__place_t* place;

  while (has_room(ch) && (place = claim_sender(ch)) != NULL) {
    int r = offer(ch, place->value, visit);

    assert(r == 0); /* no room is lost meanwhile: tail is SLOW while senders wait */
    (void)r;
    uvchan__finish(place, 0, &visit->wakes);
  }
}

/* A started receiver goes away that may have been told of values: tells the next, or hands them on. */
static void pass_on(uvchan_t* ch, uvchan__visit_t* visit) {
  size_t n;

  if (ch->receivers.first == NULL) return;
  set_head_slow(ch, 1); /* or a receiver on the fast path takes the value for which somebody is claimed */
  for (n = stored(ch); n > 0; n--) {
    uvchan__place_t* place = claim_receiver(ch);

    if (place != NULL) {
      int r = pop(ch, place->value, visit);

      assert(r == 0);
      (void)r;
      uvchan__finish(place, 0, &visit->wakes);
    } else if ((place = uvchan__first_waiting(&ch->receivers)) != NULL) {
      notify(ch, place, visit);
    }
  }
  admit(ch, visit);
}

static int send_locked(uvchan_t* ch, const void* value, uvchan__visit_t* visit) {
  if (is_closed(ch)) return UV_EPIPE;
  if (uvchan__first_waiting(&ch->senders) != NULL) return UV_EAGAIN; /* in the order of arrival */
  return offer(ch, value, visit);
}

static int recv_locked(uvchan_t* ch, void* value, uvchan__visit_t* visit) {
  uvchan__place_t* place;

  if (pop(ch, value, visit) == 0) {
    admit(ch, visit);
    return 0;
  }
  place = claim_sender(ch);
  if (place != NULL) {
    copy(ch, value, place->value);
    ch->direct++;
    uvchan__finish(place, 0, &visit->wakes);
    return 0;
  }
  return is_closed(ch) ? ch->end : UV_EAGAIN;
}

/* Mark, look again, sleep: see I4 of ring.h. A sender marks both words: head, so that the next receiver sees it, and tail, so that no
 * later sender overtakes it. */
void uvchan__mark_for(uvchan_t* ch, int sends) {
  set_tail_slow(ch, 1);
  if (sends) set_head_slow(ch, 1);
}

void uvchan__enqueue_place(uvchan__place_t* place) {
  uvchan_t* ch = place->channel;

  uvchan__enqueue(place->sends ? &ch->senders : &ch->receivers, place);
}

int uvchan__shut_locked(uvchan_t* ch, int status, uvchan__visit_t* visit) {
  uvchan__place_t* place;

  if (is_closed(ch)) return UV_EALREADY;
  ch->end = status;
  uvchan__ring_mark(&ch->ring.tail, UVCHAN__CLOSED);
  while ((place = claim_sender(ch)) != NULL) uvchan__finish(place, UV_EPIPE, &visit->wakes);
  for (;;) {
    place = claim_receiver(ch);
    if (place != NULL) {
      uvchan__finish(place, pop(ch, place->value, visit) == 0 ? 0 : status, &visit->wakes);
      continue;
    }
    place = uvchan__first_waiting(&ch->receivers);
    if (place == NULL) return 0;
    notify(ch, place, visit);
  }
}

/* ---- Operations that do not wait ------------------------------------------------------------------------------------------ */

/* One visit, or two where a block has to be made for it. */
static int send_slowly(uvchan_t* ch, const void* value, uvchan__block_t* block) {
  int r;

  for (;;) {
    uvchan__visit_t visit = UVCHAN__VISIT(block);

    uvchan__enter(ch);
    r = send_locked(ch, value, &visit);
    uvchan__leave(ch, &visit);
    if (r != UV_ENOMEM) break;
    block = uvchan__block_new(ch->blocks);
    if (block == NULL) return UV_ENOMEM;
  }
  return r == UV_EAGAIN && ch->overflow != UVCHAN_WAIT ? uvchan__send_overflowing(ch, value) : r;
}

int uvchan__send_now(uvchan_t* ch, const void* value, uvchan__block_t* block) {
  switch (uvchan__ring_push(&ch->ring, value, UVCHAN__MARKS)) {
    case UVCHAN__RING_DONE:
      return 0;
    case UVCHAN__RING_FULL:
      return ch->overflow == UVCHAN_WAIT ? UV_EAGAIN : uvchan__send_overflowing(ch, value);
    default:
      return send_slowly(ch, value, block);
  }
}

int uvchan__send_displacing(uvchan_t* ch, const void* value, void* oldest, int* displaced) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int r;

  *displaced = 0;
  uvchan__enter(ch);
  set_tail_slow(ch, 1); /* or a sender on the fast path takes the room */
  r = send_locked(ch, value, &visit);
  if (r == UV_EAGAIN) {
    *displaced = pop(ch, oldest, &visit) == 0;
    r = send_locked(ch, value, &visit);
  }
  uvchan__leave(ch, &visit);
  return r;
}

static int recv_slowly(uvchan_t* ch, void* values, size_t n, size_t* moved) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int r = 0;

  *moved = 0;
  uvchan__enter(ch);
  while (*moved < n) {
    r = recv_locked(ch, (unsigned char*)values + *moved * ch->ring.elem_size, &visit);
    if (r != 0) break;
    ++*moved;
  }
  uvchan__leave(ch, &visit);
  return *moved > 0 ? 0 : r;
}

static int from_ring(const uvchan_t* ch, uvchan__ring_result_t r) {
  if (r == UVCHAN__RING_DONE) return 0;
  return r == UVCHAN__RING_ENDED ? ch->end : UV_EAGAIN;
}

int uvchan__recv_now(uvchan_t* ch, void* value) {
  uvchan__ring_result_t r = uvchan__ring_pop(&ch->ring, value, UVCHAN__SLOW);
  size_t moved;

  return r == UVCHAN__RING_REFUSED ? recv_slowly(ch, value, 1, &moved) : from_ring(ch, r);
}

int uvchan__recv_some(uvchan_t* ch, void* values, size_t n, size_t* moved) {
  uvchan__ring_result_t r = uvchan__ring_pop_n(&ch->ring, values, n, UVCHAN__SLOW, moved);

  return r == UVCHAN__RING_REFUSED ? recv_slowly(ch, values, n, moved) : from_ring(ch, r);
}

int uvchan__send_some(uvchan_t* ch, const void* values, size_t n, size_t* moved) {
  int r = 0;

  *moved = 0;
  while (*moved < n) {
    const void* rest = (const unsigned char*)values + *moved * ch->ring.elem_size;
    size_t k;

    if (uvchan__ring_push_n(&ch->ring, rest, n - *moved, UVCHAN__MARKS, &k) == UVCHAN__RING_DONE) {
      *moved += k;
      continue;
    }
    r = uvchan__send_now(ch, rest, NULL);
    if (r != 0) break;
    ++*moved;
  }
  return *moved > 0 ? 0 : r;
}

/* ---- Operations that may wait --------------------------------------------------------------------------------------------- */

/* With the lock. Whether the only ones who could ever take a value are started receivers, all of them on the calling thread's loops. */
static int only_own_receivers(uvchan_t* ch) {
  const uvchan_receiver_t* receiver;

  if (ch->started == NULL) return 0;
  for (receiver = ch->started; receiver != NULL; receiver = receiver->next) {
    if (!uvchan__hub_runs_here(receiver->waiter.hub)) return 0;
  }
  return 1;
}

int uvchan__send_or_enqueue(uvchan_t* ch, uvchan__place_t* place, uvchan__block_t* block, int never_alone) {
  uvchan__visit_t visit = UVCHAN__VISIT(block);
  int r;

  if (ch->overflow != UVCHAN_WAIT || uvchan__is_unbounded(ch)) return uvchan__send_now(ch, place->value, block);
  uvchan__enter(ch);
  uvchan__mark_for(ch, 1);
  r = send_locked(ch, place->value, &visit);
  if (r == UV_EAGAIN && never_alone && only_own_receivers(ch)) r = UV_EBUSY;
  if (r == UV_EAGAIN) uvchan__enqueue_place(place);
  uvchan__leave(ch, &visit);
  return r;
}

int uvchan__recv_or_enqueue(uvchan_t* ch, uvchan__place_t* place) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int r;

  uvchan__enter(ch);
  uvchan__mark_for(ch, 0);
  r = recv_locked(ch, place->value, &visit);
  if (r == UV_EAGAIN) uvchan__enqueue_place(place);
  uvchan__leave(ch, &visit);
  return r;
}

void uvchan__remove(uvchan__place_t* place) {
  uvchan_t* ch = place->channel;
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__enter(ch);
  uvchan__dequeue(place->sends ? &ch->senders : &ch->receivers, place);
  uvchan__leave(ch, &visit);
}

int uvchan__is_ready_locked(uvchan_t* ch, int sends) {
  if (is_closed(ch)) return 1;
  if (!sends) return stored(ch) > 0 || uvchan__first_waiting(&ch->senders) != NULL;
  if (ch->overflow != UVCHAN_WAIT) return 1;
  if (uvchan__first_waiting(&ch->senders) != NULL) return 0;
  return has_room(ch) || (uvchan__first_waiting(&ch->receivers) != NULL && ch->receivers.first->waiter->kind != UVCHAN__RECEIVER);
}

int uvchan__is_ready(uvchan_t* ch, int sends) {
  int ready;

  uvchan__lock(&ch->lock);
  ready = uvchan__is_ready_locked(ch, sends);
  uvchan__unlock(&ch->lock);
  return ready;
}

/* ---- Started receivers ---------------------------------------------------------------------------------------------------- */

int uvchan__receiver_open(uvchan_t* ch) {
  uvchan__block_t* block;

  if (!uvchan__is_unbuffered(ch)) return 0;
  block = uvchan__block_new(ch->blocks);
  if (block == NULL) return UV_ENOMEM;
  uvchan__lock(&ch->lock);
  ch->blocks->keep++;
  uvchan__blocks_add(ch->blocks, block);
  uvchan__unlock(&ch->lock);
  return 0;
}

void uvchan__receiver_shut(uvchan_t* ch) {
  uvchan__block_t* block;

  if (!uvchan__is_unbuffered(ch)) return;
  uvchan__lock(&ch->lock);
  block = uvchan__blocks_shrink(ch->blocks);
  uvchan__unlock(&ch->lock);
  uvchan__block_free_all(block);
}

void uvchan__receiver_join(uvchan_t* ch, uvchan_receiver_t* receiver, int rests) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__enter(ch);
  receiver->prev = NULL;
  receiver->next = ch->started;
  if (ch->started != NULL) ch->started->prev = receiver;
  ch->started = receiver;
  if (rests) {
    ch->resting++;
    admit(ch, &visit);
  }
  uvchan__leave(ch, &visit);
}

void uvchan__receiver_leave(uvchan_t* ch, uvchan_receiver_t* receiver, int rests) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__enter(ch);
  if (receiver->prev == NULL) {
    ch->started = receiver->next;
  } else {
    receiver->prev->next = receiver->next;
  }
  if (receiver->next != NULL) receiver->next->prev = receiver->prev;
  if (rests) ch->resting--;
  uvchan__dequeue(&ch->receivers, &receiver->place);
  pass_on(ch, &visit);
  uvchan__leave(ch, &visit);
}

/* The end, or UV_EAGAIN and queued, or a value and (unbuffered) no longer at rest: before the room is counted in which a waiting sender
 * may put the next value. */
static int take_slowly(uvchan_t* ch, uvchan__place_t* place, void* values, size_t n, size_t* moved) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int unbuffered = uvchan__is_unbuffered(ch);
  int r = UV_EAGAIN;

  *moved = 0;
  uvchan__enter(ch);
  uvchan__mark_for(ch, 0);
  if (unbuffered) {
    ch->resting--;
    n = 1;
  }
  while (*moved < n) {
    r = recv_locked(ch, (unsigned char*)values + *moved * ch->ring.elem_size, &visit);
    if (r != 0) break;
    ++*moved;
  }
  if (*moved > 0) r = 0;
  if (unbuffered && r != 0) ch->resting++;
  if (r == UV_EAGAIN && !place->queued) uvchan__enqueue_place(place);
  uvchan__leave(ch, &visit);
  return r;
}

int uvchan__receiver_take(uvchan_t* ch, uvchan__place_t* place, void* values, size_t n, size_t* moved) {
  uvchan__ring_result_t r;

  if (n > 1) {
    r = uvchan__ring_pop_n(&ch->ring, values, n, UVCHAN__SLOW, moved);
  } else {
    r = uvchan__ring_pop(&ch->ring, values, UVCHAN__SLOW);
    *moved = 1;
  }
  if (r == UVCHAN__RING_DONE || r == UVCHAN__RING_ENDED) return from_ring(ch, r);
  return take_slowly(ch, place, values, n, moved);
}

void uvchan__receiver_rest(uvchan_t* ch) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);

  uvchan__enter(ch);
  ch->resting++;
  admit(ch, &visit);
  uvchan__leave(ch, &visit);
}
