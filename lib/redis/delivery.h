/* SPDX-License-Identifier: MIT */
/* The near side of a source: entries become elements in slots, elements go into the channel, and
 * tickets come back. Knows no server. The loop's thread alone.
 *
 * I1. While a request to send is pending, its element is the first of those that wait.
 * I2. The decoder and `undo` are callbacks of the user's, who may close the source in them: after
 *     each `is_stopped` is looked at before anything else. */
#ifndef UVCHAN_REDIS_DELIVERY_H
#define UVCHAN_REDIS_DELIVERY_H

#include <uvchan/redis.h>

#include "redis/options.h"
#include "redis/slots.h"
#include "redis/tickets.h"

typedef struct {
  uvchan__redis_slots_t slots;
  uvchan_redis_source_t* handle; /* for the callbacks; its loop and its channel */
  uvchan_redis_decode_cb decode; /* NULL: entries of this format alone: */
  char format[UVCHAN__REDIS_FORMAT_BYTES];
  uvchan_redis_undo_cb undo;
  uvchan__redis_tickets_t* tickets;
  uvchan_receiver_t returns; /* of tickets */
  uvchan_send_t request;
  size_t ticket_bytes; /* 0: a value is done when the channel has it */
  size_t value_bytes;
  int is_sending; /* the request is pending */
  int is_stopped;
  uint64_t values, again;
  void (*moved)(void* owner);              /* there is room, or something is done */
  void (*refused)(void* owner, int error); /* the channel takes nothing: UV_EPIPE, it is closed */
  void (*parted)(void* owner);             /* after close: one of its two has ended */
  void* owner;
} uvchan__redis_delivery_t;

/* Its memory, and the receiver of tickets, which is open where this returns 0. The functions and
 * the owner are set by the owner.
 *   options   with what is not set filled in
 * Returns 0; UV_ENOMEM, or what uvchan_receiver_init() answers, and nothing is left. */
int uvchan__redis_delivery_init(uvchan__redis_delivery_t* delivery, uv_loop_t* loop,
                                const uvchan_redis_source_options_t* options, size_t elem_size);
void uvchan__redis_delivery_begin(uvchan__redis_delivery_t* delivery);

/* An entry of the stream in a slot. One that has a slot is passed over.
 *   format, value   as the entry has them; NULL: it has none
 *   deliveries      the server's count, this one included
 * Returns 0; or why it is no value. */
int uvchan__redis_delivery_accept(uvchan__redis_delivery_t* delivery, uint64_t time,
                                  uint64_t serial, const char* format, const char* value, size_t n,
                                  uint64_t deliveries);

/* Puts what waits into the channel. Returns 0; or what `refused` is told. */
int uvchan__redis_delivery_go_on(uvchan__redis_delivery_t* delivery);

/* What waits goes back to the stream; and so does an entry that a source which leaves is given,
 * unless it has a slot. */
void uvchan__redis_delivery_return(uvchan__redis_delivery_t* delivery);
void uvchan__redis_delivery_decline(uvchan__redis_delivery_t* delivery, uint64_t time,
                                    uint64_t serial, uint64_t deliveries);

/* Takes nothing back, and puts nothing more into the channel. */
void uvchan__redis_delivery_stop(uvchan__redis_delivery_t* delivery);

/* Answers how often `parted` will be called: then its memory is freed by the next. */
unsigned int uvchan__redis_delivery_close(uvchan__redis_delivery_t* delivery);
void uvchan__redis_delivery_free(uvchan__redis_delivery_t* delivery);

#endif /* UVCHAN_REDIS_DELIVERY_H */
