/* SPDX-License-Identifier: MIT */
/* Wait groups among threads: who waits, when it ends, and that its memory may go as soon as a wait
 * has returned. */
#include <limits.h>
#include <stdlib.h>

#include "support.h"

#define LONG UINT64_C(60000000000) /* nanoseconds */
#define SHORT UINT64_C(1000)

typedef struct {
  uvchan_waitgroup_t* wg;
  atomic_int* count;
  uint64_t plain; /* written before done, read after the wait */
  int n;
  int answer;
} worker_t;

static void work_and_say_done(void* arg) {
  worker_t* worker = arg;
  worker->plain = 42;
  must(uvchan_waitgroup_done(worker->wg) == 0);
}

static void wait_for_all(void* arg) {
  worker_t* worker = arg;
  worker->answer = worker->n == 0 ? uvchan_waitgroup_wait(worker->wg)
                                  : uvchan_waitgroup_timedwait(worker->wg, LONG);
  atomic_fetch_add(worker->count, 1);
}

START_TEST(nothing_to_wait_for_is_no_wait) {
  uvchan_waitgroup_t wg;
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_wait(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_timedwait(&wg, 0), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 0), 0);
  ck_assert_int_eq(uvchan_waitgroup_wait(&wg), 0);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

START_TEST(init_leaves_the_users_data_alone) {
  uvchan_waitgroup_t wg;
  wg.data = &wg;
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_ptr_eq(wg.data, &wg);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

START_TEST(a_time_limit_ends_a_wait_and_changes_nothing) {
  uvchan_waitgroup_t wg;
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 2), 0);
  ck_assert_int_eq(uvchan_waitgroup_timedwait(&wg, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_waitgroup_timedwait(&wg, SHORT), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_timedwait(&wg, SHORT), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_timedwait(&wg, 0), 0);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), UV_EINVAL);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

START_TEST(a_wait_ends_when_all_are_done_and_sees_what_they_did) {
  int round, n = 8, i;
  uvchan_waitgroup_t wg;
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  for (round = 0; round < support_count(50); round++) { /* the same group again and again */
    worker_t workers[8];
    uv_thread_t threads[8];
    must(uvchan_waitgroup_add(&wg, n) == 0);
    for (i = 0; i < n; i++) {
      workers[i] = (worker_t){.wg = &wg, .plain = 0};
      support_start(&threads[i], work_and_say_done, &workers[i]);
    }
    must(uvchan_waitgroup_wait(&wg) == 0);
    /* before they are joined: the wait alone orders this */
    for (i = 0; i < n; i++) must(workers[i].plain == 42);
    for (i = 0; i < n; i++) support_join(&threads[i]);
  }
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

/* Whether each of the waiters is asleep by the time of the last done, or just on its way, it comes
 * back. */
START_TEST(all_who_wait_are_woken_at_once) {
  int round, i, nwaiters = 5;
  for (round = 0; round < support_count(100); round++) {
    uvchan_waitgroup_t wg;
    atomic_int back = 0;
    worker_t waiters[5];
    uv_thread_t threads[5];
    must(uvchan_waitgroup_init(&wg) == 0);
    must(uvchan_waitgroup_add(&wg, 2) == 0);
    for (i = 0; i < nwaiters; i++) {
      waiters[i] = (worker_t){.wg = &wg, .count = &back, .n = i % 2};
      support_start(&threads[i], wait_for_all, &waiters[i]);
    }
    must(uvchan_waitgroup_done(&wg) == 0);
    must(atomic_load(&back) == 0);
    support_spin((uint64_t)(round % 50) * 2000);
    must(atomic_load(&back) == 0);
    must(uvchan_waitgroup_done(&wg) == 0);
    for (i = 0; i < nwaiters; i++) support_join(&threads[i]);
    for (i = 0; i < nwaiters; i++) must(waiters[i].answer == 0);
    uvchan_waitgroup_destroy(&wg);
  }
}
END_TEST

/* The group lies in memory of its own, which goes as soon as the wait returned, though the last
 * done may still be on its way out. */
START_TEST(its_memory_may_go_when_a_wait_has_returned) {
  int round, i;
  for (round = 0; round < support_count(500); round++) {
    uvchan_waitgroup_t* wg = malloc(sizeof(*wg));
    worker_t workers[2];
    uv_thread_t threads[2];
    must(uvchan_waitgroup_init(wg) == 0);
    must(uvchan_waitgroup_add(wg, 2) == 0);
    for (i = 0; i < 2; i++) {
      workers[i] = (worker_t){.wg = wg, .plain = 0};
      support_start(&threads[i], work_and_say_done, &workers[i]);
    }
    if (round % 2 == 0) must(uvchan_waitgroup_wait(wg) == 0);
    if (round % 2 == 1) must(uvchan_waitgroup_timedwait(wg, LONG) == 0);
    uvchan_waitgroup_destroy(wg);
    free(wg);
    for (i = 0; i < 2; i++) support_join(&threads[i]);
  }
}
END_TEST

static void add_and_take_away(void* arg) {
  worker_t* worker = arg;
  int i;
  for (i = 0; i < worker->n; i++) {
    must(uvchan_waitgroup_add(worker->wg, 3) == 0);
    must(uvchan_waitgroup_add(worker->wg, -2) == 0);
    must(uvchan_waitgroup_done(worker->wg) == 0);
  }
  must(uvchan_waitgroup_done(worker->wg) == 0);
}

START_TEST(many_threads_count_exactly) {
  uvchan_waitgroup_t wg;
  worker_t worker = {.wg = &wg, .n = support_count(20000)};
  uv_thread_t threads[4];
  int i;
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 4), 0);
  for (i = 0; i < 4; i++) support_start(&threads[i], add_and_take_away, &worker);
  ck_assert_int_eq(uvchan_waitgroup_wait(&wg), 0);
  for (i = 0; i < 4; i++) support_join(&threads[i]);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), UV_EINVAL);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

