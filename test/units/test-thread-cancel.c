/* SPDX-License-Identifier: MIT */
/* pthread_cancel(): a thread that is cancelled within a call leaves it in order, with no value in
 * its hands and no lock held, and is cancelled at the next point of its own. Where threads can't be
 * cancelled, there is nothing to test. */
#include "support-loop.h"

#if defined(_WIN32) || defined(__ANDROID__)
#define CAN_CANCEL 0
#else
#define CAN_CANCEL 1
#endif

#if CAN_CANCEL

#include <pthread.h>

#include "ground/lock.h"

#define LONG UINT64_C(3155760000000000000) /* nanoseconds: 100 years */

/* A thread with one call to make, which notes that the call has returned, and what it has
 * brought. */
typedef struct caller_s {
  pthread_t thread;
  int (*call)(struct caller_s* caller);
  uvchan_t* ch;
  uvchan_waitgroup_t wg;
  uint64_t value;
  int cancels_itself;
  int answer;
  atomic_int returned;
} caller_t;

/* Being cancelled is of the kind that every thread has at first: it takes effect at a cancellation
 * point. */
static void* make_call(void* arg) {
  caller_t* caller = arg;

  if (caller->cancels_itself) must(pthread_cancel(pthread_self()) == 0);
  caller->answer = caller->call(caller);
  atomic_store(&caller->returned, 1);
  for (;;) pthread_testcancel();
  return NULL;
}

static void begin_call(caller_t* caller, int (*call)(caller_t* caller)) {
  caller->call = call;
  must(pthread_create(&caller->thread, NULL, make_call, caller) == 0);
}

static void end_call(caller_t* caller) {
  void* result = NULL;

  must(pthread_join(caller->thread, &result) == 0);
  must(result == PTHREAD_CANCELED);
}

static int send_wait(caller_t* caller) { return uvchan_send_wait(caller->ch, &caller->value); }
static int send_timedwait(caller_t* caller) {
  return uvchan_send_timedwait(caller->ch, &caller->value, LONG);
}
static int send_wait_n(caller_t* caller) {
  return uvchan_send_wait_n(caller->ch, &caller->value, 1) == 1 ? 0 : -1;
}
static int recv_wait(caller_t* caller) { return uvchan_recv_wait(caller->ch, &caller->value); }
static int recv_timedwait(caller_t* caller) {
  return uvchan_recv_timedwait(caller->ch, &caller->value, LONG);
}
static int recv_wait_n(caller_t* caller) {
  return uvchan_recv_wait_n(caller->ch, &caller->value, 1) == 1 ? 0 : -1;
}

static int select_one(caller_t* caller, uvchan_op_t op, uint64_t timeout) {
  uvchan_case_t one = {caller->ch, op, &caller->value, 0, NULL};

  return uvchan_select_timedwait(&one, 1, timeout);
}

static int select_to_send(caller_t* caller) { return select_one(caller, UVCHAN_SEND, UINT64_MAX); }
static int select_to_receive(caller_t* caller) {
  return select_one(caller, UVCHAN_RECV, UINT64_MAX);
}
static int select_to_receive_within(caller_t* caller) {
  return select_one(caller, UVCHAN_RECV, LONG);
}

/* ---- While it waits -------------------------------------------------------------------------- */

static int (*const receives[])(caller_t* caller) = {recv_wait, recv_timedwait, recv_wait_n,
                                                    select_to_receive, select_to_receive_within};
static int (*const sends[])(caller_t* caller) = {send_wait, send_timedwait, send_wait_n,
                                                 select_to_send};

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Gives the thread the time in which one that can be cancelled would be: until another one that
 * waits in a cancellation point is. */
static void* wait_for_nothing(void* arg) {
  (void)arg;
  for (;;) uv_sleep(1000);
  return NULL;
}

static void cancel(caller_t* caller) {
  pthread_t other;

  must(pthread_create(&other, NULL, wait_for_nothing, NULL) == 0);
  must(pthread_cancel(caller->thread) == 0);
  must(pthread_cancel(other) == 0);
  must(pthread_join(other, NULL) == 0);
}

