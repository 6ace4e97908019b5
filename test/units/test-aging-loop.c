/* SPDX-License-Identifier: MIT */
/* Values that grow old, on loops: requests, selects and started receivers, on one loop and on
 * several. The clock is the test's, so what a loop has not come to yet is as old as a test says. */
#include "aging.h"
#include "scene.h"

static uvchan_t* kept(uvchan_t* ch) {
  must(scene.nchannels < SCENE_MOST_CHANNELS);
  return scene.channels[scene.nchannels++] = ch;
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* Capacities that buffer without a started receiver. */
static const size_t stores[] = {1, 3, 16, UVCHAN_UNBOUNDED};
#define NSTORES 4

START_TEST(a_request_passes_over_the_old_and_waits_for_the_next) {
  support_drops_t drops;
  uvchan_t* ch = kept(aging_channel(&drops, 8, stores[_i]));
  recv_op_t op;
  send_numbers(ch, 1, 1);
  set_clock(OLD);
  recv_op(&op, &scene.loop, ch);
  settle(&scene.loop);
  ck_assert_uint_eq(op.calls, 0);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 1);
  send_numbers(ch, 2, 1);
  set_clock(OLD + 1000); /* it has the value, and will be told */
  scene_run();
  check_received(&op, 2);
  ck_assert_uint_eq(support_at_rest(ch).expired, 1);
}
END_TEST

START_TEST(a_request_gets_the_end_behind_the_old) {
  uvchan_t* ch = kept(aging_channel(NULL, 8, stores[_i]));
  recv_op_t op;
  send_numbers(ch, 1, 1);
  set_clock(OLD);
  ck_assert_int_eq(uvchan_close_with(ch, UV_EIO), 0);
  recv_op(&op, &scene.loop, ch);
  scene_run();
  check_ended(&op, UV_EIO);
  ck_assert_uint_eq(support_at_rest(ch).expired, 1);
}
END_TEST

START_TEST(a_request_to_send_finds_room_in_a_store_of_the_old) {
  support_drops_t drops;
  uvchan_t* ch = kept(aging_channel(&drops, 8, 2));
  send_op_t op;
  send_numbers(ch, 1, 2);
  set_clock(OLD);
  send_op(&op, &scene.loop, ch, 3);
  scene_run();
  check_ended(&op, 0);
  ck_assert(takes(ch, 3));
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 2);
}
END_TEST

/* Loop number: store, then whether there are more cases than the request has room for. */
START_TEST(a_select_waits_where_all_that_is_there_is_old) {
  size_t n = _i / NSTORES == 0 ? 2 : SELECT_OP_CASES, i;
  uvchan_t* channels[SELECT_OP_CASES];
  select_op_t op;
  memset(&op, 0, sizeof(op));
  for (i = 0; i < n; i++) {
    channels[i] = kept(aging_channel(NULL, 8, stores[_i % NSTORES]));
    select_case(&op, i, channels[i], UVCHAN_RECV, 0);
    send_numbers(channels[i], 1, 1);
  }
  set_clock(OLD);
  select_op(&op, &scene.loop, n);
  settle(&scene.loop);
  ck_assert_uint_eq(op.calls, 0);
  for (i = 0; i < n; i++) ck_assert_uint_eq(support_at_rest(channels[i]).expired, 1);
  send_numbers(channels[1], 7, 1);
  scene_run();
  ck_assert_int_eq(op.index, 1);
  ck_assert_uint_eq(op.values[1], 7);
}
END_TEST

#define LARGE 5000

typedef struct {
  uvchan_t* ch;
  unsigned char value[LARGE];
  uvchan_recv_t recv;
  uvchan_case_t one;
  uvchan_select_t select;
  int recv_status;
  int index;
} starved_t;

static starved_t starved;

static void on_starved_recv(uvchan_recv_t* req, int status) {
  (void)req;
  starved.recv_status = status;
}

static void on_starved_select(uvchan_select_t* req, int index) {
  (void)req;
  starved.index = index;
}

/* The first has the channel's room, and begins a request without memory. */
static void begin_without_memory(void* value, uvchan_drop_reason_t reason, void* arg) {
  (void)value;
  (void)arg;
  if (reason != UVCHAN_DROPPED_EXPIRED || starved.recv.data != NULL) return;
  starved.recv.data = &starved;
  support_fail_at(0, 1);
  must(uvchan_recv(&scene.loop, &starved.recv, starved.ch, starved.value, on_starved_recv) == 0);
  must(uvchan_select(&scene.loop, &starved.select, &starved.one, 1, on_starved_select) == 0);
  support_fail_never();
}

