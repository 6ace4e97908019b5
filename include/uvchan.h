/* SPDX-License-Identifier: MIT */
/* uvchan: Go-style channels on libuv.
 *
 * A channel carries values of one size from any number of senders to any number of receivers, each
 * value to exactly one of them, in the order of each sender. Threads try or wait; loops receive
 * through callbacks and send and receive by requests; closing a channel delivers the end to
 * everyone who receives. What the library promises as a whole stands in the README, how it keeps it
 * in docs/design.md.
 *
 * How to read this page. Each function is documented in one form: what it does; its arguments, with
 * unit and owner; what it returns, each code with its cause; what its callback gets; the threads
 * that may call it; its cost. Unless a function says otherwise:
 *
 *   Returns   0, or a negative libuv error code. UV_EINVAL: NULL where a pointer is needed (a value
 *             may be NULL where elem_size is 0). A call that fails has no effect.
 *   Threads   "any": any thread at any time, in callbacks too. "loop": only the thread that runs
 *             the loop, or, before it runs, the one thread that sets it up.
 *   Cost      no allocation; a wake-up only for a side that sleeps; sending and receiving take a
 *             lock only where somebody waits, or has to, or the channel is not bounded, is closed,
 *             drops its oldest value, or has values that grow old.
 *   Since     1.0.
 *
 * "The end" is what a receiver gets when the channel is closed and everything before it was
 * received: UV_EOF, or the status given to uvchan_close_with() or uvchan_abort(). Whoever uses a
 * channel holds a reference to it for that time; handles and pending requests hold their own.
 * Memory given to an init function or a request stays where it is until the close callback or the
 * request's callback.
 *
 * A callback that libuv or a loop's turn makes need not return: an exception of C++ or a longjmp()
 * may leave it and uv_run(), where libuv itself bears that. What it was given counts as received,
 * and all goes on when uv_run() is called again, also where the loop has nothing else to do. A
 * drop_cb has to return, and a ticker's close callback, or a reference to its channel is lost.
 *
 * No function of the library is for a signal handler: it may wait there for a lock, or for a step,
 * of the very thread that the handler has interrupted. Use a uv_signal_t, whose callback sends; or,
 * in a handler of your own, uv_async_send() to a uv_async_t whose callback does.
 *
 * A call is no cancellation point of pthread_cancel(), a call that waits neither: a thread that is
 * cancelled in one stays there until what it waits for has come, returns in order, with its answer
 * and its value, and is cancelled at the next point of its own. What ends the wait of such a thread
 * is a value, a close, or the limit of a timed call. Its drop_cb is not cut short either. A thread
 * that has asked for PTHREAD_CANCEL_ASYNCHRONOUS must not be in a call of the library when it is
 * cancelled, and no thread may be in uv_run().
 *
 * Fork. A child of fork() may use channels, wait groups and loops that it makes itself, whatever
 * other threads of the parent's were doing; and, after uv_loop_fork(), each of the parent's loops
 * that no other thread was running, with what is on it: receivers, requests, values that were told
 * to it. The child has its own copy of all that: nothing passes from one process to the other, a
 * value that was buffered is received in both, and each process releases and closes for itself. A
 * channel or a wait group of the parent's is of use to the child unless another thread was inside a
 * call on it at that moment, waiting or not: the child must not touch it any more then, nor run a
 * loop that has receivers or requests of it. fork() may be called in callbacks, but not in a signal
 * handler, and another handler of pthread_atfork() must not call the library before the fork.
 * vfork(), posix_spawn() and uv_spawn() have no such conditions.
 *
 * Versions. A program that was compiled with this header runs with each later libuvchan.so.2 as it
 * is: all that it declares keeps its size and its members their places. What a later version has to
 * add takes reserved members, which is why those of the options have to be zero: memset() them, or
 * initialise with = {0}, before you set what you need. (Several copies of the library in one
 * process, which share channels and loops, are of one version.)
 *
 * The shape of the API follows libuv: handles and requests are the user's memory, with `void* data`
 * first. Its meaning follows Go: channels, select, wait groups, and the memory model (a send
 * happens before its receive; the k-th receive happens before send k + capacity completes; a close
 * happens before its end is seen). */
#ifndef UVCHAN_H
#define UVCHAN_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <uvchan/private.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The channel ----------------------------------------------------------------------------- */

#define UVCHAN_UNBOUNDED SIZE_MAX /* as a capacity: no limit */

typedef struct uvchan_s uvchan_t; /* opaque, reference counted, of no loop */

typedef enum {
  UVCHAN_WAIT = 0,    /* a full channel makes senders wait, or answers UV_EAGAIN */
  UVCHAN_DROP_NEWEST, /* a full channel drops the value being sent; the send answers 0 */
  UVCHAN_DROP_OLDEST  /* a full channel drops its oldest value to make room; the send answers 0 */
} uvchan_overflow_t;

