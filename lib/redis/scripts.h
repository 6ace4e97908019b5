/* SPDX-License-Identifier: MIT */
/* The steps that are whole on the server, in Lua. What they answer, and why, see docs/beyond.md. */
#ifndef UVCHAN_REDIS_SCRIPTS_H
#define UVCHAN_REDIS_SCRIPTS_H

/* A producer's mark is its epoch and its token, as "3 token". */
typedef enum {
  UVCHAN__REDIS_HELLO = 0, /* producer, epoch, token, confirmed, or for epoch 0 the one it follows
                              -> how, epoch, last, closed, length */
  UVCHAN__REDIS_ADD,       /* producer, mark, capacity, first, format, value...
                              -> code, last, length */
  UVCHAN__REDIS_END,       /* producer, mark, status, producers -> code */
  UVCHAN__REDIS_OPEN,      /* group -> closed, length, lag, returns */
  UVCHAN__REDIS_DONE,      /* group, id... -> closed, length, lag, returns */
  UVCHAN__REDIS_RETURN,    /* group, consumer, [id, deliveries, 1 where none has seen it]...
                              -> closed, length, lag, returns, how many */
  UVCHAN__REDIS_RENEW,     /* group, consumer, id... -> how many */
  UVCHAN__REDIS_CLAIM,     /* group, most dead, consumer, idle, count, most deliveries, from, whose
                              or "", id that is held...
                              -> [id, deliveries, fields]..., dead, where to go on or "" */
  UVCHAN__REDIS_BURY,      /* group, most dead, why, id -> how many */
  UVCHAN__REDIS_SCRIPTS
} uvchan__redis_script_t;

extern const char* const uvchan__redis_scripts[UVCHAN__REDIS_SCRIPTS];

/* The keys that each script is given, in this order. */
typedef enum {
  UVCHAN__REDIS_STREAM = 0,
  UVCHAN__REDIS_LAST,
  UVCHAN__REDIS_EPOCH,
  UVCHAN__REDIS_ENDS,
  UVCHAN__REDIS_DEAD,
  UVCHAN__REDIS_RETURNS,
  UVCHAN__REDIS_KEYS
} uvchan__redis_key_t;

#endif /* UVCHAN_REDIS_SCRIPTS_H */
