/* SPDX-License-Identifier: MIT */
/* Order: of one sender's values, of those who wait, and what "not now" may mean. */
#include <stdlib.h>

#include "ways.h"

#define LONG UINT64_C(60000000000) /* nanoseconds: a timed call that must not run out of time */

/* ---- One sender, all forms mixed ------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  size_t n;
  uint32_t seed;
} stream_t;

static void send_by_any_way(void* arg) {
  stream_t* stream = arg;
  unsigned char values[WAY_MOST * SUPPORT_MOST_BYTES];
  size_t elem_size = uvchan_elem_size(stream->ch), sent = 0, i;
  unsigned int turns = 0;
  while (sent < stream->n) {
    size_t run = stream->n - sent < WAY_MOST ? stream->n - sent : WAY_MOST;
    ssize_t answer;
    for (i = 0; i < run; i++) support_fill(values + i * elem_size, elem_size, sent + i);
    answer = way_send((way_t)(support_random(&stream->seed) % NWAYS), stream->ch, values, run);
    must(answer > 0 || way_is_not_now(answer));
    if (answer > 0) sent += (size_t)answer;
    if (answer < 0) way_rest(&turns);
  }
}

START_TEST(one_senders_values_come_in_order_whichever_forms_it_mixes) {
  size_t elem_size = support_elem_sizes[_i / SUPPORT_NCAPACITIES];
  stream_t stream = {support_channel(elem_size, support_capacities[_i % SUPPORT_NCAPACITIES]),
                     (size_t)support_count(1000), 7};
  unsigned char values[WAY_MOST * SUPPORT_MOST_BYTES];
  uint32_t seed = (uint32_t)_i + 1;
  unsigned int turns = 0;
  uv_thread_t thread;
  size_t got = 0;
  ssize_t i;
  support_start(&thread, send_by_any_way, &stream);
  while (got < stream.n) {
    ssize_t answer = way_recv((way_t)(support_random(&seed) % NWAYS), stream.ch, values,
                              1 + support_random(&seed) % WAY_MOST);
    must(answer > 0 || way_is_not_now(answer));
    for (i = 0; i < answer; i++)
      must(support_matches(values + (size_t)i * elem_size, elem_size, got++));
    if (answer < 0) way_rest(&turns);
    /* the rest one by one: a call for more could wait for what never comes */
    if (got + WAY_MOST >= stream.n) break;
  }
  for (; got < stream.n; got++) {
    must(uvchan_recv_wait(stream.ch, values) == 0);
    must(support_matches(values, elem_size, got));
  }
  support_join(&thread);
  ck_assert_uint_eq(support_at_rest(stream.ch).received, stream.n);
  uvchan_release(stream.ch);
}
END_TEST

/* ---- Those who wait are served in the order in which they came ------------------------------- */

#define NWAITERS 5

#define NWAITS 5
static const way_t waits[NWAITS] = {WAY_WAIT, WAY_TIMED, WAY_WAIT_N, WAY_SELECT, WAY_TIMED_SELECT};

typedef struct {
  uv_thread_t thread;
  uvchan_t* ch;
  uint64_t value;
  way_t way; /* one that waits */
} waiter_t;

static void wait_to_receive(void* arg) {
  waiter_t* waiter = arg;
  must(way_recv_within(waiter->way, waiter->ch, &waiter->value, 1, LONG) == 1);
}

static void wait_to_send(void* arg) {
  waiter_t* waiter = arg;
  must(way_send_within(waiter->way, waiter->ch, &waiter->value, 1, LONG) == 1);
}

