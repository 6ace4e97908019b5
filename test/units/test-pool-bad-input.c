/* SPDX-License-Identifier: MIT */
/* What a caller of a pool may get wrong is answered by UV_EINVAL, and changes nothing. */
#include "scene.h"
#include "works.h"

static work_op_t op;

/* ---- Making one ------------------------------------------------------------------------------ */

static uvchan_admission_t admission;

static void no_capacity(uvchan_pool_options_t* options) { options->capacity = 0; }
static void all_places_are_urgent(uvchan_pool_options_t* options) { options->urgent_places = 4; }
static void more_places_than_there_are(uvchan_pool_options_t* options) {
  options->urgent_places = SIZE_MAX;
}
static void no_target(uvchan_pool_options_t* options) {
  admission.interval = 1;
  options->admission = &admission;
}
static void no_interval(uvchan_pool_options_t* options) {
  admission.target = 1;
  options->admission = &admission;
}
static void reserved_admission(uvchan_pool_options_t* options) {
  admission.interval = admission.target = 1;
  admission.reserved[1] = options;
  options->admission = &admission;
}
static void reserved_first(uvchan_pool_options_t* options) { options->reserved[0] = options; }
static void reserved_last(uvchan_pool_options_t* options) { options->reserved[5] = options; }

static void (*const spoil[])(uvchan_pool_options_t* options) = {
    no_capacity,    all_places_are_urgent, more_places_than_there_are,
    no_target,      no_interval,           reserved_admission,
    reserved_first, reserved_last};

#define NSPOIL ((int)(sizeof(spoil) / sizeof(*spoil)))

START_TEST(options_of_a_pool) {
  uvchan_pool_options_t options = pool_options(1, 4);
  uvchan_pool_t* pool = (uvchan_pool_t*)&options;

  memset(&admission, 0, sizeof(admission));
  spoil[_i](&options);
  ck_assert_int_eq(uvchan_pool_create(&pool, &options), UV_EINVAL);
  ck_assert_ptr_eq(pool, (uvchan_pool_t*)&options);
}
END_TEST

START_TEST(no_pool_and_no_options) {
  uvchan_pool_options_t options = pool_options(1, 4);
  uvchan_pool_t* pool = NULL;

  ck_assert_int_eq(uvchan_pool_create(NULL, &options), UV_EINVAL);
  ck_assert_int_eq(uvchan_pool_create(&pool, NULL), UV_EINVAL);
  ck_assert_ptr_null(pool);
}
END_TEST

