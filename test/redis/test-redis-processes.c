/* SPDX-License-Identifier: MIT */
/* Ends that are processes of their own, and are killed: a consumer between what it received and its
 * word that it is done, a producer between what it sent and the answer. Every value is counted. */
#include "child-record.h"
#include "ends.h"
#include "gate.h"

#define VALUES 200

typedef struct {
  pid_t pid;
  int records; /* of a consumer */
} child_t;

static void child_start(child_t* child, const char* kind, const char* socket, const char* name,
                        uint64_t third, uint64_t fourth) {
  char words[2][24];
  int ends[2];

  snprintf(words[0], sizeof(words[0]), "%llu", (unsigned long long)third);
  snprintf(words[1], sizeof(words[1]), "%llu", (unsigned long long)fourth);
  must(pipe(ends) == 0);
  child->pid = fork();
  must(child->pid >= 0);
  if (child->pid == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    execl(REDIS_CHILD, REDIS_CHILD, kind, socket, name, words[0], words[1], NULL);
    _exit(127);
  }
  close(ends[1]);
  child->records = ends[0];
}

static void child_kill(child_t* child) {
  int status;

  must(kill(child->pid, SIGKILL) == 0);
  must(waitpid(child->pid, &status, 0) == child->pid);
}

static void child_finish(child_t* child) {
  int status;

  must(waitpid(child->pid, &status, 0) == child->pid);
  must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  close(child->records);
}

/* ---- A consumer ------------------------------------------------------------------------------ */

static struct {
  unsigned int seen[VALUES];
  unsigned int firsts[VALUES];
  uint64_t next; /* of those that come first */
} book;

/* Answers 0 where the child has written no more and is at its end. */
static int book_read(const child_t* child) {
  child_record_t record;
  size_t n = 0;

  while (n < sizeof(record)) {
    ssize_t r = read(child->records, (char*)&record + n, sizeof(record) - n);
    if (r == 0) return 0;
    must(r > 0);
    n += (size_t)r;
  }
  must(record.value < VALUES && record.deliveries > 0);
  must(record.deliveries > 1 || book.seen[record.value] == 0);
  book.seen[record.value]++;
  if (record.deliveries > 1) return 1;
  book.firsts[record.value]++;
  must(record.value >= book.next);
  book.next = record.value + 1;
  return 1;
}

/* What it has written before it died counts. */
static void book_kill(child_t* child) {
  child_kill(child);
  while (book_read(child)) continue;
  close(child->records);
}

static void fill_stream(void) {
  uvchan_redis_sink_options_t with = out_options("one");
  sender_t sender;
  out_t out;

  out_open(&out, 16, &with);
  sender_start(&sender, out.ch, VALUES, UV_EOF);
  run_until(&scene.loop, out.ends == 1);
  support_join(&sender.thread);
  ck_assert_int_eq(out.status, 0);
  out_close(&out);
}

static void check_book(void) {
  uint64_t i;

  for (i = 0; i < VALUES; i++) ck_assert_uint_gt(book.seen[i], 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 0);
}

/* It has been given all, is done with 50, and is killed with the others: what it had comes again,
 * what it was done with does not; at once under its name, or to another after a time. */
START_TEST(a_consumer_killed_between_receive_and_done_loses_nothing) {
  child_t child;
  unsigned int i;

  fill_stream();
  child_start(&child, "consume", server.socket, "one", 50, 60000);
  for (i = 0; i < VALUES; i++) must(book_read(&child));
  support_await(server_integer("XLEN uvchan:{orders}:stream") == VALUES - 50);
  book_kill(&child);
  child_start(&child, "consume", server.socket, _i == 0 ? "one" : "two", VALUES,
              _i == 0 ? 60000 : 200);
  while (book_read(&child)) continue;
  child_finish(&child);
  check_book();
  for (i = 0; i < VALUES; i++) {
    ck_assert_uint_eq(book.firsts[i], 1);
    ck_assert_uint_eq(book.seen[i], i < 50 ? 1 : 2);
  }
}
END_TEST

/* At places that nobody chose. */
START_TEST(a_consumer_killed_again_and_again_loses_nothing) {
  uint32_t random = (uint32_t)_i + 1;
  uint32_t reads;
  child_t child;
  int kills;

  fill_stream();
  for (kills = 0; kills < 8; kills++) {
    child_start(&child, "consume", server.socket, "one", VALUES, 60000);
    for (reads = support_random(&random) % 20; reads > 0; reads--) must(book_read(&child));
    book_kill(&child);
  }
  child_start(&child, "consume", server.socket, "one", VALUES, 60000);
  while (book_read(&child)) continue;
  child_finish(&child);
  check_book();
}
END_TEST

