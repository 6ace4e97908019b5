/* SPDX-License-Identifier: MIT */
/* Waiting calls look again for a moment before they sleep: whenever the other side comes, before
 * that, in that moment or long after it, the outcome is the same. Lengths of time are only varied;
 * nothing is judged by them but that no call gives up before its limit. */
#include "wake/patience.h"
#include "ways.h"

#define PATIENCE 100000                /* nanoseconds: twice what a call may look again for */
#define FAR_OFF UINT64_C(100000000000) /* nanoseconds */

/* The ways to wait; those with two cases have a second channel that is never ready. */
typedef enum {
  PLAIN,
  TIMED,
  MANY,
  SELECT,
  TIMED_SELECT,
  BESIDE_RING,
  BESIDE_UNBUFFERED,
  NFORMS
} form_t;

typedef struct {
  uvchan_t* ch;
  uvchan_t* other; /* never ready to send; or, with nothing in it, to receive */
  form_t form;
  uint64_t rounds;
  uint64_t done;
  int answer;
  atomic_uint_fast64_t about; /* the round that is about to wait, from 1 on */
  uv_thread_t thread;
} party_t;

static int select_beside(party_t* party, uvchan_op_t op, uint64_t* value, uint64_t timeout) {
  size_t n = party->other == NULL ? 1 : 2, i;
  uvchan_case_t cases[2];
  uint64_t unused = 99;
  int r;
  memset(cases, 0, sizeof(cases));
  for (i = 0; i < n; i++) cases[i].op = op;
  cases[n - 1].ch = party->ch;
  cases[n - 1].value = value;
  if (n == 2) cases[0].ch = party->other;
  if (n == 2) cases[0].value = &unused;
  r = uvchan_select_timedwait(cases, n, timeout);
  must(r == UV_ETIMEDOUT || r == (int)n - 1);
  return r < 0 ? r : cases[r].status;
}

/* 0, or why not. A timeout is for the forms that have one. */
static int send_by(party_t* party, uint64_t number, uint64_t timeout) {
  ssize_t n;
  switch (party->form) {
    case PLAIN:
      return uvchan_send_wait(party->ch, &number);
    case TIMED:
      return uvchan_send_timedwait(party->ch, &number, timeout);
    case MANY:
      n = uvchan_send_wait_n(party->ch, &number, 1);
      return n == 1 ? 0 : (int)n;
    case SELECT:
      return select_beside(party, UVCHAN_SEND, &number, UINT64_MAX);
    default:
      return select_beside(party, UVCHAN_SEND, &number, timeout);
  }
}

static int recv_by(party_t* party, uint64_t* number, uint64_t timeout) {
  ssize_t n;
  switch (party->form) {
    case PLAIN:
      return uvchan_recv_wait(party->ch, number);
    case TIMED:
      return uvchan_recv_timedwait(party->ch, number, timeout);
    case MANY:
      n = uvchan_recv_wait_n(party->ch, number, 1);
      return n == 1 ? 0 : (int)n;
    case SELECT:
      return select_beside(party, UVCHAN_RECV, number, UINT64_MAX);
    default:
      return select_beside(party, UVCHAN_RECV, number, timeout);
  }
}

static void fill(uvchan_t* ch) {
  uint64_t value;
  for (value = 0; value < uvchan_capacity(ch); value++) must(uvchan_try_send(ch, &value) == 0);
}

static void party_open(party_t* party, form_t form, size_t capacity, int sends) {
  memset(party, 0, sizeof(*party));
  party->ch = support_channel(8, capacity);
  party->form = form;
  if (form >= BESIDE_RING) party->other = support_channel(8, form == BESIDE_RING ? 2 : 0);
  if (sends && form >= BESIDE_RING) fill(party->other);
  if (sends) fill(party->ch);
}

static void party_close(party_t* party) {
  uvchan_stats_t stats = support_at_rest(party->ch);
  must(stats.waiting_senders == 0);
  must(stats.waiting_receivers == 0);
  if (party->other != NULL) uvchan_release(party->other);
  uvchan_release(party->ch);
}

/* Until the other thread is about to wait for the n-th time: mostly without a sleep of its own,
 * which would be longer than the patience. */
static void await_about(party_t* party, uint64_t n) {
  uint64_t begin = uv_hrtime();
  while (atomic_load(&party->about) < n && uv_hrtime() - begin < 1000000) continue;
  support_await(atomic_load(&party->about) >= n);
}

static size_t waiting(const uvchan_t* ch) {
  uvchan_stats_t stats;
  uvchan_stats(ch, &stats);
  return stats.waiting_senders + stats.waiting_receivers;
}

/* Comes to the other thread, which is about to wait, at once, somewhat later, or when it waits for
 * certain. */
