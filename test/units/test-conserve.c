/* SPDX-License-Identifier: MIT */
/* Work is conserved: no value waits for a loop that is busy, or deaf, while another receiver's
 * loop, or a thread, sleeps for it. */
#include "support-loop.h"

#define NCAPACITIES SUPPORT_NCAPACITIES

/* ---- A loop that is held up in a callback ---------------------------------------------------- */

typedef enum { IN_TIMER, IN_ASYNC, IN_IDLE, IN_RECEIVER, NPLACES } place_t;

typedef struct {
  uvchan_t* ch; /* its receiver waits on it */
  place_t place;
  uv_loop_t loop;
  uv_async_t trigger; /* begins what holds it up */
  uv_timer_t timer;
  uv_idle_t idle;
  uvchan_t* other; /* a receiver of which holds it up */
  sink_t sink;
  uvchan_receiver_t holder;
  uv_sem_t go_on;
  atomic_int is_held;
  uv_thread_t thread;
} held_t;

static void hold(held_t* held) {
  atomic_store(&held->is_held, 1);
  uv_sem_wait(&held->go_on);
  sink_close(&held->sink);
  uvchan_receiver_close(&held->holder, NULL);
  uv_close((uv_handle_t*)&held->trigger, NULL);
  uv_close((uv_handle_t*)&held->timer, NULL);
  uv_close((uv_handle_t*)&held->idle, NULL);
}

static void on_timer(uv_timer_t* timer) { hold(timer->data); }

static void on_idle(uv_idle_t* idle) { hold(idle->data); }

static void on_other(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)value;
  must(status == 0);
  hold(receiver->data);
}

static void on_trigger(uv_async_t* trigger) {
  held_t* held = trigger->data;
  uint64_t value = 0;
  if (atomic_load(&held->is_held)) return;
  switch (held->place) {
    case IN_TIMER:
      must(uv_timer_start(&held->timer, on_timer, 0, 0) == 0);
      break;
    case IN_IDLE:
      must(uv_idle_start(&held->idle, on_idle) == 0);
      break;
    case IN_RECEIVER:
      must(uvchan_try_send(held->other, &value) == 0);
      break;
    default:
      hold(held);
  }
}

static void run_held(void* arg) {
  held_t* held = arg;
  must(uv_run(&held->loop, UV_RUN_DEFAULT) == 0);
}

static void held_start(held_t* held, uvchan_t* ch, place_t place) {
  memset(held, 0, sizeof(*held));
  held->ch = ch;
  held->place = place;
  support_loop_open(&held->loop);
  must(uv_async_init(&held->loop, &held->trigger, on_trigger) == 0);
  uv_timer_init(&held->loop, &held->timer);
  uv_idle_init(&held->loop, &held->idle);
  held->trigger.data = held->timer.data = held->idle.data = held->holder.data = held;
  held->other = support_channel(8, 1);
  must(uvchan_receiver_init(&held->loop, &held->holder, held->other) == 0);
  must(uvchan_recv_start(&held->holder, on_other) == 0);
  must(uv_sem_init(&held->go_on, 0) == 0);
  sink_start(&held->sink, &held->loop, ch);
  held->sink.unordered = 1;
  support_start(&held->thread, run_held, held);
}

static void held_up(held_t* held) {
  must(uv_async_send(&held->trigger) == 0);
  support_await(atomic_load(&held->is_held));
}

static void held_finish(held_t* held) {
  uv_sem_post(&held->go_on);
  support_join(&held->thread);
  support_loop_finish(&held->loop);
  uv_sem_destroy(&held->go_on);
  uvchan_release(held->other);
}

/* ---- Who sleeps meanwhile -------------------------------------------------------------------- */

typedef enum { RECEIVER, BATCH, REQUEST, SELECT, THREAD, SELECT_THREAD, NSLEEPERS } kind_t;

typedef struct {
  uvchan_t* ch;
  kind_t kind;
  uv_loop_t loop;
  sink_t sink;
  recv_op_t recv;
  select_op_t select;
  atomic_int got;
  uv_thread_t thread;
} sleeper_t;

