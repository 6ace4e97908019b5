/* Admission by waiting time; the rule stands in admission.h. */
#include "store/admission.h"

#include <string.h>

#include "ground/tuning.h"

static uint64_t sum(uint64_t a, uint64_t b) { return b > UINT64_MAX - a ? UINT64_MAX : a + b; }

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

static void note_wait(uvchan__admission_t* admission, uint64_t waited, uint64_t now) {
  if (now >= admission->interval_end) {
    admission->is_standing = admission->least_wait > admission->target;
    admission->interval_end = sum(now, admission->interval);
    admission->least_wait = waited;
  } else if (waited < admission->least_wait) {
    admission->least_wait = waited;
  }
}

int uvchan__admission_sheds(uvchan__admission_t* admission, uint64_t waited, uint64_t now,
                            int is_last) {
  uint64_t target = admission->target;

  if (target == 0) return 0;
  note_wait(admission, waited, now);
  return admission->is_standing && !is_last &&
         waited > sum(target, target / UVCHAN__SHED_PART_OF_TARGET);
}

void uvchan__admission_idle(uvchan__admission_t* admission) { admission->least_wait = 0; }
