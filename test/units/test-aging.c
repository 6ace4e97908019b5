/* SPDX-License-Identifier: MIT */
/* Values that grow old, in the calls of threads: what has expired is received in no way, and goes
 * to drop_cb once; it makes room; the admission cuts a queue that stands. The clock is the
 * test's. */
#include <stdlib.h>

#include "aging.h"
#include "ways.h"

/* Capacities that buffer without a started receiver. */
static const size_t stores[] = {1, 3, 16, UVCHAN_UNBOUNDED};
#define NSTORES 4
#define NBOUNDED 3
#define STORE(i) stores[(i) % NSTORES]

static size_t fits(size_t capacity) { return capacity < 5 ? capacity : 5; }

/* ---- What is received ------------------------------------------------------------------------ */

/* Loop number: store, then way, then whether there is a drop_cb. */
#define WAY(i) ((way_t)((i) / NSTORES % NWAYS))
#define HAS_DROPS(i) ((i) < NSTORES * NWAYS)
#define NTABLE (2 * NSTORES * NWAYS)

static int nothing(way_t way, int closed) {
  if (closed) return UV_EOF;
  return way_never_waits(way) ? UV_EAGAIN : UV_ETIMEDOUT;
}

START_TEST(what_has_expired_is_received_in_no_way) {
  support_drops_t drops;
  way_t way = WAY(_i);
  size_t n = fits(STORE(_i));
  uvchan_t* ch = aging_channel(HAS_DROPS(_i) ? &drops : NULL, 8, STORE(_i));
  int closed = way == WAY_WAIT || way == WAY_WAIT_N || way == WAY_SELECT;
  uint64_t values[WAY_MOST] = {77};
  uvchan_stats_t stats;
  send_numbers(ch, 1, n);
  set_clock(OLD);
  ck_assert_uint_eq(uvchan_len(ch), n);
  if (closed) ck_assert_int_eq(uvchan_close(ch), 0);
  ck_assert_int_eq((int)way_recv(way, ch, values, WAY_MOST), nothing(way, closed));
  ck_assert_uint_eq(values[0], 77);
  stats = support_at_rest(ch);
  ck_assert_uint_eq(stats.len, 0);
  ck_assert_uint_eq(stats.received, 0);
  ck_assert_uint_eq(stats.expired, n);
  ck_assert_uint_eq(stats.dropped, n);
  ck_assert_uint_eq(stats.shed, 0);
  ck_assert_uint_eq(stats.longest_wait, 0);
  if (HAS_DROPS(_i)) {
    ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), n);
    ck_assert_uint_eq(dropped_in_all(&drops), n);
    ck_assert_uint_eq(atomic_load(&drops.sum), n * (n + 1) / 2);
    ck_assert_uint_eq(atomic_load(&drops.last), n);
  }
  uvchan_release(ch);
}
END_TEST

