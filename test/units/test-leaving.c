/* SPDX-License-Identifier: MIT */
/* A callback that does not return: it leaves uv_run() by longjmp(), or by an exception of C++. What
 * it was given counts as received, and everything goes on when uv_run() is called again: the same
 * handle, the others that were ready in the same turn, stop and start, close, and the end of the
 * loop. */
#include "leaving.h"
#include "support-loop.h"

/* ---- Receivers ------------------------------------------------------------------------------- */

/* A receiver that leaves its callback with every `every`-th of them; of the order of values it
 * minds as a sink does. */
typedef struct {
  sink_t sink; /* first */
  unsigned int every;
  unsigned int lefts;
  int stops; /* before it leaves */
  int closes;
} leaver_t;

static void leave_now_and_then(leaver_t* leaver) {
  sink_t* sink = &leaver->sink;
  if (leaver->every == 0 || sink->calls % leaver->every != 0) return;
  if (leaver->stops) must(uvchan_recv_stop(&sink->handle) == 0);
  if (leaver->closes) sink_close(sink);
  leaver->lefts++;
  leave();
}

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_on_value(receiver, status, value);
  leave_now_and_then((leaver_t*)receiver);
}

static void on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  sink_on_batch(receiver, nvalues, values);
  leave_now_and_then((leaver_t*)receiver);
}

static int leaver_restart(leaver_t* leaver, int batches) {
  if (batches) return uvchan_recv_start_batch(&leaver->sink.handle, on_batch);
  return uvchan_recv_start(&leaver->sink.handle, on_value);
}

static void leaver_start(leaver_t* leaver, uv_loop_t* loop, uvchan_t* ch, unsigned int every,
                         int batches) {
  memset(leaver, 0, sizeof(*leaver));
  must(uvchan_receiver_init(loop, &leaver->sink.handle, ch) == 0);
  leaver->every = every;
  must(leaver_restart(leaver, batches) == 0);
}

/* Calls uv_run() again whenever it was left; it must not take for ever. */
#define go_on_until(loop, condition)           \
  do {                                         \
    unsigned int go_on_turns = 0;              \
    while (!(condition)) {                     \
      must(++go_on_turns < 10000000);          \
      (void)run_until_left(loop, UV_RUN_ONCE); \
    }                                          \
  } while (0)

static void finish(uv_loop_t* loop) {
  unsigned int runs = 0;
  while (run_until_left(loop, UV_RUN_DEFAULT) || uv_loop_alive(loop)) must(++runs < 1000);
  ck_assert_int_eq(uv_loop_close(loop), 0);
}

#define NVALUES 100

static void send_values(void* arg) {
  uint64_t i;
  for (i = 0; i < NVALUES; i++) must(uvchan_send_wait(arg, &i) == 0);
}

static const unsigned int every[] = {1, 2, 7};
#define NEVERY 3

/* _i: how often it leaves, one by one or in runs, and the capacity. */
START_TEST(every_value_of_a_thread_is_received_once_and_in_order) {
  uvchan_t* ch = support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]);
  int batches = _i / SUPPORT_NCAPACITIES % 2;
  leaver_t leaver;
  uv_thread_t thread;
  uv_loop_t loop;

  support_loop_open(&loop);
  leaver_start(&leaver, &loop, ch, every[_i / SUPPORT_NCAPACITIES / 2], batches);
  support_start(&thread, send_values, ch);
  go_on_until(&loop, leaver.sink.values == NVALUES);
  support_join(&thread);
  ck_assert_uint_eq(rest(ch).received, NVALUES);
  ck_assert_uint_eq(leaver.lefts, leaver.sink.calls / leaver.every);
  sink_close(&leaver.sink);
  finish(&loop);
  ck_assert_uint_eq(leaver.sink.closes, 1);
  uvchan_release(ch);
}
END_TEST

