/* SPDX-License-Identifier: MIT */
/* Histories: threads and loops do at random what the library allows, a few operations each, and
 * the answers of every run are explained by a channel that does one step after the other; see
 * history/history.h.
 *
 *   UVCHAN_HISTORIES=n   so many of them: two million take some minutes
 *   UVCHAN_SEED=n        all of them with the operations of that seed, though not with the same
 *                        interleaving
 *   UVCHAN_SHOW=1        prints each of them */
#include <stdlib.h>
#include <string.h>

#include "examples.h"
#include "history.h"
#include "support.h"

static unsigned long number_from(const char* name, unsigned long otherwise) {
  const char* given = getenv(name);

  return given == NULL ? otherwise : strtoul(given, NULL, 10);
}

/* ---- Histories written by hand --------------------------------------------------------------- */

START_TEST(a_hand_written_history_is_judged) {
  const history_example_t* example = &history_examples[_i];
  static history_t written;
  history_verdict_t verdict;

  memset(&written, 0, sizeof(written));
  written.nthreads = HISTORY_WORKERS;
  written.nchannels = HISTORY_CHANNELS;
  example->write(&written);
  verdict = history_check(&written, NULL);
  if (verdict != example->verdict) history_print(stderr, &written, NULL);
  ck_assert_msg(verdict == example->verdict, "'%s' is taken for %s", example->name,
                verdict == HISTORY_LEGAL ? "legal" : "illegal");
}
END_TEST

/* ---- Many histories -------------------------------------------------------------------------- */

static history_t history;
static history_order_t order;

static void explain(void) {
  history_check(&history, &order);
  history_print(stderr, &history, &order);
}

typedef struct {
  unsigned long histories;
  unsigned long illegal;
  unsigned long too_hard; /* the search was given up */
} tally_t;

/* The first that is illegal ends it, and is in `history` then. */
static void run_some(tally_t* tally, history_pool_t* pool, uint32_t seed, int same,
                     unsigned int n) {
  for (; n > 0; n--) {
    history_verdict_t verdict;

    history_script(&history, seed);
    history_run(pool, &history);
    verdict = history_check(&history, NULL);
    if (getenv("UVCHAN_SHOW") != NULL) history_print(stderr, &history, NULL);
    tally->histories++;
    tally->illegal += verdict == HISTORY_ILLEGAL;
    tally->too_hard += verdict == HISTORY_TOO_HARD;
    if (verdict == HISTORY_ILLEGAL) return;
    if (!same) seed++;
  }
}

static tally_t run_many(const history_calls_t* calls, uint32_t seed, int same, unsigned long n) {
  tally_t tally = {0, 0, 0};

  while (tally.histories < n && tally.illegal == 0) {
    unsigned long left = n - tally.histories;
    history_pool_t* pool = history_pool_start(history_nthreads(seed), calls);

    run_some(&tally, pool, seed, same, left < HISTORY_RUN ? (unsigned int)left : HISTORY_RUN);
    history_pool_stop(pool);
    if (!same) seed += HISTORY_RUN;
  }
  return tally;
}

START_TEST(each_history_is_one_of_a_sequential_channel) {
  unsigned long n = number_from("UVCHAN_HISTORIES", support_slow() ? 2000 : 6000);
  int same = getenv("UVCHAN_SEED") != NULL;
  unsigned long now = (unsigned long)(uv_hrtime() / HISTORY_RUN * HISTORY_RUN);
  uint32_t seed = (uint32_t)number_from("UVCHAN_SEED", now);
  tally_t tally = run_many(&history_calls, seed, same, n);

  if (tally.illegal > 0) explain();
  ck_assert_msg(tally.illegal == 0, "after %lu histories: no order explains that of seed %u",
                tally.histories, history.seed);
  fprintf(stderr, "%lu histories, %lu of them too hard to check\n", tally.histories,
          tally.too_hard);
}
END_TEST

/* ---- Faults are found ------------------------------------------------------------------------ */

static atomic_uint calls_made;

static int loses_a_value(uvchan_t* ch, const void* value) {
  return atomic_fetch_add(&calls_made, 1) % 16 == 0 && !uvchan_is_closed(ch)
             ? 0
             : uvchan_try_send(ch, value);
}

static int sends_twice(uvchan_t* ch, const void* value) {
  int r = uvchan_try_send(ch, value);

  if (r == 0 && atomic_fetch_add(&calls_made, 1) % 4 == 0) uvchan_try_send(ch, value);
  return r;
}

static int looks_empty(uvchan_t* ch, void* value) {
  return atomic_fetch_add(&calls_made, 1) % 16 == 0 && !uvchan_is_closed(ch)
             ? UV_EAGAIN
             : uvchan_try_recv(ch, value);
}

static int does_not_wait(uvchan_t* ch, const void* value) {
  int r = uvchan_try_send(ch, value);

  return r == UV_EAGAIN ? 0 : r;
}

/* Each case was found not ready, one after the other. */
static int selects_in_turn(uvchan_case_t* cases, size_t ncases) {
  size_t i;

  for (i = 0; i < ncases; i++) {
    int r = uvchan_try_select(&cases[i], 1);

    if (r != UV_EAGAIN) return r < 0 ? r : (int)i;
    history_yield();
  }
  return UV_EAGAIN;
}

static int aborts_in_two_steps(uvchan_t* ch, int status) {
  int r = uvchan_close_with(ch, status);

  history_yield();
  uvchan_abort(ch, status);
  return r;
}

static size_t counts_one_more(const uvchan_t* ch) {
  return uvchan_len(ch) + (atomic_fetch_add(&calls_made, 1) % 16 == 0);
}

/* Each replaces one call. */
static const struct {
  const char* name;
  history_calls_t calls;
} faults[] = {
    {"loses a value", {.try_send = loses_a_value}},
    {"sends a value twice", {.try_send = sends_twice}},
    {"looks empty", {.try_recv = looks_empty}},
    {"does not wait", {.send_wait = does_not_wait}},
    {"selects in turn", {.try_select = selects_in_turn}},
    {"aborts in two steps", {.abort = aborts_in_two_steps}},
    {"counts one more", {.len = counts_one_more}},
};

static history_calls_t with_fault(const history_calls_t* fault) {
  history_calls_t calls = history_calls;

  if (fault->try_send != NULL) calls.try_send = fault->try_send;
  if (fault->try_recv != NULL) calls.try_recv = fault->try_recv;
  if (fault->send_wait != NULL) calls.send_wait = fault->send_wait;
  if (fault->try_select != NULL) calls.try_select = fault->try_select;
  if (fault->abort != NULL) calls.abort = fault->abort;
  if (fault->len != NULL) calls.len = fault->len;
  return calls;
}

START_TEST(a_fault_of_the_channel_is_found) {
  history_calls_t calls = with_fault(&faults[_i].calls);
  tally_t tally = run_many(&calls, 0, 0, 1000000);

  ck_assert_msg(tally.illegal == 1, "%lu histories of a channel that %s", tally.histories,
                faults[_i].name);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("history");
  TCase* checker = support_tcase(suite, "checker");
  TCase* runs = support_tcase(suite, "runs");

  tcase_add_loop_test(checker, a_hand_written_history_is_judged, 0, (int)history_nexamples);
  tcase_add_loop_test(runs, a_fault_of_the_channel_is_found, 0, sizeof(faults) / sizeof(faults[0]));
  tcase_add_test(runs, each_history_is_one_of_a_sequential_channel);
  if (getenv("UVCHAN_HISTORIES") != NULL) tcase_set_timeout(runs, 0);
  return support_main(suite);
}
