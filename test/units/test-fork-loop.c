/* SPDX-License-Identifier: MIT */
/* After uv_loop_fork() a child goes on with the parent's loop and channels, where no other thread
 * was inside a call on them: between turns of the loop, and within one. */
#include "inherited.h"

#if CAN_FORK

static void let_child_go_on(inherited_t* inherited, uint64_t before) {
  pid_t pid = fork_child();
  if (pid == 0) {
    child_must(uv_loop_fork(&inherited->loop) == 0);
    go_on(inherited, before);
    end_child(0);
  }
  await_child(pid);
}

START_TEST(a_child_goes_on_with_the_parents_loop_and_channel) {
  inherited_t inherited;
  inherited_open(&inherited, support_capacities[_i]);
  let_child_go_on(&inherited, 0);
  ck_assert_int_eq(uvchan_close(inherited.ch), 0);
  inherited_finish(&inherited);
  ck_assert_uint_eq(inherited.sink.values, 0);
}
END_TEST

START_TEST(a_wake_up_that_was_on_its_way_is_not_lost_on_the_child_and_does_not_make_its_loop_deaf) {
  uv_thread_t thread;
  inherited_t inherited;
  inherited_open(&inherited, support_capacities[_i]);
  support_start(&thread, send_one, inherited.ch);
  support_join(&thread);
  let_child_go_on(&inherited, 1);
  run_until(&inherited.loop, inherited.sink.values == 1);
  ck_assert_int_eq(uvchan_close(inherited.ch), 0);
  inherited_finish(&inherited);
}
END_TEST

/* The child's own child, and that after a turn or before it. */
START_TEST(a_wake_up_that_was_on_its_way_is_not_lost_on_a_grandchild) {
  uv_thread_t thread;
  inherited_t inherited;
  pid_t pid;
  inherited_open(&inherited, 16);
  support_start(&thread, send_one, inherited.ch);
  support_join(&thread);
  pid = fork_child();
  if (pid == 0) {
    child_must(uv_loop_fork(&inherited.loop) == 0);
    turn(&inherited.loop, _i);
    let_child_go_on(&inherited, 1);
    go_on(&inherited, 1);
    end_child(0);
  }
  await_child(pid);
  run_until(&inherited.loop, inherited.sink.values == 1);
  ck_assert_int_eq(uvchan_close(inherited.ch), 0);
  inherited_finish(&inherited);
}
END_TEST

START_TEST(the_parents_pending_requests_complete_in_the_child_too) {
  uv_loop_t loop;
  uvchan_waitgroup_t wg;
  uvchan_t* in = support_channel(8, 1);
  uvchan_t* out = support_channel(8, 1);
  recv_op_t recv;
  send_op_t send;
  select_op_t select;
  notify_op_t notify;
  int is_child, i;
  pid_t pid;
  support_loop_open(&loop);
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), 0);
  ck_assert_int_eq(try_send(out, 1), 0);
  recv_op(&recv, &loop, in);
  send_op(&send, &loop, out, 2);
  select_case(&select, 0, in, UVCHAN_RECV, 0);
  select_op(&select, &loop, 1);
  notify_op(&notify, &loop, &wg);
  settle(&loop);
  pid = fork_child();
  is_child = pid == 0;
  if (is_child) child_must(uv_loop_fork(&loop) == 0);
  for (i = 0; i < 2; i++) {
    uv_thread_t thread;
    support_start(&thread, send_one, in);
    support_join(&thread);
  }
  must(takes(out, 1));
  must(takes(out, 2));
  must(uvchan_waitgroup_done(&wg) == 0);
  support_loop_finish(&loop);
  must(recv.calls == 1 && recv.status == 0);
  must(send.calls == 1 && send.status == 0);
  must(select.calls == 1 && select.index == 0);
  must(notify.calls == 1 && notify.status == 0);
  uvchan_release(in);
  uvchan_release(out);
  if (is_child) end_child(support_allocations() == 0 ? 0 : 1);
  await_child(pid);
}
END_TEST

/* ---- A fork within a turn of the loop -------------------------------------------------------- */

typedef struct {
  inherited_t inherited; /* first */
  uv_prepare_t prepare;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_check_t check;
  pid_t pid;
  int may_fork;
} brood_t;

/* A value is on its way, its wake-up written before the fork; in the parent as in the child it is
 * received. */
static void fork_here(brood_t* brood) {
  uv_thread_t thread;
  support_start(&thread, send_one, brood->inherited.ch);
  support_join(&thread);
  brood->pid = fork_child();
  if (brood->pid == 0) child_must(uv_loop_fork(&brood->inherited.loop) == 0);
}

static void on_prepare(uv_prepare_t* prepare) {
  if (!((brood_t*)prepare->data)->may_fork) return;
  must(uv_prepare_stop(prepare) == 0);
  fork_here(prepare->data);
}

static void on_check(uv_check_t* check) {
  if (!((brood_t*)check->data)->may_fork) return;
  must(uv_check_stop(check) == 0);
  fork_here(check->data);
}

static void on_idle(uv_idle_t* idle) {
  if (!((brood_t*)idle->data)->may_fork) return;
  must(uv_idle_stop(idle) == 0);
  fork_here(idle->data);
}

static void on_timer(uv_timer_t* timer) {
  if (!((brood_t*)timer->data)->may_fork) return;
  must(uv_timer_stop(timer) == 0);
  fork_here(timer->data);
}

