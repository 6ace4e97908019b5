/* SPDX-License-Identifier: MIT */
/* A server that answers with an error, for a while or for ever: the error says so, by a code and in
 * words, and once it is mended everything goes on and nothing is lost. */
#include "ends.h"
#include "gate.h"

static uvchan_redis_sink_options_t impatient_out(void) {
  uvchan_redis_sink_options_t with = out_options("one");

  with.server.backoff_least_ms = 1;
  with.server.backoff_most_ms = 10;
  return with;
}

static uvchan_redis_source_options_t impatient_in(void) {
  uvchan_redis_source_options_t with = in_options("one");

  with.server.backoff_least_ms = 1;
  with.server.backoff_most_ms = 10;
  return with;
}

static int begins_with(const char* words, const char* word) {
  return strncmp(words, word, strlen(word)) == 0;
}

static void send_some(out_t* out, uint64_t first, uint64_t n) {
  uint64_t number;

  for (number = first; number < first + n; number++) must(uvchan_try_send(out->ch, &number) == 0);
}

/* All are in the stream, and come in order; the end after them. */
static void drain(out_t* out, uint64_t values) {
  uvchan_redis_source_options_t with = impatient_in();
  in_t in;

  must(uvchan_close(out->ch) == 0);
  in_open(&in, 16, &with);
  run_to_end(out, &in);
  ck_assert_int_eq(out->status, 0);
  ck_assert_uint_eq(in.next, values);
  ck_assert_uint_eq(in.values, values);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  check_added_once(values);
  in_close(&in);
  out_close(out);
}

/* ---- Behind a gate --------------------------------------------------------------------------- */

static struct {
  char version[64];
  atomic_int refusals; /* so many more */
  const char* word;    /* of the commands that are refused, or NULL */
  const char* answer;
  atomic_int adds; /* the gate has seen */
  atomic_int refused_at;
  atomic_int taken_behind; /* steps that the server was given behind the refused one */
} plan;

static int is_add(const redisReply* command) {
  return is_command(command, "EVALSHA") && command->elements >= 14;
}

static const char* tell_version(const redisReply* command, unsigned int n) {
  static char answer[96];

  (void)n;
  if (!is_command(command, "INFO")) return NULL;
  snprintf(answer, sizeof(answer), "$%zu\r\n%s\r\n", strlen(plan.version), plan.version);
  return answer;
}

START_TEST(a_server_that_is_too_old_is_an_error_that_says_so) {
  static const struct {
    const char* version;
    int is_old;
  } versions[] = {{"redis_version:5.0.7\r\n", 1},  {"redis_version:6.0.16\r\n", 1},
                  {"redis_version:6.2.0\r\n", 0},  {"redis_version:10.0.0\r\n", 0},
                  {"valkey_version:8.0.1\r\n", 0}, {"# Server\r\nredis_version:2.8.4\r\n", 1}};
  uvchan_redis_sink_options_t with = impatient_out();
  out_t out;

  must(sizeof(versions) / sizeof(versions[0]) == 6);
  strcpy(plan.version, versions[_i].version);
  gate_open(tell_version, NULL);
  with.server.path = gate.socket;
  out_open(&out, 16, &with);
  if (versions[_i].is_old) {
    run_until(&scene.loop, out_stats(&out).failures >= 3);
    ck_assert_int_eq(out_stats(&out).last_error, UV_ENOTSUP);
    ck_assert_uint_eq(out_stats(&out).connects, 0);
    strcpy(plan.version, "redis_version:7.0.0\r\n"); /* it is upgraded */
  }
  send_some(&out, 0, 16);
  drain(&out, 16);
  gate_close();
}
END_TEST

/* Of this kind of command, so many. */
static const char* refuse_some(const redisReply* command, unsigned int n) {
  (void)n;
  if (!is_command(command, plan.word) || atomic_load(&plan.refusals) == 0) return NULL;
  atomic_fetch_sub(&plan.refusals, 1);
  return plan.answer;
}

