/* SPDX-License-Identifier: MIT */
/* Wake-ups between threads and loops. No test here closes a channel while it still waits for a
 * value: the wake-up of a close would hide one that was lost, which shows as a loop that sleeps for
 * ever and as the time limit of the test case. */
#include "scene.h"

/* A thread and a loop take turns: the thread sends the next value only when the loop has had the
 * one before, so that the loop is on its way to sleep at each send. */
typedef struct {
  uvchan_t* ch;
  uint64_t count;
  atomic_uint_fast64_t had;
} turns_t;

static void send_by_turns(void* arg) {
  turns_t* turns = arg;
  uint64_t i;
  for (i = 0; i < turns->count; i++) {
    must(uvchan_send_wait(turns->ch, &i) == 0);
    while (atomic_load(&turns->had) <= i) uv_sleep(0);
  }
}

static turns_t* turns_of_the_test;

static void count_turns(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_on_value(receiver, status, value);
  atomic_fetch_add(&turns_of_the_test->had, 1);
}

START_TEST(each_of_many_single_values_wakes_the_loop) {
  turns_t turns = {support_channel(8, support_capacities[_i]), (uint64_t)support_count(2000), 0};
  uv_thread_t thread;
  sink_t sink;

  turns_of_the_test = &turns;
  sink_init(&sink, &scene.loop, turns.ch);
  sink.close_after = turns.count;
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, count_turns), 0);
  support_start(&thread, send_by_turns, &turns);
  scene_finish_loop();
  support_join(&thread);
  ck_assert_uint_eq(sink.values, turns.count);
  uvchan_release(turns.ch);
}
END_TEST

static void stop_and_start(uvchan_receiver_t* receiver, int status, const void* value) {
  must(uvchan_recv_stop(receiver) == 0);
  count_turns(receiver, status, value);
  must(uvchan_recv_start(receiver, stop_and_start) == 0);
}

static void restart_in_idle(uv_idle_t* idle) {
  sink_t* sink = idle->data;
  if (!uvchan_receiver_is_active(&sink->handle)) return;
  must(uvchan_recv_stop(&sink->handle) == 0);
  must(uvchan_recv_start(&sink->handle, stop_and_start) == 0);
}

START_TEST(a_receiver_that_is_stopped_and_started_all_the_time_misses_nothing) {
  turns_t turns = {support_channel(8, support_capacities[_i]), (uint64_t)support_count(1000), 0};
  uv_thread_t thread;
  uv_idle_t idle;
  sink_t sink;

  turns_of_the_test = &turns;
  sink_init(&sink, &scene.loop, turns.ch);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, stop_and_start), 0);
  ck_assert_int_eq(uv_idle_init(&scene.loop, &idle), 0);
  idle.data = &sink;
  support_start(&thread, send_by_turns, &turns);
  /* by halves with and without the restarts outside of callbacks, which keep the loop awake */
  while (sink.values < turns.count) {
    if (sink.values == turns.count / 2) must(uv_idle_start(&idle, restart_in_idle) == 0);
    uv_run(&scene.loop, UV_RUN_ONCE);
  }
  support_join(&thread);
  uv_close((uv_handle_t*)&idle, NULL);
  sink_close(&sink);
  scene_finish_loop();
  uvchan_release(turns.ch);
}
END_TEST

/* Loops that receive by requests, one after the other, for ever: until they get the value that ends
 * them. */
typedef struct {
  uvchan_recv_t recv;
  uvchan_select_t select;
  uvchan_case_t cases[2];
  uint64_t value;
  turns_t* turns;
  uv_loop_t loop;
  uv_thread_t thread;
  int by_select;
} taker_t;

#define ENOUGH UINT64_MAX

static void taker_next(taker_t* taker);

static void taker_had(taker_t* taker) {
  if (taker->value == ENOUGH) return;
  atomic_fetch_add(&taker->turns->had, 1);
  taker_next(taker);
}

static void taker_received(uvchan_recv_t* req, int status) {
  must(status == 0);
  taker_had(req->data);
}

static void taker_chosen(uvchan_select_t* req, int index) {
  taker_t* taker = req->data;
  must(index == 1);
  must(taker->cases[1].status == 0);
  taker_had(taker);
}

