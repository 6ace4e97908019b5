/* SPDX-License-Identifier: MIT */
/* Memory: how much a channel takes, that values in bounded channels need none, that bursts are
 * given back, and what happens at every single allocation that fails. */
#include <stdlib.h>
#include <string.h>

#include "ways.h"

#define NBOUNDED 4 /* the capacities of the table before UVCHAN_UNBOUNDED */

/* ---- How much -------------------------------------------------------------------------------- */

START_TEST(an_idle_channel_of_16_small_values_takes_less_than_1_kib) {
  uvchan_t* ch = support_channel(8, 16);
  ck_assert_uint_lt(support_bytes(), 1024);
  ck_assert_uint_eq(support_allocations(), 1);
  uvchan_release(ch);
}
END_TEST

START_TEST(an_idle_unbounded_channel_takes_less_than_1_kib) {
  uvchan_t* ch = support_channel(8, _i == 0 ? UVCHAN_UNBOUNDED : 0);
  ck_assert_uint_lt(support_bytes(), 1024);
  uvchan_release(ch);
}
END_TEST

START_TEST(an_unbounded_channel_gives_its_memory_back_after_a_burst) {
  size_t elem_size = support_elem_sizes[_i], n = (size_t)support_count(20000), i;
  uvchan_t* ch = support_channel(elem_size, UVCHAN_UNBOUNDED);
  unsigned char value[SUPPORT_MOST_BYTES];
  memset(value, 1, sizeof(value));
  for (i = 0; i < n; i++) must(uvchan_try_send(ch, value) == 0);
  ck_assert_uint_ge(support_bytes(), n * elem_size);
  ck_assert_uint_le(support_bytes(), 2 * n * (elem_size + 1) + 8192);
  for (i = 0; i < n; i++) must(uvchan_try_recv(ch, value) == 0);
  ck_assert_uint_le(support_bytes(), 3 * elem_size + 4096);
  ck_assert_int_eq(uvchan_try_recv(ch, value), UV_EAGAIN);
  uvchan_release(ch);
}
END_TEST

START_TEST(an_aborted_unbounded_channel_gives_its_memory_back) {
  uvchan_t* ch = support_channel(8, UVCHAN_UNBOUNDED);
  uint64_t value;
  for (value = 0; value < 20000; value++) must(uvchan_try_send(ch, &value) == 0);
  ck_assert_int_eq(uvchan_abort(ch, UV_EIO), 0);
  ck_assert_uint_le(support_bytes(), 4096);
  uvchan_release(ch);
}
END_TEST

/* A queue that never gets long stays in the memory that it has. */
START_TEST(an_unbounded_channel_in_steady_use_does_not_grow) {
  size_t depth = _i == 0 ? 1 : 100;
  uvchan_t* ch = support_channel(8, UVCHAN_UNBOUNDED);
  uint64_t i, value;
  for (i = 0; i < depth; i++) must(uvchan_try_send(ch, &i) == 0);
  support_reset_peak();
  for (i = 0; i < 50000; i++) {
    must(uvchan_try_send(ch, &i) == 0);
    must(uvchan_try_recv(ch, &value) == 0);
  }
  ck_assert_uint_le(support_peak_bytes(), 8192);
  uvchan_release(ch);
}
END_TEST

/* ---- None for a value in a bounded channel --------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  size_t n;
} exchange_t;

static void send_in_every_way(void* arg) {
  exchange_t* exchange = arg;
  way_t way;
  for (way = 0; way < NWAYS; way++)
    must(way_send_all(way, exchange->ch, (size_t)way, exchange->n) == exchange->n);
}

START_TEST(no_value_in_a_bounded_channel_needs_memory) {
  size_t elem_size = support_elem_sizes[_i / NBOUNDED];
  exchange_t exchange = {support_channel(elem_size, support_capacities[_i % NBOUNDED]),
                         (size_t)support_count(50)};
  size_t calls = support_calls(), got;
  unsigned char values[WAY_MOST * SUPPORT_MOST_BYTES];
  unsigned int turns = 0;
  uv_thread_t thread;
  support_start(&thread, send_in_every_way, &exchange);
  for (got = 0; got < NWAYS * exchange.n;) {
    way_t way = (way_t)(got % NWAYS);
    ssize_t r = way_recv(way, exchange.ch, values, 1);
    must(r == 1 || way_is_not_now(r));
    if (r == 1) got++;
    /* Where neither side waits, nobody meets: so this side waits after a refusal. */
    if (r != 1) {
      way_rest(&turns);
      must(uvchan_recv_wait(exchange.ch, values) == 0);
      got++;
    }
  }
  support_join(&thread);
  ck_assert_uint_eq(support_calls(), calls);
  uvchan_release(exchange.ch);
}
END_TEST