START_TEST(a_thread_that_is_cancelled_while_it_waits_to_receive_takes_its_value_and_returns) {
  int k;

  for (k = 0; k < SUPPORT_NCAPACITIES; k++) {
    uvchan_t* ch = support_channel(8, support_capacities[k]);
    caller_t caller = {.ch = ch};
    uint64_t sent = 7;

    begin_call(&caller, receives[_i]);
    support_await_receivers(ch, 1);
    cancel(&caller);
    support_await_receivers(ch, 1);
    must(!atomic_load(&caller.returned));
    must(uvchan_send_wait(ch, &sent) == 0);
    end_call(&caller);
    must(atomic_load(&caller.returned) && caller.answer == 0 && caller.value == 7);
    must(support_at_rest(ch).waiting_receivers == 0);
    uvchan_release(ch);
  }
}
END_TEST

START_TEST(a_thread_that_is_cancelled_while_it_waits_to_send_gives_its_value_and_returns) {
  size_t capacity;

  for (capacity = 0; capacity < 2; capacity++) {
    uvchan_t* ch = support_channel(8, capacity);
    caller_t caller = {.ch = ch, .value = 9};
    uint64_t value = 8;

    if (capacity == 1) must(uvchan_try_send(ch, &value) == 0);
    begin_call(&caller, sends[_i]);
    support_await_senders(ch, 1);
    cancel(&caller);
    support_await_senders(ch, 1);
    must(!atomic_load(&caller.returned));
    if (capacity == 1) must(takes(ch, 8));
    must(uvchan_recv_wait(ch, &value) == 0 && value == 9);
    end_call(&caller);
    must(atomic_load(&caller.returned) && caller.answer == 0);
    must(support_at_rest(ch).waiting_senders == 0);
    uvchan_release(ch);
  }
}
END_TEST

static int wait_for_group(caller_t* caller) { return uvchan_waitgroup_wait(&caller->wg); }

static int somebody_waits(uvchan_waitgroup_t* wg) {
  int waits;

  uvchan__lock(uvchan__atomic(&wg->lock));
  waits = wg->waiters.first != NULL;
  uvchan__unlock(uvchan__atomic(&wg->lock));
  return waits;
}

START_TEST(a_thread_that_is_cancelled_while_it_waits_for_a_group_returns_when_that_is_done) {
  caller_t caller = {.answer = -1};

  must(uvchan_waitgroup_init(&caller.wg) == 0);
  must(uvchan_waitgroup_add(&caller.wg, 1) == 0);
  begin_call(&caller, wait_for_group);
  support_await(somebody_waits(&caller.wg));
  cancel(&caller);
  must(somebody_waits(&caller.wg) && !atomic_load(&caller.returned));
  must(uvchan_waitgroup_done(&caller.wg) == 0);
  end_call(&caller);
  must(atomic_load(&caller.returned) && caller.answer == 0);
  uvchan_waitgroup_destroy(&caller.wg);
}
END_TEST

START_TEST(a_close_ends_the_wait_of_a_cancelled_thread_too) {
  uvchan_t* ch = support_channel(8, 1);
  caller_t caller = {.ch = ch};

  begin_call(&caller, recv_wait);
  support_await_receivers(ch, 1);
  cancel(&caller);
  must(uvchan_close(ch) == 0);
  end_call(&caller);
  must(atomic_load(&caller.returned) && caller.answer == UV_EOF);
  uvchan_release(ch);
}
END_TEST

/* ---- While it wakes a loop ------------------------------------------------------------------- */

static int try_send_one(caller_t* caller) { return uvchan_try_send(caller->ch, &caller->value); }
static int try_send_some(caller_t* caller) {
  return uvchan_try_send_n(caller->ch, &caller->value, 1) == 1 ? 0 : -1;
}
static int close_it(caller_t* caller) { return uvchan_close(caller->ch); }
static int abort_it(caller_t* caller) { return uvchan_abort(caller->ch, UV_EOF); }

static int (*const wakings[])(caller_t* caller) = {try_send_one,   try_send_some, send_wait,
                                                   send_timedwait, send_wait_n,   select_to_send,
                                                   close_it,       abort_it};

static void mark_done(uvchan_receiver_t* receiver) { *(int*)receiver->data = 1; }

static void on_any(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)value;
  if (status < 0) uvchan_receiver_close(receiver, mark_done);
}

/* Its loop sleeps as far as anyone can tell: so the call writes to the descriptor, which is a
 * cancellation point. */
