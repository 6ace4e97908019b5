/* SPDX-License-Identifier: MIT */
/* Typed ends: each function does what its plain one does, for values of several types. (What must
 * not compile is another test.) */
#include <string.h>
#include <uvchan/typed.h>

#include "support.h"

struct order {
  int number;
  char what[20];
};

UVCHAN_TYPED(orders, struct order)
UVCHAN_TYPED(numbers, int)
UVCHAN_TYPED(texts, const char*)
UVCHAN_TYPED(replies, numbers_t)

static struct order make_order(int number) {
  struct order order;
  memset(&order, 0, sizeof(order));
  order.number = number;
  snprintf(order.what, sizeof(order.what), "pizza %d", number);
  return order;
}

static void check_order(const struct order* order, int number) {
  struct order expected = make_order(number);
  ck_assert_int_eq(order->number, number);
  ck_assert_str_eq(order->what, expected.what);
}

START_TEST(a_typed_channel_has_values_of_its_type) {
  orders_t orders;
  ck_assert_int_eq(orders_create(&orders, support_capacities[_i]), 0);
  ck_assert_uint_eq(uvchan_elem_size(orders_channel(orders)), sizeof(struct order));
  ck_assert_uint_eq(uvchan_capacity(orders_channel(orders)), support_capacities[_i]);
  ck_assert_ptr_eq(orders_channel(orders_retain(orders)), orders_channel(orders));
  orders_release(orders);
  orders_release(orders);
}
END_TEST

START_TEST(create_ex_fills_in_the_size_and_leaves_the_options_alone) {
  uvchan_options_t options;
  uvchan_stats_t stats;
  orders_t orders;
  memset(&options, 0, sizeof(options));
  options.elem_size = 1;
  options.capacity = 2;
  options.overflow = UVCHAN_DROP_OLDEST;
  options.name = "orders";
  ck_assert_int_eq(orders_create_ex(&orders, &options), 0);
  ck_assert_uint_eq(options.elem_size, 1);
  uvchan_stats(orders_channel(orders), &stats);
  ck_assert_uint_eq(uvchan_elem_size(orders_channel(orders)), sizeof(struct order));
  ck_assert_uint_eq(stats.capacity, 2);
  ck_assert_str_eq(stats.name, "orders");
  orders_release(orders);
}
END_TEST

START_TEST(typed_create_refuses_nothing) {
  uvchan_options_t options;
  orders_t orders;
  memset(&options, 0, sizeof(options));
  ck_assert_int_eq(orders_create(NULL, 1), UV_EINVAL);
  ck_assert_int_eq(orders_create_ex(NULL, &options), UV_EINVAL);
  ck_assert_int_eq(orders_create_ex(&orders, NULL), UV_EINVAL);
}
END_TEST

START_TEST(orders_go_from_one_end_to_the_other_in_every_form) {
  orders_t orders;
  orders_sendonly_t in;
  orders_recvonly_t out;
  struct order batch[3], got[8];
  int i;
  ck_assert_int_eq(orders_create(&orders, 16), 0);
  in = orders_sendonly(orders);
  out = orders_recvonly(orders);
  for (i = 0; i < 3; i++) batch[i] = make_order(i + 3);
  ck_assert_int_eq(orders_try_send(in, make_order(0)), 0);
  ck_assert_int_eq(orders_send_wait(in, make_order(1)), 0);
  ck_assert_int_eq(orders_send_timedwait(in, make_order(2), 0), 0);
  ck_assert_int_eq((int)orders_try_send_n(in, batch, 3), 3);
  ck_assert_int_eq(orders_try_recv(out, &got[0]), 0);
  ck_assert_int_eq(orders_recv_wait(out, &got[1]), 0);
  ck_assert_int_eq(orders_recv_timedwait(out, &got[2], 0), 0);
  ck_assert_int_eq((int)orders_try_recv_n(out, &got[3], 5), 3);
  for (i = 0; i < 6; i++) check_order(&got[i], i);
  ck_assert_int_eq(orders_try_recv(out, &got[0]), UV_EAGAIN);
  ck_assert_int_eq((int)orders_try_recv_n(out, got, 2), UV_EAGAIN);
  ck_assert_int_eq(orders_recv_timedwait(out, &got[0], 1000), UV_ETIMEDOUT);
  orders_release(orders);
}
END_TEST