static void come_to(party_t* party, uint64_t n, uint32_t* random) {
  await_about(party, n);
  switch (support_random(random) % 8) {
    case 0:
      break;
    case 1:
      support_await(waiting(party->ch) == 1);
      support_spin(PATIENCE);
      break;
    default:
      support_spin(support_random(random) % PATIENCE);
  }
}

static form_t form_of(int i) { return (form_t)(i % NFORMS); }
static size_t capacity_of(int i) { return support_capacities[i / NFORMS]; }

/* ---- The limit ------------------------------------------------------------------------------- */

static const uint64_t limits[] = {1, 1000, 10000, 30000, 49999, 50000, 60000, 1000000};
#define NLIMITS (sizeof(limits) / sizeof(*limits))

static int has_limit(form_t form) { return form == TIMED || form >= TIMED_SELECT; }

/* The rounds go through the limits in both directions, since a wait depends on the ones before
 * it. */
static uint64_t limit_of(size_t round) {
  size_t i = round % (2 * NLIMITS);
  return limits[i < NLIMITS ? i : 2 * NLIMITS - 1 - i];
}

START_TEST(a_receive_keeps_its_limit_however_short_and_takes_nothing) {
  party_t party;
  size_t round;
  uint64_t value = 99;

  if (!has_limit(form_of(_i))) return;
  party_open(&party, form_of(_i), capacity_of(_i), 0);
  for (round = 0; round < 4 * NLIMITS; round++) {
    uint64_t begin = uv_hrtime();
    ck_assert_int_eq(recv_by(&party, &value, limit_of(round)), UV_ETIMEDOUT);
    ck_assert_uint_ge(uv_hrtime() - begin, limit_of(round));
    ck_assert_uint_eq(waiting(party.ch), 0);
  }
  ck_assert_uint_eq(value, 99);
  ck_assert_uint_eq(support_at_rest(party.ch).received, 0);
  party_close(&party);
}
END_TEST

START_TEST(a_send_keeps_its_limit_however_short_and_gives_nothing) {
  size_t capacity = capacity_of(_i), round;
  party_t party;
  uint64_t value, n;

  if (!has_limit(form_of(_i))) return;
  party_open(&party, form_of(_i), capacity, 1);
  for (round = 0; round < 4 * NLIMITS; round++) {
    uint64_t begin = uv_hrtime();
    ck_assert_int_eq(send_by(&party, 99, limit_of(round)), UV_ETIMEDOUT);
    ck_assert_uint_ge(uv_hrtime() - begin, limit_of(round));
    ck_assert_uint_eq(waiting(party.ch), 0);
  }
  for (n = 0; n < capacity; n++)
    ck_assert_int_eq(uvchan_try_recv(party.ch, &value) == 0 ? 0 : 1, value != n);
  ck_assert_int_eq(uvchan_try_recv(party.ch, &value), UV_EAGAIN);
  party_close(&party);
}
END_TEST

/* ---- Whenever the other side comes ----------------------------------------------------------- */

static void receive_rounds(void* arg) {
  party_t* party = arg;
  uint64_t value, i;
  for (i = 0; i < party->rounds; i++) {
    atomic_store(&party->about, i + 1);
    must(recv_by(party, &value, FAR_OFF) == 0);
    must(value == i);
  }
}

START_TEST(a_receive_is_served_whenever_a_value_comes) {
  uint32_t random = (uint32_t)_i + 1;
  unsigned int turns = 0;
  party_t party;
  uint64_t i;

  party_open(&party, form_of(_i), capacity_of(_i), 0);
  party.rounds = (uint64_t)support_count(200);
  support_start(&party.thread, receive_rounds, &party);
  for (i = 0; i < party.rounds; i++) {
    come_to(&party, i + 1, &random);
    /* unbuffered: it does not wait yet */
    while (uvchan_try_send(party.ch, &i) != 0) way_rest(&turns);
  }
  support_join(&party.thread);
  ck_assert_uint_eq(support_at_rest(party.ch).received, party.rounds);
  party_close(&party);
}
END_TEST

static void send_rounds(void* arg) {
  party_t* party = arg;
  uint64_t first = uvchan_capacity(party->ch), i;
  for (i = 0; i < party->rounds; i++) {
    atomic_store(&party->about, i + 1);
    must(send_by(party, first + i, FAR_OFF) == 0);
  }
}

