/* Tickers: what they send and when they stop, what is missed, and their life on the loop. No test judges how long anything took. */
#include "support-loop.h"

typedef struct {
  uvchan_ticker_t handle; /* first */
  unsigned int closes;
} ticker_t;

static void on_ticker_close(uvchan_ticker_t* handle) { ((ticker_t*)handle)->closes++; }

static void ticker_open(ticker_t* ticker, uv_loop_t* loop, uvchan_t* ch) {
  memset(ticker, 0, sizeof(*ticker));
  ck_assert_int_eq(uvchan_ticker_init(loop, &ticker->handle, ch), 0);
}

static void ticker_close(ticker_t* ticker) { uvchan_ticker_close(&ticker->handle, on_ticker_close); }

START_TEST(a_ticker_without_repeat_sends_the_time_once) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  ticker_t ticker;
  sink_t sink;
  uint64_t started;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  uvchan_receiver_unref(&sink.handle);
  sink.unordered = 1;
  ticker_open(&ticker, &loop, ch);
  ck_assert_ptr_eq(ticker.handle.loop, &loop);
  ck_assert_ptr_eq(ticker.handle.channel, ch);
  uv_update_time(&loop);
  started = uv_now(&loop);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 2, 0), 0);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  uvchan_receiver_ref(&sink.handle);
  settle(&loop);
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_uint_ge(sink.last, started + 2);
  ck_assert_uint_le(sink.last, uv_now(&loop));
  ck_assert_uint_eq(uvchan_ticker_missed(&ticker.handle), 0);
  sink_close(&sink);
  ticker_close(&ticker);
  ck_assert_uint_eq(ticker.closes, 0);
  support_loop_finish(&loop);
  ck_assert_uint_eq(ticker.closes, 1);
  uvchan_release(ch);
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
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  clock_watch_t watch;

  support_loop_open(&loop);
  memset(&watch, 0, sizeof(watch));
  watch.limit = 5;
  ck_assert_int_eq(uvchan_receiver_init(&loop, &watch.receiver, ch), 0);
  watch.receiver.data = &watch;
  ck_assert_int_eq(uvchan_recv_start(&watch.receiver, on_tick), 0);
  ticker_open(&watch.ticker, &loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&watch.ticker.handle, 0, 1), 0);
  ck_assert_uint_eq(watch.ticks, 0);
  support_loop_finish(&loop);
  ck_assert_uint_eq(watch.ticks, 5);
  ck_assert_uint_eq(watch.ticker.closes, 1);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_full_channel_skips_ticks_and_counts_them) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  size_t capacity = support_capacities[_i];
  uv_loop_t loop;
  ticker_t ticker;

  support_loop_open(&loop);
  ticker_open(&ticker, &loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 1, 1), 0);
  run_until(&loop, uvchan_ticker_missed(&ticker.handle) >= 3);
  ck_assert_uint_eq(uvchan_len(ch), capacity);
  ck_assert_uint_eq(support_at_rest(ch).sent, capacity);
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert_uint_ge(uvchan_ticker_missed(&ticker.handle), 3);
  ticker_close(&ticker);
  support_loop_finish(&loop);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_channel_that_drops_misses_no_tick) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, 2, _i == 0 ? UVCHAN_DROP_OLDEST : UVCHAN_DROP_NEWEST);
  uv_loop_t loop;
  ticker_t ticker;

  support_loop_open(&loop);
  ticker_open(&ticker, &loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 1, 1), 0);
  run_until(&loop, atomic_load(&drops.by_reason[UVCHAN_DROPPED_OVERFLOW]) >= 3);
  ck_assert_uint_eq(uvchan_ticker_missed(&ticker.handle), 0);
  ck_assert_uint_eq(uvchan_len(ch), 2);
  ticker_close(&ticker);
  support_loop_finish(&loop);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_closed_channel_stops_the_ticker) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  ticker_t ticker;

  support_loop_open(&loop);
  ticker_open(&ticker, &loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 1, 1), 0);
  ck_assert(uv_loop_alive(&loop));
  ck_assert_int_eq(uvchan_close(ch), 0);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert(!uv_loop_alive(&loop));
  ck_assert_uint_eq(uvchan_ticker_missed(&ticker.handle), 0);
  ck_assert_uint_eq(support_at_rest(ch).sent, 0);
  ticker_close(&ticker);
  support_loop_finish(&loop);
  ck_assert_uint_eq(ticker.closes, 1);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_second_start_replaces_the_first) {
  uvchan_t* ch = support_channel(8, 16);
  uv_loop_t loop;
  ticker_t ticker;

  support_loop_open(&loop);
  ticker_open(&ticker, &loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 1, 1), 0);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 1, 0), 0);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert_uint_eq(uvchan_len(ch), 1);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 0), 0);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert_uint_eq(uvchan_len(ch), 2);
  ticker_close(&ticker);
  support_loop_finish(&loop);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_stopped_ticker_sends_nothing_and_does_not_keep_the_loop_alive) {
  uvchan_t* ch = support_channel(8, 16);
  uv_loop_t loop;
  ticker_t ticker;

  support_loop_open(&loop);
  ticker_open(&ticker, &loop, ch);
  ck_assert(!uv_loop_alive(&loop));
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  ck_assert(uv_loop_alive(&loop));
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert(!uv_loop_alive(&loop));
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert_uint_eq(uvchan_len(ch), 0);
  ticker_close(&ticker);
  support_loop_finish(&loop);
  uvchan_release(ch);
}
END_TEST

