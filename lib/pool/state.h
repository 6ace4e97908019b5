/* SPDX-License-Identifier: MIT */
/* The pool: what those who submit and its threads share, and what holds of it whenever the lock is
 * free. Open to this folder alone.
 *
 * A work is the caller's memory, linked into a lane. Its waiter's claim decides who finishes it
 * (wake/waiters.h): a thread, which claims it and begins; or its own loop, which withdraws it, to
 * cancel it, or because its time is over.
 *
 *      loop                    lane                      thread
 *      submits it -----------> inside, or outside
 *                              until there is room ----> takes the first, and claims it
 *      or withdraws it, and                              on_work
 *      takes it out                                         |
 *                              port                         |
 *      on_done <-------------- finished <-------------------'
 *
 * I1  A work is in a lane from its submission until it is claimed, or its loop has withdrawn it and
 *     taken it out. What is inside stands in front of what is outside, in each lane.
 * I2  Bounded: at most `capacity` works are inside, and of the normal lane as many as leave the
 *     urgent places free. While there is room for a lane, nothing of it is outside.
 * I3  No work waits for long while a thread could do it: while works wait, a thread is looking; or
 *     every thread is at work, and as many begin as works wait, or as can be made; or they will be
 *     worked off soon, as far as can be told, and there is a guard, who sees whether they were
 *     (threads.c). Who takes a work, or puts one in, has another thread called where works are left
 *     and none of this holds: so one wake-up leads to the next, and one is under way at a time.
 * I4  A thread that is parked is in `parked`, and is claimed with the lock by whoever calls it. It
 *     counts as looking from there on.
 * I5  A loop has a port in use from the submission of a work until its on_done has returned, and a
 *     port in use holds the pool. With the last port in use, and the last thread, goes the end of a
 *     closed pool: it is posted, once.
 *
 * Threads: any. The order of locks: a pool's, then a hub's. */
#ifndef UVCHAN_POOL_STATE_H
#define UVCHAN_POOL_STATE_H

#include <uvchan/pool.h>

#include "ground/atomic.h"
#include "store/admission.h"
#include "wake/roster.h"
#include "wake/waiters.h"

enum { UVCHAN__LANES = 2 };

typedef struct {
  uvchan_work_t* first;
  uvchan_work_t* last;
  uvchan_work_t* outside; /* the first that waits for room, or NULL */
  size_t n_inside;
  size_t n_outside;
  uvchan__admission_t admission;
} uvchan__lane_t;

typedef struct {
  uvchan_work_t* first;
  uvchan_work_t* last;
} uvchan__works_t;

/* A loop's way back, see port.h. */
typedef struct uvchan__port_s {
  uvchan__entry_t entry;
  uvchan_pool_t* pool;         /* fixed */
  struct uvchan__port_s* next; /* under the pool's lock, as all up to n_finished */
  uv_loop_t* loop;             /* where it is in use; else NULL */
  uvchan__works_t finished;
  atomic_uint n_finished; /* of those; relaxed: a hint for the loop */
  uvchan__hub_t* hub;     /* the loop's, as all below */
  size_t n_uses;          /* works that are pending, and calls that are at it */
  uvchan__works_t turn;   /* finished, and about to be called back */
  unsigned char is_in_turn;
  unsigned char was_busy; /* in its last turn: as a receiver, see ends/polling.h */
  unsigned char misses;
  unsigned char skips;
} uvchan__port_t;

/* A place for a thread. Under the lock, but for what is said. */
typedef struct {
  uvchan_pool_t* pool; /* fixed */
  uv_thread_t id;      /* of who makes it, and then fixed until it is joined */
  unsigned char is_used;
  unsigned char is_making; /* somebody is in uv_thread_create_ex() for it */
  unsigned char has_ended; /* it touches nothing of the pool any more: to be joined */
  unsigned char is_beginning;
  unsigned char spins; /* the thread's own, as all below while it is not parked */
  unsigned char is_guard;
  const uvchan_work_t* work; /* under the lock, as the next: what it is at, to be seen; or NULL */
  unsigned int number;       /* the system's */
  uint64_t begun;            /* as uv_hrtime(): its work */
  uint64_t seen_at_end;      /* how many were submitted, when it had done the last of its works */
  uint64_t seen_at_park;     /* the same, when it parked */
  void* state;
  uvchan__waiter_t* creator; /* who waits for its begin, or NULL */
  uvchan__waiter_t waiter;
  uvchan__place_t place;
} uvchan__thread_t;

struct uvchan_pool_s {
  /* Under the lock. */
  atomic_uint lock;
  atomic_uint worth_a_look; /* works that wait, or UINT_MAX once it is closed: a hint */
  uvchan__lane_t lanes[UVCHAN__LANES];
  size_t n_inside;
  size_t n_outside;
  unsigned int n_looking;   /* threads that will look at the lanes without being called */
  unsigned int n_beginning; /* threads that will, but may take long until then */
  unsigned int has_guard;   /* one that is parked looks again before long: see threads.c */
  uint64_t typical_ns;      /* from one work of a thread's to its next, learned: a hint */
  unsigned int urgent_in_a_row;
  uvchan__queue_t parked;
  uvchan__queue_t rooms; /* requests that wait for room */
  uvchan__port_t* ports;
  size_t n_ports_used;
  unsigned int n_threads;
  unsigned int n_making;
  size_t n_running;
  uint64_t retry_at; /* no thread is made before that */
  uint64_t submitted, done, cancelled, expired, shed, closed, refused;
  uint64_t total_wait, longest_wait;
  size_t peak;
  unsigned int threads_failed;
  unsigned char is_closed;
  unsigned char has_end; /* somebody waits for it: the next three */
  unsigned char end_is_posted;
  uvchan_pool_closed_cb closed_cb;
  uv_loop_t* end_loop; /* the closing one, and its hub */
  uvchan__hub_t* end_hub;
  uvchan__entry_t end;
  uvchan__alarm_t drain;  /* the closing loop's */
  atomic_uint references; /* [references.R] and [references.A], see life.c */
  atomic_uint patience;   /* a hint, see wake/patience.h */
  /* Fixed. */
  unsigned int threads_at_most;
  size_t capacity;
  size_t normal_capacity;
  uint64_t max_wait;
  size_t stack_size;
  uvchan_thread_begin_cb thread_begin;
  uvchan_thread_end_cb thread_end;
  void* thread_arg;
  uv_thread_cb thread_run; /* what a thread does, in the copy of the library that made the pool */
  const char* name;        /* behind the threads */
  void* data;              /* the user's */
  uvchan__member_t member; /* of the roster */
  uvchan__thread_t threads[];
};

/* One stay under the lock, and what comes after it: wake-ups, a thread to make. */
typedef struct {
  uvchan__wakes_t wakes;
  uvchan__thread_t* to_make;
  uint64_t now; /* as uv_hrtime(); 0 where nothing of it depends on the time */
} uvchan__shift_t;

#define UVCHAN__SHIFT(at) \
  { {NULL, NULL, NULL, 0}, NULL, at }

#endif /* UVCHAN_POOL_STATE_H */