START_TEST(every_value_of_its_own_thread_is_received_once_and_in_order) {
  uvchan_t* ch = support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]);
  int batches = _i / SUPPORT_NCAPACITIES % 2;
  leaver_t leaver;
  uv_loop_t loop;
  uint64_t n = 0;

  support_loop_open(&loop);
  leaver_start(&leaver, &loop, ch, every[_i / SUPPORT_NCAPACITIES / 2], batches);
  while (leaver.sink.values < NVALUES) {
    while (n < NVALUES && try_send(ch, n) == 0) n++;
    (void)run_until_left(&loop, UV_RUN_NOWAIT);
  }
  sink_close(&leaver.sink);
  finish(&loop);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_receiver_that_spins_goes_on) {
  uvchan_t* ch = support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]);
  leaver_t leaver;
  uv_thread_t thread;
  uv_loop_t loop;

  support_loop_open(&loop);
  leaver_start(&leaver, &loop, ch, 2, _i / SUPPORT_NCAPACITIES);
  ck_assert_int_eq(uvchan_receiver_set_spin(&leaver.sink.handle, 100), 0);
  support_start(&thread, send_values, ch);
  go_on_until(&loop, leaver.sink.values == NVALUES);
  support_join(&thread);
  sink_close(&leaver.sink);
  finish(&loop);
  uvchan_release(ch);
}
END_TEST

#define CROWD 5

START_TEST(receivers_that_were_ready_in_the_same_turn_get_theirs) {
  uvchan_t* chs[CROWD];
  leaver_t leavers[CROWD];
  uv_loop_t loop;
  int i;

  support_loop_open(&loop);
  for (i = 0; i < CROWD; i++) {
    chs[i] = support_channel(8, support_capacities[_i]);
    leaver_start(&leavers[i], &loop, chs[i], 1, i % 2);
  }
  settle(&loop);
  for (i = 0; i < CROWD; i++) ck_assert_int_eq(try_send(chs[i], 0), 0);
  for (i = 0; i < CROWD; i++) ck_assert_int_eq(uvchan_close(chs[i]), 0);
  for (i = 0; i < CROWD; i++)
    go_on_until(&loop, leavers[i].sink.values == 1 && leavers[i].sink.ends == 1);
  for (i = 0; i < CROWD; i++) ck_assert_uint_eq(leavers[i].lefts, leavers[i].sink.calls);
  for (i = 0; i < CROWD; i++) sink_close(&leavers[i].sink);
  finish(&loop);
  for (i = 0; i < CROWD; i++) ck_assert_uint_eq(leavers[i].sink.closes, 1);
  for (i = 0; i < CROWD; i++) uvchan_release(chs[i]);
}
END_TEST

/* The rest of its own turn is left to the next one, and shows to a program that polls by itself. */
START_TEST(the_loop_wants_to_turn_after_it) {
  uvchan_t* chs[2];
  leaver_t leavers[2];
  uv_loop_t loop;
  int i;

  support_loop_open(&loop);
  for (i = 0; i < 2; i++) {
    chs[i] = support_channel(8, support_capacities[_i]);
    leaver_start(&leavers[i], &loop, chs[i], 1, 0);
  }
  settle(&loop);
  ck_assert_int_eq(try_send(chs[0], 0), 0);
  ck_assert_int_eq(try_send(chs[1], 0), 0);
  ck_assert(run_until_left(&loop, UV_RUN_NOWAIT));
  ck_assert_uint_eq(leavers[0].sink.values + leavers[1].sink.values, 1);
  ck_assert_int_eq(uv_backend_timeout(&loop), 0);
  ck_assert(run_until_left(&loop, UV_RUN_NOWAIT));
  ck_assert_uint_eq(leavers[0].sink.values + leavers[1].sink.values, 2);
  for (i = 0; i < 2; i++) sink_close(&leavers[i].sink);
  finish(&loop);
  for (i = 0; i < 2; i++) uvchan_release(chs[i]);
}
END_TEST

/* Where it is not ready for more, it waits as ever: another thread's value wakes it, and one that
 * is stopped gets nothing. */
