/* SPDX-License-Identifier: MIT */
/* What a send does to a full channel with a drop policy; see overflow.h. Threads: any; drop_cb runs
 * on the sender's, with no lock held. */
#include "channel/overflow.h"

#include <string.h>

#include "channel/drop.h"
#include "channel/steps.h"
#include "ground/probes.h"
#include "ground/tuning.h"

static int drop_newest(uvchan_t* ch, const void* value, void* held) {
  if (held != NULL) memcpy(held, value, uvchan__size_to_send(ch));
  UVCHAN__PROBE3(drop, ch, 1, UVCHAN_DROPPED_OVERFLOW);
  uvchan__count(&ch->dropped_new, 1);
  uvchan__drop(ch, held, UVCHAN_DROPPED_OVERFLOW);
  return 0;
}

/* Sends, and where there is no room takes the oldest value out for it, to `oldest` (NULL: thrown
 * away). To everyone else that is one step:
 *
 *      here, with the lock         a receiver on the   a sender on it     who asks for the
 *                                  fast path                              length
 *      marks head and tail SLOW
 *      takes the oldest out:       is refused by       is refused by      sees head's mark, and
 *      head moves                  head's mark, and    tail's mark, and   waits for the lock
 *      puts the new one in:        waits for the       waits for the
 *      tail moves                  lock                lock
 *      takes the marks off
 *
 * So nobody finds the channel empty that never was, or with less in it than it holds. Where the
 * oldest has grown too old it makes room in the same way, but for that reason. *reason: why one was
 * dropped, or 0. */
static int send_dropping_oldest(uvchan_t* ch, const void* value, void* oldest,
                                uvchan_drop_reason_t* reason) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int r;

  *reason = (uvchan_drop_reason_t)0;
  uvchan__lock_channel(ch);
  uvchan__mark_for(ch, 1);
  r = uvchan__send_locked(ch, value, &visit);
  if (r == UV_EAGAIN || r == UVCHAN__OVERDUE) {
    uvchan_drop_reason_t why = r == UV_EAGAIN ? UVCHAN_DROPPED_OVERFLOW : UVCHAN_DROPPED_EXPIRED;

    if (uvchan__pop_locked(ch, oldest, &visit) == 0) {
      *reason = why;
      uvchan__count_drop_locked(ch, why);
    }
    r = uvchan__send_locked(ch, value, &visit);
  }
  uvchan__unlock_and_wake(ch, &visit);
  return r;
}

static int drop_oldest(uvchan_t* ch, const void* value, void* held) {
  uvchan_drop_reason_t reason;
  int r = send_dropping_oldest(ch, value, held, &reason);

  if (reason != 0) uvchan__drop(ch, held, reason);
  return r;
}

/* held: room for one value; or NULL where none is needed. */
static int overflow_into(uvchan_t* ch, const void* value, void* held) {
  return ch->overflow == UVCHAN_DROP_NEWEST ? drop_newest(ch, value, held)
                                            : drop_oldest(ch, value, held);
}

/* A value that overflows leaves its slot before drop_cb gets it, since drop_cb may send to the same
 * channel. A small one is held on the stack. */
static int overflow_small(uvchan_t* ch, const void* value) {
  union {
    max_align_t aligned;
    unsigned char bytes[UVCHAN__ON_STACK_BYTES];
  } held;

  return overflow_into(ch, value, held.bytes);
}

/* A larger one is held in the room that the channel has for one; or, while another call has that,
 * in memory of its own, which is asked for before anything is dropped: so UV_ENOMEM has no
 * effect. */
static int overflow_large(uvchan_t* ch, const void* value) {
  uvchan__room_t room;
  int r = uvchan__take_room(ch, &room);

  if (r != 0) return r;
  r = overflow_into(ch, value, room.memory);
  uvchan__give_room(ch, &room);
  return r;
}

int uvchan__send_to_full(uvchan_t* ch, const void* value) {
  size_t size = uvchan__size_to_send(ch);

  if (!ch->has_drops || size == 0) return overflow_into(ch, value, NULL);
  return size <= UVCHAN__ON_STACK_BYTES ? overflow_small(ch, value) : overflow_large(ch, value);
}
