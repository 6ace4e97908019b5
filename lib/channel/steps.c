/* SPDX-License-Identifier: MIT */
/* The steps that every operation on a channel is made of. Threads: steps.h. The invariants that
 * they keep: state.h. */
#include "channel/steps.h"

#include <assert.h>

#include "ground/probes.h"
#include "wake/posts.h"

/* ---- Visits ---------------------------------------------------------------------------------- */

void uvchan__lock_channel(uvchan_t* ch) { uvchan__lock(&ch->lock); }

void uvchan__unlock_channel(uvchan_t* ch) { uvchan__unlock(&ch->lock); }

/* Where a receiver has tail ARMED, that mark goes in the exchange that sets SLOW. To senders this
 * and the queueing of the receiver are one step: who has moved tail before it has taken ARMED off
 * himself, and posts it; who comes after it is refused, takes the lock, and finds its place. */
static void set_tail_slow(uvchan_t* ch, int slow) {
  if (ch->tail_slow == slow || ch->tail_slow == UVCHAN__SLOW_FOR_EVER) return;
  ch->tail_slow = (unsigned char)slow;
  if (!slow) {
    uvchan__ring_unmark(&ch->ring.tail, UVCHAN__SLOW);
  } else if (uvchan__ring_mark(&ch->ring.tail, UVCHAN__SLOW)) {
    uvchan__enqueue_place(&uvchan__first_started(ch)->place);
  }
}

static void set_head_slow(uvchan_t* ch, int slow) {
  if (ch->head_slow == slow || ch->head_slow == UVCHAN__SLOW_FOR_EVER) return;
  ch->head_slow = (unsigned char)slow;
  if (slow) {
    uvchan__ring_mark(&ch->ring.head, UVCHAN__SLOW);
  } else {
    uvchan__ring_unmark(&ch->ring.head, UVCHAN__SLOW);
  }
}

void uvchan__update_marks(uvchan_t* ch) {
  set_tail_slow(ch,
                ch->sendq.first != NULL || ch->recvq.first != NULL || ch->startedq.first != NULL);
  set_head_slow(ch, ch->sendq.first != NULL);
}

void uvchan__unlock_and_wake(uvchan_t* ch, uvchan__visit_t* visit) {
  uvchan__update_marks(ch);
  if (visit->wakes.asleep > 0) uvchan__count(&ch->wakeups, visit->wakes.asleep);
  uvchan__unlock(&ch->lock); /* the last touch of the channel: who is woken may release it */
  if (visit->wakes.first != NULL || visit->wakes.hubs != NULL) uvchan__wake_all(&visit->wakes);
  uvchan__block_free_all(visit->block);
  uvchan__block_free_all(visit->superfluous);
}

void uvchan__tell_armed_locked(uvchan_t* ch, uvchan__visit_t* visit) {
  UVCHAN__PROBE3(wake, ch, &uvchan__first_started(ch)->waiter, 0);
  uvchan__tell(&uvchan__first_started(ch)->waiter, &visit->wakes);
}

/* Asks the hub by itself: nobody was claimed, so there is nothing to collect. The receiver may be
 * gone as soon as it is posted; the channel is not, for the caller has a reference. */
void uvchan__post_armed(uvchan_t* ch) {
  uvchan__waiter_t* first = &uvchan__first_started(ch)->waiter;
  uvchan__hub_t* hubs = NULL;
  unsigned int asleep;

  UVCHAN__PROBE3(wake, ch, first, 0);
  asleep = uvchan__hub_post(first->hub, &first->entry, &hubs);
  if (hubs == NULL) return;
  if (asleep > 0) uvchan__count(&ch->wakeups, asleep);
  uvchan__hub_wake_all(hubs);
}

/* ---- The store: with the lock ---------------------------------------------------------------- */

static size_t stored(const uvchan_t* ch) {
  return uvchan__has_ring(ch) ? uvchan__ring_len(&ch->ring) : uvchan__blocks(ch)->len;
}

static int has_room(const uvchan_t* ch) {
  if (uvchan__has_ring(ch)) return uvchan__ring_len(&ch->ring) < ch->ring.tail.capacity;
  return uvchan__is_unbounded(ch) || uvchan__blocks(ch)->len < uvchan__store(ch)->available;
}

