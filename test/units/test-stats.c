/* SPDX-License-Identifier: MIT */
/* The statistics: exact at rest for every way to send and receive, who waits while they wait, and
 * sane while others are at work. */
#include "support-loop.h"
#include "ways.h"

static size_t room_of(size_t capacity) { return capacity == UVCHAN_UNBOUNDED ? 20 : capacity; }

static uvchan_stats_t stats_of(const uvchan_t* ch) {
  uvchan_stats_t stats;
  uvchan_stats(ch, &stats);
  return stats;
}

START_TEST(every_way_counts_what_it_moved_and_nothing_else) {
  size_t capacity = support_capacities[1 + (_i % (SUPPORT_NCAPACITIES - 1))],
         elem_size = support_elem_sizes[_i / (SUPPORT_NCAPACITIES - 1)];
  uvchan_t* ch = support_channel(elem_size, capacity);
  unsigned char values[WAY_MOST * SUPPORT_MOST_BYTES];
  uint64_t sent = 0, received = 0;
  way_t way;
  memset(values, 0, sizeof(values));
  for (way = 0; way < NWAYS; way++) {
    size_t n = way == WAY_WAIT_N ? 1 : WAY_MOST; /* more would wait for room */
    ssize_t r = way_send(way, ch, values, n);
    ck_assert_int_ge((int)r, 1);
    sent += (uint64_t)r;
    ck_assert_uint_eq(support_at_rest(ch).sent, sent);
    ck_assert_uint_eq(support_at_rest(ch).len, sent - received);
    while (uvchan_len(ch) > 0) {
      r = way_recv(way, ch, values, WAY_MOST);
      ck_assert_int_ge((int)r, 1);
      received += (uint64_t)r;
      ck_assert_uint_eq(support_at_rest(ch).received, received);
    }
    ck_assert_int_eq(way_is_not_now(uvchan_try_recv(ch, values)), 1);
    ck_assert_uint_eq(support_at_rest(ch).received, received);
  }
  ck_assert_uint_eq(stats_of(ch).wakeups, 0); /* nobody slept */
  ck_assert_uint_eq(stats_of(ch).dropped, 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(refused_sends_and_receives_count_nothing) {
  size_t capacity = support_capacities[_i], i;
  uvchan_t* ch = support_channel(8, capacity);
  uint64_t value = 0;
  for (i = 0; i < 3; i++) ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EAGAIN);
  for (i = 0; i < room_of(capacity); i++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  for (i = 0; i < 3 && capacity != UVCHAN_UNBOUNDED; i++)
    ck_assert_int_eq(uvchan_try_send(ch, &value), UV_EAGAIN);
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (i = 0; i < 3; i++) ck_assert_int_eq(uvchan_try_send(ch, &value), UV_EPIPE);
  ck_assert_uint_eq(support_at_rest(ch).sent, room_of(capacity));
  for (i = 0; i < room_of(capacity); i++) ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  for (i = 0; i < 3; i++) ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EOF);
  ck_assert_uint_eq(support_at_rest(ch).received, room_of(capacity));
  uvchan_release(ch);
}
END_TEST

START_TEST(the_peak_is_the_most_that_was_ever_buffered) {
  static const size_t levels[] = {2, 1, 5, 3, 9, 16, 4, 1};
  uvchan_t* ch = support_channel(8, _i == 0 ? 16 : UVCHAN_UNBOUNDED);
  uint64_t values[16] = {0}, value;
  size_t round, i, peak = 0;
  for (round = 0; round < 24; round++) {
    size_t level = levels[round % 8];
    if (peak < level) peak = level;
    if (round % 2 == 0) {
      for (i = 0; i < level; i++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
    } else {
      ck_assert_int_eq((int)uvchan_try_send_n(ch, values, level), (int)level);
    }
    ck_assert_uint_eq(stats_of(ch).peak, peak);
    while (uvchan_try_recv(ch, &value) == 0) continue;
    ck_assert_uint_eq(stats_of(ch).peak, peak);
  }
  uvchan_release(ch);
}
END_TEST

/* ---- Who waits ------------------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  way_t way;
  int sends;
} waiter_t;

static void wait_once(void* arg) {
  waiter_t* waiter = arg;
  uint64_t value = 7;
  if (waiter->sends) must(way_send(waiter->way, waiter->ch, &value, 1) == 1);
  if (!waiter->sends) must(way_recv(waiter->way, waiter->ch, &value, 1) == 1);
}

START_TEST(those_who_wait_are_counted_until_they_are_served) {
  static const way_t ways[] = {WAY_WAIT, WAY_WAIT_N, WAY_SELECT};
  int sends = _i % 2;
  size_t capacity = support_capacities[_i / 2], i;
  uvchan_t* ch = support_channel(8, capacity);
  waiter_t waiters[3];
  uv_thread_t threads[3];
  uint64_t value = 7;
  while (sends && uvchan_try_send(ch, &value) == 0) continue;
  for (i = 0; i < 3; i++) {
    waiters[i] = (waiter_t){ch, ways[i], sends};
    support_start(&threads[i], wait_once, &waiters[i]);
    if (sends) support_await_senders(ch, i + 1);
    if (!sends) support_await_receivers(ch, i + 1);
  }
  for (i = 3; i-- > 0;) {
    uvchan_stats_t stats;
    if (sends) ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
    if (!sends) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
    stats = stats_of(ch);
    ck_assert_uint_eq(stats.waiting_senders, sends ? i : 0);
    ck_assert_uint_eq(stats.waiting_receivers, sends ? 0 : i);
  }
  for (i = 0; i < 3; i++) support_join(&threads[i]);
  ck_assert_uint_eq(support_at_rest(ch).len, sends ? capacity : 0);
  /* at most one for each; who had not fallen asleep yet needed none */
  ck_assert_uint_le(stats_of(ch).wakeups, 3);
  uvchan_release(ch);
}
END_TEST

static void receive_until_the_end(void* arg) {
  uvchan_t* ch = arg;
  uint64_t value;
  while (uvchan_recv_wait(ch, &value) == 0) continue;
}

START_TEST(a_thread_that_sleeps_costs_one_wake_up) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uint64_t value = 1, sent = 0;
  uv_thread_t thread;
  support_start(&thread, receive_until_the_end, ch);
  do { /* until it was met asleep once */
    support_await_receivers(ch, 1);
    must(uvchan_try_send(ch, &value) == 0);
    sent++;
    ck_assert_uint_le(stats_of(ch).wakeups, sent);
    ck_assert_uint_lt(sent, 100000);
  } while (stats_of(ch).wakeups == 0);
  uvchan_close(ch);
  support_join(&thread);
  ck_assert_uint_eq(support_at_rest(ch).received, sent);
  uvchan_release(ch);
}
END_TEST

