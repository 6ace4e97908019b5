/* SPDX-License-Identifier: MIT */
/* hiredis on a poll of our own, with a listener of the test's in the server's place. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "redis/wire.h"
#include "scene.h"

typedef struct {
  uvchan__redis_wire_t* wire;
  int listener;
  unsigned int ups, downs, gones;
} end_t;

static end_t end;
static char folder[64];
static char path[96];

static void open_listener(void) {
  struct sockaddr_un address;

  memset(&end, 0, sizeof(end));
  strcpy(folder, "/tmp/uvchan-redis-XXXXXX");
  must(mkdtemp(folder) != NULL);
  snprintf(path, sizeof(path), "%s/socket", folder);
  memset(&address, 0, sizeof(address));
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
  end.listener = socket(AF_UNIX, SOCK_STREAM, 0);
  must(end.listener >= 0);
  must(bind(end.listener, (const struct sockaddr*)&address, sizeof(address)) == 0);
  must(listen(end.listener, 4) == 0);
}

static void close_listener(void) {
  close(end.listener);
  unlink(path);
  rmdir(folder);
}

static void on_up(void* owner) {
  must(owner == &end);
  end.ups++;
}

static void on_down(void* owner, const char* words) {
  must(owner == &end);
  must(words != NULL);
  end.downs++;
}

static void on_gone(void* owner) {
  must(owner == &end);
  end.gones++;
}

static void connect_wire(const uvchan__redis_wire_calls_t* calls) {
  redisAsyncContext* context = redisAsyncConnectUnix(path);

  must(context != NULL && context->err == 0);
  must(uvchan__redis_wire_open(&scene.loop, &end.wire, context, calls, &end) == 0);
}

/* hiredis writes in the very step in which it has seen that it is connected: so the other side is
 * gone before the first write. */
static void on_up_and_lost(void* owner) {
  int peer = accept(end.listener, NULL, NULL);

  must(peer >= 0 && close(peer) == 0);
  must(redisAsyncCommand(end.wire->context, NULL, NULL, "PING") == REDIS_OK);
  on_up(owner);
}

