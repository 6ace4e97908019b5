/* SPDX-License-Identifier: MIT */
/* Admission by waiting time, by itself and on a clock of its own: which queue stands, what is cut
 * from it, and when it stands no longer. The queue is simulated: values that come, and workers that
 * take them out when they are free. */
#include <stdlib.h>
#include <string.h>

#include "store/admission.h"
#include "support.h"

#define TARGET 1000u
#define INTERVAL 20000u
#define CUT_FROM (TARGET + TARGET / 4)

static uvchan__admission_t admission;

static void open_with(uint64_t target, uint64_t interval) {
  uvchan_admission_t options;
  memset(&options, 0, sizeof(options));
  options.target = target;
  options.interval = interval;
  uvchan__admission_init(&admission, &options);
}

/* Not the last. */
static int sheds(uint64_t waited, uint64_t now) {
  return uvchan__admission_sheds(&admission, waited, now, 0);
}

/* A queue that has stood for an interval at `now`. */
static void stand(uint64_t now) {
  open_with(TARGET, INTERVAL);
  ck_assert(!sheds(TARGET + 1, now - INTERVAL));
  ck_assert(sheds(CUT_FROM + 1, now));
}

/* ---- One value after the other --------------------------------------------------------------- */

START_TEST(options_are_valid_where_each_time_is_set_and_nothing_else) {
  uvchan_admission_t options;
  memset(&options, 0, sizeof(options));
  ck_assert(uvchan__admission_is_valid(NULL));
  ck_assert(!uvchan__admission_is_valid(&options));
  options.target = 1;
  ck_assert(!uvchan__admission_is_valid(&options));
  options.interval = 1;
  ck_assert(uvchan__admission_is_valid(&options));
  options.target = 0;
  ck_assert(!uvchan__admission_is_valid(&options));
  options.target = UINT64_MAX;
  options.interval = UINT64_MAX;
  ck_assert(uvchan__admission_is_valid(&options));
  options.reserved[_i] = &options;
  ck_assert(!uvchan__admission_is_valid(&options));
}
END_TEST

START_TEST(without_options_nothing_is_cut) {
  uint64_t now;
  uvchan__admission_init(&admission, NULL);
  for (now = 0; now < 100 * INTERVAL; now += TARGET) ck_assert(!sheds(UINT64_MAX, now));
}
END_TEST

START_TEST(a_queue_stands_after_a_whole_interval_above_the_target) {
  uint64_t now = 5, waited = TARGET + 1;
  open_with(TARGET, INTERVAL);
  for (; now < 5 + INTERVAL; now += 100) ck_assert(!sheds(waited + now, now));
  ck_assert(sheds(CUT_FROM + 1, now));
}
END_TEST

START_TEST(one_wait_of_the_target_in_the_interval_and_it_does_not_stand) {
  uint64_t now = 5;
  open_with(TARGET, INTERVAL);
  for (; now < 5 + INTERVAL; now += 100) ck_assert(!sheds(now == 1005 ? TARGET : 9 * TARGET, now));
  ck_assert(!sheds(9 * TARGET, now));
}
END_TEST

START_TEST(what_has_waited_for_a_quarter_longer_than_the_target_is_cut) {
  stand(INTERVAL);
  ck_assert(!sheds(CUT_FROM, INTERVAL));
  ck_assert(sheds(CUT_FROM + 1, INTERVAL));
  ck_assert(sheds(UINT64_MAX, INTERVAL));
}
END_TEST

START_TEST(the_last_is_never_cut) {
  stand(INTERVAL);
  ck_assert(!uvchan__admission_sheds(&admission, UINT64_MAX, INTERVAL, 1));
  ck_assert(sheds(CUT_FROM + 1, INTERVAL));
}
END_TEST

/* It was empty: found so, or with the last taken out. */
START_TEST(a_queue_that_was_empty_stands_no_longer_than_the_interval) {
  stand(INTERVAL);
  if (_i == 0) uvchan__admission_idle(&admission);
  if (_i == 1) uvchan__admission_sheds(&admission, 9 * TARGET, INTERVAL + 1, 1);
  ck_assert(sheds(CUT_FROM + 1, 2 * INTERVAL - 1));
  ck_assert(!sheds(9 * TARGET, 2 * INTERVAL));
}
END_TEST

/* Below the target for a moment, but never empty. */
START_TEST(a_queue_stands_on_where_it_was_not_empty) {
  stand(INTERVAL);
  ck_assert(!sheds(TARGET / 10, INTERVAL + 1));
  ck_assert(sheds(CUT_FROM + 1, 2 * INTERVAL));
}
END_TEST