START_TEST(what_is_younger_is_received) {
  support_drops_t drops;
  way_t way = WAY(_i);
  size_t n = fits(STORE(_i)), got = 0;
  uvchan_t* ch = aging_channel(HAS_DROPS(_i) ? &drops : NULL, 8, STORE(_i));
  uint64_t values[WAY_MOST];
  send_numbers(ch, 0, n);
  set_clock(YOUNG);
  while (got < n) {
    ssize_t r = way_recv(way, ch, values, WAY_MOST), i;
    ck_assert_int_gt((int)r, 0);
    for (i = 0; i < r; i++) ck_assert_uint_eq(values[i], got + (size_t)i);
    got += (size_t)r;
  }
  ck_assert_uint_eq(support_at_rest(ch).expired, 0);
  ck_assert_uint_eq(support_at_rest(ch).longest_wait, YOUNG - BEGIN);
  if (HAS_DROPS(_i)) ck_assert_uint_eq(dropped_in_all(&drops), 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(the_young_behind_the_old_are_received_in_the_same_call) {
  support_drops_t drops;
  way_t way = WAY(_i);
  uvchan_t* ch = aging_channel(HAS_DROPS(_i) ? &drops : NULL, 8, _i % 2 ? UVCHAN_UNBOUNDED : 7);
  uint64_t values[WAY_MOST];
  send_numbers(ch, 1, 4);
  set_clock(BEGIN + 1);
  send_numbers(ch, 5, 3);
  set_clock(OLD);
  ck_assert_int_gt((int)way_recv(way, ch, values, WAY_MOST), 0);
  ck_assert_uint_eq(values[0], 5);
  ck_assert_uint_eq(support_at_rest(ch).expired, 4);
  if (HAS_DROPS(_i)) ck_assert_uint_eq(atomic_load(&drops.sum), 1 + 2 + 3 + 4);
  uvchan_release(ch);
}
END_TEST

/* ---- Without a place in the store, no age ---------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  uint64_t value;
  int r;
} one_t;

static void send_one(void* arg) {
  one_t* one = arg;
  one->r = uvchan_send_wait(one->ch, &one->value);
}

static void receive_one(void* arg) {
  one_t* one = arg;
  one->r = uvchan_recv_wait(one->ch, &one->value);
}

START_TEST(who_waits_to_send_has_a_value_without_an_age) {
  one_t one = {aging_channel(NULL, 8, _i == 0 ? 0 : 1), 2, 1};
  uint64_t value = 1;
  uv_thread_t thread;
  if (_i == 1) send_numbers(one.ch, 1, 1);
  support_start(&thread, send_one, &one);
  support_await_senders(one.ch, 1);
  if (_i == 1) { /* which lets the sender in */
    set_clock(YOUNG);
    ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
    ck_assert_uint_eq(value, 1);
    support_join(&thread);
    set_clock(YOUNG + MAX_AGE - 1);
  } else {
    set_clock(BEGIN + 1000);
  }
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  ck_assert_uint_eq(value, 2);
  if (_i == 0) support_join(&thread);
  ck_assert_int_eq(one.r, 0);
  ck_assert_uint_eq(support_at_rest(one.ch).longest_wait, _i == 0 ? 0 : MAX_AGE - 1);
  uvchan_release(one.ch);
}
END_TEST

START_TEST(who_waits_to_receive_is_handed_a_value_without_an_age) {
  one_t one = {aging_channel(NULL, 8, support_capacities[_i]), 0, 1};
  uv_thread_t thread;
  support_start(&thread, receive_one, &one);
  support_await_receivers(one.ch, 1);
  set_clock(BEGIN + 1000);
  send_numbers(one.ch, 5, 1);
  set_clock(BEGIN + 2000);
  support_join(&thread);
  ck_assert_int_eq(one.r, 0);
  ck_assert_uint_eq(one.value, 5);
  ck_assert_uint_eq(support_at_rest(one.ch).expired, 0);
  uvchan_release(one.ch);
}
END_TEST

/* ---- Room ------------------------------------------------------------------------------------ */

/* Loop number: bounded store, then policy, then way. */
START_TEST(a_full_store_of_the_old_has_room) {
  support_drops_t drops;
  size_t capacity = stores[_i % NBOUNDED];
  uvchan_options_t options = aging_options(8, capacity);
  way_t way = (way_t)(_i / NBOUNDED / 3);
  uint64_t value = 100;
  uvchan_t* ch;
  options.overflow = (uvchan_overflow_t)(_i / NBOUNDED % 3);
  ch = aging_channel_with(&drops, options);
  send_numbers(ch, 0, capacity);
  set_clock(OLD);
  ck_assert_int_eq((int)way_send(way, ch, &value, 1), 1);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_OVERFLOW), 0);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), capacity);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 100);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_full_store_of_the_young_has_none) {
  support_drops_t drops;
  size_t capacity = stores[_i % NBOUNDED];
  uvchan_options_t options = aging_options(8, capacity);
  uint64_t value = 100;
  uvchan_t* ch;
  options.overflow = (uvchan_overflow_t)(_i / NBOUNDED);
  ch = aging_channel_with(&drops, options);
  send_numbers(ch, 0, capacity);
  set_clock(YOUNG);
  ck_assert_int_eq(uvchan_try_send(ch, &value), options.overflow == UVCHAN_WAIT ? UV_EAGAIN : 0);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_OVERFLOW), options.overflow != UVCHAN_WAIT);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 0);
  uvchan_release(ch);
}
END_TEST

