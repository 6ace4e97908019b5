/* SPDX-License-Identifier: MIT */
/* What a hub is made of, and the steps that posts, turns, defer and fork share: for this folder
 * alone. An entry is a request or a receiver that has something to do on the loop; a hub knows
 * entries, not what they stand for. Which thread enters is said at each member and at each
 * function.
 *
 * I1  An entry is listed at most once; whoever lists or removes it holds the lock.
 * I2  awake means that the loop will look at the list without further help: it has its idle handle
 *     active, or a write to its descriptor is on its way, or it is in the hub's check, and looks at
 *     the end of it. Whoever runs the loop, uv_run() or a program that polls uv_backend_fd()
 *     itself, sees either of them. Set and cleared under the lock.
 * I3  No wake-up is lost. An entry is listed under the lock.
 *
 *         a poster (posts.c)                        the loop's look (turns.c)
 *         lists the entry, under the lock           under the lock: is the list empty?
 *         under the same lock: awake? If            Then it clears awake, and lets
 *         not, he sets it and wakes the loop        the loop sleep, or its program
 *
 *     Case A, the listing comes first: the look finds the entry, and the loop turns on. Case B, the
 *     look comes first: the poster finds awake cleared and wakes the loop; or set again, and then
 *     whoever set it does. To wake it is to activate the idle handle, where the poster is on the
 *     loop's thread for certain: its call is for that thread alone, or that thread is between the
 *     hub's prepare and check, which is within uv_run(). Everywhere else it is a write to the
 *     descriptor, on the thread that last ran the loop too: it may have handed the loop to another
 *     thread, of which the hub knows nothing before its first prepare.
 * I4  No write reaches a loop that may be closed: uv_async_send() is called with wake_lock held and
 *     `closed` not set, and the hub sets `closed` under wake_lock before it closes its handles. The
 *     hub's memory is counted:
 *
 *         who refers to it                      counts    until
 *         all its users together                1         the last one's release
 *         a handle of it that is closing        1         libuv calls back
 *         a wake-up that was decided on         A_WAKER   it was carried out
 * I5  From a turn's begin, and from each callback's, to the next prepare the idle handle is active:
 *     so where a callback is left, the loop turns on, and prepare does what had to follow it, and
 *     puts back into the list what had still to run.
 * I6  Where a stranger closed the hub's handles (uv_walk), none of them is touched again, and
 *     entries are listed without effect. Once libuv has closed them all for good, the loop is not
 *     touched any more either. */
#ifndef UVCHAN_HUB_STATE_H
#define UVCHAN_HUB_STATE_H

#include <uvchan/private.h>

#include "ground/atomic.h"
#include "ground/tuning.h"

/* All hubs that this copy of the library has made, by the address of their loop. A process may have
 * several copies, a program's and those of its plugins: each has hubs of its own, also on one
 * loop. */
typedef struct {
  atomic_uint lock;
  uvchan__hub_t* buckets[UVCHAN__HUB_BUCKETS];
} uvchan__registry_t;

extern uvchan__registry_t uvchan__registry;

/* What has to follow the callback that runs, or was left (defer.h). */
typedef struct {
  void (*after)(uvchan__hub_t* hub, void* const* args); /* or NULL */
  void* args[4];
} uvchan__deferred_t;

/* Counts in the upper bits of `references`. */
#define UVCHAN__A_WAKER 0x100u

/* What the loop's thread writes at each callback lies apart from what others read and write when
 * they post: between the two is `later`, which nobody touches before the end. Values to 10,000
 * channels at random: 69 ns where they share a line, 51 so. */
