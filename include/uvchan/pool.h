/* SPDX-License-Identifier: MIT */
/* uvchan/pool.h: a pool of threads that works for loops.
 *
 * What comes in on a loop and takes too long for it is submitted to a pool, waits there in a
 * bounded queue, is worked off on one of the pool's threads, and its answer comes back to the loop
 * that submitted it: as uv_queue_work(), but with threads of one's own, a bound, two lanes, limits
 * of time, figures and an end.
 *
 *      loops                          pool                                    threads
 *      try_submit, submit --> [ urgent lane | normal lane ] --on_work--> with a state of their own
 *      on_done, on the loop that submitted <---------------------------------'
 *
 * A work is the caller's memory, in place from its submission to its on_done; the pool needs no
 * memory for it. It is a request as those of uvchan.h: uvchan_cancel() takes it, it keeps its loop
 * alive until on_done, and a loop on which one is pending can't be closed.
 *
 * How the functions are documented, and what a stranger is: see uvchan.h. The callbacks on_done,
 * on_room and on_closed run on their loop's thread, never inside the call that led to them, and
 * need not return (uvchan.h says when). on_work and the callbacks of threads run on threads of the
 * pool, where every function of the library is allowed that may be called on any thread; they have
 * to return.
 *
 * Fork. A child of fork() has none of a pool's threads. It must not touch a pool of its parent's,
 * nor run a loop that has works pending; pools that it makes itself are its own. */
#ifndef UVCHAN_POOL_H
#define UVCHAN_POOL_H

#include <uvchan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Making one ------------------------------------------------------------------------------ */

typedef struct uvchan_pool_s uvchan_pool_t; /* opaque, reference counted, of no loop */
typedef struct uvchan_work_s uvchan_work_t; /* a request to have something worked off */
typedef struct uvchan_room_s uvchan_room_t; /* a request to hear that there is room */

/* Makes what a thread has for itself, a database handle say: on that thread, before its first work.
 *   state   where to put it, for each on_work; NULL at first
 *   arg     thread_arg of the options
 * Returns 0; or a negative error code of its own: then the thread ends again without a work, and
 * another one is tried a second later at the earliest. It may take its time: works go to the other
 * threads meanwhile. */
typedef int (*uvchan_thread_begin_cb)(void** state, void* arg);

/* Ends what the one above has made: on the same thread, after its last work. */
typedef void (*uvchan_thread_end_cb)(void* state, void* arg);

/* All zero is valid but for capacity. */
typedef struct {
  unsigned int threads; /* at most, and 1 at least; 0: 4, as uv_queue_work() has */
  size_t capacity;      /* works that wait, at most, in both lanes together; 1 or more */
  /* of the capacity, places that only urgent work may take; less than the capacity */
  size_t urgent_places;
  /* nanoseconds that a work may wait; 0: any time */
  uint64_t max_wait;
  /* or NULL: the queue is cut where it stands, see uvchan_admission_t */
  const uvchan_admission_t* admission;
  /* for statistics, and for the threads, where the system shows names; copied; or NULL */
  const char* name;
  size_t stack_size;                   /* bytes, of each thread; 0: the system's */
  uvchan_thread_begin_cb thread_begin; /* or NULL */
  uvchan_thread_end_cb thread_end;     /* or NULL */
  void* thread_arg;
  void* reserved[6]; /* NULL each, or UV_EINVAL */
} uvchan_pool_options_t;

/* Makes a pool with one reference, the caller's. It begins with one thread, whose thread_begin has
 * returned when this returns; others begin when there is work for them.
 *   pool      where to put it; untouched on failure
 *   options   copied
 * Returns 0; UV_EINVAL: NULL, a capacity of 0, urgent_places not less than the capacity, an
 * admission without a target or an interval, more threads than a size_t can address, something in
 * reserved; UV_ENOMEM; what thread_begin has returned for the first thread; or what
 * uv_thread_create_ex() answers where the system has no thread. Threads: any. Cost: memory and a
 * thread. The threads get none of the process's signals, but those of their own faults and a
 * profiler's. */
int uvchan_pool_create(uvchan_pool_t** pool, const uvchan_pool_options_t* options);

/* Adds a reference. Returns pool; NULL for NULL. Threads: any that holds a reference. */
uvchan_pool_t* uvchan_pool_retain(uvchan_pool_t* pool);