/* Loop number: who looks; a receiver, another sender, one who asks for the end of it. */
START_TEST(who_looks_lets_those_in_who_wait_for_room) {
  support_drops_t drops;
  one_t one = {aging_channel(&drops, 8, 2), 3, 1};
  uint64_t value = 9;
  uv_thread_t thread;
  send_numbers(one.ch, 1, 2);
  support_start(&thread, send_one, &one);
  support_await_senders(one.ch, 1);
  set_clock(OLD);
  if (_i == 1) ck_assert_int_eq(uvchan_try_send(one.ch, &value), 0);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  ck_assert_uint_eq(value, 3);
  support_join(&thread);
  ck_assert_int_eq(one.r, 0);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 2);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), _i == 1 ? 0 : UV_EAGAIN);
  ck_assert_uint_eq(value, _i == 1 ? 9 : 3);
  uvchan_release(one.ch);
}
END_TEST

/* ---- Selects --------------------------------------------------------------------------------- */

#define MANY_CASES 70 /* more than are tried in an order drawn at random */

START_TEST(a_select_passes_over_the_old) {
  size_t n = _i % 2 ? MANY_CASES : 3, i;
  uvchan_t* channels[MANY_CASES];
  uvchan_case_t cases[MANY_CASES];
  uint64_t value = 0;
  memset(cases, 0, sizeof(cases));
  for (i = 0; i < n; i++) {
    channels[i] = cases[i].ch = aging_channel(NULL, 8, _i / 2 ? 2 : UVCHAN_UNBOUNDED);
    cases[i].value = &value;
    send_numbers(channels[i], 1, 2);
  }
  set_clock(OLD);
  ck_assert_int_eq(uvchan_select_timedwait(cases, n, 1), UV_ETIMEDOUT);
  for (i = 0; i < n; i++) ck_assert_uint_eq(support_at_rest(channels[i]).expired, 2);
  send_numbers(channels[1], 5, 2);
  ck_assert_int_eq(uvchan_try_select(cases, n), 1);
  ck_assert_uint_eq(value, 5);
  set_clock(OLD + MAX_AGE);
  ck_assert_int_eq(uvchan_try_select(cases, n), UV_EAGAIN);
  ck_assert_uint_eq(support_at_rest(channels[1]).expired, 3);
  for (i = 0; i < n; i++) uvchan_release(channels[i]);
}
END_TEST

START_TEST(a_select_sends_to_a_full_store_of_the_old) {
  size_t n = _i % 2 ? MANY_CASES : 1, i;
  uvchan_t* ch = aging_channel(NULL, 8, 2);
  uvchan_case_t cases[MANY_CASES];
  uint64_t value = 7;
  memset(cases, 0, sizeof(cases));
  for (i = 0; i < n; i++) {
    cases[i].ch = i + 1 == n ? ch : NULL;
    cases[i].op = UVCHAN_SEND;
    cases[i].value = &value;
  }
  send_numbers(ch, 1, 2);
  set_clock(YOUNG);
  ck_assert_int_eq(uvchan_try_select(cases, n), UV_EAGAIN);
  ck_assert_int_eq(uvchan_select_timedwait(cases, n, 1), UV_ETIMEDOUT);
  set_clock(OLD);
  ck_assert_int_eq(_i / 2 ? uvchan_try_select(cases, n) : uvchan_select_wait(cases, n), (int)n - 1);
  ck_assert_int_eq(cases[n - 1].status, 0);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 7);
  uvchan_release(ch);
}
END_TEST

/* ---- Drops ----------------------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  size_t elem_size;
  uint64_t next; /* the number of the next value that is dropped */
  uvchan_drop_reason_t reason;
  void (*then)(uint64_t number, void* arg);
  void* arg;
} whole_t;