START_TEST(a_send_is_served_whenever_room_comes) {
  uint32_t random = (uint32_t)_i + 1;
  unsigned int turns = 0;
  party_t party;
  uint64_t value, i;

  party_open(&party, form_of(_i), capacity_of(_i), 1);
  party.rounds = (uint64_t)support_count(200);
  support_start(&party.thread, send_rounds, &party);
  for (i = 0; i < party.rounds; i++) {
    come_to(&party, i + 1, &random);
    while (uvchan_try_recv(party.ch, &value) != 0) way_rest(&turns);
    must(value == i);
  }
  support_join(&party.thread);
  for (; i < party.rounds + uvchan_capacity(party.ch); i++)
    must(uvchan_try_recv(party.ch, &value) == 0 && value == i);
  ck_assert_int_eq(uvchan_try_recv(party.ch, &value), UV_EAGAIN);
  party_close(&party);
}
END_TEST

/* Both sides wait, one after the other or together, and neither knows when the other one comes. */
static void send_at_random(void* arg) {
  party_t* party = arg;
  uint32_t random = (uint32_t)party->form + 11;
  uint64_t i;
  for (i = 0; i < party->rounds; i++) {
    must(send_by(party, i, FAR_OFF) == 0);
    if (i % 32 >= 16) support_spin(support_random(&random) % PATIENCE);
  }
}

START_TEST(two_sides_that_wait_for_each_other_meet) {
  uint32_t random = (uint32_t)_i + 1;
  party_t sender, receiver;
  uint64_t value, i;

  party_open(&sender, form_of(_i), capacity_of(_i), 0);
  receiver = sender;
  receiver.form = form_of(_i) % BESIDE_RING; /* it has no channel beside it */
  receiver.other = NULL;
  if (sender.other != NULL) fill(sender.other);
  sender.rounds = (uint64_t)support_count(1000);
  support_start(&sender.thread, send_at_random, &sender);
  for (i = 0; i < sender.rounds; i++) {
    must(recv_by(&receiver, &value, FAR_OFF) == 0);
    must(value == i);
    if (i % 48 >= 24) support_spin(support_random(&random) % PATIENCE);
  }
  support_join(&sender.thread);
  party_close(&sender);
}
END_TEST

/* Limits of about the patience, and now the one side comes late, now the other: what one says it
 * has sent, the other has received, once. */
static void send_in_haste(void* arg) {
  party_t* party = arg;
  uint32_t random = 5;
  uint64_t i;
  for (i = 1; i <= party->rounds; i++) {
    int r = send_by(party, i, 1 + support_random(&random) % (2 * PATIENCE));
    must(r == 0 || r == UV_ETIMEDOUT);
    if (r == 0) party->done += i;
    if (i % 32 >= 16) support_spin(support_random(&random) % (2 * PATIENCE));
  }
  must(uvchan_close(party->ch) == 0);
}

START_TEST(a_value_is_received_where_its_send_was_in_time_and_nowhere_else) {
  uint32_t random = (uint32_t)_i + 1;
  uint64_t value = 0, last = 0, sum = 0;
  party_t sender, receiver;
  int r = 0;

  if (!has_limit(form_of(_i))) return;
  party_open(&sender, form_of(_i), capacity_of(_i), 0);
  receiver = sender;
  receiver.form = TIMED;
  if (sender.other != NULL) fill(sender.other);
  sender.rounds = (uint64_t)support_count(2000);
  support_start(&sender.thread, send_in_haste, &sender);
  while (r == 0 || r == UV_ETIMEDOUT) {
    r = recv_by(&receiver, &value, 1 + support_random(&random) % (2 * PATIENCE));
    if (r == 0) must(value > last);
    if (r == 0) sum += last = value;
    if (last % 32 < 16) support_spin(support_random(&random) % (2 * PATIENCE));
  }
  ck_assert_int_eq(r, UV_EOF);
  support_join(&sender.thread);
  ck_assert_uint_eq(sum, sender.done);
  party_close(&sender);
}
END_TEST

/* ---- A close --------------------------------------------------------------------------------- */

static void receive_once(void* arg) {
  party_t* party = arg;
  uint64_t value = 99;
  atomic_store(&party->about, 1);
  party->answer = recv_by(party, &value, FAR_OFF);
  must(value == 99);
}

static void send_once(void* arg) {
  party_t* party = arg;
  atomic_store(&party->about, 1);
  party->answer = send_by(party, 99, FAR_OFF);
}

START_TEST(a_receive_gets_the_end_whenever_the_channel_is_closed) {
  uint32_t random = (uint32_t)_i + 1;
  int rounds = support_count(20), i;

  for (i = 0; i < rounds; i++) {
    party_t party;
    party_open(&party, form_of(_i), capacity_of(_i), 0);
    support_start(&party.thread, receive_once, &party);
    come_to(&party, 1, &random);
    ck_assert_int_eq(i % 2 == 0 ? uvchan_close_with(party.ch, UV_ECONNRESET)
                                : uvchan_abort(party.ch, UV_ECONNRESET),
                     0);
    support_join(&party.thread);
    ck_assert_int_eq(party.answer, UV_ECONNRESET);
    party_close(&party);
  }
}
END_TEST