START_TEST(a_request_without_memory_says_so) {
  uvchan_options_t options = aging_options(LARGE, 4);
  recv_op_t first; /* makes the hub */
  memset(&starved, 0, sizeof(starved));
  options.drop_cb = begin_without_memory;
  must(uvchan_create_ex(&starved.ch, &options) == 0);
  kept(starved.ch);
  recv_op(&first, &scene.loop, scene_channel(1));
  starved.one.ch = starved.ch;
  starved.one.value = starved.value;
  starved.index = starved.recv_status = 1;
  send_numbers(starved.ch, 1, 3);
  set_clock(OLD);
  ck_assert_int_eq(uvchan_try_recv(starved.ch, starved.value), UV_EAGAIN);
  cancel_op(&first);
  scene_run();
  ck_assert_int_eq(starved.recv_status, UV_ENOMEM);
  ck_assert_int_eq(starved.index, 0);
  ck_assert_int_eq(starved.one.status, UV_ENOMEM);
  ck_assert_uint_eq(support_at_rest(starved.ch).expired, 3);
}
END_TEST

/* ---- Started receivers ----------------------------------------------------------------------- */

/* Loop number: capacity, then whether it is a batch, then whether there is a drop_cb. */
#define CAPACITY(i) support_capacities[(i) % SUPPORT_NCAPACITIES]
#define IS_BATCH(i) ((i) / SUPPORT_NCAPACITIES % 2)
#define HAS_DROPS(i) ((i) < 2 * SUPPORT_NCAPACITIES)
#define NTABLE (4 * SUPPORT_NCAPACITIES)

static void start_sink(sink_t* sink, uv_loop_t* loop, uvchan_t* ch, int is_batch) {
  (is_batch ? sink_start_batch : sink_start)(sink, loop, ch);
  sink->unordered = 1;
  settle(loop); /* it waits */
}

/* So many that they fit; an unbuffered channel holds one for each receiver. */
static size_t fits(uvchan_t* ch) {
  size_t capacity = uvchan_capacity(ch);
  return capacity == 0 ? 1 : capacity < 5 ? capacity : 5;
}

START_TEST(a_receiver_is_not_called_back_with_the_old) {
  support_drops_t drops;
  uvchan_t* ch = kept(aging_channel(HAS_DROPS(_i) ? &drops : NULL, 8, CAPACITY(_i)));
  size_t n = fits(ch), round;
  sink_t sink;
  start_sink(&sink, &scene.loop, ch, IS_BATCH(_i));
  for (round = 1; round <= 3; round++) {
    send_numbers(ch, 100, n);
    set_clock(OLD);
    settle(&scene.loop);
    ck_assert_uint_eq(sink.calls, 0);
    ck_assert_uint_eq(rest(ch).expired, round * n);
    ck_assert_uint_eq(rest(ch).len, 0);
    if (HAS_DROPS(_i)) ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), round * n);
    set_clock(BEGIN);
  }
  send_numbers(ch, 0, n);
  set_clock(YOUNG);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, n);
  ck_assert_uint_eq(sink.last, n - 1);
  ck_assert_uint_eq(rest(ch).longest_wait, YOUNG - BEGIN);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(a_receiver_gets_the_end_behind_the_old) {
  support_drops_t drops;
  uvchan_t* ch = kept(aging_channel(HAS_DROPS(_i) ? &drops : NULL, 8, CAPACITY(_i)));
  sink_t sink;
  start_sink(&sink, &scene.loop, ch, IS_BATCH(_i));
  send_numbers(ch, 100, fits(ch));
  ck_assert_int_eq(uvchan_close(ch), 0);
  set_clock(OLD);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 0);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_uint_eq(rest(ch).expired, fits(ch));
  sink_close(&sink);
  scene_finish();
}
END_TEST

/* More old ones than are taken out in one visit. */
#define MANY 3000

START_TEST(a_receiver_gets_the_young_among_the_old) {
  support_drops_t drops;
  size_t elem_size = support_elem_sizes[_i % SUPPORT_NELEM_SIZES];
  uvchan_t* ch = kept(aging_channel(_i < 2 * SUPPORT_NELEM_SIZES ? &drops : NULL, elem_size, MANY));
  sink_t sink;
  sink_init(&sink, &scene.loop, ch);
  send_numbers(ch, 0, MANY - 400);
  set_clock(BEGIN + 1);
  send_numbers(ch, MANY - 400, 400);
  set_clock(OLD);
  sink.first = MANY - 400;
  if (_i / SUPPORT_NELEM_SIZES % 2 == 0)
    ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
  else
    ck_assert_int_eq(uvchan_recv_start_batch(&sink.handle, sink_on_batch), 0);
  run_until(&scene.loop, sink.values == 400);
  ck_assert_uint_eq(rest(ch).expired, MANY - 400);
  if (_i < 2 * SUPPORT_NELEM_SIZES) ck_assert_uint_eq(dropped_in_all(&drops), MANY - 400);
  sink_close(&sink);
  scene_finish();
}
END_TEST