typedef struct {
  uvchan_waitgroup_t wg;
  atomic_int stop;
  uint64_t timeouts;
  uint64_t ends;
} hasty_t;

static void wait_in_haste(void* arg) {
  hasty_t* hasty = arg;
  while (!atomic_load(&hasty->stop)) {
    int r = uvchan_waitgroup_timedwait(&hasty->wg, SHORT);
    must(r == 0 || r == UV_ETIMEDOUT);
    if (r == 0) hasty->ends++;
    if (r != 0) hasty->timeouts++;
  }
}

/* Two who give up all the time and the last done race for the same waiter; then the group is as it
 * should be. */
START_TEST(a_wait_that_times_out_while_the_last_is_done_is_one_or_the_other) {
  hasty_t hasty = {.stop = 0};
  uint32_t seed = 3;
  uv_thread_t threads[1];
  int i;
  ck_assert_int_eq(uvchan_waitgroup_init(&hasty.wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&hasty.wg, 1), 0);
  support_start(&threads[0], wait_in_haste, &hasty);
  for (i = 0; i < support_count(3000); i++) {
    support_spin(support_random(&seed) % 100000);
    must(uvchan_waitgroup_done(&hasty.wg) == 0);
    must(uvchan_waitgroup_add(&hasty.wg, 1) == 0);
  }
  atomic_store(&hasty.stop, 1);
  support_join(&threads[0]);
  ck_assert_int_eq(uvchan_waitgroup_timedwait(&hasty.wg, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_waitgroup_done(&hasty.wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_wait(&hasty.wg), 0);
  uvchan_waitgroup_destroy(&hasty.wg);
}
END_TEST

START_TEST(the_count_reaches_as_far_as_an_int) {
  uvchan_waitgroup_t wg;
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, INT_MAX), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), UV_EINVAL);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1 - INT_MAX), 0);
  ck_assert_int_eq(uvchan_waitgroup_timedwait(&wg, 0), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, -2), UV_EINVAL);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_wait(&wg), 0);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("waitgroup-threads");
  TCase* tcase = support_tcase(suite, "waitgroup");
  tcase_add_test(tcase, nothing_to_wait_for_is_no_wait);
  tcase_add_test(tcase, init_leaves_the_users_data_alone);
  tcase_add_test(tcase, a_time_limit_ends_a_wait_and_changes_nothing);
  tcase_add_test(tcase, a_wait_ends_when_all_are_done_and_sees_what_they_did);
  tcase_add_test(tcase, all_who_wait_are_woken_at_once);
  tcase_add_test(tcase, its_memory_may_go_when_a_wait_has_returned);
  tcase_add_test(tcase, many_threads_count_exactly);
  tcase_add_test(tcase, a_wait_that_times_out_while_the_last_is_done_is_one_or_the_other);
  tcase_add_test(tcase, the_count_reaches_as_far_as_an_int);
  return support_main(suite);
}
