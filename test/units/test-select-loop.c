/* SPDX-License-Identifier: MIT */
/* Select requests on a loop: which case is chosen, with what chance, and what is left alone. */
#include "scene.h"

#define DRAWS 4000

START_TEST(the_one_case_that_is_ready_is_chosen) {
  uvchan_t* ch = scene_channel(support_capacities[1 + _i]);
  uvchan_t* idle = scene_channel(0);
  select_op_t select;

  ck_assert_int_eq(try_send(ch, 5), 0);
  select_case(&select, 0, idle, UVCHAN_RECV, 0);
  select_case(&select, 1, idle, UVCHAN_SEND, 0);
  select_case(&select, 2, ch, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 3);
  scene_run();
  ck_assert_uint_eq(select.calls, 1);
  ck_assert_int_eq(select.index, 2);
  ck_assert_int_eq(select.cases[2].status, 0);
  ck_assert_uint_eq(select.values[2], 5);
  ck_assert_uint_eq(rest(idle).waiting_senders + rest(idle).waiting_receivers, 0);
  scene_finish();
}
END_TEST

START_TEST(a_select_that_waits_takes_what_comes_first_and_leaves_the_rest) {
  uvchan_t* chs[3];
  select_op_t select;
  size_t i;

  for (i = 0; i < 3; i++) {
    chs[i] = support_channel(8, support_capacities[_i]);
    select_case(&select, i, chs[i], UVCHAN_RECV, 0);
  }
  select_op(&select, &scene.loop, 3);
  settle(&scene.loop);
  ck_assert_uint_eq(select.calls, 0);
  ck_assert_int_eq(try_send(chs[1], 5), 0);
  ck_assert_int_eq(try_send(chs[0], 6), support_capacities[_i] == 0 ? UV_EAGAIN : 0);
  scene_run();
  ck_assert_uint_eq(select.calls, 1);
  ck_assert_int_eq(select.index, 1);
  ck_assert_uint_eq(select.values[1], 5);
  ck_assert_uint_eq(select.values[0], 0);
  if (support_capacities[_i] != 0) ck_assert(takes(chs[0], 6));
  for (i = 0; i < 3; i++) {
    ck_assert_uint_eq(rest(chs[i]).waiting_receivers, 0);
    uvchan_release(chs[i]);
  }
  scene_finish();
}
END_TEST

START_TEST(a_send_case_that_waits_is_taken_by_a_receive) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  select_op_t select;
  uint64_t n = 0;
  uint64_t i;

  while (try_send(ch, n) == 0) n++;
  select_case(&select, 0, NULL, UVCHAN_RECV, 0);
  select_case(&select, 1, ch, UVCHAN_SEND, n);
  select_op(&select, &scene.loop, 2);
  settle(&scene.loop);
  ck_assert_uint_eq(select.calls, 0);
  for (i = 0; i <= n; i++) ck_assert(takes(ch, i));
  ck_assert(is_empty(ch));
  scene_run();
  ck_assert_uint_eq(select.calls, 1);
  ck_assert_int_eq(select.index, 1);
  ck_assert_int_eq(select.cases[1].status, 0);
  scene_finish();
}
END_TEST

/* The counts of a fair draw of four stay within 1/4 +- 8 standard deviations: a false alarm is
 * rarer than 10^-14. */
static void check_even(const unsigned int* counts, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) {
    ck_assert_uint_gt(counts[i], DRAWS / n - 260);
    ck_assert_uint_lt(counts[i], DRAWS / n + 260);
  }
}

START_TEST(of_several_ready_cases_each_has_the_same_chance) {
  uvchan_t* chs[2];
  select_op_t select;
  unsigned int counts[4] = {0, 0, 0, 0};
  size_t i;
  int draw;

  for (i = 0; i < 2; i++) chs[i] = support_channel(8, 16);
  for (draw = 0; draw < DRAWS; draw++) {
    for (i = 0; i < 2; i++) {
      if (uvchan_len(chs[i]) == 0) ck_assert_int_eq(try_send(chs[i], 1), 0);
      if (uvchan_len(chs[i]) == 16) ck_assert(takes(chs[i], 1));
    }
    select_case(&select, 0, chs[0], UVCHAN_RECV, 0);
    select_case(&select, 1, chs[0], UVCHAN_SEND, 1);
    select_case(&select, 2, chs[1], UVCHAN_RECV, 0);
    select_case(&select, 3, chs[1], UVCHAN_SEND, 1);
    select_op(&select, &scene.loop, 4);
    run_until(&scene.loop, select.calls != 0);
    must(select.calls == 1);
    must(select.index >= 0 && select.index < 4);
    counts[select.index]++;
  }
  check_even(counts, 4);
  for (i = 0; i < 2; i++) uvchan_release(chs[i]);
  scene_finish();
}
END_TEST