/* Gives a reference back; NULL is allowed. Pending works, a pending close and requests for room
 * hold references of their own. With the last one the pool is freed; where it was not closed
 * before, its threads, which have nothing to do then, are ended and waited for. Threads: any, but
 * not the pool's own. */
void uvchan_pool_release(uvchan_pool_t* pool);

/* What its user keeps with a pool, for on_closed say: NULL at first. The second answers what was
 * set last; NULL for NULL. Threads: any, but not one that sets while another asks. */
void uvchan_pool_set_data(uvchan_pool_t* pool, void* data);
void* uvchan_pool_get_data(const uvchan_pool_t* pool);

/* ---- Work ------------------------------------------------------------------------------------ */

/* Does the work, on a thread of the pool.
 *   state   what thread_begin has made on this thread; or NULL */
typedef void (*uvchan_work_cb)(uvchan_work_t* work, void* state);

/* Gets the outcome, on the loop that submitted; the memory is the caller's again.
 *   status   0: on_work has returned. Else it was not called: UV_ECANCELED, by uvchan_cancel(), or
 *            the pool was closed and its limit is over; UV_ETIMEDOUT: it had waited for max_wait,
 *            or was cut from a queue that stood (admission); UV_EPIPE: the pool was closed before
 *            it, or while it waited for room */
typedef void (*uvchan_work_done_cb)(uvchan_work_t* work, int status);

typedef enum {
  UVCHAN_NORMAL = 0,
  UVCHAN_URGENT /* goes first; of nine works that begin, one is normal where some wait */
} uvchan_priority_t;

/* All zero is valid, and what the functions without options do. */
typedef struct {
  uvchan_priority_t priority;
  uint64_t max_wait; /* nanoseconds, where that is less than the pool's; 0: the pool's */
  void* reserved[2]; /* NULL each, or UV_EINVAL */
} uvchan_work_options_t;

/* A request to have something worked off. */
struct uvchan_work_s {
  UVCHAN__WORK_FIELDS(uvchan_req_t)
  uvchan_pool_t* pool; /* read only */
  /* private */
  uvchan_work_cb on_work; /* fixed, as all but the links, the place and the alarm */
  uvchan_work_done_cb on_done;
  struct uvchan_work_s* next; /* in its lane, or its port; under the pool's lock */
  struct uvchan_work_s* prev;
  struct uvchan__port_s* port;
  uint64_t submitted; /* as uv_hrtime() */
  uint64_t limit;     /* the same; 0: none */
  unsigned char lane;
  unsigned char is_queued; /* under the pool's lock, as the next two */
  unsigned char is_inside; /* within the capacity */
  unsigned char place;     /* port.c */
  uvchan__alarm_t alarm;   /* the loop's */
  void* reserved[4];
};

/* Submits a work, if there is room for it. Works of one loop and lane begin in the order of their
 * submission, and no work that is tried passes one of its lane that waits for room.
 *   work      in place until on_done; sets every member but data
 *   on_work   what to do, on a thread of the pool
 *   on_done   gets the outcome, once, on this loop
 * Returns 0; UV_EAGAIN: as many as may wait already do, or others wait for room; UV_EPIPE: the pool
 * was closed; UV_EINVAL; UV_ENOMEM, or what uv_async_init() answers, for the loop's first user.
 * Threads: loop. Cost: a lock; the first works make threads. */
int uvchan_pool_try_submit(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                           uvchan_work_cb on_work, uvchan_work_done_cb on_done);

/* The same, and where there is no room the work waits for it in its turn, without blocking the
 * loop. It is bounded by what its callers have. Returns as requests do: a pool that was closed is
 * the status of on_done. Threads: loop. */
int uvchan_pool_submit(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                       uvchan_work_cb on_work, uvchan_work_done_cb on_done);

/* The same with options, which are copied; UV_EINVAL also for NULL options, an unknown priority, or
 * something in reserved. */
int uvchan_pool_try_submit_ex(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                              const uvchan_work_options_t* options, uvchan_work_cb on_work,
                              uvchan_work_done_cb on_done);
int uvchan_pool_submit_ex(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                          const uvchan_work_options_t* options, uvchan_work_cb on_work,
                          uvchan_work_done_cb on_done);

/* uvchan_cancel((uvchan_req_t*)work) answers 0 where the work has not begun: it will not, and
 * on_done gets UV_ECANCELED; UV_EBUSY where it has begun or ended, and on_done gets what became of
 * it. It waits for nothing, but on a loop whose handles a stranger has closed, where no callback
 * would come otherwise: there it waits until the work has ended. */

