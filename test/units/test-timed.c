/* SPDX-License-Identifier: MIT */
/* Calls with a time limit: who ran out of time took nothing, left nothing, and kept no wake-up to
 * himself. */
#include "ground/platform.h"
#include "ways.h"

#define LONG UINT64_C(60000000000) /* nanoseconds */
#define SHORT UINT64_C(1000)
#define STOP UINT64_MAX /* a value that ends its receiver */

typedef struct {
  uv_thread_t thread;
  uvchan_t* ch;
  uint64_t timeout;
  uint64_t value;
  int answer;
  atomic_int is_back;
} waiter_t;

static void receive_in_time(void* arg) {
  waiter_t* waiter = arg;
  waiter->answer = uvchan_recv_timedwait(waiter->ch, &waiter->value, waiter->timeout);
  atomic_store(&waiter->is_back, 1);
}

static void send_in_time(void* arg) {
  waiter_t* waiter = arg;
  waiter->answer = uvchan_send_timedwait(waiter->ch, &waiter->value, waiter->timeout);
  atomic_store(&waiter->is_back, 1);
}

static void start(waiter_t* waiter, uv_thread_cb body, uvchan_t* ch, uint64_t timeout,
                  uint64_t value) {
  waiter->ch = ch;
  waiter->timeout = timeout;
  waiter->value = value;
  waiter->answer = 1;
  atomic_store(&waiter->is_back, 0);
  support_start(&waiter->thread, body, waiter);
}

static void fill(uvchan_t* ch) {
  uint64_t value;
  for (value = 0; value < uvchan_capacity(ch); value++) must(uvchan_try_send(ch, &value) == 0);
}

/* ---- One after the other --------------------------------------------------------------------- */

START_TEST(a_time_limit_may_be_as_long_as_a_number_can_say) {
  static const uint64_t limits[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2 + 1, UINT64_MAX / 2,
                                    (uint64_t)INT64_MAX * 2 - 1000};
  uvchan_t* ch = support_channel(8, 0);
  waiter_t waiter;
  uint64_t value = 42;
  start(&waiter, receive_in_time, ch, limits[_i], 0);
  support_await_receivers(ch, 1);
  ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  support_join(&waiter.thread);
  ck_assert_int_eq(waiter.answer, 0);
  ck_assert_uint_eq(waiter.value, 42);
  uvchan_release(ch);
}
END_TEST

static size_t waiting_receivers(const uvchan_t* ch) {
  uvchan_stats_t stats;
  uvchan_stats(ch, &stats);
  return stats.waiting_receivers;
}

/* Three wait, the one at the given place runs out of time; the others are served in their order. On
 * a busy machine its time may be over before the others came, and then this shows less, but nothing
 * wrong. */
