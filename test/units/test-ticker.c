/* SPDX-License-Identifier: MIT */
/* Tickers: what they send and when they stop, what is missed, and their life on the loop. No test
 * judges how long anything took. */
#include "scene.h"

typedef struct {
  uvchan_ticker_t handle; /* first */
  unsigned int closes;
} ticker_t;

static void on_ticker_close(uvchan_ticker_t* handle) { ((ticker_t*)handle)->closes++; }

static void ticker_open(ticker_t* ticker, uv_loop_t* loop, uvchan_t* ch) {
  memset(ticker, 0, sizeof(*ticker));
  ck_assert_int_eq(uvchan_ticker_init(loop, &ticker->handle, ch), 0);
}

static void ticker_close(ticker_t* ticker) {
  uvchan_ticker_close(&ticker->handle, on_ticker_close);
}

START_TEST(a_ticker_without_repeat_sends_the_time_once) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  ticker_t ticker;
  sink_t sink;
  uint64_t started;

  sink_start(&sink, &scene.loop, ch);
  uvchan_receiver_unref(&sink.handle);
  sink.unordered = 1;
  ticker_open(&ticker, &scene.loop, ch);
  ck_assert_ptr_eq(ticker.handle.loop, &scene.loop);
  ck_assert_ptr_eq(ticker.handle.channel, ch);
  uv_update_time(&scene.loop);
  started = uv_now(&scene.loop);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 2, 0), 0);
  scene_run();
  uvchan_receiver_ref(&sink.handle);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_uint_ge(sink.last, started + 2);
  ck_assert_uint_le(sink.last, uv_now(&scene.loop));
  ck_assert_uint_eq(uvchan_ticker_missed(&ticker.handle), 0);
  sink_close(&sink);
  ticker_close(&ticker);
  ck_assert_uint_eq(ticker.closes, 0);
  scene_finish_loop();
  ck_assert_uint_eq(ticker.closes, 1);
}
END_TEST

typedef struct {
  ticker_t ticker;
  uvchan_receiver_t receiver;
  uint64_t last;
  unsigned int ticks;
  unsigned int limit;
} clock_watch_t;

static void on_tick(uvchan_receiver_t* receiver, int status, const void* value) {
  clock_watch_t* watch = receiver->data;
  uint64_t now;
  if (status < 0) return;
  memcpy(&now, value, 8);
  must(now >= watch->last);
  must(now <= uv_now(receiver->loop));
  watch->last = now;
  if (++watch->ticks < watch->limit) return;
  ticker_close(&watch->ticker);
  uvchan_receiver_close(receiver, NULL);
}

START_TEST(a_repeating_ticker_sends_rising_times_until_it_is_closed) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  clock_watch_t watch;

  memset(&watch, 0, sizeof(watch));
  watch.limit = 5;
  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &watch.receiver, ch), 0);
  watch.receiver.data = &watch;
  ck_assert_int_eq(uvchan_recv_start(&watch.receiver, on_tick), 0);
  ticker_open(&watch.ticker, &scene.loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&watch.ticker.handle, 0, 1), 0);
  ck_assert_uint_eq(watch.ticks, 0);
  scene_finish_loop();
  ck_assert_uint_eq(watch.ticks, 5);
  ck_assert_uint_eq(watch.ticker.closes, 1);
}
END_TEST

START_TEST(a_full_channel_skips_ticks_and_counts_them) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  size_t capacity = support_capacities[_i];
  ticker_t ticker;
  uint64_t missed;

  ticker_open(&ticker, &scene.loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 1, 1), 0);
  run_until(&scene.loop, uvchan_len(ch) == capacity);
  missed = uvchan_ticker_missed(&ticker.handle);
  run_until(&scene.loop, uvchan_ticker_missed(&ticker.handle) >= missed + 3);
  ck_assert_uint_eq(uvchan_len(ch), capacity);
  ck_assert_uint_eq(support_at_rest(ch).sent, capacity);
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert_uint_ge(uvchan_ticker_missed(&ticker.handle), missed + 3);
  ticker_close(&ticker);
  scene_finish();
}
END_TEST

