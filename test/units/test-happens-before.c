/* SPDX-License-Identifier: MIT */
/* Memory order: what was done before a send, a receive or a close is seen by who comes after it.
 * The data beside the channels is plain memory, so that ThreadSanitizer judges too. */
#include <string.h>

#include "support.h"

#define NSLOTS 64

typedef struct {
  uvchan_t* ch;
  uvchan_t* other;
  uint64_t plain[NSLOTS];
  uint64_t counter;
  int n;
} shared_t;

static void receive_and_read(void* arg) {
  shared_t* shared = arg;
  int i;
  for (i = 0; i < shared->n; i++) {
    uint64_t index;
    must(uvchan_recv_wait(shared->ch, &index) == 0);
    must(shared->plain[index] == index + (uint64_t)i);
  }
}

START_TEST(what_was_written_before_a_send_is_seen_after_its_receive) {
  shared_t shared = {.ch = support_channel(8, support_capacities[_i]), .n = NSLOTS};
  uv_thread_t thread;
  uint64_t index;
  support_start(&thread, receive_and_read, &shared);
  for (index = 0; index < NSLOTS; index++) {
    shared.plain[index] = 2 * index;
    must(uvchan_send_wait(shared.ch, &index) == 0);
  }
  support_join(&thread);
  uvchan_release(shared.ch);
}
END_TEST

/* The channel is a lock: a send takes it, a receive gives it back. With capacity 1 the k-th receive
 * comes before send k + 1 is done. */
static void count_under_the_lock(void* arg) {
  shared_t* shared = arg;
  int i;
  for (i = 0; i < shared->n; i++) {
    uint64_t token = 0;
    if (i % 2 == 0) must(uvchan_send_wait(shared->ch, &token) == 0);
    if (i % 2 == 1) {
      while (uvchan_try_send(shared->ch, &token) == UV_EAGAIN) uv_sleep(0);
    }
    shared->counter++;
    if (i % 3 != 0) must(uvchan_recv_wait(shared->ch, &token) == 0);
    if (i % 3 == 0) must(uvchan_try_recv(shared->ch, &token) == 0);
  }
}

START_TEST(a_channel_of_capacity_1_is_a_lock) {
  shared_t shared = {.ch = support_channel((size_t)_i * 8, 1), .n = support_count(3000)};
  uv_thread_t threads[3];
  int i;
  for (i = 0; i < 3; i++) support_start(&threads[i], count_under_the_lock, &shared);
  for (i = 0; i < 3; i++) support_join(&threads[i]);
  ck_assert_uint_eq(shared.counter, 3 * (uint64_t)shared.n);
  uvchan_release(shared.ch);
}
END_TEST

/* The slots are used again: slot k is written a second time after send k + capacity is done, which
 * is after receive k. */
static void read_then_receive(void* arg) {
  shared_t* shared = arg;
  size_t capacity = uvchan_capacity(shared->ch);
  int i;
  for (i = 0; i < shared->n; i++) {
    uint64_t* slot = &shared->plain[(size_t)i % (capacity + 1)];
    uint64_t value;
    /* it was written before the send that this turn receives, or one before it */
    must(*slot == (uint64_t)i);
    *slot = 0;
    must(uvchan_recv_wait(shared->ch, &value) == 0);
    must(value == (uint64_t)i);
    must(uvchan_recv_wait(shared->other, &value) == 0);
  }
}

/* Turn i: the sender writes slot i % (capacity + 1) ahead of time, which is safe once send i - 1 is
 * done, since that comes after receive i - 1 - capacity, before which the other thread was through
 * with this slot. */
START_TEST(the_kth_receive_comes_before_send_k_plus_capacity_is_done) {
  size_t capacity = support_capacities[_i];
  shared_t shared = {.ch = support_channel(8, capacity),
                     .other = support_channel(8, UVCHAN_UNBOUNDED),
                     .n = support_count(2000)};
  uv_thread_t thread;
  uint64_t i, n = (uint64_t)shared.n;
  shared.plain[0] = 0;
  support_start(&thread, read_then_receive, &shared);
  for (i = 0; i < n; i++) {
    must(uvchan_send_wait(shared.ch, &i) == 0);
    if (i + 1 < n) shared.plain[(size_t)(i + 1) % (capacity + 1)] = i + 1;
    must(uvchan_send_wait(shared.other, &i) == 0); /* the other thread may look at the next slot */
  }
  support_join(&thread);
  uvchan_release(shared.ch);
  uvchan_release(shared.other);
}
END_TEST