START_TEST(a_thread_that_is_cancelled_when_it_is_to_wake_a_loop_wakes_it_and_holds_no_lock) {
  int k;

  for (k = 0; k < SUPPORT_NCAPACITIES; k++) {
    uvchan_t* ch = support_channel(8, support_capacities[k]);
    caller_t caller = {.ch = ch, .value = 5, .cancels_itself = 1};
    caller_t next = {.ch = ch, .value = 6};
    uvchan_receiver_t receiver;
    int closed = 0;
    uv_loop_t loop;

    support_loop_open(&loop);
    must(uvchan_receiver_init(&loop, &receiver, ch) == 0);
    receiver.data = &closed;
    must(uvchan_recv_start(&receiver, on_any) == 0);
    settle(&loop);
    begin_call(&caller, wakings[_i]);
    end_call(&caller);
    must(atomic_load(&caller.returned) && caller.answer == 0);
    settle(&loop);
    begin_call(&next, close_it);
    support_await(atomic_load(&next.returned));
    must(pthread_cancel(next.thread) == 0);
    end_call(&next);
    run_until(&loop, closed);
    uvchan_release(ch);
    support_loop_finish(&loop);
  }
}
END_TEST

static int finish_work(caller_t* caller) { return uvchan_waitgroup_done(&caller->wg); }

START_TEST(a_thread_that_is_cancelled_when_it_ends_a_group_tells_the_loop) {
  caller_t caller = {.cancels_itself = 1};
  notify_op_t op;
  uv_loop_t loop;

  support_loop_open(&loop);
  must(uvchan_waitgroup_init(&caller.wg) == 0);
  must(uvchan_waitgroup_add(&caller.wg, 1) == 0);
  notify_op(&op, &loop, &caller.wg);
  settle(&loop);
  begin_call(&caller, finish_work);
  end_call(&caller);
  must(atomic_load(&caller.returned) && caller.answer == 0);
  run_until(&loop, op.calls == 1);
  must(op.status == 0);
  uvchan_waitgroup_destroy(&caller.wg);
  support_loop_finish(&loop);
}
END_TEST

/* ---- While it drops -------------------------------------------------------------------------- */

static void count_and_test_cancel(void* value, uvchan_drop_reason_t reason, void* arg) {
  (void)value;
  (void)reason;
  ++*(unsigned int*)arg;
  pthread_testcancel();
}

static uvchan_t* channel_that_counts(unsigned int* dropped, size_t elem_size, size_t capacity,
                                     uvchan_overflow_t overflow) {
  uvchan_options_t options = {.elem_size = elem_size,
                              .capacity = capacity,
                              .overflow = overflow,
                              .drop_cb = count_and_test_cancel,
                              .drop_arg = dropped};
  uvchan_t* ch = NULL;

  must(uvchan_create_ex(&ch, &options) == 0);
  return ch;
}

static int release_it(caller_t* caller) {
  uvchan_release(caller->ch);
  return 0;
}

START_TEST(a_thread_that_is_cancelled_while_it_drops_drops_them_all) {
  size_t capacity = _i / 2 == 0 ? 16 : UVCHAN_UNBOUNDED;
  unsigned int dropped = 0;
  uvchan_t* ch = channel_that_counts(&dropped, 8, capacity, UVCHAN_WAIT);
  caller_t caller = {.ch = ch, .cancels_itself = 1};
  unsigned int i;

  for (i = 0; i < 10; i++) must(try_send(ch, i) == 0);
  begin_call(&caller, _i % 2 == 0 ? abort_it : release_it);
  end_call(&caller);
  must(atomic_load(&caller.returned) && caller.answer == 0);
  must(dropped == 10);
  if (_i % 2 == 0) uvchan_release(ch);
}
END_TEST

static unsigned char large[5000];

static int overflow_twice(caller_t* caller) {
  int r = uvchan_try_send(caller->ch, large);

  return r == 0 ? uvchan_try_send(caller->ch, large) : r;
}

START_TEST(a_thread_that_is_cancelled_while_a_value_overflows_finishes_its_send) {
  unsigned int dropped = 0;
  uvchan_t* ch = channel_that_counts(&dropped, _i / 2 == 0 ? 8 : sizeof(large), 1,
                                     _i % 2 == 0 ? UVCHAN_DROP_OLDEST : UVCHAN_DROP_NEWEST);
  caller_t caller = {.ch = ch, .cancels_itself = 1};

  must(uvchan_try_send(ch, large) == 0);
  begin_call(&caller, overflow_twice);
  end_call(&caller);
  must(atomic_load(&caller.returned) && caller.answer == 0);
  must(dropped == 2);
  uvchan_release(ch);
  must(dropped == 3);
}
END_TEST