/* ---- A producer ------------------------------------------------------------------------------ */

static struct {
  atomic_int pid; /* 0: it is not known yet */
  int victim;     /* which step's answer it does not live to see */
  atomic_int steps;
} plan;

static void kill_before_answer(const redisReply* command, unsigned int n) {
  (void)n;
  if (!is_command(command, "EVALSHA") || command->elements < 14) return;
  if (atomic_fetch_add(&plan.steps, 1) != plan.victim) return;
  support_await(atomic_load(&plan.pid) != 0);
  must(kill(atomic_load(&plan.pid), SIGKILL) == 0);
}

static redisReply* read_stream(redisContext* context) {
  redisReply* reply = redisCommand(context, "XRANGE uvchan:{orders}:stream - +");

  must(reply != NULL && reply->type == REDIS_REPLY_ARRAY);
  return reply;
}

/* The i-th entry has this number, and this value. */
static void check_entry(const redisReply* stream, size_t i, uint64_t value) {
  const redisReply* fields = stream->element[i]->element[1];
  uint64_t found;

  must(fields->elements == 8);
  ck_assert_str_eq(fields->element[4]->str, "n");
  ck_assert_uint_eq(strtoull(fields->element[5]->str, NULL, 10), i + 1);
  ck_assert_uint_eq((unsigned long)fields->element[7]->len, sizeof(found));
  memcpy(&found, fields->element[7]->str, sizeof(found));
  ck_assert_uint_eq(found, value);
}

/* What the server has taken is in once, and the next process of that name goes on behind it. */
START_TEST(a_producer_killed_between_send_and_answer_goes_on_behind_it) {
  redisContext* context;
  redisReply* stream;
  child_t child;
  size_t before, i;

  plan.victim = _i * 3;
  gate_open(NULL, kill_before_answer);
  child_start(&child, "produce", gate.socket, "one", 0, 100);
  atomic_store(&plan.pid, child.pid);
  must(waitpid(child.pid, NULL, 0) == child.pid);
  close(child.records);
  gate_close();
  before = (size_t)server_integer("XLEN uvchan:{orders}:stream");
  ck_assert_uint_gt(before, 0);

  child_start(&child, "produce", server.socket, "one", 1000, 50);
  child_finish(&child);
  context = server_connect();
  stream = read_stream(context);
  ck_assert_uint_eq(stream->elements, before + 50);
  for (i = 0; i < stream->elements; i++) check_entry(stream, i, i < before ? i : 1000 + i - before);
  freeReplyObject(stream);
  redisFree(context);
  check_added_once(before + 50);
}
END_TEST

#define RUNS 6
#define OF_EACH 1000

/* Of each run a beginning is there, once and in order, and of the last one all. */
START_TEST(a_producer_killed_again_and_again_adds_nothing_twice) {
  static unsigned char seen[RUNS * OF_EACH], firsts[RUNS * OF_EACH];
  uvchan_redis_source_options_t with = in_options("one");
  uint32_t random = (uint32_t)_i + 1;
  uint64_t run, at, more;
  child_t child;
  in_t in;

  in_open(&in, 16, &with);
  in.seen = seen;
  in.firsts = firsts;
  in.of_each = OF_EACH;
  for (run = 0; run < RUNS - 1; run++) {
    child_start(&child, "produce", server.socket, "one", run * OF_EACH, OF_EACH);
    more = in.values + 1 + support_random(&random) % 300;
    run_until(&scene.loop, in.values >= more);
    child_kill(&child);
    close(child.records);
  }
  child_start(&child, "produce", server.socket, "one", run * OF_EACH, OF_EACH);
  run_until(&scene.loop, in.source_ends == 1 && in.ends == 1);
  child_finish(&child);
  for (at = 1; at < RUNS * OF_EACH; at++) {
    if (at % OF_EACH != 0) ck_assert_uint_le(seen[at], seen[at - 1]);
    if (at / OF_EACH == RUNS - 1) ck_assert_uint_eq(seen[at], 1);
  }
  ck_assert_uint_eq(in.redelivered, 0);
  check_added_once(in.values);
  in_close(&in);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-processes");
  TCase* tcase = redis_tcase(suite, "processes");

  tcase_add_loop_test(tcase, a_consumer_killed_between_receive_and_done_loses_nothing, 0, 2);
  tcase_add_loop_test(tcase, a_consumer_killed_again_and_again_loses_nothing, 0, 3);
  tcase_add_loop_test(tcase, a_producer_killed_between_send_and_answer_goes_on_behind_it, 0, 4);
  tcase_add_loop_test(tcase, a_producer_killed_again_and_again_adds_nothing_twice, 0, 3);
  return support_main(suite);
}