START_TEST(no_value_that_is_dropped_from_a_bounded_channel_needs_memory) {
  size_t elem_size = support_elem_sizes[_i / 2];
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, elem_size, 3,
                                          _i % 2 == 0 ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST);
  unsigned char value[SUPPORT_MOST_BYTES];
  size_t calls = support_calls();
  int i;
  memset(value, 1, sizeof(value));
  support_fail_at(0, 1);
  for (i = 0; i < 10; i++) ck_assert_int_eq(uvchan_try_send(ch, value), 0);
  support_fail_never();
  ck_assert_uint_eq(atomic_load(&drops.by_reason[UVCHAN_DROPPED_OVERFLOW]), 7);
  ck_assert_uint_eq(support_calls(), calls);
  uvchan_release(ch);
}
END_TEST

/* Drops that happen while another one does: drop_cb sends to its own channel, which is full. */
typedef struct {
  uvchan_t* ch;
  unsigned char* value;
  size_t size;
  int depth;   /* further sends, each inside the one before */
  int refused; /* without memory */
  int dropped;
} nested_t;

static void drop_and_send(void* value, uvchan_drop_reason_t reason, void* arg) {
  nested_t* nested = arg;

  (void)value;
  if (reason != UVCHAN_DROPPED_OVERFLOW) return;
  nested->dropped++;
  if (nested->depth-- > 0) {
    int r = uvchan_try_send(nested->ch, nested->value);

    must(r == 0 || r == UV_ENOMEM);
    nested->refused += r == UV_ENOMEM;
  }
  support_fill(value, nested->size, 77); /* its own, whatever the sends inside have dropped */
}

START_TEST(only_a_large_value_that_overflows_beside_another_needs_memory) {
  static const size_t sizes[] = {1024, 1025, 5000, 100000};
  nested_t nested = {NULL, NULL, sizes[_i % 4], 0, 0, 0};
  uvchan_options_t options = {.elem_size = sizes[_i % 4],
                              .capacity = 2,
                              .overflow = _i < 4 ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST,
                              .drop_cb = drop_and_send,
                              .drop_arg = &nested,
                              .name = "orders"};
  size_t before;
  int round, i;

  nested.value = malloc(nested.size);
  memset(nested.value, 1, nested.size);
  ck_assert_int_eq(uvchan_create_ex(&nested.ch, &options), 0);
  ck_assert_uint_eq(support_allocations(), 1);
  for (i = 0; i < 2; i++) ck_assert_int_eq(uvchan_try_send(nested.ch, nested.value), 0);
  before = support_calls();
  for (round = 0; round < 2; round++) {
    support_fail_at(0, 1);
    nested.depth = 1;
    nested.refused = nested.dropped = 0;
    ck_assert_int_eq(uvchan_try_send(nested.ch, nested.value), 0);
    ck_assert_int_eq(nested.refused, nested.size > 1024);
    ck_assert_int_eq(nested.dropped, nested.size > 1024 ? 1 : 2);
    support_fail_never();
    ck_assert_uint_eq(support_calls(), before);
  }
  nested.depth = 3;
  nested.refused = nested.dropped = 0;
  ck_assert_int_eq(uvchan_try_send(nested.ch, nested.value), 0);
  ck_assert_int_eq(nested.refused, 0);
  ck_assert_int_eq(nested.dropped, 4);
  ck_assert_uint_eq(support_calls(), before + (nested.size > 1024 ? 3 : 0));
  ck_assert_uint_eq(support_allocations(), 1);
  ck_assert_uint_eq(support_at_rest(nested.ch).len, 2);
  ck_assert_str_eq(support_at_rest(nested.ch).name, "orders");
  uvchan_release(nested.ch);
  free(nested.value);
}
END_TEST

