/* SPDX-License-Identifier: MIT */
/* Small stacks: every call of the library runs on a thread with 16 KiB of it, of which the C
 * library takes a part; turns of a loop on 16 KiB beside what libuv's own poll needs. Where a
 * sanitizer makes frames larger, the same calls run on an ordinary stack. */
#include <stdlib.h>

#include "support-loop.h"
#include "ways.h"

#define SMALL 16384
#define OF_POLL 16384 /* 1024 events of 12 bytes, and what its callers need */

static void run_on(size_t bytes, uv_thread_cb body, void* arg) {
  uv_thread_options_t options;
  uv_thread_t thread;

  options.flags = support_slow() ? UV_THREAD_NO_FLAGS : UV_THREAD_HAS_STACK_SIZE;
  options.stack_size = bytes;
  ck_assert_int_eq(uv_thread_create_ex(&thread, &options, body, arg), 0);
  support_join(&thread);
}

static const size_t sizes[] = {0, 1, 8, 100, 1023, 1024, 1025, 5000, 65536, 65537, 100000};
#define NSIZES (int)(sizeof(sizes) / sizeof(sizes[0]))

/* ---- Values that nobody receives ------------------------------------------------------------- */

typedef struct {
  uvchan_options_t options;
  support_drops_t drops;
  unsigned char* values;
} dropping_t;

/* Fills and overflows a channel in every way, and lets the end drop the rest. */
static void overflow(void* arg) {
  dropping_t* dropping = arg;
  uvchan_t* ch = NULL;
  uint64_t sent = 0;
  int i;

  must(uvchan_create_ex(&ch, &dropping->options) == 0);
  for (i = 0; i < 2 * NWAYS; i++) {
    ssize_t r = way_send((way_t)(i % NWAYS), ch, dropping->values, 2);
    must(r > 0);
    sent += (uint64_t)r;
  }
  must(rest(ch).sent == sent);
  if (dropping->options.capacity < UVCHAN_UNBOUNDED)
    must(rest(ch).dropped == sent - dropping->options.capacity);
  must(uvchan_abort(ch, UV_EIO) == 0);
  must(rest(ch).dropped == sent);
  uvchan_release(ch);
  must(uvchan_create_ex(&ch, &dropping->options) == 0);
  must(uvchan_try_send(ch, dropping->values) == 0);
  uvchan_release(ch);
}

START_TEST(no_value_that_is_dropped_needs_more_than_a_small_stack) {
  static const size_t capacities[] = {1, 3, 1, 3, UVCHAN_UNBOUNDED};
  static const uvchan_overflow_t policies[] = {UVCHAN_DROP_NEWEST, UVCHAN_DROP_NEWEST,
                                               UVCHAN_DROP_OLDEST, UVCHAN_DROP_OLDEST, UVCHAN_WAIT};
  dropping_t dropping;
  size_t size = sizes[_i % NSIZES];

  memset(&dropping, 0, sizeof(dropping));
  dropping.options.elem_size = dropping.drops.elem_size = size;
  dropping.options.capacity = capacities[_i / NSIZES];
  dropping.options.overflow = policies[_i / NSIZES];
  dropping.options.drop_cb = support_on_drop;
  dropping.options.drop_arg = &dropping.drops;
  dropping.values = calloc(WAY_MOST, size + 1);
  run_on(SMALL, overflow, &dropping);
  ck_assert_uint_eq(atomic_load(&dropping.drops.by_reason[UVCHAN_DROPPED_RELEASE]), 1);
  free(dropping.values);
}
END_TEST

/* ---- Both sides, and whoever waits ----------------------------------------------------------- */

#define NVALUES 24

typedef struct {
  uvchan_t* ch;
  unsigned char* values; /* of the side with the small stack */
  int sends;             /* that side */
  way_t way;
  size_t moved;
} side_t;

static void move(void* arg) {
  side_t* side = arg;
  unsigned int turns = 0;

  while (side->moved < NVALUES) {
    size_t most = NVALUES - side->moved < WAY_MOST ? NVALUES - side->moved : WAY_MOST;
    ssize_t r = side->sends ? way_send(side->way, side->ch, side->values, most)
                            : way_recv(side->way, side->ch, side->values, most);

    must(r > 0 || way_is_not_now(r));
    if (r > 0) side->moved += (size_t)r;
    if (r < 0) way_rest(&turns);
  }
}

/* The other one is slow now and then, so that both wait. */
static void partner(void* arg) {
  side_t* side = arg;
  size_t size = uvchan_elem_size(side->ch), i;
  unsigned char* value = calloc(1, size + 1);

  must(value != NULL);
  for (i = 0; i < NVALUES; i++) {
    if (i % 8 == 0) uv_sleep(1);
    if (side->sends) must(uvchan_recv_wait(side->ch, value) == 0);
    if (!side->sends) must(uvchan_send_wait(side->ch, value) == 0);
  }
  free(value);
}

