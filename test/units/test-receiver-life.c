/* SPDX-License-Identifier: MIT */
/* Started receivers on one loop: start, stop, close, and what is allowed in their callbacks. */
#include <stdlib.h>

#include "scene.h"

START_TEST(a_second_start_is_refused_until_the_receiver_is_stopped) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  ck_assert(uvchan_receiver_is_active(&sink.handle));
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), UV_EALREADY);
  ck_assert_int_eq(uvchan_recv_start_batch(&sink.handle, sink_on_batch), UV_EALREADY);
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  ck_assert(!uvchan_receiver_is_active(&sink.handle));
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  ck_assert_int_eq(uvchan_recv_start_batch(&sink.handle, sink_on_batch), 0);
  ck_assert(uvchan_receiver_is_active(&sink.handle));
  ck_assert_int_eq(try_send(ch, 0), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 1);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(a_start_after_the_end_brings_the_end_once_more) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;
  unsigned int i;

  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (i = 1; i <= 3; i++) {
    ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
    ck_assert_uint_eq(sink.ends, i - 1);
    scene_run();
    ck_assert_uint_eq(sink.ends, i);
    ck_assert(!uvchan_receiver_is_active(&sink.handle));
    ck_assert_int_eq(uvchan_close(ch), UV_EALREADY);
    settle(&scene.loop);
    ck_assert_uint_eq(sink.ends, i);
  }
  sink_close(&sink);
  scene_finish();
}
END_TEST

static unsigned int restarts;

static void restart_at_the_end(uvchan_receiver_t* receiver, int status, const void* value) {
  must(status == UV_EOF);
  must(value == NULL);
  if (++restarts < 5) must(uvchan_recv_start(receiver, restart_at_the_end) == 0);
}

START_TEST(a_start_inside_the_callback_of_the_end_brings_the_end_once_more) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_receiver_t receiver;

  restarts = 0;
  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receiver, ch), 0);
  ck_assert_int_eq(uvchan_recv_start(&receiver, restart_at_the_end), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_run();
  ck_assert_uint_eq(restarts, 5);
  uvchan_receiver_close(&receiver, NULL);
  scene_finish();
}
END_TEST

START_TEST(no_callback_comes_after_stop_and_the_values_come_after_the_next_start) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.calls, 0);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.ends, 0);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(a_stop_inside_the_callback_leaves_the_rest_in_the_channel) {
  uvchan_t* ch = scene_channel(16);
  sink_t sink;
  uint64_t i;

  for (i = 0; i < 10; i++) ck_assert_int_eq(try_send(ch, i), 0);
  sink_start(&sink, &scene.loop, ch);
  sink.stop_after = 4;
  scene_run();
  ck_assert_uint_eq(sink.values, 4);
  ck_assert_uint_eq(uvchan_len(ch), 6);
  for (i = 4; i < 10; i++) ck_assert(takes(ch, i));
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(close_calls_back_once_and_later_and_nothing_is_delivered_any_more) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, support_capacities[_i], UVCHAN_WAIT);
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert(!uvchan_receiver_is_closing(&sink.handle));
  sink_close(&sink);
  ck_assert(uvchan_receiver_is_closing(&sink.handle));
  ck_assert(!uvchan_receiver_is_active(&sink.handle));
  ck_assert_uint_eq(sink.closes, 0);
  scene_run();
  ck_assert_uint_eq(sink.closes, 1);
  ck_assert_uint_eq(sink.calls, 0);
  ck_assert_uint_eq(rest(ch).received, 0);
  scene_finish_loop();
  uvchan_release(ch);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_RELEASE]), 1);
}
END_TEST

START_TEST(a_closing_receiver_can_not_be_started) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  sink_close(&sink);
  ck_assert_int_lt(uvchan_recv_start(&sink.handle, sink_on_value), 0);
  ck_assert_int_lt(uvchan_recv_start_batch(&sink.handle, sink_on_batch), 0);
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  scene_finish_loop();
  ck_assert_uint_eq(sink.closes, 1);
  ck_assert_uint_eq(sink.calls, 0);
}
END_TEST