/* ---- Every allocation fails once ------------------------------------------------------------- */

/* More failures than any call could have allocations: a loop over them that gets here does not
 * end. */
#define TOO_MANY 1000

START_TEST(create_at_every_failing_allocation) {
  uvchan_options_t options;
  uvchan_t* ch = NULL;
  size_t n;
  int r;
  memset(&options, 0, sizeof(options));
  options.elem_size = 8;
  options.capacity = support_capacities[_i];
  options.name = "orders";
  for (n = 0;; n++) {
    ck_assert_uint_lt(n, TOO_MANY);
    support_fail_at(n, 0);
    r = uvchan_create_ex(&ch, &options);
    support_fail_never();
    if (r == 0) break;
    ck_assert_int_eq(r, UV_ENOMEM);
    ck_assert_ptr_null(ch);
    ck_assert_uint_eq(support_allocations(), 0);
  }
  ck_assert_uint_ge(n, 1);
  uvchan_release(ch);
}
END_TEST

/* Fills an unbounded channel in one way while the n-th allocation fails; what was refused is not
 * there, what was taken is. */
START_TEST(a_send_to_an_unbounded_channel_at_every_failing_allocation) {
  way_t way = (way_t)(_i % NWAYS);
  int forever = _i / NWAYS;
  size_t n, total = 200, i;
  int failed = 1;
  for (n = 0; failed; n++) {
    uvchan_t* ch = support_channel(64, UVCHAN_UNBOUNDED);
    unsigned char values[WAY_MOST * 64], value[64];
    size_t sent = 0;
    failed = 0;
    ck_assert_uint_lt(n, TOO_MANY);
    support_fail_at(n, forever);
    while (sent < total) {
      ssize_t r;
      for (i = 0; i < WAY_MOST; i++) support_fill(values + i * 64, 64, sent + i);
      r = way_send(way, ch, values, WAY_MOST);
      if (r > 0) sent += (size_t)r;
      if (r > 0 && (r == WAY_MOST || (way != WAY_TRY_N && way != WAY_WAIT_N))) continue;
      if (r < 0) ck_assert_int_eq((int)r, UV_ENOMEM);
      failed = 1;
      ck_assert_uint_eq(uvchan_len(ch), sent);
      ck_assert_uint_eq(support_at_rest(ch).sent, sent);
      if (forever) break;
    }
    if (way != WAY_WAIT_N || forever) ck_assert_int_eq(failed, support_failures() > 0);
    failed = support_failures() > 0; /* the one that waits for all to be in tries once more */
    for (i = 0; i < sent; i++) {     /* receiving needs no memory */
      must(uvchan_try_recv(ch, value) == 0);
      must(support_matches(value, 64, i));
    }
    ck_assert_int_eq(uvchan_try_recv(ch, value), UV_EAGAIN);
    support_fail_never();
    uvchan_release(ch);
    ck_assert_uint_eq(support_allocations(), 0);
  }
  ck_assert_uint_ge(n, 2);
}
END_TEST

static void on_large(uvchan_recv_t* req, int status) {
  must(status == 0);
  must(support_matches(req->data, SUPPORT_MOST_BYTES, 0));
}

static void no_value(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)receiver;
  must(status != 0 && value == NULL);
}

/* Two values lie there for two receivers of a loop that does not run, and a request of that loop
 * waits behind those: for it the oldest value would be taken out and the new one put in, which
 * needs memory. */
