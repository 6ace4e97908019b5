/* SPDX-License-Identifier: MIT */
/* The scripts, each asked by itself: what they refuse, and what they do in one step. A connection
 * that was given up may still have commands on their way, so the server may be asked in any
 * order. */
#include <stdarg.h>

#include "redis/options.h"
#include "redis/scripts.h"
#include "server.h"
#include "support.h"

static const char* const keys[UVCHAN__REDIS_KEYS] = {
    "uvchan:{orders}:stream", "uvchan:{orders}:last", "uvchan:{orders}:epoch",
    "uvchan:{orders}:end",    "uvchan:{orders}:dead", "uvchan:{orders}:returns"};

static redisContext* context;

static void open_context(void) { context = server_connect(); }

static void close_context(void) { redisFree(context); }

/* The arguments after the keys, with a NULL at their end. */
static redisReply* run(uvchan__redis_script_t script, ...) {
  const char* words[32] = {"EVAL", uvchan__redis_scripts[script]};
  int n = 3 + UVCHAN__REDIS_KEYS;
  char nkeys[16];
  redisReply* reply;
  va_list arguments;

  snprintf(nkeys, sizeof(nkeys), "%d", UVCHAN__REDIS_KEYS);
  words[2] = nkeys;
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

/* Epoch, token and confirmed as the producer has them, or for epoch 0 which one it follows; and
 * what is answered. */
static void hello(const char* epoch, const char* token, const char* confirmed, const char* how,
                  long long answer) {
  redisReply* reply = run(UVCHAN__REDIS_HELLO, "one", epoch, token, confirmed, NULL);

  ck_assert_uint_eq(reply->elements, 5);
  ck_assert_str_eq(reply->element[0]->str, how);
  ck_assert_int_eq(reply->element[1]->integer, answer);
  freeReplyObject(reply);
}

/* One value of one byte for each of the bytes, numbered from `first` on. */
static void add(const char* mark, const char* capacity, const char* first, const char* bytes,
                const char* code, long long last) {
  char values[4][2] = {"", "", "", ""};
  size_t i;

  for (i = 0; bytes[i] != '\0'; i++) values[i][0] = bytes[i];
  check_added(run(UVCHAN__REDIS_ADD, "one", mark, capacity, first, "1 1", values[0],
                  i < 2 ? NULL : values[1], i < 3 ? NULL : values[2], NULL),
              code, last);
}

START_TEST(add_passes_over_what_it_has) {
  hello("0", "a", "0", "NEW", 1);
  add("1 a", "10", "1", "abc", "OK", 3);
  add("1 a", "10", "1", "abc", "OK", 3);
  ck_assert_int_eq(length(), 3);
  add("1 a", "10", "2", "bcd", "OK", 4);
  ck_assert_int_eq(length(), 4);
  add("1 a", "10", "1", "a", "OK", 4);
  ck_assert_int_eq(length(), 4);
}
END_TEST

START_TEST(add_refuses_a_gap) {
  hello("0", "a", "0", "NEW", 1);
  add("1 a", "10", "2", "b", "GAP", 0);
  ck_assert_int_eq(length(), 0);
}
END_TEST

START_TEST(add_takes_what_fits) {
  hello("0", "a", "0", "NEW", 1);
  add("1 a", "2", "1", "abc", "FULL", 2);
  add("1 a", "2", "4", "d", "GAP", 2);
  add("1 a", "3", "3", "c", "OK", 3);
  ck_assert_int_eq(length(), 3);
}
END_TEST

START_TEST(add_takes_the_newest_epoch_alone) {
  hello("0", "a", "0", "NEW", 1);
  hello("0", "b", "1", "NEW", 2);
  add("1 a", "10", "1", "a", "FENCED", 0);
  add("2 a", "10", "1", "a", "FENCED", 0);
  add("2 b", "10", "1", "a", "OK", 1);
  add("3 b", "10", "2", "b", "GAP", 0);
  ck_assert_int_eq(length(), 1);
}
END_TEST

/* Who asks again, since it had no answer, is not taken for another, and is given what it was given
 * before: so what comes late from a connection that was given up changes nothing. */
START_TEST(hello_tells_a_producer_from_another_by_its_token) {
  hello("0", "a", "0", "NEW", 1);
  hello("0", "a", "0", "NEW", 1);
  hello("1", "a", "0", "SAME", 1);
  hello("0", "b", "0", "TAKEN", 1);
  hello("0", "b", "1", "NEW", 2);
  hello("0", "a", "0", "TAKEN", 2);
  hello("1", "a", "0", "FENCED", 2);
  hello("2", "a", "0", "FENCED", 2);
  hello("2", "b", "0", "SAME", 2);
}
END_TEST

/* Numbers of before mean nothing then, nor does what is still on its way. */
START_TEST(hello_gives_a_new_epoch_where_the_server_has_lost_something) {
  hello("0", "a", "0", "NEW", 1);
  add("1 a", "10", "1", "a", "OK", 1);
  hello("1", "a", "1", "SAME", 1);
  hello("1", "a", "5", "BEHIND", 2);
  hello("2", "a", "1", "SAME", 2);
  add("1 a", "10", "2", "b", "GAP", 0);
  hello("7", "a", "1", "LOST", 9);
  hello("10", "b", "1", "LOST", 12);
  add("9 a", "10", "2", "b", "FENCED", 0);
  add("12 b", "10", "2", "b", "OK", 2);
}
END_TEST

/* What is lost is counted by it. */
START_TEST(hello_tells_who_asks_again_how_the_epoch_was_given) {
  hello("0", "a", "0", "NEW", 1);
  hello("0", "a", "0", "NEW", 1);
  hello("1", "a", "5", "BEHIND", 2);
  hello("1", "a", "5", "BEHIND", 2);
  hello("4", "a", "0", "LOST", 6);
  hello("4", "a", "0", "LOST", 6);
}
END_TEST

/* The server was emptied, and then has read a connection to its end that was given up. */
START_TEST(who_has_a_newer_mark_already_is_not_fenced_by_itself) {
  hello("1", "a", "5", "LOST", 3);
  add("1 a", "10", "6", "a", "GAP", 0);
  hello("1", "a", "5", "LOST", 3);
  add("3 a", "10", "1", "a", "OK", 1);
}
END_TEST

/* An end is noted until another begins under the name; a late hello of the same does not. */
START_TEST(hello_forgets_the_end_of_another_alone) {
  hello("0", "a", "0", "NEW", 1);
  freeReplyObject(run(UVCHAN__REDIS_END, "one", "1 a", "EOF", "2", NULL));
  hello("0", "a", "0", "NEW", 1);
  ck_assert_int_eq(server_integer("HLEN uvchan:{orders}:end"), 1);
  hello("0", "b", "1", "NEW", 2);
  ck_assert_int_eq(server_integer("HLEN uvchan:{orders}:end"), 0);
}
END_TEST

/* The server is at a moment before it has begun, when another of its name had ended. */
START_TEST(hello_forgets_the_end_of_one_that_comes_back) {
  hello("0", "a", "0", "NEW", 1);
  freeReplyObject(run(UVCHAN__REDIS_END, "one", "1 a", "EOF", "2", NULL));
  hello("2", "b", "0", "LOST", 4);
  ck_assert_int_eq(server_integer("HLEN uvchan:{orders}:end"), 0);
}
END_TEST

START_TEST(add_refuses_when_closed) {
  hello("0", "a", "0", "NEW", 1);
  freeReplyObject(run(UVCHAN__REDIS_END, "one", "1 a", "EOF", "1", NULL));
  add("1 a", "10", "1", "a", "CLOSED", 0);
  ck_assert_int_eq(length(), 0);
}
END_TEST

/* The numbers of one producer are none of another's. */
START_TEST(producers_have_numbers_of_their_own) {
  hello("0", "a", "0", "NEW", 1);
  freeReplyObject(run(UVCHAN__REDIS_HELLO, "two", "0", "b", "0", NULL));
  add("1 a", "10", "1", "a", "OK", 1);
  check_added(run(UVCHAN__REDIS_ADD, "two", "1 b", "10", "1", "1 1", "a", NULL), "OK", 1);
  ck_assert_int_eq(length(), 2);
}
END_TEST

/* ---- Claims ---------------------------------------------------------------------------------- */

/* Two entries, both given to another member. */
static void give_two(void) {
  freeReplyObject(run(UVCHAN__REDIS_OPEN, "group", NULL));
  server_do("XADD uvchan:{orders}:stream 1-1 v a");
  server_do("XADD uvchan:{orders}:stream 2-1 v b");
  server_do("XREADGROUP GROUP group other STREAMS uvchan:{orders}:stream >");
}

/* How many it has, how many it has buried, and where it says to go on. */
static void check_claimed(redisReply* reply, size_t entries, long long dead, const char* behind) {
  ck_assert_uint_eq(reply->elements, 3);
  ck_assert_uint_eq(reply->element[0]->elements, entries);
  ck_assert_int_eq(reply->element[1]->integer, dead);
  ck_assert_str_eq(reply->element[2]->str, behind);
  freeReplyObject(reply);
}

START_TEST(claim_goes_on_where_it_has_ended) {
  give_two();
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", "0", "1", "9", "-", "", NULL), 1, 0,
                "1-1");
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", "0", "1", "9", "(1-1", "", NULL), 1, 0,
                "2-1");
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", "0", "1", "9", "(2-1", "", NULL), 0, 0,
                "");
}
END_TEST

