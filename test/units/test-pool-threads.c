/* SPDX-License-Identifier: MIT */
/* A pool's threads: begun when they are needed, each with its own state, and fewer where one can't
 * be made or its begin fails. The file that calls uv_thread_create_ex() is compiled once more for
 * this program (tests.cmake) and calls uv_thread_create_ex_or_fail() instead, which fails on
 * demand: so any libuv will do. */
#ifdef __linux__
#define _GNU_SOURCE /* pthread_getattr_np() */
#endif

#include "scene.h"
#include "works.h"

#ifdef __linux__
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#endif

int uv_thread_create_ex_or_fail(uv_thread_t* id, const uv_thread_options_t* options,
                                uv_thread_cb entry, void* arg);

static atomic_uint creations;  /* calls */
static atomic_uint fails_from; /* the first call that fails; UINT_MAX: none */

int uv_thread_create_ex_or_fail(uv_thread_t* id, const uv_thread_options_t* options,
                                uv_thread_cb entry, void* arg) {
  unsigned int n = atomic_fetch_add(&creations, 1);

  if (n >= atomic_load(&fails_from)) return UV_EAGAIN;
  return uv_thread_create_ex(id, options, entry, arg);
}

static void fail_from(unsigned int n) {
  atomic_store(&creations, 0);
  atomic_store(&fails_from, n);
}

#define NWORKS 100

static work_op_t ops[NWORKS];

/* ---- State ----------------------------------------------------------------------------------- */

#define MOST_STATES 16

typedef struct {
  uv_thread_t by;
  unsigned int works;
  int is_over;
} state_t;

static struct {
  atomic_uint begins;
  atomic_uint ends;
  atomic_uint fails_from; /* the first begin that fails */
  state_t states[MOST_STATES];
} desk;

static void desk_open(unsigned int begin_fails_from) {
  memset(&desk, 0, sizeof(desk));
  atomic_store(&desk.fails_from, begin_fails_from);
  fail_from(UINT32_MAX);
}

static int begin_state(void** state, void* arg) {
  unsigned int n = atomic_fetch_add(&desk.begins, 1);

  must(arg == &desk && *state == NULL && n < MOST_STATES);
  if (n >= atomic_load(&desk.fails_from)) return UV_EIO;
  desk.states[n].by = uv_thread_self();
  *state = &desk.states[n];
  return 0;
}

static void end_state(void* state, void* arg) {
  state_t* mine = state;
  uv_thread_t self = uv_thread_self();

  must(arg == &desk && uv_thread_equal(&mine->by, &self) && !mine->is_over);
  mine->is_over = 1;
  atomic_fetch_add(&desk.ends, 1);
}

static void use_state(uvchan_work_t* work, void* state) {
  state_t* mine = state;
  uv_thread_t self = uv_thread_self();

  work_op_run(work, state);
  must(uv_thread_equal(&mine->by, &self) && !mine->is_over);
  mine->works++;
}

static uvchan_pool_options_t with_state(unsigned int threads, size_t capacity) {
  uvchan_pool_options_t options = pool_options(threads, capacity);

  options.thread_begin = begin_state;
  options.thread_end = end_state;
  options.thread_arg = &desk;
  return options;
}

static void submit_all(uvchan_pool_t* pool, uvchan_work_cb on_work) {
  int i;

  for (i = 0; i < NWORKS; i++) {
    work_op_init(&ops[i]);
    ck_assert_int_eq(uvchan_pool_submit(&scene.loop, &ops[i].work, pool, on_work, work_op_done), 0);
  }
}

START_TEST(each_thread_has_its_state_before_its_first_work_and_until_its_last) {
  uvchan_pool_options_t options = with_state(shape_threads(_i), shape_capacity(_i));
  uvchan_pool_t* pool;
  unsigned int works = 0;
  unsigned int i;
  gate_t gate;

  desk_open(UINT32_MAX);
  pool = pool_of(&options);
  ck_assert_uint_eq(atomic_load(&desk.begins), 1); /* it has returned */
  gate_hold(&gate, &scene.loop, pool, options.threads);
  ck_assert_uint_eq(atomic_load(&desk.begins), options.threads);
  submit_all(pool, use_state);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops, NWORKS, 0);
  ck_assert_uint_eq(atomic_load(&desk.ends), 0);
  if (_i % 2 == 0) ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, 0, NULL), 0);
  if (_i % 2 == 0) scene_run();
  uvchan_pool_release(pool); /* returns when its threads have ended */
  ck_assert_uint_eq(atomic_load(&desk.begins), options.threads);
  ck_assert_uint_eq(atomic_load(&desk.ends), options.threads);
  for (i = 0; i < options.threads; i++) works += desk.states[i].works;
  ck_assert_uint_eq(works, NWORKS);
}
END_TEST