START_TEST(a_write_to_nobody_raises_no_signal) {
  static const uvchan__redis_wire_calls_t calls = {on_up_and_lost, on_down, on_gone};
  sigset_t set;

  must(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
  connect_wire(&calls);
  scene_run();
  ck_assert_uint_eq(end.ups, 1);
  ck_assert_uint_eq(end.downs, 1);
  ck_assert_uint_eq(end.gones, 1);
  must(sigpending(&set) == 0);
  ck_assert_int_eq(sigismember(&set, SIGPIPE), 0);
  must(pthread_sigmask(SIG_SETMASK, NULL, &set) == 0);
  ck_assert_int_eq(sigismember(&set, SIGPIPE), 0);
}
END_TEST

START_TEST(a_wire_that_is_dropped_tells_only_that_it_is_gone) {
  static const uvchan__redis_wire_calls_t calls = {on_up, on_down, on_gone};

  connect_wire(&calls);
  run_until(&scene.loop, end.ups == 1);
  uvchan__redis_wire_drop(end.wire);
  scene_run();
  ck_assert_uint_eq(end.downs, 0);
  ck_assert_uint_eq(end.gones, 1);
}
END_TEST

static void on_up_and_dropped(void* owner) {
  on_up(owner);
  uvchan__redis_wire_drop(end.wire);
}

/* With nothing to write, and with something that is due. */
static void on_up_asked_and_dropped(void* owner) {
  must(redisAsyncCommand(end.wire->context, NULL, NULL, "PING") == REDIS_OK);
  on_up_and_dropped(owner);
}

START_TEST(a_wire_may_be_dropped_when_it_is_up) {
  static const uvchan__redis_wire_calls_t calls[2] = {{on_up_and_dropped, on_down, on_gone},
                                                      {on_up_asked_and_dropped, on_down, on_gone}};

  connect_wire(&calls[_i]);
  scene_run();
  ck_assert_uint_eq(end.ups, 1);
  ck_assert_uint_eq(end.downs, 0);
  ck_assert_uint_eq(end.gones, 1);
}
END_TEST

static unsigned int answers;

/* What is due is answered with NULL, and the drop may come from there. */
static void on_answer(redisAsyncContext* context, void* reply, void* arg) {
  (void)context;
  (void)arg;
  must(reply == NULL);
  answers++;
}

START_TEST(what_is_due_when_a_wire_is_dropped_is_answered_with_null) {
  static const uvchan__redis_wire_calls_t calls = {on_up, on_down, on_gone};

  answers = 0;
  connect_wire(&calls);
  run_until(&scene.loop, end.ups == 1);
  must(redisAsyncCommand(end.wire->context, on_answer, NULL, "PING") == REDIS_OK);
  must(redisAsyncCommand(end.wire->context, on_answer, NULL, "PING") == REDIS_OK);
  uvchan__redis_wire_drop(end.wire);
  scene_run();
  ck_assert_uint_eq(answers, 2);
  ck_assert_uint_eq(end.downs, 0);
  ck_assert_uint_eq(end.gones, 1);
}
END_TEST

#define MANY_BYTES 4000000 /* more than a socket has room for */

typedef struct {
  uv_poll_t poll;
  int peer;
  size_t bytes;
  unsigned int reads;
} reader_t;

/* The other side reads, and drops the wire once it has all. */
static void on_readable(uv_poll_t* poll, int status, int events) {
  static char bytes[65536];
  reader_t* reader = poll->data;
  ssize_t n = read(reader->peer, bytes, sizeof(bytes));

  (void)events;
  must(status == 0 && n > 0);
  reader->reads++;
  reader->bytes += (size_t)n;
  if (reader->bytes <= MANY_BYTES) return;
  uv_close((uv_handle_t*)poll, NULL);
  uvchan__redis_wire_drop(end.wire);
}

START_TEST(what_a_socket_has_no_room_for_is_written_when_it_has) {
  static const uvchan__redis_wire_calls_t calls = {on_up, on_down, on_gone};
  char* bytes = calloc(1, MANY_BYTES);
  reader_t reader = {.bytes = 0};

  must(bytes != NULL);
  connect_wire(&calls);
  run_until(&scene.loop, end.ups == 1);
  reader.peer = accept(end.listener, NULL, NULL);
  must(reader.peer >= 0);
  must(redisAsyncCommand(end.wire->context, NULL, NULL, "ECHO %b", bytes, (size_t)MANY_BYTES) == 0);
  uv_run(&scene.loop, UV_RUN_NOWAIT);
  ck_assert_int_eq(uv_is_active((uv_handle_t*)&end.wire->idle), 0); /* the loop may sleep */
  must(uv_poll_init(&scene.loop, &reader.poll, reader.peer) == 0);
  reader.poll.data = &reader;
  must(uv_poll_start(&reader.poll, UV_READABLE, on_readable) == 0);
  scene_run();
  ck_assert_uint_gt(reader.reads, 1);
  ck_assert_uint_gt(reader.bytes, MANY_BYTES);
  ck_assert_uint_eq(end.downs, 0);
  ck_assert_uint_eq(end.gones, 1);
  close(reader.peer);
  free(bytes);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-wire");
  TCase* tcase = scene_tcase(suite, "wire");

  tcase_add_checked_fixture(tcase, open_listener, close_listener);
  tcase_add_test(tcase, a_write_to_nobody_raises_no_signal);
  tcase_add_test(tcase, a_wire_that_is_dropped_tells_only_that_it_is_gone);
  tcase_add_test(tcase, what_a_socket_has_no_room_for_is_written_when_it_has);
  tcase_add_loop_test(tcase, a_wire_may_be_dropped_when_it_is_up, 0, 2);
  tcase_add_test(tcase, what_is_due_when_a_wire_is_dropped_is_answered_with_null);
  return support_main(suite);
}