START_TEST(claim_passes_over_what_is_held) {
  give_two();
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", "0", "2", "9", "-", "", "1-1", NULL),
                1, 0, "");
  ck_assert_int_eq(server_integer("XACK uvchan:{orders}:stream group 1-1"), 1);
}
END_TEST

START_TEST(claim_of_ones_own_leaves_what_others_have) {
  give_two();
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", "0", "2", "9", "-", "me", NULL), 0, 0,
                "");
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "other", "0", "2", "9", "-", "other", NULL),
                2, 0, "2-1");
}
END_TEST

START_TEST(claim_buries_what_was_delivered_too_often) {
  give_two();
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "1", "me", "0", "9", "1", "-", "", NULL), 0, 1,
                "");
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 1);
  ck_assert_int_eq(length(), 1);
}
END_TEST

/* 1 where the group has a member of this name. */
static int has_member(const char* name) {
  redisReply* reply = redisCommand(context, "XINFO CONSUMERS uvchan:{orders}:stream group");
  int has = 0;
  size_t i;

  must(reply != NULL && reply->type == REDIS_REPLY_ARRAY);
  for (i = 0; i < reply->elements; i++)
    has |= strcmp(reply->element[i]->element[1]->str, name) == 0;
  freeReplyObject(reply);
  return has;
}