/* ---- As many as are needed ------------------------------------------------------------------- */

START_TEST(threads_begin_when_there_is_work_for_them) {
  unsigned int threads = _i == 0 ? 0 : 4;
  uvchan_pool_t* pool;
  unsigned int n;
  gate_t gate;

  desk_open(UINT32_MAX);
  pool = pool_new(threads, 8);
  ck_assert_uint_eq(pool_stats(pool).threads_at_most, 4);
  ck_assert_uint_eq(pool_stats(pool).threads, 1);
  gate_init(&gate);
  for (n = 1; n <= 4; n++) {
    gate_hold_one(&gate, &scene.loop, pool);
    ck_assert_uint_eq(pool_stats(pool).threads, n);
    ck_assert_uint_eq(pool_stats(pool).running, n);
    ck_assert_uint_eq(pool_stats(pool).threads_idle, 0);
  }
  submit_work(&ops[0], &scene.loop, pool);
  ck_assert_uint_eq(pool_stats(pool).threads, 4);
  gate_end(&gate, &scene.loop);
  scene_run();
  ck_assert_uint_eq(pool_at_rest(pool).threads, 4);
  ck_assert_uint_eq(pool_at_rest(pool).threads_idle, 4);
  ck_assert_uint_eq(atomic_load(&creations), 4);
  uvchan_pool_release(pool);
}
END_TEST

START_TEST(works_one_at_a_time_need_one_thread) {
  uvchan_pool_t* pool;
  int i;

  desk_open(UINT32_MAX);
  pool = pool_new(4, 8);
  for (i = 0; i < NWORKS; i++) {
    submit_work(&ops[i], &scene.loop, pool);
    scene_run();
  }
  ck_assert_uint_eq(pool_at_rest(pool).threads, 1);
  ck_assert_uint_eq(atomic_load(&creations), 1);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- Threads that fail ----------------------------------------------------------------------- */

/* _i: it can't be made, or its begin fails. */
START_TEST(without_its_first_thread_there_is_no_pool) {
  uvchan_pool_options_t options = with_state(4, 8);
  uvchan_pool_t* pool = (uvchan_pool_t*)&options;

  desk_open(_i == 0 ? UINT32_MAX : 0);
  if (_i == 0) fail_from(0);
  ck_assert_int_eq(uvchan_pool_create(&pool, &options), _i == 0 ? UV_EAGAIN : UV_EIO);
  ck_assert_ptr_eq(pool, (uvchan_pool_t*)&options);
  ck_assert_uint_eq(atomic_load(&desk.begins), _i == 0 ? 0 : 1);
  ck_assert_uint_eq(atomic_load(&desk.ends), 0);
  ck_assert_uint_eq(support_allocations(), 0);
}
END_TEST

static unsigned int seconds_since(uint64_t begun) {
  return (unsigned int)((uv_hrtime() - begun) / 1000000000u);
}

/* _i: it can't be made, or its begin fails; and how many there are. */
START_TEST(with_fewer_threads_all_is_done) {
  unsigned int there = 1 + (unsigned int)_i / 2;
  uvchan_pool_options_t options = with_state(4, 8);
  uint64_t begun = uv_hrtime();
  uvchan_pool_stats_t stats;
  uvchan_pool_t* pool;
  gate_t gate;

  desk_open(_i % 2 == 0 ? UINT32_MAX : there);
  if (_i % 2 == 0) fail_from(there);
  pool = pool_of(&options);
  gate_hold(&gate, &scene.loop, pool, there);
  submit_all(pool, use_state);
  support_await(pool_stats(pool).threads_failed > 0);
  support_await(pool_stats(pool).threads == there);
  ck_assert_uint_eq(pool_stats(pool).running, there);
  gate_end(&gate, &scene.loop);
  scene_run();
  check_all_ended(ops, NWORKS, 0);
  stats = pool_at_rest(pool);
  ck_assert_uint_eq(stats.threads, there);
  ck_assert_uint_ge(stats.threads_failed, 1);
  /* once in a while, as many as works waited for at most */
  ck_assert_uint_le(stats.threads_failed, (4 - there) * (2 + seconds_since(begun)));
  ck_assert_uint_eq(stats.threads_at_most, 4);
  if (_i % 2 == 1) ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, 0, NULL), 0);
  scene_run();
  uvchan_pool_release(pool);
  ck_assert_uint_eq(atomic_load(&desk.ends), there);
}
END_TEST

