/* SPDX-License-Identifier: MIT */
/* A gate of the test's own in front of the server, on a unix socket, in a thread of its own: it
 * reads one command after the other, and the test says whether the server gets to see it, or what
 * is answered in its place. A command is answered before the next of its connection is looked at:
 * so one of a pipeline can be refused and the next one taken.
 *
 * The thread alone has the visits, and calls the test's function, `decide`. */
#ifndef GATE_H
#define GATE_H

#include <poll.h>

#include "server.h"
#include "sockets.h"

/* A command that has come, the n-th on its connection from 0 on: NULL, the server answers it; else
 * what is answered, as the protocol has it. */
typedef const char* (*gate_decide_t)(const redisReply* command, unsigned int n);

/* After the server has answered, and before that is passed on; or NULL. */
typedef void (*gate_answered_t)(const redisReply* command, unsigned int n);

typedef struct {
  int client; /* -1: this one is free */
  int upstream;
  unsigned int n;
  redisReader* reader;
} visit_t;

#define GATE_VISITS 16

typedef struct {
  char socket[96];
  int listener;
  int wake[2];
  atomic_int quit;
  gate_decide_t decide;
  gate_answered_t answered;
  visit_t visits[GATE_VISITS];
  uv_thread_t thread;
} gate_t;

static gate_t gate;

static inline int is_command(const redisReply* command, const char* word) {
  must(command->type == REDIS_REPLY_ARRAY && command->elements > 0);
  return strcmp(command->element[0]->str, word) == 0;
}

/* ---- Visits ---------------------------------------------------------------------------------- */

static inline void visit_close(visit_t* visit) {
  close(visit->client);
  if (visit->upstream >= 0) close(visit->upstream);
  redisReaderFree(visit->reader);
  visit->client = -1;
}

static inline void visit_accept(void) {
  int client = accept(gate.listener, NULL, NULL);
  visit_t* visit = NULL;
  int i;

  for (i = 0; i < GATE_VISITS; i++) {
    if (gate.visits[i].client < 0) visit = &gate.visits[i];
  }
  must(client >= 0);
  must(visit != NULL);
  visit->client = client;
  visit->upstream = unix_connect(server.socket);
  visit->n = 0;
  visit->reader = redisReaderCreate();
  must(visit->reader != NULL);
}

static inline int write_all(int fd, const char* bytes, size_t n) {
  while (n > 0) {
    ssize_t r = write(fd, bytes, n);
    if (r <= 0) return 0;
    bytes += r;
    n -= (size_t)r;
  }
  return 1;
}

/* The server's answer, with its bytes as they came. Answers how many; 0: it is away. */
static inline size_t read_answer(int fd, char** bytes) {
  redisReader* reader = redisReaderCreate();
  size_t n = 0, room = 0;
  void* reply = NULL;

  *bytes = NULL;
  while (reply == NULL) {
    ssize_t r;
    if (n == room) *bytes = realloc(*bytes, room += 65536);
    must(*bytes != NULL);
    r = read(fd, *bytes + n, room - n);
    if (r <= 0) break;
    must(redisReaderFeed(reader, *bytes + n, (size_t)r) == REDIS_OK);
    must(redisReaderGetReply(reader, &reply) == REDIS_OK);
    n += (size_t)r;
  }
  if (reply == NULL) n = 0;
  freeReplyObject(reply);
  redisReaderFree(reader);
  return n;
}

static inline int write_command(int fd, const redisReply* command) {
  const char** words = calloc(command->elements, sizeof(*words));
  size_t* lengths = calloc(command->elements, sizeof(*lengths));
  char* bytes = NULL;
  size_t i;
  int n, is_written;

  must(words != NULL && lengths != NULL);
  for (i = 0; i < command->elements; i++) {
    words[i] = command->element[i]->str;
    lengths[i] = (size_t)command->element[i]->len;
  }
  n = (int)redisFormatCommandArgv(&bytes, (int)command->elements, words, lengths);
  must(n > 0);
  is_written = write_all(fd, bytes, (size_t)n);
  redisFreeCommand(bytes);
  free((void*)words);
  free(lengths);
  return is_written;
}