static void check_whole(void* value, uvchan_drop_reason_t reason, void* arg) {
  whole_t* whole = arg;
  must(reason == whole->reason);
  must((value == NULL) == (whole->elem_size == 0));
  must((uintptr_t)value % _Alignof(max_align_t) == 0);
  must(value == NULL || support_matches(value, whole->elem_size, whole->next));
  whole->next++;
  if (whole->then != NULL) whole->then(whole->next - 1, whole->arg);
}

static whole_t whole;

static uvchan_t* whole_channel(size_t elem_size, size_t capacity,
                               void (*then)(uint64_t number, void* arg), void* arg) {
  uvchan_options_t options = aging_options(elem_size, capacity);
  options.drop_cb = check_whole;
  options.drop_arg = &whole;
  memset(&whole, 0, sizeof(whole));
  whole.elem_size = elem_size;
  whole.reason = UVCHAN_DROPPED_EXPIRED;
  whole.then = then;
  whole.arg = arg;
  must(uvchan_create_ex(&whole.ch, &options) == 0);
  return whole.ch;
}

/* Loop number: element size, then store. More than fit in a call's memory at once. */
START_TEST(values_of_every_size_reach_the_drop_callback_whole_and_in_order) {
  size_t elem_size = support_elem_sizes[_i % SUPPORT_NELEM_SIZES];
  size_t n = 200;
  uvchan_t* ch =
      whole_channel(elem_size, _i < SUPPORT_NELEM_SIZES ? n : UVCHAN_UNBOUNDED, NULL, NULL);
  unsigned char value[SUPPORT_MOST_BYTES];
  size_t calls;
  send_numbers(ch, 0, n - 1);
  set_clock(BEGIN + 1);
  send_numbers(ch, n - 1, 1);
  set_clock(OLD);
  calls = support_calls();
  ck_assert_int_eq(uvchan_try_recv(ch, value), 0);
  ck_assert(support_matches(value, elem_size, n - 1));
  ck_assert_uint_eq(support_calls(), calls); /* no value needs memory */
  ck_assert_uint_eq(whole.next, n - 1);
  uvchan_release(ch);
}
END_TEST

START_TEST(more_than_are_taken_out_in_one_visit_are_dropped_in_one_call) {
  support_drops_t drops;
  static const size_t elem_sizes[] = {8, 0, 2000};
  size_t elem_size = elem_sizes[_i / 2], n = 3000;
  uvchan_t* ch = aging_channel(_i % 2 ? &drops : NULL, elem_size, UVCHAN_UNBOUNDED);
  unsigned char value[SUPPORT_MOST_BYTES];
  send_numbers(ch, 0, n);
  set_clock(OLD);
  ck_assert_int_eq(uvchan_try_recv(ch, value), UV_EAGAIN);
  ck_assert_uint_eq(support_at_rest(ch).expired, n);
  if (_i % 2) ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), n);
  uvchan_release(ch);
}
END_TEST

static void send_again(uint64_t number, void* arg) {
  uint64_t value = number + 100;
  (void)arg;
  must(uvchan_try_send(whole.ch, &value) == 0);
}

/* The outcome was decided when the values left, so a drop_cb that sends makes no call endless, be
 * the values ever so short-lived. */
START_TEST(the_drop_callback_may_send_to_the_same_channel) {
  uvchan_t* ch = whole_channel(8, _i == 0 ? 3 : UVCHAN_UNBOUNDED, send_again, NULL);
  uint64_t value;
  send_numbers(ch, 0, 3);
  set_clock(OLD);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EAGAIN);
  ck_assert_uint_eq(whole.next, 3);
  ck_assert_uint_eq(uvchan_len(ch), 3);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 100);
  whole.then = NULL;
  whole.reason = UVCHAN_DROPPED_RELEASE;
  whole.next = 101;
  uvchan_release(ch);
  ck_assert_uint_eq(whole.next, 103);
}
END_TEST

static void receive_too(uint64_t number, void* arg) {
  uint64_t value;
  (void)number;
  *(int*)arg = uvchan_try_recv(whole.ch, &value);
}