static void taker_next(taker_t* taker) {
  if (taker->by_select) {
    must(uvchan_select(&taker->loop, &taker->select, taker->cases, 2, taker_chosen) == 0);
  } else {
    must(uvchan_recv(&taker->loop, &taker->recv, taker->turns->ch, &taker->value, taker_received) ==
         0);
  }
}

static void run_taker(void* arg) { support_loop_finish(&((taker_t*)arg)->loop); }

static void taker_start(taker_t* taker, turns_t* turns, uvchan_t* never, int by_select) {
  memset(taker, 0, sizeof(*taker));
  support_loop_open(&taker->loop);
  taker->turns = turns;
  taker->by_select = by_select;
  taker->recv.data = taker->select.data = taker;
  taker->cases[0].ch = never;
  taker->cases[0].value = taker->cases[1].value = &taker->value;
  taker->cases[1].ch = turns->ch;
  taker_next(taker);
  support_start(&taker->thread, run_taker, taker);
}

static void await_had(turns_t* turns, uint64_t count) {
  while (atomic_load(&turns->had) < count) uv_sleep(0);
}

/* Where one wake-up served for two values, the second sleeper would never hear of his. */
START_TEST(two_values_wake_two_sleeping_loops) {
  turns_t turns = {support_channel(8, support_capacities[_i]), 0, 0};
  uvchan_t* never = support_channel(8, 0);
  static taker_t takers[2];
  uint64_t rounds = (uint64_t)support_count(800);
  uint64_t end = ENOUGH;
  uint64_t i;

  taker_start(&takers[0], &turns, never, 0);
  taker_start(&takers[1], &turns, never, 1);
  for (i = 0; i < rounds; i++) {
    must(uvchan_send_wait(turns.ch, &i) == 0);
    must(uvchan_send_wait(turns.ch, &i) == 0);
    await_had(&turns, 2 * (i + 1));
  }
  for (i = 0; i < 2; i++) must(uvchan_send_wait(turns.ch, &end) == 0);
  for (i = 0; i < 2; i++) support_join(&takers[i].thread);
  ck_assert_uint_eq(rest(never).waiting_receivers, 0);
  uvchan_release(turns.ch);
  uvchan_release(never);
}
END_TEST

static void take_one(void* arg) {
  uint64_t value;
  must(uvchan_recv_wait(arg, &value) == 0);
}

static void send_one(void* arg) {
  uint64_t value = 1;
  must(uvchan_send_wait(arg, &value) == 0);
}

/* The request stands before the thread in the queue. Where it is cancelled in time, the value is
 * the thread's, who sleeps. */
START_TEST(a_cancelled_request_does_not_keep_the_wake_up_from_the_next) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uv_thread_t taker;
  uv_thread_t sender;
  recv_op_t recv;
  int round;

  for (round = 0; round < support_count(200); round++) {
    int cancelled;
    recv_op(&recv, &scene.loop, ch);
    support_start(&taker, take_one, ch);
    support_await_receivers(ch, 2);
    support_start(&sender, send_one, ch);
    if (round % 2 == 0) uv_sleep(0);
    cancelled = cancel_op(&recv);
    run_until(&scene.loop, recv.calls == 1);
    must(recv.status == (cancelled == 0 ? UV_ECANCELED : 0));
    if (cancelled != 0) send_one(ch);
    support_join(&taker);
    support_join(&sender);
  }
  ck_assert(is_empty(ch));
  scene_finish();
}
END_TEST

static void send_one_and_leave(void* arg) {
  uint64_t value = 0;
  must(uvchan_send_wait(arg, &value) == 0);
  uvchan_release(arg);
}

START_TEST(a_value_whose_sender_leaves_at_once_is_received) {
  int rounds = support_count(300);
  int round;

  for (round = 0; round < rounds; round++) {
    uvchan_t* ch = support_channel(8, support_capacities[_i]);
    uv_thread_t thread;
    sink_t sink;
    sink_start(&sink, &scene.loop, ch);
    sink.close_after = 1;
    support_start(&thread, send_one_and_leave, ch);
    scene_run();
    ck_assert_uint_eq(sink.values, 1);
    support_join(&thread);
  }
  scene_finish();
}
END_TEST

#define PRODUCERS 5
#define EACH 400

