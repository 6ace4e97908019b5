/* SPDX-License-Identifier: MIT */
/* The buckets: below 8 microseconds one for each, then eight for each doubling. The relaxed
 * accesses are counters: nobody concludes from one what another must be. But whoever sees a time
 * counted sees a maximum that is no less: the maximum is raised first, and the count publishes
 * it. */
#include "shop/histogram.h"

#define PARTS_BITS 3
#define PARTS (1u << PARTS_BITS)

static unsigned int octave_of(uint64_t us) {
  unsigned int octave = 0;

  while (us > 1) {
    us >>= 1;
    octave++;
  }
  return octave;
}

static unsigned int bucket_of(uint64_t us) {
  unsigned int octave = octave_of(us);
  unsigned int bucket;

  if (us < PARTS) return (unsigned int)us;
  bucket = ((octave - PARTS_BITS + 1) << PARTS_BITS) +
           (unsigned int)((us >> (octave - PARTS_BITS)) & (PARTS - 1));
  return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The least time that is beyond a bucket. */
static uint64_t end_of(unsigned int bucket) {
  unsigned int shift = (bucket >> PARTS_BITS) == 0 ? 0 : (bucket >> PARTS_BITS) - 1;
  uint64_t first = bucket < PARTS ? bucket : (uint64_t)(PARTS + (bucket & (PARTS - 1))) << shift;

  return first + (UINT64_C(1) << shift);
}

void histogram_add(histogram_t* histogram, uint64_t us) {
  uint_least64_t max = atomic_load_explicit(&histogram->max_us, memory_order_relaxed);

  while (us > max &&
         !atomic_compare_exchange_weak_explicit(&histogram->max_us, &max, us, memory_order_relaxed,
                                                memory_order_relaxed)) {}
  atomic_fetch_add_explicit(&histogram->sum_us, us, memory_order_relaxed);
  /* [counted.R] the maximum, for [counted.A] */
  atomic_fetch_add_explicit(&histogram->counts[bucket_of(us)], 1, memory_order_release);
}

void histogram_read(const histogram_t* histogram, histogram_view_t* view) {
  view->total = 0;
  for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
    /* [counted.A] with [counted.R] */
    view->counts[i] = atomic_load_explicit(&histogram->counts[i], memory_order_acquire);
    view->total += view->counts[i];
  }
  view->max_us = atomic_load_explicit(&histogram->max_us, memory_order_relaxed);
}

void histogram_since(const histogram_view_t* now, const histogram_view_t* before,
                     histogram_view_t* between) {
  for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
    between->counts[i] = now->counts[i] - before->counts[i];
  between->total = now->total - before->total;
  between->max_us = now->max_us;
}

uint64_t histogram_quantile(const histogram_view_t* view, double share) {
  double wanted = share * (double)view->total;
  uint64_t seen = 0;

  for (unsigned int i = 0; i < HISTOGRAM_BUCKETS && view->total > 0; i++) {
    seen += view->counts[i];
    if (seen == 0 || (double)seen < wanted) continue;
    return end_of(i) - 1 < view->max_us ? end_of(i) - 1 : view->max_us;
  }
  return 0;
}

uint64_t histogram_below(const histogram_view_t* view, unsigned int octave) {
  uint64_t seen = 0;

  for (unsigned int i = 0; i < HISTOGRAM_BUCKETS && end_of(i) <= UINT64_C(1) << octave; i++)
    seen += view->counts[i];
  return seen;
}
