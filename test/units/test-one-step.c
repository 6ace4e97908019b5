/* SPDX-License-Identifier: MIT */
/* Operations that are made of several steps, and are one step to everyone else: what others see in
 * the midst of them. */
#include <string.h>

#include "channel/call.h"
#include "support.h"

static const size_t capacities[] = {1, 2, 3};
#define NCAPACITIES 3

typedef struct {
  uvchan_t* ch;
  atomic_int stopped;
} flood_t;

static void flood(void* arg) {
  flood_t* f = arg;
  uint64_t value;
  for (value = 0; !atomic_load(&f->stopped); value++) must(uvchan_try_send(f->ch, &value) == 0);
}

/* ---- A send that drops the oldest value ------------------------------------------------------ */

static int look_by_try(uvchan_t* ch) {
  uint64_t value;
  return uvchan_try_recv(ch, &value) == 0;
}

static int look_by_n(uvchan_t* ch) {
  uint64_t value;
  return uvchan_try_recv_n(ch, &value, 1) == 1;
}

static int look_by_time(uvchan_t* ch) {
  uint64_t value;
  return uvchan_recv_timedwait(ch, &value, 0) == 0;
}

static int look_by_select(uvchan_t* ch) {
  uint64_t value;
  uvchan_case_t c = {ch, UVCHAN_RECV, &value, 0, NULL};
  return uvchan_try_select(&c, 1) == 0;
}

static int look_by_length(uvchan_t* ch) { return uvchan_len(ch) == uvchan_capacity(ch); }

static int (*const looks[])(uvchan_t*) = {look_by_try, look_by_n, look_by_time, look_by_select,
                                          look_by_length};
#define NLOOKS 5

/* Who looks lets the channel become full before: so it holds something, or all that it can hold, at
 * each moment of the look. */
START_TEST(a_send_that_drops_the_oldest_never_makes_a_channel_look_emptier) {
  support_drops_t drops;
  flood_t f;
  uv_thread_t thread;
  int n;
  f.ch = support_dropping_channel(&drops, 8, capacities[_i % NCAPACITIES], UVCHAN_DROP_OLDEST);
  atomic_init(&f.stopped, 0);
  support_start(&thread, flood, &f);
  for (n = support_count(2000); n > 0; n--) {
    support_await(uvchan_len(f.ch) == uvchan_capacity(f.ch));
    must(looks[_i / NCAPACITIES](f.ch));
  }
  atomic_store(&f.stopped, 1);
  support_join(&thread);
  uvchan_release(f.ch);
}
END_TEST

/* ---- Abort ----------------------------------------------------------------------------------- */

#define NVALUES 16

typedef struct {
  uvchan_t* ch;
  atomic_int ready;
  atomic_uint dropped; /* how many, and the first of them */
  atomic_uint first_dropped;
  unsigned int received;
} aborted_t;

static void on_aborted(void* value, uvchan_drop_reason_t reason, void* arg) {
  aborted_t* a = arg;
  unsigned int number = (unsigned int)*(uint64_t*)value;
  must(reason == UVCHAN_DROPPED_ABORT);
  if (atomic_fetch_add(&a->dropped, 1) == 0) atomic_store(&a->first_dropped, number);
}

static void receive_to_the_end(void* arg) {
  aborted_t* a = arg;
  uint64_t value;
  atomic_fetch_add(&a->ready, 1);
  support_await(atomic_load(&a->ready) == 2);
  while (uvchan_try_recv(a->ch, &value) == 0) must(value == a->received++);
}

/* Whoever has seen the channel refuse a send finds nothing in it. */
static void send_to_the_end(void* arg) {
  aborted_t* a = arg;
  uint64_t value = NVALUES;
  int r;
  atomic_fetch_add(&a->ready, 1);
  support_await(atomic_load(&a->ready) == 2);
  while ((r = uvchan_try_send(a->ch, &value)) != UV_EPIPE) must(r == UV_EAGAIN);
  must(uvchan_try_recv(a->ch, &value) == UV_ECONNRESET);
}

static void abort_beside(uv_thread_cb beside, size_t capacity) {
  uvchan_options_t options = {
      .elem_size = sizeof(uint64_t), .capacity = capacity, .drop_cb = on_aborted};
  aborted_t a;
  uv_thread_t thread;
  uint64_t value;
  memset(&a, 0, sizeof(a));
  options.drop_arg = &a;
  must(uvchan_create_ex(&a.ch, &options) == 0);
  for (value = 0; value < NVALUES; value++) must(uvchan_try_send(a.ch, &value) == 0);
  support_start(&thread, beside, &a);
  support_await(atomic_load(&a.ready) == 1);
  atomic_fetch_add(&a.ready, 1);
  must(uvchan_abort(a.ch, UV_ECONNRESET) == 0);
  support_join(&thread);
  must(a.received + atomic_load(&a.dropped) == NVALUES);
  must(atomic_load(&a.dropped) == 0 || atomic_load(&a.first_dropped) == a.received);
  uvchan_release(a.ch);
}

START_TEST(an_abort_drops_all_values_from_one_on) {
  int n;
  for (n = support_count(1000); n > 0; n--)
    abort_beside(receive_to_the_end, _i == 0 ? NVALUES : UVCHAN_UNBOUNDED);
}
END_TEST

