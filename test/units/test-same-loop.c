/* SPDX-License-Identifier: MIT */
/* Sends from the receiver's own loop thread: from every kind of callback, delivered in the next
 * turn, without a wake-up. */
#include "scene.h"

#define ROUNDS 20

/* The phases of a turn from which values are sent. Of two handles of a phase libuv runs the one
 * that was started last first, so each phase is tried with the user's handle started before and
 * after the library's. */
typedef enum {
  FROM_TIMER,
  FROM_IDLE,
  FROM_PREPARE,
  FROM_CHECK,
  FROM_ASYNC,
  FROM_CLOSE,
  NPHASES
} phase_t;

#define PHASES_AND_KINDS (2 * NPHASES * SUPPORT_NCAPACITIES)

typedef struct {
  phase_t phase;
  uvchan_t* ch;
  uint64_t sent;
  sink_t sink;
  union {
    uv_handle_t any;
    uv_timer_t timer;
    uv_idle_t idle;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t async;
  } handle;
} driver_t;

/* Sends the next value once the one before was delivered. */
static void drive(driver_t* driver) {
  if (driver->sent == ROUNDS || driver->sent != driver->sink.values) return;
  must(try_send(driver->ch, driver->sent) == 0);
  driver->sent++;
}

static void from_timer(uv_timer_t* handle) { drive(handle->data); }
static void from_idle(uv_idle_t* handle) { drive(handle->data); }
static void from_prepare(uv_prepare_t* handle) { drive(handle->data); }
static void from_check(uv_check_t* handle) { drive(handle->data); }

static void from_async(uv_async_t* handle) { drive(handle->data); }

static void from_close(uv_handle_t* handle) { drive(handle->data); }

static void driver_start(driver_t* driver, uv_loop_t* loop) {
  driver->handle.any.data = driver;
  switch (driver->phase) {
    case FROM_TIMER:
      must(uv_timer_init(loop, &driver->handle.timer) == 0);
      break;
    case FROM_IDLE:
      must(uv_idle_init(loop, &driver->handle.idle) == 0);
      must(uv_idle_start(&driver->handle.idle, from_idle) == 0);
      break;
    case FROM_PREPARE:
      must(uv_prepare_init(loop, &driver->handle.prepare) == 0);
      must(uv_prepare_start(&driver->handle.prepare, from_prepare) == 0);
      break;
    case FROM_CHECK:
      must(uv_check_init(loop, &driver->handle.check) == 0);
      must(uv_check_start(&driver->handle.check, from_check) == 0);
      break;
    case FROM_ASYNC:
      must(uv_async_init(loop, &driver->handle.async, from_async) == 0);
      break;
    default:
      break;
  }
}

/* Before each turn: some phases have a callback only where there is a reason for it. */
static void driver_provoke(driver_t* driver, uv_loop_t* loop) {
  if (driver->phase == FROM_ASYNC) must(uv_async_send(&driver->handle.async) == 0);
  if (driver->phase == FROM_TIMER)
    must(uv_timer_start(&driver->handle.timer, from_timer, 0, 0) == 0);
  if (driver->phase != FROM_CLOSE) return;
  must(uv_timer_init(loop, &driver->handle.timer) == 0);
  uv_close(&driver->handle.any, from_close);
}

START_TEST(a_value_sent_in_any_phase_of_the_loop_is_delivered_without_a_wake_up) {
  driver_t driver;
  int after = _i % 2;
  int turns;

  memset(&driver, 0, sizeof(driver));
  driver.phase = (phase_t)(_i / 2 % NPHASES);
  driver.ch = support_channel(8, support_capacities[_i / (2 * NPHASES)]);
  if (!after) driver_start(&driver, &scene.loop);
  sink_start(&driver.sink, &scene.loop, driver.ch);
  if (after) driver_start(&driver, &scene.loop);
  for (turns = 0; turns < 3 * ROUNDS; turns++) {
    driver_provoke(&driver, &scene.loop);
    turn(&scene.loop, 1);
  }
  ck_assert_uint_eq(driver.sink.values, ROUNDS);
  ck_assert_uint_eq(rest(driver.ch).wakeups, 0);
  if (driver.phase != FROM_CLOSE) uv_close(&driver.handle.any, NULL);
  sink_close(&driver.sink);
  scene_finish_loop();
  uvchan_release(driver.ch);
}
END_TEST

/* A loop that has nothing but a prepare or a check handle and a receiver sleeps until a value
 * comes: the send itself must see to it that it is delivered. */
START_TEST(a_value_sent_just_before_the_loop_would_sleep_keeps_it_awake) {
  driver_t driver;
  int after = _i % 2;

  memset(&driver, 0, sizeof(driver));
  driver.phase = FROM_PREPARE;
  driver.ch = support_channel(8, support_capacities[_i / 2]);
  if (!after) driver_start(&driver, &scene.loop);
  sink_start(&driver.sink, &scene.loop, driver.ch);
  if (after) driver_start(&driver, &scene.loop);
  driver.sink.close_after = ROUNDS;
  while (driver.sink.closes == 0)
    must(uv_run(&scene.loop, UV_RUN_ONCE) != 0 || driver.sink.closes == 1);
  ck_assert_uint_eq(driver.sink.values, ROUNDS);
  uv_close(&driver.handle.any, NULL);
  scene_finish_loop();
  uvchan_release(driver.ch);
}
END_TEST

