/* SPDX-License-Identifier: MIT */
/* A stranger has closed every handle of a loop, and the loop is gone, or is in its last closing
 * phase: whoever closes or cancels what was on it is called back, in each other's callbacks too. */
#include "world.h"

static void check_all_closed(world_t* world) {
  ck_assert_uint_eq(world->sink.closes, 1);
  ck_assert_uint_eq(world->batch.closes, 1);
  ck_assert_uint_eq(world->ticker_closes, 1);
  uvchan_release(world->in);
  uvchan_release(world->out);
}

/* Each by itself, in the order that a number says; each calls back in the call, since no loop is
 * left to do it. */
static void close_sink(world_t* world) {
  sink_close(&world->sink);
  ck_assert_uint_eq(world->sink.closes, 1);
}

static void close_batch(world_t* world) {
  sink_close(&world->batch);
  ck_assert_uint_eq(world->batch.closes, 1);
}

static void cancel_recv(world_t* world) {
  int r = cancel_op(&world->recv);
  ck_assert(r == 0 || r == UV_EBUSY);
  ck_assert_uint_eq(world->recv.calls, 1);
}

static void cancel_send(world_t* world) {
  if (world->send.req.loop == NULL) return;
  (void)cancel_op(&world->send);
  ck_assert_uint_eq(world->send.calls, 1);
}

static void cancel_select(world_t* world) {
  (void)cancel_op(&world->select);
  ck_assert_uint_eq(world->select.calls, 1);
}

static void cancel_notify(world_t* world) {
  (void)cancel_op(&world->notify);
  ck_assert_uint_eq(world->notify.calls, 1);
}

static void close_ticker(world_t* world) {
  uvchan_ticker_close(&world->ticker, on_ticker_close);
  ck_assert_uint_eq(world->ticker_closes, 1);
}

static void (*const endings[])(world_t*) = {close_sink,    close_batch,   cancel_recv, cancel_send,
                                            cancel_select, cancel_notify, close_ticker};
#define NENDINGS 7

static void end_all(world_t* world, int order) {
  int i;
  for (i = 0; i < NENDINGS; i++)
    endings[(order % 2 == 0 ? order + i : 2 * NENDINGS + order - i) % NENDINGS](world);
}

/* _i: the order, and the capacity. */
START_TEST(all_can_be_closed_when_the_loop_is_closed_and_freed) {
  world_t world;

  world_open(&world, support_capacities[_i % SUPPORT_NCAPACITIES]);
  if (_i % 2 == 0) settle(world.loop);
  stranger(world.loop);
  loop_end(world.loop);
  end_all(&world, _i / SUPPORT_NCAPACITIES);
  check_all_cancelled(&world);
  ck_assert_int_eq(cancel_op(&world.recv), UV_EBUSY);
  check_all_closed(&world);
}
END_TEST

START_TEST(what_was_decided_meanwhile_calls_back_with_that) {
  world_t world;
  uv_thread_t thread;

  world_open(&world, support_capacities[_i % SUPPORT_NCAPACITIES]);
  settle(world.loop);
  stranger(world.loop);
  loop_end(world.loop);
  support_start(&thread, use_in_a_thread, &world);
  support_join(&thread);
  end_all(&world, _i / SUPPORT_NCAPACITIES);
  check_all_called(&world);
  ck_assert_int_ne(world.recv.status, UV_ECANCELED);
  ck_assert_int_eq(world.notify.status, 0);
  check_all_closed(&world);
}
END_TEST

/* The loop is still there, and calls back; nothing does so in the call. */
START_TEST(before_the_closing_is_done_nothing_calls_back_in_the_call) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  settle(world.loop);
  stranger(world.loop);
  world_close(&world);
  ck_assert_uint_eq(world.sink.closes + world.batch.closes + world.ticker_closes, 0);
  ck_assert_uint_eq(world.recv.calls + world.send.calls + world.select.calls + world.notify.calls,
                    0);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

/* Each is closed or cancelled in the callback of the one before, and together they hold the
 * channel. */
static world_t nest;
static int nest_next;

static void nest_sink(void);
static void nest_batch(void);
static void nest_recv(void) { must(cancel_op(&nest.recv) == 0); }
static void nest_select(void) { must(cancel_op(&nest.select) == 0); }
static void nest_notify(void) { must(cancel_op(&nest.notify) == 0); }
static void nest_ticker(void);

#define NEST_DEPTH 6
static void (*nest_endings[NEST_DEPTH])(void) = {nest_sink,   nest_recv,   nest_batch,
                                                 nest_notify, nest_ticker, nest_select};

static void nest_rotate(int times) {
  while (times-- > 0) {
    void (*first)(void) = nest_endings[0];
    memmove(nest_endings, nest_endings + 1, (NEST_DEPTH - 1) * sizeof(first));
    nest_endings[NEST_DEPTH - 1] = first;
  }
}

static void nest_on(void) {
  if (nest_next < NEST_DEPTH) nest_endings[nest_next++]();
}

/* The channel is there for the time of a callback that is about it. */
static void nest_on_with_channel(void) {
  nest_on();
  must(uvchan_len(nest.in) == 0);
}

static void nest_on_close(uvchan_receiver_t* receiver) {
  sink_on_close(receiver);
  nest_on_with_channel();
}

static void nest_on_ticker_close(uvchan_ticker_t* ticker) {
  on_ticker_close(ticker);
  nest_on_with_channel();
}

static void nest_on_recv(uvchan_recv_t* req, int status) {
  recv_op_done(req, status);
  nest_on_with_channel();
}

static void nest_on_select(uvchan_select_t* req, int index) {
  select_op_done(req, index);
  nest_on_with_channel();
}