START_TEST(a_send_is_refused_whenever_the_channel_is_closed) {
  uint32_t random = (uint32_t)_i + 1;
  int rounds = support_count(20), i;

  for (i = 0; i < rounds; i++) {
    size_t left = i % 2 == 0 ? capacity_of(_i) : 0, n;
    uint64_t value;
    party_t party;
    party_open(&party, form_of(_i), capacity_of(_i), 1);
    support_start(&party.thread, send_once, &party);
    come_to(&party, 1, &random);
    ck_assert_int_eq(i % 2 == 0 ? uvchan_close(party.ch) : uvchan_abort(party.ch, UV_EOF), 0);
    support_join(&party.thread);
    ck_assert_int_eq(party.answer, UV_EPIPE);
    for (n = 0; n < left; n++) must(uvchan_try_recv(party.ch, &value) == 0 && value == n);
    ck_assert_int_eq(uvchan_try_recv(party.ch, &value), UV_EOF);
    party_close(&party);
  }
}
END_TEST

/* ---- What is learned ------------------------------------------------------------------------- */

/* A wait with no patience left, or with all of it, that takes far longer. */
START_TEST(who_has_waited_for_long_is_not_more_patient_the_next_time) {
  atomic_uint learned = _i == 0 ? 0 : UVCHAN__LONGEST_PATIENCE_NS;
  unsigned int before, after;
  int i;

  for (i = 0; i < 10; i++) {
    uvchan__patience_t patience;
    /* without the mark that the processor is to be given away */
    before = atomic_load(&learned) % ((unsigned int)1 << 31);
    uvchan__patience_init(&patience, &learned, UINT64_MAX);
    while (uvchan__patience_wait(&patience)) continue;
    uv_sleep(2);
    uvchan__patience_learn(&patience, &learned);
    after = atomic_load(&learned);
    ck_assert(before == 0 ? after == 0 : after < before);
  }
}
END_TEST

START_TEST(who_was_served_at_once_is_more_patient_the_next_time_and_does_not_give_way) {
  atomic_uint learned = UVCHAN__LONGEST_PATIENCE_NS / 10;
  unsigned int before, after;
  int i;

  for (i = 0; i < 100; i++) {
    uvchan__patience_t patience;
    before = atomic_load(&learned);
    uvchan__patience_init(&patience, &learned, UINT64_MAX);
    ck_assert(uvchan__patience_wait(&patience));
    uvchan__patience_learn(&patience, &learned);
    after = atomic_load(&learned);
    ck_assert_uint_le(after, UVCHAN__LONGEST_PATIENCE_NS);
    ck_assert(after > before || before == UVCHAN__LONGEST_PATIENCE_NS);
  }
}
END_TEST

int main(void) {
  Suite* suite = suite_create("patience");
  TCase* tcase = support_tcase(suite, "limits");
  const int kinds = SUPPORT_NCAPACITIES;

  tcase_add_loop_test(tcase, a_receive_keeps_its_limit_however_short_and_takes_nothing, 0,
                      NFORMS * kinds);
  tcase_add_loop_test(tcase, a_send_keeps_its_limit_however_short_and_gives_nothing, 0,
                      NFORMS * (kinds - 1));
  tcase = support_tcase(suite, "whenever");
  tcase_add_loop_test(tcase, a_receive_is_served_whenever_a_value_comes, 0, NFORMS * kinds);
  tcase_add_loop_test(tcase, a_send_is_served_whenever_room_comes, 0, NFORMS * (kinds - 1));
  tcase_add_loop_test(tcase, two_sides_that_wait_for_each_other_meet, 0, NFORMS * kinds);
  tcase_add_loop_test(tcase, a_value_is_received_where_its_send_was_in_time_and_nowhere_else, 0,
                      NFORMS * kinds);
  tcase = support_tcase(suite, "closing");
  tcase_add_loop_test(tcase, a_receive_gets_the_end_whenever_the_channel_is_closed, 0,
                      NFORMS * kinds);
  tcase_add_loop_test(tcase, a_send_is_refused_whenever_the_channel_is_closed, 0,
                      NFORMS * (kinds - 1));
  tcase = support_tcase(suite, "learning");
  tcase_add_loop_test(tcase, who_has_waited_for_long_is_not_more_patient_the_next_time, 0, 2);
  tcase_add_test(tcase, who_was_served_at_once_is_more_patient_the_next_time_and_does_not_give_way);
  return support_main(suite);
}
