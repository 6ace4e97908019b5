/* SPDX-License-Identifier: MIT */
/* Nobody is starved: a flooded receiver leaves turns for timers and other channels, and senders are
 * served in their order. Turns and values are counted; nothing is timed. */
#include "scene.h"

/* A receiver that feeds itself: its channel never runs dry. */
typedef struct {
  uvchan_receiver_t handle; /* first */
  uint64_t values;
  uint64_t in_this_turn;
  uint64_t most_in_a_turn;
} flooded_t;

static void feed_itself(uvchan_receiver_t* receiver, int status, const void* value) {
  flooded_t* flooded = (flooded_t*)receiver;
  if (status < 0) return;
  flooded->values++;
  if (++flooded->in_this_turn > flooded->most_in_a_turn)
    flooded->most_in_a_turn = flooded->in_this_turn;
  must(flooded->in_this_turn < 1000000);
  must(uvchan_try_send(receiver->channel, value) == 0);
}

static void feed_itself_in_runs(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  ssize_t i;
  for (i = 0; i < nvalues; i++) feed_itself(receiver, 0, (const uint64_t*)values + i);
}

static void flooded_start(flooded_t* flooded, uv_loop_t* loop, uvchan_t* ch, int batches,
                          unsigned int budget) {
  memset(flooded, 0, sizeof(*flooded));
  must(uvchan_receiver_init(loop, &flooded->handle, ch) == 0);
  if (budget != 0) must(uvchan_receiver_set_budget(&flooded->handle, budget) == 0);
  if (batches) {
    must(uvchan_recv_start_batch(&flooded->handle, feed_itself_in_runs) == 0);
  } else {
    must(uvchan_recv_start(&flooded->handle, feed_itself) == 0);
  }
}

static void new_turn(flooded_t* flooded, uv_loop_t* loop) {
  flooded->in_this_turn = 0;
  turn(loop, 1);
}

/* Half of what fits, so that the receiver always has room to feed itself. */
static uvchan_t* half_full(int bounded) {
  uvchan_t* ch = support_channel(8, bounded ? 64 : UVCHAN_UNBOUNDED);
  uint64_t i;
  for (i = 0; i < 16; i++) must(try_send(ch, i) == 0);
  return ch;
}

START_TEST(a_turn_delivers_no_more_than_the_budget) {
  static const unsigned int budgets[] = {1, 7, 16, 100, 1000};
  uvchan_t* ch = half_full(_i % 2);
  flooded_t flooded;
  size_t i;
  int n;

  flooded_start(&flooded, &scene.loop, ch, _i / 2, 0);
  for (i = 0; i < sizeof(budgets) / sizeof(*budgets); i++) {
    ck_assert_int_eq(uvchan_receiver_set_budget(&flooded.handle, budgets[i]), 0);
    flooded.most_in_a_turn = 0;
    for (n = 0; n < 10; n++) new_turn(&flooded, &scene.loop);
    ck_assert_uint_le(flooded.most_in_a_turn, budgets[i]);
    ck_assert_uint_ge(flooded.most_in_a_turn, 1);
  }
  uvchan_receiver_close(&flooded.handle, NULL);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

START_TEST(a_budget_of_0_is_refused) {
  uvchan_t* ch = scene_channel(1);
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_receiver_set_budget(&sink.handle, 0), UV_EINVAL);
  ck_assert_int_eq(uvchan_receiver_set_budget(NULL, 1), UV_EINVAL);
  sink_close(&sink);
  scene_finish();
}
END_TEST

static void count_timer(uv_timer_t* timer) {
  unsigned int* fired = timer->data;
  (*fired)++;
}

