/* SPDX-License-Identifier: MIT */
/* A stranger closes every handle of a loop beside a thread that is about to finish a request, and
 * cancelling beside whoever has decided it. What the library reads in libuv's handles to tell that
 * one is closed. */
#include "ground/platform.h"
#include "scene.h"
#include "world.h"

typedef struct {
  uvchan_t* ch;
  atomic_int go;
} other_side_t;

static void send_when_told(void* arg) {
  other_side_t* other = arg;
  while (!atomic_load(&other->go)) continue;
  (void)try_send(other->ch, 7);
}

enum { GONE, CLOSING, ALIVE, NMOMENTS };

static void check_cancelled_beside_a_send(size_t capacity, int moment) {
  other_side_t other = {support_channel(8, capacity), 0};
  uv_loop_t* loop = loop_new();
  uv_thread_t thread;
  recv_op_t recv;
  int r;

  recv_op(&recv, loop, other.ch);
  settle(loop);
  support_start(&thread, send_when_told, &other);
  if (moment != ALIVE) stranger(loop);
  if (moment == GONE) loop_end(loop);
  atomic_store(&other.go, 1);
  support_spin((uint64_t)(support_calls() % 7) * 300);
  r = cancel_op(&recv);
  if (moment == GONE) must(recv.calls == 1);
  if (moment != GONE) must(recv.calls == 0);
  if (moment != GONE) stranger(loop);
  if (moment != GONE) loop_end(loop);
  must(recv.calls == 1);
  support_join(&thread);
  must(r == 0 ? recv.status == UV_ECANCELED : r == UV_EBUSY && recv.status == 0 && recv.value == 7);
  uvchan_release(other.ch);
}

START_TEST(a_request_that_another_thread_is_about_to_finish_calls_back_whatever_the_stranger_does) {
  int n = support_count(2000);
  while (n-- > 0)
    check_cancelled_beside_a_send(support_capacities[_i % SUPPORT_NCAPACITIES],
                                  _i / SUPPORT_NCAPACITIES);
}
END_TEST

START_TEST(a_second_cancel_waits_for_nobody) {
  uvchan_t* ch = scene_channel(support_capacities[_i % SUPPORT_NCAPACITIES]);
  recv_op_t recv;

  recv_op(&recv, &scene.loop, ch);
  if (_i / SUPPORT_NCAPACITIES == 0) {
    ck_assert_int_eq(cancel_op(&recv), 0);
  } else {
    ck_assert_int_eq(try_send(ch, 1), 0);
    ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  }
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  scene_finish_loop();
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
}
END_TEST

static send_op_t displacing;

static void cancel_in_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  (void)value;
  (void)arg;
  if (reason == UVCHAN_DROPPED_OVERFLOW) must(cancel_op(&displacing) == UV_EBUSY);
}

/* drop_cb runs inside of uvchan_send(), with the request's outcome decided but not yet told to its
 * loop. */
START_TEST(a_request_that_is_being_started_is_too_late_to_cancel) {
  uvchan_options_t options;
  uvchan_t* ch;

  memset(&options, 0, sizeof(options));
  options.elem_size = 8;
  options.capacity = 1;
  options.overflow = _i == 0 ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST;
  options.drop_cb = cancel_in_drop;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  ck_assert_int_eq(try_send(ch, 1), 0);
  send_op(&displacing, &scene.loop, ch, 2);
  scene_finish_loop();
  check_ended(&displacing, 0);
  uvchan_release(ch);
}
END_TEST

/* ---- What the library reads in libuv's handles ----------------------------------------------- */

static union {
  uv_handle_t any;
  uv_async_t async;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;
  uv_timer_t timer;
} handle;

static int finished_in_callback;

static void on_handle_closed(uv_handle_t* closed) {
  finished_in_callback = uvchan__handle_is_closed(closed);
}

static void init_handle(uv_loop_t* loop, int kind) {
  switch (kind) {
    case 0:
      must(uv_async_init(loop, &handle.async, NULL) == 0);
      break;
    case 1:
      must(uv_prepare_init(loop, &handle.prepare) == 0);
      break;
    case 2:
      must(uv_check_init(loop, &handle.check) == 0);
      break;
    case 3:
      must(uv_idle_init(loop, &handle.idle) == 0);
      break;
    default:
      must(uv_timer_init(loop, &handle.timer) == 0);
      break;
  }
}

#define NHANDLES 5

START_TEST(a_handle_is_finished_once_libuv_has_closed_it_and_not_before) {
  init_handle(&scene.loop, _i / 2);
  ck_assert(!uvchan__handle_is_closed(&handle.any));
  turn(&scene.loop, 2);
  ck_assert(!uvchan__handle_is_closed(&handle.any));
  uv_close(&handle.any, _i % 2 == 0 ? NULL : on_handle_closed);
  ck_assert(uv_is_closing(&handle.any));
  ck_assert(!uvchan__handle_is_closed(&handle.any));
  scene_finish_loop();
  ck_assert(uvchan__handle_is_closed(&handle.any));
  ck_assert_int_eq(finished_in_callback, _i % 2);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("strangers-beside");
  TCase* moments = support_tcase(suite, "moments");
  TCase* late = scene_tcase(suite, "late");
  TCase* handles = scene_tcase(suite, "handles");

  tcase_add_loop_test(
      moments,
      a_request_that_another_thread_is_about_to_finish_calls_back_whatever_the_stranger_does, 0,
      NMOMENTS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(late, a_second_cancel_waits_for_nobody, 0, 2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(late, a_request_that_is_being_started_is_too_late_to_cancel, 0, 2);

  tcase_add_loop_test(handles, a_handle_is_finished_once_libuv_has_closed_it_and_not_before, 0,
                      2 * NHANDLES);
  return support_main(suite);
}