START_TEST(a_channel_in_several_cases_has_the_chance_of_each_of_them) {
  uvchan_t* ch = support_channel(8, 1);
  uvchan_t* other = support_channel(8, 1);
  select_op_t select;
  unsigned int counts[4] = {0, 0, 0, 0};
  size_t i;
  int draw;

  for (draw = 0; draw < DRAWS; draw++) {
    (void)try_send(ch, 1);
    (void)try_send(other, 1);
    for (i = 0; i < 4; i++) select_case(&select, i, i == 3 ? other : ch, UVCHAN_RECV, 0);
    select_op(&select, &scene.loop, 4);
    run_until(&scene.loop, select.calls != 0);
    must(select.calls == 1);
    counts[select.index]++;
  }
  check_even(counts, 4);
  uvchan_release(ch);
  uvchan_release(other);
  scene_finish();
}
END_TEST

/* The select waits first, then one send decides which of the cases of the same channel it is. */
START_TEST(a_channel_in_several_cases_is_drawn_evenly_after_waiting_too) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uvchan_t* other = support_channel(8, 0);
  select_op_t select;
  unsigned int counts[5] = {0, 0, 0, 0, 0};
  size_t i;
  int draw;

  for (draw = 0; draw < DRAWS; draw++) {
    for (i = 0; i < 5; i++) select_case(&select, i, i == 2 ? other : ch, UVCHAN_RECV, 0);
    select_op(&select, &scene.loop, 5);
    must(try_send(ch, 1) == 0);
    run_until(&scene.loop, select.calls != 0);
    must(select.calls == 1);
    counts[select.index]++;
  }
  ck_assert_uint_eq(counts[2], 0);
  counts[2] = counts[4];
  check_even(counts, 4);
  uvchan_release(ch);
  uvchan_release(other);
  scene_finish();
}
END_TEST

START_TEST(null_channels_are_never_ready) {
  select_op_t select;
  size_t i;

  for (i = 0; i < 3; i++) select_case(&select, i, NULL, i == 1 ? UVCHAN_SEND : UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 3);
  settle(&scene.loop);
  ck_assert_uint_eq(select.calls, 0);
  ck_assert(uv_loop_alive(&scene.loop));
  ck_assert_int_eq(cancel_op(&select), 0);
  scene_run();
  ck_assert_int_eq(select.index, UV_ECANCELED);
  scene_finish();
}
END_TEST

