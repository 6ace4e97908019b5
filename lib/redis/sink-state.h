/* SPDX-License-Identifier: MIT */
/* A sink: sends what it has taken until the server has it.
 *
 *   AWAY --ready--> GREETING --hello--> RUNNING --FULL, GAP--> HALTING --all answered--> RESTING
 *    ^                 ^                  |  ^                    |                        |
 *    '-- lost (any)    '------ GAP -------)--)--------------------'                        |
 *                                         |  '------------------- timer -------------------'
 *                                         '-- ended, nothing left --> ENDING --answer--> OVER
 *
 * I1. Numbers have a meaning within one mark, which is the epoch and the token: where hello answers
 *     SAME, the server's last number is `confirmed` or that of a value between head and tail; where
 *     it answers another, the numbers of all that is held begin anew behind the server's last.
 * I2. What the server says moves `in`, and with it, or once enough replicas have it, head; nothing
 *     else does. `in` goes back with a hello alone, where the server has lost what no replica had.
 * I3. In HALTING no value is sent until all answers are here: so `sent` may go back, and no value
 *     is on its way twice on one connection.
 * I4. One WAIT is due at most. It answers for all that was answered before it. */
#ifndef UVCHAN_REDIS_SINK_STATE_H
#define UVCHAN_REDIS_SINK_STATE_H

#include "redis/command.h"
#include "redis/options.h"
#include "redis/taking.h"

#define UVCHAN__REDIS_MARK_BYTES (UVCHAN__REDIS_TOKEN_BYTES + 24)

typedef enum {
  UVCHAN__REDIS_SINK_AWAY = 0,
  UVCHAN__REDIS_SINK_GREETING,
  UVCHAN__REDIS_SINK_RUNNING,
  UVCHAN__REDIS_SINK_HALTING,
  UVCHAN__REDIS_SINK_RESTING,
  UVCHAN__REDIS_SINK_ENDING,
  UVCHAN__REDIS_SINK_OVER
} uvchan__redis_sink_state_t;

typedef struct uvchan__redis_sink_s uvchan__redis_sink_t;

struct uvchan__redis_sink_s {
  uvchan_redis_sink_t* handle;
  uvchan_redis_sink_options_t options; /* filled in; of its strings the producer's alone is kept */
  char* producer;
  char format[UVCHAN__REDIS_FORMAT_BYTES];
  char token[UVCHAN__REDIS_TOKEN_BYTES];
  uvchan__redis_link_t link;
  uvchan__redis_command_t command;
  uvchan__redis_call_t hello, add, wait, end;
  uvchan__redis_taking_t taking;
  uv_timer_t rest;
  uint64_t rest_ms;
  uvchan_redis_sink_close_cb close_cb;
  uvchan__redis_sink_state_t state;
  uint64_t epoch; /* 0: the server has given none yet, and it is to follow: */
  uint64_t follows;
  char mark[UVCHAN__REDIS_MARK_BYTES];
  uint64_t base;        /* the server's last number as it gave the mark */
  uint64_t in;          /* the number of the last value that the server is known to have */
  unsigned int flights; /* steps without an answer */
  int is_waiting;       /* for replicas */
  int is_full;          /* in HALTING: of the refusals the first was FULL, else GAP */
  unsigned int open;    /* while closing: what is not closed yet */
  uint64_t values, told, rolled_back, length;
};

/* It is over, with this status: its channel is closed, and that is told. */
void uvchan__redis_sink_end_with(uvchan__redis_sink_t* sink, int status);

/* Takes what there is room for in its window. */
void uvchan__redis_sink_take(uvchan__redis_sink_t* sink);

/* Tells what was confirmed since it last did. An answer is done with before: the callback may close
 * the sink. */
void uvchan__redis_sink_tell(uvchan__redis_sink_t* sink);

#endif /* UVCHAN_REDIS_SINK_STATE_H */
