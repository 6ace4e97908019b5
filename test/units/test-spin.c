/* SPDX-License-Identifier: MIT */
/* Receivers that spin: what time they take, what they get from threads and from their own loop, and
 * two sides that both look again. */
#include <stdlib.h>

#include "ends/polling.h"
#include "spinner.h"
#include "ways.h"

/* ---- What it takes --------------------------------------------------------------------------- */

START_TEST(set_spin_refuses_no_receiver_and_one_that_is_closing) {
  uvchan_t* ch = scene_channel(1);
  sink_t sink;

  ck_assert_int_eq(uvchan_receiver_set_spin(NULL, 1), UV_EINVAL);
  ck_assert_int_eq(uvchan_receiver_set_spin(NULL, 0), UV_EINVAL);
  sink_start(&sink, &scene.loop, ch);
  sink_close(&sink);
  ck_assert_int_eq(uvchan_receiver_set_spin(&sink.handle, LONG), UV_EINVAL);
  ck_assert_int_eq(uvchan_receiver_set_spin(&sink.handle, 0), UV_EINVAL);
  scene_finish_loop();
  ck_assert_uint_eq(sink.closes, 1);
}
END_TEST

START_TEST(set_spin_takes_any_time_whether_it_is_started_or_not) {
  static const unsigned int times[] = {0, 1, 50, LONG, UINT32_MAX, 0};
  uvchan_t* ch = scene_channel(capacity_of(_i));
  sink_t sink;
  uint64_t i;

  sink_init(&sink, &scene.loop, ch);
  for (i = 0; i < 6; i++) {
    ck_assert_int_eq(uvchan_receiver_set_spin(&sink.handle, times[i]), 0);
    ck_assert(!uvchan_receiver_is_active(&sink.handle));
    ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
    ck_assert_int_eq(uvchan_receiver_set_spin(&sink.handle, times[i]), 0);
    ck_assert_int_eq(try_send(ch, i), 0);
    run_until(&scene.loop, sink.values == i + 1);
    ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  }
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(with_a_time_of_0_as_at_first_it_does_not_spin) {
  uvchan_t* ch = scene_channel(capacity_of(_i));
  sink_t sink;

  sink_start(&sink, &scene.loop, ch);
  if (_i >= SUPPORT_NCAPACITIES) ck_assert_int_eq(uvchan_receiver_set_spin(&sink.handle, 0), 0);
  ck_assert_int_eq(try_send(ch, 0), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values, 1);
  ck_assert(!is_awake(&scene.loop));
  sink_close(&sink);
  scene_finish();
}
END_TEST

/* ---- What it gets ---------------------------------------------------------------------------- */

START_TEST(a_spinning_receiver_gets_what_a_thread_sent_in_order_and_then_the_end) {
  unsigned int spin = spin_of(_i / 2);
  uvchan_t* ch = scene_channel(capacity_of(_i / 2));
  source_t source = {
      .ch = ch, .count = (uint64_t)support_count(500), .most_gap = 30000, .closes = 1};
  uv_thread_t thread;
  sink_t sink;

  if (_i % 2 == 0) {
    sink_start(&sink, &scene.loop, ch);
  } else {
    sink_start_batch(&sink, &scene.loop, ch);
  }
  ck_assert_int_eq(uvchan_receiver_set_spin(&sink.handle, spin), 0);
  support_start(&thread, send_at_random, &source);
  scene_run();
  support_join(&thread);
  ck_assert_uint_eq(sink.values, source.count);
  ck_assert_uint_eq(sink.ends, 1);
  ck_assert_int_eq(sink.end, UV_EOF);
  ck_assert(!uvchan_receiver_is_active(&sink.handle));
  ck_assert_uint_eq(rest(ch).received, source.count);
  sink_close(&sink);
  scene_finish();
}
END_TEST

#define SENDERS 2

typedef struct {
  uvchan_t* ch;
  way_t way;
  size_t id;
  size_t count;
} sender_t;

static void send_in_a_way(void* arg) {
  sender_t* sender = arg;
  must(way_send_all(sender->way, sender->ch, sender->id, sender->count) == sender->count);
  must(uvchan_sender_done(sender->ch) == 0);
}

typedef struct {
  uvchan_receiver_t handle; /* first */
  way_log_t log;
} scribe_t;

static void on_note(uvchan_receiver_t* receiver, int status, const void* value) {
  scribe_t* scribe = (scribe_t*)receiver;
  if (status == 0) {
    way_note(&scribe->log, value, uvchan_elem_size(receiver->channel));
  } else {
    scribe->log.end = status;
    uvchan_receiver_close(receiver, NULL);
  }
}

START_TEST(a_spinning_receiver_gets_what_threads_send_in_every_way_once_and_in_order) {
  uvchan_t* ch = scene_channel(capacity_of(_i));
  size_t n = (size_t)support_count(500), i;
  sender_t senders[SENDERS];
  uv_thread_t threads[SENDERS];
  unsigned char* seen = calloc(SENDERS, n);
  scribe_t scribe;

  ck_assert_ptr_nonnull(seen);
  memset(&scribe, 0, sizeof(scribe));
  scribe.log.seen = seen;
  scribe.log.stride = n;
  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &scribe.handle, ch), 0);
  ck_assert_int_eq(uvchan_receiver_set_spin(&scribe.handle, _i % 2 == 0 ? 50 : LONG), 0);
  ck_assert_int_eq(uvchan_recv_start(&scribe.handle, on_note), 0);
  ck_assert_int_eq(uvchan_sender_add(ch, SENDERS), 0);
  for (i = 0; i < SENDERS; i++) {
    senders[i] = (sender_t){ch, (way_t)(_i / SUPPORT_NCAPACITIES), i, n};
    support_start(&threads[i], send_in_a_way, &senders[i]);
  }
  scene_finish_loop();
  for (i = 0; i < SENDERS; i++) support_join(&threads[i]);
  ck_assert_uint_eq(scribe.log.received, SENDERS * n);
  ck_assert_int_eq(scribe.log.end, UV_EOF);
  free(seen);
}
END_TEST