/* One that has something is not idle, however long ago it got it. */
START_TEST(claim_forgets_members_that_have_nothing) {
  unsigned int turns = 0;

  give_two();
  server_do("XGROUP CREATECONSUMER uvchan:{orders}:stream group gone");
  freeReplyObject(run(UVCHAN__REDIS_CLAIM, "group", "1", "me", "0", "1", "9", "(2-1", "me", NULL));
  ck_assert_int_eq(has_member("gone"), 1);
  while (has_member("gone")) {
    freeReplyObject(run(UVCHAN__REDIS_CLAIM, "group", "1", "me", "0", "1", "9", "(2-1", "", NULL));
    support_pause(__FILE__, __LINE__, "the idle member is forgotten", &turns);
  }
  ck_assert_int_eq(has_member("other"), 1);
}
END_TEST

/* ---- Given back ------------------------------------------------------------------------------ */

#define LONG "86400000" /* longer than any entry here waits */

/* What `return` has answered: how often some were given back, and how many now. */
static void check_returned(redisReply* reply, long long returns, long long n) {
  ck_assert_uint_eq(reply->elements, 5);
  ck_assert_int_eq(reply->element[3]->integer, returns);
  ck_assert_int_eq(reply->element[4]->integer, n);
  freeReplyObject(reply);
}

/* One entry, claimed by whoever asks first, with so many deliveries; 0: nobody gets one. */
static void check_claimed_again(long long deliveries) {
  redisReply* reply = run(UVCHAN__REDIS_CLAIM, "group", "9", "me", LONG, "1", "9", "-", "", NULL);

  ck_assert_uint_eq(reply->element[0]->elements, deliveries == 0 ? 0 : 1);
  if (deliveries > 0) {
    ck_assert_str_eq(reply->element[0]->element[0]->element[0]->str, "1-1");
    ck_assert_int_eq(reply->element[0]->element[0]->element[1]->integer, deliveries);
  }
  freeReplyObject(reply);
}

START_TEST(what_was_given_back_is_claimed_at_once) {
  give_two();
  check_claimed_again(0);
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "other", "1-1", "1", "0", NULL), 1, 1);
  check_claimed_again(2);
  check_claimed_again(0);
}
END_TEST

START_TEST(what_nobody_has_had_was_not_delivered) {
  give_two();
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "other", "1-1", "1", "1", NULL), 1, 1);
  check_claimed_again(UVCHAN__REDIS_UNSEEN + 1);
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "me", "1-1", "1048577", "0", NULL), 2, 1);
  check_claimed_again(UVCHAN__REDIS_UNSEEN + 2);
}
END_TEST

/* By what receivers have had, not by what the server has counted. */
START_TEST(what_nobody_has_had_is_not_buried) {
  give_two();
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "other", "1-1", "1", "1", NULL), 1, 1);
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", LONG, "1", "1", "-", "", NULL), 1, 0,
                "1-1");
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", "0", "9", "1", "-", "", NULL), 0, 2,
                "");
}
END_TEST