/* More threads than there is memory for. */
START_TEST(data_of_a_pool) {
  uvchan_pool_t* pool = pool_new(1, 1);

  ck_assert_ptr_null(uvchan_pool_get_data(pool));
  uvchan_pool_set_data(pool, &op);
  ck_assert_ptr_eq(uvchan_pool_get_data(pool), &op);
  uvchan_pool_set_data(NULL, &op);
  ck_assert_ptr_null(uvchan_pool_get_data(NULL));
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(too_many_threads) {
  uvchan_pool_options_t options = pool_options(UINT32_MAX, 4);
  uvchan_pool_t* pool = NULL;
  int r = uvchan_pool_create(&pool, &options);

  ck_assert(r == UV_ENOMEM || r == UV_EINVAL);
  ck_assert_ptr_null(pool);
}
END_TEST

/* ---- Submitting ------------------------------------------------------------------------------ */

typedef int (*submit_func)(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                           const uvchan_work_options_t* options, uvchan_work_cb on_work,
                           uvchan_work_done_cb on_done);

static int try_plain(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                     const uvchan_work_options_t* options, uvchan_work_cb on_work,
                     uvchan_work_done_cb on_done) {
  (void)options;
  return uvchan_pool_try_submit(loop, work, pool, on_work, on_done);
}

static int submit_plain(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                        const uvchan_work_options_t* options, uvchan_work_cb on_work,
                        uvchan_work_done_cb on_done) {
  (void)options;
  return uvchan_pool_submit(loop, work, pool, on_work, on_done);
}

static const submit_func submits[] = {uvchan_pool_try_submit_ex, uvchan_pool_submit_ex, try_plain,
                                      submit_plain};

START_TEST(arguments_of_a_submission) {
  submit_func submit = submits[_i];
  uvchan_pool_t* pool = pool_new(1, 1);
  uvchan_work_options_t options;

  memset(&options, 0, sizeof(options));
  work_op_init(&op);
  ck_assert_int_eq(submit(NULL, &op.work, pool, &options, work_op_run, work_op_done), UV_EINVAL);
  ck_assert_int_eq(submit(&scene.loop, NULL, pool, &options, work_op_run, work_op_done), UV_EINVAL);
  ck_assert_int_eq(submit(&scene.loop, &op.work, NULL, &options, work_op_run, work_op_done),
                   UV_EINVAL);
  ck_assert_int_eq(submit(&scene.loop, &op.work, pool, &options, NULL, work_op_done), UV_EINVAL);
  ck_assert_int_eq(submit(&scene.loop, &op.work, pool, &options, work_op_run, NULL), UV_EINVAL);
  if (_i < 2) {
    ck_assert_int_eq(submit(&scene.loop, &op.work, pool, NULL, work_op_run, work_op_done),
                     UV_EINVAL);
    options.priority = (uvchan_priority_t)(UVCHAN_URGENT + 1);
    ck_assert_int_eq(submit(&scene.loop, &op.work, pool, &options, work_op_run, work_op_done),
                     UV_EINVAL);
    options.priority = UVCHAN_URGENT;
    options.reserved[1] = &op;
    ck_assert_int_eq(submit(&scene.loop, &op.work, pool, &options, work_op_run, work_op_done),
                     UV_EINVAL);
  }
  ck_assert_int_eq(cancel_op(&op), UV_EINVAL); /* nothing was written to it */
  ck_assert(!uv_loop_alive(&scene.loop));
  ck_assert_uint_eq(count_handles(&scene.loop, UV_UNKNOWN_HANDLE), 0);
  ck_assert_uint_eq(pool_at_rest(pool).submitted, 0);
  ck_assert_uint_eq(pool_at_rest(pool).refused, 0);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- The rest -------------------------------------------------------------------------------- */

static void on_room(uvchan_room_t* req, int status) {
  (void)req;
  (void)status;
  must(0);
}

START_TEST(arguments_of_a_request_for_room) {
  uvchan_pool_t* pool = pool_new(1, 1);
  uvchan_room_t room;

  memset(&room, 0, sizeof(room));
  ck_assert_int_eq(uvchan_pool_on_room(NULL, &room, pool, on_room), UV_EINVAL);
  ck_assert_int_eq(uvchan_pool_on_room(&scene.loop, NULL, pool, on_room), UV_EINVAL);
  ck_assert_int_eq(uvchan_pool_on_room(&scene.loop, &room, NULL, on_room), UV_EINVAL);
  ck_assert_int_eq(uvchan_pool_on_room(&scene.loop, &room, pool, NULL), UV_EINVAL);
  ck_assert_int_eq(cancel_op(&room), UV_EINVAL);
  ck_assert(!uv_loop_alive(&scene.loop));
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(arguments_of_a_close) {
  uvchan_pool_t* pool = pool_new(1, 1);

  ck_assert_int_eq(uvchan_pool_close(NULL, pool, 0, NULL), UV_EINVAL);
  ck_assert_int_eq(uvchan_pool_close(&scene.loop, NULL, 0, NULL), UV_EINVAL);
  ck_assert_uint_eq(uvchan_pool_room(pool), 1);
  submit_work(&op, &scene.loop, pool);
  scene_run();
  check_ended(&op, 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(statistics_of_no_pool) {
  uvchan_pool_stats_t stats, zeros;
  uvchan_pool_t* pool = pool_new(1, 7);

  memset(&stats, 0x5a, sizeof(stats));
  memset(&zeros, 0, sizeof(zeros));
  uvchan_pool_stats(NULL, &stats);
  ck_assert_str_eq(stats.name, "");
  stats.name = NULL;
  ck_assert_int_eq(memcmp(&stats, &zeros, sizeof(stats)), 0);
  uvchan_pool_stats(pool, NULL);
  uvchan_pool_stats(NULL, NULL);
  memset(&stats, 0x5a, sizeof(stats));
  uvchan_pool_stats(pool, &stats);
  ck_assert_uint_eq(stats.capacity, 7);
  ck_assert_int_eq(memcmp(stats.reserved, zeros.reserved, sizeof(zeros.reserved)), 0);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-bad-input");
  TCase* tcase = scene_tcase(suite, "loop");

  tcase_add_loop_test(tcase, arguments_of_a_submission, 0, 4);
  tcase_add_test(tcase, arguments_of_a_request_for_room);
  tcase_add_test(tcase, arguments_of_a_close);
  tcase = support_tcase(suite, "pool");
  tcase_add_loop_test(tcase, options_of_a_pool, 0, NSPOIL);
  tcase_add_test(tcase, no_pool_and_no_options);
  tcase_add_test(tcase, data_of_a_pool);
  tcase_add_test(tcase, too_many_threads);
  tcase_add_test(tcase, statistics_of_no_pool);
  return support_main(suite);
}