typedef enum {
  UVCHAN_DROPPED_OVERFLOW = 1, /* by the overflow policy */
  UVCHAN_DROPPED_ABORT,        /* by uvchan_abort() */
  UVCHAN_DROPPED_RELEASE,      /* left in the channel when its last reference went */
  UVCHAN_DROPPED_EXPIRED,      /* it was in the channel for max_age, and nobody had received it */
  UVCHAN_DROPPED_SHED          /* cut from a queue that stood, by the admission */
} uvchan_drop_reason_t;

/* Takes a value that was sent and that nobody will receive, once for each such value: to free what
 * it points to, say.
 *   value   valid until the callback returns, and its to change; NULL where elem_size is 0
 *   arg     drop_arg of the options
 * Runs on the thread that caused the drop, inside its call, with no lock held, and has to return.
 * Every function of the library is allowed in it, except that with UVCHAN_DROPPED_RELEASE the
 * channel itself is gone. */
typedef void (*uvchan_drop_cb)(void* value, uvchan_drop_reason_t reason, void* arg);

/* Admission by the time that is waited: how long a queue may stand. A burst that is worked off soon
 * is left alone; but where for a whole interval nothing was taken out that had waited for less than
 * the target, the queue stands: it takes in more than is taken out, and everybody waits for
 * nothing. From then on what has waited for a quarter longer than the target is cut from the
 * queue's head, but for the last in it, until there is an interval in which the queue was empty. So
 * what is taken out has waited for about the target, and who takes out has always something to do.
 *
 * How a standing queue is told from a burst follows RFC 8289 (CoDel); to cut all that is too old,
 * and not ever more of it, follows "Fail at Scale" (Ben Maurer, ACM Queue, 2015): RFC 8289 waits
 * for senders that slow down when a packet of theirs is lost, as TCP does. */
typedef struct {
  uint64_t target;   /* nanoseconds, 1 or more; a few times what one value takes to be worked off */
  uint64_t interval; /* nanoseconds, 1 or more; some 10 to 20 times the target */
  void* reserved[2]; /* NULL each, or UV_EINVAL */
} uvchan_admission_t;

/* All zero is valid: an unbuffered channel of pure signals. */
typedef struct {
  /* bytes in a value; 0 is a pure signal. Values are copied; what a callback gets, of a batch its
   * first value, is aligned as malloc aligns */
  size_t elem_size;
  size_t capacity; /* values; 0: unbuffered, n: exactly n, UVCHAN_UNBOUNDED: no limit */
  /* other than UVCHAN_WAIT: only with a capacity of 1 or more, and not UVCHAN_UNBOUNDED */
  uvchan_overflow_t overflow;
  uvchan_drop_cb drop_cb; /* or NULL: such values vanish */
  void* drop_arg;
  const char* name; /* for statistics; copied; or NULL */
  /* nanoseconds; 0: values don't grow old. See "Values that grow old" below. Since 1.3 */
  uint64_t max_age;
  const uvchan_admission_t* admission; /* copied; or NULL. Since 1.3 */
  /* NULL each; UV_EINVAL else, since a later version may give it a meaning */
  void* reserved[3 - sizeof(uint64_t) / sizeof(void*)];
} uvchan_options_t;

typedef struct {
  const char* name;  /* "" where none was given; lives as long as the channel */
  uint64_t sent;     /* sends that answered 0; at rest sent == received + dropped + len */
  uint64_t received; /* counted when a value leaves the channel for whoever takes it */
  uint64_t dropped;  /* by the overflow policy or by uvchan_abort(), with expired and shed */
  uint64_t wakeups;  /* times that a sleeping thread or loop had to be woken */
  size_t len;        /* values buffered, as uvchan_len() */
  size_t capacity;
  size_t peak;              /* the most values seen buffered at once; 0 where capacity is 0 */
  size_t waiting_senders;   /* threads, requests and selects */
  size_t waiting_receivers; /* the same, and started receivers that have nothing to receive */
  uint64_t expired;         /* of dropped: for their age. Since 1.3, as the next two */
  uint64_t shed;            /* of dropped: by the admission */
  uint64_t longest_wait;    /* nanoseconds that a received value had been buffered; see below */
  uint64_t reserved[1];     /* 0, until a later version gives it a meaning */
} uvchan_stats_t;

/* Makes a channel with one reference, the caller's.
 *   ch          where to put it; untouched on failure
 *   elem_size   bytes in a value
 *   capacity    values, as in uvchan_options_t
 * Returns 0; UV_EINVAL: ch is NULL, or elem_size * capacity is more than a size_t holds; UV_ENOMEM.
 * Threads: any. Cost: one allocation, with all slots of a bounded channel. */
int uvchan_create(uvchan_t** ch, size_t elem_size, size_t capacity);

/* The same, with all options; they are copied. Returns as uvchan_create(); UV_EINVAL also for NULL
 * options, an unknown overflow policy, a drop policy with a capacity of 0 or UVCHAN_UNBOUNDED, an
 * admission whose target or interval is 0, or something in reserved.
 * Cost: as uvchan_create(); with a drop_cb and values of more than 1024 bytes, where a drop policy
 * or their age may drop them, room for one more; where values grow old, 8 bytes more for each. */