/* The one look at the clock of a visit to a channel whose values grow old. */
static uint64_t time_of(uvchan__visit_t* visit) {
  if (visit->now == 0) visit->now = uv_hrtime();
  return visit->now;
}

/* For uvchan__stamp_locked(). */
static void note_change(uvchan_t* ch) {
  if (!uvchan__has_ring(ch)) uvchan__store(ch)->changes++;
}

/* A block for the next value: one that was brought along, or one that has become superfluous in
 * this visit. */
static int has_block(uvchan_t* ch, uvchan__visit_t* visit) {
  uvchan__block_t** list = visit->block != NULL ? &visit->block : &visit->superfluous;
  uvchan__block_t* block = *list;

  if (uvchan__blocks_has_room(uvchan__blocks(ch))) return 1;
  if (block == NULL) {
    visit->wanted = uvchan__blocks_next_bytes(uvchan__blocks(ch));
    return 0;
  }
  *list = uvchan__block_next(block);
  uvchan__blocks_add(uvchan__blocks(ch), block);
  return 1;
}

static int push_any(uvchan_t* ch, const void* value, uvchan__visit_t* visit) {
  if (uvchan__has_ring(ch)) {
    uvchan__ring_result_t r = uvchan__ring_push(&ch->ring, value, 0);

    if (r == UVCHAN__RING_DISARMED) uvchan__tell_armed_locked(ch, visit);
    return r == UVCHAN__RING_FULL ? UV_EAGAIN : 0;
  }
  if (!has_room(ch)) return UV_EAGAIN;
  if (!has_block(ch, visit)) return UV_ENOMEM;
  uvchan__blocks_push(uvchan__blocks(ch), value);
  note_change(ch);
  return 0;
}

static UVCHAN__APART int push_stamped(uvchan_t* ch, const void* value, uvchan__visit_t* visit) {
  int r = push_any(ch, value, visit);

  if (r == 0) uvchan__stamp_newest_locked(ch, time_of(visit));
  return r;
}

/* 0, UV_EAGAIN without room, UV_ENOMEM where a block has to be brought along. */
static int push(uvchan_t* ch, const void* value, uvchan__visit_t* visit) {
  return UVCHAN__RARELY(ch->is_aging) ? push_stamped(ch, value, visit) : push_any(ch, value, visit);
}

int uvchan__pop_locked(uvchan_t* ch, void* value, uvchan__visit_t* visit) {
  if (uvchan__has_ring(ch))
    return uvchan__ring_pop(&ch->ring, value, 0) == UVCHAN__RING_DONE ? 0 : UV_EAGAIN;
  if (uvchan__blocks(ch)->len == 0) return UV_EAGAIN;
  uvchan__blocks_pop(uvchan__blocks(ch), value, &visit->superfluous);
  note_change(ch);
  return 0;
}

/* One who waits is claimed, and has got what he waits for. */
static void finish_waiter(uvchan_t* ch, uvchan__place_t* place, uvchan__visit_t* visit) {
  UVCHAN__PROBE3(wake, ch, place->waiter, 0);
  (void)ch;
  uvchan__finish(place, 0, &visit->wakes);
}

static void copy(const uvchan_t* ch, void* to, const void* from) {
  uvchan__copy(to, from, uvchan__size_to_receive(ch));
}

/* ---- The steps: with the lock ---------------------------------------------------------------- */

void uvchan__tell_started_locked(uvchan_t* ch, uvchan__place_t* place, uvchan__visit_t* visit) {
  UVCHAN__PROBE3(wake, ch, place->waiter, 0);
  uvchan__dequeue(&ch->startedq, place);
  uvchan__tell(place->waiter, &visit->wakes);
}

/* Tells the started receivers to look that have to: see I6. Answers 0 where none waits. */
static int tell_receivers(uvchan_t* ch, uvchan__visit_t* visit) {
  uvchan__place_t* place = uvchan__first_waiting(&ch->startedq);
  uvchan_receiver_t* leader;

  if (place == NULL) return 0;
  uvchan__tell_started_locked(ch, place, visit);
  if (!ch->several_loops) return 1;
  for (leader = uvchan__first_started(ch); leader != NULL && uvchan__is_leader(leader);
       leader = leader->next) {
    if (leader->place.queued && leader->waiter.hub != place->waiter->hub)
      uvchan__tell_started_locked(ch, &leader->place, visit);
  }
  return 1;
}