START_TEST(a_receiver_may_close_itself_in_its_callback) {
  uvchan_t* ch = scene_channel(16);
  sink_t sink;
  uint64_t i;

  for (i = 0; i < 10; i++) ck_assert_int_eq(try_send(ch, i), 0);
  sink_start(&sink, &scene.loop, ch);
  sink.close_after = 3;
  scene_finish_loop();
  ck_assert_uint_eq(sink.values, 3);
  ck_assert_uint_eq(sink.closes, 1);
  for (i = 3; i < 10; i++) ck_assert(takes(ch, i));
}
END_TEST

static unsigned int freed;

static void free_receiver(uvchan_receiver_t* receiver) {
  freed++;
  free(receiver);
}

static void close_at_once(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)status;
  (void)value;
  uvchan_receiver_close(receiver, free_receiver);
}

START_TEST(a_receiver_may_be_freed_in_its_close_callback) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  int i;

  freed = 0;
  for (i = 0; i < 4; i++) {
    uvchan_receiver_t* receiver = malloc(sizeof(*receiver));
    ck_assert_ptr_nonnull(receiver);
    ck_assert_int_eq(uvchan_receiver_init(&scene.loop, receiver, ch), 0);
    ck_assert_int_eq(uvchan_recv_start(receiver, close_at_once), 0);
  }
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_finish_loop();
  ck_assert_uint_eq(freed, 4);
}
END_TEST

static sink_t victim;

static void close_the_victim(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)status;
  (void)value;
  sink_close(&victim);
  uvchan_receiver_close(receiver, NULL);
}

START_TEST(a_receiver_that_another_closes_in_its_callback_gets_nothing_more) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_t* other = scene_channel(support_capacities[_i]);
  uvchan_receiver_t closer;

  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &closer, ch), 0);
  ck_assert_int_eq(uvchan_recv_start(&closer, close_the_victim), 0);
  sink_start(&victim, &scene.loop, other);
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert_int_eq(try_send(other, 0), 0);
  scene_finish_loop();
  ck_assert_uint_eq(victim.closes, 1);
  ck_assert_uint_le(victim.calls, 1);
  ck_assert_uint_eq(rest(other).received, victim.calls);
}
END_TEST

START_TEST(init_sets_every_member_but_data) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  memset(&sink, 0x5a, sizeof(sink));
  sink.closes = 0;
  sink.inside = 0;
  sink.handle.data = &scene.loop;
  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &sink.handle, ch), 0);
  ck_assert_ptr_eq(sink.handle.data, &scene.loop);
  ck_assert_ptr_eq(sink.handle.loop, &scene.loop);
  ck_assert_ptr_eq(sink.handle.channel, ch);
  ck_assert(!uvchan_receiver_is_active(&sink.handle));
  ck_assert(!uvchan_receiver_is_closing(&sink.handle));
  ck_assert(uvchan_receiver_has_ref(&sink.handle));
  sink_close(&sink);
  scene_finish_loop();
  ck_assert_uint_eq(sink.closes, 1);
}
END_TEST

START_TEST(a_receiver_holds_its_channel_until_it_is_closed) {
  uvchan_t* ch = support_channel(8, 3);
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  sink.close_at_end = 1;
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  uvchan_release(ch);
  scene_finish_loop();
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_uint_eq(sink.closes, 1);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("receiver-life");
  TCase* life = scene_tcase(suite, "life");

  tcase_add_loop_test(life, a_second_start_is_refused_until_the_receiver_is_stopped, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(life, a_start_after_the_end_brings_the_end_once_more, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(life, a_start_inside_the_callback_of_the_end_brings_the_end_once_more, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(life, no_callback_comes_after_stop_and_the_values_come_after_the_next_start,
                      0, SUPPORT_NCAPACITIES);
  tcase_add_test(life, a_stop_inside_the_callback_leaves_the_rest_in_the_channel);
  tcase_add_loop_test(life, close_calls_back_once_and_later_and_nothing_is_delivered_any_more, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(life, a_closing_receiver_can_not_be_started, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(life, a_receiver_may_close_itself_in_its_callback);
  tcase_add_loop_test(life, a_receiver_may_be_freed_in_its_close_callback, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(life, a_receiver_that_another_closes_in_its_callback_gets_nothing_more, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(life, init_sets_every_member_but_data, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(life, a_receiver_holds_its_channel_until_it_is_closed);
  return support_main(suite);
}
