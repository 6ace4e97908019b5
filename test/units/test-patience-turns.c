/* SPDX-License-Identifier: MIT */
/* Who waits, and looks again before it sleeps, keeps its place and its turn beside those who do not
 * wait; and two selects that face each other meet. */
#include "ways.h"

#define PATIENCE 100000 /* nanoseconds: twice what a call may look again for */

/* ---- Order and fairness ---------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  size_t id;
  size_t count;
  atomic_int* quit;
} rival_t;

/* Each waiting send is followed by one that does not wait, where there is room. */
static void send_by_turns(void* arg) {
  rival_t* rival = arg;
  size_t i = 0;
  while (i < rival->count) {
    uint64_t number = WAY_NUMBER(rival->id, i);
    int r = i % 2 == 0 ? uvchan_send_wait(rival->ch, &number) : uvchan_try_send(rival->ch, &number);
    if (r == UV_EAGAIN) r = uvchan_send_wait(rival->ch, &number);
    must(r == 0);
    i++;
  }
  must(uvchan_sender_done(rival->ch) == 0);
}

START_TEST(a_send_that_does_not_wait_stays_behind_the_waiting_one_before_it) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  size_t n = (size_t)support_count(10000);
  rival_t rivals[2];
  uv_thread_t threads[2];
  uint32_t random = 3;
  way_log_t log;
  uint64_t value;
  size_t i;

  memset(&log, 0, sizeof(log));
  ck_assert_int_eq(uvchan_sender_add(ch, 2), 0);
  for (i = 0; i < 2; i++) {
    rivals[i] = (rival_t){.ch = ch, .id = i, .count = n};
    support_start(&threads[i], send_by_turns, &rivals[i]);
  }
  while (uvchan_recv_wait(ch, &value) == 0) {
    way_note(&log, &value, 8);
    if (log.received % 64 == 0) support_spin(support_random(&random) % PATIENCE);
  }
  for (i = 0; i < 2; i++) support_join(&threads[i]);
  ck_assert_uint_eq(log.received, 2 * n);
  uvchan_release(ch);
}
END_TEST

#define PUSHY UINT64_MAX

static void push_on(void* arg) {
  rival_t* rival = arg;
  uint64_t pushy = PUSHY;
  int r = 0;
  while (r == 0 || r == UV_EAGAIN) r = uvchan_try_send(rival->ch, &pushy);
  must(r == UV_EPIPE);
}

static void send_patiently(void* arg) {
  rival_t* rival = arg;
  uint64_t i;
  for (i = 0; i < rival->count; i++) must(uvchan_send_wait(rival->ch, &i) == 0);
}

START_TEST(a_waiting_sender_has_its_turn_beside_those_who_try_all_the_time) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  rival_t rival = {.ch = ch, .count = (size_t)support_count(100)};
  uint64_t next = 0, values = 0, value;
  uv_thread_t threads[3];
  int i;

  support_start(&threads[0], push_on, &rival);
  support_start(&threads[1], push_on, &rival);
  support_start(&threads[2], send_patiently, &rival);
  while (next < rival.count) {
    must(++values < 1000000000);
    must(uvchan_recv_wait(ch, &value) == 0);
    if (value != PUSHY) must(value == next++);
  }
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (i = 0; i < 3; i++) support_join(&threads[i]);
  uvchan_release(ch);
}
END_TEST

static void grab(void* arg) {
  rival_t* rival = arg;
  uint64_t value;
  int r = 0;
  while (r == 0 || r == UV_EAGAIN) r = uvchan_try_recv(rival->ch, &value);
  must(r == UV_EOF);
}

static void receive_patiently(void* arg) {
  rival_t* rival = arg;
  uint64_t value;
  size_t i;
  for (i = 0; i < rival->count; i++) must(uvchan_recv_wait(rival->ch, &value) == 0);
  atomic_store(rival->quit, 1);
}