START_TEST(a_send_without_memory_takes_nothing_out_for_one_who_waits) {
  uvchan_t* ch = support_channel(SUPPORT_MOST_BYTES, UVCHAN_UNBOUNDED);
  static unsigned char values[3][SUPPORT_MOST_BYTES];
  static unsigned char received[SUPPORT_MOST_BYTES];
  uvchan_receiver_t receivers[2];
  uvchan_recv_t recv;
  uv_loop_t loop;
  size_t i;
  support_loop_open(&loop);
  for (i = 0; i < 2; i++) {
    ck_assert_int_eq(uvchan_receiver_init(&loop, &receivers[i], ch), 0);
    ck_assert_int_eq(uvchan_recv_start(&receivers[i], no_value), 0);
  }
  uv_run(&loop, UV_RUN_NOWAIT); /* they look, find nothing, and wait to be told */
  recv.data = received;
  ck_assert_int_eq(uvchan_recv(&loop, &recv, ch, received, on_large), 0);
  for (i = 0; i < 3; i++) support_fill(values[i], SUPPORT_MOST_BYTES, i);
  for (i = 0; i < 2; i++) ck_assert_int_eq(uvchan_try_send(ch, values[i]), 0);
  support_fail_at(0, 1);
  ck_assert_int_eq(uvchan_try_send(ch, values[2]), UV_ENOMEM);
  support_fail_never();
  ck_assert_uint_eq(support_at_rest(ch).sent, 2);
  ck_assert_uint_eq(support_at_rest(ch).len, 2);
  ck_assert_int_eq(uvchan_try_send(ch, values[2]), 0);
  ck_assert_uint_eq(support_at_rest(ch).len, 2);
  for (i = 0; i < 2; i++) uvchan_receiver_close(&receivers[i], NULL);
  support_loop_finish(&loop);
  uvchan_release(ch);
}
END_TEST

/* ---- What never needs memory ----------------------------------------------------------------- */

START_TEST(receiving_closing_and_releasing_need_no_memory) {
  size_t capacity = support_capacities[_i % SUPPORT_NCAPACITIES],
         n = capacity == UVCHAN_UNBOUNDED ? 50 : capacity, i;
  int aborted = _i / SUPPORT_NCAPACITIES;
  support_drops_t drops;
  uvchan_t* ch = support_dropping_channel(&drops, 64, capacity, UVCHAN_WAIT);
  unsigned char value[WAY_MOST * 64];
  memset(value, 1, sizeof(value));
  for (i = 0; i < n; i++) must(uvchan_try_send(ch, value) == 0);
  support_fail_at(0, 1);
  for (i = 0; i < n / 2; i++) ck_assert_int_eq((int)way_recv((way_t)(i % NWAYS), ch, value, 1), 1);
  ck_assert_int_eq(uvchan_sender_add(ch, 1), 0);
  ck_assert_int_eq(uvchan_sender_add(ch, 1), 0);
  ck_assert_int_eq(uvchan_sender_done(ch), 0);
  ck_assert_int_eq(uvchan_recv_timedwait(support_at_rest(ch).len == 0 ? ch : NULL, value, 1000),
                   support_at_rest(ch).len == 0 ? UV_ETIMEDOUT : UV_EINVAL);
  if (aborted) ck_assert_int_eq(uvchan_abort(ch, UV_EIO), 0);
  if (!aborted) ck_assert_int_eq(uvchan_close(ch), 0);
  uvchan_release(ch);
  ck_assert_uint_eq(support_failures(), 0);
  ck_assert_uint_eq(
      atomic_load(&drops.by_reason[aborted ? UVCHAN_DROPPED_ABORT : UVCHAN_DROPPED_RELEASE]),
      n - n / 2);
}
END_TEST

/* ---- Selects --------------------------------------------------------------------------------- */

#define NCASES 40

static int select_by(int form, uvchan_case_t* cases) {
  if (form == 0) return uvchan_try_select(cases, NCASES);
  if (form == 1) return uvchan_select_wait(cases, NCASES);
  return uvchan_select_timedwait(cases, NCASES, UINT64_C(60000000000));
}

/* Many cases on full, empty and unbounded channels, one of them ready, or the send to the unbounded
 * one. */