static void produce(void* arg) {
  uint64_t i;
  for (i = 0; i < EACH; i++) must(uvchan_send_wait(arg, &i) == 0);
}

/* More senders wait than there are places; all of them must hear of the room that a drain makes. */
START_TEST(all_blocked_producers_go_on_when_a_loop_drains) {
  uvchan_t* ch = scene_channel(support_capacities[_i / 2]);
  uv_thread_t threads[PRODUCERS];
  sink_t sink;
  int i;

  for (i = 0; i < PRODUCERS; i++) support_start(&threads[i], produce, ch);
  support_await_senders(ch, PRODUCERS);
  if (_i % 2 == 0) {
    sink_start(&sink, &scene.loop, ch);
  } else {
    sink_start_batch(&sink, &scene.loop, ch);
  }
  sink.unordered = 1;
  run_until(&scene.loop, sink.values == PRODUCERS * EACH);
  for (i = 0; i < PRODUCERS; i++) support_join(&threads[i]);
  ck_assert_uint_eq(rest(ch).waiting_senders, 0);
  sink_close(&sink);
  scene_finish();
}
END_TEST

typedef struct {
  uvchan_receiver_t handle; /* first */
  uvchan_t* back;
} echo_t;

static void echo(uvchan_receiver_t* receiver, int status, const void* value) {
  must(status == 0);
  must(uvchan_send_wait(((echo_t*)receiver)->back, value) == 0);
  if (*(const uint64_t*)value == ENOUGH) uvchan_receiver_close(receiver, NULL);
}

static void run_loop(void* arg) { support_loop_finish(arg); }

/* A request and its answer, over and over: both sides sleep between. */
START_TEST(a_thread_and_a_loop_play_ping_pong) {
  uvchan_t* there = support_channel(8, support_capacities[_i]);
  echo_t receiver;
  uv_loop_t loop;
  uv_thread_t thread;
  uint64_t rounds = (uint64_t)support_count(2000);
  uint64_t answer;
  uint64_t i;

  support_loop_open(&loop);
  receiver.back = support_channel(8, support_capacities[_i]);
  ck_assert_int_eq(uvchan_receiver_init(&loop, &receiver.handle, there), 0);
  ck_assert_int_eq(uvchan_recv_start(&receiver.handle, echo), 0);
  support_start(&thread, run_loop, &loop);
  for (i = 0; i <= rounds; i++) {
    uint64_t value = i == rounds ? ENOUGH : i;
    must(uvchan_send_wait(there, &value) == 0);
    must(uvchan_recv_wait(receiver.back, &answer) == 0);
    must(answer == value);
  }
  support_join(&thread);
  uvchan_release(there);
  uvchan_release(receiver.back);
}
END_TEST

/* A thread that does one thing in each round, at the same moment as the loop. */
typedef struct {
  uvchan_t* ch;
  atomic_int round;
  atomic_int done;
  int rounds;
} racer_t;

/* Spins, to be there at once; but not for long, where the processor is needed elsewhere. */
static int next_round(racer_t* racer, int round) {
  unsigned int spins = 0;
  if (round > racer->rounds) return 0;
  while (atomic_load(&racer->round) < round) {
    if (++spins > 2000) uv_sleep(0);
  }
  return 1;
}

static void start_round(racer_t* racer, int round) {
  atomic_store(&racer->round, round);
  /* a little later, each time another little */
  for (round = round * 7 % 50; round > 0; round--) (void)atomic_load(&racer->done);
}

static void await_round(racer_t* racer, int round) {
  while (atomic_load(&racer->done) < round) uv_sleep(0);
}

static void receive_once(void* arg) {
  racer_t* racer = arg;
  uint64_t value;
  int round;
  for (round = 1; next_round(racer, round); round++) {
    must(uvchan_try_recv(racer->ch, &value) == 0);
    atomic_store(&racer->done, round);
  }
}

static void racer_start(racer_t* racer, uv_thread_t* thread, size_t capacity, uv_thread_cb body) {
  racer->ch = support_channel(8, capacity);
  atomic_init(&racer->round, 0);
  atomic_init(&racer->done, 0);
  racer->rounds = support_count(2500);
  support_start(thread, body, racer);
}