/* ---- Room ------------------------------------------------------------------------------------ */

/* 0: there is room; UV_ECANCELED: by uvchan_cancel(); UV_EPIPE: the pool is closed */
typedef void (*uvchan_room_cb)(uvchan_room_t* req, int status);

/* A request to hear that there is room. */
struct uvchan_room_s {
  UVCHAN__REQ_FIELDS(uvchan_req_t)
  uvchan__place_t place;
  uvchan_pool_t* pool;
  uvchan_room_cb cb;
  void* reserved[4];
};

/* Calls back when a normal work would find room: at once, in the loop's next turn, where it does
 * now. All who wait are called back for one place, and who comes too late tries, and asks, again.
 * So a server holds back what it can't take: it calls uv_accept(), or uv_read_start(), in cb.
 *   req   in place until the callback
 * Returns as requests do. Threads: loop. Cost: a lock. */
int uvchan_pool_on_room(uv_loop_t* loop, uvchan_room_t* req, uvchan_pool_t* pool,
                        uvchan_room_cb cb);

/* How many normal works would find room just now. Returns 0 for NULL, or where the pool is closed.
 * Threads: any. Cost: a lock. */
size_t uvchan_pool_room(uvchan_pool_t* pool);

/* ---- The end --------------------------------------------------------------------------------- */

/* The pool's threads have ended, and every on_done has returned of what was submitted before. */
typedef void (*uvchan_pool_closed_cb)(uvchan_pool_t* pool);

/* Closes the pool: from its return on no work is taken; what waits for room gets UV_EPIPE. What
 * waits inside is still done, for so long; then what has not begun gets UV_ECANCELED. What has
 * begun is waited for in any case.
 *   loop        where to call back; kept alive until then
 *   drain_ms    milliseconds; 0: nothing more begins; UINT64_MAX: no limit
 *   on_closed   called once, after the last on_done on any loop; or NULL
 * Returns 0; UV_EALREADY: it was closed before, and with a drain_ms of 0 nothing more begins all
 * the same (but where a stranger has closed the handles of the loop since, another call with that
 * loop takes the place of the first, and answers 0); UV_EINVAL; UV_ENOMEM, or what uv_async_init()
 * answers, for the loop's first user: then the pool is as before. Threads: loop. Cost: a lock;
 * on_closed comes after a join of threads that have nothing left to do. */
int uvchan_pool_close(uv_loop_t* loop, uvchan_pool_t* pool, uint64_t drain_ms,
                      uvchan_pool_closed_cb on_closed);

/* ---- Figures --------------------------------------------------------------------------------- */

/* At rest submitted == done + cancelled + expired + shed + closed, which are counted when the
 * outcome is decided; a work that its loop has just withdrawn may be in none of them for a
 * moment. */
typedef struct {
  const char* name;       /* "" where none was given; lives as long as the pool */
  uint64_t submitted;     /* works that were taken, inside or to wait for room */
  uint64_t done;          /* worked off */
  uint64_t cancelled;     /* by uvchan_cancel() */
  uint64_t expired;       /* had waited for max_wait */
  uint64_t shed;          /* cut from a queue that stood, by the admission */
  uint64_t closed;        /* had not begun when the pool's end came */
  uint64_t refused;       /* tries that were answered UV_EAGAIN */
  uint64_t total_wait;    /* nanoseconds that works have waited which then began, in all */
  uint64_t longest_wait;  /* the same, the longest of them */
  size_t waiting;         /* works inside that have not begun */
  size_t waiting_urgent;  /* of those, in the urgent lane */
  size_t waiting_outside; /* works that wait for room */
  size_t running;         /* works in on_work, or whose on_work is about to begin */
  size_t peak;            /* the most that waited inside at once */
  size_t capacity;
  unsigned int threads;      /* that run, of threads_at_most */
  unsigned int threads_idle; /* of those, without a work */
  unsigned int threads_at_most;
  unsigned int threads_failed; /* times that a thread could not be made, or its begin has failed */
  uint64_t reserved[6];        /* 0, until a later version gives it a meaning */
} uvchan_pool_stats_t;

/* Fills in *stats; for a NULL pool with zeros. Its figures are those of one moment. Threads: any.
 * Cost: a lock. */
void uvchan_pool_stats(uvchan_pool_t* pool, uvchan_pool_stats_t* stats);

#ifdef __cplusplus
}
#endif
#endif /* UVCHAN_POOL_H */