struct uvchan__hub_s {
  /* The loop's thread. */
  uvchan__entry_t turn; /* the head of a circular list: what runs in this turn */
  uvchan__deferred_t deferred;
  uv_loop_t* loop; /* fixed */
  unsigned int users;
  unsigned int loop_refs;
  int is_turning;   /* the idle handle is active */
  int ran_some;     /* the last turn ran entries: a hint */
  int is_inherited; /* by a child of fork(), in which it has had no turn yet */
  int is_replaced;  /* the other async handle is closing */
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;
  uv_timer_t timer;             /* for alarms.c alone, as the next three */
  uvchan__alarm_t* first_alarm; /* by their times */
  uvchan__alarm_t* last_alarm;
  uint64_t timer_at; /* as uv_hrtime(), while it is active; else 0 */
  uvchan__later_t later;
  uvchan__registry_t* home; /* fixed: of the copy of the library that made it */
  /* Under the lock of its registry. */
  uvchan__hub_t* next;
  /* Under lock. */
  uvchan__entry_t ready; /* the head of a circular list */
  /* that last ran the loop; before the first turn, the one that made the hub */
  uint64_t thread;
  atomic_uint lock;
  unsigned char has_run;
  unsigned char around_poll; /* between prepare and check: that thread is in the loop for certain */
  unsigned char awake;
  /* Atomic. */
  atomic_uint wake_pending; /* it stands in somebody's list of wake-ups: see posts.c */
  atomic_uint references;   /* see I4 */
  uvchan__hub_t* wake_next; /* of the one in whose list it stands */
  /* Under wake_lock. */
  atomic_uint wake_lock;
  int closed;
  uv_async_t* async;     /* changed by the loop's thread */
  uv_async_t asyncs[2];  /* the second one is for a child of fork(), and there in turn */
  max_align_t scratch[]; /* the loop's thread, and its callbacks */
};

/* ---- Threads --------------------------------------------------------------------------------- */

/* A number for the calling thread, never 0 and never used again: libuv's may come back once a
 * thread has ended. Each copy of the library counts for itself, so a number says nothing in another
 * one. */
uint64_t uvchan__this_thread(void);

/* With the lock: whether the calling thread has last run the loop. In another copy's call it is not
 * known, and 0: then the loop is woken, needlessly at worst. */
int uvchan__hub_is_on_this_thread(const uvchan__hub_t* hub);

/* ---- Handles: the loop's thread -------------------------------------------------------------- */

/* Activates the idle handle, which keeps the poll from blocking, or stops it. */
void uvchan__hub_keep_turning(uvchan__hub_t* hub, int on);

void uvchan__hub_on_async(uv_async_t* async);

/* Whether a stranger has closed its handles, or some of them: then entries do not run any more. */
int uvchan__hub_is_dead(const uvchan__hub_t* hub);

/* Whether libuv has closed all of them for good: then the loop may be gone, closed and freed, and
 * nothing of it may be touched. What else would be left to libuv's closing phase is done at once. A
 * loop with a handle that is not closed for good can't be closed. */
int uvchan__hub_is_gone(const uvchan__hub_t* hub);

/* ---- Memory: any thread ---------------------------------------------------------------------- */

/* Gives back so many references; with the last one the memory is freed. */
void uvchan__hub_give_back(uvchan__hub_t* hub, unsigned int references);

/* ---- Circular lists of entries: with the lock, or in a turn the loop's own ------------------- */

static inline void uvchan__list_init(uvchan__entry_t* list) { list->next = list->prev = list; }

static inline int uvchan__list_is_empty(const uvchan__entry_t* list) { return list->next == list; }

static inline void uvchan__list_remove(uvchan__entry_t* entry) {
  entry->prev->next = entry->next;
  entry->next->prev = entry->prev;
  entry->next = entry->prev = NULL;
}

static inline void uvchan__list_append(uvchan__entry_t* list, uvchan__entry_t* entry) {
  entry->prev = list->prev;
  entry->next = list;
  entry->prev->next = entry;
  list->prev = entry;
}

/* Moves all of `from` in front of what is in `to`. */
static inline void uvchan__list_move(uvchan__entry_t* from, uvchan__entry_t* to) {
  if (uvchan__list_is_empty(from)) return;
  from->prev->next = to->next;
  to->next->prev = from->prev;
  to->next = from->next;
  to->next->prev = to;
  uvchan__list_init(from);
}

#endif /* UVCHAN_HUB_STATE_H */
