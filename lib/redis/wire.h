/* SPDX-License-Identifier: MIT */
/* One attempt to connect, and the connection that it becomes: hiredis attached to a uv_poll_t of
 * its own. hiredis' own adapter returns from an error of the poll, which libuv has stopped by then,
 * so that a refused connection is never reported; this one has hiredis look at the socket. Knows
 * neither commands nor who tries again. The loop's thread alone. */
#ifndef UVCHAN_REDIS_WIRE_H
#define UVCHAN_REDIS_WIRE_H

#include <hiredis/async.h>
#include <uv.h>

typedef struct uvchan__redis_wire_s uvchan__redis_wire_t;

/* What its owner hears of it. */
typedef struct {
  void (*up)(void* owner);                      /* it is connected */
  void (*down)(void* owner, const char* words); /* it has failed; it is no longer the owner's */
  void (*gone)(void* owner);                    /* the last call: libuv has closed its handles */
} uvchan__redis_wire_calls_t;

struct uvchan__redis_wire_s {
  redisAsyncContext* context; /* NULL: dropped, or failed */
  redisAsyncContext* doomed;  /* or NULL: dropped within `up`, and freed behind it */
  const uvchan__redis_wire_calls_t* calls;
  void* owner;
  int events;     /* what the poll looks for */
  int is_rising;  /* within `up` */
  int is_up;      /* it is connected */
  int is_writing; /* what is not written now, waits for the poll */
  uv_poll_t poll;
  uv_idle_t idle;     /* active: something is to be written at once */
  unsigned char open; /* handles that are not closed yet */
};

/* Takes the context over, and frees it where that fails.
 *   wire   where to put it, untouched on failure
 * Returns 0; UV_ENOMEM, or what uv_poll_init() answers. */
int uvchan__redis_wire_open(uv_loop_t* loop, uvchan__redis_wire_t** wire,
                            redisAsyncContext* context, const uvchan__redis_wire_calls_t* calls,
                            void* owner);

/* Ends it without a word but `gone`. Commands that are due are called back with NULL, here or
 * later. Allowed in the callback of a command, and in `up`. */
void uvchan__redis_wire_drop(uvchan__redis_wire_t* wire);

#endif /* UVCHAN_REDIS_WIRE_H */