/* What an unbuffered channel has handed to a receiver grows old too, and leaves its room behind. */
START_TEST(what_was_handed_to_a_receiver_leaves_its_room) {
  support_drops_t drops;
  uvchan_t* ch = kept(aging_channel(&drops, 8, 0));
  uint64_t value = 2;
  sink_t sink;
  start_sink(&sink, &scene.loop, ch, _i);
  send_numbers(ch, 1, 1);
  set_clock(YOUNG);
  ck_assert_int_eq(uvchan_try_send(ch, &value), UV_EAGAIN);
  set_clock(OLD);
  ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 1);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_uint_eq(sink.last, 2);
  sink_close(&sink);
  scene_finish();
}
END_TEST

/* ---- The drop callback in a receiver's turn -------------------------------------------------- */

typedef enum { STOPS, CLOSES, RESTARTS, SENDS, CLOSES_CHANNEL, STARTS_BATCH, NDEEDS } deed_t;

typedef struct {
  uvchan_t* ch;
  sink_t sink;
  deed_t deed;
  unsigned int drops;
} actor_t;

static actor_t actor;

static void act(void* value, uvchan_drop_reason_t reason, void* arg) {
  uvchan_receiver_t* receiver = &actor.sink.handle;
  uint64_t number = 0;
  (void)value;
  (void)arg;
  if (reason != UVCHAN_DROPPED_EXPIRED) return;
  must(!actor.sink.inside);
  if (actor.drops++ > 0) return;
  if (actor.deed == STOPS || actor.deed == RESTARTS || actor.deed == STARTS_BATCH)
    must(uvchan_recv_stop(receiver) == 0);
  if (actor.deed == RESTARTS) must(uvchan_recv_start(receiver, sink_on_value) == 0);
  if (actor.deed == STARTS_BATCH) must(uvchan_recv_start_batch(receiver, sink_on_batch) == 0);
  if (actor.deed == CLOSES) sink_close(&actor.sink);
  if (actor.deed == SENDS) must(uvchan_try_send(actor.ch, &number) == 0);
  if (actor.deed == CLOSES_CHANNEL) must(uvchan_close(actor.ch) == 0);
}

/* Loop number: capacity, then whether it is a batch, then what it does. */
START_TEST(the_drop_callback_may_do_anything_in_a_receivers_turn) {
  uvchan_options_t options = aging_options(8, CAPACITY(_i));
  size_t n;
  memset(&actor, 0, sizeof(actor));
  actor.deed = (deed_t)(_i / 2 / SUPPORT_NCAPACITIES);
  options.drop_cb = act;
  must(uvchan_create_ex(&actor.ch, &options) == 0);
  kept(actor.ch);
  start_sink(&actor.sink, &scene.loop, actor.ch, IS_BATCH(_i));
  n = fits(actor.ch);
  send_numbers(actor.ch, 100, n);
  set_clock(OLD);
  settle(&scene.loop);
  ck_assert_uint_eq(actor.drops, n);
  ck_assert_uint_eq(actor.sink.values, actor.deed == SENDS);
  ck_assert_uint_eq(actor.sink.ends, actor.deed == CLOSES_CHANNEL);
  if (actor.deed == RESTARTS || actor.deed == STARTS_BATCH) {
    send_numbers(actor.ch, 0, 1);
    settle(&scene.loop);
    ck_assert_uint_eq(actor.sink.values, 1);
  }
  if (actor.deed == CLOSES) ck_assert_uint_eq(actor.sink.closes, 1);
  sink_close(&actor.sink);
  scene_finish();
}
END_TEST

/* ---- Several who wait ------------------------------------------------------------------------ */

/* Where values do not grow old, the receiver comes first, which waited first. */
START_TEST(a_request_comes_before_a_started_receiver_of_its_loop) {
  uvchan_t* ch = kept(aging_channel(NULL, 8, CAPACITY(_i)));
  sink_t sink;
  recv_op_t op;
  start_sink(&sink, &scene.loop, ch, 0);
  recv_op(&op, &scene.loop, ch);
  settle(&scene.loop);
  send_numbers(ch, 5, 1);
  settle(&scene.loop);
  check_received(&op, 5);
  send_numbers(ch, 0, 1);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 1);
  sink_close(&sink);
  scene_finish();
}
END_TEST