START_TEST(after_it_the_receiver_waits_as_before) {
  uvchan_t* ch = support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]);
  leaver_t leaver;
  uv_loop_t loop;

  support_loop_open(&loop);
  leaver_start(&leaver, &loop, ch, 1, _i / SUPPORT_NCAPACITIES);
  ck_assert_int_eq(try_send(ch, 0), 0);
  go_on_until(&loop, leaver.lefts == 1);
  settle(&loop);
  ck_assert_uint_eq(rest(ch).waiting_receivers, 1);
  ck_assert_int_eq(uvchan_recv_stop(&leaver.sink.handle), 0);
  ck_assert_uint_eq(rest(ch).waiting_receivers, 0);
  sink_close(&leaver.sink);
  finish(&loop);
  uvchan_release(ch);
}
END_TEST

/* _i: in or after the callback, before or after the next turn; one by one or in runs; and the
 * capacity. */
START_TEST(it_may_be_stopped_and_started_again) {
  uvchan_t* ch = support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]);
  int batches = _i / SUPPORT_NCAPACITIES % 2;
  int moment = _i / SUPPORT_NCAPACITIES / 2;
  leaver_t leaver;
  uv_loop_t loop;
  uint64_t n;

  support_loop_open(&loop);
  leaver_start(&leaver, &loop, ch, 1, batches);
  leaver.stops = moment == 0;
  for (n = 0; n < 10; n++) {
    ck_assert_int_eq(try_send(ch, n), 0);
    go_on_until(&loop, leaver.lefts == n + 1);
    if (moment == 2) settle(&loop);
    ck_assert_int_eq(uvchan_recv_stop(&leaver.sink.handle), 0);
    if (moment == 3) settle(&loop);
    if (moment != 0 || n % 2 == 0) settle(&loop);
    ck_assert_int_eq(leaver_restart(&leaver, batches), 0);
    settle(&loop);
    ck_assert_uint_eq(rest(ch).waiting_receivers, 1);
  }
  ck_assert_int_eq(uvchan_close(ch), 0);
  go_on_until(&loop, leaver.sink.ends == 1);
  sink_close(&leaver.sink);
  finish(&loop);
  uvchan_release(ch);
}
END_TEST

/* _i: in the callback, right after it, or a turn later; and the capacity. */
START_TEST(it_may_be_closed) {
  uvchan_t* ch = support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]);
  int moment = _i / SUPPORT_NCAPACITIES;
  leaver_t leaver;
  uv_loop_t loop;

  support_loop_open(&loop);
  leaver_start(&leaver, &loop, ch, 1, 0);
  leaver.closes = moment == 0;
  ck_assert_int_eq(try_send(ch, 0), 0);
  go_on_until(&loop, leaver.lefts == 1);
  if (moment == 2) settle(&loop);
  if (moment > 0) sink_close(&leaver.sink);
  uvchan_release(ch);
  finish(&loop);
  ck_assert_uint_eq(leaver.sink.closes, 1);
}
END_TEST

/* One that leaves keeps no place for itself: the channel has room for as many values as receivers
 * are at rest. */
START_TEST(an_unbuffered_channel_has_its_room_back) {
  uvchan_t* ch = support_channel(8, 0);
  leaver_t leavers[2];
  uv_loop_t loop;
  int round;

  support_loop_open(&loop);
  leaver_start(&leavers[0], &loop, ch, 1, 0);
  leaver_start(&leavers[1], &loop, ch, 1, 1);
  leavers[0].sink.unordered = leavers[1].sink.unordered = 1;
  for (round = 1; round <= 10; round++) {
    ck_assert_int_eq(try_send(ch, 0), 0);
    ck_assert_int_eq(try_send(ch, 0), 0);
    ck_assert_int_eq(try_send(ch, 0), UV_EAGAIN);
    go_on_until(&loop, leavers[0].sink.values + leavers[1].sink.values == (uint64_t)(2 * round));
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  sink_close(&leavers[0].sink);
  sink_close(&leavers[1].sink);
  finish(&loop);
  uvchan_release(ch);
}
END_TEST

static void leave_in_close(uvchan_receiver_t* receiver) {
  sink_on_close(receiver);
  memset(receiver, 0x5a, sizeof(*receiver));
  leave();
}

START_TEST(a_close_callback_may_be_left) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  leaver_t leaver;
  uv_loop_t loop;

  support_loop_open(&loop);
  leaver_start(&leaver, &loop, ch, 0, 0);
  settle(&loop);
  uvchan_release(ch);
  uvchan_receiver_close(&leaver.sink.handle, leave_in_close);
  ck_assert(run_until_left(&loop, UV_RUN_DEFAULT));
  ck_assert_uint_eq(leaver.sink.closes, 1);
  ck_assert_int_eq(uv_backend_timeout(&loop), 0);
  finish(&loop);
}
END_TEST

