/* SPDX-License-Identifier: MIT */
/* Where uv_async_init() fails, for want of descriptors say, whoever would have been the first user
 * of the loop answers with its error, and nothing is left behind. The two files that call
 * uv_async_init() are compiled once more for this program (test/CMakeLists.txt) and call
 * uv_async_init_or_fail() instead: so any libuv will do, a static one too, whose names can't be
 * overlaid. */
#include "works.h"

int uv_async_init_or_fail(uv_loop_t* loop, uv_async_t* async, uv_async_cb cb);

static int fails;

int uv_async_init_or_fail(uv_loop_t* loop, uv_async_t* async, uv_async_cb cb) {
  return fails ? UV_EMFILE : uv_async_init(loop, async, cb);
}

typedef struct {
  uv_loop_t loop;
  uvchan_t* ch;
  uvchan_waitgroup_t wg;
  uvchan_receiver_t receiver;
  uvchan_send_t send;
  uvchan_recv_t recv;
  uvchan_select_t select;
  uvchan_notify_t notify;
  uvchan_case_t cases[10];
  unsigned char value[SUPPORT_MOST_BYTES];
  unsigned int calls;
} place_t;

static place_t place;

static void on_send(uvchan_send_t* req, int status) {
  (void)req;
  (void)status;
  place.calls++;
}

static void on_recv(uvchan_recv_t* req, int status) {
  (void)req;
  (void)status;
  place.calls++;
}

static void on_select(uvchan_select_t* req, int index) {
  (void)req;
  (void)index;
  place.calls++;
}

static void on_notify(uvchan_notify_t* req, int status) {
  (void)req;
  (void)status;
  place.calls++;
}

static void fill_cases(size_t ncases, uvchan_op_t op) {
  size_t i;
  memset(place.cases, 0, sizeof(place.cases));
  for (i = 0; i < ncases; i++) {
    place.cases[i].ch = place.ch;
    place.cases[i].op = op;
    place.cases[i].value = place.value;
  }
}

static int by_receiver(void) {
  return uvchan_receiver_init(&place.loop, &place.receiver, place.ch);
}
static int by_send(void) {
  return uvchan_send(&place.loop, &place.send, place.ch, place.value, on_send);
}
static int by_recv(void) {
  return uvchan_recv(&place.loop, &place.recv, place.ch, place.value, on_recv);
}
static int by_notify(void) {
  return uvchan_waitgroup_notify(&place.loop, &place.notify, &place.wg, on_notify);
}

static int by_select(void) {
  fill_cases(2, UVCHAN_RECV);
  return uvchan_select(&place.loop, &place.select, place.cases, 2, on_select);
}

static int by_large_select(void) {
  fill_cases(10, UVCHAN_SEND);
  return uvchan_select(&place.loop, &place.select, place.cases, 10, on_select);
}

static int (*const operations[])(void) = {by_receiver, by_send,   by_recv,
                                          by_notify,   by_select, by_large_select};

#define NOPERATIONS ((int)(sizeof(operations) / sizeof(*operations)))

START_TEST(the_first_user_of_a_loop_answers_with_the_error_and_leaves_nothing) {
  int (*operation)(void) = operations[_i / SUPPORT_NCAPACITIES];

  memset(&place, 0, sizeof(place));
  place.ch = support_channel(SUPPORT_MOST_BYTES, support_capacities[_i % SUPPORT_NCAPACITIES]);
  support_loop_open(&place.loop);
  ck_assert_int_eq(uvchan_waitgroup_init(&place.wg), 0);
  fails = 1;
  ck_assert_int_eq(operation(), UV_EMFILE);
  fails = 0;
  ck_assert_uint_eq(support_allocations(), 1); /* the channel */
  ck_assert_uint_eq(rest(place.ch).sent, 0);
  ck_assert(!uv_loop_alive(&place.loop));
  ck_assert_int_eq(uv_loop_close(&place.loop), 0);
  ck_assert_uint_eq(place.calls, 0);
  uvchan_waitgroup_destroy(&place.wg);
  uvchan_release(place.ch);
}
END_TEST

START_TEST(the_next_attempt_succeeds) {
  memset(&place, 0, sizeof(place));
  place.ch = support_channel(8, support_capacities[_i]);
  support_loop_open(&place.loop);
  fails = 1;
  ck_assert_int_eq(by_recv(), UV_EMFILE);
  fails = 0;
  ck_assert_int_eq(by_recv(), 0);
  ck_assert_int_eq(try_send(place.ch, 5), 0);
  support_loop_finish(&place.loop);
  ck_assert_uint_eq(place.calls, 1);
  uvchan_release(place.ch);
}
END_TEST

/* ---- The first user at a pool ---------------------------------------------------------------- */

static uvchan_pool_t* pool;
static work_op_t op;
static uvchan_room_t room;

static void on_room(uvchan_room_t* req, int status) {
  (void)req;
  (void)status;
  place.calls++;
}

static int by_try(void) { return try_work(&op, &place.loop, pool); }
static int by_submit(void) {
  work_op_init(&op);
  return uvchan_pool_submit(&place.loop, &op.work, pool, work_op_run, work_op_done);
}
static int by_room(void) { return uvchan_pool_on_room(&place.loop, &room, pool, on_room); }
static int by_close(void) { return uvchan_pool_close(&place.loop, pool, 0, NULL); }

static int (*const pool_operations[])(void) = {by_try, by_submit, by_room, by_close};

#define NPOOL_OPERATIONS ((int)(sizeof(pool_operations) / sizeof(*pool_operations)))

/* The pool is as before, and serves the loop the next time. */
START_TEST(at_a_pool_it_answers_with_the_error_and_leaves_nothing) {
  memset(&place, 0, sizeof(place));
  pool = pool_new(1, 1);
  support_loop_open(&place.loop);
  fails = 1;
  ck_assert_int_eq(pool_operations[_i](), UV_EMFILE);
  ck_assert_int_eq(pool_operations[_i](), UV_EMFILE);
  fails = 0;
  ck_assert_uint_eq(count_handles(&place.loop, UV_UNKNOWN_HANDLE), 0);
  ck_assert_int_eq(uv_loop_close(&place.loop), 0);
  ck_assert_uint_eq(pool_at_rest(pool).submitted, 0);
  support_loop_open(&place.loop);
  submit_work(&op, &place.loop, pool);
  support_loop_finish(&place.loop);
  check_ended(&op, 0);
  ck_assert_uint_eq(place.calls, 0);
  uvchan_pool_release(pool);
}
END_TEST

/* With the port that failed the pool's end comes all the same. */
START_TEST(the_pool_closes_after_it) {
  memset(&place, 0, sizeof(place));
  pool = pool_new(1, 1);
  support_loop_open(&place.loop);
  fails = 1;
  ck_assert_int_eq(by_submit(), UV_EMFILE);
  fails = 0;
  ck_assert_int_eq(by_close(), 0);
  support_loop_finish(&place.loop);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("async-fails");
  TCase* first = support_tcase(suite, "first");

  tcase_add_loop_test(first, the_first_user_of_a_loop_answers_with_the_error_and_leaves_nothing, 0,
                      NOPERATIONS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(first, the_next_attempt_succeeds, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(first, at_a_pool_it_answers_with_the_error_and_leaves_nothing, 0,
                      NPOOL_OPERATIONS);
  tcase_add_test(first, the_pool_closes_after_it);
  return support_main(suite);
}
