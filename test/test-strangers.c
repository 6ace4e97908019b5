/* A stranger closes every handle of the loop, as programs do at their end: uv_walk() with
 * uv_close(handle, NULL). At whatever moment he comes, the loop ends, later sends are harmless, and
 * whoever still closes or cancels what is his is called back. */
#include <stdlib.h>

#include "ground/platform.h"
#include "support-loop.h"

static void close_handle(uv_handle_t* handle, void* arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void stranger(uv_loop_t* loop) { uv_walk(loop, close_handle, NULL); }

static uv_loop_t* loop_new(void) {
  uv_loop_t* loop = malloc(sizeof(*loop));
  must(loop != NULL);
  support_loop_open(loop);
  return loop;
}

static void loop_finish(uv_loop_t* loop) {
  support_loop_finish(loop);
  free(loop);
}

/* The stranger has closed all that there is; nothing of the loop is left. */
static void loop_end(uv_loop_t* loop) {
  must(uv_run(loop, UV_RUN_DEFAULT) == 0);
  must(uv_loop_close(loop) == 0);
  memset(loop, 0x5a, sizeof(*loop));
  free(loop);
}

/* Everything that the library can have on a loop, once, over one kind of channel. */
typedef struct {
  uv_loop_t* loop; /* in memory of its own, that is freed with it */
  uvchan_t* in;    /* empty: receivers wait on it */
  uvchan_t* out;   /* full: senders wait on it */
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
  world->loop = loop_new();
  world->in = support_channel(8, capacity);
  world->out = support_channel(8, capacity);
  while (capacity != UVCHAN_UNBOUNDED && try_send(world->out, n) == 0) n++;
  ck_assert_int_eq(uvchan_waitgroup_init(&world->wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&world->wg, 1), 0);
  sink_start(&world->sink, world->loop, world->in);
  sink_start_batch(&world->batch, world->loop, world->in);
  world->sink.unordered = world->batch.unordered = 1;
  recv_op(&world->recv, world->loop, world->in);
  if (capacity != UVCHAN_UNBOUNDED) send_op(&world->send, world->loop, world->out, 99);
  select_case(&world->select, 0, world->in, UVCHAN_RECV, 0);
  select_case(&world->select, 1, NULL, UVCHAN_RECV, 0);
  select_op(&world->select, world->loop, 2);
  notify_op(&world->notify, world->loop, &world->wg);
  ck_assert_int_eq(uvchan_ticker_init(world->loop, &world->ticker, world->out), 0);
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
  loop_finish(world->loop);
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
  stranger(world.loop);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  ck_assert_uint_eq(count_handles(world.loop, UV_UNKNOWN_HANDLE), 0);
  world_close(&world);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

START_TEST(a_stranger_after_some_turns_ends_the_run_and_all_can_be_closed_after_it) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  settle(world.loop);
  stranger(world.loop);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  world_close(&world);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

START_TEST(what_is_closed_before_the_stranger_comes_calls_back) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  world_close(&world);
  stranger(world.loop);
  world_finish(&world);
  check_all_cancelled(&world);
}
END_TEST

START_TEST(what_is_closed_right_after_the_stranger_calls_back) {
  world_t world;

  world_open(&world, support_capacities[_i]);
  settle(world.loop);
  stranger(world.loop);
  world_close(&world);
  stranger(world.loop);
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

/* What was decided for a request whose wake-up handle is gone is too late to cancel; the attempt
 * brings its callback all the same. */
START_TEST(sends_and_closes_after_the_stranger_are_harmless) {
  world_t world;
  uv_thread_t thread;

  world_open(&world, support_capacities[_i / 2]);
  settle(world.loop);
  stranger(world.loop);
  if (_i % 2 == 0) ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  support_start(&thread, use_in_a_thread, &world);
  support_join(&thread);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  world_close(&world);
  loop_finish(world.loop);
  ck_assert_uint_eq(world.sink.closes, 1);
  ck_assert_uint_eq(world.batch.closes, 1);
  check_all_called(&world);
  uvchan_release(world.in);
  uvchan_release(world.out);
}
END_TEST

/* ---- The loop is gone ------------------------------------------------------------------------ */

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

/* ---- Cancelled beside a thread that is about to finish the request --------------------------- */

typedef struct {
  uvchan_t* ch;
  atomic_int go;
} other_side_t;

static void send_when_told(void* arg) {
  other_side_t* other = arg;
  while (!atomic_load(&other->go)) continue;
  (void)try_send(other->ch, 7);
}

enum { GONE, CLOSING, ALIVE, NMOMENTS };

static void check_cancelled_beside_a_send(size_t capacity, int moment) {
  other_side_t other = {support_channel(8, capacity), 0};
  uv_loop_t* loop = loop_new();
  uv_thread_t thread;
  recv_op_t recv;
  int r;

  recv_op(&recv, loop, other.ch);
  settle(loop);
  support_start(&thread, send_when_told, &other);
  if (moment != ALIVE) stranger(loop);
  if (moment == GONE) loop_end(loop);
  atomic_store(&other.go, 1);
  support_spin((uint64_t)(support_calls() % 7) * 300);
  r = cancel_op(&recv);
  if (moment == GONE) must(recv.calls == 1);
  if (moment != GONE) must(recv.calls == 0);
  if (moment != GONE) stranger(loop);
  if (moment != GONE) loop_end(loop);
  must(recv.calls == 1);
  support_join(&thread);
  must(r == 0 ? recv.status == UV_ECANCELED : r == UV_EBUSY && recv.status == 0 && recv.value == 7);
  uvchan_release(other.ch);
}

START_TEST(a_request_that_another_thread_is_about_to_finish_calls_back_whatever_the_stranger_does) {
  int n = support_count(2000);
  while (n-- > 0)
    check_cancelled_beside_a_send(support_capacities[_i % SUPPORT_NCAPACITIES],
                                  _i / SUPPORT_NCAPACITIES);
}
END_TEST

START_TEST(a_second_cancel_waits_for_nobody) {
  uvchan_t* ch = support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]);
  uv_loop_t loop;
  recv_op_t recv;

  support_loop_open(&loop);
  recv_op(&recv, &loop, ch);
  if (_i / SUPPORT_NCAPACITIES == 0) {
    ck_assert_int_eq(cancel_op(&recv), 0);
  } else {
    ck_assert_int_eq(try_send(ch, 1), 0);
    ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  }
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  support_loop_finish(&loop);
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  uvchan_release(ch);
}
END_TEST