int uvchan_create_ex(uvchan_t** ch, const uvchan_options_t* options);

/* Adds a reference. Returns ch; NULL for NULL. Threads: any that holds a reference. */
uvchan_t* uvchan_retain(uvchan_t* ch);

/* Gives a reference back; NULL is allowed. With the last one, what is still buffered goes to
 * drop_cb (UVCHAN_DROPPED_RELEASE), here and now, and the channel is freed. Handles and pending
 * requests hold references; a thread in a call needs one for the time of the call. Threads: any. */
void uvchan_release(uvchan_t* ch);

/* Closes the channel: from its return on no send succeeds; everyone who waits to send is woken with
 * UV_EPIPE; receivers get what is buffered and then the end, UV_EOF; each started receiver gets the
 * end once. Safe while other threads are inside any call. Returns 0; UV_EALREADY: it was closed
 * before; UV_EINVAL. Threads: any. Cost: a lock; wakes everyone who waits. */
int uvchan_close(uvchan_t* ch);

/* The same with another end.
 *   status   negative, and none that says "not now"
 * Returns as uvchan_close(); UV_EINVAL also for a status that is not negative, or is UV_EAGAIN,
 * UV_EBUSY or UV_ETIMEDOUT. */
int uvchan_close_with(uvchan_t* ch, int status);

/* The same, and drops what is buffered (UVCHAN_DROPPED_ABORT): receivers get the end next. On a
 * channel that is closed already it drops what is still buffered, and the end stays what it was.
 * Returns as uvchan_close_with(); after UV_EALREADY the values are dropped all the same. Cost:
 * drop_cb runs in this call. */
int uvchan_abort(uvchan_t* ch, int status);

/* Counted senders, the answer to "who closes, with ten producers?": adds n senders to the count.
 *   n   1 or more
 * Returns 0; UV_EPIPE: closed; UV_EINVAL: NULL, n is 0, or the count would overflow an unsigned
 * int. Threads: any. Cost: a lock. */
int uvchan_sender_add(uvchan_t* ch, unsigned int n);

/* One counted sender is done; the last one closes the channel, as uvchan_close() does. Returns 0,
 * also where the channel is closed already; UV_EINVAL: NULL, or no sender is counted. Threads: any.
 * Cost: a lock. */
int uvchan_sender_done(uvchan_t* ch);

/* Values buffered. Exact after one's own operation where nobody else is at work. A value that was
 * handed to a started receiver and not called back yet counts, and so does one that has grown too
 * old and was not dropped yet. Returns 0 for NULL. Threads: any. */
size_t uvchan_len(const uvchan_t* ch);

/* As given to uvchan_create(); 0 for NULL. Threads: any. */
size_t uvchan_capacity(const uvchan_t* ch);
size_t uvchan_elem_size(const uvchan_t* ch);

/* 1 where the channel was closed, with values buffered or not; else 0, also for NULL. Threads:
 * any. */
int uvchan_is_closed(const uvchan_t* ch);

/* Fills in *stats; for a NULL channel with zeros. Its figures belong together only at rest.
 * Threads: any. Cost: a lock, and time proportional to those who wait. */
void uvchan_stats(const uvchan_t* ch, uvchan_stats_t* stats);

/* ---- Values that grow old -----------------------------------------------------------------------
 *
 * With max_age or an admission (since 1.3) a value has an age, on a channel of any capacity and
 * with any overflow policy: the time for which it has been buffered, by uv_hrtime(). Whose sender
 * waits has none yet, and begins to age when it is buffered; nor has one that goes past the buffer,
 * to somebody who waits.
 *
 * A value whose age has reached max_age is not received any more, in whichever way: it goes to
 * drop_cb with UVCHAN_DROPPED_EXPIRED. The next one who receives drops it, before he gets a value
 * or is told that there is none; and so does a sender who finds the channel full, which then has
 * room. No timer runs for it. So until somebody looks it keeps its place, and a sender who waits is
 * let in by the next one who looks, not by the time alone.
 *
 * The admission cuts what has waited too long in a queue that stands: see uvchan_admission_t. It is
 * asked for each value that is about to be received from the buffer. What it cuts goes to drop_cb
 * with UVCHAN_DROPPED_SHED, in the call that receives.
 *
 * drop_cb runs in the call that dropped; for a started receiver on the thread of its loop, between
 * two of its callbacks, and may stop or close that receiver. Each value is received or dropped,
 * once: at rest sent == received + dropped + len, and dropped has in it what has expired and what
 * was shed. longest_wait is the greatest age of a value that was received; 0 where values don't
 * grow old.
 *
 * What it costs: a lock and a look at the clock for each operation, as if the channel were not
 * bounded, and 8 bytes for each value. And who waits to receive, a thread, a request or a select,
 * comes before started receivers, those of his own loop too. */