START_TEST(no_call_that_sends_or_receives_needs_more_than_a_small_stack) {
  size_t capacity = support_capacities[_i % SUPPORT_NCAPACITIES],
         size = sizes[_i / SUPPORT_NCAPACITIES];
  unsigned char* values = calloc(WAY_MOST, size + 1);
  side_t side = {support_channel(size, capacity), values, 0, WAY_TRY, 0};

  for (side.sends = 0; side.sends < 2; side.sends++) {
    for (side.way = WAY_TRY; side.way < NWAYS; side.way++) {
      uv_thread_t thread;

      side.moved = 0;
      if (capacity == 0 && way_never_waits(side.way)) continue; /* the partner waits */
      support_start(&thread, partner, &side);
      run_on(SMALL, move, &side);
      support_join(&thread);
    }
  }
  uvchan_release(side.ch);
  free(values);
}
END_TEST

#define NCASES 100

typedef struct {
  uvchan_t* ch;
  uvchan_case_t cases[NCASES];
  uint64_t values[NCASES];
  uvchan_waitgroup_t wg;
  atomic_uint rounds;
} many_t;

static void select_and_wait(void* arg) {
  many_t* many = arg;
  uvchan_stats_t stats;
  size_t n;

  for (n = 1; n <= NCASES; n += 33) {
    must(uvchan_try_select(many->cases, n) == UV_EAGAIN);
    must(uvchan_select_timedwait(many->cases, n, 1000) == UV_ETIMEDOUT);
    atomic_fetch_add(&many->rounds, 1);
    must(uvchan_select_wait(many->cases, n) >= 0);
  }
  must(uvchan_waitgroup_timedwait(&many->wg, 1) == UV_ETIMEDOUT);
  atomic_fetch_add(&many->rounds, 1);
  must(uvchan_waitgroup_wait(&many->wg) == 0);
  must(uvchan_sender_add(many->ch, 1) == 0);
  uvchan_stats(many->ch, &stats);
  must(stats.received == stats.sent);
  must(uvchan_sender_done(many->ch) == 0);
  must(uvchan_is_closed(many->ch));
  must(uvchan_close(many->ch) == UV_EALREADY);
}

static void serve_select(void* arg) {
  many_t* many = arg;
  unsigned int round;

  for (round = 1; round <= NCASES / 33 + 1; round++) {
    support_await(atomic_load(&many->rounds) == round);
    must(uvchan_send_wait(many->ch, &many->values[0]) == 0);
  }
  support_await(atomic_load(&many->rounds) == round);
  must(uvchan_waitgroup_done(&many->wg) == 0);
}

START_TEST(no_select_and_no_wait_group_needs_more_than_a_small_stack) {
  static many_t many;
  uv_thread_t thread;
  size_t i;

  many.ch = support_channel(8, support_capacities[_i]);
  for (i = 0; i < NCASES; i++)
    many.cases[i] = (uvchan_case_t){many.ch, UVCHAN_RECV, &many.values[i], 1, NULL};
  ck_assert_int_eq(uvchan_waitgroup_init(&many.wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&many.wg, 1), 0);
  support_start(&thread, serve_select, &many);
  run_on(SMALL, select_and_wait, &many);
  support_join(&thread);
  uvchan_waitgroup_destroy(&many.wg);
  uvchan_release(many.ch);
}
END_TEST