/* Without a budget the first turn would never end. */
START_TEST(a_flooded_receiver_does_not_starve_a_timer) {
  uvchan_t* ch = half_full(_i % 2);
  flooded_t flooded;
  uv_timer_t timer;
  unsigned int fired = 0;

  flooded_start(&flooded, &scene.loop, ch, _i / 2, 0);
  ck_assert_int_eq(uv_timer_init(&scene.loop, &timer), 0);
  timer.data = &fired;
  ck_assert_int_eq(uv_timer_start(&timer, count_timer, 1, 1), 0);
  while (fired < 3) new_turn(&flooded, &scene.loop);
  ck_assert_uint_gt(flooded.values, 0);
  uv_close((uv_handle_t*)&timer, NULL);
  uvchan_receiver_close(&flooded.handle, NULL);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

START_TEST(a_flooded_receiver_does_not_starve_another_channel) {
  uvchan_t* ch = half_full(_i % 2);
  flooded_t flooded;
  uvchan_t* quiet = scene_channel(1);
  sink_t sink;
  int n;

  flooded_start(&flooded, &scene.loop, ch, _i / 2, 0);
  sink_start(&sink, &scene.loop, quiet);
  for (n = 0; n < 20; n++) {
    ck_assert_int_eq(try_send(quiet, (uint64_t)n), 0);
    new_turn(&flooded, &scene.loop);
    ck_assert_uint_eq(sink.values, (uint64_t)n + 1);
  }
  sink_close(&sink);
  uvchan_receiver_close(&flooded.handle, NULL);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

static void count_async(uv_async_t* async) {
  unsigned int* woken = async->data;
  (*woken)++;
}

/* An async handle comes out of the poll phase, as a socket does. */
START_TEST(a_flooded_receiver_does_not_starve_the_poll_phase) {
  uvchan_t* ch = half_full(_i % 2);
  flooded_t flooded;
  uv_async_t async;
  unsigned int woken = 0;
  unsigned int n;

  flooded_start(&flooded, &scene.loop, ch, _i / 2, 0);
  ck_assert_int_eq(uv_async_init(&scene.loop, &async, count_async), 0);
  async.data = &woken;
  for (n = 1; n <= 20; n++) {
    ck_assert_int_eq(uv_async_send(&async), 0);
    new_turn(&flooded, &scene.loop);
    ck_assert_uint_eq(woken, n);
  }
  uv_close((uv_handle_t*)&async, NULL);
  uvchan_receiver_close(&flooded.handle, NULL);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

#define BUSY 20

START_TEST(many_flooded_channels_share_the_loop_evenly) {
  uvchan_t* chs[BUSY];
  static flooded_t flooded[BUSY];
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  int i;
  int n;

  for (i = 0; i < BUSY; i++) {
    chs[i] = half_full(i % 2);
    flooded_start(&flooded[i], &scene.loop, chs[i], _i, 64);
  }
  for (n = 0; n < 200; n++) {
    for (i = 0; i < BUSY; i++) flooded[i].in_this_turn = 0;
    turn(&scene.loop, 1);
  }
  for (i = 0; i < BUSY; i++) {
    if (flooded[i].values < least) least = flooded[i].values;
    if (flooded[i].values > most) most = flooded[i].values;
    uvchan_receiver_close(&flooded[i].handle, NULL);
    uvchan_release(chs[i]);
  }
  ck_assert_uint_gt(least, 0);
  ck_assert_uint_le(most, 2 * least);
  scene_finish();
}
END_TEST

#define CROWD 200

static uint64_t values_of_a_turn(uv_loop_t* loop, flooded_t* flooded, int n) {
  uint64_t before = 0;
  uint64_t after = 0;
  int i;
  for (i = 0; i < n; i++) before += flooded[i].values;
  turn(loop, 1);
  for (i = 0; i < n; i++) {
    after += flooded[i].values;
    flooded[i].in_this_turn = 0;
  }
  return after - before;
}

START_TEST(a_crowd_of_flooded_channels_shares_what_a_turn_delivers) {
  uvchan_t* chs[CROWD];
  static flooded_t flooded[CROWD];
  uint64_t alone = 0;
  int i;

  for (i = 0; i < CROWD; i++) {
    chs[i] = half_full(i % 2);
    flooded_start(&flooded[i], &scene.loop, chs[i], 0, 0);
    if (i == 0) turn(&scene.loop, 1);
    if (i == 0) alone = values_of_a_turn(&scene.loop, flooded, 1);
  }
  ck_assert_uint_gt(alone, 0);
  for (i = 0; i < 20; i++)
    ck_assert_uint_lt(values_of_a_turn(&scene.loop, flooded, CROWD), alone * CROWD / 4);
  for (i = 0; i < CROWD; i++) {
    uvchan_receiver_close(&flooded[i].handle, NULL);
    uvchan_release(chs[i]);
  }
  scene_finish();
}
END_TEST

/* Another loop is told of each value too; who of this one has waited longest gets it. */
START_TEST(receivers_of_one_loop_take_turns_beside_another_loop) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loops[2];
  sink_t sinks[3];
  int i;

  for (i = 0; i < 2; i++) support_loop_open(&loops[i]);
  for (i = 0; i < 3; i++) {
    sink_start(&sinks[i], &loops[i / 2], ch);
    sinks[i].unordered = 1;
    settle(&loops[i / 2]);
  }
  for (i = 0; i < 10; i++) {
    ck_assert_int_eq(try_send(ch, 7), 0);
    settle(&loops[0]);
    settle(&loops[1]);
  }
  ck_assert_uint_eq(sinks[0].values, 5);
  ck_assert_uint_eq(sinks[1].values, 5);
  for (i = 0; i < 3; i++) sink_close(&sinks[i]);
  for (i = 0; i < 2; i++) support_loop_finish(&loops[i]);
  uvchan_release(ch);
}
END_TEST

START_TEST(requests_of_a_busy_loop_are_served_in_their_order) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  send_op_t sends[100];
  uint64_t taken = 0;
  uint64_t sent = 0;
  uint64_t i;

  for (i = 0; i < 100; i++) send_op(&sends[i], &scene.loop, ch, sent++);
  while (taken < 100) {
    if (taken + support_capacities[_i] < 100) must(try_send(ch, 999) == UV_EAGAIN);
    must(takes(ch, taken++));
  }
  scene_run();
  for (i = 0; i < 100; i++) ck_assert_int_eq(sends[i].status, 0);
  scene_finish();
}
END_TEST

#define SENDERS 4

typedef struct {
  uvchan_t* ch;
  uint64_t id;
} sender_t;

static void send_until_closed(void* arg) {
  sender_t* sender = arg;
  int status;
  do {
    status = uvchan_send_wait(sender->ch, &sender->id);
  } while (status == 0);
  must(status == UV_EPIPE);
}

typedef struct {
  uvchan_receiver_t handle; /* first */
  uint64_t counts[SENDERS];
  uint64_t values;
} census_t;

/* Closes once every sender has had ten values received. */
static void on_census(uvchan_receiver_t* receiver, int status, const void* value) {
  census_t* census = (census_t*)receiver;
  int i;
  if (status < 0) {
    uvchan_receiver_close(receiver, NULL);
    return;
  }
  must(++census->values < 100000000);
  census->counts[*(const uint64_t*)value]++;
  for (i = 0; i < SENDERS; i++) {
    if (census->counts[i] < 10) return;
  }
  (void)uvchan_close(receiver->channel);
}

START_TEST(every_one_of_several_senders_has_its_turn) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uv_thread_t threads[SENDERS];
  sender_t senders[SENDERS];
  census_t census;
  uint64_t i;

  memset(&census, 0, sizeof(census));
  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &census.handle, ch), 0);
  ck_assert_int_eq(uvchan_recv_start(&census.handle, on_census), 0);
  for (i = 0; i < SENDERS; i++) {
    senders[i].ch = ch;
    senders[i].id = i;
    support_start(&threads[i], send_until_closed, &senders[i]);
  }
  scene_finish_loop();
  for (i = 0; i < SENDERS; i++) support_join(&threads[i]);
  for (i = 0; i < SENDERS; i++) ck_assert_uint_ge(census.counts[i], 10);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("fair");
  TCase* turns = scene_tcase(suite, "turns");
  TCase* order = scene_tcase(suite, "order");

  tcase_add_loop_test(turns, a_turn_delivers_no_more_than_the_budget, 0, 4);
  tcase_add_test(turns, a_budget_of_0_is_refused);
  tcase_add_loop_test(turns, a_flooded_receiver_does_not_starve_a_timer, 0, 4);
  tcase_add_loop_test(turns, a_flooded_receiver_does_not_starve_another_channel, 0, 4);
  tcase_add_loop_test(turns, a_flooded_receiver_does_not_starve_the_poll_phase, 0, 4);
  tcase_add_loop_test(turns, many_flooded_channels_share_the_loop_evenly, 0, 2);
  tcase_add_test(turns, a_crowd_of_flooded_channels_shares_what_a_turn_delivers);

  tcase_add_loop_test(order, receivers_of_one_loop_take_turns_beside_another_loop, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(order, requests_of_a_busy_loop_are_served_in_their_order, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(order, every_one_of_several_senders_has_its_turn, 0, SUPPORT_NCAPACITIES - 1);
  return support_main(suite);
}
