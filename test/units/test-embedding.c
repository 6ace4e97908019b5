/* SPDX-License-Identifier: MIT */
/* A program with a main loop of its own that polls uv_backend_fd() for uv_backend_timeout() and
 * then runs the loop's turn, as GLib's and Qt's do: whatever it does to channels between two turns,
 * on that very thread, shows there and is delivered. Nothing else happens on these loops, so what
 * does not show is not delivered. */
#ifndef _WIN32

#include <poll.h>

#include "support-loop.h"

#define LONGEST_POLL 20000 /* milliseconds; nothing here takes a noticeable part of it */
#define MOST_TURNS 10      /* until a loop for which there is nothing to do is at rest */

static int poll_backend(uv_loop_t* loop, int timeout) {
  struct pollfd backend;
  backend.fd = uv_backend_fd(loop);
  backend.events = POLLIN;
  backend.revents = 0;
  return poll(&backend, 1, timeout);
}

/* One turn of a foreign main loop; it must not sleep until somebody's patience ends. */
static void foreign_turn(uv_loop_t* loop) {
  int timeout = uv_backend_timeout(loop);
  int shows = poll_backend(loop, timeout < 0 ? LONGEST_POLL : timeout);
  must(timeout >= 0 || shows == 1);
  uv_run(loop, UV_RUN_NOWAIT);
}

#define foreign_run_until(loop, condition) \
  do {                                     \
    unsigned int foreign_turns = 0;        \
    while (!(condition)) {                 \
      must(++foreign_turns < 1000000);     \
      foreign_turn(loop);                  \
    }                                      \
  } while (0)

static int is_at_rest(uv_loop_t* loop) {
  return uv_backend_timeout(loop) == -1 && poll_backend(loop, 0) == 0;
}

/* A loop that is alive and has nothing to do comes to rest, in a few turns: else its program would
 * never sleep. */
static void come_to_rest(uv_loop_t* loop) {
  int turns = 0;
  while (!is_at_rest(loop)) {
    must(++turns <= MOST_TURNS);
    uv_run(loop, UV_RUN_NOWAIT);
  }
}

/* A loop, alive by a handle that never does anything, with a receiver on each of two channels; all
 * at rest. */
typedef struct {
  uv_loop_t loop;
  uvchan_t* ch;
  uvchan_t* other;
  sink_t sink;
  sink_t other_sink;
  uvchan_waitgroup_t wg;
  unsigned int calls;
} house_t;

static house_t house;

/* Keeps the loop alive, and its poll without a time limit. */
static uv_async_t keeper;

static void no_signal(uv_async_t* async) { (void)async; }

static void house_open(size_t capacity) {
  memset(&house, 0, sizeof(house));
  support_loop_open(&house.loop);
  must(uv_async_init(&house.loop, &keeper, no_signal) == 0);
  house.ch = support_channel(8, capacity);
  house.other = support_channel(8, capacity);
  sink_start(&house.sink, &house.loop, house.ch);
  sink_init(&house.other_sink, &house.loop, house.other);
  must(uvchan_waitgroup_init(&house.wg) == 0);
  come_to_rest(&house.loop);
}

static void house_close(void) {
  come_to_rest(&house.loop);
  sink_close(&house.sink);
  sink_close(&house.other_sink);
  foreign_run_until(&house.loop, house.sink.closes + house.other_sink.closes == 2);
  uv_close((uv_handle_t*)&keeper, NULL);
  support_loop_finish(&house.loop);
  uvchan_waitgroup_destroy(&house.wg);
  uvchan_release(house.ch);
  uvchan_release(house.other);
}

static size_t capacity_of(int i) { return support_capacities[i]; }

START_TEST(what_it_sends_is_delivered) {
  uint64_t i;
  house_open(capacity_of(_i));
  for (i = 0; i < 5; i++) {
    ck_assert_int_eq(try_send(house.ch, i), 0);
    foreign_run_until(&house.loop, house.sink.values == i + 1);
    come_to_rest(&house.loop);
  }
  house_close();
}
END_TEST

