/* SPDX-License-Identifier: MIT */
/* Beside a receiver that spins: timers, sockets, other receivers and requests of its loop have
 * their turns. Turns are counted; nothing is timed. */
#include "spinner.h"

START_TEST(timers_are_called_though_nothing_comes) {
  spinner_t spinner;
  uv_timer_t timer;
  unsigned int fired = 0;

  spinner_open(&spinner, capacity_of(_i));
  ck_assert_int_eq(uv_timer_init(&scene.loop, &timer), 0);
  timer.data = &fired;
  ck_assert_int_eq(uv_timer_start(&timer, count_timer, 1, 1), 0);
  run_until(&scene.loop, fired == 3);
  ck_assert(is_awake(&scene.loop));
  uv_close((uv_handle_t*)&timer, NULL);
  spinner_close(&spinner);
}
END_TEST

static void send_until_quit(void* arg) {
  source_t* source = arg;
  uint64_t number = source->first;
  while (!atomic_load(&source->quit)) {
    int r = uvchan_send_timedwait(source->ch, &number, UINT64_C(1000000));
    must(r == 0 || r == UV_ETIMEDOUT);
    if (r == 0) number++;
  }
}

START_TEST(timers_are_called_though_values_keep_coming) {
  spinner_t spinner;
  source_t source = {.first = 1};
  uv_thread_t thread;
  uv_timer_t timer;
  unsigned int fired = 0;

  spinner_open(&spinner, capacity_of(_i));
  ck_assert_int_eq(uv_timer_init(&scene.loop, &timer), 0);
  timer.data = &fired;
  ck_assert_int_eq(uv_timer_start(&timer, count_timer, 1, 1), 0);
  source.ch = spinner.ch;
  support_start(&thread, send_until_quit, &source);
  run_until(&scene.loop, fired >= 3 && spinner.sink.values >= 20);
  atomic_store(&source.quit, 1);
  support_join(&thread);
  uv_close((uv_handle_t*)&timer, NULL);
  spinner_close(&spinner);
}
END_TEST

#ifndef _WIN32 /* where a pipe takes no byte at once */

static void lend_byte(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  static char byte;
  (void)handle;
  (void)suggested;
  *buf = uv_buf_init(&byte, 1);
}

static void count_bytes(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void)buf;
  must(nread >= 0);
  *(unsigned int*)stream->data += (unsigned int)nread;
}

static void write_a_byte(uv_pipe_t* to) {
  char byte = 'b';
  uv_buf_t buf = uv_buf_init(&byte, 1);
  must(uv_try_write((uv_stream_t*)to, &buf, 1) == 1);
}

/* A round of each turn: the byte that was written before it is read in it. */
START_TEST(a_pipe_is_read_in_each_turn_while_it_spins) {
  spinner_t spinner;
  uv_pipe_t ends[2];
  uv_file fds[2];
  unsigned int bytes = 0, n;
  int i;

  spinner_open(&spinner, capacity_of(_i));
  ck_assert_int_eq(uv_pipe(fds, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE), 0);
  for (i = 0; i < 2; i++) ck_assert_int_eq(uv_pipe_init(&scene.loop, &ends[i], 0), 0);
  for (i = 0; i < 2; i++) ck_assert_int_eq(uv_pipe_open(&ends[i], fds[i]), 0);
  ends[0].data = &bytes;
  ck_assert_int_eq(uv_read_start((uv_stream_t*)&ends[0], lend_byte, count_bytes), 0);
  turn(&scene.loop, 1);
  for (n = 1; n <= 50; n++) {
    write_a_byte(&ends[1]);
    turn(&scene.loop, 1);
    ck_assert_uint_eq(bytes, n);
  }
  ck_assert(is_awake(&scene.loop));
  for (i = 0; i < 2; i++) uv_close((uv_handle_t*)&ends[i], NULL);
  spinner_close(&spinner);
}
END_TEST

#endif

static void count_async(uv_async_t* async) { ++*(unsigned int*)async->data; }

static void send_async(void* async) { must(uv_async_send(async) == 0); }

START_TEST(an_async_handle_is_called_while_it_spins) {
  spinner_t spinner;
  uv_async_t async;
  uv_thread_t thread;
  unsigned int woken = 0, n;

  spinner_open(&spinner, capacity_of(_i));
  ck_assert_int_eq(uv_async_init(&scene.loop, &async, count_async), 0);
  async.data = &woken;
  for (n = 1; n <= 5; n++) {
    support_start(&thread, send_async, &async);
    run_until(&scene.loop, woken == n);
    support_join(&thread);
  }
  uv_close((uv_handle_t*)&async, NULL);
  spinner_close(&spinner);
}
END_TEST

