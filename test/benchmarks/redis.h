/* SPDX-License-Identifier: MIT */
/* What the benchmarks of uvchan-redis and their peer by hand share: a redis-server of their own, on
 * a unix socket, with its data in a temporary folder; its processor time; a stream that is filled,
 * and what is in it. Exits with 2 where there is no server. One for each program. */
#ifndef REDIS_H
#define REDIS_H

#include "benchmark.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uvchan.h>
#include <uvchan/redis.h>
#ifdef __linux__
#include <malloc.h>
#include <sys/prctl.h>

#include "delay.h"
#endif

#define REDIS_STREAM "benchmark"
#define REDIS_KEY "uvchan:{" REDIS_STREAM "}:stream"
#define REDIS_NO_LIMIT 1000000000

typedef struct {
  char folder[64];
  char own[96];    /* where the server listens */
  char socket[96]; /* where those that are measured connect to */
  pid_t pid;
  pid_t network; /* 0: none */
  redisContext* context;
} redis_t;

static redis_t redis;

BENCHMARK_UNUSED static void redis_must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

/* ---- The server ------------------------------------------------------------------------------ */

/* In the child, which does not outlive the program. */
static void redis_exec(const char* sync, int processor) {
  const char* append = strcmp(sync, "never") == 0 ? "no" : "yes";
  const char* policy = append[0] == 'n' ? "no" : sync;
  const char* const names[] = {"redis-server", "valkey-server"};
  int null = open("/dev/null", O_RDWR);
  size_t i;

#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (processor >= 0) benchmark_pin(processor);
  dup2(null, 1);
  for (i = 0; i < 2; i++) {
    execlp(names[i], names[i], "--port", "0", "--unixsocket", redis.own, "--dir", redis.folder,
           "--appendonly", append, "--appendfsync", policy, "--save", "", NULL);
  }
  _exit(127);
}

static void redis_end(pid_t* pid) {
  if (*pid > 0) {
    kill(*pid, SIGKILL);
    waitpid(*pid, NULL, 0);
  }
  *pid = 0;
}

static void redis_close(void) {
  char command[96];

  redis_end(&redis.pid);
  redis_end(&redis.network);
  snprintf(command, sizeof(command), "rm -rf %s", redis.folder);
  if (system(command) != 0) fprintf(stderr, "%s is left\n", redis.folder);
}

static void redis_wait(void) {
  int tries;

  for (tries = 0; tries < 5000; tries++) {
    if (waitpid(redis.pid, NULL, WNOHANG) == redis.pid) {
      redis.pid = 0;
      benchmark_fail("not supported", "there is no redis-server");
    }
    redis.context = redisConnectUnix(redis.own);
    if (redis.context != NULL && redis.context->err == 0) return;
    redisFree(redis.context);
    benchmark_sleep(1);
  }
  benchmark_fail("failed", "the server does not answer");
}

/* A loop that is not on the first thread would pay more for the memory of hiredis' answers. */
static void redis_use_one_arena(void) {
#ifdef M_ARENA_MAX
  mallopt(M_ARENA_MAX, 1);
#endif
}

/* `sync` is never: without a file; or no, everysec or always, of appendfsync. On the given
 * processor, or where the system puts it for -1. */
BENCHMARK_UNUSED static void redis_open(const char* sync, int processor) {
  redis_use_one_arena();
  strcpy(redis.folder, "/tmp/uvchan-redis-XXXXXX");
  if (mkdtemp(redis.folder) == NULL) benchmark_fail("failed", "mkdtemp");
  snprintf(redis.own, sizeof(redis.own), "%s/socket", redis.folder);
  strcpy(redis.socket, redis.own);
  atexit(redis_close);
  redis.pid = fork();
  if (redis.pid == 0) redis_exec(sync, processor);
  redis_wait();
}

