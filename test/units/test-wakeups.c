/* SPDX-License-Identifier: MIT */
/* No lost wake-up: many sleep, and exactly as much happens as wakes them all. No test here closes a
 * channel before everyone is awake, since that would wake whoever was forgotten. */
#include "ways.h"

#define NSLEEPERS 4

typedef struct {
  uvchan_t* ch;
  way_t way;
  int rounds;
  atomic_int* awake; /* how many came back in all */
  uint64_t value;
} sleeper_t;

static const way_t waiting_ways[] = {WAY_WAIT, WAY_WAIT_N, WAY_SELECT, WAY_WAIT};

static void sleep_as_receiver(void* arg) {
  sleeper_t* sleeper = arg;
  int i;
  for (i = 0; i < sleeper->rounds; i++) {
    must(way_recv(sleeper->way, sleeper->ch, &sleeper->value, 1) == 1);
    atomic_fetch_add(sleeper->awake, 1);
  }
}

static void sleep_as_sender(void* arg) {
  sleeper_t* sleeper = arg;
  int i;
  for (i = 0; i < sleeper->rounds; i++) {
    must(way_send(sleeper->way, sleeper->ch, &sleeper->value, 1) == 1);
    atomic_fetch_add(sleeper->awake, 1);
  }
}

static void start_sleepers(uv_thread_t* threads, sleeper_t* sleepers, uv_thread_cb body,
                           uvchan_t* ch, int rounds, atomic_int* awake) {
  int i;
  for (i = 0; i < NSLEEPERS; i++) {
    sleepers[i] = (sleeper_t){ch, waiting_ways[i], rounds, awake, (uint64_t)i};
    support_start(&threads[i], body, &sleepers[i]);
  }
}

static void join_sleepers(uv_thread_t* threads) {
  int i;
  for (i = 0; i < NSLEEPERS; i++) support_join(&threads[i]);
}

/* ---- As many events as sleepers -------------------------------------------------------------- */

static void send_once(int form, uvchan_t* ch) {
  uint64_t values[NSLEEPERS] = {0};
  int i;
  if (form == 0) {
    for (i = 0; i < NSLEEPERS; i++) must(uvchan_try_send(ch, values) == 0);
  } else if (form == 1) {
    must(uvchan_try_send_n(ch, values, NSLEEPERS) == NSLEEPERS);
  } else {
    must(uvchan_send_wait_n(ch, values, NSLEEPERS) == NSLEEPERS);
  }
}

START_TEST(as_many_sends_as_sleeping_receivers_wake_them_all) {
  int form = _i % 3, rounds = support_count(300), round;
  uvchan_t* ch = support_channel(8, support_capacities[_i / 3]);
  sleeper_t sleepers[NSLEEPERS];
  uv_thread_t threads[NSLEEPERS];
  atomic_int awake = 0;
  start_sleepers(threads, sleepers, sleep_as_receiver, ch, rounds, &awake);
  for (round = 1; round <= rounds; round++) {
    support_await_receivers(ch, NSLEEPERS);
    send_once(form, ch);
    support_await(atomic_load(&awake) == round * NSLEEPERS);
  }
  join_sleepers(threads);
  ck_assert_uint_eq(support_at_rest(ch).received, (uint64_t)rounds * NSLEEPERS);
  uvchan_release(ch);
}
END_TEST

/* The buffer is full, and stays full until the last round: what is received makes room for exactly
 * the sleepers. */
static void receive_once(int form, uvchan_t* ch) {
  uint64_t values[NSLEEPERS];
  size_t got = 0;
  if (form == 0) {
    for (; got < NSLEEPERS; got++) must(uvchan_try_recv(ch, values) == 0);
  }
  while (got < NSLEEPERS) {
    ssize_t r = form == 1 ? uvchan_try_recv_n(ch, values, NSLEEPERS - got)
                          : uvchan_recv_wait_n(ch, values, NSLEEPERS - got);
    must(r > 0);
    got += (size_t)r;
  }
}