START_TEST(an_unreferenced_ticker_does_not_keep_the_loop_alive) {
  uvchan_t* ch = support_channel(8, 16);
  uv_loop_t loop;
  ticker_t ticker;

  support_loop_open(&loop);
  ticker_open(&ticker, &loop, ch);
  uvchan_ticker_unref(&ticker.handle);
  uvchan_ticker_unref(&ticker.handle);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  ck_assert(!uv_loop_alive(&loop));
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  uvchan_ticker_ref(&ticker.handle);
  ck_assert(uv_loop_alive(&loop));
  run_until(&loop, uvchan_len(ch) >= 2);
  ticker_close(&ticker);
  support_loop_finish(&loop);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_closing_ticker_sends_nothing_and_can_not_be_started) {
  uvchan_t* ch = support_channel(8, 16);
  uv_loop_t loop;
  ticker_t ticker;

  support_loop_open(&loop);
  ticker_open(&ticker, &loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  ticker_close(&ticker);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), UV_EINVAL);
  support_loop_finish(&loop);
  ck_assert_uint_eq(ticker.closes, 1);
  ck_assert_uint_eq(uvchan_len(ch), 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_ticker_holds_its_channel_until_it_is_closed) {
  uvchan_t* ch = support_channel(8, 1);
  uv_loop_t loop;
  ticker_t ticker;

  support_loop_open(&loop);
  ticker_open(&ticker, &loop, ch);
  uvchan_release(ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  run_until(&loop, uvchan_ticker_missed(&ticker.handle) >= 1);
  uvchan_ticker_close(&ticker.handle, NULL);
  support_loop_finish(&loop);
}
END_TEST

START_TEST(a_tick_does_not_overtake_a_send_request_that_waits) {
  uvchan_t* ch = support_channel(8, 1);
  uv_loop_t loop;
  ticker_t ticker;
  send_op_t send;

  support_loop_open(&loop);
  ck_assert_int_eq(try_send(ch, 1), 0);
  send_op(&send, &loop, ch, 2);
  ticker_open(&ticker, &loop, ch);
  ck_assert_int_eq(uvchan_ticker_start(&ticker.handle, 0, 1), 0);
  run_until(&loop, uvchan_ticker_missed(&ticker.handle) >= 2);
  ck_assert_int_eq(uvchan_ticker_stop(&ticker.handle), 0);
  ck_assert(takes(ch, 1));
  ck_assert(takes(ch, 2));
  ck_assert(is_empty(ch));
  ticker_close(&ticker);
  support_loop_finish(&loop);
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
  TCase* ticks = support_tcase(suite, "ticks");
  TCase* life = support_tcase(suite, "life");

  tcase_add_loop_test(ticks, a_ticker_without_repeat_sends_the_time_once, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(ticks, a_repeating_ticker_sends_rising_times_until_it_is_closed, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(ticks, a_full_channel_skips_ticks_and_counts_them, 0, SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(ticks, a_channel_that_drops_misses_no_tick, 0, 2);
  tcase_add_test(ticks, a_tick_does_not_overtake_a_send_request_that_waits);

  tcase_add_loop_test(life, a_closed_channel_stops_the_ticker, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(life, a_second_start_replaces_the_first);
  tcase_add_test(life, a_stopped_ticker_sends_nothing_and_does_not_keep_the_loop_alive);
  tcase_add_test(life, an_unreferenced_ticker_does_not_keep_the_loop_alive);
  tcase_add_test(life, a_closing_ticker_sends_nothing_and_can_not_be_started);
  tcase_add_test(life, a_ticker_holds_its_channel_until_it_is_closed);
  tcase_add_test(life, a_ticker_needs_values_of_eight_bytes);
  return support_main(suite);
}