START_TEST(a_receiver_that_leaves_the_queue_leaves_the_order_of_the_others) {
  uvchan_t* ch = support_channel(8, support_capacities[_i / 3]);
  int leaver = _i % 3, i, next = 0;
  waiter_t waiters[3];
  uint64_t value;
  for (i = 0; i < 3; i++) {
    size_t all = (size_t)i + 1;
    start(&waiters[i], receive_in_time, ch, i == leaver ? UINT64_C(5000000) : LONG, 99);
    support_await(
        waiting_receivers(ch) == all ||
        (i >= leaver && atomic_load(&waiters[leaver].is_back) && waiting_receivers(ch) == all - 1));
  }
  support_join(&waiters[leaver].thread);
  ck_assert_int_eq(waiters[leaver].answer, UV_ETIMEDOUT);
  ck_assert_uint_eq(waiters[leaver].value, 99);
  for (value = 0; value < 2; value++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  for (i = 0; i < 3; i++) {
    if (i == leaver) continue;
    support_join(&waiters[i].thread);
    ck_assert_int_eq(waiters[i].answer, 0);
    ck_assert_uint_eq(waiters[i].value, (uint64_t)next++);
  }
  ck_assert_uint_eq(support_at_rest(ch).waiting_receivers, 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_value_whose_send_timed_out_is_never_received) {
  size_t capacity = support_capacities[_i];
  uvchan_t* ch = support_channel(8, capacity);
  waiter_t hasty, patient;
  uint64_t value, got;
  fill(ch);
  start(&hasty, send_in_time, ch, SHORT, 100);
  support_join(&hasty.thread);
  ck_assert_int_eq(hasty.answer, UV_ETIMEDOUT);
  ck_assert_uint_eq(support_at_rest(ch).waiting_senders, 0);
  start(&patient, send_in_time, ch, LONG, 200);
  support_await_senders(ch, 1);
  for (value = 0; value < capacity; value++) {
    ck_assert_int_eq(uvchan_try_recv(ch, &got), 0);
    ck_assert_uint_eq(got, value);
  }
  ck_assert_int_eq(uvchan_try_recv(ch, &got), 0);
  ck_assert_uint_eq(got, 200);
  ck_assert_int_eq(uvchan_try_recv(ch, &got), UV_EAGAIN);
  support_join(&patient.thread);
  ck_assert_int_eq(patient.answer, 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(after_a_time_out_the_channel_works_as_before) {
  size_t capacity = support_capacities[_i];
  uvchan_t* ch = support_channel(8, capacity);
  uint64_t value = 0, got;
  int round;
  for (round = 0; round < 20; round++) {
    ck_assert_int_eq(uvchan_recv_timedwait(ch, &got, SHORT), UV_ETIMEDOUT);
    ck_assert_int_eq(uvchan_try_send(ch, &value), capacity == 0 ? UV_EAGAIN : 0);
    if (capacity == 0) continue;
    while (capacity != UVCHAN_UNBOUNDED && uvchan_len(ch) < capacity)
      ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
    if (capacity != UVCHAN_UNBOUNDED)
      ck_assert_int_eq(uvchan_send_timedwait(ch, &value, SHORT), UV_ETIMEDOUT);
    while (uvchan_len(ch) > 0) ck_assert_int_eq(uvchan_try_recv(ch, &got), 0);
  }
  support_at_rest(ch);
  uvchan_release(ch);
}
END_TEST

/* ---- A time-out races with the other side ---------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  atomic_int stop;
  uint64_t done;
  uint64_t sum;
  uint64_t timeouts;
} hasty_t;

static void receive_in_haste(void* arg) {
  hasty_t* hasty = arg;
  for (;;) {
    int stop = atomic_load(&hasty->stop);
    uint64_t value = 0;
    int r = uvchan_recv_timedwait(hasty->ch, &value, SHORT);
    must(r == 0 || r == UV_ETIMEDOUT);
    if (r == 0) hasty->done++;
    if (r == 0) hasty->sum += value;
    if (r != 0) hasty->timeouts++;
    if (r != 0 && stop) return;
  }
}

START_TEST(a_value_sent_as_a_receive_times_out_is_not_lost) {
  hasty_t hasty = {.ch = support_channel(8, support_capacities[_i])};
  uint64_t value, sent = 0, sum = 0, tries = (uint64_t)support_count(1500);
  uint32_t seed = (uint32_t)_i + 1;
  uv_thread_t thread;
  support_start(&thread, receive_in_haste, &hasty);
  for (value = 1; value <= tries; value++) {
    int r = uvchan_try_send(hasty.ch, &value);
    must(r == 0 || r == UV_EAGAIN);
    if (r == 0) sent++;
    if (r == 0) sum += value;
    support_spin(support_random(&seed) % 100000);
  }
  atomic_store(&hasty.stop, 1);
  support_join(&thread);
  ck_assert_uint_eq(hasty.done, sent);
  ck_assert_uint_eq(hasty.sum, sum);
  ck_assert_uint_gt(hasty.timeouts, 0);
  ck_assert_uint_eq(support_at_rest(hasty.ch).received, sent);
  uvchan_release(hasty.ch);
}
END_TEST

static void send_in_haste(void* arg) {
  hasty_t* hasty = arg;
  uint64_t value;
  for (value = 1; !atomic_load(&hasty->stop); value++) {
    int r = uvchan_send_timedwait(hasty->ch, &value, SHORT);
    must(r == 0 || r == UV_ETIMEDOUT);
    if (r == 0) hasty->done++;
    if (r == 0) hasty->sum += value;
    if (r != 0) hasty->timeouts++;
  }
}

START_TEST(a_value_received_as_its_send_times_out_was_sent) {
  hasty_t hasty = {.ch = support_channel(8, support_capacities[_i])};
  uint64_t received = 0, sum = 0, value;
  uint32_t seed = (uint32_t)_i + 1;
  int i, tries = support_count(1500);
  uv_thread_t thread;
  support_start(&thread, send_in_haste, &hasty);
  for (i = 0; i < tries; i++) {
    int r = uvchan_try_recv(hasty.ch, &value);
    must(r == 0 || r == UV_EAGAIN);
    if (r == 0) received++;
    if (r == 0) sum += value;
    support_spin(support_random(&seed) % 100000);
  }
  atomic_store(&hasty.stop, 1);
  support_join(&thread);
  while (uvchan_try_recv(hasty.ch, &value) == 0) {
    received++;
    sum += value;
  }
  ck_assert_uint_eq(hasty.done, received);
  ck_assert_uint_eq(hasty.sum, sum);
  ck_assert_uint_eq(support_at_rest(hasty.ch).sent, received);
  uvchan_release(hasty.ch);
}
END_TEST

/* ---- A wake-up is passed on ------------------------------------------------------------------ */

static void receive_patiently(void* arg) {
  hasty_t* patient = arg;
  uint64_t value;
  for (;;) {
    must(uvchan_recv_wait(patient->ch, &value) == 0);
    if (value == STOP) return;
    patient->done++;
  }
}

/* One receiver waits for ever, two give up all the time. Each value is sent only after the one
 * before was received, so a wake-up that a receiver takes along when it gives up leaves the value,
 * or the sender, lying there for good. */
START_TEST(a_wake_up_for_one_who_gives_up_goes_to_the_next) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  hasty_t hasty[2] = {{.ch = ch}, {.ch = ch}}, patient = {.ch = ch};
  uint64_t value = 1, stop = STOP, i, n = (uint64_t)support_count(1500);
  uv_thread_t threads[3];
  uvchan_stats_t stats;
  support_start(&threads[0], receive_in_haste, &hasty[0]);
  support_start(&threads[1], receive_in_haste, &hasty[1]);
  support_start(&threads[2], receive_patiently, &patient);
  for (i = 0; i < n; i++) {
    must(uvchan_send_wait(ch, &value) == 0);
    support_await((uvchan_stats(ch, &stats), stats.received == i + 1));
  }
  atomic_store(&hasty[0].stop, 1);
  atomic_store(&hasty[1].stop, 1);
  support_join(&threads[0]);
  support_join(&threads[1]);
  must(uvchan_send_wait(ch, &stop) == 0);
  support_join(&threads[2]);
  ck_assert_uint_eq(hasty[0].done + hasty[1].done + patient.done, n);
  uvchan_release(ch);
}
END_TEST

/* ---- Limits that nobody lives to see --------------------------------------------------------- */

static const uint64_t long_times[] = {UINT64_C(100) * 365 * 86400 * 1000000000u, UINT64_MAX / 2,
                                      UINT64_MAX - 1};
#define NLONG_TIMES 3

/* Whatever holds a platform's time, 32 bits of seconds or of milliseconds: a sleep is cut into
 * pieces that fit. */
START_TEST(a_sleep_takes_at_most_a_day_at_once) {
  ck_assert_uint_eq(uvchan__cap_sleep(long_times[_i]), UINT64_C(86400) * 1000000000u);
  ck_assert_uint_eq(uvchan__cap_sleep(1), 1);
  ck_assert_uint_lt(UVCHAN__LONGEST_SLEEP / 1000000u, INT32_MAX);
}
END_TEST

typedef struct {
  uvchan_t* ch;
  uint64_t timeout;
} long_wait_t;

static void wait_long(void* arg) {
  long_wait_t* wait = arg;
  uint64_t value;
  must(uvchan_recv_timedwait(wait->ch, &value, wait->timeout) == 0);
}

START_TEST(a_wait_with_a_limit_of_centuries_ends_with_its_value) {
  long_wait_t wait = {support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]),
                      long_times[_i / SUPPORT_NCAPACITIES]};
  uint64_t value = 1;
  uv_thread_t thread;
  support_start(&thread, wait_long, &wait);
  support_await_receivers(wait.ch, 1);
  ck_assert_int_eq(uvchan_try_send(wait.ch, &value), 0);
  support_join(&thread);
  uvchan_release(wait.ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("timed");
  TCase* tcase = support_tcase(suite, "one after the other");
  tcase_add_loop_test(tcase, a_time_limit_may_be_as_long_as_a_number_can_say, 0, 5);
  tcase_add_loop_test(tcase, a_receiver_that_leaves_the_queue_leaves_the_order_of_the_others, 0,
                      3 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_value_whose_send_timed_out_is_never_received, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(tcase, after_a_time_out_the_channel_works_as_before, 0, SUPPORT_NCAPACITIES);
  tcase = support_tcase(suite, "races");
  tcase_add_loop_test(tcase, a_value_sent_as_a_receive_times_out_is_not_lost, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_value_received_as_its_send_times_out_was_sent, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(tcase, a_wake_up_for_one_who_gives_up_goes_to_the_next, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_sleep_takes_at_most_a_day_at_once, 0, NLONG_TIMES);
  tcase_add_loop_test(tcase, a_wait_with_a_limit_of_centuries_ends_with_its_value, 0,
                      NLONG_TIMES * SUPPORT_NCAPACITIES);
  return support_main(suite);
}