START_TEST(the_sending_end_closes_and_the_channel_aborts) {
  orders_t orders;
  struct order got;
  ck_assert_int_eq(orders_create(&orders, 3), 0);
  ck_assert_int_eq(orders_try_send(orders_sendonly(orders), make_order(1)), 0);
  if (_i == 0) ck_assert_int_eq(orders_close(orders_sendonly(orders)), 0);
  if (_i == 1) ck_assert_int_eq(orders_close_with(orders_sendonly(orders), UV_EIO), 0);
  if (_i == 2) ck_assert_int_eq(orders_abort(orders, UV_EIO), 0);
  ck_assert_int_eq(orders_try_send(orders_sendonly(orders), make_order(2)), UV_EPIPE);
  if (_i != 2) ck_assert_int_eq(orders_recv_wait(orders_recvonly(orders), &got), 0);
  ck_assert_int_eq(orders_recv_wait(orders_recvonly(orders), &got), _i == 0 ? UV_EOF : UV_EIO);
  orders_release(orders);
}
END_TEST

START_TEST(typed_cases_stand_in_a_select_beside_each_other) {
  orders_t orders;
  numbers_t numbers;
  struct order order = make_order(7);
  int number = 0;
  uvchan_case_t cases[2];
  ck_assert_int_eq(orders_create(&orders, 1), 0);
  ck_assert_int_eq(numbers_create(&numbers, 1), 0);
  cases[0] = numbers_case_recv(numbers_recvonly(numbers), &number);
  cases[1] = orders_case_send(orders_sendonly(orders), &order);
  ck_assert_int_eq(uvchan_try_select(cases, 2), 1);
  ck_assert_int_eq(cases[1].status, 0);
  ck_assert_int_eq(uvchan_try_select(cases, 2), UV_EAGAIN);
  ck_assert_int_eq(numbers_try_send(numbers_sendonly(numbers), 42), 0);
  ck_assert_int_eq(uvchan_select_wait(cases, 2), 0);
  ck_assert_int_eq(number, 42);
  ck_assert_int_eq(orders_try_recv(orders_recvonly(orders), &order), 0);
  check_order(&order, 7);
  orders_release(orders);
  numbers_release(numbers);
}
END_TEST

/* ---- Channels of pointers and of channels ---------------------------------------------------- */

START_TEST(values_may_be_pointers) {
  texts_t texts;
  const char* text = NULL;
  ck_assert_int_eq(texts_create(&texts, UVCHAN_UNBOUNDED), 0);
  ck_assert_int_eq(texts_try_send(texts_sendonly(texts), "margherita"), 0);
  ck_assert_int_eq(texts_try_recv(texts_recvonly(texts), &text), 0);
  ck_assert_str_eq(text, "margherita");
  texts_release(texts);
}
END_TEST

static void reply_with_the_answer(void* arg) {
  replies_t* questions = arg;
  numbers_t reply;
  must(replies_recv_wait(replies_recvonly(*questions), &reply) == 0);
  must(numbers_send_wait(numbers_sendonly(reply), 42) == 0);
  numbers_release(reply);
}

START_TEST(a_channel_of_reply_channels_brings_an_answer) {
  replies_t questions;
  numbers_t reply;
  uv_thread_t thread;
  int answer = 0;
  ck_assert_int_eq(replies_create(&questions, 0), 0);
  ck_assert_int_eq(numbers_create(&reply, 1), 0);
  support_start(&thread, reply_with_the_answer, &questions);
  ck_assert_int_eq(replies_send_wait(replies_sendonly(questions), numbers_retain(reply)), 0);
  ck_assert_int_eq(numbers_recv_wait(numbers_recvonly(reply), &answer), 0);
  ck_assert_int_eq(answer, 42);
  support_join(&thread);
  numbers_release(reply);
  replies_release(questions);
}
END_TEST

/* ---- On a loop ------------------------------------------------------------------------------- */

static int values_seen;
static int ends_seen;
static int closes_seen;
static int requests_seen;

static void on_close(orders_receiver_t* receiver) {
  ck_assert_ptr_eq(receiver->handle.data, &closes_seen);
  closes_seen++;
}

static void on_order(orders_receiver_t* receiver, int status, const struct order* order) {
  if (status == 0) {
    check_order(order, values_seen++);
    return;
  }
  ck_assert_int_eq(status, UV_EOF);
  ck_assert_ptr_null(order);
  ends_seen++;
  orders_receiver_close(receiver, on_close);
}

static void on_orders(orders_receiver_t* receiver, ssize_t n, const struct order* orders) {
  ssize_t i;
  for (i = 0; i < n; i++) check_order(&orders[i], values_seen++);
  if (n > 0) return;
  ck_assert_int_eq((int)n, UV_EOF);
  ends_seen++;
  orders_receiver_close(receiver, on_close);
  orders_receiver_close(receiver, NULL); /* once more is nothing, and keeps the callback */
}