START_TEST(nothing_is_received_once_an_abort_was_seen) {
  int n;
  for (n = support_count(1000); n > 0; n--) abort_beside(send_to_the_end, NVALUES);
}
END_TEST

/* ---- A select that does not wait ------------------------------------------------------------- */

/* Two channels, of which one is always ready for this thread: it makes the first one so itself, and
 * the other thread makes the second one so before it spoils the first. */
typedef struct {
  uvchan_t* channels[2];
  uvchan_op_t op;
  atomic_uint round; /* both may go on with it */
  atomic_uint done;  /* the other thread has done with it */
  unsigned int rounds;
} turns_t;

static void put(uvchan_t* ch) {
  uint64_t value = 1;
  must(uvchan_try_send(ch, &value) == 0);
}

static void take(uvchan_t* ch) {
  uint64_t value;
  int r = uvchan_try_recv(ch, &value);
  must(r == 0 || r == UV_EAGAIN);
}

static void give(uvchan_t* ch) {
  uint64_t value = 1;
  int r = uvchan_try_send(ch, &value);
  must(r == 0 || r == UV_EAGAIN);
}

static void spoil_the_first(void* arg) {
  turns_t* t = arg;
  unsigned int i;
  for (i = 1; i <= t->rounds; i++) {
    support_await(atomic_load(&t->round) >= i);
    if (t->op == UVCHAN_RECV) {
      put(t->channels[1]);
      take(t->channels[0]);
    } else {
      take(t->channels[1]);
      give(t->channels[0]);
    }
    atomic_store(&t->done, i);
  }
}

static void select_once(turns_t* t, int with_time) {
  uint64_t values[2] = {1, 1};
  uvchan_case_t cases[2];
  int i, r;
  for (i = 0; i < 2; i++) {
    cases[i].ch = t->channels[i];
    cases[i].op = t->op;
    cases[i].value = &values[i];
  }
  (t->op == UVCHAN_RECV ? put : take)(t->channels[0]);
  r = with_time ? uvchan_select_timedwait(cases, 2, 0) : uvchan_try_select(cases, 2);
  must(r >= 0 && cases[r].status == 0);
}

/* Both full before a round where cases send, and empty where they receive. */
static void prepare(turns_t* t) {
  int i;
  for (i = 0; i < 2; i++) {
    uint64_t value = 1;
    if (t->op == UVCHAN_RECV) {
      while (uvchan_try_recv(t->channels[i], &value) == 0) continue;
    } else {
      while (uvchan_try_send(t->channels[i], &value) == 0) continue;
    }
  }
}

START_TEST(a_select_says_not_now_only_where_no_case_was_ready_at_one_moment) {
  turns_t t;
  uv_thread_t thread;
  unsigned int i;
  memset(&t, 0, sizeof(t));
  t.op = _i % 2 == 0 ? UVCHAN_RECV : UVCHAN_SEND;
  t.channels[0] = support_channel(8, 1);
  t.channels[1] = support_channel(8, _i / 4 == 1 && t.op == UVCHAN_RECV ? UVCHAN_UNBOUNDED : 1);
  t.rounds = (unsigned int)support_count(5000);
  support_start(&thread, spoil_the_first, &t);
  for (i = 1; i <= t.rounds; i++) {
    prepare(&t);
    atomic_store(&t.round, i);
    select_once(&t, _i / 2 % 2);
    support_await(atomic_load(&t.done) >= i);
  }
  support_join(&thread);
  uvchan_release(t.channels[0]);
  uvchan_release(t.channels[1]);
}
END_TEST

/* What a select compares that looks twice: it may be wrong about no change, though several come
 * between its looks. */
START_TEST(after_whatever_made_a_case_ready_its_stamp_is_a_later_one) {
  uvchan_t* ch = support_channel(8, support_capacities[_i / 2]);
  int sends = _i % 2;
  uint64_t before = 0, after = 0, value = 1;
  int i;
  for (i = 0; i < 10; i++) {
    if (sends) {
      while (uvchan_try_send(ch, &value) == 0) continue;
    }
    must(!uvchan__looks_ready(ch, sends, &before));
    must(uvchan__looks_ready(ch, sends, &after) == 0 && after == before);
    if (sends) {
      take(ch);
      give(ch);
    } else {
      give(ch);
      take(ch);
    }
    must(!uvchan__looks_ready(ch, sends, &after));
    must(uvchan_capacity(ch) == 0 ? after == before : after > before);
  }
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("one-step");
  TCase* tcase = support_tcase(suite, "one-step");
  int i;
  tcase_add_loop_test(tcase, a_send_that_drops_the_oldest_never_makes_a_channel_look_emptier, 0,
                      NCAPACITIES * NLOOKS);
  tcase_add_loop_test(tcase, an_abort_drops_all_values_from_one_on, 0, 2);
  tcase_add_test(tcase, nothing_is_received_once_an_abort_was_seen);
  tcase_add_loop_test(tcase, a_select_says_not_now_only_where_no_case_was_ready_at_one_moment, 0,
                      8);
  for (i = 0; i < SUPPORT_NCAPACITIES; i++) {
    int stays_full = support_capacities[i] != UVCHAN_UNBOUNDED;
    tcase_add_loop_test(tcase, after_whatever_made_a_case_ready_its_stamp_is_a_later_one, 2 * i,
                        2 * i + 1 + stays_full);
  }
  return support_main(suite);
}
