/* SPDX-License-Identifier: MIT */
/* Two lanes: urgent work goes first, of nine works that begin one is normal where some wait, and
 * places of the capacity may be kept for what is urgent. One thread, so that the order is exact. */
#include "scene.h"
#include "works.h"

#define NWORKS 40
#define A_ROW 8 /* urgent works that begin while a normal one waits */

static work_op_t urgent[NWORKS];
static work_op_t normal[NWORKS];

static void submit_both(uvchan_pool_t* pool, int nnormal, int nurgent) {
  int i;

  for (i = 0; i < nnormal; i++) submit_work(&normal[i], &scene.loop, pool);
  for (i = 0; i < nurgent; i++) submit_work_ex(&urgent[i], &scene.loop, pool, UVCHAN_URGENT, 0);
}

/* _i: all inside, or most of them outside. */
START_TEST(of_nine_works_that_begin_one_is_normal) {
  uvchan_pool_t* pool = pool_new(1, _i == 0 ? 2 * NWORKS : 2);
  unsigned int first;
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  submit_both(pool, NWORKS, NWORKS);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(normal, NWORKS, 0);
  check_all_ended(urgent, NWORKS, 0);
  first = urgent[0].begun;
  for (i = 0; i < NWORKS; i++)
    ck_assert_uint_eq(urgent[i].begun, first + (unsigned int)(i + i / A_ROW));
  for (i = 0; i < NWORKS / A_ROW; i++)
    ck_assert_uint_eq(normal[i].begun, first + (unsigned int)((i + 1) * (A_ROW + 1) - 1));
  uvchan_pool_release(pool);
}
END_TEST

/* Urgent works come for as long as the normal one waits: it begins all the same. */
typedef struct {
  work_op_t ops[2];
  uvchan_pool_t* pool;
  int is_over;
  unsigned int n;
} stream_t;

static void next_of_stream(uvchan_work_t* work, int status) {
  stream_t* stream = work->data;

  work_op_done(work, status);
  must(++stream->n < 100000);
  if (stream->is_over) return;
  work_op_init((work_op_t*)work);
  must(uvchan_pool_submit_ex(&scene.loop, work, stream->pool,
                             &(uvchan_work_options_t){.priority = UVCHAN_URGENT}, work_op_run,
                             next_of_stream) == 0);
}

static void end_stream(uvchan_work_t* work, int status) {
  work_op_done(work, status);
  ((stream_t*)work->data)->is_over = 1;
}

START_TEST(a_normal_work_begins_beside_a_stream_of_urgent_ones) {
  stream_t stream;
  int i;

  memset(&stream, 0, sizeof(stream));
  stream.pool = pool_new(1, 16);
  for (i = 0; i < 2; i++) {
    stream.ops[i].work.data = &stream;
    work_op_init(&stream.ops[i]);
    ck_assert_int_eq(uvchan_pool_submit_ex(&scene.loop, &stream.ops[i].work, stream.pool,
                                           &(uvchan_work_options_t){.priority = UVCHAN_URGENT},
                                           work_op_run, next_of_stream),
                     0);
  }
  normal[0].work.data = &stream;
  work_op_init(&normal[0]);
  ck_assert_int_eq(
      uvchan_pool_submit(&scene.loop, &normal[0].work, stream.pool, work_op_run, end_stream), 0);
  scene_run();
  check_ended(&normal[0], 0);
  uvchan_pool_release(stream.pool);
}
END_TEST

START_TEST(urgent_work_does_not_pass_urgent_work) {
  uvchan_pool_t* pool = pool_new(1, 4);
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  submit_both(pool, 0, NWORKS);
  ck_assert_uint_eq(pool_stats(pool).waiting_urgent, 4);
  ck_assert_uint_eq(pool_stats(pool).waiting_outside, NWORKS - 4);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(urgent, NWORKS, 0);
  for (i = 1; i < NWORKS; i++) ck_assert_uint_lt(urgent[i - 1].begun, urgent[i].begun);
  uvchan_pool_release(pool);
}
END_TEST