/* ---- A loop ---------------------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  unsigned char* value;
  unsigned char* slot;
  uvchan_receiver_t receiver;
  uvchan_send_t send;
  uvchan_recv_t recv;
  uvchan_select_t select;
  uvchan_notify_t notify;
  uvchan_case_t cases[NCASES];
  uvchan_waitgroup_t wg;
  unsigned int values;
  unsigned int done;
} looped_t;

static looped_t looped;

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)value;
  if (status == 0) {
    looped.values++;
  } else {
    uvchan_receiver_close(receiver, NULL);
  }
}

static void on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  (void)values;
  if (nvalues > 0) {
    looped.values += (unsigned int)nvalues;
  } else {
    uvchan_receiver_close(receiver, NULL);
  }
}

static void on_sent(uvchan_send_t* req, int status) {
  (void)req;
  must(status == 0);
  looped.done++;
}

static void on_received(uvchan_recv_t* req, int status) {
  (void)req;
  must(status == UV_ECANCELED);
  looped.done++;
}

static void on_selected(uvchan_select_t* req, int index) {
  (void)req;
  must(index >= 0);
  looped.done++;
}

static void on_notified(uvchan_notify_t* req, int status) {
  (void)req;
  must(status == 0);
  looped.done++;
}

/* Each kind of handle and of request, while it waits and while it does not. */
static void turn_a_loop(void* arg) {
  int by_batch = arg != NULL;
  uv_loop_t* loop = malloc(sizeof(*loop));
  unsigned int sent = 2;

  must(loop != NULL && uv_loop_init(loop) == 0);
  must(uvchan_recv(loop, &looped.recv, looped.ch, looped.slot, on_received) == 0);
  must(uvchan_cancel((uvchan_req_t*)&looped.recv) == 0);
  must(uvchan_select(loop, &looped.select, looped.cases, NCASES, on_selected) == 0);
  turn(loop, 2);
  must(uvchan_send(loop, &looped.send, looped.ch, looped.value, on_sent) == 0);
  must(uvchan_waitgroup_notify(loop, &looped.notify, &looped.wg, on_notified) == 0);
  must(uvchan_waitgroup_done(&looped.wg) == 0);
  turn(loop, 4);
  must(looped.done == 4);
  must(uvchan_receiver_init(loop, &looped.receiver, looped.ch) == 0);
  must((by_batch ? uvchan_recv_start_batch(&looped.receiver, on_batch)
                 : uvchan_recv_start(&looped.receiver, on_value)) == 0);
  must(uvchan_send(loop, &looped.send, looped.ch, looped.value, on_sent) == 0);
  turn(loop, 4);
  must(uvchan_recv_stop(&looped.receiver) == 0);
  must(uvchan_send(loop, &looped.send, looped.ch, looped.value, on_sent) == 0);
  must((by_batch ? uvchan_recv_start_batch(&looped.receiver, on_batch)
                 : uvchan_recv_start(&looped.receiver, on_value)) == 0);
  turn(loop, 4);
  while (uvchan_try_send(looped.ch, looped.value) == 0 && sent < 20) sent++;
  turn(loop, 4);
  must(looped.done == 6 && looped.values >= sent);
  must(uvchan_close(looped.ch) == 0);
  must(uv_run(loop, UV_RUN_DEFAULT) == 0);
  must(uv_loop_close(loop) == 0);
  free(loop);
}

START_TEST(no_turn_of_a_loop_needs_more_than_a_small_stack) {
  size_t capacity = support_capacities[_i % SUPPORT_NCAPACITIES],
         size = sizes[_i / SUPPORT_NCAPACITIES];
  int by_batch;

  for (by_batch = 0; by_batch < 2; by_batch++) {
    size_t i;

    memset(&looped, 0, sizeof(looped));
    looped.ch = support_channel(size, capacity);
    looped.value = calloc(2, size + 1);
    looped.slot = looped.value + size;
    for (i = 0; i < NCASES; i++)
      looped.cases[i] = (uvchan_case_t){looped.ch, UVCHAN_RECV, looped.slot, 1, NULL};
    ck_assert_int_eq(uvchan_waitgroup_init(&looped.wg), 0);
    ck_assert_int_eq(uvchan_waitgroup_add(&looped.wg, 1), 0);
    run_on(SMALL + OF_POLL, turn_a_loop, by_batch ? &looped : NULL);
    uvchan_release(looped.ch);
    free(looped.value);
  }
}
END_TEST

/* A ticker, and a receiver that spins. */
static void tick(void* arg) {
  uv_loop_t* loop = malloc(sizeof(*loop));
  uvchan_ticker_t ticker;

  must(loop != NULL && uv_loop_init(loop) == 0);
  must(uvchan_receiver_init(loop, &looped.receiver, arg) == 0);
  must(uvchan_receiver_set_spin(&looped.receiver, 20) == 0);
  must(uvchan_recv_start(&looped.receiver, on_value) == 0);
  must(uvchan_ticker_init(loop, &ticker, arg) == 0);
  must(uvchan_ticker_start(&ticker, 0, 1) == 0);
  run_until(loop, looped.values >= 3);
  uvchan_ticker_close(&ticker, NULL);
  must(uvchan_close(arg) == 0);
  must(uv_run(loop, UV_RUN_DEFAULT) == 0);
  must(uv_loop_close(loop) == 0);
  free(loop);
}

START_TEST(no_ticker_needs_more_than_a_small_stack) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);

  run_on(SMALL + OF_POLL, tick, ch);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("stack");
  TCase* tcase = support_tcase(suite, "stack");

  tcase_add_loop_test(tcase, no_value_that_is_dropped_needs_more_than_a_small_stack, 0, 5 * NSIZES);
  tcase_add_loop_test(tcase, no_call_that_sends_or_receives_needs_more_than_a_small_stack, 0,
                      SUPPORT_NCAPACITIES * NSIZES);
  tcase_add_loop_test(tcase, no_select_and_no_wait_group_needs_more_than_a_small_stack, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, no_turn_of_a_loop_needs_more_than_a_small_stack, 0,
                      SUPPORT_NCAPACITIES * NSIZES);
  tcase_add_loop_test(tcase, no_ticker_needs_more_than_a_small_stack, 0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}
