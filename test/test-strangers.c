/* A stranger closes every handle of the loop, as programs do at their end: uv_walk() with uv_close(handle, NULL). At whatever moment he
 * comes, the loop ends, later sends are harmless, and whoever still closes or cancels what is his is called back. */
#include "support-loop.h"

static void close_handle(uv_handle_t* handle, void* arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void stranger(uv_loop_t* loop) { uv_walk(loop, close_handle, NULL); }

/* Everything that the library can have on a loop, once, over one kind of channel. */
typedef struct {
  uv_loop_t loop;
  uvchan_t* in;  /* empty: receivers wait on it */
  uvchan_t* out; /* full: senders wait on it */
  uvchan_waitgroup_t wg;
  sink_t sink;
  sink_t batch;
  recv_op_t recv;
  send_op_t send;
  select_op_t select;
  notify_op_t notify;
  uvchan_ticker_t ticker;
  unsigned int ticker_closes;
} world_t;

static void on_ticker_close(uvchan_ticker_t* ticker) { ((world_t*)ticker->data)->ticker_closes++; }

static void world_open(world_t* world, size_t capacity) {
  uint64_t n = 0;
  memset(world, 0, sizeof(*world));
  support_loop_open(&world->loop);
  world->in = support_channel(8, capacity);
  world->out = support_channel(8, capacity);
  while (capacity != UVCHAN_UNBOUNDED && try_send(world->out, n) == 0) n++;
  ck_assert_int_eq(uvchan_waitgroup_init(&world->wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&world->wg, 1), 0);
  sink_start(&world->sink, &world->loop, world->in);
  sink_start_batch(&world->batch, &world->loop, world->in);
  world->sink.unordered = world->batch.unordered = 1;
  recv_op(&world->recv, &world->loop, world->in);
  if (capacity != UVCHAN_UNBOUNDED) send_op(&world->send, &world->loop, world->out, 99);
  select_case(&world->select, 0, world->in, UVCHAN_RECV, 0);
  select_case(&world->select, 1, NULL, UVCHAN_RECV, 0);
  select_op(&world->select, &world->loop, 2);
  notify_op(&world->notify, &world->loop, &world->wg);
  ck_assert_int_eq(uvchan_ticker_init(&world->loop, &world->ticker, world->out), 0);
  world->ticker.data = world;
  ck_assert_int_eq(uvchan_ticker_start(&world->ticker, 0, 1), 0);
}

/* Closes and cancels all that there is; what is decided already answers UV_EBUSY. */
static void world_close(world_t* world) {
  sink_close(&world->sink);
  sink_close(&world->batch);
  (void)cancel_op(&world->recv);
  if (world->send.req.loop != NULL) (void)cancel_op(&world->send);
  (void)cancel_op(&world->select);
  (void)cancel_op(&world->notify);
  uvchan_ticker_close(&world->ticker, on_ticker_close);
}

/* The loop ends, and everyone who was cancelled in time or closed was called back, once. */
static void world_finish(world_t* world) {
  support_loop_finish(&world->loop);
  ck_assert_uint_eq(world->sink.closes, 1);
  ck_assert_uint_eq(world->batch.closes, 1);
  ck_assert_uint_eq(world->ticker_closes, 1);
  uvchan_waitgroup_destroy(&world->wg);
  uvchan_release(world->in);
  uvchan_release(world->out);
}

static void check_all_cancelled(const world_t* world) {
  ck_assert_uint_eq(world->recv.calls, 1);
  ck_assert_int_eq(world->recv.status, UV_ECANCELED);
  ck_assert_uint_eq(world->select.calls, 1);
  ck_assert_int_eq(world->select.index, UV_ECANCELED);
  ck_assert_uint_eq(world->notify.calls, 1);
  ck_assert_int_eq(world->notify.status, UV_ECANCELED);
  if (world->send.req.loop == NULL) return;
  ck_assert_uint_eq(world->send.calls, 1);
  ck_assert_int_eq(world->send.status, UV_ECANCELED);
}

START_TEST(a_stranger_at_once_ends_the_run_and_all_can_be_closed_after_it) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  stranger(&world.loop);
  ck_assert_int_eq(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
  ck_assert_uint_eq(count_handles(&world.loop, UV_UNKNOWN_HANDLE), 0);
  world_close(&world);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

START_TEST(a_stranger_after_some_turns_ends_the_run_and_all_can_be_closed_after_it) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  settle(&world.loop);
  stranger(&world.loop);
  ck_assert_int_eq(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
  world_close(&world);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

START_TEST(what_is_closed_before_the_stranger_comes_calls_back) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  world_close(&world);
  stranger(&world.loop);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

START_TEST(what_is_closed_right_after_the_stranger_calls_back) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  settle(&world.loop);
  stranger(&world.loop);
  world_close(&world);
  stranger(&world.loop);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

static void use_the_channels(world_t* world) {
  uint64_t value = 7;
  (void)uvchan_try_send(world->in, &value);
  (void)uvchan_try_send(world->out, &value);
  (void)uvchan_try_recv(world->out, &value);
  (void)uvchan_send_timedwait(world->in, &value, 1000);
  must(uvchan_waitgroup_add(&world->wg, 1) == 0);
  must(uvchan_waitgroup_add(&world->wg, -2) == 0);
  must(uvchan_close(world->in) == 0);
  must(uvchan_abort(world->out, UV_ECONNABORTED) == 0);
}

static void use_in_a_thread(void* arg) { use_the_channels(arg); }

static void check_all_called(const world_t* world) {
  ck_assert_uint_eq(world->recv.calls, 1);
  ck_assert_uint_eq(world->select.calls, 1);
  ck_assert_uint_eq(world->notify.calls, 1);
  if (world->send.req.loop != NULL) ck_assert_uint_eq(world->send.calls, 1);
}

/* What was decided for a request whose wake-up handle is gone is too late to cancel; the attempt brings its callback all the same. */
START_TEST(sends_and_closes_after_the_stranger_are_harmless) {
  world_t world;
  uv_thread_t thread;

  world_open(&world, support_capacities[_i / 2]);
  settle(&world.loop);
  stranger(&world.loop);
  if (_i % 2 == 0) ck_assert_int_eq(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
  support_start(&thread, use_in_a_thread, &world);
  support_join(&thread);
  ck_assert_int_eq(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
  world_close(&world);
  support_loop_finish(&world.loop);
  ck_assert_uint_eq(world.sink.closes, 1);
  ck_assert_uint_eq(world.batch.closes, 1);
  check_all_called(&world);
  uvchan_release(world.in);
  uvchan_release(world.out);
}
END_TEST

static world_t abandoned; /* still reachable at the end, so that no leak checker minds it */

/* The program closes nothing of its own: what it had on the loop is abandoned, and only the memory behind it stays. */
START_TEST(a_loop_that_a_stranger_emptied_can_be_closed_and_its_channels_used) {
  uv_thread_t thread;

  world_open(&abandoned, support_capacities[_i / 2]);
  if (_i % 2 == 0) settle(&abandoned.loop);
  stranger(&abandoned.loop);
  ck_assert_int_eq(uv_run(&abandoned.loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq(uv_loop_close(&abandoned.loop), 0);
  memset(&abandoned.loop, 0x5a, sizeof(abandoned.loop));
  support_start(&thread, use_in_a_thread, &abandoned);
  support_join(&thread);
}
END_TEST

static void stranger_inside(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_on_value(receiver, status, value);
  stranger(receiver->loop);
}

START_TEST(a_stranger_in_a_receive_callback_ends_the_run) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  sink_t sink;
  sink_t other;

  support_loop_open(&loop);
  sink_init(&sink, &loop, ch);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, stranger_inside), 0);
  sink_start(&other, &loop, ch);
  sink.unordered = other.unordered = 1;
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  sink_close(&sink);
  sink_close(&other);
  support_loop_finish(&loop);
  ck_assert_uint_eq(sink.closes + other.closes, 2);
  uvchan_release(ch);
}
END_TEST

static void stranger_in_timer(uv_timer_t* timer) { stranger(timer->loop); }

START_TEST(a_stranger_in_a_timer_beside_a_sending_thread_ends_the_run) {
  world_t world;
  uv_timer_t timer;
  uv_thread_t thread;

  world_open(&world, support_capacities[_i]);
  ck_assert_int_eq(uv_timer_init(&world.loop, &timer), 0);
  ck_assert_int_eq(uv_timer_start(&timer, stranger_in_timer, 1, 0), 0);
  support_start(&thread, use_in_a_thread, &world);
  ck_assert_int_eq(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
  support_join(&thread);
  world_close(&world);
  support_loop_finish(&world.loop);
  ck_assert_uint_eq(world.sink.closes, 1);
  ck_assert_uint_eq(world.batch.closes, 1);
  check_all_called(&world);
  uvchan_release(world.in);
  uvchan_release(world.out);
}
END_TEST

/* After the stranger the loop is as good as new, also while the old users are still there. */
START_TEST(new_users_after_the_stranger_are_served) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uvchan_t* old_ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  sink_t old;
  sink_t sink;

  support_loop_open(&loop);
  sink_start(&old, &loop, old_ch);
  settle(&loop);
  stranger(&loop);
  if (_i % 2 == 0) ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  sink_start(&sink, &loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  run_until(&loop, sink.values == 1);
  sink_close(&old);
  sink_close(&sink);
  support_loop_finish(&loop);
  ck_assert_uint_eq(old.closes, 1);
  ck_assert_uint_eq(sink.closes, 1);
  uvchan_release(ch);
  uvchan_release(old_ch);
}
END_TEST

START_TEST(values_of_receivers_that_a_stranger_took_away_stay_in_the_channel) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  sink_t sink;

  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  settle(&loop);
  ck_assert_int_eq(try_send(ch, 5), 0);
  stranger(&loop);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  sink.unordered = 1;
  sink_close(&sink);
  support_loop_finish(&loop);
  if (sink.values == 0) ck_assert(takes(ch, 5));
  ck_assert_uint_eq(rest(ch).received, 1);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_ticker_whose_timer_a_stranger_closed_answers_as_a_closing_one) {
  uvchan_t* ch = support_channel(8, 3);
  world_t world;

  memset(&world, 0, sizeof(world));
  support_loop_open(&world.loop);
  ck_assert_int_eq(uvchan_ticker_init(&world.loop, &world.ticker, ch), 0);
  world.ticker.data = &world;
  ck_assert_int_eq(uvchan_ticker_start(&world.ticker, 0, 1), 0);
  stranger(&world.loop);
  ck_assert_int_eq(uvchan_ticker_start(&world.ticker, 0, 1), UV_EINVAL);
  ck_assert_int_eq(uvchan_ticker_stop(&world.ticker), 0);
  ck_assert_int_eq(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
  uvchan_ticker_close(&world.ticker, on_ticker_close);
  support_loop_finish(&world.loop);
  ck_assert_uint_eq(world.ticker_closes, 1);
  ck_assert_uint_eq(uvchan_len(ch), 0);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("strangers");
  TCase* moments = support_tcase(suite, "moments");
  TCase* after = support_tcase(suite, "after");
  TCase* abandon = tcase_create("abandon"); /* without the check that nothing stays allocated */

  tcase_add_loop_test(moments, a_stranger_at_once_ends_the_run_and_all_can_be_closed_after_it, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, a_stranger_after_some_turns_ends_the_run_and_all_can_be_closed_after_it, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, what_is_closed_before_the_stranger_comes_calls_back, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, what_is_closed_right_after_the_stranger_calls_back, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, a_stranger_in_a_receive_callback_ends_the_run, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, a_stranger_in_a_timer_beside_a_sending_thread_ends_the_run, 0, SUPPORT_NCAPACITIES);

  tcase_add_loop_test(after, sends_and_closes_after_the_stranger_are_harmless, 0, 2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(after, new_users_after_the_stranger_are_served, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(after, values_of_receivers_that_a_stranger_took_away_stay_in_the_channel, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(after, a_ticker_whose_timer_a_stranger_closed_answers_as_a_closing_one);

  suite_add_tcase(suite, abandon);
  tcase_add_loop_test(abandon, a_loop_that_a_stranger_emptied_can_be_closed_and_its_channels_used, 0, 2 * SUPPORT_NCAPACITIES);
  return support_main(suite);
}