START_TEST(many_values_at_once_are_delivered) {
  uint64_t values[3] = {0, 1, 2};
  ssize_t n;
  house_open(capacity_of(_i));
  n = uvchan_try_send_n(house.ch, values, 3);
  ck_assert_int_ge(n, 1);
  foreign_run_until(&house.loop, house.sink.values == (uint64_t)n);
  house_close();
}
END_TEST

static int close_it(uvchan_t* ch) { return uvchan_close(ch); }
static int abort_it(uvchan_t* ch) { return uvchan_abort(ch, UV_ECONNRESET); }

static int leave_it(uvchan_t* ch) {
  must(uvchan_sender_add(ch, 1) == 0);
  return uvchan_sender_done(ch);
}

static int (*const ways_to_close[])(uvchan_t*) = {close_it, abort_it, leave_it};

START_TEST(the_end_is_delivered) {
  house_open(capacity_of(_i % SUPPORT_NCAPACITIES));
  ck_assert_int_eq(ways_to_close[_i / SUPPORT_NCAPACITIES](house.ch), 0);
  foreign_run_until(&house.loop, house.sink.ends == 1);
  house_close();
}
END_TEST

START_TEST(a_receiver_that_it_starts_gets_what_is_there) {
  house_open(capacity_of(_i));
  if (capacity_of(_i) == 0) {
    ck_assert_int_eq(uvchan_close(house.other), 0);
  } else {
    ck_assert_int_eq(try_send(house.other, 0), 0);
  }
  come_to_rest(&house.loop);
  ck_assert_int_eq(uvchan_recv_start(&house.other_sink.handle, sink_on_value), 0);
  foreign_run_until(&house.loop, house.other_sink.calls == 1);
  house_close();
}
END_TEST

START_TEST(a_receiver_that_it_stops_and_starts_gets_what_is_there) {
  house_open(capacity_of(_i));
  ck_assert_int_eq(try_send(house.ch, 0), 0);
  ck_assert_int_eq(uvchan_recv_stop(&house.sink.handle), 0);
  come_to_rest(&house.loop);
  ck_assert_int_eq(uvchan_recv_start_batch(&house.sink.handle, sink_on_batch), 0);
  foreign_run_until(&house.loop, house.sink.values == 1);
  house_close();
}
END_TEST

START_TEST(what_a_stopped_receiver_was_told_of_goes_to_the_next) {
  house_open(capacity_of(_i));
  house.sink.unordered = 1;
  sink_close(&house.other_sink);
  foreign_run_until(&house.loop, house.other_sink.closes == 1);
  sink_start(&house.other_sink, &house.loop, house.ch);
  come_to_rest(&house.loop);
  ck_assert_int_eq(try_send(house.ch, 0), 0);
  ck_assert_int_eq(uvchan_recv_stop(&house.sink.handle), 0);
  foreign_run_until(&house.loop, house.other_sink.values == 1);
  house_close();
}
END_TEST

START_TEST(requests_that_can_go_on_at_once_call_back) {
  select_op_t select;
  notify_op_t notify;
  send_op_t send;
  recv_op_t recv;

  house_open(capacity_of(_i));
  send_op(&send, &house.loop, house.ch, 0);
  foreign_run_until(&house.loop, send.calls == 1 && house.sink.values == 1);
  come_to_rest(&house.loop);
  notify_op(&notify, &house.loop, &house.wg);
  foreign_run_until(&house.loop, notify.calls == 1);
  come_to_rest(&house.loop);
  select_case(&select, 0, house.ch, UVCHAN_SEND, 1);
  select_op(&select, &house.loop, 1);
  foreign_run_until(&house.loop, select.calls == 1 && house.sink.values == 2);
  come_to_rest(&house.loop);
  ck_assert_int_eq(uvchan_close(house.other), 0);
  come_to_rest(&house.loop);
  recv_op(&recv, &house.loop, house.other);
  foreign_run_until(&house.loop, recv.calls == 1);
  ck_assert_int_eq(recv.status, UV_EOF);
  house_close();
}
END_TEST

