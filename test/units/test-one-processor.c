/* SPDX-License-Identifier: MIT */
/* On one processor: who looks again and again there holds up the one he waits for, unless he gives
 * the processor up. Where a test cannot choose its processor, it runs on all of them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifdef __linux__
#include <sched.h>
#endif

#include "spinner.h"
#include "ways.h"

/* ---- The processor --------------------------------------------------------------------------- */

#ifdef __linux__

static cpu_set_t all;

/* The first that may be used: for this thread, and for those that it starts. */
static void to_one_processor(void) {
  cpu_set_t one;
  size_t i = 0;

  ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
  while (!CPU_ISSET(i, &all)) i++;
  CPU_ZERO(&one);
  CPU_SET(i, &one);
  ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void to_all_processors(void) {
  ck_assert_int_eq(sched_setaffinity(0, sizeof(all), &all), 0);
}

#else

static void to_one_processor(void) {}

static void to_all_processors(void) {}

#endif

/* ---- Two threads ----------------------------------------------------------------------------- */

static const size_t capacities[] = {0, 1, 2, 1024, UVCHAN_UNBOUNDED};
#define NCAPACITIES ((int)(sizeof(capacities) / sizeof(*capacities)))

static const way_t ways[] = {WAY_WAIT, WAY_TIMED, WAY_WAIT_N, WAY_SELECT, WAY_TIMED_SELECT};
#define NWAITING ((int)(sizeof(ways) / sizeof(*ways)))

typedef struct {
  uvchan_t* ch;
  way_t way;
  size_t count;
} party_t;

static void send_them_all(void* arg) {
  party_t* party = arg;
  must(way_send_all(party->way, party->ch, 0, party->count) == party->count);
  must(uvchan_close(party->ch) == 0);
}

START_TEST(a_thread_that_sends_and_one_that_receives_finish) {
  party_t party = {support_channel(8, capacities[_i % NCAPACITIES]), ways[_i / NCAPACITIES],
                   (size_t)support_count(3000)};
  uv_thread_t thread;
  way_log_t log;

  memset(&log, 0, sizeof(log));
  support_start(&thread, send_them_all, &party);
  way_recv_all(party.way, party.ch, SIZE_MAX, &log);
  support_join(&thread);
  ck_assert_uint_eq(log.received, party.count);
  ck_assert_int_eq(log.end, UV_EOF);
  uvchan_release(party.ch);
}
END_TEST

typedef struct {
  uvchan_t* in;
  uvchan_t* out;
} echo_t;

static void send_back(void* arg) {
  echo_t* echo = arg;
  uint64_t value;
  while (uvchan_recv_wait(echo->in, &value) == 0) must(uvchan_send_wait(echo->out, &value) == 0);
}

START_TEST(two_threads_that_answer_each_other_finish) {
  echo_t echo = {support_channel(8, capacities[_i]), support_channel(8, capacities[_i])};
  uint64_t rounds = (uint64_t)support_count(3000), value, i;
  uv_thread_t thread;

  support_start(&thread, send_back, &echo);
  for (i = 0; i < rounds; i++) {
    must(uvchan_send_wait(echo.in, &i) == 0);
    must(uvchan_recv_wait(echo.out, &value) == 0);
    must(value == i);
  }
  ck_assert_int_eq(uvchan_close(echo.in), 0);
  support_join(&thread);
  uvchan_release(echo.in);
  uvchan_release(echo.out);
}
END_TEST

/* ---- A thread and a loop --------------------------------------------------------------------- */

/* The loop that spins gives its processor up to nobody; the system shares it out all the same. */
START_TEST(a_loop_that_spins_gets_what_a_thread_sends) {
  source_t source = {.ch = support_channel(8, capacities[_i]), .count = 10, .closes = 1};
  uv_loop_t loop;
  uv_thread_t thread;
  sink_t sink;

  support_loop_open(&loop);
  sink_start_spinning(&sink, &loop, source.ch, LONG);
  support_start(&thread, send_at_random, &source);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  support_join(&thread);
  ck_assert_uint_eq(sink.values, source.count);
  sink_close(&sink);
  support_loop_finish(&loop);
  uvchan_release(source.ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("one-processor");
  TCase* threads = support_tcase(suite, "threads");
  TCase* loops = support_tcase(suite, "loops");

  tcase_add_checked_fixture(threads, to_one_processor, to_all_processors);
  tcase_add_loop_test(threads, a_thread_that_sends_and_one_that_receives_finish, 0,
                      NWAITING * NCAPACITIES);
  tcase_add_loop_test(threads, two_threads_that_answer_each_other_finish, 0, NCAPACITIES);

  tcase_add_checked_fixture(loops, to_one_processor, to_all_processors);
  tcase_add_loop_test(loops, a_loop_that_spins_gets_what_a_thread_sends, 0, NCAPACITIES);
  return support_main(suite);
}
