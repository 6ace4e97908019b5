/* SPDX-License-Identifier: MIT */
/* Memory that is not there: the n-th allocation of this program's own code fails, for each n in its
 * turn, or hiredis or libuv answers so. An init answers UV_ENOMEM and leaves nothing; ends that run
 * go on, and lose nothing.
 *
 * The linker puts the functions below before those that they are named after. What hiredis and
 * libuv do inside is not reached where they are shared libraries. */
#include <hiredis/async.h>
#include <stdarg.h>

#include "ends.h"

/* ---- What fails ------------------------------------------------------------------------------ */

typedef enum { MEMORY = 0, COMMANDS, CONNECTS, POLLS, KINDS } kind_t;

static struct {
  int is_armed;
  kind_t kind;
  unsigned int left;  /* until the next that fails */
  unsigned int every; /* from then on one of so many, by chance; 0: none */
  uint32_t random;
  unsigned int failures;
  atomic_long blocks; /* that this program's own code has */
} plan;

static _Thread_local int is_main; /* other threads have what they ask for */

static int should_fail(kind_t kind) {
  if (!is_main || !plan.is_armed || plan.kind != kind) return 0;
  if (plan.left-- > 0) return 0;
  plan.failures++;
  plan.is_armed = plan.every != 0;
  plan.left = plan.every == 0 ? 0 : support_random(&plan.random) % (2 * plan.every);
  return 1;
}

static void arm(kind_t kind, unsigned int n, unsigned int every) {
  is_main = 1;
  plan.kind = kind;
  plan.left = n;
  plan.every = every;
  plan.random = every + 1;
  plan.failures = 0;
  plan.is_armed = 1;
}

static void disarm(void) { plan.is_armed = 0; }

/* The names are the linker's. */
void* __real_malloc(size_t size);
void* __real_calloc(size_t n, size_t size);
void* __real_realloc(void* memory, size_t size);
void __real_free(void* memory);
int __real_redisAsyncCommandArgv(redisAsyncContext* context, redisCallbackFn* fn, void* data,
                                 int argc, const char** argv, const size_t* lengths);
redisAsyncContext* __real_redisAsyncConnectUnix(const char* path);
int __real_uv_poll_init(uv_loop_t* loop, uv_poll_t* poll, int fd);

void* __wrap_malloc(size_t size);
void* __wrap_calloc(size_t n, size_t size);
void* __wrap_realloc(void* memory, size_t size);
void __wrap_free(void* memory);
int __wrap_redisAsyncCommandArgv(redisAsyncContext* context, redisCallbackFn* fn, void* data,
                                 int argc, const char** argv, const size_t* lengths);
redisAsyncContext* __wrap_redisAsyncConnectUnix(const char* path);
int __wrap_uv_poll_init(uv_loop_t* loop, uv_poll_t* poll, int fd);

static void* count_block(void* memory) {
  if (memory != NULL) atomic_fetch_add(&plan.blocks, 1);
  return memory;
}

void* __wrap_malloc(size_t size) {
  return should_fail(MEMORY) ? NULL : count_block(__real_malloc(size));
}

void* __wrap_calloc(size_t n, size_t size) {
  return should_fail(MEMORY) ? NULL : count_block(__real_calloc(n, size));
}

void* __wrap_realloc(void* memory, size_t size) {
  if (should_fail(MEMORY)) return NULL;
  return memory == NULL ? count_block(__real_realloc(memory, size)) : __real_realloc(memory, size);
}

void __wrap_free(void* memory) {
  if (memory != NULL) atomic_fetch_sub(&plan.blocks, 1);
  __real_free(memory);
}

int __wrap_redisAsyncCommandArgv(redisAsyncContext* context, redisCallbackFn* fn, void* data,
                                 int argc, const char** argv, const size_t* lengths) {
  if (should_fail(COMMANDS)) return REDIS_ERR;
  return __real_redisAsyncCommandArgv(context, fn, data, argc, argv, lengths);
}

redisAsyncContext* __wrap_redisAsyncConnectUnix(const char* path) {
  return should_fail(CONNECTS) ? NULL : __real_redisAsyncConnectUnix(path);
}

int __wrap_uv_poll_init(uv_loop_t* loop, uv_poll_t* poll, int fd) {
  return should_fail(POLLS) ? UV_ENOMEM : __real_uv_poll_init(loop, poll, fd);
}

/* ---- Init ------------------------------------------------------------------------------------ */

static ssize_t encode_nothing(uvchan_redis_sink_t* sink, const void* value, void* bytes,
                              size_t size) {
  (void)sink;
  (void)value;
  (void)bytes;
  (void)size;
  return 0;
}