START_TEST(requests_that_it_helps_on_call_back) {
  select_op_t select;
  notify_op_t notify;
  send_op_t send;
  recv_op_t recv;
  uint64_t n = 0;

  house_open(capacity_of(_i));
  recv_op(&recv, &house.loop, house.other);
  come_to_rest(&house.loop);
  ck_assert_int_eq(try_send(house.other, 7), 0);
  foreign_run_until(&house.loop, recv.calls == 1);
  select_case(&select, 0, house.other, UVCHAN_RECV, 0);
  select_op(&select, &house.loop, 1);
  come_to_rest(&house.loop);
  ck_assert_int_eq(try_send(house.other, 8), 0);
  foreign_run_until(&house.loop, select.calls == 1);
  ck_assert_int_eq(uvchan_waitgroup_add(&house.wg, 1), 0);
  notify_op(&notify, &house.loop, &house.wg);
  come_to_rest(&house.loop);
  ck_assert_int_eq(uvchan_waitgroup_done(&house.wg), 0);
  foreign_run_until(&house.loop, notify.calls == 1);
  if (capacity_of(_i) != UVCHAN_UNBOUNDED) {
    while (try_send(house.other, n) == 0) n++;
    send_op(&send, &house.loop, house.other, n);
    come_to_rest(&house.loop);
    ck_assert(takes(house.other, 0));
    foreign_run_until(&house.loop, send.calls == 1);
  }
  house_close();
}
END_TEST

START_TEST(what_it_cancels_and_closes_calls_back) {
  recv_op_t recv;

  house_open(capacity_of(_i));
  recv_op(&recv, &house.loop, house.other);
  come_to_rest(&house.loop);
  ck_assert_int_eq(cancel_op(&recv), 0);
  foreign_run_until(&house.loop, recv.calls == 1);
  house_close();
}
END_TEST

/* What the last user of the loop leaves behind is closed by the next turn. */
START_TEST(the_handles_of_the_last_user_go) {
  house_open(capacity_of(_i));
  sink_close(&house.sink);
  sink_close(&house.other_sink);
  foreign_run_until(&house.loop, count_handles(&house.loop, UV_UNKNOWN_HANDLE) == 1);
  come_to_rest(&house.loop);
  ck_assert_uint_eq(house.sink.closes + house.other_sink.closes, 2);
  uv_close((uv_handle_t*)&keeper, NULL);
  support_loop_finish(&house.loop);
  uvchan_release(house.ch);
  uvchan_release(house.other);
}
END_TEST

START_TEST(a_ticker_that_it_starts_ticks) {
  uvchan_ticker_t ticker;
  house_open(capacity_of(_i));
  house.sink.unordered = 1;
  ck_assert_int_eq(uvchan_ticker_init(&house.loop, &ticker, house.ch), 0);
  ck_assert_int_eq(uvchan_ticker_start(&ticker, 1, 0), 0);
  foreign_run_until(&house.loop, house.sink.values == 1);
  ck_assert_int_eq(uvchan_ticker_start(&ticker, 1, 1), 0);
  foreign_run_until(&house.loop, house.sink.values == 3);
  uvchan_ticker_close(&ticker, NULL);
  house_close();
}
END_TEST

/* ---- From callbacks of other handles --------------------------------------------------------- */

static union {
  uv_handle_t handle;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
} handle;

static void send_once(void) {
  if (house.calls++ == 0) must(try_send(house.ch, 0) == 0);
  if (!uv_is_closing(&handle.handle)) uv_close(&handle.handle, NULL);
}

static void in_timer(uv_timer_t* t) {
  (void)t;
  send_once();
}

static void in_idle(uv_idle_t* i) {
  (void)i;
  send_once();
}

static void in_prepare(uv_prepare_t* p) {
  (void)p;
  send_once();
}

static void in_check(uv_check_t* c) {
  (void)c;
  send_once();
}

static void in_close(uv_handle_t* h) {
  (void)h;
  send_once();
}

/* Started after the hub's own handles, or before them; in libuv the ones that were started last run
 * first. */
