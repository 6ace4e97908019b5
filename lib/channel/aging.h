/* SPDX-License-Identifier: MIT */
/* Values that grow old: since when each is in the store, which of them nobody will receive for it,
 * and a call's memory for those on their way to drop_cb. Knows the store, the admission, and how a
 * value is dropped; does not know the steps, or who sends and receives.
 *
 * I1  A stamp is the time at which its value was put in the store, read under the lock: so stamps
 *     grow from the oldest value to the newest, and what has expired, by one look at the clock,
 *     lies in front of all that has not.
 * I2  Both words of a ring are SLOW from its beginning to its end: each operation is a visit. So
 *     what is done to a value and to its stamp is one step to all others, and neither the ring nor
 *     the fast path knows that there are stamps. They lie in an array of their own, and not in the
 *     slots, whose layout is the fast path's.
 * I3  In a visit all ages are by one look at the clock, so what waiting senders put in during it
 *     has no age.
 *
 * A value that has to go is taken out of its slot with the lock held, and dropped without it, since
 * drop_cb may take long, and may send to the same channel. In between it needs memory, of the call.
 * A call begins without any, for there is hardly ever something to drop. Where there is, its visit
 * answers UVCHAN__OVERDUE, and the call makes another one that has memory
 * (uvchan__call_aged()). That may answer the same, with its memory full, and has then dropped
 * one value at least. Without a drop_cb such values vanish on the spot, and no memory is needed;
 * then a visit is OVERDUE where it has cut as many as it may.
 *
 * Threads: any; _locked with the channel's lock. */
#ifndef UVCHAN_AGING_H
#define UVCHAN_AGING_H

#include "channel/state.h"

/* Of a step or a visit: something has to be dropped first, and there is no memory for it. Not
 * negative, so it is no end of a user's. */
#define UVCHAN__OVERDUE 1

/* Memory for values that are to be dropped, and what is in it: first those that have expired. */
typedef struct {
  unsigned char* values; /* each as malloc aligns */
  size_t most;
  size_t n;
  size_t expired; /* of n */
  int is_apart;   /* the visit may take values too; else it has dropped something, and no more */
} uvchan__held_t;

/* memory: so many bytes, aligned as malloc aligns; of values of no size none. */
void uvchan__held_init(uvchan__held_t* held, const uvchan_t* ch, void* memory, size_t bytes);

/* Whether a value that is cut now can be held, or need not be. If so, it is counted, and *at is
 * where it goes; NULL: it is thrown away. held: or NULL. */
int uvchan__hold_locked(uvchan_t* ch, uvchan__held_t* held, uvchan_drop_reason_t reason, void** at);

/* Gives them to drop_cb; without the lock. */
void uvchan__drop_held(uvchan_t* ch, uvchan__held_t* held);

/* One visit of a call, with the lock taken and given back in it. */
typedef int (*uvchan__attempt_func)(uvchan_t* ch, void* call, uvchan__held_t* held);

/* Makes an attempt without memory; where that is OVERDUE, with memory, until it is not any more.
 * Answers as it does; or UV_ENOMEM, where memory was to be asked for: then it had no effect. */
int uvchan__call_aged(uvchan_t* ch, uvchan__attempt_func attempt, void* call);

/* After a value was put in. */
void uvchan__stamp_newest_locked(uvchan_t* ch, uint64_t now);

/* Of a store that is not empty: whether its oldest value has expired. */
int uvchan__has_expired_locked(const uvchan_t* ch, uint64_t now);

/* The same: why the oldest of `stored` values is not to be taken out by somebody who receives; 0:
 * it is. */
uvchan_drop_reason_t uvchan__admit_locked(uvchan_t* ch, size_t stored, uint64_t now);

/* It is about to be received. */
void uvchan__note_wait_locked(uvchan_t* ch, uint64_t now);

/* Who receives finds nothing in the store. (Who waits has done so before, and the store is empty as
 * long as he waits.) */
void uvchan__note_idle_locked(uvchan_t* ch);

#endif /* UVCHAN_AGING_H */
