/* SPDX-License-Identifier: MIT */
/* A child of fork() uses loops and channels of its own, whatever the parent's other threads were
 * doing. */
#include "child.h"

#if CAN_FORK

/* ---- Threads of the parent's: each has a loop, and makes and ends its hub, or sends ---------- */

#define NSTORMS 2

typedef struct {
  uv_thread_t thread;
  uv_loop_t loop;
  uvchan_t* ch;
  atomic_int* ends;
  atomic_uint rounds;
} storm_t;

static void make_and_end(void* arg) {
  storm_t* storm = arg;
  while (!atomic_load(storm->ends)) {
    uvchan_receiver_t receiver;
    must(uvchan_receiver_init(&storm->loop, &receiver, storm->ch) == 0);
    uvchan_receiver_close(&receiver, NULL);
    while (uv_run(&storm->loop, UV_RUN_NOWAIT) != 0) continue;
    atomic_fetch_add(&storm->rounds, 1);
  }
}

static void make_send_and_end(void* arg) {
  storm_t* storm = arg;
  while (!atomic_load(storm->ends)) {
    sink_t sink;
    sink_start(&sink, &storm->loop, storm->ch);
    must(try_send(storm->ch, 0) == 0);
    while (sink.values == 0) uv_run(&storm->loop, UV_RUN_NOWAIT);
    sink_close(&sink);
    while (uv_run(&storm->loop, UV_RUN_NOWAIT) != 0) continue;
    atomic_fetch_add(&storm->rounds, 1);
  }
}

static void storm_begin(storm_t* storms, uv_thread_cb body, atomic_int* ends) {
  int i;
  atomic_store(ends, 0);
  for (i = 0; i < NSTORMS; i++) {
    storms[i].ends = ends;
    storms[i].ch = support_channel(8, 16);
    atomic_store(&storms[i].rounds, 0);
    support_loop_open(&storms[i].loop);
    support_start(&storms[i].thread, body, &storms[i]);
  }
  for (i = 0; i < NSTORMS; i++) support_await(atomic_load(&storms[i].rounds) > 0);
}

static void storm_end(storm_t* storms, atomic_int* ends) {
  int i;
  atomic_store(ends, 1);
  for (i = 0; i < NSTORMS; i++) {
    support_join(&storms[i].thread);
    support_loop_finish(&storms[i].loop);
    uvchan_release(storms[i].ch);
  }
}

/* ---- What a child does by itself ------------------------------------------------------------- */

#define CHILD_VALUES 20

static void send_and_close(void* arg) {
  uvchan_t* ch = arg;
  uint64_t number;
  for (number = 0; number < CHILD_VALUES; number++) must(uvchan_send_wait(ch, &number) == 0);
  must(uvchan_close(ch) == 0);
}

static void use_what_is_its_own(void) {
  uv_thread_t thread;
  uv_loop_t loop;
  sink_t sink;
  uvchan_t* ch = support_channel(8, 1);
  child_must(uv_loop_init(&loop) == 0);
  sink_start(&sink, &loop, ch);
  sink.close_at_end = 1;
  child_must(uv_thread_create(&thread, send_and_close, ch) == 0);
  while (uv_run(&loop, UV_RUN_DEFAULT) != 0) continue;
  child_must(uv_thread_join(&thread) == 0);
  child_must(sink.values == CHILD_VALUES && sink.ends == 1 && sink.closes == 1);
  child_must(uv_loop_close(&loop) == 0);
  uvchan_release(ch);
}

static void fork_beside(uv_thread_cb body) {
  storm_t storms[NSTORMS];
  atomic_int ends;
  int i, n = support_count(200);
  use_places();
  storm_begin(storms, body, &ends);
  for (i = 0; i < n; i++) {
    pid_t pid = fork_child();
    if (pid == 0) {
      use_what_is_its_own();
      end_child(0);
    }
    await_child(pid);
  }
  storm_end(storms, &ends);
}

START_TEST(a_child_uses_its_own_while_the_parents_threads_make_and_end_hubs) {
  fork_beside(make_and_end);
}
END_TEST

START_TEST(a_child_uses_its_own_while_the_parents_threads_send) { fork_beside(make_send_and_end); }
END_TEST

static void fork_again(void) {
  pid_t pid = fork_child();
  if (pid == 0) {
    use_what_is_its_own();
    end_child(0);
  }
  await_child(pid);
}

START_TEST(a_child_of_a_child_uses_its_own) {
  storm_t storms[NSTORMS];
  atomic_int ends;
  int i, n = support_count(20);
  use_places();
  storm_begin(storms, make_and_end, &ends);
  for (i = 0; i < n; i++) {
    pid_t pid = fork_child();
    if (pid == 0) {
      storm_t own[NSTORMS];
      atomic_int own_ends;
      storm_begin(own, make_and_end, &own_ends);
      fork_again();
      storm_end(own, &own_ends);
      end_child(0);
    }
    await_child(pid);
  }
  storm_end(storms, &ends);
}
END_TEST

/* Its hub's list of wake-ups stands on its own stack: it is carried out in the child as in the
 * parent. */
static void fork_on_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  pid_t* pid = arg;
  (void)value;
  (void)reason;
  if (*pid == -1) *pid = fork_child();
}

START_TEST(a_child_that_is_made_in_a_drop_callback_goes_on_in_the_call) {
  uvchan_options_t options;
  pid_t pid = -1;
  uvchan_t* ch;
  memset(&options, 0, sizeof(options));
  options.elem_size = 8;
  options.capacity = 4;
  options.drop_cb = fork_on_drop;
  options.drop_arg = &pid;
  ck_assert_int_eq(uvchan_create_ex(&ch, &options), 0);
  ck_assert_int_eq(try_send(ch, 1), 0);
  ck_assert_int_eq(try_send(ch, 2), 0);
  must(uvchan_abort(ch, UV_ECANCELED) == 0);
  uvchan_release(ch);
  if (pid == 0) {
    child_must(support_allocations() == 0);
    use_what_is_its_own();
    end_child(0);
  }
  await_child(pid);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("fork");
  TCase* own = support_tcase(suite, "what the child makes itself");

  tcase_add_test(own, a_child_uses_its_own_while_the_parents_threads_make_and_end_hubs);
  tcase_add_test(own, a_child_uses_its_own_while_the_parents_threads_send);
  tcase_add_test(own, a_child_of_a_child_uses_its_own);
  tcase_add_test(own, a_child_that_is_made_in_a_drop_callback_goes_on_in_the_call);
  return support_main(suite);
}

#else

int main(void) { return 0; }

#endif /* CAN_FORK */
