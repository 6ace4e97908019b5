/* SPDX-License-Identifier: MIT */
/* Close, close with a status, abort, release and counted senders: who is told what, and who is
 * woken. */
#include <string.h>

#include "ways.h"

static size_t room_of(size_t capacity) { return capacity == UVCHAN_UNBOUNDED ? 20 : capacity; }

static void put(uvchan_t* ch, size_t n) {
  uint64_t value;
  for (value = 0; value < n; value++) must(uvchan_try_send(ch, &value) == 0);
}

/* Every way to receive says the end, and every way to send UV_EPIPE; nothing counts. */
static void check_ended(uvchan_t* ch, int end) {
  unsigned char memory[WAY_MOST * 8];
  uvchan_stats_t before, after;
  way_t way;
  uvchan_stats(ch, &before);
  for (way = 0; way < NWAYS; way++) {
    memset(memory, 0x77, sizeof(memory));
    ck_assert_int_eq(way_recv(way, ch, memory, 1), end);
    ck_assert_uint_eq(memory[0], 0x77);
    ck_assert_int_eq(way_send(way, ch, memory, 1), UV_EPIPE);
  }
  uvchan_stats(ch, &after);
  ck_assert_int_eq(uvchan_is_closed(ch), 1);
  ck_assert_int_eq(memcmp(&before, &after, sizeof(before)), 0);
}

/* ---- Nobody waits ---------------------------------------------------------------------------- */

START_TEST(after_close_no_send_succeeds_and_what_is_buffered_comes_before_the_end) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  size_t n = room_of(support_capacities[_i]);
  uint64_t value, got;
  put(ch, n);
  ck_assert_int_eq(uvchan_close(ch), 0);
  ck_assert_int_eq(uvchan_is_closed(ch), 1);
  for (value = 0; value < n; value++) {
    way_t way;
    for (way = 0; way < NWAYS; way++) ck_assert_int_eq(way_send(way, ch, &value, 1), UV_EPIPE);
    ck_assert_int_eq(way_recv((way_t)(value % NWAYS), ch, &got, 1), 1);
    ck_assert_uint_eq(got, value);
  }
  check_ended(ch, UV_EOF);
  ck_assert_uint_eq(support_at_rest(ch).received, n);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_second_close_is_told_so_and_changes_nothing) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  ck_assert_int_eq(uvchan_close(ch), 0);
  ck_assert_int_eq(uvchan_close(ch), UV_EALREADY);
  ck_assert_int_eq(uvchan_close_with(ch, UV_ECONNRESET), UV_EALREADY);
  ck_assert_int_eq(uvchan_abort(ch, UV_EIO), UV_EALREADY);
  check_ended(ch, UV_EOF);
  uvchan_release(ch);
}
END_TEST

START_TEST(close_with_delivers_its_status_after_the_values) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  size_t n = room_of(support_capacities[_i]);
  uint64_t got;
  size_t i;
  put(ch, n);
  ck_assert_int_eq(uvchan_close_with(ch, UV_ECONNRESET), 0);
  for (i = 0; i < n; i++) ck_assert_int_eq(uvchan_try_recv(ch, &got), 0);
  check_ended(ch, UV_ECONNRESET);
  ck_assert_int_eq(uvchan_close(ch), UV_EALREADY);
  check_ended(ch, UV_ECONNRESET);
  uvchan_release(ch);
}
END_TEST

START_TEST(abort_drops_what_is_buffered_and_delivers_its_status_at_once) {
  support_drops_t drops;
  size_t capacity = support_capacities[_i], n = room_of(capacity);
  uvchan_t* ch = support_dropping_channel(&drops, 8, capacity, UVCHAN_WAIT);
  uvchan_stats_t stats;
  put(ch, n);
  ck_assert_int_eq(uvchan_abort(ch, UV_ECANCELED), 0);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_ABORT]), n);
  ck_assert_uint_eq(atomic_load(&drops.sum), n == 0 ? 0 : n * (n - 1) / 2);
  ck_assert_uint_eq(uvchan_len(ch), 0);
  check_ended(ch, UV_ECANCELED);
  stats = support_at_rest(ch);
  ck_assert_uint_eq(stats.dropped, n);
  ck_assert_uint_eq(stats.received, 0);
  uvchan_release(ch);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), 0);
}
END_TEST