static uvchan_redis_server_t wordy_server(void) {
  uvchan_redis_server_t words;

  memset(&words, 0, sizeof(words));
  words.host = "127.0.0.1:1,localhost:2,[::1]:3";
  words.sentinel = "orders";
  words.user = "somebody";
  words.password = "secret";
  return words;
}

static int init_sink(out_t* out, int is_wordy) {
  uvchan_redis_sink_options_t with = out_options("one");
  int r;

  if (is_wordy) {
    with.server = wordy_server();
    with.encode = encode_nothing;
    with.format = "nothing/1";
  }
  r = uvchan_redis_sink_init(&scene.loop, &out->handle, out->ch, &with);
  disarm();
  return r;
}

static int init_source(in_t* in, int is_wordy) {
  uvchan_redis_source_options_t with = in_options("one");
  int r;

  if (is_wordy) with.server = wordy_server();
  r = uvchan_redis_source_init(&scene.loop, &in->handle, in->ch, &with);
  disarm();
  return r;
}

START_TEST(a_sink_without_memory_leaves_nothing) {
  unsigned int n;
  long blocks, after;
  out_t out;
  int r;

  memset(&out, 0, sizeof(out));
  out.ch = scene_channel(16);
  for (n = 0;; n++) {
    blocks = atomic_load(&plan.blocks);
    arm(MEMORY, n, 0);
    r = init_sink(&out, _i);
    after = atomic_load(&plan.blocks); /* before Check has any */
    if (r == 0) break;
    ck_assert_int_eq(r, UV_ENOMEM);
    ck_assert_uint_eq(plan.failures, 1);
    ck_assert_int_eq(after, blocks);
    ck_assert_uint_eq(count_handles(&scene.loop, UV_UNKNOWN_HANDLE), 0);
  }
  ck_assert_uint_ge(n, 5);
  out_close(&out);
}
END_TEST

/* The core keeps what it has made for the loop, for as long as that lives. */
START_TEST(a_source_without_memory_leaves_nothing) {
  unsigned int n, handles = 0;
  long blocks, after;
  in_t in;
  int r;

  memset(&in, 0, sizeof(in));
  in.ch = support_channel(sizeof(element_t), 16);
  must(uvchan_receiver_init(&scene.loop, &in.receiver, in.ch) == 0);
  in.receiver.data = &in;
  handles = count_handles(&scene.loop, UV_UNKNOWN_HANDLE);
  for (n = 0;; n++) {
    blocks = atomic_load(&plan.blocks);
    arm(MEMORY, n, 0);
    r = init_source(&in, _i);
    after = atomic_load(&plan.blocks); /* before Check has any */
    if (r == 0) break;
    ck_assert_int_eq(r, UV_ENOMEM);
    ck_assert_uint_eq(plan.failures, 1);
    ck_assert_int_eq(after, blocks);
    ck_assert_uint_eq(count_handles(&scene.loop, UV_UNKNOWN_HANDLE), handles);
  }
  ck_assert_uint_ge(n, 8);
  in_close(&in);
}
END_TEST

/* ---- Ends that run --------------------------------------------------------------------------- */

#define VALUES 60

/* Answers how many were refused. */
static unsigned int run_a_line(kind_t kind, unsigned int n, unsigned int every) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  out_t out;
  in_t in;

  server_do("FLUSHALL");
  out_with.server.backoff_least_ms = in_with.server.backoff_least_ms = 1;
  out_with.server.backoff_most_ms = in_with.server.backoff_most_ms = 5;
  out_with.batch = in_with.batch = 8;
  in_with.block_ms = 10;
  out_open(&out, 4, &out_with);
  in_open(&in, 4, &in_with);
  sender_start(&sender, out.ch, VALUES, UV_EOF);
  arm(kind, n, every);
  run_to_end(&out, &in);
  disarm();
  support_join(&sender.thread);
  ck_assert_int_eq(out.status, 0);
  ck_assert_int_eq(in.end, UV_EOF);
  ck_assert_uint_eq(in.next, VALUES);
  ck_assert_uint_eq(in.values - in.again, VALUES);
  ck_assert_uint_ge(in.redelivered, in.again);
  check_added_once(VALUES);
  out_close(&out);
  in_close(&in);
  scene_finish();
  scene_open();
  return plan.failures;
}

/* Each once, until there are no more. */
START_TEST(ends_that_run_survive_one_refusal) {
  unsigned int n = 0;

  while (run_a_line((kind_t)_i, n, 0) > 0) n++;
  ck_assert_uint_gt(n, 2);
}
END_TEST

