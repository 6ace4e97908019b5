/* SPDX-License-Identifier: MIT */
/* A connection that is made again whenever it is lost: looked up, connected, greeted with its
 * scripts, watched for answers, and after a failure tried again after a time that grows. Whatever
 * the server answers with an error is a failure of the connection. Knows no stream. The loop's
 * thread alone.
 *
 *               +------------ lost, refused, an error, no answer in time -----------+
 *               v                                                                   |
 *   start --> WAITING --timer--> RESOLVING --> CONNECTING --> GREETING --> READY ----+
 *   stop from any state --> STOPPED; close --> the closed call, once libuv has closed all
 *
 * I1. `wire` is NULL in WAITING, RESOLVING and STOPPED, and not NULL in the other states.
 * I2. `timer` is active in all states but STOPPED and READY; in READY while an answer is due.
 * I3. The owner hears `lost` once for each `ready`, unless it has stopped the link. */
#ifndef UVCHAN_REDIS_LINK_H
#define UVCHAN_REDIS_LINK_H

#include "redis/address.h"
#include "redis/scripts.h"
#include "redis/wire.h"

typedef struct uvchan__redis_link_s uvchan__redis_link_t;

typedef struct {
  void (*ready)(void* owner); /* commands may be sent */
  void (*lost)(void* owner);  /* an attempt, or a connection: no answer comes to what is due */
  void (*gave_up)(void* owner, int status);
  void (*closed)(void* owner);
} uvchan__redis_link_calls_t;

/* A kind of command, and who gets its answers, which come in the order of the commands: fixed, and
 * in place until the link is closed. */
typedef struct {
  uvchan__redis_link_t* link;
  void (*answer)(void* owner, const redisReply* reply);
} uvchan__redis_call_t;

typedef enum {
  UVCHAN__REDIS_WAITING = 0,
  UVCHAN__REDIS_RESOLVING,
  UVCHAN__REDIS_CONNECTING,
  UVCHAN__REDIS_GREETING,
  UVCHAN__REDIS_READY,
  UVCHAN__REDIS_STOPPED
} uvchan__redis_link_state_t;

struct uvchan__redis_link_s {
  uv_loop_t* loop;
  void* owner;
  const uvchan__redis_link_calls_t* calls;
  uvchan__redis_address_t address;
  uint64_t patience_ms; /* for an answer */
  uvchan__redis_link_state_t state;
  uvchan__redis_wire_t* wire;
  uv_timer_t timer;
  uv_getaddrinfo_t lookup;
  unsigned int lookup_turn; /* the address's, for which it is */
  uvchan__redis_call_t greeting;
  unsigned int greeted;  /* answers to the greeting so far */
  unsigned int prologue; /* answers that come before those about scripts */
  unsigned int due;      /* answers */
  unsigned int open;     /* wires, look-ups and the timer, that libuv has not finished with */
  unsigned char is_closing;
  unsigned char was_useful; /* since the last failure the server has answered a command */
  uint64_t failing_since;   /* as uv_now() */
  uint64_t delay_ms;        /* the limit of the last wait; 0: none yet */
  uint32_t dice;
  char hashes[UVCHAN__REDIS_SCRIPTS][41];
  uint64_t connects;
  uint64_t failures;
  int last_error;
  char last_words[128];
};

/* What can fail: returns as the address, which is freed by its own function until it has begun. */
int uvchan__redis_link_prepare(uvchan__redis_link_t* link, const uvchan_redis_server_t* server);

/* Begins to connect in the loop's next turn. */
void uvchan__redis_link_begin(uv_loop_t* loop, uvchan__redis_link_t* link,
                              const uvchan__redis_link_calls_t* calls, void* owner);

static inline int uvchan__redis_link_is_ready(const uvchan__redis_link_t* link) {
  return link->state == UVCHAN__REDIS_READY;
}

/* Sends a command, whose arguments are copied. Only where the link is ready. It may be lost, by the
 * `lost` call, before this returns. */
void uvchan__redis_link_send(uvchan__redis_call_t* call, int argc, const char* const* argv,
                             const size_t* lengths);

/* No further call but `closed`, and no further attempt. */
void uvchan__redis_link_stop(uvchan__redis_link_t* link);

/* Stops it, and has `closed` called once its memory is the owner's again. Once. */
void uvchan__redis_link_close(uvchan__redis_link_t* link);

/* Fails the connection with these words, as an answer that makes no sense does. */
void uvchan__redis_link_fail(uvchan__redis_link_t* link, int error, const char* words);

/* Keeps them as the last failure's, and the connection. */
void uvchan__redis_link_note(uvchan__redis_link_t* link, int error, const char* words);

#endif /* UVCHAN_REDIS_LINK_H */