START_TEST(the_drop_callback_may_receive_from_the_same_channel) {
  int r = 1;
  uvchan_t* ch = whole_channel(8, _i == 0 ? 8 : UVCHAN_UNBOUNDED, receive_too, &r);
  uint64_t value = 0;
  send_numbers(ch, 0, 2);
  set_clock(BEGIN + 1);
  send_numbers(ch, 10, 4);
  set_clock(OLD);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 10);
  ck_assert_int_eq(r, 0);
  ck_assert_uint_eq(whole.next, 2);
  ck_assert_uint_eq(support_at_rest(ch).received, 3);
  whole.reason = UVCHAN_DROPPED_RELEASE;
  whole.next = 13;
  uvchan_release(ch);
}
END_TEST

static void close_it(uint64_t number, void* arg) {
  (void)arg;
  if (number == 0) must(uvchan_close(whole.ch) == 0);
}

START_TEST(the_drop_callback_may_close_the_channel) {
  uvchan_t* ch = whole_channel(8, _i == 0 ? 3 : UVCHAN_UNBOUNDED, close_it, NULL);
  uint64_t value;
  send_numbers(ch, 0, 3);
  set_clock(OLD);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EAGAIN);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EOF);
  ck_assert_uint_eq(whole.next, 3);
  uvchan_release(ch);
}
END_TEST

/* An abort and the last release give no reason of their own to what has expired. */
START_TEST(what_is_buffered_at_the_end_is_dropped_once) {
  support_drops_t drops;
  size_t n = fits(STORE(_i));
  uvchan_t* ch = aging_channel(&drops, 8, STORE(_i));
  send_numbers(ch, 1, n);
  set_clock(OLD);
  if (_i / NSTORES == 1) ck_assert_int_eq(uvchan_close(ch), 0);
  if (_i / NSTORES == 2) {
    ck_assert_int_eq(uvchan_abort(ch, UV_EIO), 0);
    ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_ABORT), n);
    ck_assert_uint_eq(support_at_rest(ch).dropped, n);
  }
  uvchan_release(ch);
  ck_assert_uint_eq(dropped_in_all(&drops), n);
  ck_assert_uint_eq(atomic_load(&drops.sum), n * (n + 1) / 2);
}
END_TEST

/* ---- Memory ---------------------------------------------------------------------------------- */

#define LARGE 5000

static unsigned char large[LARGE];

static void call_without_memory(uint64_t number, void* arg) {
  uvchan_case_t one = {whole.ch, UVCHAN_RECV, large, 1, NULL};
  (void)arg;
  if (number != 0) return; /* this call has the channel's room */
  large[0] = 77;
  support_fail_at(0, 1);
  must(uvchan_try_recv(whole.ch, large) == UV_ENOMEM);
  must(uvchan_recv_timedwait(whole.ch, large, 1) == UV_ENOMEM);
  must(uvchan_recv_wait(whole.ch, large) == UV_ENOMEM);
  must(uvchan_try_recv_n(whole.ch, large, 1) == UV_ENOMEM);
  must(uvchan_try_select(&one, 1) == 0 && one.status == UV_ENOMEM);
  support_fail_never();
  must(large[0] == 77);
  must(uvchan_len(whole.ch) == 2);
}

START_TEST(where_memory_fails_the_call_has_no_effect) {
  uvchan_t* ch = whole_channel(LARGE, 3, call_without_memory, NULL);
  send_numbers(ch, 0, 3);
  set_clock(OLD);
  ck_assert_int_eq(uvchan_try_recv(ch, large), UV_EAGAIN);
  ck_assert_uint_eq(whole.next, 3);
  ck_assert_uint_eq(support_at_rest(ch).expired, 3);
  uvchan_release(ch);
}
END_TEST

/* The second call asks for memory of its own, and gives it back. */
static void receive_inside(uint64_t number, void* arg) {
  (void)arg;
  if (number == 0) {
    whole.next = 1;
    must(uvchan_try_recv(whole.ch, large) == UV_EAGAIN);
    must(whole.next == 3);
  }
}