/* ---- From threads -------------------------------------------------------------------------------
 *
 * A value that one thread or loop sends never overtakes an earlier one of its own, however it mixes
 * these calls, requests and selects: while others wait to send, uvchan_try_send() answers UV_EAGAIN
 * and the waiting forms wait behind them. With a drop policy no send waits and none answers
 * UV_EAGAIN.
 *
 * UV_ENOMEM: a send to an unbounded channel needs a block of memory now and then. With a drop
 * policy and a drop_cb, a value of more than 1024 bytes that overflows is held, while drop_cb runs,
 * in room that the channel has for one: a send that drops such a value while another one on that
 * channel does (another thread's, or the one whose drop_cb it is called from) needs memory for the
 * time of the call. In the same way, where values grow old and there is a drop_cb, a call that has
 * to drop such a value of more than 1024 bytes needs memory while another one has the room: a send
 * to a full channel, and a receive by a thread, a request or a select. It then answers UV_ENOMEM
 * with no effect (a select chooses the case that receives, with that status). A started receiver
 * needs none for it. No other send, and no other receive, needs memory; and no call needs more than
 * some KiB of stack, whatever the size of its values.
 *
 * A value's memory may have to be brought in first: from a file, from swap, by a handler of the
 * program's. Each call waits for that when it begins, before it claims or locks anything (of many
 * values, for 64 KiB of them at a time), so it holds up nobody else. What remains, and makes others
 * on the same channel wait: a page that leaves again before the copy; one to receive to that can be
 * read but not be written at once, unless values have 8 bytes; and the memory of who waits, in
 * uvchan_send_wait(), uvchan_recv_wait(), their timed and _n forms, uvchan_select_wait(),
 * uvchan_select_timedwait(), or by uvchan_send(), uvchan_recv() and uvchan_select(): it is brought
 * in when the call begins, and has to stay until whoever ends the wait has copied the value.
 *
 * A waiting call looks again for a while before its thread sleeps, for at most 50 microseconds, and
 * only where waits on that channel were as short of late; asleep it uses no processor time.
 *
 * A waiting call on a thread that runs a loop freezes that loop, and with it the values that
 * receivers of that loop were told of. Times are relative nanoseconds; UINT64_MAX is for ever. */

/* Sends one value if that needs no waiting.
 *   value   copied in the call
 * Returns 0: a receiver has it, or it is buffered, or dropped by policy; UV_EAGAIN: full
 * (unbuffered: nobody waits to receive), or others wait to send; UV_EPIPE: closed; UV_ENOMEM;
 * UV_EINVAL. Threads: any. */
int uvchan_try_send(uvchan_t* ch, const void* value);

/* Receives one value if that needs no waiting.
 *   value   where to copy it; untouched on failure
 * Returns 0; UV_EAGAIN: empty; the end; UV_ENOMEM: see above; UV_EINVAL. Threads: any. */
int uvchan_try_recv(uvchan_t* ch, void* value);

/* Many values side by side: as many as fit, or are there, in order. Others may send or receive in
 * between. With a drop policy all n are taken, unless memory runs out for a large one (see above).
 *   n   1 or more
 * Return how many, 1 to n; else as uvchan_try_send() and uvchan_try_recv(); UV_EINVAL also where n
 * is 0. Threads: any. */
ssize_t uvchan_try_send_n(uvchan_t* ch, const void* values, size_t n);
ssize_t uvchan_try_recv_n(uvchan_t* ch, void* values, size_t n);

/* Sends one value, and waits in turn until that is possible. Returns 0; UV_EPIPE: closed, before or
 * meanwhile, and the value stays the caller's; UV_EBUSY: it would wait for itself: the only
 * receivers there are now are started ones, on loops that this very thread was the last to run;
 * UV_ENOMEM; UV_EINVAL. Threads: any. */
int uvchan_send_wait(uvchan_t* ch, const void* value);

/* Receives one value, and waits in turn until there is one. Returns 0; the end; UV_ENOMEM: see
 * above; UV_EINVAL. Threads: any. */
int uvchan_recv_wait(uvchan_t* ch, void* value);

/* The same with a limit.
 *   timeout   relative nanoseconds; 0 does not wait; UINT64_MAX is for ever
 * Return as above; UV_ETIMEDOUT: the time is over, and nothing was sent or received. (UV_EBUSY only
 * for ever.) Threads: any. */
int uvchan_send_timedwait(uvchan_t* ch, const void* value, uint64_t timeout);
int uvchan_recv_timedwait(uvchan_t* ch, void* value, uint64_t timeout);

/* Sends n values, and waits until all are in. Returns n; fewer, where the channel was closed, or
 * the rest could never be sent, or memory ran out, after so many (the next call says which); else
 * as uvchan_send_wait(); UV_EINVAL also where n is 0. Threads: any. */
ssize_t uvchan_send_wait_n(uvchan_t* ch, const void* values, size_t n);

