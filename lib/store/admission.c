/* SPDX-License-Identifier: MIT */
/* Admission by waiting time; the rule stands in admission.h. */
#include "store/admission.h"

#include <string.h>

#include "ground/tuning.h"

/* Without end where that is beyond the end of the clock. */
static uint64_t longer_by(uint64_t time, uint64_t by) {
  return by > UINT64_MAX - time ? UINT64_MAX : time + by;
}

void uvchan__admission_init(uvchan__admission_t* admission, const uvchan_admission_t* options) {
  memset(admission, 0, sizeof(*admission));
  if (options == NULL) return;
  admission->target = options->target;
  admission->interval = options->interval;
}

int uvchan__admission_is_valid(const uvchan_admission_t* options) {
  if (options == NULL) return 1;
  return options->target > 0 && options->interval > 0 && options->reserved[0] == NULL &&
         options->reserved[1] == NULL;
}

static void begin_interval(uvchan__admission_t* admission, uint64_t now) {
  uint64_t most = admission->is_standing ? 0 : admission->target;

  admission->is_standing = admission->least_wait > most;
  admission->interval_end = longer_by(now, admission->interval);
  admission->least_wait = UINT64_MAX;
}

int uvchan__admission_sheds(uvchan__admission_t* admission, uint64_t waited, uint64_t now,
                            int is_last) {
  uint64_t target = admission->target;

  if (target == 0) return 0;
  if (now >= admission->interval_end) begin_interval(admission, now);
  if (is_last) {
    admission->least_wait = 0;
    return 0;
  }
  if (admission->is_standing && waited > longer_by(target, target / UVCHAN__SHED_PART_OF_TARGET))
    return 1;
  if (waited < admission->least_wait) admission->least_wait = waited;
  return 0;
}

void uvchan__admission_idle(uvchan__admission_t* admission) { admission->least_wait = 0; }