static const struct {
  const char* word;
  const char* answer;
  int code;
} refused[] = {
    {"SCRIPT", "-LOADING Redis is loading the dataset in memory\r\n", UV_EAGAIN},
    {"SCRIPT", "-ERR unknown command 'SCRIPT'\r\n", UV_EPROTO},
    {"SCRIPT", "+OK\r\n", UV_EPROTO},
    {"SCRIPT", "$3\r\nabc\r\n", UV_EPROTO},
    {"EVALSHA", "-BUSY Redis is busy running a script\r\n", UV_EAGAIN},
    {"EVALSHA", "-MASTERDOWN Link with MASTER is down\r\n", UV_EAGAIN},
    {"EVALSHA", "-MISCONF Errors writing to the AOF file\r\n", UV_EIO},
    {"EVALSHA", "-NOPERM this user has no permissions\r\n", UV_EACCES},
    {"EVALSHA", "+OK\r\n", UV_EPROTO},
    {"EVALSHA", "*0\r\n", UV_EPROTO},
    {"EVALSHA", "$-1\r\n", UV_EPROTO},
};
#define NREFUSED (int)(sizeof(refused) / sizeof(refused[0]))

START_TEST(what_is_refused_for_a_while_is_tried_again) {
  uvchan_redis_sink_options_t with = impatient_out();
  out_t out;

  plan.word = refused[_i].word;
  plan.answer = refused[_i].answer;
  atomic_store(&plan.refusals, 30);
  gate_open(refuse_some, NULL);
  with.server.path = gate.socket;
  out_open(&out, 16, &with);
  send_some(&out, 0, 16);
  run_until(&scene.loop, out_stats(&out).failures > 0);
  ck_assert_int_eq(out_stats(&out).last_error, refused[_i].code);
  if (refused[_i].answer[0] == '-') {
    ck_assert_int_eq(strncmp(out_stats(&out).last_words, refused[_i].answer + 1,
                             strlen(out_stats(&out).last_words)),
                     0);
  }
  drain(&out, 16);
  ck_assert_int_eq(atomic_load(&plan.refusals), 0);
  gate_close();
}
END_TEST

/* What a sentinel may say that names no server. */
START_TEST(a_sentinel_that_makes_no_sense_is_an_error) {
  static const char* const answers[] = {"*-1\r\n",
                                        "*0\r\n",
                                        "+OK\r\n",
                                        "*2\r\n$9\r\n127.0.0.1\r\n$-1\r\n",
                                        "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n",
                                        "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n",
                                        "*2\r\n$9\r\n127.0.0.1\r\n$3\r\nten\r\n",
                                        "*2\r\n$0\r\n\r\n$4\r\n6379\r\n"};
  uvchan_redis_sink_options_t with = impatient_out();
  out_t out;

  plan.word = "SENTINEL";
  plan.answer = answers[_i];
  atomic_store(&plan.refusals, 1000000);
  gate_open(refuse_some, NULL);
  with.server.path = gate.socket;
  with.server.sentinel = "orders-db";
  out_open(&out, 16, &with);
  run_until(&scene.loop, out_stats(&out).failures >= 3);
  ck_assert_int_eq(out_stats(&out).last_error, UV_ENOENT);
  out_close(&out);
  gate_close();
}
END_TEST

static const char* refuse_some_adds(const redisReply* command, unsigned int n) {
  return is_add(command) ? refuse_some(command, n) : NULL;
}

START_TEST(an_answer_to_values_that_makes_no_sense_is_an_error) {
  static const char* const answers[] = {"+OK\r\n", "*0\r\n", "$-1\r\n", "*1\r\n$3\r\nABC\r\n"};
  uvchan_redis_sink_options_t with = impatient_out();
  out_t out;

  plan.word = "EVALSHA";
  plan.answer = answers[_i];
  atomic_store(&plan.refusals, 3);
  gate_open(refuse_some_adds, NULL);
  with.server.path = gate.socket;
  out_open(&out, 16, &with);
  send_some(&out, 0, 16);
  run_until(&scene.loop, out_stats(&out).failures == 3);
  ck_assert_int_eq(out_stats(&out).last_error, UV_EPROTO);
  drain(&out, 16);
  gate_close();
}
END_TEST