/* Waits for one value, then takes what is there, up to n. Returns how many, 1 to n; the end;
 * UV_ENOMEM: see above; UV_EINVAL. Threads: any. */
ssize_t uvchan_recv_wait_n(uvchan_t* ch, void* values, size_t n);

/* ---- Receivers on a loop ------------------------------------------------------------------------
 *
 * A receiver is a handle: while it is started, its callback gets the channel's values, on the
 * loop's thread, never inside the call that started it. Several receivers, on one loop or on many,
 * share a channel. A value leaves the channel when its callback is about to run; until then it is
 * next for anyone. Where receivers wait on several loops, a value that comes has each of these
 * loops look, since any of them may be held up in a callback, and the first to look gets it; a
 * thread that waits, or a request of another loop, comes before them. Among those who wait on one
 * loop, who waits first comes first. A started receiver keeps the loop alive, unless it was
 * unreferenced; and so does one that is closing.
 *
 * Where a stranger closes every handle of the loop, uv_walk() with uv_close(handle, NULL): uv_run()
 * returns, uv_loop_close() answers 0, the loop's memory may be freed, and later sends are harmless.
 * What was on the loop is finished as ever, before that or after it: receivers by
 * uvchan_receiver_close(), pending requests by uvchan_cancel(), tickers by uvchan_ticker_close(),
 * each once, in any order, from one thread at a time; until then their memory stays in place. Once
 * libuv has finished with the handles these three touch no loop any more, for it may be gone: they
 * call back before they return, which they never do otherwise, and such a callback has to return.
 * They may be called in each other's callbacks there too.
 *
 * A program that polls uv_backend_fd() for uv_backend_timeout() by itself finds there whatever was
 * done to channels, on any thread and on its own outside of uv_run() too. */

typedef struct uvchan_receiver_s uvchan_receiver_t;

/* Gets one value.
 *   status   0; or the end, once, and the receiver is inactive by then
 *   value    valid until the callback returns; NULL with the end */
typedef void (*uvchan_recv_cb)(uvchan_receiver_t* receiver, int status, const void* value);

/* Gets values side by side.
 *   nvalues   how many, 1 or more, within the budget and 4096 bytes (or one value, where that is
 *             larger); or the end, as above
 *   values    valid until the callback returns; NULL with the end */
typedef void (*uvchan_recv_batch_cb)(uvchan_receiver_t* receiver, ssize_t nvalues,
                                     const void* values);

/* The receiver's memory is the user's again. */
typedef void (*uvchan_receiver_close_cb)(uvchan_receiver_t* receiver);

struct uvchan_receiver_s {
  void* data;        /* the user's */
  uv_loop_t* loop;   /* read only */
  uvchan_t* channel; /* read only */
  /* private; first what a turn needs, on as few lines of the processor's cache as possible */
  uvchan__waiter_t waiter;
  uvchan_recv_cb cb;
  unsigned int budget;
  unsigned int flags;
  unsigned int is_first; /* atomic: of the channel's started receivers */
  unsigned char is_armed;
  unsigned char was_busy; /* it looks once more; this and the next two: ends/polling.c alone */
  unsigned char misses;   /* how often in a row it looked once more in vain */
  unsigned char skips;    /* how often it will not do so for that */
  uvchan_recv_batch_cb batch_cb;
  /* where one value goes that is too large for the hub's own memory, or NULL */
  void* slot;
  uint64_t spin;       /* nanoseconds */
  uint64_t last_value; /* as uv_hrtime(), where it may spin; 0: none yet */
  uvchan__place_t place;
  struct uvchan_receiver_s* next; /* in the channel's list of started receivers, under its lock */
  struct uvchan_receiver_s* prev;
  uvchan_receiver_close_cb close_cb;
  uv_idle_t later;
  void* reserved[12];
};

/* Prepares a receiver: sets every member but data. It holds a reference to the channel until it is
 * closed.
 *   loop       lives until the receiver's close callback
 *   receiver   at most 512 bytes of the caller's memory, in place until the close callback
 * Returns 0; UV_EINVAL; UV_ENOMEM, or what uv_async_init() answers: then nothing is left on the
 * loop, and nothing needs closing. Threads: loop. Cost: the first user of a loop makes the loop's
 * one uv_async_t and some 5 KiB of memory, gone with the last; values of more than 4096 bytes, and
 * unbuffered channels, take memory for one value. */
int uvchan_receiver_init(uv_loop_t* loop, uvchan_receiver_t* receiver, uvchan_t* ch);

/* Starts it, as uv_read_start() does. After the end it may be started again, and gets the end once
 * more. Returns 0; UV_EALREADY: it is started; UV_EINVAL: NULL, or it is closing. Threads: loop. */
int uvchan_recv_start(uvchan_receiver_t* receiver, uvchan_recv_cb cb);
int uvchan_recv_start_batch(uvchan_receiver_t* receiver, uvchan_recv_batch_cb cb);

