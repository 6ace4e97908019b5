/* SPDX-License-Identifier: MIT */
/* Admission by waiting time: whether the value at the head of a queue is taken out, or cut. Tells a
 * queue that stands from a burst; see uvchan_admission_t.
 *
 *      taken out, in an interval                          from the next one on
 *      nothing had waited for the target or less          the queue stands
 *      it stands, and it was not empty                    it stands still
 *      it stands, and it was empty once                   it stands no longer
 *
 * While it stands, what has waited for a quarter longer than the target is cut, but for the last.
 *
 * Why so. That it begins to stand is told as by RFC 8289: the least wait of an interval is that of
 * the queue that would still be there if arrivals were even; a burst that is worked off within the
 * interval ends with a short wait, and is left alone.
 *
 * That it stands no longer can't be told by the same target. Under a load that lasts, what is taken
 * out has waited for just below target * 5/4, since all else was cut; and where arrivals are at
 * random, a gap between them of a quarter of the target lets the next wait fall below the target.
 * For an interval nothing would be cut then, and at twice the load the wait would grow by half of
 * the interval, to 5 or 10 times the target. But as long as the load is too much there is always
 * something to take: the last is not cut, and behind it stands what arrives in target * 5/4, more
 * than is taken out in that. A gap has to be as long as that for the queue to become empty. And
 * where the load is less than what can be taken out, the queue becomes empty: at a load of 9/10, a
 * queue of target * 5/4 is worked off within target * 25/2. From there nothing is cut at all,
 * since nothing waits for so long, and with the next interval it no longer stands: so bursts that
 * are worked off are not cut for long either, however often they come.
 *
 * Simulated, with arrivals at random at twice the load, 1, 2 and 4 workers, targets of 3, 5 and 10
 * times what one value takes, and intervals of 10 and 20 targets: the median of the waits of what
 * was taken out was 1.12 to 1.24 targets; by one target for both, 1.23 to 2.7.
 *
 * A value that was cut says nothing about the waits of what is taken out, and is not counted among
 * them. To take out the last is to empty the queue, and to find nothing is to find it empty: both
 * count as no wait, as RFC 8289 has it for a queue of one packet. What was seen when somebody
 * looked last stays true until somebody looks again: after hours of which nobody knows anything,
 * a queue that was empty then has a whole interval before it stands.
 *
 * Knows nothing of channels, pools or clocks: who asks says how long a value has waited, and what
 * time it is. Threads: whichever holds the lock of the queue. */
#ifndef UVCHAN_ADMISSION_H
#define UVCHAN_ADMISSION_H

#include <uvchan.h>

/* State under whatever lock its user has. */
typedef struct {
  uint64_t target; /* nanoseconds; 0: nothing is ever cut */
  uint64_t interval;
  uint64_t interval_end; /* on the clock of `now` */
  uint64_t least_wait;   /* of what was taken out in this interval; 0: the queue was empty */
  int is_standing;
} uvchan__admission_t;

/* NULL: nothing is ever cut. */
void uvchan__admission_init(uvchan__admission_t* admission, const uvchan_admission_t* options);

/* 1 for NULL; 0 where the target or the interval is 0, or something reserved is set. */
int uvchan__admission_is_valid(const uvchan_admission_t* options);

/* Asked of each value that is about to be taken out, the oldest of its queue: 1 to cut it, 0 to
 * take it out. is_last: no other is behind it. now does not go back. */
int uvchan__admission_sheds(uvchan__admission_t* admission, uint64_t waited, uint64_t now,
                            int is_last);

/* Who takes out has found nothing: nobody waits. */
void uvchan__admission_idle(uvchan__admission_t* admission);

#endif /* UVCHAN_ADMISSION_H */
