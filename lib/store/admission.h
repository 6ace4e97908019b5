/* Admission by waiting time: whether the value at the head of a queue is taken out, or cut. Tells a
 * queue that stands from a burst; see uvchan_admission_t.
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
  uint64_t least_wait;   /* in this interval */
  int is_standing;
} uvchan__admission_t;

/* NULL: nothing is ever cut. */
void uvchan__admission_init(uvchan__admission_t* admission, const uvchan_admission_t* options);

/* 1 for NULL; 0 where the target or the interval is 0, or something reserved is set. */
int uvchan__admission_is_valid(const uvchan_admission_t* options);

/* Asked of each value that is about to be taken out, the oldest of its queue: 1 to cut it, 0 to take
 * it out. is_last: no other is behind it. */
int uvchan__admission_sheds(uvchan__admission_t* admission, uint64_t waited, uint64_t now,
                            int is_last);

/* Who takes out has found nothing: nobody waits. */
void uvchan__admission_idle(uvchan__admission_t* admission);

#endif /* UVCHAN_ADMISSION_H */
