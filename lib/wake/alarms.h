/* SPDX-License-Identifier: MIT */
/* What a loop has to do at a time, by the one timer of its hub. Knows times, not what is due. The
 * loop's thread alone.
 *
 * The list is kept by time, and searched from both ends: most alarms are set for as long a time as
 * the one before, and go to its end at once; and where some are set for a shorter one, as those of
 * urgent work may be, they are few, and in front. The timer is left as it is where an alarm is
 * taken back: it goes off once in vain at most, and a program that sets and takes back many alarms
 * a second does nothing to it. It keeps no loop alive; who waits for an alarm does. */
#ifndef UVCHAN_ALARMS_H
#define UVCHAN_ALARMS_H

#include <uvchan/private.h>

/* Nobody is to be called. */
static inline void uvchan__alarm_init(uvchan__alarm_t* alarm) { alarm->ring = NULL; }

/* Calls ring(alarm), once, in a turn of the loop at that time or soon after it. On a loop whose
 * handles a stranger has closed it never comes.
 *   at   as uv_hrtime() */
void uvchan__alarm_set(uvchan__hub_t* hub, uvchan__alarm_t* alarm, uint64_t at,
                       void (*ring)(uvchan__alarm_t* alarm));

/* Takes it back, where it is set. */
void uvchan__alarm_cancel(uvchan__hub_t* hub, uvchan__alarm_t* alarm);

#endif /* UVCHAN_ALARMS_H */