static send_op_t displacing;

static void cancel_in_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  (void)value;
  (void)arg;
  if (reason == UVCHAN_DROPPED_OVERFLOW) must(cancel_op(&displacing) == UV_EBUSY);
}

/* drop_cb runs inside of uvchan_send(), with the request's outcome decided but not yet told to its
 * loop. */
START_TEST(a_request_that_is_being_started_is_too_late_to_cancel) {
  uvchan_options_t options;
  uvchan_t* ch;
  uv_loop_t loop;

  memset(&options, 0, sizeof(options));
  options.elem_size = 8;
  options.capacity = 1;
  options.overflow = _i == 0 ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST;
  options.drop_cb = cancel_in_drop;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  support_loop_open(&loop);
  ck_assert_int_eq(try_send(ch, 1), 0);
  send_op(&displacing, &loop, ch, 2);
  support_loop_finish(&loop);
  ck_assert_uint_eq(displacing.calls, 1);
  ck_assert_int_eq(displacing.status, 0);
  uvchan_release(ch);
}
END_TEST

/* ---- What the library reads in libuv's handles ----------------------------------------------- */

static union {
  uv_handle_t any;
  uv_async_t async;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;
  uv_timer_t timer;
} handle;

static int finished_in_callback;

static void on_handle_closed(uv_handle_t* closed) {
  finished_in_callback = uvchan__handle_is_closed(closed);
}