/* The place of the one that has failed is used again: some time later, while there is work for
 * it. */
START_TEST(a_thread_is_tried_again) {
  uvchan_pool_options_t options = with_state(2, 8);
  uvchan_pool_t* pool;
  gate_t gate;

  desk_open(_i == 0 ? UINT32_MAX : 1);
  if (_i == 0) fail_from(1);
  pool = pool_of(&options);
  gate_hold(&gate, &scene.loop, pool, 1);
  submit_work(&ops[0], &scene.loop, pool);
  support_await(pool_stats(pool).threads_failed == 1);
  fail_from(UINT32_MAX);
  atomic_store(&desk.fails_from, UINT32_MAX);
  while (ops[0].calls == 0) {
    must(try_work(&ops[1], &scene.loop, pool) == 0); /* each has it looked for a thread */
    (void)cancel_op(&ops[1]);
    run_until(&scene.loop, ops[1].calls == 1);
  }
  ck_assert_uint_eq(pool_stats(pool).threads, 2);
  gate_end(&gate, &scene.loop);
  scene_run();
  uvchan_pool_release(pool);
  ck_assert_uint_eq(atomic_load(&desk.ends), 2);
}
END_TEST

/* A thread whose begin takes its time keeps nobody from working, and what waited for it is done by
 * it where the others are held. */
static gate_t begin_gate;

static int begin_slowly(void** state, void* arg) {
  (void)state;
  (void)arg;
  if (atomic_fetch_add(&desk.begins, 1) > 0) must(uvchan_waitgroup_wait(&begin_gate.wg) == 0);
  return 0;
}

START_TEST(a_begin_that_takes_long_holds_nobody_up) {
  uvchan_pool_options_t options = pool_options(2, 8);
  uvchan_pool_t* pool;
  gate_t gate;

  desk_open(UINT32_MAX);
  options.thread_begin = begin_slowly;
  gate_init(&begin_gate);
  pool = pool_of(&options);
  gate_hold(&gate, &scene.loop, pool, 1);
  submit_work(&ops[0], &scene.loop, pool); /* has the second one made */
  support_await(atomic_load(&desk.begins) == 2);
  gate_end(&gate, &scene.loop);
  run_until(&scene.loop, ops[0].calls == 1);
  submit_work(&ops[1], &scene.loop, pool);
  run_until(&scene.loop, ops[1].calls == 1);
  if (_i == 1) ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, 0, NULL), 0);
  gate_open(&begin_gate);
  scene_run();
  check_all_ended(ops, 2, 0);
  uvchan_pool_release(pool);
}
END_TEST

/* Works that come before the first thread has taken one: as many threads begin, at once, as there are
 * works for them, and not one after the other. */
START_TEST(threads_that_begin_slowly_begin_beside_each_other) {
  uvchan_pool_options_t options = pool_options(4, 8);
  uvchan_pool_t* pool;
  gate_t gate;
  int i;

  desk_open(UINT32_MAX);
  options.thread_begin = begin_slowly;
  gate_init(&begin_gate);
  gate_init(&gate);
  pool = pool_of(&options);
  for (i = 0; i < GATE_MOST; i++) {
    work_op_t* op = &gate.holds[gate.n++];

    work_op_init(op);
    op->work.data = &gate;
    must(uvchan_pool_submit(&scene.loop, &op->work, pool, stand_at_gate, work_op_done) == 0);
  }
  support_await(atomic_load(&desk.begins) == 4);
  ck_assert_uint_le(atomic_load(&gate.entered), 1);
  gate_open(&begin_gate);
  support_await(atomic_load(&gate.entered) == 4);
  gate_end(&gate, &scene.loop);
  uvchan_pool_release(pool);
}
END_TEST

static void end_slowly(void* state, void* arg) {
  (void)state;
  (void)arg;
  must(uvchan_waitgroup_wait(&begin_gate.wg) == 0);
}

static unsigned int closes;

static void on_closed(uvchan_pool_t* pool) {
  must(pool_at_rest(pool).threads == 0);
  closes++;
}