START_TEST(a_typed_receiver_gets_its_values_and_the_end) {
  uv_loop_t loop;
  orders_t orders;
  orders_receiver_t receiver;
  int i;
  values_seen = ends_seen = closes_seen = 0;
  support_loop_open(&loop);
  ck_assert_int_eq(orders_create(&orders, 16), 0);
  ck_assert_int_eq(orders_receiver_init(&loop, &receiver, orders_recvonly(orders)), 0);
  receiver.handle.data = &closes_seen;
  if (_i == 0) ck_assert_int_eq(orders_recv_start(&receiver, on_order), 0);
  if (_i == 1) ck_assert_int_eq(orders_recv_start_batch(&receiver, on_orders), 0);
  ck_assert_int_eq(orders_recv_start(&receiver, on_order), UV_EALREADY);
  ck_assert_int_eq(orders_recv_start_batch(&receiver, on_orders), UV_EALREADY);
  for (i = 0; i < 10; i++)
    ck_assert_int_eq(orders_try_send(orders_sendonly(orders), make_order(i)), 0);
  ck_assert_int_eq(orders_close(orders_sendonly(orders)), 0);
  support_loop_finish(&loop);
  ck_assert_int_eq(values_seen, 10);
  ck_assert_int_eq(ends_seen, 1);
  ck_assert_int_eq(closes_seen, 1);
  orders_release(orders);
}
END_TEST

START_TEST(a_typed_receiver_refuses_nothing_and_stops) {
  uv_loop_t loop;
  orders_t orders;
  orders_recvonly_t no_end = {NULL};
  orders_receiver_t receiver;
  support_loop_open(&loop);
  ck_assert_int_eq(orders_create(&orders, 1), 0);
  ck_assert_int_eq(orders_receiver_init(&loop, NULL, orders_recvonly(orders)), UV_EINVAL);
  ck_assert_int_eq(orders_receiver_init(&loop, &receiver, no_end), UV_EINVAL);
  ck_assert_int_eq(orders_receiver_init(&loop, &receiver, orders_recvonly(orders)), 0);
  ck_assert_int_eq(orders_recv_start(NULL, on_order), UV_EINVAL);
  ck_assert_int_eq(orders_recv_start(&receiver, NULL), UV_EINVAL);
  ck_assert_int_eq(orders_recv_start_batch(NULL, on_orders), UV_EINVAL);
  ck_assert_int_eq(orders_recv_start_batch(&receiver, NULL), UV_EINVAL);
  ck_assert_int_eq(orders_recv_stop(NULL), UV_EINVAL);
  ck_assert_int_eq(orders_recv_start(&receiver, on_order), 0);
  ck_assert_int_eq(uvchan_receiver_is_active(&receiver.handle), 1);
  ck_assert_int_eq(orders_recv_stop(&receiver), 0);
  ck_assert_int_eq(uvchan_receiver_is_active(&receiver.handle), 0);
  orders_receiver_close(NULL, on_close);
  orders_receiver_close(&receiver, NULL);
  support_loop_finish(&loop);
  orders_release(orders);
}
END_TEST

static void on_sent(uvchan_send_t* req, int status) {
  (void)req;
  ck_assert_int_eq(status, 0);
  requests_seen++;
}

static void on_received(uvchan_recv_t* req, int status) {
  ck_assert_int_eq(status, 0);
  check_order(req->data, 5);
  requests_seen++;
}

START_TEST(typed_requests_meet) {
  uv_loop_t loop;
  orders_t orders;
  uvchan_send_t send;
  uvchan_recv_t recv;
  struct order in = make_order(5), out;
  requests_seen = 0;
  support_loop_open(&loop);
  ck_assert_int_eq(orders_create(&orders, support_capacities[_i]), 0);
  recv.data = &out;
  ck_assert_int_eq(orders_recv(&loop, &recv, orders_recvonly(orders), &out, on_received), 0);
  ck_assert_int_eq(orders_send(&loop, &send, orders_sendonly(orders), &in, on_sent), 0);
  support_loop_finish(&loop);
  ck_assert_int_eq(requests_seen, 2);
  orders_release(orders);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("typed");
  TCase* tcase = support_tcase(suite, "threads");
  tcase_add_loop_test(tcase, a_typed_channel_has_values_of_its_type, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, create_ex_fills_in_the_size_and_leaves_the_options_alone);
  tcase_add_test(tcase, typed_create_refuses_nothing);
  tcase_add_test(tcase, orders_go_from_one_end_to_the_other_in_every_form);
  tcase_add_loop_test(tcase, the_sending_end_closes_and_the_channel_aborts, 0, 3);
  tcase_add_test(tcase, typed_cases_stand_in_a_select_beside_each_other);
  tcase_add_test(tcase, values_may_be_pointers);
  tcase_add_test(tcase, a_channel_of_reply_channels_brings_an_answer);
  tcase = support_tcase(suite, "loop");
  tcase_add_loop_test(tcase, a_typed_receiver_gets_its_values_and_the_end, 0, 2);
  tcase_add_test(tcase, a_typed_receiver_refuses_nothing_and_stops);
  tcase_add_loop_test(tcase, typed_requests_meet, 0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}
