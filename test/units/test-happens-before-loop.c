/* SPDX-License-Identifier: MIT */
/* Memory order across threads and loops, with plain data beside the channel: under ThreadSanitizer
 * an order that is missing is a data race, and elsewhere the data are wrong sooner or later. */
#include "scene.h"

#define COUNT 300

/* Not atomic: written by one side before its operation, read by the other after its own. */
static uint64_t notes[COUNT];
static uint64_t last_words;
static uint64_t answers[COUNT];

static void write_and_send(void* arg) {
  uint64_t i;
  for (i = 0; i < COUNT; i++) {
    notes[i] = i * 3 + 1;
    must(uvchan_send_wait(arg, &i) == 0);
  }
  last_words = 77;
  must(uvchan_close(arg) == 0);
}

static void read_notes(const uint64_t* numbers, ssize_t n) {
  ssize_t i;
  for (i = 0; i < n; i++) must(notes[numbers[i]] == numbers[i] * 3 + 1);
}

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  if (status == 0) {
    read_notes(value, 1);
    return;
  }
  must(last_words == 77);
  uvchan_receiver_close(receiver, NULL);
}

static void on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  read_notes(values, nvalues);
  if (nvalues > 0) return;
  must(last_words == 77);
  uvchan_receiver_close(receiver, NULL);
}

START_TEST(what_was_written_before_a_send_or_a_close_is_seen_in_the_callback) {
  uvchan_t* ch = scene_channel(support_capacities[_i / 2]);
  uv_thread_t thread;
  uvchan_receiver_t receiver;

  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receiver, ch), 0);
  if (_i % 2 == 0) {
    ck_assert_int_eq(uvchan_recv_start(&receiver, on_value), 0);
  } else {
    ck_assert_int_eq(uvchan_recv_start_batch(&receiver, on_batch), 0);
  }
  support_start(&thread, write_and_send, ch);
  scene_finish_loop();
  support_join(&thread);
}
END_TEST

START_TEST(what_was_written_before_a_send_or_a_close_is_seen_when_a_request_is_done) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uv_thread_t thread;
  recv_op_t recv;
  select_op_t select;
  int ended = 0;

  support_start(&thread, write_and_send, ch);
  while (!ended) {
    recv_op(&recv, &scene.loop, ch);
    run_until(&scene.loop, recv.calls == 1);
    if (recv.status == 0) read_notes(&recv.value, 1);
    select_case(&select, 0, ch, UVCHAN_RECV, 0);
    select_op(&select, &scene.loop, 1);
    run_until(&scene.loop, select.calls == 1);
    ended = select.cases[0].status == UV_EOF;
    if (!ended) read_notes(&select.values[0], 1);
  }
  must(last_words == 77);
  support_join(&thread);
  scene_finish();
}
END_TEST

static void receive_and_read(void* arg) {
  uint64_t number;
  while (uvchan_recv_wait(arg, &number) == 0) read_notes(&number, 1);
  must(last_words == 77);
}

START_TEST(what_a_loop_wrote_before_its_request_is_seen_by_a_thread) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uv_thread_t thread;
  send_op_t send;
  select_op_t select;
  uint64_t i;

  support_start(&thread, receive_and_read, ch);
  for (i = 0; i < COUNT; i++) {
    notes[i] = i * 3 + 1;
    if (i % 2 == 0) {
      send_op(&send, &scene.loop, ch, i);
      run_until(&scene.loop, send.calls == 1);
    } else {
      select_case(&select, 0, ch, UVCHAN_SEND, i);
      select_op(&select, &scene.loop, 1);
      run_until(&scene.loop, select.calls == 1);
    }
  }
  last_words = 77;
  ck_assert_int_eq(uvchan_close(ch), 0);
  support_join(&thread);
  scene_finish();
}
END_TEST

static void answer_and_receive(void* arg) {
  uint64_t number;
  uint64_t i;
  for (i = 0; i < COUNT; i++) {
    answers[i] = i + 5;
    must(uvchan_recv_wait(arg, &number) == 0);
  }
}

/* The k-th receive happens before send k + capacity completes: what the receiver wrote before the
 * one, the sender reads after the other. */
START_TEST(what_was_written_before_a_receive_is_seen_when_the_send_behind_it_is_done) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  size_t capacity = support_capacities[_i];
  uv_thread_t thread;
  send_op_t send;
  uint64_t i;

  support_start(&thread, answer_and_receive, ch);
  for (i = 0; i < COUNT; i++) {
    send_op(&send, &scene.loop, ch, i);
    run_until(&scene.loop, send.calls == 1);
    if (i >= capacity) must(answers[i - capacity] == i - capacity + 5);
  }
  support_join(&thread);
  scene_finish();
}
END_TEST

static void note_and_done(void* arg) {
  last_words = 78;
  must(uvchan_waitgroup_done(arg) == 0);
}

START_TEST(what_was_written_before_done_is_seen_by_the_notify) {
  uvchan_waitgroup_t wg;
  uv_thread_t thread;
  notify_op_t notify;

  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), 0);
  notify_op(&notify, &scene.loop, &wg);
  support_start(&thread, note_and_done, &wg);
  run_until(&scene.loop, notify.calls == 1);
  ck_assert_uint_eq(last_words, 78);
  support_join(&thread);
  scene_finish_loop();
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("happens-before-loop");
  TCase* order = scene_tcase(suite, "order");

  tcase_add_loop_test(order, what_was_written_before_a_send_or_a_close_is_seen_in_the_callback, 0,
                      2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(order,
                      what_was_written_before_a_send_or_a_close_is_seen_when_a_request_is_done, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(order, what_a_loop_wrote_before_its_request_is_seen_by_a_thread, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(order,
                      what_was_written_before_a_receive_is_seen_when_the_send_behind_it_is_done, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_test(order, what_was_written_before_done_is_seen_by_the_notify);
  return support_main(suite);
}