/* The loop does not wait for it either: it turns on meanwhile. */
START_TEST(an_end_that_takes_long_holds_no_loop_up) {
  uvchan_pool_options_t options = pool_options(2, 8);
  uvchan_pool_t* pool;

  desk_open(UINT32_MAX);
  options.thread_end = end_slowly;
  gate_init(&begin_gate);
  pool = pool_of(&options);
  submit_work(&ops[0], &scene.loop, pool);
  scene_run();
  closes = 0;
  ck_assert_int_eq(uvchan_pool_close(&scene.loop, pool, 0, on_closed), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(closes, 0);
  gate_open(&begin_gate);
  scene_run();
  ck_assert_uint_eq(closes, 1);
  uvchan_pool_release(pool);
}
END_TEST

/* ---- What the system shows ------------------------------------------------------------------- */

#define STACK_BYTES ((size_t)3 << 20)

#ifdef __linux__

static struct {
  char name[16];
  size_t stack;
  sigset_t signals;
} seen;

static void look_around(uvchan_work_t* work, void* state) {
  pthread_attr_t attributes;
  void* address;

  work_op_run(work, state);
  must(prctl(PR_GET_NAME, seen.name, 0, 0, 0) == 0);
  must(pthread_getattr_np(pthread_self(), &attributes) == 0);
  must(pthread_attr_getstack(&attributes, &address, &seen.stack) == 0);
  must(pthread_attr_destroy(&attributes) == 0);
  must(pthread_sigmask(SIG_SETMASK, NULL, &seen.signals) == 0);
}

/* A name that is too long for the system is cut there, and whole in the statistics. */
START_TEST(the_threads_have_their_name_and_stack_and_no_signals) {
  char name[] = "bakers of the night";
  uvchan_pool_options_t options = pool_options(1, 1);
  sigset_t mine;
  uvchan_pool_t* pool;

  desk_open(UINT32_MAX);
  options.name = name;
  options.stack_size = STACK_BYTES;
  pool = pool_of(&options);
  memset(name, 'x', sizeof(name) - 1); /* it was copied */
  work_op_init(&ops[0]);
  ck_assert_int_eq(uvchan_pool_submit(&scene.loop, &ops[0].work, pool, look_around, work_op_done),
                   0);
  scene_run();
#ifndef UVCHAN_PORTABLE
  ck_assert_str_eq(seen.name, "bakers of the n");
#endif
  ck_assert_uint_ge(seen.stack, STACK_BYTES);
  ck_assert_uint_lt(seen.stack, 2 * STACK_BYTES);
  ck_assert_int_eq(sigismember(&seen.signals, SIGTERM), 1);
  ck_assert_int_eq(sigismember(&seen.signals, SIGINT), 1);
  ck_assert_int_eq(sigismember(&seen.signals, SIGSEGV), 0); /* for whoever reports crashes */
  ck_assert_int_eq(sigismember(&seen.signals, SIGFPE), 0);
  ck_assert_int_eq(sigismember(&seen.signals, SIGPROF), 0);
  ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mine), 0);
  ck_assert_int_eq(sigismember(&mine, SIGTERM), 0); /* of who makes a thread they stay */
  ck_assert_str_eq(pool_stats(pool).name, "bakers of the night");
  uvchan_pool_release(pool);
}
END_TEST

#endif

START_TEST(a_pool_without_a_name_has_an_empty_one) {
  uvchan_pool_t* pool;

  desk_open(UINT32_MAX);
  pool = pool_new(1, 1);
  ck_assert_str_eq(pool_stats(pool).name, "");
  uvchan_pool_release(pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-threads");
  TCase* tcase = scene_tcase(suite, "threads");

  tcase_add_loop_test(tcase, each_thread_has_its_state_before_its_first_work_and_until_its_last, 0,
                      POOL_NSHAPES);
  tcase_add_loop_test(tcase, threads_begin_when_there_is_work_for_them, 0, 2);
  tcase_add_test(tcase, works_one_at_a_time_need_one_thread);
  tcase_add_loop_test(tcase, with_fewer_threads_all_is_done, 0, 6);
  tcase_add_loop_test(tcase, a_thread_is_tried_again, 0, 2);
  tcase_add_loop_test(tcase, a_begin_that_takes_long_holds_nobody_up, 0, 2);
  tcase_add_test(tcase, threads_that_begin_slowly_begin_beside_each_other);
  tcase_add_test(tcase, an_end_that_takes_long_holds_no_loop_up);
  tcase_add_test(tcase, a_pool_without_a_name_has_an_empty_one);
#ifdef __linux__
  tcase_add_test(tcase, the_threads_have_their_name_and_stack_and_no_signals);
#endif
  tcase = support_tcase(suite, "none");
  tcase_add_loop_test(tcase, without_its_first_thread_there_is_no_pool, 0, 2);
  return support_main(suite);
}