/* The second step is refused, those behind it are the server's. */
static const char* refuse_one_of_a_pipeline(const redisReply* command, unsigned int n) {
  int add;

  if (!is_add(command)) return NULL;
  add = atomic_fetch_add(&plan.adds, 1);
  if (add == 1) {
    atomic_store(&plan.refused_at, (int)n);
    return plan.answer;
  }
  if (atomic_load(&plan.refused_at) != 0 && (int)n > atomic_load(&plan.refused_at))
    atomic_fetch_add(&plan.taken_behind, 1);
  return NULL;
}

/* The server takes value n + 1 and not n, as one does that has just loaded: that is a gap. */
START_TEST(a_step_refused_in_a_pipeline_is_a_gap_to_those_behind_it) {
  static const char* const answers[] = {
      "-LOADING Redis is loading the dataset in memory\r\n",
      "-NOSCRIPT No matching script. Please use EVAL.\r\n",
      "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
      "-READONLY You can't write against a read only replica.\r\n"};
  uvchan_redis_sink_options_t with = impatient_out();
  out_t out;

  plan.answer = answers[_i];
  gate_open(refuse_one_of_a_pipeline, NULL);
  with.server.path = gate.socket;
  with.batch = 4;
  out_open(&out, 64, &with);
  send_some(&out, 0, 64);
  run_until(&scene.loop, out_stats(&out).values == 64);
  ck_assert_uint_eq(out_stats(&out).failures, 1);
  ck_assert_int_ge(atomic_load(&plan.taken_behind), 6);
  drain(&out, 64);
  gate_close();
}
END_TEST

/* ---- By the server itself -------------------------------------------------------------------- */

/* What is done makes room: so it has to be taken where there is no memory left. */
START_TEST(a_server_without_memory_is_drained) {
  uvchan_redis_sink_options_t out_with = impatient_out();
  uvchan_redis_source_options_t in_with = impatient_in();
  out_t out;
  in_t in;

  out_open(&out, 64, &out_with);
  in_open(&in, 16, &in_with);
  in.hold = 1;
  send_some(&out, 0, 50);
  run_until(&scene.loop, out_stats(&out).values == 50 && in.values > 1);
  server_do("CONFIG SET maxmemory 1");
  send_some(&out, 50, 10);
  run_until(&scene.loop, out_stats(&out).last_error == UV_ENOMEM && in_stats(&in).done == 49);
  ck_assert_uint_eq(in.next, 50);
  ck_assert_uint_eq(in_stats(&in).failures, 0);
  must(uvchan_redis_done(&in.held[0].ticket) == 0);
  run_until(&scene.loop, in_stats(&in).done == 50);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  server_do("CONFIG SET maxmemory 0");
  run_until(&scene.loop, in_stats(&in).done == 60);
  ck_assert_uint_eq(in.again, 0);
  check_added_once(60);
  out_close(&out);
  in_close(&in);
}
END_TEST

/* It comes to a source that has to make its group. */
START_TEST(a_source_that_begins_without_memory_says_so) {
  uvchan_redis_source_options_t with = impatient_in();
  in_t in;

  server_do("CONFIG SET maxmemory 1");
  in_open(&in, 16, &with);
  run_until(&scene.loop, in_stats(&in).last_error == UV_ENOMEM);
  ck_assert_int_eq(in_stats(&in).state, UVCHAN_REDIS_AWAY);
  server_do("CONFIG SET maxmemory 0");
  run_until(&scene.loop, in_stats(&in).state == UVCHAN_REDIS_RUNNING);
  in_close(&in);
}
END_TEST