/* The other one's values come from the loop's own thread, at most a turn late. */
START_TEST(another_receiver_of_the_loop_has_its_turn) {
  size_t capacity = capacity_of(_i);
  uvchan_t* other = scene_channel(capacity);
  spinner_t spinner;
  sink_t sink;
  uint64_t i;

  spinner_open(&spinner, capacity);
  sink_start_spinning(&sink, &scene.loop, other, _i < SUPPORT_NCAPACITIES ? 0 : LONG);
  settle(&scene.loop);
  for (i = 0; i < 50; i++) {
    ck_assert_int_eq(try_send(other, i), 0);
    turn(&scene.loop, 2);
    ck_assert_uint_eq(sink.values, i + 1);
  }
  for (i = 1; i < 50; i++) {
    ck_assert_int_eq(try_send(other, 49 + i), 0);
    ck_assert_int_eq(try_send(spinner.ch, i), 0);
    turn(&scene.loop, 2);
    ck_assert_uint_eq(sink.values, i + 50);
    ck_assert_uint_eq(spinner.sink.values, i + 1);
  }
  sink_close(&sink);
  spinner_close(&spinner);
}
END_TEST

START_TEST(another_receiver_of_the_loop_gets_what_a_thread_sends) {
  uvchan_t* other = scene_channel(capacity_of(_i));
  source_t source = {
      .ch = other, .count = (uint64_t)support_count(500), .most_gap = 20000, .closes = 1};
  spinner_t spinner;
  uv_thread_t thread;
  sink_t sink;

  spinner_open(&spinner, capacity_of(_i));
  sink_start_spinning(&sink, &scene.loop, other, _i < SUPPORT_NCAPACITIES ? 0 : LONG);
  support_start(&thread, send_at_random, &source);
  run_until(&scene.loop, sink.ends == 1);
  support_join(&thread);
  ck_assert_uint_eq(sink.values, source.count);
  ck_assert(is_awake(&scene.loop));
  sink_close(&sink);
  spinner_close(&spinner);
}
END_TEST

START_TEST(requests_of_the_loop_are_finished_while_it_spins) {
  uvchan_t* other = scene_channel(capacity_of(_i));
  spinner_t spinner;
  uvchan_waitgroup_t wg;
  send_op_t send;
  recv_op_t recv;
  select_op_t select;
  notify_op_t notify;

  spinner_open(&spinner, capacity_of(_i));
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), 0);
  recv_op(&recv, &scene.loop, other);
  select_case(&select, 0, other, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 1);
  notify_op(&notify, &scene.loop, &wg);
  turn(&scene.loop, 1);
  send_op(&send, &scene.loop, other, 5);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), 0);
  turn(&scene.loop, 2);
  ck_assert_uint_eq(send.calls, 1);
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert_uint_eq(recv.value, 5);
  ck_assert_uint_eq(notify.calls, 1);
  ck_assert_uint_eq(select.calls, 0);
  ck_assert_int_eq(cancel_op(&select), 0);
  turn(&scene.loop, 2);
  ck_assert_uint_eq(select.calls, 1);
  ck_assert_int_eq(select.index, UV_ECANCELED);
  ck_assert(is_awake(&scene.loop));
  uvchan_waitgroup_destroy(&wg);
  spinner_close(&spinner);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("spin-beside");
  TCase* beside = scene_tcase(suite, "beside");
  const int kinds = SUPPORT_NCAPACITIES;

  tcase_add_loop_test(beside, timers_are_called_though_nothing_comes, 0, kinds);
  tcase_add_loop_test(beside, timers_are_called_though_values_keep_coming, 0, kinds);
#ifndef _WIN32
  tcase_add_loop_test(beside, a_pipe_is_read_in_each_turn_while_it_spins, 0, kinds);
#endif
  tcase_add_loop_test(beside, an_async_handle_is_called_while_it_spins, 0, kinds);
  tcase_add_loop_test(beside, another_receiver_of_the_loop_has_its_turn, 0, 2 * kinds);
  tcase_add_loop_test(beside, another_receiver_of_the_loop_gets_what_a_thread_sends, 0, 2 * kinds);
  tcase_add_loop_test(beside, requests_of_the_loop_are_finished_while_it_spins, 0, kinds);
  return support_main(suite);
}