static void receive_the_end(void* arg) {
  shared_t* shared = arg;
  uint64_t value;
  must(uvchan_recv_wait(shared->ch, &value) == UV_EOF);
  must(shared->counter == 42);
}

static void try_to_receive_the_end(void* arg) {
  shared_t* shared = arg;
  uint64_t value;
  support_await(uvchan_try_recv(shared->ch, &value) == UV_EOF);
  must(shared->counter == 42);
}

static void see_that_it_is_closed(void* arg) {
  shared_t* shared = arg;
  support_await(uvchan_is_closed(shared->ch));
  must(shared->counter == 42);
}

START_TEST(what_was_written_before_a_close_is_seen_by_who_sees_the_end) {
  static const uv_thread_cb bodies[] = {receive_the_end, try_to_receive_the_end,
                                        see_that_it_is_closed};
  shared_t shared = {.ch = support_channel(8, support_capacities[_i])};
  uv_thread_t threads[3];
  int i;
  for (i = 0; i < 3; i++) support_start(&threads[i], bodies[i], &shared);
  support_await_receivers(shared.ch, 1);
  shared.counter = 42;
  ck_assert_int_eq(uvchan_close(shared.ch), 0);
  for (i = 0; i < 3; i++) support_join(&threads[i]);
  uvchan_release(shared.ch);
}
END_TEST

static void send_into_the_end(void* arg) {
  shared_t* shared = arg;
  uint64_t value = 1;
  int answer;
  do answer = uvchan_send_wait(shared->ch, &value);
  while (answer == 0);
  must(answer == UV_EPIPE);
  must(shared->counter == 42);
}

START_TEST(what_was_written_before_a_close_is_seen_by_a_sender_that_is_refused) {
  size_t capacity = support_capacities[_i];
  shared_t shared = {.ch = support_channel(8, capacity)};
  uv_thread_t thread;
  support_start(&thread, send_into_the_end, &shared);
  support_await_senders(shared.ch, 1);
  shared.counter = 42;
  ck_assert_int_eq(uvchan_close(shared.ch), 0);
  support_join(&thread);
  uvchan_release(shared.ch);
}
END_TEST

/* Who frees what a message points to must see all that others did with it; and the channel's own
 * memory is freed in the same way. */
static void read_and_release(void* arg) {
  shared_t* shared = arg;
  uint64_t value;
  must(uvchan_recv_wait(shared->ch, &value) == 0);
  must(shared->plain[value] == value);
  uvchan_release(shared->ch);
}

START_TEST(the_last_release_comes_after_everything_else) {
  shared_t shared = {.ch = support_channel(8, support_capacities[_i])};
  uv_thread_t threads[3];
  uint64_t index;
  int i;
  for (i = 0; i < 3; i++) {
    uvchan_retain(shared.ch);
    support_start(&threads[i], read_and_release, &shared);
  }
  for (index = 0; index < 3; index++) {
    shared.plain[index] = index;
    must(uvchan_send_wait(shared.ch, &index) == 0);
  }
  uvchan_release(shared.ch);
  for (i = 0; i < 3; i++) support_join(&threads[i]);
  ck_assert_uint_eq(support_allocations(), 0);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("happens-before");
  TCase* tcase = support_tcase(suite, "happens-before");
  tcase_add_loop_test(tcase, what_was_written_before_a_send_is_seen_after_its_receive, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_channel_of_capacity_1_is_a_lock, 0, 2);
  tcase_add_loop_test(tcase, the_kth_receive_comes_before_send_k_plus_capacity_is_done, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(tcase, what_was_written_before_a_close_is_seen_by_who_sees_the_end, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, what_was_written_before_a_close_is_seen_by_a_sender_that_is_refused, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(tcase, the_last_release_comes_after_everything_else, 0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}
