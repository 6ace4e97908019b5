/* SPDX-License-Identifier: MIT */
/* A histogram of times, from a microsecond to an hour, each bucket at most an eighth wider than the
 * one before. Threads: any may add and read; what is read while others add may lack what they are
 * adding. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_OCTAVES 32
#define HISTOGRAM_BUCKETS (HISTOGRAM_OCTAVES * 8)

typedef struct {
  atomic_uint_least64_t counts[HISTOGRAM_BUCKETS];
  atomic_uint_least64_t sum_us;
  atomic_uint_least64_t max_us;
} histogram_t;

/* What was in one at a moment. */
typedef struct {
  uint64_t counts[HISTOGRAM_BUCKETS];
  uint64_t total;
  uint64_t max_us; /* at least that of all that are counted */
} histogram_view_t;

void histogram_add(histogram_t* histogram, uint64_t us);
void histogram_read(const histogram_t* histogram, histogram_view_t* view);

/* What was added between two moments. */
void histogram_since(const histogram_view_t* now, const histogram_view_t* before,
                     histogram_view_t* between);

/* The time in microseconds below which this share (0 to 1) of all lies, up to the width of a
 * bucket, and no more than the longest of all took; 0 where there are none. */
uint64_t histogram_quantile(const histogram_view_t* view, double share);

/* How many are less than 2^octave microseconds. */
uint64_t histogram_below(const histogram_view_t* view, unsigned int octave);

#endif /* HISTOGRAM_H */