static void nest_on_notify(uvchan_notify_t* req, int status) {
  notify_op_done(req, status);
  nest_on();
}

static void nest_sink(void) { uvchan_receiver_close(&nest.sink.handle, nest_on_close); }
static void nest_batch(void) { uvchan_receiver_close(&nest.batch.handle, nest_on_close); }
static void nest_ticker(void) { uvchan_ticker_close(&nest.ticker, nest_on_ticker_close); }

static void nest_open(size_t capacity) {
  memset(&nest, 0, sizeof(nest));
  nest.loop = loop_new();
  nest.in = support_channel(8, capacity);
  sink_start(&nest.sink, nest.loop, nest.in);
  sink_start_batch(&nest.batch, nest.loop, nest.in);
  must(uvchan_recv(nest.loop, &nest.recv.req, nest.in, &nest.recv.value, nest_on_recv) == 0);
  select_case(&nest.select, 0, nest.in, UVCHAN_RECV, 0);
  must(uvchan_select(nest.loop, &nest.select.req, nest.select.cases, 1, nest_on_select) == 0);
  must(uvchan_waitgroup_init(&nest.wg) == 0 && uvchan_waitgroup_add(&nest.wg, 1) == 0);
  must(uvchan_waitgroup_notify(nest.loop, &nest.notify.req, &nest.wg, nest_on_notify) == 0);
  must(uvchan_ticker_init(nest.loop, &nest.ticker, nest.in) == 0);
  nest.ticker.data = &nest;
  settle(nest.loop);
  nest_next = 0;
}

static void nest_check(void) {
  ck_assert_uint_eq(nest.sink.closes + nest.batch.closes + nest.ticker_closes, 3);
  ck_assert_uint_eq(nest.recv.calls + nest.select.calls + nest.notify.calls, 3);
}

START_TEST(when_the_loop_is_gone_they_may_be_closed_in_each_others_callbacks) {
  nest_open(support_capacities[_i]);
  stranger(nest.loop);
  loop_end(nest.loop);
  uvchan_release(nest.in);
  nest_endings[nest_next++]();
  nest_check();
}
END_TEST

/* The first one was closed before the stranger came, or right after: so libuv itself calls it back,
 * in the closing phase that ends all. */
START_TEST(in_the_last_closing_phase_they_may_be_closed_in_each_others_callbacks) {
  int first;
  for (first = 0; first < NEST_DEPTH; first++) {
    nest_open(support_capacities[_i % SUPPORT_NCAPACITIES]);
    uvchan_release(nest.in);
    if (_i < SUPPORT_NCAPACITIES) stranger(nest.loop);
    nest_rotate(first);
    nest_endings[nest_next++]();
    if (_i >= SUPPORT_NCAPACITIES) stranger(nest.loop);
    loop_end(nest.loop);
    nest_check();
  }
}
END_TEST

/* A loop at the same address, with users of its own: it is none of the old ones' business, nor the
 * other way round. */
START_TEST(a_new_loop_in_the_same_place_is_not_touched) {
  uvchan_t* ch = support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]);
  uvchan_t* old_ch = support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]);
  recv_op_t recv;
  uv_loop_t loop;
  sink_t old;
  sink_t sink;
  unsigned int handles;

  support_loop_open(&loop);
  sink_start(&old, &loop, old_ch);
  recv_op(&recv, &loop, old_ch);
  settle(&loop);
  stranger(&loop);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  support_loop_open(&loop);
  if (_i % 2 == 0) ck_assert_int_eq(cancel_op(&recv), 0);
  sink_start(&sink, &loop, ch);
  handles = count_handles(&loop, UV_UNKNOWN_HANDLE);
  sink_close(&old);
  if (_i % 2 != 0) ck_assert_int_eq(cancel_op(&recv), 0);
  ck_assert_uint_eq(count_handles(&loop, UV_UNKNOWN_HANDLE), handles);
  ck_assert_uint_eq(old.closes, 1);
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert_int_eq(try_send(ch, 0), 0);
  run_until(&loop, sink.values == 1);
  sink_close(&sink);
  support_loop_finish(&loop);
  uvchan_release(ch);
  uvchan_release(old_ch);
}
END_TEST

/* To go on using it is of no effect, and of no harm. */
START_TEST(a_receiver_of_a_loop_that_is_gone_may_be_stopped_and_started) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t* loop = loop_new();
  sink_t sink;

  sink_start(&sink, loop, ch);
  settle(loop);
  stranger(loop);
  loop_end(loop);
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  uvchan_receiver_unref(&sink.handle);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
  uvchan_receiver_ref(&sink.handle);
  (void)try_send(ch, 0);
  ck_assert_int_eq(uvchan_receiver_set_budget(&sink.handle, 1), 0);
  sink_close(&sink);
  ck_assert_uint_eq(sink.values, 0);
  ck_assert_uint_eq(sink.closes, 1);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("strangers-gone");
  TCase* gone = support_tcase(suite, "gone");

  tcase_add_loop_test(gone, all_can_be_closed_when_the_loop_is_closed_and_freed, 0,
                      2 * NENDINGS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(gone, what_was_decided_meanwhile_calls_back_with_that, 0,
                      2 * NENDINGS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(gone, before_the_closing_is_done_nothing_calls_back_in_the_call, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(gone, when_the_loop_is_gone_they_may_be_closed_in_each_others_callbacks, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(gone, in_the_last_closing_phase_they_may_be_closed_in_each_others_callbacks,
                      0, 2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(gone, a_new_loop_in_the_same_place_is_not_touched, 0,
                      2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(gone, a_receiver_of_a_loop_that_is_gone_may_be_stopped_and_started, 0,
                      SUPPORT_NCAPACITIES);
  return support_main(suite);
}