START_TEST(as_many_receives_as_sleeping_senders_wake_them_all) {
  int form = _i % 3, rounds = support_count(300), round;
  uvchan_t* ch = support_channel(8, support_capacities[_i / 3]);
  sleeper_t sleepers[NSLEEPERS];
  uv_thread_t threads[NSLEEPERS];
  atomic_int awake = 0;
  uint64_t value = 0;
  while (uvchan_try_send(ch, &value) == 0) continue;
  start_sleepers(threads, sleepers, sleep_as_sender, ch, rounds, &awake);
  for (round = 1; round <= rounds; round++) {
    support_await_senders(ch, NSLEEPERS);
    ck_assert_uint_eq(uvchan_len(ch), uvchan_capacity(ch));
    receive_once(form, ch);
    support_await(atomic_load(&awake) == round * NSLEEPERS);
  }
  join_sleepers(threads);
  ck_assert_uint_eq(support_at_rest(ch).len, uvchan_capacity(ch));
  uvchan_release(ch);
}
END_TEST

/* Producers that were stuck behind a full channel all come in, though the channel is emptied in one
 * go and is never exactly full again. */
START_TEST(emptying_a_full_channel_wakes_every_sender_that_has_room) {
  uvchan_t* ch = support_channel(8, 3);
  sleeper_t sleepers[NSLEEPERS];
  uv_thread_t threads[NSLEEPERS];
  atomic_int awake = 0;
  uint64_t values[16], value = 0;
  while (uvchan_try_send(ch, &value) == 0) continue;
  start_sleepers(threads, sleepers, sleep_as_sender, ch, 1, &awake);
  support_await_senders(ch, NSLEEPERS);
  ck_assert_int_ge((int)uvchan_try_recv_n(ch, values, 3), 3);
  support_await(atomic_load(&awake) == 3);
  support_await_senders(ch, 1);
  ck_assert_int_ge((int)uvchan_try_recv_n(ch, values, 3), 3);
  join_sleepers(threads);
  ck_assert_int_eq(atomic_load(&awake), NSLEEPERS);
  ck_assert_uint_eq(support_at_rest(ch).len, 1);
  uvchan_release(ch);
}
END_TEST

/* ---- Two who send at the same time ----------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  atomic_int* round;
  int rounds;
} pusher_t;

static void push_once_a_round(void* arg) {
  pusher_t* pusher = arg;
  uint64_t value = 1;
  int i;
  for (i = 1; i <= pusher->rounds; i++) {
    while (atomic_load(pusher->round) < i) uv_sleep(0);
    must(uvchan_send_wait(pusher->ch, &value) == 0);
  }
}

/* Each of two senders sends one value, both at once, while two receivers sleep: one wake-up for the
 * two would leave one asleep. */
START_TEST(two_sends_at_once_wake_two_sleepers) {
  int rounds = support_count(500), i;
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  atomic_int awake = 0, round = 0;
  sleeper_t sleepers[2];
  pusher_t pusher = {ch, &round, rounds};
  uv_thread_t threads[4];
  for (i = 0; i < 2; i++) {
    sleepers[i] = (sleeper_t){ch, WAY_WAIT, rounds, &awake, 0};
    support_start(&threads[i], sleep_as_receiver, &sleepers[i]);
    support_start(&threads[2 + i], push_once_a_round, &pusher);
  }
  for (i = 1; i <= rounds; i++) {
    support_await_receivers(ch, 2);
    atomic_store(&round, i);
    support_await(atomic_load(&awake) == 2 * i);
  }
  for (i = 0; i < 4; i++) support_join(&threads[i]);
  uvchan_release(ch);
}
END_TEST

/* ---- On the way to sleep --------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  uint64_t n;
  uint32_t seed;
} walker_t;

static void receive_at_odd_moments(void* arg) {
  walker_t* walker = arg;
  uint64_t i, value;
  for (i = 0; i < walker->n; i++) {
    support_spin(support_random(&walker->seed) % 4000);
    must(uvchan_recv_wait(walker->ch, &value) == 0);
    must(value == i);
  }
}

/* Both sides come at moments that vary around each other, so that one often arrives while the other
 * is just falling asleep. */