START_TEST(a_channel_that_drops_misses_no_tick) {
  support_drops_t drops;
  uvchan_t* ch =
      support_dropping_channel(&drops, 8, 2, _i == 0 ? UVCHAN_DROP_OLDEST : UVCHAN_DROP_NEWEST);
  ticker_t ticker;
  int i;

  ticker_open(&ticker, &scene.loop, ch);
  for (i = 0; i < 5; i++) { /* singly, or a late loop would miss some */
    ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 0), 0);
    scene_run();
  }
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_OVERFLOW]), 3);
  ck_assert_uint_eq(uvchan_ticker_missed(&ticker.handle), 0);
  ck_assert_uint_eq(uvchan_len(ch), 2);
  ticker_close(&ticker);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

START_TEST(a_closed_channel_stops_the_ticker) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  ticker_t ticker;

  ticker_open(&ticker, &scene.loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 1, 1), 0);
  ck_assert(uv_loop_alive(&scene.loop));
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_run();
  ck_assert(!uv_loop_alive(&scene.loop));
  ck_assert_uint_eq(uvchan_ticker_missed(&ticker.handle), 0);
  ck_assert_uint_eq(support_at_rest(ch).sent, 0);
  ticker_close(&ticker);
  scene_finish_loop();
  ck_assert_uint_eq(ticker.closes, 1);
}
END_TEST

START_TEST(a_second_start_replaces_the_first) {
  uvchan_t* ch = scene_channel(16);
  ticker_t ticker;

  ticker_open(&ticker, &scene.loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 1, 1), 0);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 1, 0), 0);
  scene_run();
  ck_assert_uint_eq(uvchan_len(ch), 1);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 0), 0);
  scene_run();
  ck_assert_uint_eq(uvchan_len(ch), 2);
  ticker_close(&ticker);
  scene_finish();
}
END_TEST

START_TEST(a_stopped_ticker_sends_nothing_and_does_not_keep_the_loop_alive) {
  uvchan_t* ch = scene_channel(16);
  ticker_t ticker;

  ticker_open(&ticker, &scene.loop, ch);
  ck_assert(!uv_loop_alive(&scene.loop));
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  ck_assert(uv_loop_alive(&scene.loop));
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert(!uv_loop_alive(&scene.loop));
  scene_run();
  ck_assert_uint_eq(uvchan_len(ch), 0);
  ticker_close(&ticker);
  scene_finish();
}
END_TEST

START_TEST(an_unreferenced_ticker_does_not_keep_the_loop_alive) {
  uvchan_t* ch = scene_channel(16);
  ticker_t ticker;

  ticker_open(&ticker, &scene.loop, ch);
  uvchan_ticker_unref(&ticker.handle);
  uvchan_ticker_unref(&ticker.handle);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  ck_assert(!uv_loop_alive(&scene.loop));
  scene_run();
  uvchan_ticker_ref(&ticker.handle);
  ck_assert(uv_loop_alive(&scene.loop));
  run_until(&scene.loop, uvchan_len(ch) >= 2);
  ticker_close(&ticker);
  scene_finish();
}
END_TEST

START_TEST(a_closing_ticker_sends_nothing_and_can_not_be_started) {
  uvchan_t* ch = scene_channel(16);
  ticker_t ticker;

  ticker_open(&ticker, &scene.loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  ticker_close(&ticker);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), UV_EINVAL);
  scene_finish_loop();
  ck_assert_uint_eq(ticker.closes, 1);
  ck_assert_uint_eq(uvchan_len(ch), 0);
}
END_TEST