START_TEST(a_spinning_receiver_gets_what_its_own_loop_sends) {
  spinner_t spinner;
  static send_op_t sends[100];
  uint64_t i;

  spinner_open(&spinner, capacity_of(_i));
  for (i = 1; i <= 100; i++) send_op(&sends[i - 1], &scene.loop, spinner.ch, i);
  run_until(&scene.loop, spinner.sink.values == 101);
  settle(&scene.loop);
  for (i = 0; i < 100; i++) ck_assert_uint_eq(sends[i].calls, 1);
  for (i = 0; i < 100; i++) ck_assert_int_eq(sends[i].status, 0);
  ck_assert_uint_eq(rest(spinner.ch).received, 101);
  spinner_close(&spinner);
}
END_TEST

START_TEST(what_is_sent_between_two_turns_comes_in_the_next_one) {
  spinner_t spinner;
  uint64_t i;

  spinner_open(&spinner, capacity_of(_i));
  for (i = 1; i <= 50; i++) {
    ck_assert_int_eq(try_send(spinner.ch, i), 0);
    turn(&scene.loop, 1);
    ck_assert_uint_eq(spinner.sink.values, i + 1);
    ck_assert(is_awake(&scene.loop));
  }
  spinner_close(&spinner);
}
END_TEST

static void send_the_next(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_t* sink = (sink_t*)receiver;
  sink_on_value(receiver, status, value);
  if (sink->values < 200)
    must(try_send(receiver->channel, sink->values) == 0 || uvchan_capacity(receiver->channel) == 0);
}

START_TEST(a_spinning_receiver_gets_what_its_own_callback_sends) {
  uvchan_t* ch = scene_channel(support_capacities[1 + _i]);
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  sink.close_after = 200;
  ck_assert_int_eq(uvchan_receiver_set_spin(&sink.handle, LONG), 0);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, send_the_next), 0);
  ck_assert_int_eq(try_send(ch, 0), 0);
  scene_finish_loop();
  ck_assert_uint_eq(sink.values, 200);
  ck_assert_uint_eq(sink.closes, 1);
}
END_TEST

static void try_until_sent(void* arg) {
  source_t* source = arg;
  unsigned int turns = 0;
  uint64_t i;
  for (i = 0; i < source->count; i++) {
    while (try_send(source->ch, source->first + i) != 0) way_rest(&turns);
  }
}

START_TEST(values_that_come_while_it_spins_wake_nobody) {
  spinner_t spinner;
  source_t source = {.count = (uint64_t)support_count(1000), .first = 1};
  uv_thread_t thread;
  uint64_t wakeups;

  spinner_open(&spinner, capacity_of(_i));
  wakeups = rest(spinner.ch).wakeups;
  source.ch = spinner.ch;
  support_start(&thread, try_until_sent, &source);
  run_until(&scene.loop, spinner.sink.values == source.count + 1);
  support_join(&thread);
  ck_assert_uint_eq(rest(spinner.ch).wakeups, wakeups);
  spinner_close(&spinner);
}
END_TEST

/* What it does once it has found nothing: a value that is there by then is taken in the same turn
 * of the loop. Without one it leaves the turn to the others of its loop. */
