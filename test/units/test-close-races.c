/* SPDX-License-Identifier: MIT */
/* Close, abort and the last release while threads are at work: every send that answered 0 is
 * received or dropped, every other is not, everybody comes home, and the memory goes after the last
 * one. */
#include "ways.h"

#define NSENDERS 3
#define NRECEIVERS 3
#define MOST 64 /* values of one sender in one round */

typedef struct {
  uvchan_t* ch;
  way_t way;
  size_t number;
  size_t sent;
  way_log_t log;
  atomic_int* started;
} side_t;

static void send_until_refused(void* arg) {
  side_t* side = arg;
  atomic_fetch_add(side->started, 1);
  side->sent = way_send_all(side->way, side->ch, side->number, MOST);
  uvchan_release(side->ch);
}

static void receive_until_the_end(void* arg) {
  side_t* side = arg;
  way_recv_all(side->way, side->ch, SIZE_MAX, &side->log);
  uvchan_release(side->ch);
}

typedef int (*end_func)(uvchan_t* ch, int status);

static int by_close(uvchan_t* ch, int status) { return uvchan_close_with(ch, status); }

static int by_abort(uvchan_t* ch, int status) { return uvchan_abort(ch, status); }

/* One round: the close comes at a moment that the round's number chooses. Each value's fate is
 * known at the end. */
static void run_round(size_t capacity, uint32_t* seed, end_func end) {
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 8, capacity, UVCHAN_WAIT);
  side_t senders[NSENDERS], receivers[NRECEIVERS];
  uv_thread_t threads[NSENDERS + NRECEIVERS];
  atomic_int started = 0;
  uint64_t sent = 0, received = 0, dropped, sum = 0, expected = 0, pause;
  size_t i, k;
  memset(senders, 0, sizeof(senders));
  memset(receivers, 0, sizeof(receivers));
  for (i = 0; i < NSENDERS; i++) {
    senders[i] = (side_t){.ch = uvchan_retain(ch),
                          .way = (way_t)(support_random(seed) % NWAYS),
                          .number = i,
                          .started = &started};
    support_start(&threads[i], send_until_refused, &senders[i]);
  }
  for (i = 0; i < NRECEIVERS; i++) {
    receivers[i].ch = uvchan_retain(ch);
    receivers[i].way = (way_t)(support_random(seed) % NWAYS);
    support_start(&threads[NSENDERS + i], receive_until_the_end, &receivers[i]);
  }
  support_await(atomic_load(&started) == NSENDERS);
  for (pause = support_random(seed) % 400; pause > 0; pause--) uvchan_len(ch);
  ck_assert_int_eq(end(ch, UV_ECONNRESET), 0);
  for (i = 0; i < NSENDERS + NRECEIVERS; i++) support_join(&threads[i]);
  for (i = 0; i < NSENDERS; i++) {
    sent += senders[i].sent;
    for (k = 0; k < senders[i].sent; k++) expected += WAY_NUMBER(i, k);
  }
  for (i = 0; i < NRECEIVERS; i++) {
    ck_assert_int_eq(receivers[i].log.end, UV_ECONNRESET);
    received += receivers[i].log.received;
    sum += receivers[i].log.sum;
  }
  dropped = atomic_load(&drops.by_reason[UVCHAN_DROPPED_ABORT]);
  if (end == by_close) ck_assert_uint_eq(dropped, 0);
  ck_assert_uint_eq(sent, received + dropped);
  ck_assert_uint_eq(expected, sum + atomic_load(&drops.sum));
  ck_assert_uint_eq(support_at_rest(ch).sent, sent);
  ck_assert_uint_eq(support_at_rest(ch).received, received);
  ck_assert_uint_eq(support_at_rest(ch).dropped, dropped);
  ck_assert_uint_eq(uvchan_len(ch), 0);
  uvchan_release(ch);
}

START_TEST(close_among_busy_threads_loses_nothing) {
  uint32_t seed = (uint32_t)_i * 77 + 1;
  int round;
  for (round = 0; round < support_count(100); round++)
    run_round(support_capacities[_i], &seed, by_close);
}
END_TEST

START_TEST(abort_among_busy_threads_drops_or_delivers_each_value_once) {
  uint32_t seed = (uint32_t)_i * 77 + 1;
  int round;
  for (round = 0; round < support_count(100); round++)
    run_round(support_capacities[_i], &seed, by_abort);
}
END_TEST