/* Hours in which nobody looks: what was seen before, an empty queue, says how it is. */
START_TEST(what_is_long_ago_does_no_harm) {
  uint64_t hours = UINT64_C(1) << 50;
  stand(INTERVAL);
  uvchan__admission_idle(&admission);
  ck_assert(!sheds(9 * TARGET, hours));
  ck_assert(!sheds(9 * TARGET, hours + INTERVAL - 1));
  ck_assert(sheds(9 * TARGET, hours + INTERVAL));
}
END_TEST

START_TEST(times_without_end_overflow_nowhere) {
  open_with(UINT64_MAX, UINT64_MAX);
  ck_assert(!sheds(UINT64_MAX, 1));
  ck_assert(!sheds(UINT64_MAX, UINT64_MAX));
  ck_assert(!sheds(UINT64_MAX, UINT64_MAX));
  open_with(1, UINT64_MAX);
  ck_assert(!sheds(UINT64_MAX, 1));
  ck_assert(!sheds(UINT64_MAX, UINT64_MAX - 1));
}
END_TEST

/* ---- A queue and its workers ----------------------------------------------------------------- */

#define MOST_WORKERS 4
#define MOST_VALUES 200000

typedef struct {
  uint64_t arrivals[MOST_VALUES]; /* in order */
  size_t narrivals;
  size_t next; /* the oldest that was not taken out */
  size_t nshed;
  uint64_t waits[MOST_VALUES]; /* of what was taken out */
  uint64_t taken_at[MOST_VALUES];
  size_t ntaken;
  uint64_t free_at[MOST_WORKERS];
  size_t nworkers;
} queue_t;

static queue_t queue;

static void queue_open(size_t nworkers) {
  memset(&queue, 0, sizeof(queue));
  queue.nworkers = nworkers;
}

static uint64_t random_state;

/* 1 to 2 * mean, each with the same chance. */
static uint64_t random_gap(uint64_t mean) {
  random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return 1 + (random_state >> 33) % (2 * mean);
}

static void arrive(uint64_t begin, uint64_t end, uint64_t mean_gap) {
  uint64_t now;
  for (now = begin; now < end; now += random_gap(mean_gap)) {
    must(queue.narrivals < MOST_VALUES);
    queue.arrivals[queue.narrivals++] = now;
  }
}

static uint64_t* first_free_worker(void) {
  uint64_t* first = &queue.free_at[0];
  size_t i;
  for (i = 1; i < queue.nworkers; i++) {
    if (queue.free_at[i] < *first) first = &queue.free_at[i];
  }
  return first;
}

static int is_last(uint64_t now) {
  return queue.next + 1 == queue.narrivals || queue.arrivals[queue.next + 1] > now;
}

/* The first worker that is free takes the next value that it may, and works for so long. */
static void work(uint64_t each) {
  uint64_t* free_at = first_free_worker();
  if (queue.arrivals[queue.next] > *free_at) { /* it has found nothing */
    uvchan__admission_idle(&admission);
    *free_at = queue.arrivals[queue.next];
  }
  while (uvchan__admission_sheds(&admission, *free_at - queue.arrivals[queue.next], *free_at,
                                 is_last(*free_at))) {
    queue.next++;
    queue.nshed++;
  }
  queue.taken_at[queue.ntaken] = *free_at;
  queue.waits[queue.ntaken++] = *free_at - queue.arrivals[queue.next++];
  *free_at += each;
}

static void work_all(uint64_t each) {
  while (queue.next < queue.narrivals) work(each);
}

static int compare_waits(const void* a, const void* b) {
  uint64_t p = *(const uint64_t*)a, q = *(const uint64_t*)b;
  return p < q ? -1 : p > q;
}

/* Of what was taken out in this time. */
static uint64_t median_wait(uint64_t begin, uint64_t end) {
  uint64_t* waits = malloc(queue.ntaken * sizeof(*waits));
  uint64_t median;
  size_t n = 0, i;
  for (i = 0; i < queue.ntaken; i++) {
    if (queue.taken_at[i] >= begin && queue.taken_at[i] < end) waits[n++] = queue.waits[i];
  }
  must(n > 100);
  qsort(waits, n, sizeof(*waits), compare_waits);
  median = waits[n / 2];
  free(waits);
  return median;
}

static size_t taken_until(uint64_t end) {
  size_t n = 0, i;
  for (i = 0; i < queue.ntaken; i++) n += queue.taken_at[i] < end;
  return n;
}