START_TEST(who_is_just_falling_asleep_is_woken) {
  walker_t walker = {support_channel(8, support_capacities[_i]), (uint64_t)support_count(20000), 5};
  uint32_t seed = 11;
  uv_thread_t thread;
  uint64_t i;
  support_start(&thread, receive_at_odd_moments, &walker);
  for (i = 0; i < walker.n; i++) {
    support_spin(support_random(&seed) % 4000);
    must(uvchan_send_wait(walker.ch, &i) == 0);
  }
  support_join(&thread);
  uvchan_release(walker.ch);
}
END_TEST

/* ---- What can be seen from outside at any moment --------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  size_t n;
} busy_t;

static void send_busily(void* arg) {
  busy_t* busy = arg;
  must(way_send_all(WAY_WAIT, busy->ch, 0, busy->n) == busy->n);
}

static void receive_busily(void* arg) {
  busy_t* busy = arg;
  uint64_t value;
  size_t i;
  for (i = 0; i < busy->n; i++) must(uvchan_recv_wait(busy->ch, &value) == 0);
}

/* Nobody waits to send while somebody waits to receive; nobody waits to receive while there is
 * something; never more than the capacity. */
START_TEST(at_no_moment_both_sides_wait) {
  size_t capacity = support_capacities[_i];
  busy_t busy = {support_channel(8, capacity), (size_t)support_count(20000)};
  uv_thread_t threads[4];
  uint64_t received = 0;
  uvchan_stats_t stats;
  int i;
  for (i = 0; i < 2; i++) {
    support_start(&threads[i], send_busily, &busy);
    support_start(&threads[2 + i], receive_busily, &busy);
  }
  do {
    uvchan_stats(busy.ch, &stats);
    must(stats.waiting_senders == 0 || stats.waiting_receivers == 0);
    must(stats.waiting_receivers == 0 || stats.len == 0);
    must(stats.waiting_senders == 0 || stats.len == capacity);
    must(stats.len <= capacity && stats.peak <= capacity);
    must(uvchan_len(busy.ch) <= capacity);
    must(stats.received >= received);
    received = stats.received;
  } while (received < 2 * busy.n);
  for (i = 0; i < 4; i++) support_join(&threads[i]);
  uvchan_release(busy.ch);
}
END_TEST

/* ---- Nothing happens while nobody is woken --------------------------------------------------- */

static uint64_t microseconds(uv_timeval_t time) {
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* Whoever looked again every millisecond would have changed threads 100 times for each sleeper, and
 * whoever did not sleep would have used the processor all the time. */
START_TEST(threads_that_wait_use_no_processor_time) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  sleeper_t sleepers[NSLEEPERS];
  uv_thread_t threads[NSLEEPERS];
  atomic_int awake = 0;
  uv_rusage_t before, after;
  start_sleepers(threads, sleepers, sleep_as_receiver, ch, 1, &awake);
  support_await_receivers(ch, NSLEEPERS);
  uv_sleep(20);
  ck_assert_int_eq(uv_getrusage(&before), 0);
  uv_sleep(100);
  ck_assert_int_eq(uv_getrusage(&after), 0);
  send_once(0, ch);
  join_sleepers(threads);
  if (support_slow()) after = before; /* the tools have threads of their own */
  ck_assert_uint_lt(after.ru_nvcsw - before.ru_nvcsw, 100);
  ck_assert_uint_lt(microseconds(after.ru_utime) - microseconds(before.ru_utime), 50000);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("wakeups");
  TCase* tcase = support_tcase(suite, "wakeups");
  tcase_add_loop_test(tcase, as_many_sends_as_sleeping_receivers_wake_them_all, 0,
                      3 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, as_many_receives_as_sleeping_senders_wake_them_all, 0,
                      3 * (SUPPORT_NCAPACITIES - 1));
  tcase_add_test(tcase, emptying_a_full_channel_wakes_every_sender_that_has_room);
  tcase_add_loop_test(tcase, two_sends_at_once_wake_two_sleepers, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, who_is_just_falling_asleep_is_woken, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, at_no_moment_both_sides_wait, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, threads_that_wait_use_no_processor_time, 0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}
