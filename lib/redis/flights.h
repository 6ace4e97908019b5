/* SPDX-License-Identifier: MIT */
/* Questions of one kind that are on their way, and how many values each is about: answers come in
 * the order of the questions. Knows neither. The loop's thread alone. */
#ifndef UVCHAN_REDIS_FLIGHTS_H
#define UVCHAN_REDIS_FLIGHTS_H

#include <stdint.h>

#define UVCHAN__REDIS_MOST_FLIGHTS 8

typedef struct {
  uint32_t values[UVCHAN__REDIS_MOST_FLIGHTS]; /* a ring */
  unsigned int first;
  unsigned int n;
  uint32_t sum; /* of all values */
} uvchan__redis_flights_t;

/* One more may follow where they are fewer than the most, and it is about a whole batch: less than
 * that waits until nothing is on its way, and gathers meanwhile. */
static inline int uvchan__redis_flights_may_follow(const uvchan__redis_flights_t* flights,
                                                   uint32_t values, uint32_t batch) {
  if (flights->n == 0) return values > 0;
  return flights->n < UVCHAN__REDIS_MOST_FLIGHTS && values >= batch;
}

static inline void uvchan__redis_flights_push(uvchan__redis_flights_t* flights, uint32_t values) {
  flights->values[(flights->first + flights->n++) % UVCHAN__REDIS_MOST_FLIGHTS] = values;
  flights->sum += values;
}

/* The first has its answer. */
static inline uint32_t uvchan__redis_flights_pop(uvchan__redis_flights_t* flights) {
  uint32_t values = flights->values[flights->first % UVCHAN__REDIS_MOST_FLIGHTS];

  flights->first++;
  flights->n--;
  flights->sum -= values;
  return values;
}

/* No answer will come. */
static inline void uvchan__redis_flights_clear(uvchan__redis_flights_t* flights) {
  flights->first = flights->n = 0;
  flights->sum = 0;
}

#endif /* UVCHAN_REDIS_FLIGHTS_H */
