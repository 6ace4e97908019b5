/* Values that nobody will receive, given to the channel's drop_cb: dropped because a channel is
 * full, was aborted, or is gone. Knows the store; does not know why, or who sends and waits.
 *
 * Threads: any; drop_cb runs on the thread that caused the drop, with no lock held, so it may call
 * anything. */
#ifndef UVCHAN_DROP_H
#define UVCHAN_DROP_H

#include "channel/state.h"

/* Gives drop_cb a value, where there is a drop_cb; without the lock. value: aligned as malloc
 * aligns; NULL where values have no bytes. */
void uvchan__drop(uvchan_t* ch, void* value, uvchan_drop_reason_t reason);

/* All that is buffered, on its way to drop_cb. */
typedef struct {
  size_t n;
  uint64_t position;       /* of a ring: where the first of them is */
  uvchan__block_t* blocks; /* elsewhere */
} uvchan__dropped_t;

/* Takes all out in one step, of a channel that is closed or has no users any more; with the lock,
 * and with head SLOW where others have a reference. Then they go to drop_cb, without the lock. */
void uvchan__drop_take_locked(uvchan_t* ch, uvchan__dropped_t* dropped);
void uvchan__drop_taken(uvchan_t* ch, uvchan__dropped_t* dropped, uvchan_drop_reason_t reason);

#endif /* UVCHAN_DROP_H */