START_TEST(abort_of_a_closed_channel_drops_too_and_the_end_stays) {
  support_drops_t drops;
  size_t capacity = support_capacities[_i], n = room_of(capacity);
  uvchan_t* ch = support_dropping_channel(&drops, 8, capacity, UVCHAN_WAIT);
  put(ch, n);
  ck_assert_int_eq(uvchan_close_with(ch, UV_ECONNRESET), 0);
  ck_assert_int_eq(uvchan_abort(ch, UV_ECANCELED), UV_EALREADY);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_ABORT]), n);
  check_ended(ch, UV_ECONNRESET);
  uvchan_release(ch);
}
END_TEST

START_TEST(release_drops_what_is_left_once_for_each_value_in_order) {
  support_drops_t drops;
  size_t elem_size = support_elem_sizes[_i / SUPPORT_NCAPACITIES],
         capacity = support_capacities[_i % SUPPORT_NCAPACITIES];
  size_t n = room_of(capacity), i;
  uvchan_t* ch = support_dropping_channel(&drops, elem_size, capacity, UVCHAN_WAIT);
  unsigned char value[SUPPORT_MOST_BYTES];
  for (i = 0; i < n; i++) {
    support_fill(value, elem_size, i);
    must(uvchan_try_send(ch, value) == 0);
  }
  if (_i % 2 == 0) ck_assert_int_eq(uvchan_close(ch), 0);
  uvchan_retain(ch);
  uvchan_release(ch);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), 0);
  uvchan_release(ch);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), n);
  if (elem_size > 0 && n > 0) ck_assert_uint_eq(atomic_load(&drops.last), n - 1);
  if (elem_size > 0 && n > 0) ck_assert_uint_eq(atomic_load(&drops.sum), n * (n - 1) / 2);
}
END_TEST

typedef struct {
  uvchan_t* ch;
  size_t dropped;
} curious_t;

/* The drop callback may call anything: here all that could meet the abort that it runs in. */
static void look_around(void* value, uvchan_drop_reason_t reason, void* arg) {
  curious_t* curious = arg;
  uvchan_stats_t stats;
  uint64_t got;
  curious->dropped++;
  if (reason == UVCHAN_DROPPED_RELEASE) return;
  must(uvchan_try_send(curious->ch, value) == UV_EPIPE);
  must(uvchan_close(curious->ch) == UV_EALREADY);
  uvchan_stats(curious->ch, &stats);
  must(uvchan_len(curious->ch) < 20);
  if (curious->dropped == 1) must(uvchan_try_recv(curious->ch, &got) != UV_EAGAIN);
  if (curious->dropped == 2) must(uvchan_abort(curious->ch, UV_EIO) == UV_EALREADY);
}

START_TEST(the_drop_callback_may_call_the_channel_that_is_aborted) {
  curious_t curious = {NULL, 0};
  uvchan_options_t options;
  uvchan_stats_t stats;
  memset(&options, 0, sizeof(options));
  options.elem_size = 8;
  options.capacity = support_capacities[_i];
  options.drop_cb = look_around;
  options.drop_arg = &curious;
  ck_assert_int_eq(uvchan_create_ex(&curious.ch, &options), 0);
  put(curious.ch, room_of(support_capacities[_i]));
  ck_assert_int_eq(uvchan_abort(curious.ch, UV_EIO), 0);
  stats = support_at_rest(curious.ch);
  ck_assert_uint_eq(stats.dropped, curious.dropped);
  ck_assert_uint_eq(stats.len, 0);
  uvchan_release(curious.ch);
}
END_TEST

/* ---- Somebody waits -------------------------------------------------------------------------- */

#define NWAITERS 4
#define LONG UINT64_C(60000000000) /* nanoseconds */

typedef struct {
  uv_thread_t thread;
  uvchan_t* ch;
  uvchan_t* quiet; /* a second channel for the selects, on which nothing happens */
  int form;
  ssize_t answer;
} waiter_t;

static void wait_to_receive(void* arg) {
  waiter_t* waiter = arg;
  uint64_t values[2];
  uvchan_case_t cases[2] = {{waiter->quiet, UVCHAN_RECV, values, 1, NULL},
                            {waiter->ch, UVCHAN_RECV, values, 1, NULL}};
  if (waiter->form == 0) waiter->answer = uvchan_recv_wait(waiter->ch, values);
  if (waiter->form == 1) waiter->answer = uvchan_recv_timedwait(waiter->ch, values, LONG);
  if (waiter->form == 2) waiter->answer = uvchan_recv_wait_n(waiter->ch, values, 2);
  if (waiter->form == 3) waiter->answer = uvchan_select_wait(cases, 2) == 1 ? cases[1].status : 1;
}