/* Nobody receives a second time, so the room that the one receive made must not be overlooked. */
START_TEST(a_send_that_races_with_the_one_receive_is_let_in) {
  racer_t racer;
  uv_thread_t thread;
  send_op_t send;
  select_op_t select;
  int round;

  racer_start(&racer, &thread, support_capacities[_i], receive_once);
  while (try_send(racer.ch, 0) == 0) continue;
  for (round = 1; round <= racer.rounds; round++) {
    start_round(&racer, round);
    if (round % 2 == 0) {
      send_op(&send, &scene.loop, racer.ch, (uint64_t)round);
      run_until(&scene.loop, send.calls == 1);
      must(send.status == 0);
    } else {
      select_case(&select, 0, racer.ch, UVCHAN_SEND, (uint64_t)round);
      select_op(&select, &scene.loop, 1);
      run_until(&scene.loop, select.calls == 1);
      must(select.cases[0].status == 0);
    }
    await_round(&racer, round);
  }
  support_join(&thread);
  scene_finish_loop();
  uvchan_release(racer.ch);
}
END_TEST

static void send_once(void* arg) {
  racer_t* racer = arg;
  int round;
  for (round = 1; next_round(racer, round); round++) {
    must(try_send(racer->ch, (uint64_t)round) == 0);
    atomic_store(&racer->done, round);
  }
}

START_TEST(a_receive_that_races_with_the_one_send_is_served) {
  racer_t racer;
  uv_thread_t thread;
  recv_op_t recv;
  select_op_t select;
  int round;

  racer_start(&racer, &thread, support_capacities[_i], send_once);
  for (round = 1; round <= racer.rounds; round++) {
    start_round(&racer, round);
    if (round % 2 == 0) {
      recv_op(&recv, &scene.loop, racer.ch);
      run_until(&scene.loop, recv.calls == 1);
      must(recv.value == (uint64_t)round);
    } else {
      select_case(&select, 0, racer.ch, UVCHAN_RECV, 0);
      select_op(&select, &scene.loop, 1);
      run_until(&scene.loop, select.calls == 1);
      must(select.values[0] == (uint64_t)round);
    }
    await_round(&racer, round);
  }
  support_join(&thread);
  scene_finish_loop();
  uvchan_release(racer.ch);
}
END_TEST

START_TEST(a_receiver_that_is_started_beside_the_one_send_is_told) {
  racer_t racer;
  uv_thread_t thread;
  sink_t sink;
  int round;

  racer_start(&racer, &thread, support_capacities[_i], send_once);
  sink_init(&sink, &scene.loop, racer.ch);
  sink.first = 1;
  for (round = 1; round <= racer.rounds; round++) {
    start_round(&racer, round);
    must(uvchan_recv_start(&sink.handle, sink_on_value) == 0);
    run_until(&scene.loop, sink.values == (uint64_t)round);
    must(uvchan_recv_stop(&sink.handle) == 0);
    await_round(&racer, round);
  }
  support_join(&thread);
  sink_close(&sink);
  scene_finish_loop();
  uvchan_release(racer.ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("lost-wakeups");
  TCase* single = scene_tcase(suite, "single");
  TCase* several = scene_tcase(suite, "several");
  TCase* races = scene_tcase(suite, "races");

  tcase_add_loop_test(single, each_of_many_single_values_wakes_the_loop, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(single, a_receiver_that_is_stopped_and_started_all_the_time_misses_nothing, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(single, a_value_whose_sender_leaves_at_once_is_received, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(single, a_thread_and_a_loop_play_ping_pong, 0, SUPPORT_NCAPACITIES);

  tcase_add_loop_test(several, two_values_wake_two_sleeping_loops, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(several, a_cancelled_request_does_not_keep_the_wake_up_from_the_next, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(several, all_blocked_producers_go_on_when_a_loop_drains, 0,
                      2 * (SUPPORT_NCAPACITIES - 1));

  tcase_add_loop_test(races, a_send_that_races_with_the_one_receive_is_let_in, 1,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(races, a_receive_that_races_with_the_one_send_is_served, 1,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(races, a_receiver_that_is_started_beside_the_one_send_is_told, 1,
                      SUPPORT_NCAPACITIES);
  return support_main(suite);
}
