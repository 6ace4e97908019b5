/* SPDX-License-Identifier: MIT */
/* Values that grow old. Invariants, threads and locks: aging.h. */
#include "channel/aging.h"

#include "channel/drop.h"
#include "ground/tuning.h"

/* ---- What is on its way to drop_cb ----------------------------------------------------------- */

static size_t held_stride(const uvchan_t* ch) {
  return uvchan__round_up(uvchan__size_to_send(ch), _Alignof(max_align_t));
}

void uvchan__held_init(uvchan__held_t* held, const uvchan_t* ch, void* memory, size_t bytes) {
  size_t size = uvchan__size_to_send(ch);

  held->values = memory;
  held->n = held->expired = 0;
  held->is_apart = 1;
  held->most = size == 0 ? SIZE_MAX : bytes / held_stride(ch);
  if (held->most == 0 && bytes >= size) held->most = 1;
}

static void* held_at(const uvchan_t* ch, const uvchan__held_t* held, size_t i) {
  return uvchan__size_to_send(ch) == 0 ? NULL : held->values + i * held_stride(ch);
}

int uvchan__hold_locked(uvchan_t* ch, uvchan__held_t* held, uvchan_drop_reason_t reason,
                        void** at) {
  *at = NULL;
  if (ch->has_drops) {
    if (held == NULL || held->n == held->most) return 0;
    *at = held_at(ch, held, held->n++);
    held->expired += reason == UVCHAN_DROPPED_EXPIRED;
  }
  uvchan__count_drop_locked(ch, reason);
  return 1;
}

void uvchan__drop_held(uvchan_t* ch, uvchan__held_t* held) {
  size_t i;

  for (i = 0; i < held->n; i++) {
    uvchan__drop(ch, held_at(ch, held, i),
                 i < held->expired ? UVCHAN_DROPPED_EXPIRED : UVCHAN_DROPPED_SHED);
  }
  held->n = held->expired = 0;
}

/* What the last attempt has cut is dropped after it, so after all that it did. */
static int attempt_with(uvchan_t* ch, uvchan__attempt_func attempt, void* call, void* memory,
                        size_t bytes) {
  uvchan__held_t held;
  int r;

  uvchan__held_init(&held, ch, memory, bytes);
  do {
    r = attempt(ch, call, &held);
    uvchan__drop_held(ch, &held);
  } while (r == UVCHAN__OVERDUE);
  return r;
}

static UVCHAN__APART int attempt_small(uvchan_t* ch, uvchan__attempt_func attempt, void* call) {
  union {
    max_align_t aligned;
    unsigned char bytes[UVCHAN__ON_STACK_BYTES];
  } memory;

  return attempt_with(ch, attempt, call, memory.bytes, sizeof(memory.bytes));
}

static int attempt_large(uvchan_t* ch, uvchan__attempt_func attempt, void* call) {
  size_t size = uvchan__size_to_send(ch);
  uvchan__room_t room;
  int r = uvchan__take_room(ch, &room);

  if (r != 0) return r;
  r = attempt_with(ch, attempt, call, room.memory, size);
  uvchan__give_room(ch, &room);
  return r;
}

int uvchan__call_aged(uvchan_t* ch, uvchan__attempt_func attempt, void* call) {
  int r = attempt(ch, call, NULL);

  if (r != UVCHAN__OVERDUE) return r;
  if (!ch->has_drops) return attempt_with(ch, attempt, call, NULL, 0);
  return uvchan__size_to_send(ch) <= UVCHAN__ON_STACK_BYTES ? attempt_small(ch, attempt, call)
                                                            : attempt_large(ch, attempt, call);
}

/* ---- Stamps: with the lock ------------------------------------------------------------------- */

void uvchan__stamp_newest_locked(uvchan_t* ch, uint64_t now) {
  const uvchan__ring_side_t* side = &ch->ring.tail;
  size_t next;

  if (!uvchan__has_ring(ch)) {
    uvchan__blocks_stamp_newest(uvchan__blocks(ch), now);
    return;
  }
  next = uvchan__index_of(side, uvchan__load_word(side));
  uvchan__aging(ch)->stamps[next == 0 ? side->capacity - 1 : next - 1] = now;
}

static uint64_t oldest_stamp(const uvchan_t* ch) {
  const uvchan__ring_side_t* side = &ch->ring.head;

  if (!uvchan__has_ring(ch)) return uvchan__blocks_oldest_stamp(uvchan__blocks(ch));
  return uvchan__aging(ch)->stamps[uvchan__index_of(side, uvchan__load_word(side))];
}

/* How long the oldest value has been in the store. */
static uint64_t oldest_age(const uvchan_t* ch, uint64_t now) { return now - oldest_stamp(ch); }

int uvchan__has_expired_locked(const uvchan_t* ch, uint64_t now) {
  return oldest_age(ch, now) >= uvchan__aging(ch)->max_age;
}

uvchan_drop_reason_t uvchan__admit_locked(uvchan_t* ch, size_t stored, uint64_t now) {
  uvchan__aging_t* aging = uvchan__aging(ch);

  if (uvchan__has_expired_locked(ch, now)) return UVCHAN_DROPPED_EXPIRED;
  return uvchan__admission_sheds(&aging->admission, oldest_age(ch, now), now, stored == 1)
             ? UVCHAN_DROPPED_SHED
             : (uvchan_drop_reason_t)0;
}

void uvchan__note_wait_locked(uvchan_t* ch, uint64_t now) {
  uvchan__aging_t* aging = uvchan__aging(ch);
  uint64_t age = oldest_age(ch, now);

  if (age > aging->longest_wait) aging->longest_wait = age;
}

void uvchan__note_idle_locked(uvchan_t* ch) {
  uvchan__admission_idle(&uvchan__aging(ch)->admission);
}
