/* SPDX-License-Identifier: MIT */
/* At the limits of what may be asked for, and of what a stranger may put into a stream. */
#include "ends.h"

static void cut(const in_t* in) {
  uint64_t connects = in_stats(in).connects;

  server_do("CLIENT KILL TYPE normal SKIPME yes");
  run_until(&scene.loop, in_stats(in).connects >= connects + 2 || in->source_ends > 0);
}

/* The second connection has nothing to ask while all slots are out. */
START_TEST(a_source_that_is_busy_does_not_give_up) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;
  in_t in;

  in_with.in_flight = 1;
  in_with.server.give_up_ms = 500;
  in_with.server.backoff_least_ms = 1;
  in_with.server.backoff_most_ms = 10;
  out_open(&out, 16, &with);
  send_numbers(&out, 0, 2);
  in_open(&in, 4, &in_with);
  in.hold = 1;
  run_until(&scene.loop, in.nheld == 1);
  cut(&in);
  let_pass(600);
  cut(&in);
  ck_assert_uint_eq(in.source_ends, 0);
  must(uvchan_redis_done(&in.held[0].ticket) == 0);
  must(uvchan_close(out.ch) == 0);
  run_to_end(&out, &in);
  ck_assert_int_eq(in.status, UV_EOF);
  in_close(&in);
  out_close(&out);
}
END_TEST

/* UINT64_MAX is what a program may write for never. */
START_TEST(a_time_may_be_as_long_as_any) {
  uvchan_redis_source_options_t with = in_options("one");
  uint64_t* const times[] = {&with.server.reply_timeout_ms, &with.claim_after_ms, &with.block_ms};
  in_t in;

  *times[_i] = UINT64_MAX;
  in_open(&in, 4, &with);
  let_pass(200);
  ck_assert_uint_eq(in_stats(&in).failures, 0);
  ck_assert_int_eq(in_stats(&in).state, UVCHAN_REDIS_RUNNING);
  in_close(&in);
}
END_TEST

/* One that has a slot is in the new group as well. */
START_TEST(a_group_that_is_made_again_brings_nothing_twice) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;
  in_t in;

  in_with.server.backoff_least_ms = 1;
  in_with.in_flight = 4;
  out_open(&out, 16, &with);
  in_open(&in, 4, &in_with);
  in.hold = 1;
  send_numbers(&out, 0, 1);
  run_until(&scene.loop, in.nheld == 1);
  server_do("XGROUP DESTROY uvchan:{orders}:stream uvchan");
  run_until(&scene.loop, in_stats(&in).failures > 0);
  send_numbers(&out, 1, 2);
  run_until(&scene.loop, in_stats(&in).done == 1);
  ck_assert_uint_eq(in.values, 2);
  ck_assert_uint_eq(in.again, 0);
  must(uvchan_redis_done(&in.held[0].ticket) == 0);
  must(uvchan_close(out.ch) == 0);
  run_to_end(&out, &in);
  ck_assert_uint_eq(in.values, 2);
  in_close(&in);
  out_close(&out);
}
END_TEST

/* Nothing that it asks brings it there: it has no room, or it leaves. */
START_TEST(a_source_that_asks_for_nothing_outlives_its_group) {
  int (*const words[])(const uvchan_redis_ticket_t*) = {uvchan_redis_done, uvchan_redis_requeue};
  int is_leaving = _i / 2;
  uvchan_redis_source_options_t with = in_patient("one");
  in_t in;

  put_numbers(0, 2);
  with.in_flight = 2;
  with.server.backoff_least_ms = 1;
  with.server.backoff_most_ms = 10;
  in_open(&in, 16, &with);
  in.hold = 2;
  run_until(&scene.loop, in.nheld == 2);
  if (is_leaving) {
    must(uvchan_close(in.ch) == 0);
    must(uvchan_redis_done(&in.held[0].ticket) == 0);
    run_until(&scene.loop, in_stats(&in).state == UVCHAN_REDIS_ENDING);
  }
  server_do("FLUSHALL");
  if (!is_leaving) must(words[_i % 2](&in.held[0].ticket) == 0);
  must(words[_i % 2](&in.held[1].ticket) == 0);
  run_until(&scene.loop, in_stats(&in).held == 0);
  ck_assert_uint_eq(in_stats(&in).requeued, 0);
  if (is_leaving) run_until(&scene.loop, in.source_ends == 1);
  in_close(&in);
}
END_TEST

/* The server has lost that it gave what has a slot. */
START_TEST(a_server_that_goes_back_brings_nothing_twice) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;
  in_t in;

  out_open(&out, 16, &with);
  in_open(&in, 4, &in_with);
  in.hold = 3;
  send_numbers(&out, 0, 3);
  run_until(&scene.loop, in.nheld == 3);
  server_do("XGROUP SETID uvchan:{orders}:stream uvchan 0");
  send_numbers(&out, 3, 4);
  run_until(&scene.loop, in_stats(&in).done == 1);
  ck_assert_uint_eq(in.values, 4);
  while (in.nheld > 0) must(uvchan_redis_done(&in.held[--in.nheld].ticket) == 0);
  must(uvchan_close(out.ch) == 0);
  run_to_end(&out, &in);
  ck_assert_uint_eq(in.values, 4);
  in_close(&in);
  out_close(&out);
}
END_TEST

/* More than a script's call takes words. */
START_TEST(what_has_many_fields_is_buried_too) {
  uvchan_redis_source_options_t in_with = in_options("one");
  redisContext* context = server_connect();
  const char* words[9003] = {"XADD", "uvchan:{orders}:stream", "*"};
  redisReply* reply;
  size_t i;
  in_t in;

  for (i = 3; i < 9003; i++) words[i] = "a";
  reply = redisCommandArgv(context, 9003, words, NULL);
  must(reply != NULL && reply->type == REDIS_REPLY_STRING);
  freeReplyObject(reply);
  redisFree(context);
  in_open(&in, 4, &in_with);
  run_until(&scene.loop, in_stats(&in).dead == 1);
  ck_assert_uint_eq(in_stats(&in).failures, 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 1);
  in_close(&in);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-limits");
  TCase* tcase = redis_tcase(suite, "limits");

  tcase_add_test(tcase, a_source_that_is_busy_does_not_give_up);
  tcase_add_test(tcase, a_group_that_is_made_again_brings_nothing_twice);
  tcase_add_loop_test(tcase, a_source_that_asks_for_nothing_outlives_its_group, 0, 4);
  tcase_add_test(tcase, a_server_that_goes_back_brings_nothing_twice);
  tcase_add_test(tcase, what_has_many_fields_is_buried_too);
  tcase_add_loop_test(tcase, a_time_may_be_as_long_as_any, 0, 3);
  return support_main(suite);
}