START_TEST(while_the_room_is_in_use_a_call_takes_memory_of_its_own) {
  uvchan_t* ch = whole_channel(LARGE, _i == 0 ? 3 : UVCHAN_UNBOUNDED, receive_inside, NULL);
  size_t allocations;
  send_numbers(ch, 0, 3);
  set_clock(OLD);
  allocations = support_allocations();
  ck_assert_int_eq(uvchan_try_recv(ch, large), UV_EAGAIN);
  ck_assert_uint_le(support_allocations(), allocations);
  ck_assert_uint_eq(support_at_rest(ch).expired, 3);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_channel_is_made_whole_or_not_at_all) {
  uvchan_options_t options = aging_options(LARGE, STORE(_i));
  uvchan_t* ch = NULL;
  options.name = "aging";
  options.drop_cb = check_whole;
  support_fail_at(0, 0);
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), UV_ENOMEM);
  ck_assert_ptr_null(ch);
  support_fail_never();
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  ck_assert_str_eq(support_at_rest(ch).name, "aging");
  uvchan_release(ch);
}
END_TEST

START_TEST(a_size_that_no_memory_holds_is_refused) {
  uvchan_options_t options = aging_options(0, SIZE_MAX / 4 - 64);
  uvchan_t* ch = NULL;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), UV_EINVAL);
  options.capacity = SIZE_MAX / 16;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), UV_EINVAL);
  options.capacity = 1;
  options.elem_size = SIZE_MAX - 64;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), UV_EINVAL);
  ck_assert_ptr_null(ch);
}
END_TEST

/* ---- The admission --------------------------------------------------------------------------- */

/* Loop number: store that holds many, then way, then whether there is a drop_cb. */
START_TEST(a_queue_that_stands_is_cut_but_for_the_last) {
  support_drops_t drops;
  way_t way = WAY(_i);
  uvchan_t* ch =
      admitting_channel(HAS_DROPS(_i) ? &drops : NULL, 8, _i % NSTORES < 2 ? 10 : UVCHAN_UNBOUNDED);
  uint64_t values[WAY_MOST];
  uvchan_stats_t stats;
  send_numbers(ch, 0, 10);
  set_clock(BEGIN + 2 * TARGET);
  ck_assert_int_eq((int)way_recv(way, ch, values, 1), 1);
  ck_assert_uint_eq(values[0], 0);
  set_clock(BEGIN + 2 * TARGET + INTERVAL - 1);
  ck_assert_int_eq((int)way_recv(way, ch, values, 1), 1);
  ck_assert_uint_eq(values[0], 1);
  set_clock(BEGIN + 2 * TARGET + INTERVAL);
  ck_assert_int_eq((int)way_recv(way, ch, values, WAY_MOST), 1);
  ck_assert_uint_eq(values[0], 9);
  stats = support_at_rest(ch);
  ck_assert_uint_eq(stats.shed, 7);
  ck_assert_uint_eq(stats.dropped, 7);
  ck_assert_uint_eq(stats.expired, 0);
  ck_assert_uint_eq(stats.received, 3);
  ck_assert_uint_eq(stats.longest_wait, 2 * TARGET + INTERVAL);
  if (HAS_DROPS(_i)) {
    ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_SHED), 7);
    ck_assert_uint_eq(dropped_in_all(&drops), 7);
    ck_assert_uint_eq(atomic_load(&drops.last), 8);
  }
  uvchan_release(ch);
}
END_TEST

/* What has expired left it empty, though the last was not taken out of it. */
START_TEST(a_queue_that_has_expired_was_empty) {
  uvchan_options_t options = aging_options(8, 16);
  uvchan_admission_t admission = {TARGET, INTERVAL, {NULL, NULL}};
  uint64_t now = BEGIN + 2 * TARGET, value;
  uvchan_t* ch;
  options.max_age = 3 * INTERVAL;
  options.admission = &admission;
  ch = aging_channel_with(NULL, options);
  send_numbers(ch, 0, 3);
  set_clock(now);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0); /* above the target */
  set_clock(BEGIN + 3 * INTERVAL);
  if (_i == 0) ck_assert_int_eq(uvchan_try_recv(ch, &value), UV_EAGAIN);
  send_numbers(ch, 3, 3);
  set_clock(BEGIN + 3 * INTERVAL + 2 * TARGET);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(support_at_rest(ch).shed, _i == 0 ? 0 : 2);
  uvchan_release(ch);
}
END_TEST

