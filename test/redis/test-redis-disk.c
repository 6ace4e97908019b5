/* SPDX-License-Identifier: MIT */
/* What a server has on its disk, and has not: a full disk loses nothing, and what a server forgets
 * that it had confirmed is counted, value for value. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* prlimit() */
#endif
#include <sys/resource.h>

#include "ends.h"

#define MOST_VALUES 20000

static unsigned char seen[MOST_VALUES];

/* A sink and a source, and a sender of so many values. */
typedef struct {
  out_t out;
  in_t in;
  sender_t sender;
  uint64_t values;
} line_t;

static void line_open(line_t* line, uint64_t values) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");

  out_with.server.backoff_least_ms = in_with.server.backoff_least_ms = 1;
  out_with.server.backoff_most_ms = in_with.server.backoff_most_ms = 20;
  out_with.capacity = 100;
  out_with.batch = 8;
  out_open(&line->out, 16, &out_with);
  in_open(&line->in, 16, &in_with);
  line->in.seen = seen;
  line->values = values;
  sender_start(&line->sender, line->out.ch, values, UV_EOF);
}

/* To the end. Values that did not come are among those that the server has forgotten. Answers how
 * many it has. */
static uint64_t line_finish(line_t* line) {
  uint64_t rolled_back, number, missing = 0;

  run_to_end(&line->out, &line->in);
  support_join(&line->sender.thread);
  rolled_back = out_stats(&line->out).rolled_back;
  ck_assert_int_eq(line->out.status, 0);
  ck_assert_uint_eq(out_stats(&line->out).values, line->values);
  for (number = 0; number < line->values; number++) missing += seen[number] == 0;
  ck_assert_uint_le(missing, rolled_back);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 0);
  check_added_once(line->values - rolled_back);
  out_close(&line->out);
  in_close(&line->in);
  return rolled_back;
}

static void restart(const out_t* out) {
  uint64_t failures = out_stats(out).failures;

  server_kill();
  run_until(&scene.loop, out_stats(out).failures > failures);
  server_start();
}

/* ---- A full disk ----------------------------------------------------------------------------- */

#ifdef __linux__

#define FULL_BYTES 60000 /* of the server's file: some hundred values have room */

static void limit_files(rlim_t bytes) {
  struct rlimit limit;

  must(prlimit(server.pid, RLIMIT_FSIZE, NULL, &limit) == 0);
  limit.rlim_cur = bytes;
  must(prlimit(server.pid, RLIMIT_FSIZE, &limit, NULL) == 0);
}

/* Either end may be the one that is told: where the stream is full, the sink asks for no write. */
static void run_until_full(const line_t* line) {
  run_until(&scene.loop,
            out_stats(&line->out).last_error == UV_EIO || in_stats(&line->in).last_error == UV_EIO);
}

/* The server writes no more, tells so, and goes on by itself once there is room. What it has then
 * is on its disk too. */
START_TEST(a_full_disk_is_an_error_that_says_so) {
  const char* words;
  line_t line;

  server_do("CONFIG SET appendfsync everysec");
  limit_files(FULL_BYTES);
  line_open(&line, 2000);
  run_until_full(&line);
  words = out_stats(&line.out).last_error == UV_EIO ? out_stats(&line.out).last_words
                                                    : in_stats(&line.in).last_words;
  ck_assert_int_eq(strncmp(words, "MISCONF", 7), 0);
  ck_assert_uint_lt(out_stats(&line.out).values, 2000);
  limit_files(RLIM_INFINITY);
  ck_assert_uint_eq(line_finish(&line), 0);
  ck_assert_uint_eq(line.in.values, 2000);
  server_kill();
  server_start();
  check_added_once(2000);
}
END_TEST

/* It dies on a full disk, with what it had confirmed by then and had not written. */
START_TEST(a_server_killed_on_a_full_disk_is_told_of) {
  line_t line;

  server_do("CONFIG SET appendfsync everysec");
  limit_files(FULL_BYTES);
  line_open(&line, 2000);
  run_until_full(&line);
  restart(&line.out);
  line_finish(&line);
}
END_TEST