static void sleeper_done(uvchan_receiver_t* receiver, int status, const void* value) {
  sleeper_t* sleeper = receiver->data;
  (void)value;
  must(status == 0);
  atomic_fetch_add(&sleeper->got, 1);
  uvchan_receiver_close(receiver, NULL);
}

static void sleeper_done_batch(uvchan_receiver_t* receiver, ssize_t n, const void* values) {
  must(n == 1);
  sleeper_done(receiver, 0, values);
}

static void sleep_on_loop(sleeper_t* sleeper) {
  support_loop_open(&sleeper->loop);
  sleeper->sink.handle.data = sleeper;
  if (sleeper->kind == REQUEST) recv_op(&sleeper->recv, &sleeper->loop, sleeper->ch);
  if (sleeper->kind == SELECT) {
    select_case(&sleeper->select, 0, sleeper->ch, UVCHAN_RECV, 0);
    select_op(&sleeper->select, &sleeper->loop, 1);
  }
  if (sleeper->kind <= BATCH)
    must(uvchan_receiver_init(&sleeper->loop, &sleeper->sink.handle, sleeper->ch) == 0);
  if (sleeper->kind == RECEIVER) must(uvchan_recv_start(&sleeper->sink.handle, sleeper_done) == 0);
  if (sleeper->kind == BATCH)
    must(uvchan_recv_start_batch(&sleeper->sink.handle, sleeper_done_batch) == 0);
  must(uv_run(&sleeper->loop, UV_RUN_DEFAULT) == 0);
  if (sleeper->recv.calls + sleeper->select.calls > 0) atomic_fetch_add(&sleeper->got, 1);
  support_loop_finish(&sleeper->loop);
}

static void sleep_for_value(void* arg) {
  sleeper_t* sleeper = arg;
  uint64_t value;
  uvchan_case_t c = {sleeper->ch, UVCHAN_RECV, &value, 0, NULL};
  if (sleeper->kind < THREAD) {
    sleep_on_loop(sleeper);
    return;
  }
  must(sleeper->kind == THREAD ? uvchan_recv_wait(sleeper->ch, &value) == 0
                               : uvchan_select_wait(&c, 1) == 0);
  atomic_fetch_add(&sleeper->got, 1);
}

static void sleeper_start(sleeper_t* sleeper, uvchan_t* ch, kind_t kind) {
  memset(sleeper, 0, sizeof(*sleeper));
  sleeper->ch = ch;
  sleeper->kind = kind;
  support_start(&sleeper->thread, sleep_for_value, sleeper);
}

/* The busy loop's receiver waits first. The value comes to the one that sleeps, while the loop is
 * still held up. */
START_TEST(a_value_does_not_wait_for_a_busy_loop_while_another_sleeps) {
  uvchan_t* ch = support_channel(8, support_capacities[_i % NCAPACITIES]);
  held_t held;
  sleeper_t sleeper;
  held_start(&held, ch, (place_t)(_i / NCAPACITIES % NPLACES));
  support_await_receivers(ch, 1);
  sleeper_start(&sleeper, ch, (kind_t)(_i / NCAPACITIES / NPLACES));
  support_await_receivers(ch, 2);
  held_up(&held);
  ck_assert_int_eq(try_send(ch, 7), 0);
  support_await(atomic_load(&sleeper.got) == 1);
  support_join(&sleeper.thread);
  held_finish(&held);
  ck_assert_uint_eq(held.sink.values, 0);
  uvchan_release(ch);
}
END_TEST

/* Two loops are held up, and a third one sleeps. */
START_TEST(a_value_does_not_wait_for_two_busy_loops_while_a_third_sleeps) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  held_t held[2];
  sleeper_t sleeper;
  int i;
  for (i = 0; i < 2; i++) held_start(&held[i], ch, IN_ASYNC);
  support_await_receivers(ch, 2);
  sleeper_start(&sleeper, ch, RECEIVER);
  support_await_receivers(ch, 3);
  for (i = 0; i < 2; i++) held_up(&held[i]);
  ck_assert_int_eq(try_send(ch, 7), 0);
  support_await(atomic_load(&sleeper.got) == 1);
  support_join(&sleeper.thread);
  for (i = 0; i < 2; i++) held_finish(&held[i]);
  uvchan_release(ch);
}
END_TEST

/* ---- A loop that is just falling asleep ------------------------------------------------------ */