/* Stops it: no callback from here on. What it was handed and not called back stays in the channel,
 * ahead of all later values. Returns 0, also where it is not started; UV_EINVAL: NULL. Threads:
 * loop. */
int uvchan_recv_stop(uvchan_receiver_t* receiver);

/* How many values it gets at most before sockets, timers and other channels have their turn; 512 at
 * first. Takes effect with its next turn.
 *   values   1 or more
 * Returns 0; UV_EINVAL: NULL, closing, or 0 values. Threads: loop. */
int uvchan_receiver_set_budget(uvchan_receiver_t* receiver, unsigned int values);

/* Lets it spin: when it has received a value and finds no further one, its loop does not sleep for
 * so long, but looks again and again. A value that comes in that time is delivered within a
 * microsecond, where a loop that sleeps takes tens of them to wake. What it costs: one processor,
 * wholly, for that time after each value. The loop polls its sockets and timers all the while,
 * every 10 to 20 microseconds and the time that callbacks take; these and other receivers of the
 * loop are held up by so much, and so is uv_now(). Takes effect with its next turn. On a channel
 * that is not bounded it looks from turn to turn only.
 *   microseconds   0, as at first: it does not spin
 * Returns 0; UV_EINVAL: NULL, or closing. Threads: loop. Since 1.1. */
int uvchan_receiver_set_spin(uvchan_receiver_t* receiver, unsigned int microseconds);

/* 1 or 0, as uv_is_active(), uv_is_closing() and uv_has_ref(); 0 for NULL. Threads: loop. */
int uvchan_receiver_is_active(const uvchan_receiver_t* receiver);
int uvchan_receiver_is_closing(const uvchan_receiver_t* receiver);
int uvchan_receiver_has_ref(const uvchan_receiver_t* receiver);

/* As uv_ref() and uv_unref(): a flag, not a count. An unreferenced receiver gets its values
 * whenever the loop runs. Threads: loop. */
void uvchan_receiver_ref(uvchan_receiver_t* receiver);
void uvchan_receiver_unref(uvchan_receiver_t* receiver);

/* Stops it and closes it; a second close is ignored.
 *   cb   called on the loop's thread when the memory is the user's again, never inside the call
 *        (but see "a stranger" above); or NULL
 * Threads: loop; allowed in its own callback. */
void uvchan_receiver_close(uvchan_receiver_t* receiver, uvchan_receiver_close_cb cb);

/* ---- Requests on a loop -------------------------------------------------------------------------
 *
 * A request waits its turn without blocking the loop. The call itself answers only for its
 * arguments (UV_EINVAL) and for memory (UV_ENOMEM, and what uv_async_init() answers; then there is
 * no callback, and nothing is left on the loop). Whatever becomes of the operation, a channel that
 * is closed already included, is the callback's status. The callback runs once, on the loop's
 * thread, never inside the call (but see "a stranger" above). A request that waits is a sender or a
 * receiver like a waiting thread: its value can be taken, and its slot be filled, before its
 * callback runs. A pending request keeps the loop alive and holds its own references. */

typedef struct uvchan_req_s uvchan_req_t;   /* what every request begins with */
typedef struct uvchan_send_s uvchan_send_t; /* a request to send one value */
typedef struct uvchan_recv_s uvchan_recv_t; /* a request to receive one value */
/* a request to do the first of several that can go on */
typedef struct uvchan_select_s uvchan_select_t;
typedef struct uvchan_notify_s uvchan_notify_t; /* a request to hear of a wait group's end */

/* 0; UV_EPIPE: closed; UV_ECANCELED; UV_ENOMEM: see above */
typedef void (*uvchan_send_cb)(uvchan_send_t* req, int status);
/* 0, and the slot is filled; the end; UV_ECANCELED; UV_ENOMEM: see "From threads" */
typedef void (*uvchan_recv_done_cb)(uvchan_recv_t* req, int status);
/* the chosen case; UV_ECANCELED; UV_ENOMEM as for a send */
typedef void (*uvchan_select_cb)(uvchan_select_t* req, int index);
typedef void (*uvchan_notify_cb)(uvchan_notify_t* req, int status); /* 0; UV_ECANCELED */

struct uvchan_req_s {
  UVCHAN__REQ_FIELDS(uvchan_req_t)
};

struct uvchan_send_s {
  UVCHAN__REQ_FIELDS(uvchan_req_t)
  uvchan__place_t place;
  uvchan_send_cb cb;
  void* reserved[4];
};

struct uvchan_recv_s {
  UVCHAN__REQ_FIELDS(uvchan_req_t)
  uvchan__place_t place;
  uvchan_recv_done_cb cb;
  void* reserved[4];
};

struct uvchan_notify_s {
  UVCHAN__REQ_FIELDS(uvchan_req_t)
  uvchan__place_t place;
  struct uvchan_waitgroup_s* waitgroup;
  uvchan_notify_cb cb;
  void* reserved[4];
};