/* A server that writes each step before it answers ends itself when it can't. */
START_TEST(a_server_that_a_full_disk_has_ended_has_lost_nothing) {
  line_t line;

  limit_files(FULL_BYTES);
  line_open(&line, 2000);
  run_until(&scene.loop, out_stats(&line.out).last_error != 0);
  must(waitpid(server.pid, NULL, 0) == server.pid);
  server.pid = 0;
  server_start();
  ck_assert_uint_eq(line_finish(&line), 0);
}
END_TEST

static void add_full_disk(TCase* tcase) {
  tcase_add_test(tcase, a_full_disk_is_an_error_that_says_so);
  tcase_add_test(tcase, a_server_killed_on_a_full_disk_is_told_of);
  tcase_add_test(tcase, a_server_that_a_full_disk_has_ended_has_lost_nothing);
}

#else

static void add_full_disk(TCase* tcase) {
  (void)tcase;
  printf("A full disk is left out: no other process's limits can be set here.\n");
}

#endif

/* ---- What a crash may lose ------------------------------------------------------------------- */

/* The disk may be behind what was confirmed: by how much is not known, but told exactly. */
START_TEST(what_a_server_loses_that_writes_every_second_is_counted) {
  uint64_t values = (uint64_t)support_count(MOST_VALUES);
  uint64_t kills;
  line_t line;

  server_do("CONFIG SET appendfsync everysec");
  server.fsync = "everysec";
  line_open(&line, values);
  for (kills = 1; kills <= 4; kills++) {
    run_until(&scene.loop, out_stats(&line.out).values >= values * kills / 5);
    restart(&line.out);
  }
  line_finish(&line);
}
END_TEST

/* From some place on nothing is written: so all of that is lost, and delivered values with it. What
 * had been acknowledged since, and added before, comes again. */
START_TEST(what_a_server_has_never_written_is_counted) {
  uint64_t at_stop, at_kill, rolled_back;
  line_t line;

  line_open(&line, 3000);
  run_until(&scene.loop, out_stats(&line.out).values >= 1000);
  server_do("CONFIG SET appendonly no");
  at_stop = out_stats(&line.out).values + 512; /* and what is on its way */
  run_until(&scene.loop, out_stats(&line.out).values >= 2000);
  at_kill = out_stats(&line.out).values;
  restart(&line.out);
  rolled_back = line_finish(&line);
  ck_assert_uint_ge(rolled_back, at_kill - at_stop);
}
END_TEST

/* The stream alone, with nobody who takes from it: what is in it is what was not lost. */
START_TEST(what_is_in_the_stream_and_what_was_lost_are_all_values) {
  uvchan_redis_sink_options_t with = out_options("one");
  sender_t sender;
  uint64_t turn;
  out_t out;

  with.capacity = 10000;
  with.server.backoff_least_ms = 1;
  out_open(&out, 16, &with);
  sender_start(&sender, out.ch, 4000, UV_EOF);
  for (turn = 1; turn <= 3; turn++) {
    run_until(&scene.loop, out_stats(&out).values >= turn * 1000 - 500);
    server_do("CONFIG SET appendonly no");
    run_until(&scene.loop, out_stats(&out).values >= turn * 1000);
    restart(&out);
  }
  run_until(&scene.loop, out.ends == 1);
  support_join(&sender.thread);
  ck_assert_int_eq(out.status, 0);
  ck_assert_uint_eq(out_stats(&out).values, 4000);
  ck_assert_uint_gt(out_stats(&out).rolled_back, 3 * 100);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"),
                   4000 - (long long)out_stats(&out).rolled_back);
  out_close(&out);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-disk");
  TCase* tcase = redis_tcase(suite, "disk");

  add_full_disk(tcase);
  tcase_add_test(tcase, what_a_server_loses_that_writes_every_second_is_counted);
  tcase_add_test(tcase, what_a_server_has_never_written_is_counted);
  tcase_add_test(tcase, what_is_in_the_stream_and_what_was_lost_are_all_values);
  return support_main(suite);
}