START_TEST(it_looks_again_in_its_turn_where_a_value_is_there_and_else_in_the_next_one) {
  uvchan_t* ch = scene_channel(support_capacities[1 + _i]);
  uvchan__turn_t turn_that_delivered = {512, 1, 0, 0}, another = {512, 0, 1, 0};
  sink_t sink;

  sink_init(&sink, &scene.loop, ch);
  ck_assert_int_eq(uvchan_receiver_set_spin(&sink.handle, LONG), 0);
  ck_assert_int_eq(uvchan__poll_or_wait(&sink.handle, &turn_that_delivered), UVCHAN__NEXT_TURN);
  ck_assert_int_eq(uvchan__poll_or_wait(&sink.handle, &another), UVCHAN__NEXT_TURN);
  ck_assert_int_eq(try_send(ch, 0), 0);
  ck_assert_int_eq(uvchan__poll_or_wait(&sink.handle, &turn_that_delivered), UVCHAN__LOOK_AGAIN);
  another.spun_since = 0;
  ck_assert_int_eq(uvchan__poll_or_wait(&sink.handle, &another), UVCHAN__LOOK_AGAIN);
  ck_assert(takes(ch, 0));
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(two_spinning_receivers_of_a_channel_share_its_values) {
  uvchan_t* ch = scene_channel(capacity_of(_i));
  source_t source = {
      .ch = ch, .count = (uint64_t)support_count(1000), .most_gap = 10000, .closes = 1};
  uv_thread_t thread;
  sink_t sinks[2];
  int i;

  for (i = 0; i < 2; i++) {
    sink_start_spinning(&sinks[i], &scene.loop, ch, LONG);
    sinks[i].unordered = 1;
  }
  support_start(&thread, send_at_random, &source);
  scene_run();
  support_join(&thread);
  ck_assert_uint_eq(sinks[0].values + sinks[1].values, source.count);
  for (i = 0; i < 2; i++) ck_assert_uint_eq(sinks[i].ends, 1);
  for (i = 0; i < 2; i++) sink_close(&sinks[i]);
  scene_finish();
}
END_TEST

static void close_it(void* arg) { must(uvchan_close_with(arg, UV_ECONNRESET) == 0); }

START_TEST(the_end_comes_once_while_it_spins_and_ends_the_spinning) {
  uvchan_t* other = scene_channel(1);
  spinner_t spinner;
  uv_thread_t thread;
  sink_t alive;

  spinner_open(&spinner, capacity_of(_i));
  sink_start(&alive, &scene.loop, other);
  support_start(&thread, close_it, spinner.ch);
  run_until(&scene.loop, spinner.sink.ends == 1);
  support_join(&thread);
  settle(&scene.loop);
  ck_assert_int_eq(spinner.sink.end, UV_ECONNRESET);
  ck_assert_uint_eq(spinner.sink.ends, 1);
  ck_assert_uint_eq(spinner.sink.values, 1);
  ck_assert(!is_awake(&scene.loop));
  sink_close(&alive);
  settle(&scene.loop);
  ck_assert(!uv_loop_alive(&scene.loop));
  spinner_close(&spinner);
}
END_TEST

START_TEST(what_is_buffered_comes_before_the_end_and_not_after_an_abort) {
  spinner_t spinner;

  spinner_open(&spinner, capacity_of(_i));
  ck_assert_int_eq(try_send(spinner.ch, 1), 0);
  if (_i < SUPPORT_NCAPACITIES) {
    ck_assert_int_eq(uvchan_close(spinner.ch), 0);
  } else {
    ck_assert_int_eq(uvchan_abort(spinner.ch, UV_EOF), 0);
  }
  scene_run();
  ck_assert_uint_eq(spinner.sink.values, _i < SUPPORT_NCAPACITIES ? 2 : 1);
  ck_assert_uint_eq(spinner.sink.ends, 1);
  spinner_close(&spinner);
}
END_TEST

/* ---- Two sides ------------------------------------------------------------------------------- */

typedef struct {
  sink_t sink; /* first */
  uv_loop_t loop;
  uvchan_t* in;
  uvchan_t* out;
  /* one for each round: the next ball may come before the callback of the answer to the one
   * before */
  send_op_t* answers;
  uint64_t rounds;
  unsigned int spin;
} player_t;

static void play(player_t* player, uint64_t number) {
  if (try_send(player->out, number) != 0)
    send_op(&player->answers[number], &player->loop, player->out, number);
}

static void on_ball(uvchan_receiver_t* receiver, int status, const void* value) {
  player_t* player = (player_t*)receiver;
  sink_on_value(receiver, status, value);
  play(player, player->sink.last);
  if (player->sink.values == player->rounds) sink_close(&player->sink);
}

static void player_start(player_t* player, uvchan_t* in, uvchan_t* out, uint64_t rounds,
                         unsigned int spin) {
  memset(player, 0, sizeof(*player));
  support_loop_open(&player->loop);
  sink_init(&player->sink, &player->loop, in);
  player->in = in;
  player->out = out;
  player->rounds = rounds;
  player->answers = calloc((size_t)rounds, sizeof(*player->answers));
  must(player->answers != NULL);
  must(uvchan_receiver_set_spin(&player->sink.handle, spin) == 0);
  must(uvchan_recv_start(&player->sink.handle, on_ball) == 0);
}

static void run_player(void* arg) {
  player_t* player = arg;
  support_loop_finish(&player->loop);
}

static void on_return(uvchan_receiver_t* receiver, int status, const void* value) {
  player_t* player = (player_t*)receiver;
  sink_on_value(receiver, status, value);
  if (player->sink.values == player->rounds) {
    sink_close(&player->sink);
  } else {
    play(player, player->sink.values);
  }
}

START_TEST(two_loops_that_both_spin_play_ping_pong) {
  uvchan_t* there = support_channel(8, capacity_of(_i));
  uvchan_t* back = support_channel(8, capacity_of(_i));
  uint64_t rounds = (uint64_t)support_count(1000);
  unsigned int spin = spin_of(_i);
  player_t server, player;
  uv_thread_t thread;

  player_start(&server, there, back, rounds, spin);
  player_start(&player, back, there, rounds, spin);
  ck_assert_int_eq(uvchan_recv_stop(&player.sink.handle), 0);
  ck_assert_int_eq(uvchan_recv_start(&player.sink.handle, on_return), 0);
  support_start(&thread, run_player, &server);
  play(&player, 0);
  support_loop_finish(&player.loop);
  support_join(&thread);
  ck_assert_uint_eq(player.sink.values, rounds);
  ck_assert_uint_eq(server.sink.values, rounds);
  free(player.answers);
  free(server.answers);
  uvchan_release(there);
  uvchan_release(back);
}
END_TEST

START_TEST(a_loop_that_spins_plays_ping_pong_with_a_thread_that_waits) {
  uvchan_t* there = support_channel(8, capacity_of(_i));
  uvchan_t* back = support_channel(8, capacity_of(_i));
  uint64_t rounds = (uint64_t)support_count(1000), i, got;
  player_t server;
  uv_thread_t thread;

  player_start(&server, there, back, rounds, spin_of(_i));
  support_start(&thread, run_player, &server);
  for (i = 0; i < rounds; i++) {
    must(uvchan_send_wait(there, &i) == 0);
    must(uvchan_recv_wait(back, &got) == 0);
    must(got == i);
  }
  support_join(&thread);
  free(server.answers);
  uvchan_release(there);
  uvchan_release(back);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("spin");
  TCase* times = scene_tcase(suite, "times");
  TCase* delivery = scene_tcase(suite, "delivery");
  TCase* sides = support_tcase(suite, "sides");
  const int kinds = SUPPORT_NCAPACITIES;

  tcase_add_test(times, set_spin_refuses_no_receiver_and_one_that_is_closing);
  tcase_add_loop_test(times, set_spin_takes_any_time_whether_it_is_started_or_not, 0, kinds);
  tcase_add_loop_test(times, with_a_time_of_0_as_at_first_it_does_not_spin, 0, 2 * kinds);

  tcase_add_loop_test(delivery,
                      a_spinning_receiver_gets_what_a_thread_sent_in_order_and_then_the_end, 0,
                      2 * SPINNER_NSPINS * kinds);
  tcase_add_loop_test(delivery,
                      a_spinning_receiver_gets_what_threads_send_in_every_way_once_and_in_order, 0,
                      NWAYS * kinds);
  tcase_add_loop_test(delivery, a_spinning_receiver_gets_what_its_own_loop_sends, 0, kinds);
  tcase_add_loop_test(delivery, what_is_sent_between_two_turns_comes_in_the_next_one, 0, kinds);
  tcase_add_loop_test(delivery, a_spinning_receiver_gets_what_its_own_callback_sends, 0, kinds - 1);
  tcase_add_loop_test(delivery, values_that_come_while_it_spins_wake_nobody, 0, kinds);
  tcase_add_loop_test(
      delivery, it_looks_again_in_its_turn_where_a_value_is_there_and_else_in_the_next_one, 0, 3);
  tcase_add_loop_test(delivery, two_spinning_receivers_of_a_channel_share_its_values, 0, kinds);
  tcase_add_loop_test(delivery, the_end_comes_once_while_it_spins_and_ends_the_spinning, 0, kinds);
  tcase_add_loop_test(delivery, what_is_buffered_comes_before_the_end_and_not_after_an_abort, 0,
                      2 * kinds);

  tcase_add_loop_test(sides, two_loops_that_both_spin_play_ping_pong, 0, SPINNER_NSPINS * kinds);
  tcase_add_loop_test(sides, a_loop_that_spins_plays_ping_pong_with_a_thread_that_waits, 0,
                      SPINNER_NSPINS * kinds);
  return support_main(suite);
}
