/* SPDX-License-Identifier: MIT */
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

/* Counts one that was taken out of the store to be dropped; with the lock. */
void uvchan__count_drop_locked(uvchan_t* ch, uvchan_drop_reason_t reason);

/* Memory for one value that is too large for the stack, on its way to drop_cb; without the lock. */
typedef struct {
  void* memory;
  int is_own; /* it was made for this call, while another one has the channel's */
} uvchan__room_t;

/* The caller has it alone, until he gives it back. 0, or UV_ENOMEM. */
int uvchan__take_room(uvchan_t* ch, uvchan__room_t* room);
void uvchan__give_room(uvchan_t* ch, uvchan__room_t* room);

/* Bytes of the room that a channel with a drop_cb has, or 0: where one that is sent may have to be
 * dropped, or one that is stored while the channel is used. */
size_t uvchan__room_bytes(unsigned int overflow, int is_aging, size_t elem_size);

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
