/* Values that nobody will receive: dropped because a channel is full, was aborted, or is gone. */
#ifndef UVCHAN_DROP_H
#define UVCHAN_DROP_H

#include "channel/state.h"

/* A send to a channel that has a drop policy and is full. 0, UV_EPIPE, or UV_ENOMEM with no effect
 * (drop.c). */
int uvchan__send_to_full(uvchan_t* ch, const void* value);

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

/* Bytes that a channel with a drop_cb has for a value that overflows: room for one, or 0. */
size_t uvchan__drop_room_bytes(unsigned int overflow, size_t elem_size);

#endif /* UVCHAN_DROP_H */
