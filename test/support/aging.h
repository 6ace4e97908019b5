/* SPDX-License-Identifier: MIT */
/* Channels whose values grow old by a clock of the test's own: tests.cmake has the steps of a
 * channel read it. So an age is what a test says, and no test waits for one. */
#ifndef AGING_H
#define AGING_H

#include <string.h>

#include "support.h"

static atomic_uint_fast64_t aging_clock;

uint64_t clock_of_test(void);
uint64_t clock_of_test(void) { return atomic_load(&aging_clock); }

static inline void set_clock(uint64_t now) { atomic_store(&aging_clock, now); }

#define MAX_AGE 10
#define BEGIN 1000            /* of the clock in each test */
#define OLD (BEGIN + MAX_AGE) /* what was put in at BEGIN has expired */
#define YOUNG (OLD - 1)       /* and has not yet */
#define TARGET 10
#define INTERVAL 100

static inline uvchan_options_t aging_options(size_t elem_size, size_t capacity) {
  uvchan_options_t options;
  memset(&options, 0, sizeof(options));
  options.elem_size = elem_size;
  options.capacity = capacity;
  options.max_age = MAX_AGE;
  set_clock(BEGIN);
  return options;
}

/* drops NULL: without a drop_cb. */
static inline uvchan_t* aging_channel_with(support_drops_t* drops, uvchan_options_t options) {
  uvchan_t* ch = NULL;
  if (drops != NULL) return support_recording_channel(drops, &options);
  must(uvchan_create_ex(&ch, &options) == 0);
  return ch;
}

static inline uvchan_t* aging_channel(support_drops_t* drops, size_t elem_size, size_t capacity) {
  return aging_channel_with(drops, aging_options(elem_size, capacity));
}

/* By the admission alone. */
static inline uvchan_t* admitting_channel(support_drops_t* drops, size_t elem_size,
                                          size_t capacity) {
  uvchan_options_t options = aging_options(elem_size, capacity);
  uvchan_admission_t admission;
  memset(&admission, 0, sizeof(admission));
  admission.target = TARGET;
  admission.interval = INTERVAL;
  options.max_age = 0;
  options.admission = &admission;
  return aging_channel_with(drops, options);
}

static inline void send_numbers(uvchan_t* ch, uint64_t first, size_t n) {
  unsigned char value[SUPPORT_MOST_BYTES];
  size_t i;
  for (i = 0; i < n; i++) {
    support_fill(value, uvchan_elem_size(ch), first + i);
    must(uvchan_try_send(ch, value) == 0);
  }
}

static inline unsigned int dropped_for(support_drops_t* drops, uvchan_drop_reason_t reason) {
  return atomic_load(&drops->by_reason[reason]);
}

static inline unsigned int dropped_in_all(support_drops_t* drops) {
  unsigned int n = 0;
  int reason;
  for (reason = UVCHAN_DROPPED_OVERFLOW; reason <= UVCHAN_DROPPED_SHED; reason++)
    n += atomic_load(&drops->by_reason[reason]);
  return n;
}

#endif /* AGING_H */