static void wait_to_send(void* arg) {
  waiter_t* waiter = arg;
  uint64_t values[2] = {100, 101};
  uvchan_case_t cases[2] = {{waiter->quiet, UVCHAN_RECV, values, 1, NULL},
                            {waiter->ch, UVCHAN_SEND, values, 1, NULL}};
  if (waiter->form == 0) waiter->answer = uvchan_send_wait(waiter->ch, values);
  if (waiter->form == 1) waiter->answer = uvchan_send_timedwait(waiter->ch, values, LONG);
  if (waiter->form == 2) waiter->answer = uvchan_send_wait_n(waiter->ch, values, 2);
  if (waiter->form == 3) waiter->answer = uvchan_select_wait(cases, 2) == 1 ? cases[1].status : 1;
}

typedef enum { BY_CLOSE, BY_CLOSE_WITH, BY_ABORT, BY_SENDER_DONE, NENDINGS } ending_t;

static int end_it(uvchan_t* ch, ending_t ending) {
  if (ending == BY_CLOSE) return uvchan_close(ch);
  if (ending == BY_CLOSE_WITH) return uvchan_close_with(ch, UV_ECONNRESET);
  if (ending == BY_ABORT) return uvchan_abort(ch, UV_ECONNRESET);
  return uvchan_sender_done(ch);
}

static void run_waiters(int i, uv_thread_cb body, int sends) {
  size_t capacity = support_capacities[i % SUPPORT_NCAPACITIES];
  ending_t ending = (ending_t)(i / SUPPORT_NCAPACITIES);
  int end = ending == BY_CLOSE || ending == BY_SENDER_DONE ? UV_EOF : UV_ECONNRESET;
  uvchan_t* ch = support_channel(8, capacity);
  uvchan_t* quiet = support_channel(8, 0);
  waiter_t waiters[NWAITERS];
  size_t k;
  ck_assert_int_eq(uvchan_sender_add(ch, 1), 0);
  if (sends) put(ch, capacity);
  for (k = 0; k < NWAITERS; k++) {
    waiters[k] = (waiter_t){.ch = ch, .quiet = quiet, .form = (int)k, .answer = 1};
    support_start(&waiters[k].thread, body, &waiters[k]);
  }
  if (sends) support_await_senders(ch, NWAITERS);
  if (!sends) support_await_receivers(ch, NWAITERS);
  ck_assert_int_eq(end_it(ch, ending), 0);
  for (k = 0; k < NWAITERS; k++) support_join(&waiters[k].thread);
  for (k = 0; k < NWAITERS; k++) ck_assert_int_eq(waiters[k].answer, sends ? UV_EPIPE : end);
  ck_assert_uint_eq(support_at_rest(ch).len, sends && ending != BY_ABORT ? capacity : 0);
  ck_assert_uint_eq(support_at_rest(ch).sent, sends ? capacity : 0);
  ck_assert_uint_eq(support_at_rest(ch).waiting_senders + support_at_rest(ch).waiting_receivers, 0);
  uvchan_release(ch);
  uvchan_release(quiet);
}

START_TEST(the_end_wakes_every_receiver_that_waits) { run_waiters(_i, wait_to_receive, 0); }
END_TEST

START_TEST(the_end_wakes_every_sender_that_waits_and_leaves_it_its_value) {
  run_waiters(_i, wait_to_send, 1);
}
END_TEST

START_TEST(a_batch_that_waits_says_how_many_it_sent_before_the_close) {
  uvchan_t* ch = support_channel(8, 3);
  uint64_t value;
  waiter_t waiter = {.ch = ch, .form = 2, .answer = 1};
  put(ch, 2);
  support_start(&waiter.thread, wait_to_send, &waiter);
  support_await_senders(ch, 1);
  ck_assert_uint_eq(uvchan_len(ch), 3);
  ck_assert_int_eq(uvchan_close(ch), 0);
  support_join(&waiter.thread);
  ck_assert_int_eq(waiter.answer, 1);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 100);
  check_ended(ch, UV_EOF);
  uvchan_release(ch);
}
END_TEST

/* ---- Counted senders ------------------------------------------------------------------------- */