/* Whether a waiter comes before the started receivers: see I6. */
static int precedes_receivers(const uvchan_t* ch, const uvchan__place_t* place) {
  const uvchan__place_t* first = ch->startedq.first;

  return first == NULL || first->waiter->hub != place->waiter->hub ||
         (int)(place->order - first->order) < 0;
}

/* Claims the first who waits to receive and is no started receiver. NULL where there is none; or,
 * unless_behind, where each waits behind a started receiver of his loop: the first of those is soon
 * told, and then goes behind them all. */
static uvchan__place_t* claim_receiver(uvchan_t* ch, int unless_behind) {
  uvchan__place_t* place = uvchan__first_waiting(&ch->recvq);

  while (place != NULL) {
    uvchan__place_t* next = place->next;

    if (!unless_behind || precedes_receivers(ch, place)) {
      uvchan__dequeue(&ch->recvq, place);
      if (uvchan__claim(place->waiter)) return place;
    }
    place = next;
  }
  return NULL;
}

static uvchan__place_t* claim_sender(uvchan_t* ch) {
  uvchan__place_t* place;

  while ((place = uvchan__first_waiting(&ch->sendq)) != NULL) {
    uvchan__dequeue(&ch->sendq, place);
    if (uvchan__claim(place->waiter)) return place;
  }
  return NULL;
}

/* Gives the value to a claimed receiver. Values that are in the store already, because started
 * receivers have been told of them, are older: then he gets the oldest, and the new one goes
 * behind. */
static void hand_over(uvchan_t* ch, uvchan__place_t* place, const void* value,
                      uvchan__visit_t* visit) {
  if (uvchan__pop_locked(ch, place->value, visit) == 0) {
    int r = push(ch, value, visit);

    /* into the room that the pop made: tail is SLOW, and a block that was emptied is kept, or taken
     * once more */
    assert(r == 0);
    (void)r;
  } else {
    copy(ch, place->value, value);
    ch->handed_over++;
  }
  UVCHAN__PROBE2(receive, ch, 1);
  finish_waiter(ch, place, visit);
}

static int offer_for_old(uvchan_t* ch, const void* value, uvchan__visit_t* visit);

/* Gives the channel a value:
 *
 *      who waits to receive               room   the value                            answer
 *      one who is not behind a started    -      is handed to him                     0
 *      receiver of his loop
 *      none such                          yes    is stored, and started receivers     0
 *                                                are told
 *      one behind a started receiver      no     is handed to him, so that the send   0
 *                                                need not wait
 *      nobody                             no     stays where it is                    UV_EAGAIN
 *
 * Where values grow old, nobody is behind a started receiver (I7).
 *
 * UV_ENOMEM with no effect, where a block has to be brought along. That is asked first: after a
 * claim nothing may fail, and where values are stored, the new one is put behind them. */
static int offer(uvchan_t* ch, const void* value, uvchan__visit_t* visit) {
  uvchan__place_t* place;
  int r;

  if (uvchan__is_unbounded(ch) && uvchan__blocks(ch)->len > 0 && !has_block(ch, visit))
    return UV_ENOMEM;
  place = claim_receiver(ch, !ch->is_aging);
  if (place == NULL) {
    r = push(ch, value, visit);
    if (r == 0) UVCHAN__PROBE2(send, ch, 1);
    if (r == 0) tell_receivers(ch, visit);
    if (r != UV_EAGAIN) return r;
    place = claim_receiver(ch, 0);
    if (place == NULL) return ch->is_aging ? offer_for_old(ch, value, visit) : UV_EAGAIN;
  }
  UVCHAN__PROBE2(send, ch, 1);
  hand_over(ch, place, value, visit);
  return 0;
}

/* Lets waiting senders fill the room there is. */
void uvchan__unblock_senders_locked(uvchan_t* ch, uvchan__visit_t* visit) {
  uvchan__place_t* place;

  while (has_room(ch) && (place = claim_sender(ch)) != NULL) {
    int r = offer(ch, place->value, visit);

    assert(r == 0); /* no room is lost meanwhile: tail is SLOW while senders wait */
    (void)r;
    finish_waiter(ch, place, visit);
  }
}