/* The sender leaves a pause now and then: to a receiver who waits, nobody is in the way then. */
START_TEST(a_waiting_receiver_has_its_turn_beside_those_who_try_all_the_time) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  atomic_int quit = 0;
  rival_t rival = {.ch = ch, .count = (size_t)support_count(100), .quit = &quit};
  uint64_t values = 0;
  uv_thread_t threads[2];
  int i;

  support_start(&threads[0], grab, &rival);
  support_start(&threads[1], receive_patiently, &rival);
  while (!atomic_load(&quit)) {
    int r = uvchan_send_timedwait(ch, &values, UINT64_C(1000000));
    must(r == 0 || r == UV_ETIMEDOUT);
    must(++values < 1000000000);
    if (values % 8 == 0) support_spin(PATIENCE / 2);
  }
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (i = 0; i < 2; i++) support_join(&threads[i]);
  uvchan_release(ch);
}
END_TEST

/* ---- Selects that face each other ------------------------------------------------------------ */

typedef struct {
  uvchan_t* chs[2];
  uvchan_op_t ops[2];
  uint64_t rounds;
  uint64_t timeout;
  uint64_t counts[2];
  uint64_t sums[2];
} face_t;

static void select_rounds(void* arg) {
  face_t* face = arg;
  uint64_t done = 0;
  while (done < face->rounds) {
    uvchan_case_t cases[2];
    uint64_t values[2] = {done, done};
    int i;
    memset(cases, 0, sizeof(cases));
    for (i = 0; i < 2; i++) {
      cases[i].ch = face->chs[i];
      cases[i].op = face->ops[i];
      cases[i].value = &values[i];
    }
    i = uvchan_select_timedwait(cases, 2, face->timeout);
    if (i == UV_ETIMEDOUT) continue;
    must(i == 0 || i == 1);
    must(cases[i].status == 0);
    face->counts[i]++;
    face->sums[i] += values[i];
    done++;
  }
}

/* Nothing is stored, so each round of the one is a round of the other; the numbers of both run side
 * by side. */
START_TEST(two_selects_that_face_each_other_meet_in_every_round) {
  face_t one = {.rounds = (uint64_t)support_count(5000)};
  face_t other;
  uv_thread_t thread;
  int i;

  for (i = 0; i < 2; i++) one.chs[i] = support_channel(8, 0);
  one.ops[0] = UVCHAN_SEND;
  one.ops[1] = _i % 2 == 0 ? UVCHAN_RECV : UVCHAN_SEND;
  one.timeout = _i / 2 == 0 ? UINT64_MAX : 30000;
  other = one;
  for (i = 0; i < 2; i++) other.ops[i] = one.ops[i] == UVCHAN_SEND ? UVCHAN_RECV : UVCHAN_SEND;
  if (_i / 2 == 2) other.timeout = UINT64_MAX;
  support_start(&thread, select_rounds, &other);
  select_rounds(&one);
  support_join(&thread);
  for (i = 0; i < 2; i++) {
    ck_assert_uint_eq(one.counts[i], other.counts[i]);
    ck_assert_uint_eq(one.sums[i], other.sums[i]);
    ck_assert_uint_eq(support_at_rest(one.chs[i]).received, one.counts[i]);
    uvchan_release(one.chs[i]);
  }
}
END_TEST

int main(void) {
  Suite* suite = suite_create("patience-turns");
  TCase* tcase = support_tcase(suite, "fairness");
  const int kinds = SUPPORT_NCAPACITIES;

  tcase_add_loop_test(tcase, a_send_that_does_not_wait_stays_behind_the_waiting_one_before_it, 0,
                      kinds);
  tcase_add_loop_test(tcase, a_waiting_sender_has_its_turn_beside_those_who_try_all_the_time, 0,
                      kinds - 1);
  tcase_add_loop_test(tcase, a_waiting_receiver_has_its_turn_beside_those_who_try_all_the_time, 0,
                      kinds);
  tcase = support_tcase(suite, "facing");
  tcase_add_loop_test(tcase, two_selects_that_face_each_other_meet_in_every_round, 0, 6);
  return support_main(suite);
}
