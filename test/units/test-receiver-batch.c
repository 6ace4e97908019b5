/* SPDX-License-Identifier: MIT */
/* Started receivers that take runs of values: what lies side by side, the budget, the end, and
 * leaving in the callback. */
#include "scene.h"

#define EVERY_KIND (SUPPORT_NCAPACITIES * SUPPORT_NELEM_SIZES)

static size_t capacity_of(int i) { return support_capacities[i % SUPPORT_NCAPACITIES]; }
static size_t elem_size_of(int i) { return support_elem_sizes[i / SUPPORT_NCAPACITIES]; }

#define COUNT 100

static void send_runs(void* arg) {
  uvchan_t* ch = arg;
  unsigned char values[5 * SUPPORT_MOST_BYTES];
  size_t elem_size = uvchan_elem_size(ch);
  uint64_t i;
  uint64_t j;
  for (i = 0; i < COUNT; i += 5) {
    for (j = 0; j < 5; j++) support_fill(values + j * elem_size, elem_size, i + j);
    must(uvchan_send_wait_n(ch, values, 5) == 5);
  }
  must(uvchan_close(ch) == 0);
}

START_TEST(a_batch_receiver_gets_what_a_thread_sent_in_order_and_then_the_end) {
  uvchan_t* ch = support_channel(elem_size_of(_i), capacity_of(_i));
  uv_thread_t thread;
  sink_t sink;

  sink_start_batch(&sink, &scene.loop, ch);
  support_start(&thread, send_runs, ch);
  scene_run();
  ck_assert_uint_eq(sink.values, COUNT);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_int_eq(sink.end, UV_EOF);
  ck_assert(!uvchan_receiver_is_active(&sink.handle));
  support_join(&thread);
  ck_assert_uint_eq(rest(ch).received, COUNT);
  sink_close(&sink);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

static void fill(uvchan_t* ch, uint64_t first, uint64_t count) {
  unsigned char value[SUPPORT_MOST_BYTES];
  uint64_t i;
  for (i = 0; i < count; i++) {
    support_fill(value, uvchan_elem_size(ch), first + i);
    must(uvchan_try_send(ch, value) == 0);
  }
}

/* Each step moves the place in the ring where a run has to be split. */
START_TEST(runs_wrap_round_the_ring_at_every_place) {
  uvchan_t* ch = support_channel(elem_size_of(_i), 16);
  sink_t sink;
  uint64_t sent = 0;
  uint64_t step;

  sink_start_batch(&sink, &scene.loop, ch);
  for (step = 1; step <= 16; step++) {
    fill(ch, sent, step);
    sent += step;
    settle(&scene.loop);
    ck_assert_uint_eq(sink.values, sent);
  }
  sink_close(&sink);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

START_TEST(many_values_come_in_fewer_callbacks) {
  uvchan_t* ch = scene_channel(_i == 0 ? 16 : UVCHAN_UNBOUNDED);
  sink_t sink;

  fill(ch, 0, 16);
  sink_start_batch(&sink, &scene.loop, ch);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 16);
  ck_assert_uint_le(sink.calls, 2);
  sink_close(&sink);
  scene_finish();
}
END_TEST

static ssize_t most_at_once;

static void note_most(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  if (nvalues > most_at_once) most_at_once = nvalues;
  sink_on_batch(receiver, nvalues, values);
}

START_TEST(no_run_exceeds_the_budget) {
  uvchan_t* ch = scene_channel(_i == 0 ? 16 : UVCHAN_UNBOUNDED);
  sink_t sink;
  unsigned int budget;

  sink_init(&sink, &scene.loop, ch);
  for (budget = 1; budget <= 7; budget++) {
    most_at_once = 0;
    ck_assert_int_eq(uvchan_receiver_set_budget(&sink.handle, budget), 0);
    ck_assert_int_eq(uvchan_recv_start_batch(&sink.handle, note_most), 0);
    fill(ch, sink.values, 16);
    turn(&scene.loop, 20);
    ck_assert_uint_eq(sink.values, budget * 16);
    ck_assert_int_le(most_at_once, budget);
    ck_assert_int_ge(most_at_once, 1);
    ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  }
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(the_values_of_a_run_are_received_even_where_the_callback_closes_the_receiver) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uint64_t count = support_capacities[_i] < 2 ? 1 : 3;
  sink_t sink;

  sink_start_batch(&sink, &scene.loop, ch);
  fill(ch, 0, count);
  sink.close_after = count;
  scene_finish_loop();
  ck_assert_uint_eq(sink.values, count);
  ck_assert_uint_eq(sink.closes, 1);
  ck_assert_uint_eq(rest(ch).received, count);
  ck_assert_uint_eq(rest(ch).len, 0);
}
END_TEST

START_TEST(a_receiver_may_change_between_one_value_and_runs) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;
  uint64_t i;

  sink_init(&sink, &scene.loop, ch);
  for (i = 0; i < 10; i++) {
    if (i % 2 == 0) {
      ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
    } else {
      ck_assert_int_eq(uvchan_recv_start_batch(&sink.handle, sink_on_batch), 0);
    }
    fill(ch, i, 1);
    settle(&scene.loop);
    ck_assert_uint_eq(sink.values, i + 1);
    ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  }
  sink_close(&sink);
  scene_finish();
}
END_TEST