/* A burst of 12 targets' worth of work, which is worked off within the interval. */
START_TEST(a_burst_that_is_worked_off_within_the_interval_is_not_cut) {
  size_t i;
  open_with(TARGET, INTERVAL);
  queue_open(1);
  for (i = 0; i < 60; i++) queue.arrivals[queue.narrivals++] = 1000000 + i;
  arrive(1000100, 1000000 + 10 * INTERVAL, 400);
  work_all(TARGET / 5);
  ck_assert_uint_eq(queue.nshed, 0);
  ck_assert_uint_eq(queue.ntaken, queue.narrivals);
}
END_TEST

/* Arrivals at random, 1 to 4 workers, a target of 3, 5 and 10 times what a value takes. */
START_TEST(at_twice_the_load_waits_stay_near_the_target_and_no_work_is_lost) {
  static const uint64_t parts[] = {3, 5, 10};
  size_t nworkers = (size_t)(_i % MOST_WORKERS) + 1;
  uint64_t each = TARGET / parts[_i / MOST_WORKERS], end = 100 * INTERVAL, possible;
  random_state = (uint64_t)_i;
  open_with(TARGET, INTERVAL);
  queue_open(nworkers);
  arrive(1000, end, each / (2 * nworkers));
  work_all(each);
  possible = end / each * nworkers;
  ck_assert_uint_le(median_wait(2 * INTERVAL, end), TARGET * 3 / 2);
  ck_assert_uint_ge(median_wait(2 * INTERVAL, end), TARGET * 3 / 4);
  ck_assert_uint_ge(taken_until(end) * 100, possible * 95);
}
END_TEST

START_TEST(when_the_load_falls_cutting_ends) {
  uint64_t each = TARGET / 5, fall = 50 * INTERVAL, end = 100 * INTERVAL;
  size_t before;
  random_state = 7;
  open_with(TARGET, INTERVAL);
  queue_open(1);
  arrive(1000, fall, each / 2);
  arrive(fall, end, each * 10 / 9);
  while (queue.arrivals[queue.next] < fall) work(each);
  ck_assert_uint_gt(queue.nshed, 0);
  ck_assert(admission.is_standing);
  while (queue.arrivals[queue.next] < fall + 3 * INTERVAL) work(each);
  before = queue.nshed;
  ck_assert(!admission.is_standing);
  work_all(each);
  ck_assert_uint_eq(queue.nshed, before);
}
END_TEST

/* Each longer than is cut from where the queue stands; worked off in half of an interval, as often
 * as they come: so cutting, which an overload had begun, must not go on by itself. */
START_TEST(bursts_after_an_overload_are_not_cut_for_ever) {
  uint64_t each = TARGET / 5, fall = 20 * INTERVAL, burst;
  size_t before, i;
  random_state = 11;
  open_with(TARGET, INTERVAL);
  queue_open(1);
  arrive(1000, fall, each / 2);
  for (burst = 0; burst < 200; burst++) {
    for (i = 0; i < 40; i++) queue.arrivals[queue.narrivals++] = fall + burst * 80 * each;
  }
  while (queue.arrivals[queue.next] < fall + 3 * INTERVAL) work(each);
  before = queue.nshed;
  ck_assert_uint_gt(before, 0);
  work_all(each);
  ck_assert_uint_eq(queue.nshed, before);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("admission");
  TCase* tcase = support_tcase(suite, "admission");
  tcase_add_loop_test(tcase, options_are_valid_where_each_time_is_set_and_nothing_else, 0, 2);
  tcase_add_test(tcase, without_options_nothing_is_cut);
  tcase_add_test(tcase, a_queue_stands_after_a_whole_interval_above_the_target);
  tcase_add_test(tcase, one_wait_of_the_target_in_the_interval_and_it_does_not_stand);
  tcase_add_test(tcase, what_has_waited_for_a_quarter_longer_than_the_target_is_cut);
  tcase_add_test(tcase, the_last_is_never_cut);
  tcase_add_loop_test(tcase, a_queue_that_was_empty_stands_no_longer_than_the_interval, 0, 2);
  tcase_add_test(tcase, a_queue_stands_on_where_it_was_not_empty);
  tcase_add_test(tcase, what_is_long_ago_does_no_harm);
  tcase_add_test(tcase, times_without_end_overflow_nowhere);
  tcase_add_test(tcase, a_burst_that_is_worked_off_within_the_interval_is_not_cut);
  tcase_add_loop_test(tcase, at_twice_the_load_waits_stay_near_the_target_and_no_work_is_lost, 0,
                      3 * MOST_WORKERS);
  tcase_add_test(tcase, when_the_load_falls_cutting_ends);
  tcase_add_test(tcase, bursts_after_an_overload_are_not_cut_for_ever);
  return support_main(suite);
}
