/* SPDX-License-Identifier: MIT */
/* Values that grow old, on their way to drop_cb: whole, in order and once, whatever that does; and
 * the memory that it takes. The clock is the test's. */
#include <stdlib.h>

#include "aging-ways.h"

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

int main(void) {
  Suite* suite = suite_create("aging-drops");
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
  return support_main(suite);
}