/* A receiver that was told of values goes away, and they grow old: nobody is told in vain, or waits
 * beside a value. */
START_TEST(values_of_a_receiver_that_stops_are_dropped_by_the_next) {
  support_drops_t drops;
  uvchan_t* ch = kept(aging_channel(&drops, 8, CAPACITY(_i)));
  sink_t first, second;
  start_sink(&first, &scene.loop, ch, 0);
  start_sink(&second, &scene.loop, ch, 1);
  send_numbers(ch, 100, 1);
  set_clock(OLD);
  ck_assert_int_eq(uvchan_recv_stop(&first.handle), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 1);
  send_numbers(ch, 0, 1);
  settle(&scene.loop);
  ck_assert_uint_eq(second.values, 1);
  ck_assert_uint_eq(first.values, 0);
  sink_close(&first);
  sink_close(&second);
  scene_finish();
}
END_TEST

START_TEST(receivers_of_several_loops_share_what_is_young) {
  support_drops_t drops;
  uvchan_t* ch = kept(aging_channel(&drops, 8, CAPACITY(_i)));
  uv_loop_t other;
  sink_t here, there;
  size_t i;
  support_loop_open(&other);
  start_sink(&here, &scene.loop, ch, 0);
  start_sink(&there, &other, ch, 1);
  for (i = 0; i < 10; i++) {
    set_clock(BEGIN);
    send_numbers(ch, i, 1);
    set_clock(i % 2 ? OLD : YOUNG);
    settle(i % 3 ? &scene.loop : &other);
    settle(&other);
    settle(&scene.loop);
    ck_assert_uint_eq(here.values + there.values, i / 2 + 1);
  }
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 5);
  sink_close(&here);
  sink_close(&there);
  support_loop_finish(&other);
  scene_finish();
}
END_TEST

/* ---- The admission --------------------------------------------------------------------------- */

/* Loop number: whether it is a batch, then whether there is a drop_cb, then whether there is a
 * bound. */
START_TEST(a_receiver_gets_the_last_of_a_queue_that_stands) {
  support_drops_t drops;
  uvchan_t* ch =
      kept(admitting_channel(_i / 2 % 2 ? &drops : NULL, 8, _i / 4 ? 10 : UVCHAN_UNBOUNDED));
  uint64_t value;
  sink_t sink;
  send_numbers(ch, 0, 10);
  set_clock(BEGIN + 2 * TARGET);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  set_clock(BEGIN + 2 * TARGET + INTERVAL);
  start_sink(&sink, &scene.loop, ch, _i % 2);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_uint_eq(sink.last, 9);
  ck_assert_uint_eq(rest(ch).shed, 8);
  if (_i / 2 % 2) ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_SHED), 8);
  sink_close(&sink);
  scene_finish();
}
END_TEST

static void add_receivers(Suite* suite) {
  TCase* tcase = scene_tcase(suite, "receivers");
  tcase_add_loop_test(tcase, a_receiver_is_not_called_back_with_the_old, 0, NTABLE);
  tcase_add_loop_test(tcase, a_receiver_gets_the_end_behind_the_old, 0, NTABLE);
  tcase_add_loop_test(tcase, a_receiver_gets_the_young_among_the_old, 0, 4 * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, what_was_handed_to_a_receiver_leaves_its_room, 0, 2);
  tcase_add_loop_test(tcase, the_drop_callback_may_do_anything_in_a_receivers_turn, 0,
                      2 * SUPPORT_NCAPACITIES * NDEEDS);
  tcase_add_loop_test(tcase, a_request_comes_before_a_started_receiver_of_its_loop, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, values_of_a_receiver_that_stops_are_dropped_by_the_next, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, receivers_of_several_loops_share_what_is_young, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_receiver_gets_the_last_of_a_queue_that_stands, 0, 8);
}

int main(void) {
  Suite* suite = suite_create("aging-loop");
  TCase* tcase = scene_tcase(suite, "requests");
  tcase_add_loop_test(tcase, a_request_passes_over_the_old_and_waits_for_the_next, 0, NSTORES);
  tcase_add_loop_test(tcase, a_request_gets_the_end_behind_the_old, 0, NSTORES);
  tcase_add_test(tcase, a_request_to_send_finds_room_in_a_store_of_the_old);
  tcase_add_loop_test(tcase, a_select_waits_where_all_that_is_there_is_old, 0, 2 * NSTORES);
  tcase_add_test(tcase, a_request_without_memory_says_so);
  add_receivers(suite);
  return support_main(suite);
}
