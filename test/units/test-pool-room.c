/* SPDX-License-Identifier: MIT */
/* Hearing that a pool has room: at once where there is, else when there is again; and all who wait
 * are called back for one place. */
#include "scene.h"
#include "works.h"

#define NWAIT 3
#define MOST 16

typedef struct {
  uvchan_room_t req; /* first */
  unsigned int calls;
  int status;
} room_op_t;

static work_op_t ops[2 * MOST];

static void room_op_done(uvchan_room_t* req, int status) {
  room_op_t* op = (room_op_t*)req;

  op->status = status;
  op->calls++;
}

static void room_op(room_op_t* op, uv_loop_t* loop, uvchan_pool_t* pool) {
  memset(op, 0, sizeof(*op));
  must(uvchan_pool_on_room(loop, &op->req, pool, room_op_done) == 0);
  must(op->calls == 0);
}

/* One thread, which is held; and no room. */
static uvchan_pool_t* full_pool(gate_t* gate, size_t capacity) {
  uvchan_pool_t* pool = pool_new(1, capacity);

  gate_hold(gate, &scene.loop, pool, 1);
  fill_pool(ops, capacity, &scene.loop, pool);
  ck_assert_uint_eq(uvchan_pool_room(pool), 0);
  return pool;
}

static void finish(uvchan_pool_t* pool, gate_t* gate) {
  gate_end(gate, &scene.loop);
  scene_run();
  uvchan_pool_release(pool);
}

/* ---- Room ------------------------------------------------------------------------------------ */

