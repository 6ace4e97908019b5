/* SPDX-License-Identifier: MIT */
/* A redis-server of the test's own: on a unix socket, with its data in a temporary folder, each
 * write on the disk before it is answered. It dies with the test. What is asked of it here goes by
 * hiredis' blocking calls, which the library under test does not use. */
#ifndef SERVER_H
#define SERVER_H

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "support.h"

typedef struct {
  char folder[64];
  char socket[96];
  pid_t pid; /* 0: it does not run */
  /* what it begins with, where it is not the usual */
  const char* fsync;      /* or NULL: always */
  const char* load_delay; /* or NULL; microseconds for each command in its file */
} server_t;

static server_t server;

/* In the child: it does not outlive a test that fails. */
static inline void server_exec_words(const char* const words[]) {
  int null = open("/dev/null", O_RDWR);

#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its write */
  dup2(null, 1);
  execv(REDIS_SERVER, (char* const*)(uintptr_t)words);
  _exit(127);
}

static inline void server_exec(void) {
  const char* const words[] = {REDIS_SERVER,
                               "--port",
                               "0",
                               "--unixsocket",
                               server.socket,
                               "--dir",
                               server.folder,
                               "--appendonly",
                               "yes",
                               "--save",
                               "",
                               "--appendfsync",
                               server.fsync == NULL ? "always" : server.fsync,
                               "--key-load-delay",
                               server.load_delay == NULL ? "0" : server.load_delay,
                               NULL};

  server_exec_words(words);
}

/* A connection once it answers, whatever it has to load first. */
static inline redisContext* server_connect(void) {
  unsigned int turns = 0;

  for (;;) {
    redisContext* context = redisConnectUnix(server.socket);
    redisReply* reply = context->err != 0 ? NULL : redisCommand(context, "PING");
    int is_up = reply != NULL && reply->type == REDIS_REPLY_STATUS;

    freeReplyObject(reply);
    if (is_up) return context;
    redisFree(context);
    support_pause(__FILE__, __LINE__, "the server answers", &turns);
  }
}

static inline void server_start(void) {
  must(server.pid == 0);
  server.pid = fork();
  must(server.pid >= 0);
  if (server.pid == 0) server_exec();
}

static inline void server_kill(void) {
  int status;

  must(kill(server.pid, SIGKILL) == 0);
  must(waitpid(server.pid, &status, 0) == server.pid);
  server.pid = 0;
}

static inline void server_make_folder(void) {
  memset(&server, 0, sizeof(server));
  strcpy(server.folder, "/tmp/uvchan-redis-XXXXXX");
  must(mkdtemp(server.folder) != NULL);
  snprintf(server.socket, sizeof(server.socket), "%s/socket", server.folder);
}

static inline void server_open(void) {
  server_make_folder();
  server_start();
  redisFree(server_connect());
}

static inline void server_close(void) {
  char command[96];

  if (server.pid != 0) server_kill();
  snprintf(command, sizeof(command), "rm -rf %s", server.folder);
  must(system(command) == 0);
}

/* The integer that a command answers. */
static inline long long server_integer(const char* command) {
  redisContext* context = server_connect();
  redisReply* reply = redisCommand(context, command);
  long long integer;

  must(reply != NULL);
  ck_assert_msg(reply->type == REDIS_REPLY_INTEGER, "%s: %s", command,
                reply->str == NULL ? "no integer" : reply->str);
  integer = reply->integer;
  freeReplyObject(reply);
  redisFree(context);
  return integer;
}

/* How many entries were ever added to the stream, by XINFO STREAM; -1: the server does not count
 * them (Redis before 7). */
static inline long long server_entries_added(void) {
  redisContext* context = server_connect();
  redisReply* reply = redisCommand(context, "XINFO STREAM uvchan:{orders}:stream");
  long long added = -1;
  size_t i;

  must(reply != NULL && reply->type == REDIS_REPLY_ARRAY);
  for (i = 0; i + 1 < reply->elements; i += 2) {
    if (strcmp(reply->element[i]->str, "entries-added") == 0)
      added = reply->element[i + 1]->integer;
  }
  freeReplyObject(reply);
  redisFree(context);
  return added;
}

/* Exactly once into the stream, whatever was sent again. */
static inline void check_added_once(uint64_t values) {
  long long added = server_entries_added();

  if (added >= 0) ck_assert_int_eq(added, (long long)values);
}

/* A command whose answer is no error. */
static inline void server_do(const char* command) {
  redisContext* context = server_connect();
  redisReply* reply = redisCommand(context, command);

  must(reply != NULL);
  ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s: %s", command, reply->str);
  freeReplyObject(reply);
  redisFree(context);
}

#endif /* SERVER_H */