START_TEST(bad_arguments_are_refused_and_never_call_back) {
  uvchan_t* ch = support_channel(8, 1);
  uv_loop_t loop;
  select_op_t select;

  support_loop_open(&loop);
  memset(&select, 0, sizeof(select));
  select_case(&select, 0, ch, UVCHAN_RECV, 0);
  ck_assert_int_eq(uvchan_select(&loop, &select.req, select.cases, 0, select_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_select(NULL, &select.req, select.cases, 1, select_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_select(&loop, NULL, select.cases, 1, select_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_select(&loop, &select.req, NULL, 1, select_op_done), UV_EINVAL);
  select.cases[0].value = NULL;
  ck_assert_int_eq(uvchan_select(&loop, &select.req, select.cases, 1, select_op_done), UV_EINVAL);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  ck_assert_uint_eq(select.calls, 0);
  uvchan_release(ch);
}
END_TEST

#define CROWD 100

static unsigned int crowd_calls;
static int crowd_index;

static void crowd_done(uvchan_select_t* req, int index) {
  (void)req;
  crowd_calls++;
  crowd_index = index;
}

static void crowd_cases(uvchan_case_t* cases, uvchan_t** chs, uint64_t* values, size_t n) {
  size_t i;
  memset(cases, 0, n * sizeof(*cases));
  for (i = 0; i < n; i++) {
    cases[i].ch = chs[i];
    cases[i].op = UVCHAN_RECV;
    cases[i].value = &values[i];
  }
}

START_TEST(a_select_may_have_any_number_of_cases) {
  uvchan_case_t cases[CROWD];
  uvchan_t* chs[CROWD];
  uint64_t values[CROWD];
  uvchan_select_t select;
  size_t n;
  size_t i;

  for (i = 0; i < CROWD; i++) chs[i] = support_channel(8, support_capacities[_i]);
  for (n = 1; n <= CROWD; n++) {
    crowd_calls = 0;
    crowd_cases(cases, chs, values, n);
    must(uvchan_select(&scene.loop, &select, cases, n, crowd_done) == 0);
    must(try_send(chs[n - 1], n) == 0);
    must(uv_run(&scene.loop, UV_RUN_DEFAULT) == 0);
    must(crowd_calls == 1);
    must(crowd_index == (int)n - 1);
    must(values[n - 1] == n);
    must(rest(chs[0]).waiting_receivers == 0);
  }
  for (i = 0; i < CROWD; i++) uvchan_release(chs[i]);
  scene_finish();
}
END_TEST

START_TEST(a_select_never_pairs_with_itself) {
  uvchan_t* ch = scene_channel(0);
  select_op_t one;
  select_op_t two;

  select_case(&one, 0, ch, UVCHAN_SEND, 5);
  select_case(&one, 1, ch, UVCHAN_RECV, 0);
  select_op(&one, &scene.loop, 2);
  settle(&scene.loop);
  ck_assert_uint_eq(one.calls, 0);
  select_case(&two, 0, ch, UVCHAN_RECV, 0);
  select_case(&two, 1, ch, UVCHAN_SEND, 6);
  select_op(&two, &scene.loop, 2);
  scene_run();
  ck_assert_uint_eq(one.calls, 1);
  ck_assert_uint_eq(two.calls, 1);
  ck_assert_int_eq(one.index, two.index);
  if (one.index == 0) {
    ck_assert_uint_eq(two.values[0], 5);
  } else {
    ck_assert_uint_eq(one.values[1], 6);
  }
  scene_finish_loop();
  ck_assert_uint_eq(support_at_rest(ch).received, 1);
}
END_TEST

START_TEST(two_selects_that_wait_for_one_value_get_it_once) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_t* other = scene_channel(support_capacities[_i]);
  select_op_t selects[2];
  int i;

  for (i = 0; i < 2; i++) {
    select_case(&selects[i], 0, ch, UVCHAN_RECV, 0);
    select_case(&selects[i], 1, other, UVCHAN_RECV, 0);
    select_op(&selects[i], &scene.loop, 2);
  }
  ck_assert_int_eq(try_send(ch, 5), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(selects[0].calls + selects[1].calls, 1);
  ck_assert_int_eq(try_send(other, 6), 0);
  scene_run();
  ck_assert_uint_eq(selects[0].calls, 1);
  ck_assert_uint_eq(selects[1].calls, 1);
  ck_assert_int_ne(selects[0].index, selects[1].index);
  scene_finish();
}
END_TEST

/* Its places in the queues of the other channels are still there until its callback. */
START_TEST(a_select_that_was_chosen_elsewhere_is_passed_over) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  uvchan_t* other = scene_channel(support_capacities[_i]);
  select_op_t select;
  recv_op_t recv;

  select_case(&select, 0, ch, UVCHAN_RECV, 0);
  select_case(&select, 1, other, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 2);
  recv_op(&recv, &scene.loop, other);
  ck_assert_int_eq(try_send(ch, 5), 0);
  ck_assert_uint_eq(rest(other).waiting_receivers, 1);
  ck_assert_int_eq(try_send(other, 6), 0);
  ck_assert_int_eq(cancel_op(&recv), UV_EBUSY);
  scene_run();
  ck_assert_int_eq(select.index, 0);
  ck_assert_uint_eq(select.values[0], 5);
  ck_assert_uint_eq(recv.value, 6);
  scene_finish();
}
END_TEST

START_TEST(a_closed_channel_makes_its_cases_ready) {
  uvchan_t* closed = support_channel(8, support_capacities[_i]);
  uvchan_t* idle = support_channel(8, 0);
  uv_loop_t loop;
  select_op_t recv;
  select_op_t send;
  int late;

  for (late = 0; late < 2; late++) {
    support_loop_open(&loop);
    if (late == 0) ck_assert_int_eq(uvchan_close_with(closed, UV_ECONNRESET), 0);
    select_case(&recv, 0, idle, UVCHAN_RECV, 0);
    select_case(&recv, 1, closed, UVCHAN_RECV, 0);
    select_op(&recv, &loop, 2);
    select_case(&send, 0, closed, UVCHAN_SEND, 5);
    select_op(&send, &loop, 1);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(recv.index, 1);
    ck_assert_int_eq(recv.cases[1].status, UV_ECONNRESET);
    ck_assert_int_eq(send.index, 0);
    ck_assert_int_eq(send.cases[0].status, UV_EPIPE);
    support_loop_finish(&loop);
  }
  uvchan_release(closed);
  uvchan_release(idle);
}
END_TEST

START_TEST(close_wakes_a_select_that_waits) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uvchan_t* idle = scene_channel(0);
  select_op_t recv;
  select_op_t send;
  uint64_t n = 0;

  select_case(&recv, 0, idle, UVCHAN_RECV, 0);
  select_case(&recv, 1, ch, UVCHAN_RECV, 0);
  select_op(&recv, &scene.loop, 2);
  select_case(&send, 0, idle, UVCHAN_RECV, 0);
  select_case(&send, 1, idle, UVCHAN_RECV, 0);
  select_case(&send, 2, ch, UVCHAN_RECV, 0);
  select_op(&send, &scene.loop, 3);
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_run();
  ck_assert_int_eq(recv.index, 1);
  ck_assert_int_eq(recv.cases[1].status, UV_EOF);
  ck_assert_int_eq(send.index, 2);
  uvchan_release(ch);

  ch = support_channel(8, support_capacities[_i]);
  while (try_send(ch, n) == 0) n++;
  select_case(&send, 0, idle, UVCHAN_RECV, 0);
  select_case(&send, 1, ch, UVCHAN_SEND, 5);
  select_op(&send, &scene.loop, 2);
  ck_assert_int_eq(uvchan_close(ch), 0);
  scene_run();
  ck_assert_int_eq(send.index, 1);
  ck_assert_int_eq(send.cases[1].status, UV_EPIPE);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

START_TEST(a_send_case_hands_its_value_to_a_started_receiver) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  select_op_t select;
  sink_t sink;
  uint64_t i;

  sink_start(&sink, &scene.loop, ch);
  for (i = 0; i < 10; i++) {
    select_case(&select, 0, NULL, UVCHAN_RECV, 0);
    select_case(&select, 1, ch, UVCHAN_SEND, i);
    select_op(&select, &scene.loop, 2);
    settle(&scene.loop);
    ck_assert_int_eq(select.index, 1);
    ck_assert_uint_eq(sink.values, i + 1);
  }
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(a_channel_that_is_gone_for_its_user_stays_for_a_pending_select) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  select_op_t select;

  select_case(&select, 0, ch, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 1);
  ck_assert_int_eq(uvchan_close(ch), 0);
  uvchan_release(ch);
  scene_finish_loop();
  ck_assert_int_eq(select.index, 0);
  ck_assert_int_eq(select.cases[0].status, UV_EOF);
}
END_TEST

/* It waits in both queues of the channel, and is in nobody's way in either of them. */
START_TEST(a_select_that_waits_for_both_sides_of_a_channel_pairs_with_others) {
  uvchan_t* ch = scene_channel(0);
  select_op_t select;
  uint64_t value = 0;
  select_case(&select, 0, ch, UVCHAN_SEND, 3);
  select_case(&select, 1, ch, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 2);
  settle(&scene.loop);
  if (_i == 0) {
    ck_assert_int_eq(try_send(ch, 5), 0);
  } else {
    ck_assert_int_eq(uvchan_try_recv(ch, &value), 0);
    ck_assert_uint_eq(value, 3);
  }
  settle(&scene.loop);
  ck_assert_uint_eq(select.calls, 1);
  ck_assert_int_eq(select.index, _i == 0 ? 1 : 0);
  if (_i == 0) ck_assert_uint_eq(select.values[1], 5);
  scene_finish();
}
END_TEST

int main(void) {
  Suite* suite = suite_create("select-loop");
  TCase* choice = scene_tcase(suite, "choice");
  TCase* ends = scene_tcase(suite, "ends");

  tcase_add_loop_test(choice, the_one_case_that_is_ready_is_chosen, 0, SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(choice, a_select_that_waits_takes_what_comes_first_and_leaves_the_rest, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(choice, a_send_case_that_waits_is_taken_by_a_receive, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_test(choice, of_several_ready_cases_each_has_the_same_chance);
  tcase_add_test(choice, a_channel_in_several_cases_has_the_chance_of_each_of_them);
  tcase_add_loop_test(choice, a_channel_in_several_cases_is_drawn_evenly_after_waiting_too, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_test(choice, null_channels_are_never_ready);
  tcase_add_test(choice, bad_arguments_are_refused_and_never_call_back);
  tcase_add_loop_test(choice, a_select_may_have_any_number_of_cases, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(choice, a_select_never_pairs_with_itself);
  tcase_add_loop_test(choice, two_selects_that_wait_for_one_value_get_it_once, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(choice, a_send_case_hands_its_value_to_a_started_receiver, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(choice, a_select_that_was_chosen_elsewhere_is_passed_over, 0,
                      SUPPORT_NCAPACITIES);

  tcase_add_loop_test(ends, a_closed_channel_makes_its_cases_ready, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(ends, close_wakes_a_select_that_waits, 0, SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(ends, a_channel_that_is_gone_for_its_user_stays_for_a_pending_select, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(choice, a_select_that_waits_for_both_sides_of_a_channel_pairs_with_others, 0,
                      2);
  return support_main(suite);
}