typedef enum { IN_PREPARE, IN_CHECK, IN_IDLE, IN_TIMER, NPHASES } phase_t;

static uv_handle_t* handle_of(brood_t* brood, phase_t phase) {
  if (phase == IN_PREPARE) return (uv_handle_t*)&brood->prepare;
  if (phase == IN_CHECK) return (uv_handle_t*)&brood->check;
  return phase == IN_IDLE ? (uv_handle_t*)&brood->idle : (uv_handle_t*)&brood->timer;
}

static void fork_in(brood_t* brood, phase_t phase) {
  uv_loop_t* loop = &brood->inherited.loop;
  brood->prepare.data = brood->check.data = brood->idle.data = brood->timer.data = brood;
  if (phase == IN_PREPARE) {
    must(uv_prepare_init(loop, &brood->prepare) == 0);
    must(uv_prepare_start(&brood->prepare, on_prepare) == 0);
  } else if (phase == IN_CHECK) {
    must(uv_check_init(loop, &brood->check) == 0);
    must(uv_check_start(&brood->check, on_check) == 0);
  } else if (phase == IN_IDLE) {
    must(uv_idle_init(loop, &brood->idle) == 0);
    must(uv_idle_start(&brood->idle, on_idle) == 0);
  } else {
    must(uv_timer_init(loop, &brood->timer) == 0);
    must(uv_timer_start(&brood->timer, on_timer, 1, 1) == 0);
  }
}

/* The hub's handles were there before or come after the one that forks, which is called before or
 * after them. */
START_TEST(a_child_that_is_made_within_a_turn_goes_on_with_it) {
  phase_t phase = (phase_t)(_i % NPHASES);
  brood_t brood;
  memset(&brood, 0, sizeof(brood));
  brood.pid = -1;
  if (_i < NPHASES) {
    inherited_open(&brood.inherited, 16);
    fork_in(&brood, phase);
  } else {
    support_loop_open(&brood.inherited.loop);
    fork_in(&brood, phase);
    brood.inherited.ch = support_channel(8, 16);
    sink_start(&brood.inherited.sink, &brood.inherited.loop, brood.inherited.ch);
    brood.inherited.sink.close_at_end = 1;
  }
  settle(&brood.inherited.loop); /* the hub's first turn does not block */
  brood.may_fork = 1;
  /* nothing else would end the poll before it */
  if (phase == IN_CHECK) uv_run(&brood.inherited.loop, UV_RUN_NOWAIT);
  while (brood.inherited.sink.values == 0) uv_run(&brood.inherited.loop, UV_RUN_ONCE);
  uv_close(handle_of(&brood, phase), NULL);
  if (brood.pid == 0) {
    go_on(&brood.inherited, 1);
    end_child(0);
  }
  await_child(brood.pid);
  ck_assert_int_eq(uvchan_close(brood.inherited.ch), 0);
  inherited_finish(&brood.inherited);
}
END_TEST

static void fork_on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  brood_t* brood = receiver->data;
  sink_on_value(receiver, status, value);
  if (status == 0 && brood->inherited.sink.values == 1) {
    brood->pid = fork_child();
    if (brood->pid == 0) child_must(uv_loop_fork(&brood->inherited.loop) == 0);
  }
}

START_TEST(a_child_that_is_made_in_a_receivers_callback_gets_the_later_values) {
  brood_t brood;
  uint64_t number;
  memset(&brood, 0, sizeof(brood));
  support_loop_open(&brood.inherited.loop);
  brood.inherited.ch = support_channel(8, 16);
  sink_init(&brood.inherited.sink, &brood.inherited.loop, brood.inherited.ch);
  brood.inherited.sink.handle.data = &brood;
  brood.inherited.sink.close_at_end = 1;
  ck_assert_int_eq(uvchan_recv_start(&brood.inherited.sink.handle, fork_on_value), 0);
  for (number = 0; number < 3; number++) ck_assert_int_eq(try_send(brood.inherited.ch, number), 0);
  while (brood.inherited.sink.values < 3) uv_run(&brood.inherited.loop, UV_RUN_ONCE);
  if (brood.pid == 0) {
    go_on(&brood.inherited, 3);
    end_child(0);
  }
  await_child(brood.pid);
  ck_assert_int_eq(uvchan_close(brood.inherited.ch), 0);
  inherited_finish(&brood.inherited);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("fork-loop");
  TCase* parents = support_tcase(suite, "what the parent has made");
  TCase* turn = support_tcase(suite, "within a turn");

  tcase_add_loop_test(parents, a_child_goes_on_with_the_parents_loop_and_channel, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(
      parents,
      a_wake_up_that_was_on_its_way_is_not_lost_on_the_child_and_does_not_make_its_loop_deaf, 0,
      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(parents, a_wake_up_that_was_on_its_way_is_not_lost_on_a_grandchild, 0, 4);
  tcase_add_test(parents, the_parents_pending_requests_complete_in_the_child_too);

  tcase_add_loop_test(turn, a_child_that_is_made_within_a_turn_goes_on_with_it, 0, 2 * NPHASES);
  tcase_add_test(turn, a_child_that_is_made_in_a_receivers_callback_gets_the_later_values);
  return support_main(suite);
}

#else

int main(void) { return 0; }

#endif /* CAN_FORK */