/* Sends one value, in its turn.
 *   req     in place until the callback
 *   value   in place and unchanged until the callback
 * Returns as said above; UV_ENOMEM for the loop's first user, or a block of an unbounded channel.
 * Threads: loop. */
int uvchan_send(uv_loop_t* loop, uvchan_send_t* req, uvchan_t* ch, const void* value,
                uvchan_send_cb cb);

/* Receives one value, in its turn.
 *   req     in place until the callback
 *   value   the slot to fill; in place, and not read, until the callback
 * Returns as said above. Threads: loop. */
int uvchan_recv(uv_loop_t* loop, uvchan_recv_t* req, uvchan_t* ch, void* value,
                uvchan_recv_done_cb cb);

/* Cancels a pending request of any kind: it takes nothing and gives nothing any more.
 *   req   one that was started, cast from its own type
 * Returns 0: its callback gets UV_ECANCELED; UV_EBUSY: the outcome is decided already, and the
 * callback gets that; UV_EINVAL: NULL, or all zero. In either case the callback is certain from
 * here on, whatever a stranger does to the loop's handles. Threads: loop. Cost: a lock; where
 * another thread is just finishing the request, the time that takes. */
int uvchan_cancel(uvchan_req_t* req);

/* ---- Select -------------------------------------------------------------------------------------
 *
 * The first of several sends and receives that can go on, as Go's select. Where several can, one of
 * them at random, each with the same chance, also where one channel stands in several cases, and
 * where the select had to wait. A select never pairs with itself. A closed channel makes a receive
 * case ready with the end, once it is empty, and a send case ready with UV_EPIPE. More than 4 cases
 * take memory while a select waits: UV_ENOMEM. */

/* What a case does. */
typedef enum { UVCHAN_RECV = 0, UVCHAN_SEND } uvchan_op_t;

typedef struct {
  uvchan_t* ch; /* NULL: never ready */
  uvchan_op_t op;
  void* value; /* where to receive to, or what to send */
  int status;  /* out, of the chosen case: 0, UV_EPIPE, the end; see also UV_ENOMEM above */
  void* data;  /* the caller's */
} uvchan_case_t;

#define UVCHAN__SELECT_PLACES 4

struct uvchan_select_s {
  UVCHAN__REQ_FIELDS(uvchan_req_t)
  uvchan_case_t* cases;
  size_t nplaces;          /* cases whose channel is not NULL */
  uvchan__place_t* places; /* near_places, or allocated where there are more cases */
  uvchan__place_t near_places[UVCHAN__SELECT_PLACES];
  uvchan_select_cb cb;
  void* reserved[4];
};

/* Go's select with a default branch.
 *   cases    the caller's, with what their values point to, for the time of the call
 *   ncases   0 to INT_MAX
 * Returns the index of the chosen case, whose status is set; UV_EAGAIN: there was a moment at which
 * no case was ready, or there are none; UV_EINVAL: NULL cases, an unknown op, a value missing;
 * UV_ENOMEM: as uvchan_try_send(). Threads: any. */
int uvchan_try_select(uvchan_case_t* cases, size_t ncases);

/* The same, and waits. With NULL channels only it waits for ever, as Go's does. Return as above;
 * UV_EINVAL also where there are no cases; UV_ETIMEDOUT: nothing was sent or received. Threads:
 * any. */
int uvchan_select_wait(uvchan_case_t* cases, size_t ncases);
int uvchan_select_timedwait(uvchan_case_t* cases, size_t ncases, uint64_t timeout);

/* The same as a request.
 *   cases   in place, with what their values point to, until the callback
 * Returns as requests do; UV_EINVAL also as uvchan_select_wait(). In the callback the index of the
 * chosen case, whose status is set. Threads: loop. */
int uvchan_select(uv_loop_t* loop, uvchan_select_t* req, uvchan_case_t* cases, size_t ncases,
                  uvchan_select_cb cb);

/* ---- Wait groups --------------------------------------------------------------------------------
 *
 * A count of work that is under way, and those who wait until it is 0: as Go's sync.WaitGroup, for
 * threads and for loops. Add before the work starts. A wait group may be used again after its count
 * was 0. */

typedef struct uvchan_waitgroup_s uvchan_waitgroup_t;

struct uvchan_waitgroup_s {
  void* data; /* the user's */
  /* private */
  uvchan__queue_t waiters; /* under the lock, as count */
  unsigned int lock;       /* atomic */
  int count;
  void* reserved[2];
};

/* Prepares one in the caller's memory, with a count of 0. Returns 0; UV_EINVAL. */
int uvchan_waitgroup_init(uvchan_waitgroup_t* wg);

/* The memory is the caller's again. Nobody may wait, but the call to uvchan_waitgroup_done() that
 * ended a wait may still be returning. */
void uvchan_waitgroup_destroy(uvchan_waitgroup_t* wg);

/* Adds to the count; at 0 everyone who waits is woken. done() is add(-1). Return 0; UV_EINVAL:
 * NULL, or the count would be below 0 or above INT_MAX, with no effect. Threads: any. Cost: a
 * lock. */