START_TEST(receivers_that_wait_are_served_in_turn) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  waiter_t waiters[NWAITERS];
  uint64_t value;
  size_t i;
  for (i = 0; i < NWAITERS; i++) {
    waiters[i].ch = ch;
    waiters[i].value = 0;
    waiters[i].way = waits[(i + (size_t)_i) % NWAITS];
    support_start(&waiters[i].thread, wait_to_receive, &waiters[i]);
    support_await_receivers(ch, i + 1);
  }
  for (value = 0; value < NWAITERS; value++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  for (i = 0; i < NWAITERS; i++) support_join(&waiters[i].thread);
  for (i = 0; i < NWAITERS; i++) ck_assert_uint_eq(waiters[i].value, i);
  ck_assert_uint_eq(support_at_rest(ch).len, 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(senders_that_wait_are_served_in_turn_behind_what_is_buffered) {
  size_t capacity = support_capacities[_i];
  uvchan_t* ch = support_channel(8, capacity);
  waiter_t waiters[NWAITERS];
  uint64_t value, got;
  size_t i;
  for (value = 0; value < capacity; value++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  for (i = 0; i < NWAITERS; i++) {
    waiters[i].ch = ch;
    waiters[i].value = capacity + i;
    waiters[i].way = waits[(i + (size_t)_i) % NWAITS];
    support_start(&waiters[i].thread, wait_to_send, &waiters[i]);
    support_await_senders(ch, i + 1);
  }
  for (value = 0; value < capacity + NWAITERS; value++) {
    ck_assert_int_eq(uvchan_try_recv(ch, &got), 0);
    ck_assert_uint_eq(got, value);
  }
  for (i = 0; i < NWAITERS; i++) support_join(&waiters[i].thread);
  ck_assert_int_eq(uvchan_try_recv(ch, &got), UV_EAGAIN);
  ck_assert_uint_eq(support_at_rest(ch).len, 0);
  uvchan_release(ch);
}
END_TEST

/* A receive makes room, and that room belongs to the one who waits. */
START_TEST(a_sender_that_comes_later_does_not_overtake_one_that_waits) {
  size_t capacity = support_capacities[_i];
  uvchan_t* ch = support_channel(8, capacity);
  waiter_t waiter = {.ch = ch, .value = 100, .way = WAY_WAIT};
  uint64_t value = 1, late = 999, got = 0;
  size_t rounds = 0;
  while (uvchan_len(ch) < capacity) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  support_start(&waiter.thread, wait_to_send, &waiter);
  support_await_senders(ch, 1);
  ck_assert_int_eq(uvchan_try_send(ch, &late), UV_EAGAIN);
  do {
    ck_assert_uint_le(rounds++, capacity);
    ck_assert_int_eq(uvchan_try_recv(ch, &got), 0);
    uvchan_try_send(ch, &late);
    ck_assert_uint_ne(got, late);
  } while (got != 100);
  support_join(&waiter.thread);
  uvchan_release(ch);
}
END_TEST

/* ---- "Not now" is said only where it was so -------------------------------------------------- */

#define NJUGGLERS 4

typedef struct {
  uv_thread_t thread;
  uvchan_t* ch;
  size_t hands; /* balls held at once, at most */
  int n;
} juggler_t;

/* There are as many balls as hands: who is about to catch has an empty hand, so one ball is in the
 * channel; who is about to throw holds a ball, so one place is free. Neither call may ever be told
 * "not now". */
static void juggle(void* arg) {
  juggler_t* juggler = arg;
  uint64_t balls[WAY_MOST];
  int i;
  for (i = 0; i < juggler->n; i++) {
    ssize_t caught =
        way_recv(juggler->hands == 1 ? WAY_TRY : WAY_TRY_N, juggler->ch, balls, juggler->hands);
    must(caught >= 1);
    must(way_send(juggler->hands == 1 ? WAY_TRY : WAY_TRY_N, juggler->ch, balls, (size_t)caught) ==
         caught);
  }
}

static void run_jugglers(size_t hands, int unbounded) {
  size_t balls = hands * NJUGGLERS, i;
  uvchan_t* ch = support_channel(8, unbounded ? UVCHAN_UNBOUNDED : balls);
  juggler_t jugglers[NJUGGLERS];
  uint64_t value, got, sum = 0;
  for (value = 0; value < balls; value++) ck_assert_int_eq(uvchan_try_send(ch, &value), 0);
  for (i = 0; i < NJUGGLERS; i++) {
    jugglers[i].ch = ch;
    jugglers[i].hands = hands;
    jugglers[i].n = support_count(20000);
    support_start(&jugglers[i].thread, juggle, &jugglers[i]);
  }
  for (i = 0; i < NJUGGLERS; i++) support_join(&jugglers[i].thread);
  ck_assert_uint_eq(support_at_rest(ch).len, balls);
  for (i = 0; i < balls; i++) {
    ck_assert_int_eq(uvchan_try_recv(ch, &got), 0);
    sum += got;
  }
  ck_assert_uint_eq(sum, balls * (balls - 1) / 2);
  uvchan_release(ch);
}

START_TEST(try_is_never_told_not_now_by_a_channel_that_is_never_full_or_empty) {
  run_jugglers(1, _i);
}
END_TEST

START_TEST(batches_are_never_told_not_now_by_a_channel_that_is_never_full_or_empty) {
  run_jugglers(3, _i);
}
END_TEST

/* ---- A bound is a bound ---------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  atomic_int inside;
  atomic_int most;
  int n;
} room_t;

/* A send is the ticket to the room, a receive gives it back. */
static void visit(void* arg) {
  room_t* room = arg;
  int i;
  for (i = 0; i < room->n; i++) {
    uint64_t ticket = 0;
    int now, most;
    must(uvchan_send_wait(room->ch, &ticket) == 0);
    now = atomic_fetch_add(&room->inside, 1) + 1;
    most = atomic_load(&room->most);
    while (now > most && !atomic_compare_exchange_weak(&room->most, &most, now)) continue;
    atomic_fetch_sub(&room->inside, 1);
    must(uvchan_recv_wait(room->ch, &ticket) == 0);
  }
}

START_TEST(no_more_sends_are_open_than_the_capacity) {
  static const size_t capacities[] = {1, 2, 3};
  room_t room = {.ch = support_channel(8, capacities[_i]), .n = support_count(3000)};
  uv_thread_t threads[5];
  size_t i;
  for (i = 0; i < 5; i++) support_start(&threads[i], visit, &room);
  for (i = 0; i < 5; i++) support_join(&threads[i]);
  ck_assert_int_le(atomic_load(&room.most), (int)capacities[_i]);
  ck_assert_uint_le(support_at_rest(room.ch).peak, capacities[_i]);
  uvchan_release(room.ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("order");
  TCase* tcase = support_tcase(suite, "order");
  tcase_add_loop_test(tcase, one_senders_values_come_in_order_whichever_forms_it_mixes, 0,
                      SUPPORT_NCAPACITIES * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, receivers_that_wait_are_served_in_turn, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, senders_that_wait_are_served_in_turn_behind_what_is_buffered, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(tcase, a_sender_that_comes_later_does_not_overtake_one_that_waits, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(tcase, try_is_never_told_not_now_by_a_channel_that_is_never_full_or_empty, 0,
                      2);
  tcase_add_loop_test(
      tcase, batches_are_never_told_not_now_by_a_channel_that_is_never_full_or_empty, 0, 2);
  tcase_add_loop_test(tcase, no_more_sends_are_open_than_the_capacity, 0, 3);
  return support_main(suite);
}