/* From here on what connects is so many microseconds away from the server, each way. */
BENCHMARK_UNUSED static void redis_move_away(uint64_t us) {
  if (us == 0) return;
#ifdef __linux__
  snprintf(redis.socket, sizeof(redis.socket), "%s/network", redis.folder);
  redis.network = delay_open(redis.socket, redis.own, us * 1000);
#else
  benchmark_fail("not supported", "a delay");
#endif
}

/* ---- Questions ------------------------------------------------------------------------------- */

/* The answer to a command as redisCommand() has it; an error ends the program. */
BENCHMARK_UNUSED static redisReply* redis_ask(const char* format, ...) {
  va_list arguments;
  redisReply* reply;

  va_start(arguments, format);
  reply = redisvCommand(redis.context, format, arguments);
  va_end(arguments);
  if (reply == NULL) benchmark_fail("failed", redis.context->errstr);
  if (reply->type == REDIS_REPLY_ERROR) benchmark_fail("failed", reply->str);
  return reply;
}

static uint64_t redis_cpu_of(const char* info, const char* name) {
  const char* at = strstr(info, name);

  return at == NULL ? 0 : (uint64_t)(strtod(at + strlen(name), NULL) * 1e9);
}

/* Processor time of the server's, in nanoseconds. */
BENCHMARK_UNUSED static uint64_t redis_cpu(void) {
  redisReply* reply = redis_ask("INFO cpu");
  uint64_t ns =
      redis_cpu_of(reply->str, "used_cpu_sys:") + redis_cpu_of(reply->str, "used_cpu_user:");

  freeReplyObject(reply);
  return ns;
}

/* How many values are in the stream, and their sum. */
BENCHMARK_UNUSED static void redis_add_up(uint64_t* count, uint64_t* sum) {
  static const char script[] =
      "local n, sum = 0, 0\n"
      "for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do\n"
      "  for i = 1, #entry[2], 2 do\n"
      "    if entry[2][i] == 'v' then sum = sum + struct.unpack('I8', entry[2][i + 1]) end\n"
      "  end\n"
      "  n = n + 1\n"
      "end\n"
      "return {n, sum}";
  redisReply* reply = redis_ask("EVAL %s 1 %s", script, REDIS_KEY);

  *count = (uint64_t)reply->element[0]->integer;
  *sum = (uint64_t)reply->element[1]->integer;
  freeReplyObject(reply);
}

/* ---- Filling --------------------------------------------------------------------------------- */

BENCHMARK_UNUSED static uvchan_redis_sink_options_t redis_sink_options(void) {
  uvchan_redis_sink_options_t options = {0};

  options.server.path = redis.socket;
  options.stream = REDIS_STREAM;
  options.producer = "a";
  options.capacity = REDIS_NO_LIMIT;
  return options;
}

static void redis_on_filled(uvchan_redis_sink_t* sink, int status) {
  redis_must(status);
  uvchan_redis_sink_close(sink, NULL);
}

/* Puts n values into the stream, with the numbers 1 to n in their first 8 bytes, and closes it. */
BENCHMARK_UNUSED static void redis_fill(size_t n, size_t size) {
  uvchan_redis_sink_options_t options = redis_sink_options();
  unsigned char* value = (unsigned char*)calloc(1, size);
  uvchan_redis_sink_t sink;
  uvchan_t* channel;
  uint64_t number;
  uv_loop_t loop;

  redis_must(value == NULL ? UV_ENOMEM : uvchan_create(&channel, size, n));
  for (number = 1; number <= n; number++) {
    memcpy(value, &number, sizeof(number));
    redis_must(uvchan_try_send(channel, value));
  }
  free(value);
  redis_must(uvchan_close(channel));
  redis_must(uv_loop_init(&loop));
  options.on_end = redis_on_filled;
  redis_must(uvchan_redis_sink_init(&loop, &sink, channel, &options));
  uv_run(&loop, UV_RUN_DEFAULT);
  redis_must(uv_loop_close(&loop));
  uvchan_release(channel);
}

#endif /* REDIS_H */
