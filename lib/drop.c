/* Values that nobody will receive, given to the channel's drop_cb. No lock is held while it runs, so it may call anything.
 * Threads: any; drop_cb runs on the thread that caused the drop. */
#include "drop.h"

#include <string.h>

#include "memory.h"

/* A value that overflows leaves its slot before drop_cb gets it, since drop_cb may send to the same channel. It is held on the stack: in
 * little of it, or in more of it for a larger value. Only beyond that does it need memory. */
#define NEAR_BYTES 1024
#define WIDE_BYTES 65536

static void count(_Atomic uint64_t* counter, uint64_t n) { atomic_fetch_add_explicit(counter, n, memory_order_relaxed); }

static int drop_newest(uvchan_t* ch, const void* value, void* held) {
  if (held != NULL) memcpy(held, value, uvchan__size_to_send(ch));
  count(&ch->dropped_new, 1);
  if (ch->drop_cb != NULL) ch->drop_cb(held, UVCHAN_DROPPED_OVERFLOW, ch->drop_arg);
  return 0;
}

/* Sends, and where there is no room takes the oldest value out for it, to `oldest` (NULL: thrown away). To everyone else that is one step:
 *
 *      here, with the lock                  a receiver on the fast path     a sender on it    who asks for the length
 *      marks head and tail SLOW
 *      takes the oldest out: head moves     is refused by head's mark,      is refused by     sees head's mark, and
 *      puts the new one in: tail moves      and waits for the lock          tail's mark       waits for the lock
 *      takes the marks off
 *
 * So nobody finds the channel empty that never was, or with less in it than it holds. */
static int send_displacing(uvchan_t* ch, const void* value, void* oldest, int* displaced) {
  uvchan__visit_t visit = UVCHAN__VISIT(NULL);
  int r;

  *displaced = 0;
  uvchan__enter(ch);
  uvchan__mark_for(ch, 1);
  r = uvchan__send_locked(ch, value, &visit);
  if (r == UV_EAGAIN) {
    *displaced = uvchan__pop_locked(ch, oldest, &visit) == 0;
    r = uvchan__send_locked(ch, value, &visit);
  }
  uvchan__leave(ch, &visit);
  return r;
}

static int drop_oldest(uvchan_t* ch, const void* value, void* held) {
  int displaced;
  int r = send_displacing(ch, value, held, &displaced);

  if (!displaced) return r;
  count(&ch->dropped_old, 1);
  if (ch->drop_cb != NULL) ch->drop_cb(held, UVCHAN_DROPPED_OVERFLOW, ch->drop_arg);
  return r;
}

/* held: room for one value; or NULL where none is needed. */
static int overflow_into(uvchan_t* ch, const void* value, void* held) {
  return ch->overflow == UVCHAN_DROP_NEWEST ? drop_newest(ch, value, held) : drop_oldest(ch, value, held);
}

static int overflow_near(uvchan_t* ch, const void* value) {
  union {
    max_align_t aligned;
    unsigned char bytes[NEAR_BYTES];
  } held;

  return overflow_into(ch, value, held.bytes);
}

static int overflow_wide(uvchan_t* ch, const void* value) {
  union {
    max_align_t aligned;
    unsigned char bytes[WIDE_BYTES];
  } held;

  return overflow_into(ch, value, held.bytes);
}

static int overflow_far(uvchan_t* ch, const void* value) {
  void* held = uvchan__malloc(uvchan__size_to_send(ch));
  int r;

  if (held == NULL) return UV_ENOMEM;
  r = overflow_into(ch, value, held);
  uvchan__free(held);
  return r;
}

int uvchan__send_overflowing(uvchan_t* ch, const void* value) {
  size_t size = uvchan__size_to_send(ch);

  if (ch->drop_cb == NULL || size == 0) return overflow_into(ch, value, NULL);
  if (size <= NEAR_BYTES) return overflow_near(ch, value);
  return size <= WIDE_BYTES ? overflow_wide(ch, value) : overflow_far(ch, value);
}

/* ---- All that is buffered --------------------------------------------------------------------------------------------------- */

void uvchan__drop_take_locked(uvchan_t* ch, uvchan__dropped_t* dropped) {
  memset(dropped, 0, sizeof(*dropped));
  if (uvchan__has_ring(ch)) {
    dropped->n = uvchan__ring_claim_all(&ch->ring, &dropped->position);
  } else {
    dropped->n = uvchan__blocks(ch)->len;
    dropped->blocks = uvchan__blocks_take_all(uvchan__blocks(ch));
  }
  count(&ch->dropped_old, dropped->n);
}

static_assert(UVCHAN__ALONE_BYTES <= UVCHAN__ALIGNED_BYTES, "a value that is not small is aligned in both stores");

/* Gives drop_cb a value in its place in the store. A small one lies close to its neighbours there, and is copied to be aligned. */
static void drop_in_place(uvchan_t* ch, void* value, uvchan_drop_reason_t reason) {
  union {
    max_align_t aligned;
    unsigned char bytes[UVCHAN__ALIGNED_BYTES];
  } held;
  size_t size = uvchan__size_to_send(ch);

  if (ch->drop_cb == NULL) return;
  if (size < UVCHAN__ALIGNED_BYTES) {
    uvchan__copy(held.bytes, value, size);
    value = size == 0 ? NULL : held.bytes;
  }
  ch->drop_cb(value, reason, ch->drop_arg);
}

/* In place: nobody sends any more who could wait for the slot. */
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

  if (uvchan__has_ring(ch)) {
    drop_ring(ch, dropped, reason);
    return;
  }
  if (ch->drop_cb != NULL) uvchan__block_each(dropped->blocks, uvchan__blocks(ch), drop_value, &context);
  uvchan__block_free_all(dropped->blocks);
}