static uint64_t sent_inside;

/* The values point into the channel, and must not change under the feet of the callback, whatever
 * it does with the channel. */
static void use_the_channel_inside(uvchan_receiver_t* receiver, ssize_t nvalues,
                                   const void* values) {
  sink_t* sink = (sink_t*)receiver;
  uint64_t first = sink->values;
  ssize_t i;
  if (nvalues < 0) {
    sink_on_batch(receiver, nvalues, values);
    return;
  }
  while (sent_inside < 64 && try_send(receiver->channel, sent_inside) == 0) sent_inside++;
  for (i = 0; i < nvalues; i++) must(((const uint64_t*)values)[i] == first + (uint64_t)i);
  sink_on_batch(receiver, nvalues, values);
}

START_TEST(the_values_of_a_run_stay_in_place_while_the_callback_sends_to_the_same_channel) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_recv_start_batch(&sink.handle, use_the_channel_inside), 0);
  sent_inside = 1;
  fill(ch, 0, 1);
  turn(&scene.loop, 200);
  if (support_capacities[_i] == 0) ck_assert_uint_eq(sink.values, 1);
  if (support_capacities[_i] > 1) ck_assert_uint_gt(sink.values, 1);
  ck_assert_uint_eq(sink.values, sent_inside);
  sink_close(&sink);
  scene_finish();
}
END_TEST

static unsigned int bytes_wrong;

static void receive_inside(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  sink_t* sink = (sink_t*)receiver;
  const uint64_t* numbers = values;
  uint64_t next;
  ssize_t i;
  if (nvalues < 0) return;
  for (i = 1; i < nvalues; i++) bytes_wrong += numbers[i] != numbers[0] + (uint64_t)i;
  if (uvchan_try_recv(receiver->channel, &next) == 0) {
    bytes_wrong += next != numbers[nvalues - 1] + 1;
    sink->values++;
  }
  for (i = 1; i < nvalues; i++) bytes_wrong += numbers[i] != numbers[0] + (uint64_t)i;
  sink->values += (uint64_t)nvalues;
}

START_TEST(a_receive_inside_the_callback_gets_the_value_after_the_run) {
  uvchan_t* ch = scene_channel(16);
  sink_t sink;

  fill(ch, 0, 16);
  sink_init(&sink, &scene.loop, ch);
  bytes_wrong = 0;
  ck_assert_int_eq(uvchan_receiver_set_budget(&sink.handle, 3), 0);
  ck_assert_int_eq(uvchan_recv_start_batch(&sink.handle, receive_inside), 0);
  turn(&scene.loop, 20);
  ck_assert_uint_eq(bytes_wrong, 0);
  ck_assert_uint_eq(sink.values, 16);
  ck_assert_uint_eq(rest(ch).received, 16);
  sink_close(&sink);
  scene_finish();
}
END_TEST