/* ---- Requests -------------------------------------------------------------------------------- */

/* All kinds of requests, in memory that is overwritten before its callback is left. */
typedef struct {
  uv_loop_t loop;
  uvchan_t* ch;
  uvchan_t* other;
  uvchan_waitgroup_t wg;
  send_op_t send;
  recv_op_t recv;
  select_op_t near_select;
  select_op_t far_select;
  notify_op_t notify;
  unsigned int calls;
  int status;
  unsigned int again; /* how often the callback starts the request once more */
} desk_t;

static desk_t desk;

static void begin_send(void);
static void begin_recv(void);
static void begin_near_select(void);
static void begin_far_select(void);
static void begin_notify(void);

static void called(void* memory, size_t size, int status, void (*begin)(void)) {
  desk.calls++;
  desk.status = status;
  memset(memory, 0x5a, size);
  must(uvchan_len(desk.ch) <= 100); /* the channel is still there */
  if (desk.again > 0) {
    desk.again--;
    begin();
  }
  leave();
}

static void on_send(uvchan_send_t* req, int status) {
  called(req, sizeof(send_op_t), status, begin_send);
}
static void on_recv(uvchan_recv_t* req, int status) {
  called(req, sizeof(recv_op_t), status, begin_recv);
}
static void on_near_select(uvchan_select_t* req, int index) {
  called(req, sizeof(select_op_t), index, begin_near_select);
}
static void on_far_select(uvchan_select_t* req, int index) {
  called(req, sizeof(select_op_t), index, begin_far_select);
}
static void on_notify(uvchan_notify_t* req, int status) {
  called(req, sizeof(notify_op_t), status, begin_notify);
}

static void begin_send(void) {
  desk.send.value = 1;
  must(uvchan_send(&desk.loop, &desk.send.req, desk.ch, &desk.send.value, on_send) == 0);
}

static void begin_recv(void) {
  must(uvchan_recv(&desk.loop, &desk.recv.req, desk.ch, &desk.recv.value, on_recv) == 0);
}

static void begin_select(select_op_t* op, size_t ncases, uvchan_select_cb cb) {
  size_t i;
  for (i = 0; i < ncases; i++)
    select_case(op, i, i % 2 == 0 ? desk.ch : desk.other, UVCHAN_RECV, 0);
  must(uvchan_select(&desk.loop, &op->req, op->cases, ncases, cb) == 0);
}

static void begin_near_select(void) { begin_select(&desk.near_select, 4, on_near_select); }
static void begin_far_select(void) {
  begin_select(&desk.far_select, SELECT_OP_CASES, on_far_select);
}
static void begin_notify(void) {
  must(uvchan_waitgroup_notify(&desk.loop, &desk.notify.req, &desk.wg, on_notify) == 0);
}

#define NREQUESTS 5

static void (*const begin_request[NREQUESTS])(void) = {begin_send, begin_recv, begin_near_select,
                                                       begin_far_select, begin_notify};

static uvchan_req_t* request(int kind) {
  switch (kind) {
    case 0:
      return (uvchan_req_t*)&desk.send;
    case 1:
      return (uvchan_req_t*)&desk.recv;
    case 2:
      return (uvchan_req_t*)&desk.near_select;
    case 3:
      return (uvchan_req_t*)&desk.far_select;
    default:
      return (uvchan_req_t*)&desk.notify;
  }
}