/* ---- The last value before the end ----------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  int by_done;
} leaver_t;

static void send_one_and_close(void* arg) {
  leaver_t* leaver = arg;
  uvchan_t* ch = leaver->ch;
  uint64_t value = 42;
  must(uvchan_send_wait(ch, &value) == 0);
  if (leaver->by_done) must(uvchan_sender_done(ch) == 0);
  if (!leaver->by_done) must(uvchan_close(ch) == 0);
  uvchan_release(ch);
}

/* The receiver only tries. The end must not be seen in front of the value, and the channel goes
 * with whoever is last. */
START_TEST(a_receiver_that_tries_sees_the_last_value_before_the_end) {
  int round, rounds = support_count(500);
  for (round = 0; round < rounds; round++) {
    leaver_t leaver = {support_channel(8, support_capacities[_i]), round % 2};
    uvchan_t* ch = leaver.ch;
    unsigned int turns = 0;
    uint64_t value = 0;
    uv_thread_t thread;
    int r;
    must(uvchan_sender_add(ch, 1) == 0);
    uvchan_retain(ch);
    support_start(&thread, send_one_and_close, &leaver);
    while ((r = uvchan_try_recv(ch, &value)) == UV_EAGAIN) way_rest(&turns);
    must(r == 0 && value == 42);
    while ((r = uvchan_try_recv(ch, &value)) == UV_EAGAIN) way_rest(&turns);
    must(r == UV_EOF);
    uvchan_release(ch);
    support_join(&thread);
    must(support_allocations() == 0);
  }
}
END_TEST

/* The receiver lets the channel go as soon as it has the value, while the sender may still be
 * inside its send. */
static void send_one_and_go(void* arg) {
  uvchan_t* ch = arg;
  uint64_t value = 42;
  must(uvchan_send_wait(ch, &value) == 0);
  uvchan_release(ch);
}

START_TEST(a_channel_may_go_while_a_send_returns) {
  int round, rounds = support_count(500);
  for (round = 0; round < rounds; round++) {
    uvchan_t* ch = support_channel(8, support_capacities[_i]);
    uint64_t value = 0;
    uv_thread_t thread;
    uvchan_retain(ch);
    support_start(&thread, send_one_and_go, ch);
    must(uvchan_recv_wait(ch, &value) == 0);
    uvchan_release(ch);
    support_join(&thread);
    must(support_allocations() == 0);
  }
}
END_TEST

/* ---- Who closes first ------------------------------------------------------------------------ */

typedef struct {
  uvchan_t* ch;
  atomic_int* first;
  int status;
  atomic_int* go;
} closer_t;

static void try_to_close(void* arg) {
  closer_t* closer = arg;
  int r;
  while (!atomic_load(closer->go)) uv_sleep(0);
  r = uvchan_close_with(closer->ch, closer->status);
  must(r == 0 || r == UV_EALREADY);
  must(uvchan_is_closed(closer->ch));
  if (r == 0) must(atomic_exchange(closer->first, closer->status) == 0);
}

START_TEST(one_of_many_closers_is_the_first_and_the_end_is_its) {
  int round, rounds = support_count(200);
  for (round = 0; round < rounds; round++) {
    atomic_int first = 0, go = 0;
    uvchan_t* ch = support_channel(8, support_capacities[_i]);
    closer_t closers[4];
    uv_thread_t threads[4];
    uint64_t value;
    int i;
    for (i = 0; i < 4; i++) {
      closers[i] = (closer_t){ch, &first, UV_ECONNRESET - i, &go};
      support_start(&threads[i], try_to_close, &closers[i]);
    }
    atomic_store(&go, 1);
    must(uvchan_recv_wait(ch, &value) <= UV_ECONNRESET);
    for (i = 0; i < 4; i++) support_join(&threads[i]);
    must(atomic_load(&first) != 0);
    must(uvchan_recv_wait(ch, &value) == atomic_load(&first));
    uvchan_release(ch);
  }
}
END_TEST

int main(void) {
  Suite* suite = suite_create("close-races");
  TCase* tcase = support_tcase(suite, "close-races");
  tcase_add_loop_test(tcase, close_among_busy_threads_loses_nothing, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, abort_among_busy_threads_drops_or_delivers_each_value_once, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_receiver_that_tries_sees_the_last_value_before_the_end, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_channel_may_go_while_a_send_returns, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, one_of_many_closers_is_the_first_and_the_end_is_its, 0,
                      SUPPORT_NCAPACITIES);
  return support_main(suite);
}