START_TEST(the_room_is_what_the_capacity_leaves) {
  size_t capacity = shape_capacity(_i);
  uvchan_pool_t* pool = pool_new(1, capacity);
  gate_t gate;
  size_t i;

  ck_assert_uint_eq(uvchan_pool_room(pool), capacity);
  gate_hold(&gate, &scene.loop, pool, 1);
  for (i = 0; i < capacity; i++) {
    ck_assert_uint_eq(uvchan_pool_room(pool), capacity - i);
    ck_assert_int_eq(try_work(&ops[i], &scene.loop, pool), 0);
  }
  ck_assert_uint_eq(uvchan_pool_room(pool), 0);
  submit_work(&ops[i], &scene.loop, pool);
  ck_assert_uint_eq(uvchan_pool_room(pool), 0);
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_eq(uvchan_pool_room(pool), capacity);
  ck_assert_uint_eq(uvchan_pool_room(NULL), 0);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(where_there_is_room_it_calls_back_in_the_next_turn) {
  uvchan_pool_t* pool = pool_new(1, 1);
  room_op_t op;

  room_op(&op, &scene.loop, pool);
  uv_run(&scene.loop, UV_RUN_ONCE);
  check_ended(&op, 0);
  scene_run();
  check_ended(&op, 0);
  uvchan_pool_release(pool);
}
END_TEST

/* The work that is next stands at the gate as well, when it has begun. */
static void submit_hold(gate_t* gate, uvchan_pool_t* pool) {
  gate_init(gate);
  gate->n = 1;
  work_op_init(&gate->holds[0]);
  gate->holds[0].work.data = gate;
  must(uvchan_pool_try_submit(&scene.loop, &gate->holds[0].work, pool, stand_at_gate,
                              work_op_done) == 0);
}

/* _i: a work begins, is cancelled, or its time is over. */
START_TEST(all_who_wait_are_called_back_for_one_place) {
  uvchan_pool_t* pool = pool_new(1, 2);
  room_op_t waits[NWAIT];
  gate_t gate, next;
  int i;

  gate_hold(&gate, &scene.loop, pool, 1);
  submit_hold(&next, pool);
  submit_work_ex(&ops[0], &scene.loop, pool, UVCHAN_NORMAL, _i == 2 ? 2000000 : 0);
  for (i = 0; i < NWAIT; i++) room_op(&waits[i], &scene.loop, pool);
  if (_i == 0) gate_open(&gate);
  if (_i == 1) ck_assert_int_eq(cancel_op(&ops[0]), 0);
  for (i = 0; i < NWAIT; i++) run_until(&scene.loop, waits[i].calls == 1);
  for (i = 0; i < NWAIT; i++) check_ended(&waits[i], 0);
  ck_assert_uint_eq(uvchan_pool_room(pool), 1);
  ck_assert_int_eq(try_work(&ops[1], &scene.loop, pool), 0);
  room_op(&waits[0], &scene.loop, pool);
  settle(&scene.loop);
  ck_assert_uint_eq(waits[0].calls, 0); /* who comes too late waits again */
  if (_i != 0) gate_open(&gate);
  gate_open(&next);
  scene_run();
  gate_finish(&gate, &scene.loop);
  gate_finish(&next, &scene.loop);
  check_ended(&waits[0], 0);
  uvchan_pool_release(pool);
}
END_TEST

/* Those who wait for room with a work come first. */
START_TEST(works_outside_take_the_room_before_anybody_hears_of_it) {
  gate_t gate;
  uvchan_pool_t* pool = full_pool(&gate, 2);
  room_op_t op;

  submit_work(&ops[2], &scene.loop, pool);
  room_op(&op, &scene.loop, pool);
  ck_assert_int_eq(cancel_op(&ops[0]), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(op.calls, 0);
  ck_assert_int_eq(cancel_op(&ops[1]), 0);
  run_until(&scene.loop, op.calls == 1);
  check_ended(&op, 0);
  finish(pool, &gate);
}
END_TEST

/* Room that is kept for urgent works is none. */
START_TEST(a_place_for_urgent_work_is_no_room) {
  uvchan_pool_options_t options = pool_options(1, 2);
  uvchan_pool_t* pool;
  room_op_t op;
  gate_t gate;

  options.urgent_places = 1;
  pool = pool_of(&options);
  gate_hold(&gate, &scene.loop, pool, 1);
  ck_assert_int_eq(try_work(&ops[0], &scene.loop, pool), 0);
  ck_assert_int_eq(try_work_ex(&ops[1], &scene.loop, pool, UVCHAN_URGENT), 0);
  room_op(&op, &scene.loop, pool);
  ck_assert_int_eq(cancel_op(&ops[1]), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(op.calls, 0);
  ck_assert_int_eq(cancel_op(&ops[0]), 0);
  run_until(&scene.loop, op.calls == 1);
  finish(pool, &gate);
}
END_TEST

/* ---- Its end --------------------------------------------------------------------------------- */

START_TEST(it_may_be_cancelled) {
  gate_t gate;
  uvchan_pool_t* pool = full_pool(&gate, 1);
  room_op_t waits[NWAIT];
  int i;

  for (i = 0; i < NWAIT; i++) room_op(&waits[i], &scene.loop, pool);
  ck_assert_int_eq(cancel_op(&waits[_i]), 0);
  ck_assert_int_eq(cancel_op(&waits[_i]), UV_EBUSY);
  run_until(&scene.loop, waits[_i].calls == 1);
  check_ended(&waits[_i], UV_ECANCELED);
  for (i = 0; i < NWAIT; i++) ck_assert_uint_eq(waits[i].calls, i == _i ? 1 : 0);
  finish(pool, &gate);
  for (i = 0; i < NWAIT; i++) check_ended(&waits[i], i == _i ? UV_ECANCELED : 0);
}
END_TEST

START_TEST(a_cancel_that_comes_too_late_changes_nothing) {
  uvchan_pool_t* pool = pool_new(1, 1);
  room_op_t op;

  room_op(&op, &scene.loop, pool);
  ck_assert_int_eq(cancel_op(&op), UV_EBUSY);
  ck_assert_uint_eq(op.calls, 0);
  scene_run();
  check_ended(&op, 0);
  ck_assert_int_eq(cancel_op(&op), UV_EBUSY);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(a_closed_pool_has_no_room) {
  gate_t gate;
  uvchan_pool_t* pool = full_pool(&gate, 1);
  room_op_t before, after;

  room_op(&before, &scene.loop, pool);
  ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, _i == 0 ? 0 : UINT64_MAX, NULL), 0);
  room_op(&after, &scene.loop, pool);
  run_until(&scene.loop, before.calls == 1 && after.calls == 1);
  check_ended(&before, UV_EPIPE);
  check_ended(&after, UV_EPIPE);
  ck_assert_uint_eq(uvchan_pool_room(pool), 0);
  finish(pool, &gate);
}
END_TEST

/* A request holds the pool, and keeps its loop alive. */
START_TEST(it_holds_the_pool_and_its_loop) {
  uvchan_pool_t* pool = pool_new(1, 1);
  uv_loop_t loop;
  room_op_t op;

  support_loop_open(&loop);
  room_op(&op, &loop, pool);
  uvchan_pool_release(pool);
  ck_assert(uv_loop_alive(&loop));
  ck_assert_int_eq(uv_loop_close(&loop), UV_EBUSY);
  support_loop_finish(&loop);
  check_ended(&op, 0);
}
END_TEST

/* ---- Beside others --------------------------------------------------------------------------- */

#define NLOOPS 3
#define NWORKS 300

/* A loop that tries, and asks for room where it is refused. */
typedef struct {
  uv_thread_t thread;
  uv_loop_t loop;
  uvchan_pool_t* pool;
  uvchan_room_t room;
  work_op_t ops[NWORKS];
  int n;
} client_t;

static client_t clients[NLOOPS];

static void submit_more(uvchan_room_t* req, int status) {
  client_t* client = req->data;

  must(status == 0);
  for (; client->n < NWORKS; client->n++) {
    int r = try_work(&client->ops[client->n], &client->loop, client->pool);

    must(r == 0 || r == UV_EAGAIN);
    if (r == 0) continue;
    must(uvchan_pool_on_room(&client->loop, req, client->pool, submit_more) == 0);
    return;
  }
}

static void run_client(void* arg) {
  client_t* client = arg;

  client->room.data = client;
  submit_more(&client->room, 0);
  must(uv_run(&client->loop, UV_RUN_DEFAULT) == 0);
}

START_TEST(loops_that_try_and_wait_for_room_get_all_done) {
  uvchan_pool_t* pool = pool_new(shape_threads(_i), shape_capacity(_i));
  int i;

  for (i = 0; i < NLOOPS; i++) {
    client_t* client = &clients[i];

    memset(client, 0, sizeof(*client));
    client->pool = pool;
    support_loop_open(&client->loop);
    support_start(&client->thread, run_client, client);
  }
  for (i = 0; i < NLOOPS; i++) {
    support_join(&clients[i].thread);
    support_loop_finish(&clients[i].loop);
    check_all_ended(clients[i].ops, NWORKS, 0);
  }
  ck_assert_uint_eq(pool_at_rest(pool).done, NLOOPS * NWORKS);
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-room");
  TCase* tcase = scene_tcase(suite, "room");

  tcase_add_loop_test(tcase, the_room_is_what_the_capacity_leaves, 0, POOL_NSHAPES);
  tcase_add_test(tcase, where_there_is_room_it_calls_back_in_the_next_turn);
  tcase_add_loop_test(tcase, all_who_wait_are_called_back_for_one_place, 0, 3);
  tcase_add_test(tcase, works_outside_take_the_room_before_anybody_hears_of_it);
  tcase_add_test(tcase, a_place_for_urgent_work_is_no_room);
  tcase = scene_tcase(suite, "end");
  tcase_add_loop_test(tcase, it_may_be_cancelled, 0, NWAIT);
  tcase_add_test(tcase, a_cancel_that_comes_too_late_changes_nothing);
  tcase_add_loop_test(tcase, a_closed_pool_has_no_room, 0, 2);
  tcase_add_test(tcase, it_holds_the_pool_and_its_loop);
  tcase = scene_tcase(suite, "beside others");
  tcase_add_loop_test(tcase, loops_that_try_and_wait_for_room_get_all_done, 0, POOL_NSHAPES);
  return support_main(suite);
}