typedef struct {
  uvchan_receiver_t handle; /* first */
  uvchan_t* ch;
  uint64_t n; /* closes itself after so many */
  atomic_uint_fast64_t got;
} listener_t;

static void on_heard(uvchan_receiver_t* receiver, int status, const void* value) {
  listener_t* listener = (listener_t*)receiver;
  (void)value;
  must(status == 0);
  if (atomic_fetch_add(&listener->got, 1) + 1 == listener->n) uvchan_receiver_close(receiver, NULL);
}

static void listen_for_values(void* arg) {
  listener_t* listener = arg;
  uv_loop_t loop;
  support_loop_open(&loop);
  must(uvchan_receiver_init(&loop, &listener->handle, listener->ch) == 0);
  must(uvchan_recv_start(&listener->handle, on_heard) == 0);
  support_loop_finish(&loop);
}

/* The receiver of a loop that is held up has been told of the first value, and will look once it is
 * let go. Each further value comes just as the other loop's receiver has found nothing and is about
 * to wait, and is for that one. */
START_TEST(a_value_does_not_wait_beside_a_loop_that_is_just_falling_asleep) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  listener_t listener = {.ch = ch, .n = (uint64_t)support_count(3000)};
  held_t held;
  uv_thread_t thread;
  uint64_t i;
  int looks;
  held_start(&held, ch, IN_ASYNC);
  support_await_receivers(ch, 1);
  held_up(&held);
  support_start(&thread, listen_for_values, &listener);
  support_await_receivers(ch, 2);
  for (i = 0; i < listener.n; i++) {
    support_spin(i % 64 * 20);
    while (try_send(ch, i) == UV_EAGAIN) continue; /* unbuffered, it may be in its callback still */
    for (looks = 0; looks < 10000 && atomic_load(&listener.got) == i; looks++) continue;
    support_await(atomic_load(&listener.got) == i + 1);
  }
  support_join(&thread);
  held_finish(&held);
  ck_assert_uint_eq(held.sink.values, 0);
  uvchan_release(ch);
}
END_TEST

/* ---- Two loops of one thread: the one that is not run is as good as busy --------------------- */

typedef struct {
  uvchan_t* ch;
  uv_loop_t loops[2];
  sink_t sinks[4]; /* the first of loops[0], the others of loops[1] */
} pair_t;

static void pair_open(pair_t* pair, size_t capacity) {
  int i;
  pair->ch = support_channel(8, capacity);
  for (i = 0; i < 2; i++) support_loop_open(&pair->loops[i]);
  for (i = 0; i < 4; i++) {
    sink_start(&pair->sinks[i], &pair->loops[i > 0], pair->ch);
    pair->sinks[i].unordered = 1;
    settle(&pair->loops[i > 0]);
  }
}

static void pair_finish(pair_t* pair) {
  int i;
  for (i = 0; i < 4; i++) {
    if (!uvchan_receiver_is_closing(&pair->sinks[i].handle)) sink_close(&pair->sinks[i]);
  }
  for (i = 0; i < 2; i++) support_loop_finish(&pair->loops[i]);
  uvchan_release(pair->ch);
}

static uint64_t values_of_second(const pair_t* pair) {
  return pair->sinks[1].values + pair->sinks[2].values + pair->sinks[3].values;
}

/* Whichever receivers of the other loop leave, in whichever order, one that is left hears of it. */
START_TEST(whoever_is_left_of_a_loop_hears_of_a_value) {
  static const int leaving[][2] = {{1, 2}, {2, 1}, {1, 3}, {3, 1}, {2, 3}, {3, 2}};
  pair_t pair;
  int i;
  pair_open(&pair, support_capacities[_i % NCAPACITIES]);
  for (i = 0; i < 2; i++) {
    sink_close(&pair.sinks[leaving[_i / NCAPACITIES][i]]);
    settle(&pair.loops[1]);
    ck_assert_int_eq(try_send(pair.ch, 7), 0);
    settle(&pair.loops[1]);
    ck_assert_uint_eq(values_of_second(&pair), (uint64_t)i + 1);
    settle(&pair.loops[0]);
    ck_assert_uint_eq(pair.sinks[0].values, 0);
  }
  pair_finish(&pair);
}
END_TEST

