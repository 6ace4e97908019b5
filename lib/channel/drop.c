/* SPDX-License-Identifier: MIT */
/* Values that nobody will receive. Threads and locks: drop.h. */
#include "channel/drop.h"

#include <string.h>

#include "ground/memory.h"
#include "ground/probes.h"
#include "ground/tuning.h"

void uvchan__drop(uvchan_t* ch, void* value, uvchan_drop_reason_t reason) {
  const uvchan__drops_t* drops = uvchan__drops(ch);
  int before;

  if (drops == NULL) return;
  /* or the rest of what has to be dropped would stay behind */
  before = uvchan__hold_cancellation();
  drops->cb(value, reason, drops->arg);
  uvchan__let_cancellation(before);
}

void uvchan__count_drop_locked(uvchan_t* ch, uvchan_drop_reason_t reason) {
  UVCHAN__PROBE3(drop, ch, 1, reason);
  uvchan__count(&ch->dropped_old, 1);
  if (reason == UVCHAN_DROPPED_EXPIRED) uvchan__aging(ch)->expired++;
  if (reason == UVCHAN_DROPPED_SHED) uvchan__aging(ch)->shed++;
}

/* ---- The room -------------------------------------------------------------------------------- */

size_t uvchan__room_bytes(unsigned int overflow, int is_aging, size_t elem_size) {
  if (overflow == UVCHAN_WAIT && !is_aging) return 0;
  return elem_size <= UVCHAN__ON_STACK_BYTES ? 0 : elem_size;
}

/* Who takes the room out of its word has it alone; nobody waits for it, since drop_cb, which runs
 * meanwhile, may take long, and may send to this very channel. */
int uvchan__take_room(uvchan_t* ch, uvchan__room_t* room) {
  uvchan__step();
  /* [room.A] with [room.R]: the call that had it before is done with it. */
  room->memory = atomic_exchange_explicit(&uvchan__drops(ch)->room, NULL, memory_order_acquire);
  room->is_own = room->memory == NULL;
  if (room->is_own) room->memory = uvchan__malloc(uvchan__size_to_send(ch));
  return room->memory == NULL ? UV_ENOMEM : 0;
}

void uvchan__give_room(uvchan_t* ch, uvchan__room_t* room) {
  if (room->is_own) {
    uvchan__free(room->memory);
    return;
  }
  uvchan__step();
  /* [room.R] */
  atomic_store_explicit(&uvchan__drops(ch)->room, room->memory, memory_order_release);
}

/* ---- All that is buffered -------------------------------------------------------------------- */

/* Of a ring one move of head claims all values, which stay in their slots: so nobody takes a later
 * one while an earlier one is dropped, and a million values take as long to claim as one. That head
 * is SLOW keeps the fast path's receivers out between the close and this. */
void uvchan__drop_take_locked(uvchan_t* ch, uvchan__dropped_t* dropped) {
  memset(dropped, 0, sizeof(*dropped));
  if (uvchan__has_ring(ch)) {
    dropped->n = uvchan__ring_claim_all(&ch->ring, &dropped->position);
  } else {
    dropped->n = uvchan__blocks(ch)->len;
    dropped->blocks = uvchan__blocks_take_all(uvchan__blocks(ch));
  }
  uvchan__count(&ch->dropped_old, dropped->n);
}

static_assert(UVCHAN__ALONE_BYTES <= UVCHAN__ALIGNED_BYTES,
              "a value that is not small is aligned in both stores");

/* Gives drop_cb a value in its place in the store. A small one lies close to its neighbours there,
 * and is copied to be aligned. */
static void drop_in_place(uvchan_t* ch, void* value, uvchan_drop_reason_t reason) {
  union {
    max_align_t aligned;
    unsigned char bytes[UVCHAN__ALIGNED_BYTES];
  } held;
  size_t size = uvchan__size_to_send(ch);

  if (!ch->has_drops) return;
  if (size < UVCHAN__ALIGNED_BYTES) {
    uvchan__copy(held.bytes, value, size);
    value = size == 0 ? NULL : held.bytes;
  }
  uvchan__drop(ch, value, reason);
}

/* In place, as drop_cb may take long: nobody sends any more who could wait for a slot, since the
 * channel is closed or has no users. A sender that has moved tail before the close may still be
 * copying its value in; uvchan__ring_value() waits for that. */
static void drop_ring(uvchan_t* ch, uvchan__dropped_t* dropped, uvchan_drop_reason_t reason) {
  for (; dropped->n > 0; dropped->n--) {
    drop_in_place(ch, uvchan__ring_value(&ch->ring, dropped->position), reason);
    uvchan__ring_free(&ch->ring, &dropped->position);
  }
}

typedef struct {
  uvchan_t* ch;
  uvchan_drop_reason_t reason;
} drop_context_t;

static void drop_value(void* value, void* arg) {
  drop_context_t* context = arg;

  drop_in_place(context->ch, value, context->reason);
}

void uvchan__drop_taken(uvchan_t* ch, uvchan__dropped_t* dropped, uvchan_drop_reason_t reason) {
  drop_context_t context = {ch, reason};

  if (dropped->n > 0) UVCHAN__PROBE3(drop, ch, dropped->n, reason);
  if (uvchan__has_ring(ch)) {
    drop_ring(ch, dropped, reason);
    return;
  }
  if (ch->has_drops) uvchan__block_each(dropped->blocks, uvchan__blocks(ch), drop_value, &context);
  uvchan__block_free_all(dropped->blocks);
}