int uvchan_waitgroup_add(uvchan_waitgroup_t* wg, int delta);
int uvchan_waitgroup_done(uvchan_waitgroup_t* wg);

/* Wait until the count is 0; the second with a limit in relative nanoseconds, UINT64_MAX for ever.
 * Return 0; UV_ETIMEDOUT; UV_EINVAL. Threads: any. Cost: a lock. */
int uvchan_waitgroup_wait(uvchan_waitgroup_t* wg);
int uvchan_waitgroup_timedwait(uvchan_waitgroup_t* wg, uint64_t timeout);

/* The same as a request; a count that is 0 already calls back too.
 *   wg   in place until the callback
 * Returns as requests do. Threads: loop. */
int uvchan_waitgroup_notify(uv_loop_t* loop, uvchan_notify_t* req, uvchan_waitgroup_t* wg,
                            uvchan_notify_cb cb);

/* ---- Tickers ------------------------------------------------------------------------------------
 *
 * A ticker is a timer of the loop that sends uv_now(), in milliseconds, as a uint64_t. As with
 * Go's, ticks are due at fixed multiples of the period, counted from the start: a tick that comes
 * late, since the loop was busy, moves no later one. A loop that was busy for several periods sends
 * one tick then, with the time at which it is sent, and misses the others. A channel that cannot
 * take a tick at once misses it too; a closed one stops the ticker. So each tick that was due was
 * sent or is counted in uvchan_ticker_missed(). */

typedef struct uvchan_ticker_s uvchan_ticker_t;
/* the ticker's memory is the user's again */
typedef void (*uvchan_ticker_close_cb)(uvchan_ticker_t* ticker);

struct uvchan_ticker_s {
  void* data;        /* the user's */
  uv_loop_t* loop;   /* read only */
  uvchan_t* channel; /* read only */
  /* private */
  uv_timer_t timer;
  union {
    uint64_t due;          /* the next tick, as uv_now() */
    uvchan__later_t later; /* from its close on */
  };
  uint64_t missed;
  uvchan_ticker_close_cb close_cb;
  unsigned int flags;
  void* reserved[4];
};

/* Prepares a ticker: sets every member but data. It holds a reference to the channel until it is
 * closed. Returns 0; UV_EINVAL: NULL, or the channel's values are not 8 bytes. Threads: loop. */
int uvchan_ticker_init(uv_loop_t* loop, uvchan_ticker_t* ticker, uvchan_t* ch);

/* As uv_timer_start(): a second start sets new times.
 *   timeout   milliseconds from uv_now() to when the first tick is due
 *   repeat    milliseconds from there to when the second is due, and so on; 0: one tick only
 * Returns 0; UV_EINVAL: NULL, or it is closing. Threads: loop. */
int uvchan_ticker_start(uvchan_ticker_t* ticker, uint64_t timeout, uint64_t repeat);

/* As uv_timer_stop(). Returns 0, also where it is not started; UV_EINVAL: NULL. Threads: loop. */
int uvchan_ticker_stop(uvchan_ticker_t* ticker);

/* Ticks that were due and not sent since uvchan_ticker_init(): the channel could not take them, or
 * the loop was busy until a later one was due. What is due is counted when the loop runs its
 * timers. Returns 0 for NULL. Threads: loop. */
uint64_t uvchan_ticker_missed(const uvchan_ticker_t* ticker);

/* As uv_ref() and uv_unref() of the timer: an active ticker keeps the loop alive unless it is
 * unreferenced. Threads: loop. */
void uvchan_ticker_ref(uvchan_ticker_t* ticker);
void uvchan_ticker_unref(uvchan_ticker_t* ticker);

/* Stops it and closes it; a second close is ignored.
 *   cb   called on the loop's thread when the memory is the user's again, never inside the call
 *        (but see "a stranger" above); or NULL
 * Threads: loop. */
void uvchan_ticker_close(uvchan_ticker_t* ticker, uvchan_ticker_close_cb cb);

/* ---- The library ----------------------------------------------------------------------------- */

/* The version of this header. */
#define UVCHAN_VERSION_MAJOR 1
#define UVCHAN_VERSION_MINOR 4
#define UVCHAN_VERSION_PATCH 0

/* Has the library use these functions for all memory, as uv_replace_allocator() has libuv. Before
 * any other call of the library. Where a process has several copies of the library, each has its
 * own allocator, and memory is freed as it was made. Returns 0; UV_EINVAL: one is NULL. Threads:
 * while no other runs in the library. */
int uvchan_replace_allocator(uv_malloc_func malloc_func, uv_realloc_func realloc_func,
                             uv_calloc_func calloc_func, uv_free_func free_func);

/* The version of the library that is linked: major << 16 | minor << 8 | patch, and
 * "major.minor.patch". Threads: any. */
unsigned int uvchan_version(void);
const char* uvchan_version_string(void);

#ifdef __cplusplus
}
#endif
#endif /* UVCHAN_H */