/* On a loop on which the core has nothing yet: what it needs for its first request is refused. */
START_TEST(a_sink_alone_survives_one_refusal) {
  uvchan_redis_sink_options_t with = out_options("one");
  unsigned int n, failures = 1;
  uint64_t value = 0;
  out_t out;

  with.server.backoff_least_ms = 1;
  for (n = 0; failures > 0; n++) {
    server_do("FLUSHALL");
    out_open(&out, 16, &with);
    arm(MEMORY, n, 0);
    run_until(&scene.loop, out_stats(&out).connects > 0);
    must(uvchan_try_send(out.ch, &value) == 0);
    must(uvchan_close(out.ch) == 0);
    run_until(&scene.loop, out.ends == 1);
    failures = plan.failures;
    disarm();
    ck_assert_int_eq(out.status, 0);
    ck_assert_uint_eq(out_stats(&out).values, 1);
    out_close(&out);
    scene_finish();
    scene_open();
  }
  ck_assert_uint_gt(n, 1);
}
END_TEST

/* Again and again: a greeting alone has some ten commands. */
START_TEST(ends_that_run_survive_many_refusals) {
  unsigned int every = _i == COMMANDS ? 40 : 2;
  unsigned int round;

  for (round = 0; round < 10; round++)
    ck_assert_uint_gt(run_a_line((kind_t)_i, 0, every + round), 0);
}
END_TEST

/* ---- What goes back -------------------------------------------------------------------------- */

/* Values are held for long, given back, and done, and then the source leaves. Answers how many were
 * refused. */
static unsigned int hold_and_leave(kind_t kind, unsigned int n, unsigned int every) {
  uvchan_redis_source_options_t with = in_options("one");
  unsigned int failures;
  in_t in, another;

  server_do("FLUSHALL");
  put_numbers(0, 12);
  with.server.backoff_least_ms = 1;
  with.server.backoff_most_ms = 5;
  with.block_ms = 10;
  with.in_flight = 6;
  with.claim_after_ms = 20;
  with.hold_ms = UINT64_MAX;
  in_open(&in, 2, &with);
  in.hold = 4;
  arm(kind, n, every);
  run_until(&scene.loop, in.nheld == 4);
  let_pass(30);
  must(uvchan_redis_requeue(&in.held[0].ticket) == 0);
  must(uvchan_redis_done(&in.held[1].ticket) == 0);
  must(uvchan_close(in.ch) == 0);
  must(uvchan_redis_requeue(&in.held[2].ticket) == 0);
  must(uvchan_redis_done(&in.held[3].ticket) == 0);
  run_until(&scene.loop, in.source_ends == 1);
  disarm();
  failures = plan.failures;
  ck_assert_int_eq(in.status, UV_EPIPE);
  with.consumer = "another";
  in_open(&another, 16, &with);
  another.next = 12;
  while (server_integer("XLEN uvchan:{orders}:stream") > 0) let_pass(5);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 0);
  ck_assert_uint_ge(in.values + another.values, 12 + 2);
  in_close(&in);
  in_close(&another);
  scene_finish();
  scene_open();
  return failures;
}

START_TEST(a_source_that_leaves_survives_one_refusal) {
  unsigned int n = 0;

  while (hold_and_leave((kind_t)_i, n, 0) > 0) n++;
  ck_assert_uint_gt(n, 1);
}
END_TEST

START_TEST(a_source_that_leaves_survives_many_refusals) {
  unsigned int every = _i == COMMANDS ? 40 : 2;
  unsigned int round;

  for (round = 0; round < 10; round++)
    ck_assert_uint_gt(hold_and_leave((kind_t)_i, 0, every + round), 0);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-memory");
  TCase* tcase = redis_tcase(suite, "memory");

  tcase_add_loop_test(tcase, a_sink_without_memory_leaves_nothing, 0, 2);
  tcase_add_loop_test(tcase, a_source_without_memory_leaves_nothing, 0, 2);
  tcase_add_loop_test(tcase, ends_that_run_survive_one_refusal, 0, KINDS);
  tcase_add_test(tcase, a_sink_alone_survives_one_refusal);
  tcase_add_loop_test(tcase, ends_that_run_survive_many_refusals, 0, KINDS);
  tcase_add_loop_test(tcase, a_source_that_leaves_survives_one_refusal, 0, KINDS);
  tcase_add_loop_test(tcase, a_source_that_leaves_survives_many_refusals, 0, KINDS);
  return support_main(suite);
}