/* A started receiver goes away that may have been told of values, of as many as are stored: for
 * each of them the next receiver is told, or one who waits is given it. No more are stored
 * meanwhile, since tail is SLOW while somebody waits (I1); and none is taken that somebody was
 * claimed for, since head is SLOW too from here on. So each round leaves one value less to care
 * for, and a claimed waiter always gets one. */
void uvchan__pass_on_locked(uvchan_t* ch, uvchan__visit_t* visit) {
  size_t n;

  if (ch->recvq.first == NULL && ch->startedq.first == NULL) return;
  set_head_slow(ch, 1);
  for (n = stored(ch); n > 0; n--) {
    uvchan__place_t* place = claim_receiver(ch, 1);
    int r;

    if (place == NULL && tell_receivers(ch, visit)) continue;
    if (place == NULL) break;
    r = uvchan__pop_locked(ch, place->value, visit);
    assert(r == 0);
    (void)r;
    UVCHAN__PROBE2(receive, ch, 1);
    finish_waiter(ch, place, visit);
  }
  uvchan__unblock_senders_locked(ch, visit);
}

/* ---- Values that grow old: with the lock -------------------------------------------------------
 *
 * What is cut leaves room, which goes to senders that wait: in the same step, since while they wait
 * there is none (I1). Their values are the youngest, and stay. */

/* Takes the oldest value out, to be dropped; 0 where there is no memory for it. */
static int cut(uvchan_t* ch, uvchan_drop_reason_t reason, uvchan__visit_t* visit) {
  void* at;

  if (!uvchan__hold_locked(ch, visit->held, reason, &at)) return 0;
  uvchan__pop_locked(ch, at, visit);
  return 1;
}

/* Why the oldest value has to go, by its age or, for one who receives, by the admission; 0 where it
 * stays, or there is none. */
static uvchan_drop_reason_t reason_to_cut(uvchan_t* ch, int receives, uvchan__visit_t* visit) {
  size_t n = stored(ch);

  if (n == 0) return (uvchan_drop_reason_t)0;
  if (receives) return uvchan__admit_locked(ch, n, time_of(visit));
  return uvchan__has_expired_locked(ch, time_of(visit)) ? UVCHAN_DROPPED_EXPIRED
                                                        : (uvchan_drop_reason_t)0;
}

/* Cuts what has to go, as far as there is memory for it, and as many as may be cut in a visit, or
 * others would wait long for the lock. Answers how many, and whether there is more. */
static size_t cut_all(uvchan_t* ch, int receives, uvchan__visit_t* visit, int* is_overdue) {
  size_t before = visit->ncut;
  uvchan_drop_reason_t reason;

  while ((reason = reason_to_cut(ch, receives, visit)) != 0 &&
         visit->ncut < UVCHAN__MOST_CUT_VALUES && cut(ch, reason, visit))
    visit->ncut++;
  *is_overdue = reason != 0;
  if (visit->ncut > before) uvchan__unblock_senders_locked(ch, visit);
  return visit->ncut - before;
}

/* A store that is full of what is too old has room for a value: where something could be cut, it is
 * offered once more. UV_EAGAIN, or UVCHAN__OVERDUE, where nothing could. */
static int offer_for_old(uvchan_t* ch, const void* value, uvchan__visit_t* visit) {
  int is_overdue;

  if (cut_all(ch, 0, visit, &is_overdue) > 0) return offer(ch, value, visit);
  return is_overdue ? UVCHAN__OVERDUE : UV_EAGAIN;
}

/* Takes the oldest value that need not go: 0, UV_EAGAIN, or UVCHAN__OVERDUE. */
static int pop_admitted(uvchan_t* ch, void* value, uvchan__visit_t* visit) {
  int is_overdue;
  size_t n = cut_all(ch, 1, visit, &is_overdue);

  if (is_overdue || (n > 0 && visit->held != NULL && !visit->held->is_apart))
    return UVCHAN__OVERDUE;
  if (stored(ch) == 0) {
    uvchan__note_idle_locked(ch);
    return UV_EAGAIN;
  }
  uvchan__note_wait_locked(ch, time_of(visit));
  return uvchan__pop_locked(ch, value, visit);
}