/* Loop number: found so by a receive that fails; by one who waits and is handed a value. */
START_TEST(a_queue_that_was_empty_is_not_cut) {
  one_t one = {admitting_channel(NULL, 8, 10), 0, 1};
  uv_thread_t thread;
  uint64_t value;
  send_numbers(one.ch, 0, 2);
  set_clock(BEGIN + 2 * TARGET);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  if (_i == 0) ck_assert_int_eq(uvchan_try_recv(one.ch, &value), UV_EAGAIN);
  if (_i == 1) {
    support_start(&thread, receive_one, &one);
    support_await_receivers(one.ch, 1);
    send_numbers(one.ch, 2, 1);
    support_join(&thread);
  }
  send_numbers(one.ch, 0, 9);
  set_clock(BEGIN + 2 * TARGET + INTERVAL);
  ck_assert_int_eq(uvchan_try_recv(one.ch, &value), 0);
  ck_assert_uint_eq(value, 0);
  ck_assert_uint_eq(support_at_rest(one.ch).shed, 0);
  uvchan_release(one.ch);
}
END_TEST

START_TEST(both_have_their_reasons) {
  support_drops_t drops;
  uvchan_options_t options = aging_options(8, 16);
  uvchan_admission_t admission = {TARGET, INTERVAL, {NULL, NULL}};
  uint64_t value;
  uvchan_t* ch;
  options.max_age = 10 * INTERVAL;
  options.admission = &admission;
  ch = aging_channel_with(&drops, options);
  admission.target = UINT64_MAX; /* it was copied */
  send_numbers(ch, 0, 4);
  set_clock(BEGIN + 2 * TARGET);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  set_clock(BEGIN + 9 * INTERVAL);
  send_numbers(ch, 4, 4);
  set_clock(BEGIN + 10 * INTERVAL);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 7);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_EXPIRED), 3);
  ck_assert_uint_eq(dropped_for(&drops, UVCHAN_DROPPED_SHED), 3);
  uvchan_release(ch);
}
END_TEST

START_TEST(an_admission_without_its_times_is_refused) {
  uvchan_options_t options = aging_options(8, 1);
  uvchan_admission_t admission = {1, 1, {NULL, NULL}};
  uvchan_t* ch = NULL;
  options.admission = &admission;
  if (_i == 0) admission.target = 0;
  if (_i == 1) admission.interval = 0;
  if (_i == 2) admission.reserved[0] = &options;
  if (_i == 3) admission.reserved[1] = &options;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), _i < 4 ? UV_EINVAL : 0);
  ck_assert(_i == 4 || ch == NULL);
  uvchan_release(ch);
}
END_TEST

/* ---- What needs no drop ---------------------------------------------------------------------- */

START_TEST(an_age_without_end_is_none) {
  uvchan_options_t options = aging_options(8, STORE(_i));
  uint64_t value;
  uvchan_t* ch;
  options.max_age = UINT64_MAX;
  ch = aging_channel_with(NULL, options);
  send_numbers(ch, 5, 1);
  set_clock(UINT64_MAX);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(value, 5);
  ck_assert_uint_eq(support_at_rest(ch).longest_wait, UINT64_MAX - BEGIN);
  uvchan_release(ch);
}
END_TEST

START_TEST(values_that_do_not_grow_old_tell_no_wait) {
  uvchan_t* ch = support_channel(8, STORE(_i));
  uint64_t value;
  send_numbers(ch, 5, 1);
  ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
  ck_assert_uint_eq(support_at_rest(ch).longest_wait, 0);
  uvchan_release(ch);
}
END_TEST