static void init_handle(uv_loop_t* loop, int kind) {
  switch (kind) {
    case 0:
      must(uv_async_init(loop, &handle.async, NULL) == 0);
      break;
    case 1:
      must(uv_prepare_init(loop, &handle.prepare) == 0);
      break;
    case 2:
      must(uv_check_init(loop, &handle.check) == 0);
      break;
    case 3:
      must(uv_idle_init(loop, &handle.idle) == 0);
      break;
    default:
      must(uv_timer_init(loop, &handle.timer) == 0);
      break;
  }
}

#define NHANDLES 5

START_TEST(a_handle_is_finished_once_libuv_has_closed_it_and_not_before) {
  uv_loop_t loop;

  support_loop_open(&loop);
  init_handle(&loop, _i / 2);
  ck_assert(!uvchan__handle_is_closed(&handle.any));
  turn(&loop, 2);
  ck_assert(!uvchan__handle_is_closed(&handle.any));
  uv_close(&handle.any, _i % 2 == 0 ? NULL : on_handle_closed);
  ck_assert(uv_is_closing(&handle.any));
  ck_assert(!uvchan__handle_is_closed(&handle.any));
  support_loop_finish(&loop);
  ck_assert(uvchan__handle_is_closed(&handle.any));
  ck_assert_int_eq(finished_in_callback, _i % 2);
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
  ck_assert_int_eq(uv_timer_init(world.loop, &timer), 0);
  ck_assert_int_eq(uv_timer_start(&timer, stranger_in_timer, 1, 0), 0);
  support_start(&thread, use_in_a_thread, &world);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  support_join(&thread);
  world_close(&world);
  loop_finish(world.loop);
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
  world.loop = loop_new();
  ck_assert_int_eq(uvchan_ticker_init(world.loop, &world.ticker, ch), 0);
  world.ticker.data = &world;
  ck_assert_int_eq(uvchan_ticker_start(&world.ticker, 0, 1), 0);
  stranger(world.loop);
  ck_assert_int_eq(uvchan_ticker_start(&world.ticker, 0, 1), UV_EINVAL);
  ck_assert_int_eq(uvchan_ticker_stop(&world.ticker), 0);
  ck_assert_int_eq(uv_run(world.loop, UV_RUN_DEFAULT), 0);
  uvchan_ticker_close(&world.ticker, on_ticker_close);
  loop_finish(world.loop);
  ck_assert_uint_eq(world.ticker_closes, 1);
  ck_assert_uint_eq(uvchan_len(ch), 0);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("strangers");
  TCase* moments = support_tcase(suite, "moments");
  TCase* after = support_tcase(suite, "after");
  TCase* gone = support_tcase(suite, "gone");
  TCase* beside = support_tcase(suite, "beside");
  TCase* handles = support_tcase(suite, "handles");

  tcase_add_loop_test(moments, a_stranger_at_once_ends_the_run_and_all_can_be_closed_after_it, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments,
                      a_stranger_after_some_turns_ends_the_run_and_all_can_be_closed_after_it, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, what_is_closed_before_the_stranger_comes_calls_back, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, what_is_closed_right_after_the_stranger_calls_back, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, a_stranger_in_a_receive_callback_ends_the_run, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(moments, a_stranger_in_a_timer_beside_a_sending_thread_ends_the_run, 0,
                      SUPPORT_NCAPACITIES);

  tcase_add_loop_test(after, sends_and_closes_after_the_stranger_are_harmless, 0,
                      2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(after, new_users_after_the_stranger_are_served, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(after, values_of_receivers_that_a_stranger_took_away_stay_in_the_channel, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_test(after, a_ticker_whose_timer_a_stranger_closed_answers_as_a_closing_one);

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

  tcase_add_loop_test(
      beside,
      a_request_that_another_thread_is_about_to_finish_calls_back_whatever_the_stranger_does, 0,
      NMOMENTS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(beside, a_second_cancel_waits_for_nobody, 0, 2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(beside, a_request_that_is_being_started_is_too_late_to_cancel, 0, 2);

  tcase_add_loop_test(handles, a_handle_is_finished_once_libuv_has_closed_it_and_not_before, 0,
                      2 * NHANDLES);
  return support_main(suite);
}