/* The first user of a loop may come in any phase, and what is ready for it at once must not wait
 * for something else to happen. */
typedef struct {
  driver_t driver; /* first */
  recv_op_t recv;
  int requests;
} newcomer_t;

static void come(newcomer_t* newcomer) {
  uv_loop_t* loop = newcomer->driver.handle.any.loop;
  if (newcomer->requests) {
    recv_op(&newcomer->recv, loop, newcomer->driver.ch);
  } else {
    sink_start(&newcomer->driver.sink, loop, newcomer->driver.ch);
    newcomer->driver.sink.close_after = 1;
  }
}

static void come_in_timer(uv_timer_t* handle) { come(handle->data); }

static void come_in_async(uv_async_t* handle) {
  come(handle->data);
  uv_unref((uv_handle_t*)handle);
}

/* They stop themselves, but are closed later: a loop with a closing handle would not sleep. */
static void come_in_idle(uv_idle_t* handle) {
  come(handle->data);
  must(uv_idle_stop(handle) == 0);
}

static void come_in_prepare(uv_prepare_t* handle) {
  come(handle->data);
  must(uv_prepare_stop(handle) == 0);
}

static void come_in_check(uv_check_t* handle) {
  come(handle->data);
  must(uv_check_stop(handle) == 0);
}

static void come_in_close(uv_handle_t* handle) { come(handle->data); }

static void newcomer_start(newcomer_t* newcomer, uv_loop_t* loop) {
  driver_t* driver = &newcomer->driver;
  switch (driver->phase) {
    case FROM_TIMER:
      must(uv_timer_init(loop, &driver->handle.timer) == 0);
      must(uv_timer_start(&driver->handle.timer, come_in_timer, 0, 0) == 0);
      break;
    case FROM_IDLE:
      must(uv_idle_init(loop, &driver->handle.idle) == 0);
      must(uv_idle_start(&driver->handle.idle, come_in_idle) == 0);
      break;
    case FROM_PREPARE:
      must(uv_prepare_init(loop, &driver->handle.prepare) == 0);
      must(uv_prepare_start(&driver->handle.prepare, come_in_prepare) == 0);
      break;
    case FROM_CHECK:
      must(uv_check_init(loop, &driver->handle.check) == 0);
      must(uv_check_start(&driver->handle.check, come_in_check) == 0);
      break;
    case FROM_ASYNC:
      must(uv_async_init(loop, &driver->handle.async, come_in_async) == 0);
      must(uv_async_send(&driver->handle.async) == 0);
      break;
    default:
      must(uv_timer_init(loop, &driver->handle.timer) == 0);
      uv_close(&driver->handle.any, come_in_close);
      break;
  }
  driver->handle.any.data = newcomer;
}

START_TEST(the_first_user_of_a_loop_may_come_in_any_phase) {
  newcomer_t newcomer;

  memset(&newcomer, 0, sizeof(newcomer));
  newcomer.requests = _i % 2;
  newcomer.driver.phase = (phase_t)(_i / 2);
  newcomer.driver.ch = support_channel(8, 3);
  ck_assert_int_eq(try_send(newcomer.driver.ch, 0), 0);
  newcomer_start(&newcomer, &scene.loop);
  if (newcomer.driver.phase == FROM_CHECK) turn(&scene.loop, 1);
  scene_run();
  ck_assert_uint_eq(newcomer.requests ? newcomer.recv.calls : newcomer.driver.sink.closes, 1);
  if (newcomer.driver.phase != FROM_CLOSE) uv_close(&newcomer.driver.handle.any, NULL);
  scene_finish_loop();
  uvchan_release(newcomer.driver.ch);
}
END_TEST

typedef struct {
  sink_t first;
  sink_t second;
} hop_t;

static void pass_on(uvchan_receiver_t* receiver, int status, const void* value) {
  hop_t* hop = (hop_t*)receiver;
  sink_on_value(receiver, status, value);
  if (status < 0) return;
  must(uvchan_try_send(hop->second.handle.channel, value) == 0);
  must(hop->second.values < hop->first.values); /* not inside the call */
}

START_TEST(a_value_sent_in_a_receive_callback_reaches_a_receiver_of_another_channel) {
  uvchan_t* in = scene_channel(support_capacities[_i]);
  uvchan_t* out = scene_channel(support_capacities[_i]);
  hop_t hop;
  uint64_t i;

  sink_init(&hop.first, &scene.loop, in);
  ck_assert_int_eq(uvchan_recv_start(&hop.first.handle, pass_on), 0);
  sink_start(&hop.second, &scene.loop, out);
  for (i = 0; i < ROUNDS; i++) {
    ck_assert_int_eq(try_send(in, i), 0);
    run_until(&scene.loop, hop.second.values == i + 1);
  }
  ck_assert_uint_eq(rest(in).wakeups + rest(out).wakeups, 0);
  sink_close(&hop.first);
  sink_close(&hop.second);
  scene_finish();
}
END_TEST