START_TEST(a_ticker_holds_its_channel_until_it_is_closed) {
  uvchan_t* ch = support_channel(8, 1);
  ticker_t ticker;

  ticker_open(&ticker, &scene.loop, ch);
  uvchan_release(ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  run_until(&scene.loop, uvchan_ticker_missed(&ticker.handle) >= 1);
  uvchan_ticker_close(&ticker.handle, NULL);
  scene_finish();
}
END_TEST

START_TEST(a_tick_does_not_overtake_a_send_request_that_waits) {
  uvchan_t* ch = scene_channel(1);
  ticker_t ticker;
  send_op_t send;

  ck_assert_int_eq(try_send(ch, 1), 0);
  send_op(&send, &scene.loop, ch, 2);
  ticker_open(&ticker, &scene.loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  run_until(&scene.loop, uvchan_ticker_missed(&ticker.handle) >= 2);
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert(takes(ch, 1));
  ck_assert(takes(ch, 2));
  ck_assert(is_empty(ch));
  ticker_close(&ticker);
  scene_finish();
}
END_TEST

/* ---- Due times ----------------------------------------------------------------------------------
 *
 * Before each poll the loop's timers have run for the time that uv_now() still tells: so each tick
 * that is due by then was sent or missed, however long the loop was busy with something else. */

typedef struct {
  ticker_t ticker;
  uv_prepare_t prepare;
  uint64_t first; /* when the first tick of the present start is due */
  uint64_t period;
  uint64_t before; /* ticks of earlier starts */
  uint64_t until;  /* ticks of this one, and then on_ticks() */
  uint32_t random;
  void (*on_ticks)(uv_prepare_t* prepare);
} watch_t;

static uint64_t ticks_of(watch_t* watch) {
  return rest(watch->ticker.handle.channel).sent + uvchan_ticker_missed(&watch->ticker.handle) -
         watch->before;
}

static void watch_start(watch_t* watch, uint64_t timeout, uint64_t period, uint64_t until) {
  watch->before = 0;
  watch->before = ticks_of(watch);
  watch->first = uv_now(watch->prepare.loop) + timeout;
  watch->period = period;
  watch->until = until;
  must(uvchan_ticker_start(&watch->ticker.handle, timeout, period) == 0);
}

/* Keeps the loop from its timers for up to 3 periods. */
static void check_and_stall(uv_prepare_t* prepare) {
  watch_t* watch = prepare->data;
  uint64_t now = uv_now(prepare->loop);
  uint64_t due = now < watch->first ? 0 : (now - watch->first) / watch->period + 1;

  ck_assert_uint_eq(ticks_of(watch), due);
  if (due >= watch->until) {
    watch->on_ticks(prepare);
  } else {
    uv_sleep(support_random(&watch->random) % (unsigned int)(3 * watch->period));
  }
}

static void watch_end(uv_prepare_t* prepare) {
  watch_t* watch = prepare->data;

  ticker_close(&watch->ticker);
  uv_close((uv_handle_t*)prepare, NULL);
}

static void watch_open(watch_t* watch, uv_loop_t* loop, uvchan_t* ch) {
  memset(watch, 0, sizeof(*watch));
  ticker_open(&watch->ticker, loop, ch);
  must(uv_prepare_init(loop, &watch->prepare) == 0);
  watch->prepare.data = watch;
  watch->random = 4711;
  watch->on_ticks = watch_end;
  must(uv_prepare_start(&watch->prepare, check_and_stall) == 0);
}

START_TEST(each_tick_that_is_due_is_sent_or_counted_however_long_the_loop_stalls) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  watch_t watch;

  watch_open(&watch, &scene.loop, ch);
  watch_start(&watch, 4, 3, 60);
  scene_run();
  ck_assert_uint_gt(uvchan_ticker_missed(&watch.ticker.handle), 0);
  scene_finish();
}
END_TEST

/* One tick for all that were due: it tells the time at which it was sent, and the next one is due
 * where it always was. */
START_TEST(a_late_tick_moves_no_later_one) {
  uvchan_t* ch = scene_channel(UVCHAN_UNBOUNDED);
  watch_t watch;
  uint64_t value, before = 0, last = 0, n = 0;

  watch_open(&watch, &scene.loop, ch);
  watch_start(&watch, 0, 5, 40);
  scene_run();
  for (; uvchan_try_recv(ch, &value) == 0; n++, last = value) {
    uint64_t index = (value - watch.first) / 5 + 1; /* counted in due times */
    ck_assert_uint_gt(index, before);
    before = index;
  }
  ck_assert_uint_eq(n + uvchan_ticker_missed(&watch.ticker.handle), (last - watch.first) / 5 + 1);
  scene_finish();
}
END_TEST

static void watch_again(uv_prepare_t* prepare) {
  watch_t* watch = prepare->data;

  watch->on_ticks = watch_end;
  watch_start(watch, 1, 2, 20);
}

START_TEST(a_second_start_counts_from_its_own_time) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  watch_t watch;

  watch_open(&watch, &scene.loop, ch);
  watch.on_ticks = watch_again;
  watch_start(&watch, 5, 7, 3);
  scene_run();
  ck_assert_uint_eq(watch.period, 2);
  scene_finish();
}
END_TEST