START_TEST(the_last_of_the_counted_senders_closes) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  ck_assert_int_eq(uvchan_sender_add(ch, 2), 0);
  ck_assert_int_eq(uvchan_sender_add(ch, 1), 0);
  ck_assert_int_eq(uvchan_sender_done(ch), 0);
  ck_assert_int_eq(uvchan_sender_done(ch), 0);
  ck_assert_int_eq(uvchan_is_closed(ch), 0);
  ck_assert_int_eq(uvchan_sender_done(ch), 0);
  check_ended(ch, UV_EOF);
  uvchan_release(ch);
}
END_TEST

START_TEST(counting_senders_refuses_nonsense_and_a_closed_channel) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  ck_assert_int_eq(uvchan_sender_done(ch), UV_EINVAL);
  ck_assert_int_eq(uvchan_sender_add(ch, 0), UV_EINVAL);
  ck_assert_int_eq(uvchan_sender_done(ch), UV_EINVAL);
  ck_assert_int_eq(uvchan_is_closed(ch), 0);
  ck_assert_int_eq(uvchan_sender_add(ch, 1), 0);
  ck_assert_int_eq(uvchan_close_with(ch, UV_ECONNRESET), 0);
  /* a sender that leaves after somebody else's close did nothing wrong */
  ck_assert_int_eq(uvchan_sender_done(ch), 0);
  ck_assert_int_eq(uvchan_sender_add(ch, 1), UV_EPIPE);
  check_ended(ch, UV_ECONNRESET);
  uvchan_release(ch);
}
END_TEST

typedef struct {
  uvchan_t* ch;
  size_t n;
} counted_t;

static void send_and_leave(void* arg) {
  counted_t* counted = arg;
  uint64_t value;
  for (value = 1; value <= counted->n; value++) must(uvchan_send_wait(counted->ch, &value) == 0);
  must(uvchan_sender_done(counted->ch) == 0);
  uvchan_release(counted->ch);
}

/* The last value is not lost though its sender leaves right after it: ten senders, each with a
 * reference of its own. */
START_TEST(ten_counted_senders_lose_nothing_and_end_once) {
  counted_t counted = {support_channel(8, support_capacities[_i]), (size_t)support_count(300)};
  uv_thread_t threads[10];
  uint64_t value, sum = 0, received = 0;
  int i, r;
  ck_assert_int_eq(uvchan_sender_add(counted.ch, 10), 0);
  for (i = 0; i < 10; i++) {
    uvchan_retain(counted.ch);
    support_start(&threads[i], send_and_leave, &counted);
  }
  while ((r = uvchan_recv_wait(counted.ch, &value)) == 0) {
    sum += value;
    received++;
  }
  ck_assert_int_eq(r, UV_EOF);
  ck_assert_uint_eq(received, 10 * counted.n);
  ck_assert_uint_eq(sum, 10 * (counted.n * (counted.n + 1) / 2));
  for (i = 0; i < 10; i++) support_join(&threads[i]);
  uvchan_release(counted.ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("close");
  TCase* tcase = support_tcase(suite, "nobody waits");
  tcase_add_loop_test(tcase, after_close_no_send_succeeds_and_what_is_buffered_comes_before_the_end,
                      0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_second_close_is_told_so_and_changes_nothing, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, close_with_delivers_its_status_after_the_values, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, abort_drops_what_is_buffered_and_delivers_its_status_at_once, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, abort_of_a_closed_channel_drops_too_and_the_end_stays, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, release_drops_what_is_left_once_for_each_value_in_order, 0,
                      SUPPORT_NCAPACITIES * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, the_drop_callback_may_call_the_channel_that_is_aborted, 0,
                      SUPPORT_NCAPACITIES);
  tcase = support_tcase(suite, "somebody waits");
  tcase_add_loop_test(tcase, the_end_wakes_every_receiver_that_waits, 0,
                      SUPPORT_NCAPACITIES * NENDINGS);
  /* Nobody waits to send to an unbounded channel, so the table's last row is left out. */
  for (int ending = 0; ending < NENDINGS; ending++) {
    tcase_add_loop_test(tcase, the_end_wakes_every_sender_that_waits_and_leaves_it_its_value,
                        ending * SUPPORT_NCAPACITIES,
                        ending * SUPPORT_NCAPACITIES + SUPPORT_NCAPACITIES - 1);
  }
  tcase_add_test(tcase, a_batch_that_waits_says_how_many_it_sent_before_the_close);
  tcase = support_tcase(suite, "counted senders");
  tcase_add_loop_test(tcase, the_last_of_the_counted_senders_closes, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, counting_senders_refuses_nonsense_and_a_closed_channel, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, ten_counted_senders_lose_nothing_and_end_once, 0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}