/* ---- At any moment --------------------------------------------------------------------------- */

#define NSENDERS 3

typedef struct {
  uvchan_t* ch;
  uint64_t delay; /* nanoseconds */
  pthread_t senders[NSENDERS];
  atomic_uint_fast64_t sent;
  uint64_t received;
} storm_t;

/* Its own cancellation point comes after it has counted what it sent. */
static void* send_until_cancelled(void* arg) {
  storm_t* storm = arg;
  uint64_t value = 1;

  for (;;) {
    must(uvchan_send_wait(storm->ch, &value) == 0);
    atomic_fetch_add(&storm->sent, 1);
    pthread_testcancel();
  }
  return NULL;
}

static void cancel_all(void* arg) {
  storm_t* storm = arg;
  int i;

  support_spin(storm->delay);
  for (i = 0; i < NSENDERS; i++) must(pthread_cancel(storm->senders[i]) == 0);
  for (i = 0; i < NSENDERS; i++) {
    void* result = NULL;

    must(pthread_join(storm->senders[i], &result) == 0 && result == PTHREAD_CANCELED);
  }
  must(uvchan_close(storm->ch) == 0);
}

static void count_value(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)value;
  if (status == 0) {
    ++*(uint64_t*)receiver->data;
  } else {
    uvchan_receiver_close(receiver, NULL);
  }
}

static void weather(storm_t* storm) {
  uvchan_receiver_t receiver;
  uv_thread_t canceller;
  uv_loop_t loop;
  int i;

  support_loop_open(&loop);
  must(uvchan_receiver_init(&loop, &receiver, storm->ch) == 0);
  receiver.data = &storm->received;
  must(uvchan_recv_start(&receiver, count_value) == 0);
  for (i = 0; i < NSENDERS; i++)
    must(pthread_create(&storm->senders[i], NULL, send_until_cancelled, storm) == 0);
  support_start(&canceller, cancel_all, storm);
  support_loop_finish(&loop);
  support_join(&canceller);
  must(storm->received == atomic_load(&storm->sent));
}

START_TEST(threads_that_are_cancelled_at_any_moment_lose_no_value_and_hold_no_lock) {
  uint32_t random = 1 + (uint32_t)_i;
  int rounds = support_count(100);

  while (rounds-- > 0) {
    storm_t storm = {.ch = support_channel(8, support_capacities[_i]),
                     .delay = support_random(&random) % 300000};

    weather(&storm);
    uvchan_release(storm.ch);
  }
}
END_TEST

#endif /* CAN_CANCEL */

int main(void) {
  Suite* suite = suite_create("thread-cancel");
#if CAN_CANCEL
  TCase* waits = support_tcase(suite, "waits");
  TCase* wakes = support_tcase(suite, "wakes");
  TCase* drops = support_tcase(suite, "drops");
  TCase* storms = support_tcase(suite, "storms");

  tcase_add_loop_test(
      waits, a_thread_that_is_cancelled_while_it_waits_to_receive_takes_its_value_and_returns, 0,
      COUNT(receives));
  tcase_add_loop_test(waits,
                      a_thread_that_is_cancelled_while_it_waits_to_send_gives_its_value_and_returns,
                      0, COUNT(sends));
  tcase_add_test(waits,
                 a_thread_that_is_cancelled_while_it_waits_for_a_group_returns_when_that_is_done);
  tcase_add_test(waits, a_close_ends_the_wait_of_a_cancelled_thread_too);
  tcase_add_loop_test(
      wakes, a_thread_that_is_cancelled_when_it_is_to_wake_a_loop_wakes_it_and_holds_no_lock, 0,
      COUNT(wakings));
  tcase_add_test(wakes, a_thread_that_is_cancelled_when_it_ends_a_group_tells_the_loop);
  tcase_add_loop_test(drops, a_thread_that_is_cancelled_while_it_drops_drops_them_all, 0, 4);
  tcase_add_loop_test(drops, a_thread_that_is_cancelled_while_a_value_overflows_finishes_its_send,
                      0, 4);
  tcase_add_loop_test(storms,
                      threads_that_are_cancelled_at_any_moment_lose_no_value_and_hold_no_lock, 0,
                      SUPPORT_NCAPACITIES);
#endif
  return support_main(suite);
}
