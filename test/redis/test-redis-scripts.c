/* SPDX-License-Identifier: MIT */
/* The scripts, each asked by itself: what they refuse, and what they do in one step. A connection
 * that was given up may still have commands on their way, so the server may be asked in any
 * order. */
#include <stdarg.h>

#include "redis/scripts.h"
#include "server.h"
#include "support.h"

static const char* const keys[UVCHAN__REDIS_KEYS] = {
    "uvchan:{orders}:stream", "uvchan:{orders}:last", "uvchan:{orders}:epoch",
    "uvchan:{orders}:end", "uvchan:{orders}:dead"};

static redisContext* context;

static void open_context(void) { context = server_connect(); }

static void close_context(void) { redisFree(context); }

/* The arguments after the keys, with a NULL at their end. */
static redisReply* run(uvchan__redis_script_t script, ...) {
  const char* words[32] = {"EVAL", uvchan__redis_scripts[script], "5"};
  int n = 3 + UVCHAN__REDIS_KEYS;
  redisReply* reply;
  va_list arguments;

  memcpy((void*)&words[3], (const void*)keys, sizeof(keys));
  va_start(arguments, script);
  while ((words[n] = va_arg(arguments, const char*)) != NULL) n++;
  va_end(arguments);
  reply = redisCommandArgv(context, n, words, NULL);
  must(reply != NULL);
  ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s", reply->str);
  return reply;
}

/* What add has answered: the code, and the last number. */
static void check_added(redisReply* reply, const char* code, long long last) {
  ck_assert_uint_eq(reply->elements, 3);
  ck_assert_str_eq(reply->element[0]->str, code);
  ck_assert_int_eq(reply->element[1]->integer, last);
  freeReplyObject(reply);
}

static long long length(void) { return server_integer("XLEN uvchan:{orders}:stream"); }

static void hello(const char* producer, const char* epoch, long long answer) {
  redisReply* reply = run(UVCHAN__REDIS_HELLO, producer, epoch, NULL);

  ck_assert_int_eq(reply->element[0]->integer, answer);
  freeReplyObject(reply);
}

START_TEST(add_passes_over_what_it_has) {
  hello("one", "0", 1);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "10", "1", "1 1", "a", "b", "c", NULL), "OK", 3);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "10", "1", "1 1", "a", "b", "c", NULL), "OK", 3);
  ck_assert_int_eq(length(), 3);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "10", "2", "1 1", "b", "c", "d", NULL), "OK", 4);
  ck_assert_int_eq(length(), 4);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "10", "1", "1 1", "a", NULL), "OK", 4);
  ck_assert_int_eq(length(), 4);
}
END_TEST

START_TEST(add_refuses_a_gap) {
  hello("one", "0", 1);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "10", "2", "1 1", "b", NULL), "GAP", 0);
  ck_assert_int_eq(length(), 0);
}
END_TEST

START_TEST(add_takes_what_fits) {
  hello("one", "0", 1);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "2", "1", "1 1", "a", "b", "c", NULL), "FULL", 2);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "2", "4", "1 1", "d", NULL), "GAP", 2);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "3", "3", "1 1", "c", NULL), "OK", 3);
  ck_assert_int_eq(length(), 3);
}
END_TEST

START_TEST(add_takes_the_newest_epoch_alone) {
  hello("one", "0", 1);
  hello("one", "0", 2);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "10", "1", "1 1", "a", NULL), "FENCED", 0);
  check_added(run(UVCHAN__REDIS_ADD, "one", "2", "10", "1", "1 1", "a", NULL), "OK", 1);
  hello("one", "1", 2); /* the older one is told who has the name */
  hello("one", "3", 3); /* an epoch that the server has lost goes on */
  check_added(run(UVCHAN__REDIS_ADD, "one", "4", "10", "2", "1 1", "b", NULL), "GAP", 0);
  ck_assert_int_eq(length(), 1);
}
END_TEST

START_TEST(add_refuses_when_closed) {
  hello("one", "0", 1);
  freeReplyObject(run(UVCHAN__REDIS_END, "one", "1", "EOF", "1", NULL));
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "10", "1", "1 1", "a", NULL), "CLOSED", 0);
  ck_assert_int_eq(length(), 0);
}
END_TEST

/* The numbers of one producer are none of another's. */
START_TEST(producers_have_numbers_of_their_own) {
  hello("one", "0", 1);
  hello("two", "0", 1);
  check_added(run(UVCHAN__REDIS_ADD, "one", "1", "10", "1", "1 1", "a", NULL), "OK", 1);
  check_added(run(UVCHAN__REDIS_ADD, "two", "1", "10", "1", "1 1", "a", NULL), "OK", 1);
  ck_assert_int_eq(length(), 2);
}
END_TEST

/* What is dead has a bound, and beyond it stays where it is. */
START_TEST(full_dead_letters_take_no_more) {
  freeReplyObject(run(UVCHAN__REDIS_OPEN, "group", NULL));
  server_do("XADD uvchan:{orders}:stream 1-1 a b");
  server_do("XADD uvchan:{orders}:stream 2-1 a b");
  freeReplyObject(run(UVCHAN__REDIS_BURY, "group", "1", "format", "1-1", NULL));
  freeReplyObject(run(UVCHAN__REDIS_BURY, "group", "1", "format", "2-1", NULL));
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 1);
  ck_assert_int_eq(length(), 1);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-scripts");
  TCase* tcase = support_tcase(suite, "scripts");

  tcase_add_checked_fixture(tcase, server_open, server_close);
  tcase_add_checked_fixture(tcase, open_context, close_context);
  tcase_add_test(tcase, add_passes_over_what_it_has);
  tcase_add_test(tcase, add_refuses_a_gap);
  tcase_add_test(tcase, add_takes_what_fits);
  tcase_add_test(tcase, add_takes_the_newest_epoch_alone);
  tcase_add_test(tcase, add_refuses_when_closed);
  tcase_add_test(tcase, producers_have_numbers_of_their_own);
  tcase_add_test(tcase, full_dead_letters_take_no_more);
  return support_main(suite);
}