/* ---- To send and to receive: with the lock ------------------------------------------------------
 *
 * In the order of arrival: while others wait to send, there is neither room nor anybody who waits
 * to receive (I1), but for a select that waits for both on this channel, and pairs with this
 * sender. */
int uvchan__send_locked(uvchan_t* ch, const void* value, uvchan__visit_t* visit) {
  return uvchan__is_closed(ch) ? UV_EPIPE : offer(ch, value, visit);
}

/* From a sender who waits, or not at all. */
static int recv_past_store(uvchan_t* ch, void* value, uvchan__visit_t* visit) {
  uvchan__place_t* place = claim_sender(ch);

  if (place == NULL) return uvchan__is_closed(ch) ? ch->end_status : UV_EAGAIN;
  copy(ch, value, place->value);
  ch->handed_over++;
  UVCHAN__PROBE2(send, ch, 1);
  UVCHAN__PROBE2(receive, ch, 1);
  finish_waiter(ch, place, visit);
  return 0;
}

static UVCHAN__APART int recv_admitted(uvchan_t* ch, void* value, uvchan__visit_t* visit) {
  int r = pop_admitted(ch, value, visit);

  if (r == 0) UVCHAN__PROBE2(receive, ch, 1);
  if (r == 0) uvchan__unblock_senders_locked(ch, visit);
  return r == UV_EAGAIN ? recv_past_store(ch, value, visit) : r;
}

int uvchan__recv_locked(uvchan_t* ch, void* value, uvchan__visit_t* visit) {
  if (UVCHAN__RARELY(ch->is_aging)) return recv_admitted(ch, value, visit);
  if (uvchan__pop_locked(ch, value, visit) != 0) return recv_past_store(ch, value, visit);
  UVCHAN__PROBE2(receive, ch, 1);
  uvchan__unblock_senders_locked(ch, visit);
  return 0;
}

/* Mark, look again, sleep: see I4 of ring.h. A sender marks both words: head, so that the next
 * receiver sees it, and tail, so that no later sender overtakes it. */
void uvchan__mark_for(uvchan_t* ch, int sends) {
  set_tail_slow(ch, 1);
  if (sends) set_head_slow(ch, 1);
}

static uvchan__queue_t* queue_of(uvchan__place_t* place) {
  if (place->sends) return &place->channel->sendq;
  return place->waiter->kind == UVCHAN__RECEIVER ? &place->channel->startedq
                                                 : &place->channel->recvq;
}

void uvchan__enqueue_place(uvchan__place_t* place) {
  UVCHAN__PROBE3(wait, place->channel, place->waiter, place->sends);
  place->order = (unsigned int)place->channel->arrivals++;
  uvchan__enqueue(queue_of(place), place);
}

void uvchan__dequeue_place(uvchan__place_t* place) { uvchan__dequeue(queue_of(place), place); }

/* Of values that grow old it may say yes where a try finds none that is to be received: then that
 * has cut what was there, and the next answer is about others. */
int uvchan__is_ready_locked(uvchan_t* ch, int sends) {
  if (uvchan__is_closed(ch)) return 1;
  if (!sends) return stored(ch) > 0 || uvchan__first_waiting(&ch->sendq) != NULL;
  if (ch->overflow != UVCHAN_WAIT) return 1;
  return has_room(ch) || uvchan__first_waiting(&ch->recvq) != NULL ||
         (ch->is_aging && stored(ch) > 0 && uvchan__has_expired_locked(ch, uv_hrtime()));
}

/* Of a ring it is the position of the other side: nothing else makes a send or a receive ready,
 * since while senders wait it is full, and somebody begins to wait to receive only where it is
 * empty, and sends are ready. Elsewhere all is counted that does. */
uint64_t uvchan__stamp_locked(const uvchan_t* ch, int sends) {
  return uvchan__has_ring(ch) ? uvchan__ring_stamp(&ch->ring, sends)
                              : ch->arrivals + uvchan__store(ch)->changes;
}

void uvchan__change_available_locked(uvchan_t* ch, int by) {
  uvchan__store(ch)->available += (size_t)by;
  note_change(ch);
}

int uvchan__from_ring(const uvchan_t* ch, uvchan__ring_result_t result) {
  if (result == UVCHAN__RING_DONE) return 0;
  return result == UVCHAN__RING_ENDED ? ch->end_status : UV_EAGAIN;
}
