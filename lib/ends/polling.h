/* SPDX-License-Identifier: MIT */
/* What a started receiver does when it finds nothing: wait, which lets its loop sleep, or look
 * again. All of it is a heuristic: a wrong guess costs time, and loses no value. Knows the
 * receiver's own members and the ring; does not know callbacks. Threads: the loop's.
 *
 * A loop that sleeps takes tens of microseconds to wake, and its waker a system call. So a busy
 * receiver looks once more in the next turn: one that has just delivered a good many values, or as
 * many as a small channel holds. And it looks when that is worth it: one that is faster than its
 * senders would follow them from value to value, and each line of memory would cross between the
 * processors once for each of its values. So it lets a batch gather, for two microseconds at the
 * most. Measured with one sender to one loop: 7.9 ns a value, 11.3 without that, 15 without looking
 * once more; with both on one processor, where it is the sender's turn then, 16 for 47. Where
 * nothing has come meanwhile, because the senders are done, or slow, or on this very loop, it does
 * so less and less often, down to once in 64 times.
 *
 * A receiver that may spin looks at the next slot for a moment within the turn, so that a value
 * that comes meanwhile costs no turn of the loop; and else from turn to turn, so that sockets and
 * timers have theirs, until the time that its user allows is over. */
#ifndef UVCHAN_POLLING_H
#define UVCHAN_POLLING_H

#include <uvchan.h>

/* A receiver's turn. */
typedef struct {
  size_t left; /* of the budget */
  unsigned int delivered;
  int is_continued; /* the turn before used its budget up */
  /* when it first found nothing, or 0; from then on it looks at nothing but the next slot */
  uint64_t spun_since;
} uvchan__turn_t;

typedef enum { UVCHAN__WAIT, UVCHAN__NEXT_TURN, UVCHAN__LOOK_AGAIN } uvchan__next_t;

/* It has found nothing. */
uvchan__next_t uvchan__poll_or_wait(uvchan_receiver_t* receiver, uvchan__turn_t* turn);

/* At the begin of a turn. */
void uvchan__coalesce(uvchan_receiver_t* receiver);

#endif /* UVCHAN_POLLING_H */