static void run_loop(void* loop) { must(uv_run(loop, UV_RUN_DEFAULT) == 0); }

START_TEST(a_loop_that_sleeps_costs_one_wake_up_for_all_its_requests_that_a_close_ends) {
  uint64_t wakeups = 0;
  uint64_t round;
  for (round = 0; wakeups == 0; round++) { /* until it was met asleep once */
    uvchan_t* ch = support_channel(8, support_capacities[_i]);
    recv_op_t recvs[3];
    uv_loop_t loop;
    uv_thread_t thread;
    int i;
    support_loop_open(&loop);
    for (i = 0; i < 3; i++) recv_op(&recvs[i], &loop, ch);
    support_start(&thread, run_loop, &loop);
    support_spin(round * 1000); /* the sooner, the less likely it sleeps */
    ck_assert_int_eq(uvchan_close(ch), 0);
    wakeups = stats_of(ch).wakeups;
    ck_assert_uint_le(wakeups, 1);
    ck_assert_uint_lt(round, 100000);
    support_join(&thread);
    for (i = 0; i < 3; i++) ck_assert_int_eq(recvs[i].status, UV_EOF);
    support_loop_finish(&loop);
    uvchan_release(ch);
  }
}
END_TEST

/* ---- While others are at work ---------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  size_t number;
  way_t way;
  size_t n;
  way_log_t log;
} side_t;

static void send_all(void* arg) {
  side_t* side = arg;
  must(way_send_all(side->way, side->ch, side->number, side->n) == side->n);
}

static void receive_all(void* arg) {
  side_t* side = arg;
  way_recv_all(side->way, side->ch, SIZE_MAX, &side->log);
}

START_TEST(statistics_of_a_busy_channel_only_grow_and_stay_in_bounds) {
  size_t capacity = support_capacities[_i], n = (size_t)support_count(10000), i;
  uvchan_t* ch = support_channel(8, capacity);
  uvchan_stats_t before = stats_of(ch), now;
  uv_thread_t threads[4];
  side_t sides[4];
  memset(sides, 0, sizeof(sides));
  for (i = 0; i < 4; i++) {
    sides[i].ch = ch;
    sides[i].number = i;
    sides[i].n = n;
    sides[i].way = i % 2 == 0 ? WAY_WAIT : WAY_WAIT_N;
    support_start(&threads[i], i < 2 ? send_all : receive_all, &sides[i]);
  }
  do {
    now = stats_of(ch);
    must(now.sent >= before.sent && now.received >= before.received &&
         now.wakeups >= before.wakeups);
    must(now.peak >= before.peak && now.peak <= capacity && now.len <= capacity);
    must(now.sent <= 2 * n && now.received <= 2 * n && now.dropped == 0);
    must(now.waiting_senders <= 2 && now.waiting_receivers <= 2);
    before = now;
  } while (now.received < 2 * n);
  for (i = 0; i < 2; i++) support_join(&threads[i]);
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (i = 2; i < 4; i++) support_join(&threads[i]);
  ck_assert_uint_eq(support_at_rest(ch).sent, 2 * n);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("stats");
  TCase* tcase = support_tcase(suite, "stats");
  tcase_add_loop_test(tcase, every_way_counts_what_it_moved_and_nothing_else, 0,
                      (SUPPORT_NCAPACITIES - 1) * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, refused_sends_and_receives_count_nothing, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, the_peak_is_the_most_that_was_ever_buffered, 0, 2);
  tcase_add_loop_test(tcase, those_who_wait_are_counted_until_they_are_served, 0,
                      2 * SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(tcase, a_thread_that_sleeps_costs_one_wake_up, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase,
                      a_loop_that_sleeps_costs_one_wake_up_for_all_its_requests_that_a_close_ends,
                      0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, statistics_of_a_busy_channel_only_grow_and_stay_in_bounds, 0,
                      SUPPORT_NCAPACITIES);
  return support_main(suite);
}
