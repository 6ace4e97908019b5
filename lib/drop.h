/* Values that nobody will receive: dropped because a channel is full, was aborted, or is gone. */
#ifndef UVCHAN_DROP_H
#define UVCHAN_DROP_H

#include "channel.h"

/* A send to a channel that has a drop policy and is full. 0, UV_EPIPE, or UV_ENOMEM with no effect (drop.c). */
int uvchan__send_overflowing(uvchan_t* ch, const void* value);

/* Drops what is buffered; the channel is closed, or has no users any more. */
void uvchan__drop_all(uvchan_t* ch, uvchan_drop_reason_t reason);

#endif /* UVCHAN_DROP_H */
