/* SPDX-License-Identifier: MIT */
/* A source: asks for no more values than it has slots, has them delivered, and acknowledges those
 * that their receivers are done with.
 *
 *   reader      --ready--> OPENING --open--> HISTORY --nothing left--> NEWS --no value--> ...
 *   other side  --ready--> done, as values are done; return, as they are given back; renew, by the
 *                          timer; claim, by the timer, and where others have given some back
 *
 *   RUNNING --the stream is closed and empty--> OVER
 *      '-- the channel is closed --> LEAVING: only returns values --none is here, or due--> OVER
 *
 * I1. One `open`, one history and one claim are due at most; the history with no claim, and no
 *     question for news, since it would count what these bring as delivered once more. Questions
 *     for news follow each other while answers are full (`is_flowing`), and do not wait in the
 *     server then: one that waits there has no other behind it.
 * I2. The history and a claim name what has a slot when they are sent, and the server passes over
 *     that. What has a slot by the time an answer comes is passed over here: the other connection
 *     has brought it, or all is news again, where a stranger has deleted the group, or the server
 *     has gone back to a moment before. */
#ifndef UVCHAN_REDIS_SOURCE_STATE_H
#define UVCHAN_REDIS_SOURCE_STATE_H

#include "redis/command.h"
#include "redis/delivery.h"
#include "redis/flights.h"

typedef enum {
  UVCHAN__REDIS_SOURCE_RUNNING = 0,
  UVCHAN__REDIS_SOURCE_LEAVING,
  UVCHAN__REDIS_SOURCE_OVER
} uvchan__redis_source_state_t;

typedef struct uvchan__redis_source_s uvchan__redis_source_t;

struct uvchan__redis_source_s {
  uvchan_redis_source_t* handle;
  uvchan_redis_source_options_t options; /* filled in; of its strings those below are kept */
  char* group;
  char* consumer;
  uvchan__redis_link_t reader;
  uvchan__redis_link_t side; /* the other connection */
  uvchan__redis_command_t command;
  uvchan__redis_call_t open_call, history_call, read_call, more_call, done_call, return_call,
      renew_call, claim_call, bury_call;
  uvchan__redis_delivery_t delivery;
  uv_timer_t claim_timer;
  uvchan_redis_source_close_cb close_cb;
  uvchan__redis_source_state_t state;
  int is_open;      /* the group is there, on this connection of the reader's */
  int is_history;   /* the next question is for what this consumer has */
  int is_reading;   /* `open` or the history */
  int is_flowing;   /* the last answer was full: there may be more */
  int is_claim_due; /* by the timer, by `returns`, or since the last look has not come to its end */
  int is_look_stale; /* another one follows */
  int is_renewing;
  uvchan__redis_flights_t reads; /* questions for news, and the slots that each has reserved */
  uvchan__redis_flights_t dones; /* acknowledgements, of the first of those DONE */
  uvchan__redis_flights_t backs; /* the same, of those BACK */
  uint32_t recalled, claimed;    /* the slots that the history and a claim have reserved: 0 where it
                                    is not on its way */
  uint64_t history_time, history_serial; /* where the history goes on, behind this entry */
  uint64_t claim_time, claim_serial;
  int has_ended; /* the stream, as said with `length`; with which status: */
  int end_status;
  unsigned int open; /* while closing: what is not closed yet */
  uint64_t done, requeued, dead, length, lag;
  uint64_t returns; /* how often values were given back, as said with `length` */
};

static inline int uvchan__redis_source_is_running(const uvchan__redis_source_t* source) {
  return source->state == UVCHAN__REDIS_SOURCE_RUNNING;
}

static inline int uvchan__redis_source_is_over(const uvchan__redis_source_t* source) {
  return source->state == UVCHAN__REDIS_SOURCE_OVER;
}

/* Nothing is asked for that could not be acknowledged, or buried: so both connections have to be
 * there. */
static inline int uvchan__redis_source_is_up(const uvchan__redis_source_t* source) {
  return source->is_open && uvchan__redis_link_is_ready(&source->side);
}

/* A command that runs a script, whose first argument is the group. */
static inline void uvchan__redis_source_script(uvchan__redis_source_t* source,
                                               const uvchan__redis_link_t* link,
                                               uvchan__redis_script_t script) {
  uvchan__redis_command_script(&source->command, link, script);
  uvchan__redis_command_word(&source->command, source->group);
}

/* Slots for a question: *reserved of the room that there is; and that it was answered, or lost. */
static inline void uvchan__redis_source_reserve(uvchan__redis_source_t* source, uint32_t* reserved,
                                                uint32_t room) {
  *reserved = room < source->options.batch ? room : source->options.batch;
  source->delivery.slots.reserved += *reserved;
}

static inline void uvchan__redis_source_unreserve(uvchan__redis_source_t* source,
                                                  uint32_t* reserved) {
  source->delivery.slots.reserved -= *reserved;
  *reserved = 0;
}

/* What the server has said of the stream: closed, length, lag, returns. It may be the end. */
void uvchan__redis_source_learn(uvchan__redis_source_t* source, const redisReply* reply);

/* A channel that its receivers have closed takes nothing: the source leaves. A request that is
 * pending tells of it itself. */
void uvchan__redis_source_check_channel(uvchan__redis_source_t* source);

/* It is over where no value is here or may come: once the stream has ended, or it leaves. */
void uvchan__redis_source_check_end(uvchan__redis_source_t* source);

/* Something has changed: what waits goes into the channel, what is to be said or asked is, and where
 * nothing is left it is over. */
void uvchan__redis_source_go_on(uvchan__redis_source_t* source);

#endif /* UVCHAN_REDIS_SOURCE_STATE_H */