static void start_handle(uv_loop_t* loop, int kind) {
  switch (kind) {
    case 0:
      must(uv_timer_init(loop, &handle.timer) == 0 &&
           uv_timer_start(&handle.timer, in_timer, 1, 0) == 0);
      break;
    case 1:
      must(uv_idle_init(loop, &handle.idle) == 0 && uv_idle_start(&handle.idle, in_idle) == 0);
      break;
    case 2:
      must(uv_prepare_init(loop, &handle.prepare) == 0 &&
           uv_prepare_start(&handle.prepare, in_prepare) == 0);
      break;
    case 3:
      must(uv_check_init(loop, &handle.check) == 0 && uv_check_start(&handle.check, in_check) == 0);
      break;
    default:
      must(uv_idle_init(loop, &handle.idle) == 0);
      uv_close(&handle.handle, in_close);
      break;
  }
}

#define NHANDLES 5

START_TEST(what_a_callback_of_another_handle_sends_is_delivered) {
  house_open(capacity_of(_i % SUPPORT_NCAPACITIES));
  start_handle(&house.loop, _i / SUPPORT_NCAPACITIES);
  uv_run(&house.loop, UV_RUN_NOWAIT); /* prepare and check handles do not show by themselves */
  foreign_run_until(&house.loop, house.sink.values == 1);
  house_close();
}
END_TEST

/* The hub's handles come after these. */
START_TEST(what_a_callback_of_an_older_handle_sends_is_delivered) {
  memset(&house, 0, sizeof(house));
  support_loop_open(&house.loop);
  start_handle(&house.loop, _i / SUPPORT_NCAPACITIES);
  house.ch = support_channel(8, capacity_of(_i % SUPPORT_NCAPACITIES));
  sink_start(&house.sink, &house.loop, house.ch);
  foreign_run_until(&house.loop, house.sink.values == 1);
  sink_close(&house.sink);
  support_loop_finish(&house.loop);
  uvchan_release(house.ch);
}
END_TEST

/* ---- Two threads ----------------------------------------------------------------------------- */

static void foreign_loop(void* arg) {
  (void)arg;
  foreign_run_until(&house.loop, house.sink.values == 1);
}

/* The thread that ran the loop hands it to another one, which goes to sleep without having run it:
 * it is woken all the same. */
START_TEST(a_thread_that_ran_the_loop_before_wakes_the_one_that_polls_now) {
  uv_thread_t thread;
  house_open(capacity_of(_i));
  support_start(&thread, foreign_loop, NULL);
  ck_assert_int_eq(try_send(house.ch, 0), 0);
  support_join(&thread);
  house_close();
}
END_TEST

static void send_zero(void* arg) {
  (void)arg;
  must(try_send(house.ch, 0) == 0);
}

START_TEST(what_another_thread_sends_is_delivered) {
  uv_thread_t thread;
  house_open(capacity_of(_i));
  support_start(&thread, send_zero, NULL);
  foreign_run_until(&house.loop, house.sink.values == 1);
  support_join(&thread);
  house_close();
}
END_TEST

int main(void) {
  Suite* suite = suite_create("embedding");
  TCase* outside = support_tcase(suite, "outside");
  TCase* inside = support_tcase(suite, "inside");
  TCase* threads = support_tcase(suite, "threads");

  tcase_add_loop_test(outside, what_it_sends_is_delivered, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, many_values_at_once_are_delivered, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, the_end_is_delivered, 0, 3 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, a_receiver_that_it_starts_gets_what_is_there, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, a_receiver_that_it_stops_and_starts_gets_what_is_there, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, what_a_stopped_receiver_was_told_of_goes_to_the_next, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, requests_that_can_go_on_at_once_call_back, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, requests_that_it_helps_on_call_back, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, what_it_cancels_and_closes_calls_back, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, the_handles_of_the_last_user_go, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(outside, a_ticker_that_it_starts_ticks, 0, SUPPORT_NCAPACITIES);

  tcase_add_loop_test(inside, what_a_callback_of_another_handle_sends_is_delivered, 0,
                      NHANDLES * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(inside, what_a_callback_of_an_older_handle_sends_is_delivered, 0,
                      NHANDLES * SUPPORT_NCAPACITIES);

  tcase_add_loop_test(threads, a_thread_that_ran_the_loop_before_wakes_the_one_that_polls_now, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(threads, what_another_thread_sends_is_delivered, 0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}

#else

int main(void) { return 0; } /* there is no descriptor to poll */

#endif