static void abort_inside(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  sink_t* sink = (sink_t*)receiver;
  const uint64_t* numbers = values;
  ssize_t i;
  sink_on_batch(receiver, nvalues, values);
  if (nvalues < 0) return;
  must(uvchan_abort(receiver->channel, UV_ECONNABORTED) == 0);
  for (i = 0; i < nvalues; i++) must(numbers[i] == sink->values - (uint64_t)nvalues + (uint64_t)i);
}

START_TEST(abort_inside_the_callback_drops_what_was_not_delivered_and_brings_the_end) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, _i == 0 ? 16 : UVCHAN_UNBOUNDED, UVCHAN_WAIT);
  sink_t sink;

  fill(ch, 0, 16);
  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_receiver_set_budget(&sink.handle, 5), 0);
  ck_assert_int_eq(uvchan_recv_start_batch(&sink.handle, abort_inside), 0);
  scene_run();
  ck_assert_uint_ge(sink.values, 1);
  ck_assert_uint_le(sink.values, 5);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_int_eq(sink.end, UV_ECONNABORTED);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_ABORT]), 16 - sink.values);
  ck_assert_uint_eq(rest(ch).received, sink.values);
  sink_close(&sink);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

/* A run that is being delivered still fills its places: senders of other threads must neither write
 * there nor be forgotten. */
static void wait_for_a_blocked_sender(uvchan_receiver_t* receiver, ssize_t nvalues,
                                      const void* values) {
  sink_t* sink = (sink_t*)receiver;
  if (nvalues > 0 && sink->values == 0) support_await_senders(receiver->channel, 1);
  sink_on_batch(receiver, nvalues, values);
}

static void send_sixty(void* arg) {
  uint64_t i;
  for (i = 0; i < 60; i++) must(uvchan_send_wait(arg, &i) == 0);
  must(uvchan_close(arg) == 0);
}

START_TEST(a_sender_that_waits_beside_a_running_callback_goes_on_after_it) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uv_thread_t thread;
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_recv_start_batch(&sink.handle, wait_for_a_blocked_sender), 0);
  support_start(&thread, send_sixty, ch);
  scene_run();
  support_join(&thread);
  ck_assert_uint_eq(sink.values, 60);
  sink_close(&sink);
  scene_finish();
}
END_TEST

int main(void) {
  Suite* suite = suite_create("receiver-batch");
  TCase* runs = scene_tcase(suite, "runs");
  TCase* inside = scene_tcase(suite, "inside");

  tcase_add_loop_test(runs, a_batch_receiver_gets_what_a_thread_sent_in_order_and_then_the_end, 0,
                      EVERY_KIND);
  tcase_add_loop_test(runs, runs_wrap_round_the_ring_at_every_place, 0, EVERY_KIND);
  tcase_add_loop_test(runs, many_values_come_in_fewer_callbacks, 0, 2);
  tcase_add_loop_test(runs, no_run_exceeds_the_budget, 0, 2);
  tcase_add_loop_test(runs, a_receiver_may_change_between_one_value_and_runs, 0,
                      SUPPORT_NCAPACITIES);

  tcase_add_loop_test(inside,
                      the_values_of_a_run_are_received_even_where_the_callback_closes_the_receiver,
                      0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(
      inside, the_values_of_a_run_stay_in_place_while_the_callback_sends_to_the_same_channel, 0,
      SUPPORT_NCAPACITIES);
  tcase_add_test(inside, a_receive_inside_the_callback_gets_the_value_after_the_run);
  tcase_add_loop_test(
      inside, abort_inside_the_callback_drops_what_was_not_delivered_and_brings_the_end, 0, 2);
  tcase_add_loop_test(inside, a_sender_that_waits_beside_a_running_callback_goes_on_after_it, 0,
                      SUPPORT_NCAPACITIES - 1);
  return support_main(suite);
}