static inline int visit_pass(visit_t* visit, const redisReply* command, unsigned int n) {
  size_t length = 0;
  char* bytes = NULL;
  int is_passed;

  if (visit->upstream < 0 || !write_command(visit->upstream, command)) return 0;
  length = read_answer(visit->upstream, &bytes);
  if (length > 0 && gate.answered != NULL) gate.answered(command, n);
  is_passed = length > 0 && write_all(visit->client, bytes, length);
  free(bytes);
  return is_passed;
}

/* Answers 0 where the visit is at its end. */
static inline int visit_answer(visit_t* visit, const redisReply* command) {
  unsigned int n = visit->n++;
  const char* answer = gate.decide == NULL ? NULL : gate.decide(command, n);

  if (answer == NULL) return visit_pass(visit, command, n);
  return write_all(visit->client, answer, strlen(answer));
}

static inline int visit_step(visit_t* visit) {
  char bytes[16384];
  ssize_t r = read(visit->client, bytes, sizeof(bytes));
  void* command = NULL;
  int goes_on = 1;

  if (r <= 0) return 0;
  must(redisReaderFeed(visit->reader, bytes, (size_t)r) == REDIS_OK);
  must(redisReaderGetReply(visit->reader, &command) == REDIS_OK);
  while (command != NULL && goes_on) {
    goes_on = visit_answer(visit, command);
    freeReplyObject(command);
    command = NULL;
    must(redisReaderGetReply(visit->reader, &command) == REDIS_OK);
  }
  freeReplyObject(command);
  return goes_on;
}

/* ---- The thread ------------------------------------------------------------------------------ */

static inline void gate_turn(void) {
  struct pollfd fds[2 + GATE_VISITS];
  int i;

  fds[0] = (struct pollfd){.fd = gate.listener, .events = POLLIN};
  fds[1] = (struct pollfd){.fd = gate.wake[0], .events = POLLIN};
  for (i = 0; i < GATE_VISITS; i++)
    fds[2 + i] = (struct pollfd){.fd = gate.visits[i].client, .events = POLLIN};
  if (poll(fds, 2 + GATE_VISITS, -1) <= 0) return;
  for (i = 0; i < GATE_VISITS; i++) {
    visit_t* visit = &gate.visits[i];
    if (fds[2 + i].fd >= 0 && fds[2 + i].revents != 0 && !visit_step(visit)) visit_close(visit);
  }
  if (fds[0].revents != 0) visit_accept();
}

static inline void gate_body(void* arg) {
  int i;

  (void)arg;
  block_sigpipe();
  while (!atomic_load(&gate.quit)) gate_turn();
  for (i = 0; i < GATE_VISITS; i++) {
    if (gate.visits[i].client >= 0) visit_close(&gate.visits[i]);
  }
}

/* ---- For tests ------------------------------------------------------------------------------- */

static inline void gate_open(gate_decide_t decide, gate_answered_t answered) {
  int i;

  memset(&gate, 0, sizeof(gate));
  for (i = 0; i < GATE_VISITS; i++) gate.visits[i].client = -1;
  snprintf(gate.socket, sizeof(gate.socket), "%s/gate", server.folder);
  gate.decide = decide;
  gate.answered = answered;
  gate.listener = unix_listen(gate.socket);
  must(pipe(gate.wake) == 0);
  support_start(&gate.thread, gate_body, NULL);
}

static inline void gate_close(void) {
  atomic_store(&gate.quit, 1);
  must(write(gate.wake[1], "", 1) == 1);
  support_join(&gate.thread);
  close(gate.listener);
  unlink(gate.socket);
  close(gate.wake[0]);
  close(gate.wake[1]);
}

#endif /* GATE_H */
