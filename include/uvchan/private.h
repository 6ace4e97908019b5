/* SPDX-License-Identifier: MIT */
/* What the structures of uvchan.h are made of. Private: an embedder neither reads nor writes a
 * member of these. Plain types alone, so that C++ reads them too; lib/ground/atomic.h says which
 * members are accessed atomically. */
#ifndef UVCHAN_PRIVATE_H
#define UVCHAN_PRIVATE_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct uvchan_s;
struct uvchan__waiter_s;
typedef struct uvchan__hub_s uvchan__hub_t;

/* A place in a hub's list of what is ready to run on its loop. */
typedef struct uvchan__entry_s {
  /* under the hub's lock, or in the list of this turn the loop's; NULL in both while in no list */
  struct uvchan__entry_s* next;
  struct uvchan__entry_s* prev;
  /* atomic: from before it is listed until it is run */
  unsigned int posted;
  /* fixed; answers how many values it delivered */
  unsigned int (*run)(struct uvchan__entry_s* entry);
} uvchan__entry_t;

/* Who waits: a thread in a waiting call, a request, a select or a started receiver. */
typedef struct uvchan__waiter_s {
  /* of the one who claimed it, until it is woken; before, since when it waits (waiters.c) */
  struct uvchan__waiter_s* next;
  size_t index;       /* the same, and then of the owner: the case that was chosen */
  int status;         /* the same */
  unsigned int kind;  /* fixed */
  unsigned int claim; /* atomic */
  unsigned int sleep; /* atomic; of a thread */
  uvchan__hub_t* hub; /* fixed; NULL for a thread */
  /* where hub is not NULL; of a thread, who sleeps, since when, and where without a
   * futex (park.c) */
  uvchan__entry_t entry;
} uvchan__waiter_t;

/* A waiter's place in the queue of one channel: one for each case of a select. */
typedef struct uvchan__place_s {
  struct uvchan_s* channel;
  size_t index;                 /* the case */
  struct uvchan__place_s* next; /* under the channel's lock, as prev and queued */
  struct uvchan__place_s* prev;
  uvchan__waiter_t* waiter;
  void* value;
  unsigned int order; /* of arrival; of a select, until it is queued, drawn at random */
  unsigned char sends;
  /* of the waiter's places at this channel, the one that a close finishes */
  unsigned char for_close;
  unsigned char queued;
} uvchan__place_t;

/* A callback that libuv makes once other handles are closed. */
typedef struct {
  uv_idle_t idle; /* first, so that a pointer to it is a pointer to the whole */
  uv_close_cb done;
} uvchan__later_t;

typedef struct {
  uvchan__place_t* first;
  uvchan__place_t* last;
} uvchan__queue_t;

/* What a loop has to do at a time; the loop's thread alone. */
typedef struct uvchan__alarm_s {
  struct uvchan__alarm_s* next; /* in the hub's list, by their times; NULL in none */
  struct uvchan__alarm_s* prev;
  uint64_t at; /* as uv_hrtime() */
  void (*ring)(struct uvchan__alarm_s* alarm);
} uvchan__alarm_t;

/* What every request begins with. */
/* clang-format off */
#define UVCHAN__REQ_FIELDS(self) \
  void* data;       /* the user's */ \
  uv_loop_t* loop;  /* read only */ \
  uvchan__waiter_t waiter; \
  uv_idle_t later;  /* carries the callback of a cancelled request */ \
  void (*withdraw)(self* req); /* takes its places out of their queues */ \
  void (*complete)(self* req, int status);
/* clang-format on */

/* What a work begins with: a request that may be claimed long before it is finished. */
/* clang-format off */
#define UVCHAN__WORK_FIELDS(self) \
  UVCHAN__REQ_FIELDS(self) \
  int (*take_back)(self* req); /* where it is finished and not called back: 1, and it is out */
/* clang-format on */

struct uvchan__port_s;

#endif /* UVCHAN_PRIVATE_H */
