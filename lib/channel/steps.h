/* SPDX-License-Identifier: MIT */
/* The steps that every operation on a channel is made of, with its lock held, and the visit that
 * they happen in. Each keeps the invariants of state.h by itself, but for the marks, which are
 * mended when the visit ends. A sender that waits is finished here
 * (uvchan__unblock_senders_locked()), and woken once the lock is given back
 * (uvchan__unlock_and_wake()).
 *
 * Knows the store, the queues, and how to have a waiter woken; does not know calls, or who drops
 * what. Threads: any; _locked, and what says so, with the channel's lock. */
#ifndef UVCHAN_STEPS_H
#define UVCHAN_STEPS_H

#include "channel/aging.h"
#include "channel/state.h"

/* One visit under the lock, and what comes after it. */
typedef struct {
  uvchan__wakes_t wakes;
  uvchan__block_t* block;       /* brought along for an unbounded store; what is left is freed */
  uvchan__block_t* superfluous; /* to be freed, or used once more */
  size_t wanted;                /* after UV_ENOMEM: the bytes of the block to bring along */
  /* where values grow old: room for those to be dropped, or NULL; and what time it is, 0 until
   * somebody asks */
  uvchan__held_t* held;
  uint64_t now;
  size_t ncut; /* the same: values that were taken out for their age, or by the admission */
} uvchan__visit_t;

#define UVCHAN__VISIT_HOLDING(block_or_null, held_or_null) \
  { {NULL, NULL, NULL, 0}, block_or_null, NULL, 0, held_or_null, 0, 0 }
#define UVCHAN__VISIT(block_or_null) UVCHAN__VISIT_HOLDING(block_or_null, NULL)

void uvchan__lock_channel(uvchan_t* ch);
void uvchan__unlock_channel(uvchan_t* ch); /* where nothing was changed that others wait for */
void uvchan__unlock_and_wake(uvchan_t* ch, uvchan__visit_t* visit); /* unlocks, wakes, frees */

/* The steps: with the lock. Sends and receives answer 0, UV_EAGAIN, UV_EPIPE or the end; a send to
 * an unbounded channel answers UV_ENOMEM where the visit has to bring a block along. Where values
 * grow old, both may answer UVCHAN__OVERDUE (aging.h), with no effect but on what is too old. */
int uvchan__send_locked(uvchan_t* ch, const void* value, uvchan__visit_t* visit);
int uvchan__recv_locked(uvchan_t* ch, void* value, uvchan__visit_t* visit);
/* from the store alone; value NULL: thrown away */
int uvchan__pop_locked(uvchan_t* ch, void* value, uvchan__visit_t* visit);
/* there may be room: lets waiting senders fill it */
void uvchan__unblock_senders_locked(uvchan_t* ch, uvchan__visit_t* visit);
/* a receiver that was told of values goes away */
void uvchan__pass_on_locked(uvchan_t* ch, uvchan__visit_t* visit);
/* has the started receiver look whose place this is, which is queued */
void uvchan__tell_started_locked(uvchan_t* ch, uvchan__place_t* place, uvchan__visit_t* visit);
/* whether a send or a receive would not wait */
int uvchan__is_ready_locked(uvchan_t* ch, int sends);
/* who is not ready stays so as long as this does, which only grows */
uint64_t uvchan__stamp_locked(const uvchan_t* ch, int sends);
void uvchan__change_available_locked(uvchan_t* ch, int by); /* of an unbuffered channel */
/* from here on nothing that could end a wait moves without the lock */
void uvchan__mark_for(uvchan_t* ch, int sends);
/* before unlocking: as the queues demand */
void uvchan__update_marks(uvchan_t* ch);
void uvchan__enqueue_place(uvchan__place_t* place);
void uvchan__dequeue_place(uvchan__place_t* place); /* where it is queued */

/* After UVCHAN__RING_DISARMED; without the lock, and with it. */
void uvchan__post_armed(uvchan_t* ch);
void uvchan__tell_armed_locked(uvchan_t* ch, uvchan__visit_t* visit);

/* What a result of the ring means to a receiver. */
int uvchan__from_ring(const uvchan_t* ch, uvchan__ring_result_t result);

#endif /* UVCHAN_STEPS_H */
