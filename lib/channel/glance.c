/* SPDX-License-Identifier: MIT */
/* Looking at a channel. Threads: glance.h. */
#include "channel/glance.h"

#include <string.h>

#include "channel/stats.h"

/* ---- Who waits: with the lock ---------------------------------------------------------------- */

static void add(uvchan__side_t* side, const uvchan__sight_t* sight, unsigned int receiving) {
  side->n++;
  if (side->shown == UVCHAN__GLANCE_SIGHTS) return;
  side->receiving[side->shown] = (unsigned char)receiving;
  side->sights[side->shown++] = *sight;
}

/* The same condition for all that there are: a loop's are shown where a loop is asked for. */
static void note_loop(uvchan__glance_t* glance, const uvchan__sight_t* sight,
                      const uv_loop_t* loop) {
  if (loop != NULL && sight->loop == loop) glance->concerns = 1;
}

static void see_queue(const uvchan__queue_t* queue, const uv_loop_t* loop, uvchan__side_t* side,
                      uvchan__glance_t* glance) {
  const uvchan__place_t* place;
  uvchan__sight_t sight;

  for (place = queue->first; place != NULL; place = place->next) {
    if (!uvchan__see(place->waiter, &sight)) continue;
    note_loop(glance, &sight, loop);
    add(side, &sight, UVCHAN__WAITS);
  }
}

/* The first waits without a place where tail is ARMED. Relaxed: true of one moment, in which its
 * loop may do what it likes. */
static uvchan__receiving_t receiving(const uvchan_t* ch, uvchan_receiver_t* receiver) {
  atomic_uint* posted = uvchan__atomic(&receiver->waiter.entry.posted);
  uint64_t tail = uvchan__load_word(&ch->ring.tail);

  if (atomic_load_explicit(posted, memory_order_relaxed) != 0) return UVCHAN__IS_TOLD;
  if (receiver->place.queued) return UVCHAN__WAITS;
  if (receiver == uvchan__first_started(ch) && (tail & UVCHAN__ARMED) != 0) return UVCHAN__WAITS;
  return UVCHAN__IN_TURN;
}

static void see_started(const uvchan_t* ch, const uv_loop_t* loop, uvchan__glance_t* glance) {
  uvchan_receiver_t* receiver;
  uvchan__sight_t sight;

  for (receiver = uvchan__first_started(ch); receiver != NULL; receiver = receiver->next) {
    uvchan__see(&receiver->waiter, &sight);
    note_loop(glance, &sight, loop);
    add(&glance->started, &sight, receiving(ch, receiver));
  }
}

/* ---- The whole ------------------------------------------------------------------------------- */

static const char* kind_of(const uvchan_t* ch) {
  if (uvchan__is_unbuffered(ch)) return "unbuffered";
  return uvchan__is_unbounded(ch) ? "unbounded" : "bounded";
}

/* What is fixed, or atomic. */
static void look_without_lock(const uvchan_t* ch, uvchan__glance_t* glance) {
  glance->address = ch;
  glance->number = ch->member.number;
  glance->kind = kind_of(ch);
  uvchan__member_name(&ch->member, glance->name, sizeof(glance->name));
  glance->elem_size = uvchan__size_to_send(ch);
  glance->stats.capacity = uvchan_capacity(ch);
  glance->is_closed = uvchan__is_closed(ch);
  if (glance->is_closed) glance->end_status = ch->end_status;
  if (uvchan__has_ring(ch)) uvchan__ring_try_len(&ch->ring, &glance->stats.len);
}

int uvchan__glance(uvchan__member_t* member, const uv_loop_t* loop, uvchan__glance_t* glance) {
  uvchan_t* ch = (uvchan_t*)(void*)((unsigned char*)member - offsetof(uvchan_t, member));

  memset(glance, 0, sizeof(*glance));
  /* relaxed: it is only told */
  glance->references = atomic_load_explicit(&ch->references, memory_order_relaxed);
  if (glance->references == 0) return 0;
  glance->concerns = loop == NULL;
  look_without_lock(ch, glance);
  glance->is_busy = !uvchan__lock_soon(&ch->lock);
  if (glance->is_busy) return 1;
  uvchan__stats_locked(ch, &glance->stats);
  glance->counted_senders = ch->counted_senders;
  see_queue(&ch->sendq, loop, &glance->senders, glance);
  see_queue(&ch->recvq, loop, &glance->receivers, glance);
  see_started(ch, loop, glance);
  uvchan__unlock(&ch->lock);
  glance->stats.name = NULL;
  return 1;
}