static void desk_open(size_t capacity, uvchan_op_t waits) {
  uint64_t n = 0;
  memset(&desk, 0, sizeof(desk));
  support_loop_open(&desk.loop);
  desk.ch = support_channel(8, capacity);
  desk.other = support_channel(8, capacity);
  must(uvchan_waitgroup_init(&desk.wg) == 0);
  must(uvchan_waitgroup_add(&desk.wg, 1) == 0);
  while (waits == UVCHAN_SEND && capacity != UVCHAN_UNBOUNDED && try_send(desk.ch, n) == 0) n++;
}

/* The program has no further use for the channels; what requests hold of them is given back by
 * whoever was left. */
static void desk_close(void) {
  uvchan_t* ch = desk.ch;
  uvchan_release(desk.other);
  uvchan_release(ch);
  finish(&desk.loop);
}

static void let_go_on(int kind) {
  uint64_t value = 1;
  if (kind == 0) {
    (void)uvchan_try_recv(desk.ch, &value);
  } else if (kind == 4) {
    must(uvchan_waitgroup_done(&desk.wg) == 0);
  } else {
    must(uvchan_try_send(desk.ch, &value) == 0);
  }
}

/* _i: the request, and the capacity. */
START_TEST(a_request_that_waited_may_be_left) {
  int kind = _i / SUPPORT_NCAPACITIES;
  size_t capacity = support_capacities[_i % SUPPORT_NCAPACITIES];
  if (kind == 0 && capacity == UVCHAN_UNBOUNDED) return; /* does not wait */
  desk_open(capacity, kind == 0 ? UVCHAN_SEND : UVCHAN_RECV);
  begin_request[kind]();
  settle(&desk.loop);
  let_go_on(kind);
  ck_assert(run_until_left(&desk.loop, UV_RUN_DEFAULT));
  ck_assert_uint_eq(desk.calls, 1);
  ck_assert_int_ge(desk.status, 0);
  desk_close();
}
END_TEST

/* It is started anew in its callback, with nothing but itself on the loop, and left each time. */
START_TEST(a_chain_of_requests_may_be_left_again_and_again) {
  int kind = _i / SUPPORT_NCAPACITIES;
  unsigned int lefts = 0;
  desk_open(support_capacities[_i % SUPPORT_NCAPACITIES], UVCHAN_RECV);
  ck_assert_int_eq(uvchan_close(desk.ch), 0);
  ck_assert_int_eq(uvchan_waitgroup_done(&desk.wg), 0);
  desk.again = 10;
  begin_request[kind]();
  while (run_until_left(&desk.loop, UV_RUN_DEFAULT)) lefts++;
  ck_assert_uint_eq(lefts, 11);
  ck_assert_uint_eq(desk.calls, 11);
  ck_assert(!uv_loop_alive(&desk.loop));
  ck_assert_uint_eq(count_handles(&desk.loop, UV_UNKNOWN_HANDLE), 0);
  desk_close();
}
END_TEST

START_TEST(requests_that_were_ready_in_the_same_turn_all_call_back) {
  unsigned int lefts = 0;
  int kind;
  desk_open(support_capacities[_i], UVCHAN_RECV);
  ck_assert_int_eq(uvchan_close(desk.ch), 0);
  ck_assert_int_eq(uvchan_waitgroup_done(&desk.wg), 0);
  for (kind = 0; kind < NREQUESTS; kind++) begin_request[kind]();
  while (run_until_left(&desk.loop, UV_RUN_DEFAULT)) lefts++;
  ck_assert_uint_eq(lefts, NREQUESTS);
  ck_assert_uint_eq(desk.calls, NREQUESTS);
  desk_close();
}
END_TEST