/* The first one, which is told of values while it waits alone, may leave too. */
START_TEST(another_loop_hears_of_values_once_the_first_receiver_has_left) {
  pair_t pair;
  pair_open(&pair, support_capacities[_i]);
  sink_close(&pair.sinks[0]);
  settle(&pair.loops[0]);
  sink_start(&pair.sinks[0], &pair.loops[0], pair.ch);
  settle(&pair.loops[0]);
  ck_assert_int_eq(try_send(pair.ch, 0), 0);
  settle(&pair.loops[0]);
  ck_assert_uint_eq(pair.sinks[0].values, 1);
  pair_finish(&pair);
}
END_TEST

/* ---- Receivers whose loop a stranger emptied ------------------------------------------------- */

static void close_handle(uv_handle_t* handle, void* arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

START_TEST(receivers_that_a_stranger_made_deaf_are_passed_over) {
  pair_t pair;
  pair_open(&pair, support_capacities[_i]);
  uv_walk(&pair.loops[0], close_handle, NULL);
  settle(&pair.loops[0]);
  ck_assert_int_eq(try_send(pair.ch, 7), 0);
  settle(&pair.loops[1]);
  ck_assert_uint_eq(values_of_second(&pair), 1);
  pair_finish(&pair);
}
END_TEST

START_TEST(a_thread_behind_a_deaf_receiver_gets_the_value) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  sleeper_t sleeper;
  sink_t sink;
  support_loop_open(&loop);
  sink_start(&sink, &loop, ch);
  settle(&loop);
  uv_walk(&loop, close_handle, NULL);
  settle(&loop);
  sleeper_start(&sleeper, ch, THREAD);
  support_await_receivers(ch, 2);
  ck_assert_int_eq(try_send(ch, 7), 0);
  support_join(&sleeper.thread);
  sink_close(&sink);
  support_loop_finish(&loop);
  uvchan_release(ch);
}
END_TEST

/* A request of the deaf loop waits behind its receiver, and one of another loop behind that. */
START_TEST(a_request_behind_a_deaf_one_gets_the_value) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uv_loop_t loops[2];
  recv_op_t ops[2];
  sink_t sink;
  int i;
  for (i = 0; i < 2; i++) support_loop_open(&loops[i]);
  sink_start(&sink, &loops[0], ch);
  settle(&loops[0]);
  for (i = 0; i < 2; i++) recv_op(&ops[i], &loops[i], ch);
  uv_walk(&loops[0], close_handle, NULL);
  settle(&loops[0]);
  ck_assert_int_eq(try_send(ch, 7), 0);
  settle(&loops[1]);
  ck_assert_uint_eq(ops[1].calls, 1);
  ck_assert_uint_eq(ops[1].value, 7);
  ck_assert_int_eq(cancel_op(&ops[0]), 0);
  sink_close(&sink);
  for (i = 0; i < 2; i++) support_loop_finish(&loops[i]);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("conserve");
  TCase* tcase = support_tcase(suite, "conserve");
  tcase_add_loop_test(tcase, a_value_does_not_wait_for_a_busy_loop_while_another_sleeps, 0,
                      NCAPACITIES * NPLACES * NSLEEPERS);
  tcase_add_loop_test(tcase, a_value_does_not_wait_for_two_busy_loops_while_a_third_sleeps, 0,
                      NCAPACITIES);
  tcase_add_loop_test(tcase, a_value_does_not_wait_beside_a_loop_that_is_just_falling_asleep, 0,
                      NCAPACITIES);
  tcase_add_loop_test(tcase, whoever_is_left_of_a_loop_hears_of_a_value, 0, 6 * NCAPACITIES);
  tcase_add_loop_test(tcase, another_loop_hears_of_values_once_the_first_receiver_has_left, 0,
                      NCAPACITIES);
  tcase_add_loop_test(tcase, receivers_that_a_stranger_made_deaf_are_passed_over, 0, NCAPACITIES);
  tcase_add_loop_test(tcase, a_thread_behind_a_deaf_receiver_gets_the_value, 0, NCAPACITIES);
  tcase_add_loop_test(tcase, a_request_behind_a_deaf_one_gets_the_value, 0, NCAPACITIES);
  return support_main(suite);
}