static void send_again(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_t* sink = (sink_t*)receiver;
  uint64_t before = sink->values;
  sink_on_value(receiver, status, value);
  if (status < 0 || sink->values == ROUNDS) return;
  must(try_send(receiver->channel, before + 1) == 0);
  must(sink->values == before + 1);
}

START_TEST(a_value_sent_in_a_receive_callback_to_its_own_channel_comes_in_a_callback_of_its_own) {
  uvchan_t* ch = scene_channel(support_capacities[1 + _i]);
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, send_again), 0);
  ck_assert_int_eq(try_send(ch, 0), 0);
  run_until(&scene.loop, sink.values == ROUNDS);
  ck_assert_uint_eq(rest(ch).wakeups, 0);
  sink_close(&sink);
  scene_finish();
}
END_TEST

typedef struct {
  uvchan_send_t req; /* first */
  uvchan_t* ch;
  uint64_t value;
} chain_t;

static void send_in_callback(uvchan_send_t* req, int status) {
  chain_t* chain = (chain_t*)req;
  must(status == 0);
  if (++chain->value == ROUNDS) return;
  must(uvchan_send(req->loop, req, chain->ch, &chain->value, send_in_callback) == 0);
}

START_TEST(send_requests_of_the_loop_reach_its_receiver_without_a_wake_up) {
  chain_t chain;
  sink_t sink;

  memset(&chain, 0, sizeof(chain));
  chain.ch = support_channel(8, support_capacities[_i]);
  sink_start(&sink, &scene.loop, chain.ch);
  ck_assert_int_eq(uvchan_send(&scene.loop, &chain.req, chain.ch, &chain.value, send_in_callback),
                   0);
  run_until(&scene.loop, sink.values == ROUNDS);
  ck_assert_uint_eq(rest(chain.ch).wakeups, 0);
  sink_close(&sink);
  scene_finish_loop();
  uvchan_release(chain.ch);
}
END_TEST

static void close_the_channel(uv_timer_t* timer) {
  must(uvchan_close(timer->data) == 0);
  uv_close((uv_handle_t*)timer, NULL);
}

START_TEST(a_close_in_a_callback_brings_the_end_and_wakes_the_requests) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uv_timer_t timer;
  sink_t sink;
  recv_op_t recv;

  sink_start(&sink, &scene.loop, ch);
  sink.close_at_end = 1;
  recv_op(&recv, &scene.loop, ch);
  ck_assert_int_eq(uv_timer_init(&scene.loop, &timer), 0);
  timer.data = ch;
  ck_assert_int_eq(uv_timer_start(&timer, close_the_channel, 1, 0), 0);
  scene_finish_loop();
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_int_eq(recv.status, UV_EOF);
  ck_assert_uint_eq(rest(ch).wakeups, 0);
}
END_TEST

static void close_inside(uvchan_receiver_t* receiver, int status, const void* value) {
  if (status == 0) must(uvchan_close(receiver->channel) == 0);
  sink_on_value(receiver, status, value);
}

START_TEST(a_close_in_the_receive_callback_brings_the_end_after_the_rest) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  sink.close_at_end = 1;
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, close_inside), 0);
  ck_assert_int_eq(try_send(ch, 0), 0);
  scene_finish_loop();
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_int_eq(sink.end, UV_EOF);
}
END_TEST

static void release_inside(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_on_value(receiver, status, value);
  sink_close((sink_t*)receiver);
  uvchan_release(receiver->channel); /* the user's own reference */
}

START_TEST(the_channel_may_be_released_in_the_callback) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, release_inside), 0);
  ck_assert_int_eq(try_send(ch, 0), 0);
  scene_finish_loop();
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_uint_eq(sink.closes, 1);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("same-loop");
  TCase* phases = scene_tcase(suite, "phases");
  TCase* callbacks = scene_tcase(suite, "callbacks");

  tcase_add_loop_test(phases, a_value_sent_in_any_phase_of_the_loop_is_delivered_without_a_wake_up,
                      0, PHASES_AND_KINDS);
  tcase_add_loop_test(phases, a_value_sent_just_before_the_loop_would_sleep_keeps_it_awake, 0,
                      2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(phases, the_first_user_of_a_loop_may_come_in_any_phase, 0, 2 * NPHASES);

  tcase_add_loop_test(callbacks,
                      a_value_sent_in_a_receive_callback_reaches_a_receiver_of_another_channel, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(
      callbacks,
      a_value_sent_in_a_receive_callback_to_its_own_channel_comes_in_a_callback_of_its_own, 0,
      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(callbacks, send_requests_of_the_loop_reach_its_receiver_without_a_wake_up, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(callbacks, a_close_in_a_callback_brings_the_end_and_wakes_the_requests, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(callbacks, a_close_in_the_receive_callback_brings_the_end_after_the_rest, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(callbacks, the_channel_may_be_released_in_the_callback, 0,
                      SUPPORT_NCAPACITIES);
  return support_main(suite);
}