START_TEST(the_callback_of_a_cancelled_request_may_be_left) {
  int kind = _i / SUPPORT_NCAPACITIES;
  size_t capacity = support_capacities[_i % SUPPORT_NCAPACITIES];
  if (kind == 0 && capacity == UVCHAN_UNBOUNDED) return; /* does not wait */
  desk_open(capacity, kind == 0 ? UVCHAN_SEND : UVCHAN_RECV);
  begin_request[kind]();
  settle(&desk.loop);
  ck_assert_int_eq(uvchan_cancel(request(kind)), 0);
  ck_assert(run_until_left(&desk.loop, UV_RUN_DEFAULT));
  check_ended(&desk, UV_ECANCELED);
  ck_assert_int_eq(uv_backend_timeout(&desk.loop), 0);
  desk_close();
}
END_TEST

/* The loop is closed last, also where no further request or receiver has a use for it: at once with
 * the next uv_run(). */
START_TEST(the_loop_is_alive_until_what_was_left_is_put_in_order) {
  int kind = _i / SUPPORT_NCAPACITIES;
  desk_open(support_capacities[_i % SUPPORT_NCAPACITIES], UVCHAN_RECV);
  ck_assert_int_eq(uvchan_close(desk.ch), 0);
  ck_assert_int_eq(uvchan_waitgroup_done(&desk.wg), 0);
  begin_request[kind]();
  ck_assert(run_until_left(&desk.loop, UV_RUN_DEFAULT));
  ck_assert(uv_loop_alive(&desk.loop));
  ck_assert_int_eq(uv_backend_timeout(&desk.loop), 0);
  ck_assert_int_eq(uv_run(&desk.loop, UV_RUN_DEFAULT), 0);
  ck_assert_uint_eq(count_handles(&desk.loop, UV_UNKNOWN_HANDLE), 0);
  desk_close();
}
END_TEST

/* A receiver and requests beside each other: nobody keeps anybody from going on. */
START_TEST(receivers_and_requests_that_are_left_in_turn_all_go_on) {
  leaver_t leaver;
  uint64_t n = 0;
  desk_open(support_capacities[_i], UVCHAN_RECV);
  leaver_start(&leaver, &desk.loop, desk.other, 1, 0);
  desk.again = 20;
  ck_assert_int_eq(uvchan_waitgroup_done(&desk.wg), 0);
  begin_notify();
  while (desk.calls < 21 || leaver.sink.values < 10) {
    if (n < 10 && try_send(desk.other, n) == 0) n++;
    (void)run_until_left(&desk.loop, UV_RUN_NOWAIT);
  }
  sink_close(&leaver.sink);
  desk_close();
}
END_TEST

int main(void) {
  Suite* suite = suite_create("leaving");
  TCase* receivers = support_tcase(suite, "receivers");
  TCase* requests = support_tcase(suite, "requests");

  tcase_add_loop_test(receivers, every_value_of_a_thread_is_received_once_and_in_order, 0,
                      2 * NEVERY * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(receivers, every_value_of_its_own_thread_is_received_once_and_in_order, 0,
                      2 * NEVERY * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(receivers, a_receiver_that_spins_goes_on, 0, 2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(receivers, receivers_that_were_ready_in_the_same_turn_get_theirs, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(receivers, the_loop_wants_to_turn_after_it, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(receivers, after_it_the_receiver_waits_as_before, 0, 2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(receivers, it_may_be_stopped_and_started_again, 0,
                      4 * 2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(receivers, it_may_be_closed, 0, 3 * SUPPORT_NCAPACITIES);
  tcase_add_test(receivers, an_unbuffered_channel_has_its_room_back);
  tcase_add_loop_test(receivers, a_close_callback_may_be_left, 0, SUPPORT_NCAPACITIES);

  tcase_add_loop_test(requests, a_request_that_waited_may_be_left, 0,
                      NREQUESTS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(requests, a_chain_of_requests_may_be_left_again_and_again, 0,
                      NREQUESTS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(requests, requests_that_were_ready_in_the_same_turn_all_call_back, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(requests, the_callback_of_a_cancelled_request_may_be_left, 0,
                      NREQUESTS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(requests, the_loop_is_alive_until_what_was_left_is_put_in_order, 0,
                      NREQUESTS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(requests, receivers_and_requests_that_are_left_in_turn_all_go_on, 0,
                      SUPPORT_NCAPACITIES);
  return support_main(suite);
}