/* A primary that becomes a replica, and back: reads that wait on it are sent away. */
START_TEST(a_server_that_is_read_only_is_an_error_that_says_so) {
  uvchan_redis_sink_options_t out_with = impatient_out();
  uvchan_redis_source_options_t in_with = impatient_in();
  out_t out;
  in_t in;

  in_with.block_ms = 60000;
  out_open(&out, 64, &out_with);
  in_open(&in, 16, &in_with);
  send_some(&out, 0, 50);
  run_until(&scene.loop, in_stats(&in).done == 50);
  server_do("REPLICAOF 127.0.0.1 1");
  send_some(&out, 50, 10);
  run_until(&scene.loop,
            out_stats(&out).last_error == UV_EROFS && in_stats(&in).last_error == UV_EROFS);
  ck_assert(begins_with(out_stats(&out).last_words, "READONLY"));
  ck_assert(begins_with(in_stats(&in).last_words, "READONLY"));
  ck_assert_uint_eq(out_stats(&out).values, 50);
  server_do("REPLICAOF NO ONE");
  run_until(&scene.loop, in_stats(&in).done == 60);
  ck_assert_uint_eq(in.next, 60);
  ck_assert_uint_eq(in.values, 60);
  check_added_once(60);
  out_close(&out);
  in_close(&in);
}
END_TEST

START_TEST(a_user_without_rights_is_an_error_that_says_so) {
  uvchan_redis_sink_options_t with = impatient_out();
  out_t out;

  server_do("ACL SETUSER weak on >secret ~* +ping +info");
  with.server.user = "weak";
  with.server.password = "wrong";
  out_open(&out, 16, &with);
  run_until(&scene.loop, out_stats(&out).last_error == UV_EACCES);
  ck_assert(begins_with(out_stats(&out).last_words, "WRONGPASS"));
  out_close(&out);

  with.server.password = "secret";
  out_open(&out, 16, &with);
  run_until(&scene.loop, out_stats(&out).last_error == UV_EACCES);
  ck_assert(begins_with(out_stats(&out).last_words, "NOPERM"));
  ck_assert_uint_eq(out_stats(&out).connects, 0);
  server_do("ACL SETUSER weak +@all");
  send_some(&out, 0, 16);
  drain(&out, 16);
}
END_TEST

/* A server that takes its time for each command in its file, and serves in between. */
START_TEST(a_server_that_is_loading_is_waited_for) {
  uvchan_redis_sink_options_t with = impatient_out();
  uvchan_redis_source_options_t in_with = impatient_in();
  sender_t sender;
  out_t out;
  in_t in;

  with.capacity = 5000;
  out_open(&out, 64, &with);
  sender_start(&sender, out.ch, 3001, UV_EOF);
  run_until(&scene.loop, out_stats(&out).values >= 3000 - 512);
  server_kill();
  server.load_delay = "100";
  run_until(&scene.loop, out_stats(&out).last_error != 0);
  server_start();
  in_open(&in, 16, &in_with);
  run_until(&scene.loop, in_stats(&in).last_error == UV_EAGAIN);
  ck_assert(begins_with(in_stats(&in).last_words, "LOADING"));
  run_to_end(&out, &in);
  support_join(&sender.thread);
  ck_assert_uint_eq(in.next, 3001);
  ck_assert_uint_eq(in.values, 3001);
  check_added_once(3001);
  in_close(&in);
  out_close(&out);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-refusals");
  TCase* tcase = redis_tcase(suite, "refusals");

  tcase_add_loop_test(tcase, a_server_that_is_too_old_is_an_error_that_says_so, 0, 6);
  tcase_add_loop_test(tcase, what_is_refused_for_a_while_is_tried_again, 0, NREFUSED);
  tcase_add_loop_test(tcase, a_sentinel_that_makes_no_sense_is_an_error, 0, 8);
  tcase_add_loop_test(tcase, an_answer_to_values_that_makes_no_sense_is_an_error, 0, 4);
  tcase_add_loop_test(tcase, a_step_refused_in_a_pipeline_is_a_gap_to_those_behind_it, 0, 4);
  tcase_add_test(tcase, a_server_without_memory_is_drained);
  tcase_add_test(tcase, a_source_that_begins_without_memory_says_so);
  tcase_add_test(tcase, a_server_that_is_read_only_is_an_error_that_says_so);
  tcase_add_test(tcase, a_user_without_rights_is_an_error_that_says_so);
  tcase_add_test(tcase, a_server_that_is_loading_is_waited_for);
  return support_main(suite);
}