START_TEST(a_select_with_many_cases_at_every_failing_allocation) {
  int form = _i % 3, to_unbounded = _i / 3;
  uvchan_t* idle = support_channel(8, 0);
  uvchan_t* ready = support_channel(8, to_unbounded ? UVCHAN_UNBOUNDED : 3);
  uvchan_case_t cases[NCASES];
  uint64_t in = 5, out = 0;
  size_t n, i, before = support_allocations();
  int r;
  for (i = 0; i < NCASES; i++) cases[i] = (uvchan_case_t){idle, UVCHAN_RECV, &out, 1, NULL};
  cases[NCASES / 2] = (uvchan_case_t){ready, UVCHAN_SEND, &in, 1, NULL};
  for (n = 0;; n++) {
    ck_assert_uint_lt(n, TOO_MANY);
    support_fail_at(n, 0);
    r = select_by(form, cases);
    support_fail_never();
    if (r >= 0) break;
    ck_assert_int_eq(r, UV_ENOMEM);
    ck_assert_uint_eq(support_at_rest(ready).sent, 0);
    ck_assert_uint_eq(support_at_rest(idle).waiting_receivers, 0);
    ck_assert_uint_eq(support_allocations(), before);
  }
  ck_assert_int_eq(r, NCASES / 2);
  ck_assert_int_eq(cases[NCASES / 2].status, 0);
  ck_assert_int_eq(uvchan_try_recv(ready, &out), 0);
  ck_assert_uint_eq(out, in);
  uvchan_release(idle);
  uvchan_release(ready);
}
END_TEST

START_TEST(a_select_with_few_cases_on_bounded_channels_needs_no_memory) {
  uvchan_t* ch = support_channel(8, 3);
  uvchan_t* idle = support_channel(8, 0);
  uint64_t in = 5, out = 0;
  uvchan_case_t cases[2] = {{idle, UVCHAN_RECV, &out, 1, NULL}, {ch, UVCHAN_SEND, &in, 1, NULL}};
  support_fail_at(0, 1);
  ck_assert_int_eq(uvchan_try_select(cases, 2), 1);
  ck_assert_int_eq(uvchan_select_wait(cases, 2), 1);
  ck_assert_int_eq(uvchan_select_timedwait(cases, 2, 1000), 1);
  ck_assert_int_eq(uvchan_select_timedwait(cases, 1, 1000), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_try_select(cases, 2), UV_EAGAIN);
  ck_assert_uint_eq(support_failures(), 0);
  support_fail_never();
  uvchan_release(ch);
  uvchan_release(idle);
}
END_TEST

START_TEST(a_wait_group_needs_no_memory) {
  uvchan_waitgroup_t wg;
  support_fail_at(0, 1);
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 3), 0);
  ck_assert_int_eq(uvchan_waitgroup_timedwait(&wg, 1000), UV_ETIMEDOUT);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, -3), 0);
  ck_assert_int_eq(uvchan_waitgroup_wait(&wg), 0);
  uvchan_waitgroup_destroy(&wg);
  ck_assert_uint_eq(support_failures(), 0);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("memory");
  TCase* tcase = support_tcase(suite, "how much");
  tcase_add_test(tcase, an_idle_channel_of_16_small_values_takes_less_than_1_kib);
  tcase_add_loop_test(tcase, an_idle_unbounded_channel_takes_less_than_1_kib, 0, 2);
  tcase_add_loop_test(tcase, an_unbounded_channel_gives_its_memory_back_after_a_burst, 0,
                      SUPPORT_NELEM_SIZES);
  tcase_add_test(tcase, an_aborted_unbounded_channel_gives_its_memory_back);
  tcase_add_loop_test(tcase, an_unbounded_channel_in_steady_use_does_not_grow, 0, 2);
  tcase = support_tcase(suite, "none for a value");
  tcase_add_loop_test(tcase, no_value_in_a_bounded_channel_needs_memory, 0,
                      NBOUNDED * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, no_value_that_is_dropped_from_a_bounded_channel_needs_memory, 0,
                      2 * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, only_a_large_value_that_overflows_beside_another_needs_memory, 0, 8);
  tcase = support_tcase(suite, "failing");
  tcase_add_loop_test(tcase, create_at_every_failing_allocation, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_send_to_an_unbounded_channel_at_every_failing_allocation, 0,
                      2 * NWAYS);
  tcase_add_test(tcase, a_send_without_memory_takes_nothing_out_for_one_who_waits);
  tcase_add_loop_test(tcase, receiving_closing_and_releasing_need_no_memory, 0,
                      2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_select_with_many_cases_at_every_failing_allocation, 0, 6);
  tcase_add_test(tcase, a_select_with_few_cases_on_bounded_channels_needs_no_memory);
  tcase_add_test(tcase, a_wait_group_needs_no_memory);
  return support_main(suite);
}
