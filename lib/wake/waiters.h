/* SPDX-License-Identifier: MIT */
/* Who waits on a channel, in order: threads in waiting calls, requests, selects, and started
 * receivers that have nothing to receive.
 *
 * A waiter has one place in the queue of each channel that it waits on. Threads, requests and
 * selects are finished by the one who wakes them: he claims the waiter, copies the value to or from
 * its place, sets the outcome, and wakes it. A started receiver is only told to look: its values
 * stay in the channel until its loop takes them, and next for anyone.
 *
 *      STARTING                       its own start alone touches it; from there it is queued, and
 *         |                           WAITING, or decided at once, and CLAIMED
 *         |
 *      WAITING --claim()--> CLAIMED   the claimer alone touches the waiter, until he wakes it
 *         |                    |
 *      withdraw()       set_withdrawn()
 *         |                    |
 *         '----> WITHDRAWN <---'      its owner alone: it was cancelled, or its time is over, and
 *                                     took nothing; or it is cancelled too late, and its owner has
 *                                     taken it out of its hub's list to call back by himself
 *
 * I1  Queues, and the places in them, are touched only under the lock of their channel.
 * I2  claim() and withdraw() exchange one word from WAITING: exactly one of them succeeds, once,
 *     however many channels the waiter waits on. A place whose waiter is not WAITING any more may
 *     still be queued; whoever meets it takes it out.
 * I3  A claimer holds the lock of the place's channel until the value is copied; so an owner who
 *     has taken all his places out of their queues knows that nobody touches the places any more.
 * I4  A waiter's memory is the claimer's until it is woken: a thread returns only after unpark(), a
 *     request completes only after its entry was posted. Waking touches nothing but waiters and
 *     hubs: so who is woken may free the channel at once.
 *
 * Threads: any; which of them, and with which lock, the states and invariants say. Knows how a
 * thread sleeps, and how an entry is posted; does not know values, nor what is behind a channel's
 * address. */
#ifndef UVCHAN_WAITERS_H
#define UVCHAN_WAITERS_H

#include <uvchan/private.h>

#include "ground/atomic.h"
#include "wake/patience.h"

/* WORK is a request that may be claimed long before it is finished. */
typedef enum { UVCHAN__THREAD, UVCHAN__REQUEST, UVCHAN__RECEIVER, UVCHAN__WORK } uvchan__kind_t;

/* hub and run: NULL for a thread. Until it is queued it is STARTING. */
void uvchan__waiter_init(uvchan__waiter_t* waiter, uvchan__kind_t kind, uvchan__hub_t* hub,
                         unsigned int (*run)(uvchan__entry_t* entry));
void uvchan__place_init(uvchan__place_t* place, uvchan__waiter_t* waiter, struct uvchan_s* channel,
                        const void* value, int sends);

int uvchan__claim(uvchan__waiter_t* waiter);    /* 1 where the waiter is the caller's now */
int uvchan__withdraw(uvchan__waiter_t* waiter); /* the same, for its owner */

/* For a request's owner: whether somebody has claimed it and its owner not taken it back yet; by
 * its own start; and taking it back. */
int uvchan__is_claimed(uvchan__waiter_t* waiter);
void uvchan__set_claimed(uvchan__waiter_t* waiter);
void uvchan__set_withdrawn(uvchan__waiter_t* waiter);

/* With the lock of the queue; of a waiter that waits on several, with all locks. Queueing a place
 * begins the wait: from here on the waiter may be claimed. A select that can never be ready has no
 * place, and begins to wait by itself. */
void uvchan__enqueue(uvchan__queue_t* queue, uvchan__place_t* place);
void uvchan__begin_waiting(uvchan__waiter_t* waiter);
void uvchan__dequeue(uvchan__queue_t* queue, uvchan__place_t* place); /* where it is queued */
/* takes out those before it that wait no more; or NULL */
uvchan__place_t* uvchan__first_waiting(uvchan__queue_t* queue);
size_t uvchan__count_waiting(const uvchan__queue_t* queue);

/* Since when it waits, in milliseconds of uv_hrtime()'s clock, which wrap: noted by its owner, of a
 * request or a receiver as uv_now(), before it can be claimed, and of a thread as it goes to sleep.
 * 0: not noted. */
void uvchan__note_since(uvchan__waiter_t* waiter, uint64_t now_ms);

/* What can be told of a waiter. */
typedef struct {
  uv_loop_t* loop;     /* NULL for a thread */
  const void* address; /* of the waiter */
  unsigned int thread; /* the system's number of one that sleeps; or 0 */
  int has_since;
  unsigned int waited_ms;
} uvchan__sight_t;

/* With the lock of a queue that it is in. Answers 0 where it does not wait any more. */
int uvchan__see(uvchan__waiter_t* waiter, uvchan__sight_t* sight);

/* What is to be woken once no lock is held: all zero at first. */
typedef struct {
  uvchan__waiter_t* first; /* threads and requests, claimed */
  uvchan__waiter_t* last;
  uvchan__hub_t* hubs;
  unsigned int asleep; /* how many of the threads and loops are asleep, as far as can be seen */
} uvchan__wakes_t;

/* The place's waiter, claimed by the caller, has got its value or its end: sets the outcome, and
 * notes it to be woken. */
void uvchan__finish(uvchan__place_t* place, int status, uvchan__wakes_t* wakes);
/* The same for one without a place; whether its loop sleeps is not counted. */
void uvchan__settle(uvchan__waiter_t* waiter, int status, uvchan__wakes_t* wakes);
/* has a started receiver look */
void uvchan__tell(uvchan__waiter_t* receiver, uvchan__wakes_t* wakes);

void uvchan__wake_all(uvchan__wakes_t* wakes);

/* A thread waits for what its waiter is queued for, up to timeout nanoseconds (UVCHAN__FOR_EVER: no
 * limit); on a waiter that is claimed or waits. patience: how long it spins first, and from when on
 * the timeout counts; NULL to sleep at once.
 *
 * 0: it was finished, and its outcome stands in the waiter. UV_ETIMEDOUT: it has withdrawn, took
 * nothing and gave nothing. Its places may still be queued after the latter, and a select's after
 * either: the caller takes them out before their memory goes. */
int uvchan__await(uvchan__waiter_t* waiter, uvchan__patience_t* patience, uint64_t timeout);

#endif /* UVCHAN_WAITERS_H */