/* Each slot's stamp is its own over many laps. */
START_TEST(an_age_is_that_of_its_value) {
  uvchan_t* ch = aging_channel(NULL, 8, STORE(_i));
  size_t n = fits(STORE(_i));
  uint64_t sent = 0, got = 0, now = BEGIN, value;
  uint64_t sent_at[64];
  while (got < 5000) {
    while (sent < got + n) {
      sent_at[sent % 64] = now++;
      set_clock(sent_at[sent % 64]);
      send_numbers(ch, sent++, 1);
    }
    now += sent % 11 == 0 ? MAX_AGE - 1 : 1;
    set_clock(now);
    while (got < sent && now - sent_at[got % 64] >= MAX_AGE) got++;
    ck_assert_int_eq(uvchan_try_recv(ch, &value), got < sent ? 0 : UV_EAGAIN);
    if (got < sent) ck_assert_uint_eq(value, got++);
  }
  ck_assert_uint_gt(support_at_rest(ch).expired, 100);
  ck_assert_uint_gt(support_at_rest(ch).received, 100);
  uvchan_release(ch);
}
END_TEST

static void add_drops(Suite* suite) {
  TCase* tcase = support_tcase(suite, "drops");
  tcase_add_loop_test(tcase, values_of_every_size_reach_the_drop_callback_whole_and_in_order, 0,
                      2 * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, more_than_are_taken_out_in_one_visit_are_dropped_in_one_call, 0, 6);
  tcase_add_loop_test(tcase, the_drop_callback_may_send_to_the_same_channel, 0, 2);
  tcase_add_loop_test(tcase, the_drop_callback_may_receive_from_the_same_channel, 0, 2);
  tcase_add_loop_test(tcase, the_drop_callback_may_close_the_channel, 0, 2);
  tcase_add_loop_test(tcase, what_is_buffered_at_the_end_is_dropped_once, 0, 3 * NSTORES);
  tcase_add_test(tcase, where_memory_fails_the_call_has_no_effect);
  tcase_add_loop_test(tcase, while_the_room_is_in_use_a_call_takes_memory_of_its_own, 0, 2);
  tcase_add_loop_test(tcase, a_channel_is_made_whole_or_not_at_all, 0, NSTORES);
  tcase_add_test(tcase, a_size_that_no_memory_holds_is_refused);
}

static void add_admission(Suite* suite) {
  TCase* tcase = support_tcase(suite, "admission");
  tcase_add_loop_test(tcase, a_queue_that_stands_is_cut_but_for_the_last, 0, NTABLE);
  tcase_add_loop_test(tcase, a_queue_that_was_empty_is_not_cut, 0, 2);
  tcase_add_loop_test(tcase, a_queue_that_has_expired_was_empty, 0, 2);
  tcase_add_test(tcase, both_have_their_reasons);
  tcase_add_loop_test(tcase, an_admission_without_its_times_is_refused, 0, 5);
}

int main(void) {
  Suite* suite = suite_create("aging");
  TCase* tcase = support_tcase(suite, "ages");
  tcase_add_loop_test(tcase, what_has_expired_is_received_in_no_way, 0, NTABLE);
  tcase_add_loop_test(tcase, what_is_younger_is_received, 0, NTABLE);
  tcase_add_loop_test(tcase, the_young_behind_the_old_are_received_in_the_same_call, 0, NTABLE);
  tcase_add_loop_test(tcase, who_waits_to_send_has_a_value_without_an_age, 0, 2);
  tcase_add_loop_test(tcase, who_waits_to_receive_is_handed_a_value_without_an_age, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_full_store_of_the_old_has_room, 0, NBOUNDED * 3 * NWAYS);
  tcase_add_loop_test(tcase, a_full_store_of_the_young_has_none, 0, NBOUNDED * 3);
  tcase_add_loop_test(tcase, who_looks_lets_those_in_who_wait_for_room, 0, 2);
  tcase_add_loop_test(tcase, a_select_passes_over_the_old, 0, 4);
  tcase_add_loop_test(tcase, a_select_sends_to_a_full_store_of_the_old, 0, 4);
  tcase_add_loop_test(tcase, an_age_without_end_is_none, 0, NSTORES);
  tcase_add_loop_test(tcase, values_that_do_not_grow_old_tell_no_wait, 0, NSTORES);
  tcase_add_loop_test(tcase, an_age_is_that_of_its_value, 0, NSTORES);
  add_drops(suite);
  add_admission(suite);
  return support_main(suite);
}
