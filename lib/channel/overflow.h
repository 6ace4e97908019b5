/* SPDX-License-Identifier: MIT */
/* What a send does where the channel is full: it drops the new value, or the oldest one. Knows the
 * steps, and how a value is dropped; does not know who sends. A new policy has its place in
 * uvchan_overflow_t, in what uvchan_create_ex() accepts, and here. Threads: any. */
#ifndef UVCHAN_OVERFLOW_H
#define UVCHAN_OVERFLOW_H

#include <uvchan.h>

/* A send to a channel that has an overflow policy and is full. 0, UV_EPIPE, or UV_ENOMEM with no
 * effect. */
int uvchan__send_to_full(uvchan_t* ch, const void* value);

#endif /* UVCHAN_OVERFLOW_H */
