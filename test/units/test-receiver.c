/* SPDX-License-Identifier: MIT */
/* Started receivers, one value a callback, on one loop: what is delivered, and the end. */
#include "scene.h"

#define EVERY_KIND (SUPPORT_NCAPACITIES * SUPPORT_NELEM_SIZES)

static size_t capacity_of(int i) { return support_capacities[i % SUPPORT_NCAPACITIES]; }
static size_t elem_size_of(int i) { return support_elem_sizes[i / SUPPORT_NCAPACITIES]; }

typedef struct {
  uvchan_t* ch;
  uint64_t count;
  int status; /* to close with; 0: leave it open */
} source_t;

static void send_all(void* arg) {
  source_t* source = arg;
  unsigned char value[SUPPORT_MOST_BYTES];
  uint64_t i;
  for (i = 0; i < source->count; i++) {
    support_fill(value, uvchan_elem_size(source->ch), i);
    must(uvchan_send_wait(source->ch, value) == 0);
  }
  if (source->status != 0) must(uvchan_close_with(source->ch, source->status) == 0);
}

START_TEST(a_receiver_gets_what_a_thread_sent_in_order_and_then_the_end) {
  uvchan_t* ch = support_channel(elem_size_of(_i), capacity_of(_i));
  source_t source = {ch, 100, UV_EOF};
  uv_thread_t thread;
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  support_start(&thread, send_all, &source);
  scene_run();
  ck_assert_uint_eq(sink.values, 100);
  ck_assert_uint_eq(sink.calls, 101);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_int_eq(sink.end, UV_EOF);
  ck_assert(!uvchan_receiver_is_active(&sink.handle));
  support_join(&thread);
  ck_assert_uint_eq(rest(ch).received, 100);
  sink_close(&sink);
  scene_finish_loop();
  ck_assert_uint_eq(sink.closes, 1);
  uvchan_release(ch);
}
END_TEST

/* Nothing ends the stream, so that a wake-up that is lost leaves the loop asleep. */
START_TEST(the_last_value_of_an_open_channel_is_delivered) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  source_t source = {ch, (uint64_t)support_count(20000), 0};
  uv_thread_t thread;
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  sink.close_after = source.count;
  support_start(&thread, send_all, &source);
  scene_finish_loop();
  support_join(&thread);
  ck_assert_uint_eq(sink.values, source.count);
  ck_assert_uint_eq(sink.closes, 1);
}
END_TEST

START_TEST(the_status_of_close_with_is_the_end) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert_int_eq(uvchan_close_with(ch, UV_ECONNRESET), 0);
  ck_assert_uint_eq(sink.calls, 0);
  scene_run();
  ck_assert_uint_eq(sink.values, 1);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_int_eq(sink.end, UV_ECONNRESET);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(abort_takes_what_is_buffered_from_the_receiver_and_brings_the_end) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, support_capacities[_i], UVCHAN_WAIT);
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 7), 0);
  ck_assert_int_eq(uvchan_abort(ch, UV_ECONNABORTED), 0);
  scene_run();
  ck_assert_uint_eq(sink.values, 0);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_int_eq(sink.end, UV_ECONNABORTED);
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_ABORT]), 1);
  ck_assert_uint_eq(atomic_load(&drops.sum), 7);
  ck_assert_uint_eq(rest(ch).dropped, 1);
  sink_close(&sink);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

START_TEST(buffered_values_come_after_the_start_and_never_inside_it) {
  uvchan_t* ch = scene_channel(16);
  sink_t sink;
  uint64_t i;

  for (i = 0; i < 16; i++) ck_assert_int_eq(try_send(ch, i), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  sink_start(&sink, &scene.loop, ch);
  ck_assert_uint_eq(sink.calls, 0);
  scene_run();
  ck_assert_uint_eq(sink.values, 16);
  ck_assert_uint_eq(sink.ends, 1);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(each_value_goes_to_exactly_one_of_several_receivers_and_the_end_to_all) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  source_t source = {ch, 300, UV_EOF};
  uv_thread_t thread;
  sink_t sinks[4];
  uint64_t values = 0;
  int i;

  for (i = 0; i < 4; i++) {
    if (i % 2 == 0) {
      sink_start(&sinks[i], &scene.loop, ch);
    } else {
      sink_start_batch(&sinks[i], &scene.loop, ch);
    }
    sinks[i].unordered = 1;
  }
  support_start(&thread, send_all, &source);
  scene_run();
  support_join(&thread);
  for (i = 0; i < 4; i++) {
    values += sinks[i].values;
    ck_assert_uint_eq(sinks[i].ends, 1);
    ck_assert(!uvchan_receiver_is_active(&sinks[i].handle));
    sink_close(&sinks[i]);
  }
  ck_assert_uint_eq(values, 300);
  ck_assert_uint_eq(rest(ch).received, 300);
  scene_finish();
}
END_TEST

static size_t alignment_of(size_t elem_size) {
  size_t alignment = _Alignof(max_align_t);
  while (elem_size % alignment != 0) alignment /= 2;
  return alignment;
}

static void check_alignment(uvchan_receiver_t* receiver, int status, const void* value) {
  if (status == UV_EOF) {
    uvchan_receiver_close(receiver, NULL);
    return;
  }
  must((uintptr_t)value % alignment_of(uvchan_elem_size(receiver->channel)) == 0);
}

START_TEST(delivered_values_are_aligned_as_their_size_allows) {
  uvchan_t* ch = support_channel(elem_size_of(_i), capacity_of(_i));
  source_t source = {ch, 20, UV_EOF};
  uvchan_receiver_t receiver;
  uv_thread_t thread;

  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receiver, ch), 0);
  ck_assert_int_eq(uvchan_recv_start(&receiver, check_alignment), 0);
  support_start(&thread, send_all, &source);
  scene_finish_loop();
  support_join(&thread);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("receiver");
  TCase* delivery = scene_tcase(suite, "delivery");

  tcase_add_loop_test(delivery, a_receiver_gets_what_a_thread_sent_in_order_and_then_the_end, 0,
                      EVERY_KIND);
  tcase_add_loop_test(delivery, the_last_value_of_an_open_channel_is_delivered, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(delivery, the_status_of_close_with_is_the_end, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(delivery, abort_takes_what_is_buffered_from_the_receiver_and_brings_the_end,
                      0, SUPPORT_NCAPACITIES);
  tcase_add_test(delivery, buffered_values_come_after_the_start_and_never_inside_it);
  tcase_add_loop_test(delivery,
                      each_value_goes_to_exactly_one_of_several_receivers_and_the_end_to_all, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(delivery, delivered_values_are_aligned_as_their_size_allows, 0, EVERY_KIND);
  return support_main(suite);
}