START_TEST(times_beyond_the_end_of_the_clock_are_for_ever) {
  static const uint64_t times[] = {UINT64_MAX, UINT64_MAX - 1, (uint64_t)1 << 63};
  uint64_t time = times[_i];
  uvchan_t* ch = scene_channel(16);
  ticker_t ticker;

  ticker_open(&ticker, &scene.loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, time, time), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(uvchan_len(ch), 0);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, time), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(uvchan_len(ch), 1);
  ck_assert_uint_eq(uvchan_ticker_missed(&ticker.handle), 0);
  ck_assert(uv_loop_alive(&scene.loop));
  ticker_close(&ticker);
  scene_finish();
}
END_TEST

static uvchan_ticker_t* dropped_of;

static void stop_or_close(void* value, uvchan_drop_reason_t reason, void* how) {
  (void)value;
  if (reason != UVCHAN_DROPPED_OVERFLOW) return;
  if (how == NULL) {
    must(uvchan_ticker_stop(dropped_of) == 0);
  } else {
    uvchan_ticker_close(dropped_of, NULL);
  }
}

START_TEST(the_drop_callback_of_a_tick_may_end_its_ticker) {
  uvchan_options_t options;
  uvchan_t* ch = NULL;
  ticker_t ticker;

  memset(&options, 0, sizeof(options));
  options.elem_size = 8;
  options.capacity = 2;
  options.overflow = UVCHAN_DROP_OLDEST;
  options.drop_cb = stop_or_close;
  options.drop_arg = _i == 0 ? NULL : &options;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  ticker_open(&ticker, &scene.loop, ch);
  dropped_of = &ticker.handle;
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  scene_run();
  ck_assert_uint_eq(rest(ch).dropped, 1);
  ck_assert_uint_eq(rest(ch).sent, 3);
  if (_i == 0) uvchan_ticker_close(&ticker.handle, NULL);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

START_TEST(a_ticker_needs_values_of_eight_bytes) {
  uv_loop_t loop;
  uvchan_ticker_t ticker;
  size_t i;

  support_loop_open(&loop);
  for (i = 0; i < SUPPORT_NELEM_SIZES; i++) {
    uvchan_t* ch = support_channel(support_elem_sizes[i], 1);
    if (support_elem_sizes[i] != 8) {
      ck_assert_int_eq(uvchan_ticker_init(&loop, &ticker, ch), UV_EINVAL);
    } else {
      ck_assert_int_eq(uvchan_ticker_init(&loop, NULL, ch), UV_EINVAL);
    }
    uvchan_release(ch);
  }
  ck_assert_int_eq(uvchan_ticker_init(&loop, &ticker, NULL), UV_EINVAL);
  ck_assert_int_eq(uvchan_ticker_start(NULL, 1, 1), UV_EINVAL);
  ck_assert_int_eq(uvchan_ticker_stop(NULL), UV_EINVAL);
  ck_assert_uint_eq(uvchan_ticker_missed(NULL), 0);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("ticker");
  TCase* ticks = scene_tcase(suite, "ticks");
  TCase* due = scene_tcase(suite, "due times");
  TCase* life = scene_tcase(suite, "life");

  tcase_add_loop_test(ticks, a_ticker_without_repeat_sends_the_time_once, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(ticks, a_repeating_ticker_sends_rising_times_until_it_is_closed, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(ticks, a_full_channel_skips_ticks_and_counts_them, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(ticks, a_channel_that_drops_misses_no_tick, 0, 2);
  tcase_add_test(ticks, a_tick_does_not_overtake_a_send_request_that_waits);

  tcase_add_loop_test(due, each_tick_that_is_due_is_sent_or_counted_however_long_the_loop_stalls, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_test(due, a_late_tick_moves_no_later_one);
  tcase_add_loop_test(due, a_second_start_counts_from_its_own_time, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(due, times_beyond_the_end_of_the_clock_are_for_ever, 0, 3);
  tcase_add_loop_test(due, the_drop_callback_of_a_tick_may_end_its_ticker, 0, 2);

  tcase_add_loop_test(life, a_closed_channel_stops_the_ticker, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(life, a_second_start_replaces_the_first);
  tcase_add_test(life, a_stopped_ticker_sends_nothing_and_does_not_keep_the_loop_alive);
  tcase_add_test(life, an_unreferenced_ticker_does_not_keep_the_loop_alive);
  tcase_add_test(life, a_closing_ticker_sends_nothing_and_can_not_be_started);
  tcase_add_test(life, a_ticker_holds_its_channel_until_it_is_closed);
  tcase_add_test(life, a_ticker_needs_values_of_eight_bytes);
  return support_main(suite);
}
