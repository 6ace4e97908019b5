/* SPDX-License-Identifier: MIT */
/* What lies between the ends and the server harms the bytes: it cuts, holds, trickles, swallows, or
 * answers what is no protocol. Nothing is lost or added twice, and each producer's values come
 * first in order. */
#include "ends.h"
#include "proxy.h"

#define MOST_VALUES 4000

static unsigned char seen[MOST_VALUES];
static unsigned char firsts[MOST_VALUES];

static void bring_proxy_down(void) { proxy_close(); }

static void bring_proxy_up(void) { proxy_open(PROXY_PASS, 1); }

/* A sink and a source that find the server by the proxy alone, and soon give up waiting for it. */
typedef struct {
  out_t out;
  in_t in;
  sender_t sender;
  uint64_t values;
} line_t;

static void line_open(line_t* line, uint64_t values, uint64_t patience_ms) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");

  out_with.server.path = in_with.server.path = proxy.socket;
  out_with.server.backoff_least_ms = in_with.server.backoff_least_ms = 1;
  out_with.server.backoff_most_ms = in_with.server.backoff_most_ms = 10;
  out_with.server.reply_timeout_ms = in_with.server.reply_timeout_ms = patience_ms;
  out_with.server.connect_timeout_ms = in_with.server.connect_timeout_ms = patience_ms;
  out_with.batch = in_with.batch = 16;
  out_with.capacity = 100; /* so the sink has to go on as long as the source has */
  in_with.claim_after_ms = support_slow() ? 3000 : 500;
  in_with.block_ms = 20;
  out_open(&line->out, 16, &out_with);
  in_open(&line->in, 16, &in_with);
  line->in.seen = seen;
  line->in.firsts = firsts;
  line->in.of_each = line->values = values;
  sender_start(&line->sender, line->out.ch, values, UV_EOF);
}

/* To the end, and all sums. */
static void line_finish(line_t* line) {
  uint64_t number;

  run_to_end(&line->out, &line->in);
  support_join(&line->sender.thread);
  ck_assert_int_eq(line->out.status, 0);
  ck_assert_int_eq(line->in.end, UV_EOF);
  ck_assert_uint_eq(out_stats(&line->out).values, line->values);
  ck_assert_uint_eq(out_stats(&line->out).rolled_back, 0);
  for (number = 0; number < line->values; number++) must(seen[number] > 0);
  ck_assert_uint_ge(line->in.redelivered, line->in.values - line->values);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 0);
  check_added_once(line->values);
  out_close(&line->out);
  in_close(&line->in);
}

START_TEST(harm_at_any_byte_loses_nothing) {
  line_t line;

  proxy_close();
  unlink(proxy.socket);
  proxy_open(PROXY_DRAW, (uint32_t)_i + 1);
  line_open(&line, (uint64_t)support_count(MOST_VALUES), support_slow() ? 500 : 60);
  line_finish(&line);
  ck_assert_uint_gt(proxy_harms(HARM_CUT), 0);
  ck_assert_uint_gt(proxy_harms(HARM_LATE), 0);
  ck_assert_uint_gt(proxy_harms(HARM_WAIT), 0);
  ck_assert_uint_gt(proxy_harms(HARM_TRICKLE), 0);
}
END_TEST

START_TEST(bytes_that_come_one_by_one_are_read) {
  line_t line;

  proxy_go(PROXY_TRICKLE);
  line_open(&line, 100, 5000);
  line_finish(&line);
  ck_assert_uint_eq(proxy_harms(HARM_CUT), 0);
}
END_TEST

/* It takes connections, and nothing comes back: only the time tells. */
START_TEST(what_swallows_is_left_in_time) {
  line_t line;

  line_open(&line, 1000, 100);
  run_until(&scene.loop, line.in.values >= 300);
  proxy_go(PROXY_SWALLOW);
  run_until(&scene.loop, out_stats(&line.out).last_error == UV_ETIMEDOUT &&
                             in_stats(&line.in).last_error == UV_ETIMEDOUT);
  proxy_go(PROXY_PASS);
  line_finish(&line);
}
END_TEST

/* A connection whose other half has gone without a word, as where a machine has lost its power. */
START_TEST(a_connection_that_is_half_open_is_left_in_time) {
  line_t line;

  line_open(&line, 1000, 100);
  run_until(&scene.loop, line.in.values >= 300);
  proxy_make_orphans();
  run_until(&scene.loop, in_stats(&line.in).last_error == UV_ETIMEDOUT);
  line_finish(&line);
}
END_TEST

START_TEST(bytes_of_no_protocol_are_an_error) {
  line_t line;

  line_open(&line, 1000, 1000);
  run_until(&scene.loop, line.in.values >= 300);
  proxy_go(PROXY_GARBAGE);
  run_until(&scene.loop, out_stats(&line.out).state == UVCHAN_REDIS_AWAY &&
                             in_stats(&line.in).state == UVCHAN_REDIS_AWAY &&
                             out_stats(&line.out).failures > 2);
  ck_assert_int_eq(strncmp(out_stats(&line.out).last_words, "Protocol error", 14), 0);
  proxy_go(PROXY_PASS);
  line_finish(&line);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-proxy");
  TCase* tcase = redis_tcase(suite, "proxy");

  tcase_add_checked_fixture(tcase, bring_proxy_up, bring_proxy_down);
  tcase_add_loop_test(tcase, harm_at_any_byte_loses_nothing, 0, 3);
  tcase_add_test(tcase, bytes_that_come_one_by_one_are_read);
  tcase_add_test(tcase, what_swallows_is_left_in_time);
  tcase_add_test(tcase, a_connection_that_is_half_open_is_left_in_time);
  tcase_add_test(tcase, bytes_of_no_protocol_are_an_error);
  return support_main(suite);
}
