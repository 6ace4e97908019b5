/* SPDX-License-Identifier: MIT */
/* At the limits of what may be asked for, and of what a stranger may put into a stream. */
#include "ends.h"

static void wait_ms(uint64_t ms) {
  uint64_t end = uv_hrtime() + ms * 1000000;

  run_until(&scene.loop, uv_hrtime() > end);
}

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
  wait_ms(600);
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
  wait_ms(200);
  ck_assert_uint_eq(in_stats(&in).failures, 0);
  ck_assert_int_eq(in_stats(&in).state, UVCHAN_REDIS_RUNNING);
  in_close(&in);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-limits");
  TCase* tcase = redis_tcase(suite, "limits");

  tcase_add_test(tcase, a_source_that_is_busy_does_not_give_up);
  tcase_add_loop_test(tcase, a_time_may_be_as_long_as_any, 0, 3);
  return support_main(suite);
}
