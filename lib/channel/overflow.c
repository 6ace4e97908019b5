/* What a send does to a full channel with a drop policy; see overflow.h. Threads: any; drop_cb runs
 * on the sender's, with no lock held. */
#include "channel/overflow.h"

#include <string.h>

#include "channel/drop.h"
#include "channel/steps.h"
#include "ground/memory.h"
#include "ground/tuning.h"

static int drop_newest(uvchan_t* ch, const void* value, void* held) {
  if (held != NULL) memcpy(held, value, uvchan__size_to_send(ch));
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
 * So nobody finds the channel empty that never was, or with less in it than it holds. */
static int send_dropping_oldest(uvchan_t* ch, const void* value, void* oldest, int* has_dropped) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int r;

  *has_dropped = 0;
  uvchan__lock_channel(ch);
  uvchan__mark_for(ch, 1);
  r = uvchan__send_locked(ch, value, &visit);
  if (r == UV_EAGAIN) {
    *has_dropped = uvchan__pop_locked(ch, oldest, &visit) == 0;
    r = uvchan__send_locked(ch, value, &visit);
  }
  uvchan__unlock_and_wake(ch, &visit);
  return r;
}

static int drop_oldest(uvchan_t* ch, const void* value, void* held) {
  int has_dropped;
  int r = send_dropping_oldest(ch, value, held, &has_dropped);

  if (!has_dropped) return r;
  uvchan__count(&ch->dropped_old, 1);
  uvchan__drop(ch, held, UVCHAN_DROPPED_OVERFLOW);
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

size_t uvchan__drop_room_bytes(unsigned int overflow, size_t elem_size) {
  return overflow == UVCHAN_WAIT || elem_size <= UVCHAN__ON_STACK_BYTES ? 0 : elem_size;
}

/* A larger one is held in the room that the channel has for one; or, while another call has that,
 * in memory of its own, which is asked for before anything is dropped: so UV_ENOMEM has no effect.
 * Who takes the room out of its word has it alone; nobody waits for it, since drop_cb, which runs
 * meanwhile, may take long, and may send to this very channel. */
static int overflow_large(uvchan_t* ch, const void* value) {
  uvchan__drops_t* drops = uvchan__drops(ch);
  void* held;
  void* room;
  int r;

  uvchan__step();
  /* [room.A] with [room.R]: the call that had it before is done with it. */
  room = atomic_exchange_explicit(&drops->room, NULL, memory_order_acquire);
  held = room != NULL ? room : uvchan__malloc(uvchan__size_to_send(ch));
  if (held == NULL) return UV_ENOMEM;
  r = overflow_into(ch, value, held);
  if (room == NULL) {
    uvchan__free(held);
    return r;
  }
  uvchan__step();
  atomic_store_explicit(&drops->room, room, memory_order_release); /* [room.R] */
  return r;
}

int uvchan__send_to_full(uvchan_t* ch, const void* value) {
  size_t size = uvchan__size_to_send(ch);

  if (!ch->has_drops || size == 0) return overflow_into(ch, value, NULL);
  return size <= UVCHAN__ON_STACK_BYTES ? overflow_small(ch, value) : overflow_large(ch, value);
}