/* Of another member, of another delivery, twice, and what is gone. */
START_TEST(return_gives_nothing_back_but_what_is_meant) {
  give_two();
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "me", "1-1", "1", "0", NULL), 0, 0);
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "other", "1-1", "2", "0", NULL), 0, 0);
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "other", "3-1", "1", "0", NULL), 0, 0);
  check_claimed_again(0);
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "other", "1-1", "1", "1", NULL), 1, 1);
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "other", "1-1", "1", "1", NULL), 1, 0);
  check_claimed_again(UVCHAN__REDIS_UNSEEN + 1);
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "me", "1-1", "1", "1", NULL), 1, 0);
  check_claimed_again(0);
}
END_TEST

START_TEST(renew_is_of_ones_own) {
  const char* const names[] = {"me", "other"};
  redisReply* reply;
  int i;

  give_two();
  for (i = 0; i < 2; i++) {
    reply = run(UVCHAN__REDIS_RENEW, "group", names[i], "1-1", "3-1", NULL);
    ck_assert_int_eq(reply->integer, i);
    freeReplyObject(reply);
  }
}
END_TEST

START_TEST(renew_leaves_what_was_given_back) {
  redisReply* reply;

  give_two();
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "other", "1-1", "1", "0", NULL), 1, 1);
  reply = run(UVCHAN__REDIS_RENEW, "group", "other", "1-1", NULL);
  ck_assert_int_eq(reply->integer, 0);
  freeReplyObject(reply);
  check_claimed_again(2);
}
END_TEST

/* Nothing is pending then, and the group is there behind it. */
START_TEST(a_group_that_is_gone_is_made_by_who_gives_back) {
  redisReply* reply = run(UVCHAN__REDIS_RENEW, "group", "me", "1-1", NULL);

  ck_assert_int_eq(reply->integer, 0);
  freeReplyObject(reply);
  check_returned(run(UVCHAN__REDIS_RETURN, "group", "me", "1-1", "1", "0", NULL), 0, 0);
  ck_assert_int_eq(has_member("me"), 0);
  server_do("DEL uvchan:{orders}:stream");
  freeReplyObject(run(UVCHAN__REDIS_DONE, "group", "1-1", NULL));
  ck_assert_int_eq(has_member("me"), 0);
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

/* So it is where memory is at its limit, which keeps nobody from what lies behind. */
START_TEST(a_server_without_memory_buries_nothing) {
  give_two();
  freeReplyObject(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", "0", "1", "9", "-", "", NULL));
  server_do("CONFIG SET maxmemory 1");
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", "0", "9", "2", "-", "", NULL), 1, 0,
                "");
  server_do("CONFIG SET maxmemory 0");
  check_claimed(run(UVCHAN__REDIS_CLAIM, "group", "9", "me", "0", "9", "2", "-", "", NULL), 0, 2,
                "");
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 2);
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
  tcase_add_test(tcase, hello_tells_a_producer_from_another_by_its_token);
  tcase_add_test(tcase, hello_gives_a_new_epoch_where_the_server_has_lost_something);
  tcase_add_test(tcase, hello_tells_who_asks_again_how_the_epoch_was_given);
  tcase_add_test(tcase, who_has_a_newer_mark_already_is_not_fenced_by_itself);
  tcase_add_test(tcase, hello_forgets_the_end_of_another_alone);
  tcase_add_test(tcase, hello_forgets_the_end_of_one_that_comes_back);
  tcase_add_test(tcase, add_refuses_when_closed);
  tcase_add_test(tcase, producers_have_numbers_of_their_own);
  tcase_add_test(tcase, claim_goes_on_where_it_has_ended);
  tcase_add_test(tcase, claim_passes_over_what_is_held);
  tcase_add_test(tcase, claim_of_ones_own_leaves_what_others_have);
  tcase_add_test(tcase, claim_buries_what_was_delivered_too_often);
  tcase_add_test(tcase, claim_forgets_members_that_have_nothing);
  tcase_add_test(tcase, what_was_given_back_is_claimed_at_once);
  tcase_add_test(tcase, what_nobody_has_had_was_not_delivered);
  tcase_add_test(tcase, return_gives_nothing_back_but_what_is_meant);
  tcase_add_test(tcase, what_nobody_has_had_is_not_buried);
  tcase_add_test(tcase, renew_is_of_ones_own);
  tcase_add_test(tcase, renew_leaves_what_was_given_back);
  tcase_add_test(tcase, a_group_that_is_gone_is_made_by_who_gives_back);
  tcase_add_test(tcase, full_dead_letters_take_no_more);
  tcase_add_test(tcase, a_server_without_memory_buries_nothing);
  return support_main(suite);
}