/* Room goes to what is urgent first. */
START_TEST(urgent_work_outside_goes_in_before_normal_work_outside) {
  uvchan_pool_t* pool = pool_new(1, 1);
  gate_t gate;

  gate_hold(&gate, &scene.loop, pool, 1);
  submit_both(pool, 3, 2); /* one normal work is inside */
  ck_assert_int_eq(cancel_op(&normal[0]), 0);
  ck_assert_uint_eq(pool_stats(pool).waiting_urgent, 1);
  ck_assert_uint_eq(pool_stats(pool).waiting, 1);
  ck_assert_uint_eq(pool_stats(pool).waiting_outside, 3);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(urgent, 2, 0);
  check_all_ended(normal + 1, 2, 0);
  ck_assert_uint_lt(urgent[1].begun, normal[1].begun);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Places for what is urgent --------------------------------------------------------------- */

static uvchan_pool_t* pool_with_places(size_t capacity, size_t urgent_places) {
  uvchan_pool_options_t options = pool_options(1, capacity);

  options.urgent_places = urgent_places;
  return pool_of(&options);
}

/* _i: how many of the 4. */
START_TEST(normal_work_leaves_the_urgent_places_free) {
  size_t places = (size_t)_i;
  uvchan_pool_t* pool = pool_with_places(4, places);
  gate_t gate;
  size_t i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < 4 - places; i++) {
    ck_assert_uint_eq(uvchan_pool_room(pool), 4 - places - i);
    ck_assert_int_eq(try_work(&normal[i], &scene.loop, pool), 0);
  }
  ck_assert_uint_eq(uvchan_pool_room(pool), 0);
  ck_assert_int_eq(try_work(&normal[5], &scene.loop, pool), UV_EAGAIN);
  for (i = 0; i < places; i++)
    ck_assert_int_eq(try_work_ex(&urgent[i], &scene.loop, pool, UVCHAN_URGENT), 0);
  ck_assert_int_eq(try_work_ex(&urgent[5], &scene.loop, pool, UVCHAN_URGENT), UV_EAGAIN);
  ck_assert_uint_eq(pool_stats(pool).waiting, 4);
  ck_assert_uint_eq(pool_stats(pool).waiting_urgent, places);
  ck_assert_uint_eq(pool_stats(pool).refused, 2);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(normal, 4 - places, 0);
  check_all_ended(urgent, places, 0);
  uvchan_pool_release(pool);
}
END_TEST

/* Urgent works may fill the whole; then nothing normal has room, and finds it again. */
START_TEST(urgent_work_may_take_every_place) {
  uvchan_pool_t* pool = pool_with_places(4, 2);
  gate_t gate;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < 4; i++) {
    ck_assert_uint_eq(uvchan_pool_room(pool), i < 2 ? 2u : (size_t)(4 - i));
    ck_assert_int_eq(try_work_ex(&urgent[i], &scene.loop, pool, UVCHAN_URGENT), 0);
  }
  ck_assert_int_eq(try_work(&normal[0], &scene.loop, pool), UV_EAGAIN);
  submit_work(&normal[0], &scene.loop, pool);
  ck_assert_uint_eq(pool_stats(pool).waiting_outside, 1);
  ck_assert_int_eq(cancel_op(&urgent[0]), 0);
  ck_assert_uint_eq(pool_stats(pool).waiting_outside, 0);
  ck_assert_uint_eq(pool_stats(pool).waiting_urgent, 3);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_ended(&normal[0], 0);
  uvchan_pool_release(pool);
}
END_TEST

/* An urgent place that is left does not let a normal work in. */
START_TEST(normal_work_outside_does_not_take_an_urgent_place) {
  uvchan_pool_t* pool = pool_with_places(2, 1);
  gate_t gate;

  gate_hold(&gate, &scene.loop, pool, 1);
  submit_both(pool, 3, 1);
  ck_assert_uint_eq(pool_stats(pool).waiting, 2);
  ck_assert_uint_eq(pool_stats(pool).waiting_outside, 2);
  ck_assert_int_eq(cancel_op(&urgent[0]), 0);
  ck_assert_uint_eq(pool_stats(pool).waiting, 1);
  ck_assert_uint_eq(pool_stats(pool).waiting_outside, 2);
  ck_assert_int_eq(cancel_op(&normal[0]), 0);
  ck_assert_uint_eq(pool_stats(pool).waiting, 1);
  ck_assert_uint_eq(pool_stats(pool).waiting_outside, 1);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(normal + 1, 2, 0);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-lanes");
  TCase* tcase = scene_tcase(suite, "order");

  tcase_add_loop_test(tcase, of_nine_works_that_begin_one_is_normal, 0, 2);
  tcase_add_test(tcase, a_normal_work_begins_beside_a_stream_of_urgent_ones);
  tcase_add_test(tcase, urgent_work_does_not_pass_urgent_work);
  tcase_add_test(tcase, urgent_work_outside_goes_in_before_normal_work_outside);
  tcase = scene_tcase(suite, "places");
  tcase_add_loop_test(tcase, normal_work_leaves_the_urgent_places_free, 0, 4);
  tcase_add_test(tcase, urgent_work_may_take_every_place);
  tcase_add_test(tcase, normal_work_outside_does_not_take_an_urgent_place);
  return support_main(suite);
}
