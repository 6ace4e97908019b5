/* SPDX-License-Identifier: MIT */
/* The near side of a sink: it takes values from the channel into the window, and no more than that
 * has room for; with an encoder, the bytes that stand for them. Knows no server. The loop's thread
 * alone.
 *
 * I1. While the request is pending the window has room, and the request's value goes to the place
 *     at tail, or to `value` where there is an encoder.
 * I2. The encoder is a callback of the user's, who may close the sink in it: after it `is_stopped`
 *     is looked at before anything else. */
#ifndef UVCHAN_REDIS_TAKING_H
#define UVCHAN_REDIS_TAKING_H

#include <uvchan/redis.h>

#include "redis/window.h"

typedef struct {
  uvchan__redis_window_t window;
  uvchan_redis_sink_t* handle; /* for the encoder; its loop and its channel */
  uvchan_redis_encode_cb encode;
  void* value; /* one element, where it is not the window's bytes; or NULL */
  uvchan_recv_t request;
  int is_receiving; /* the request is pending */
  int is_stopped;
  int has_ended; /* the channel; with which status: */
  int end_status;
  uint64_t refused;
  void (*came)(void* owner);   /* the request has brought a value, or the end */
  void (*parted)(void* owner); /* it was stopped while the request was pending; now it is not */
  void* owner;
} uvchan__redis_taking_t;

/* Its memory; the functions and the owner are set by the owner.
 *   options   with what is not set filled in
 * Returns 0; UV_ENOMEM, and nothing is left. */
int uvchan__redis_taking_init(uvchan__redis_taking_t* taking,
                              const uvchan_redis_sink_options_t* options, size_t elem_size);
void uvchan__redis_taking_free(uvchan__redis_taking_t* taking);

/* Takes what is there at once, and asks for the next. Returns 0; or why it can't ask. */
int uvchan__redis_taking_take(uvchan__redis_taking_t* taking);

/* Takes no more. Returns 1 where `parted` will be called. */
int uvchan__redis_taking_stop(uvchan__redis_taking_t* taking);

#endif /* UVCHAN_REDIS_TAKING_H */
