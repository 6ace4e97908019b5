/* SPDX-License-Identifier: MIT */
/* Servers that know of each other, each on a free port of the loopback address: a primary and its
 * replica, sentinels, the nodes of a cluster. They die with the test. */
#ifndef NODE_H
#define NODE_H

#include <arpa/inet.h>
#include <stdarg.h>

#include "server.h"

#define NODES 4

typedef struct {
  int port;
  pid_t pid; /* 0: it does not run */
} node_t;

static node_t nodes[NODES];

/* One that nobody had a moment ago. */
static inline int node_free_port(void) {
  struct sockaddr_in address;
  socklen_t length = sizeof(address);
  int s = socket(AF_INET, SOCK_STREAM, 0);

  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  must(s >= 0 && bind(s, (const struct sockaddr*)&address, sizeof(address)) == 0);
  must(getsockname(s, (struct sockaddr*)&address, &length) == 0);
  close(s);
  return ntohs(address.sin_port);
}

/* Some command of the node's; its answer is the caller's. NULL: it is not there. */
static inline redisReply* node_ask(const node_t* node, const char* format, ...) {
  redisContext* context = redisConnect("127.0.0.1", node->port);
  redisReply* reply = NULL;
  va_list arguments;

  va_start(arguments, format);
  if (context->err == 0) reply = redisvCommand(context, format, arguments);
  va_end(arguments);
  redisFree(context);
  return reply;
}

/* A number that the command answers; -1: no number, or no answer. */
static inline long long node_integer(const node_t* node, const char* command) {
  redisReply* reply = node_ask(node, command);
  long long integer = reply != NULL && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;

  freeReplyObject(reply);
  return integer;
}

/* 1 where the text that the command answers has the other in it. */
static inline int node_says(const node_t* node, const char* command, const char* text) {
  redisReply* reply = node_ask(node, command);
  int says = reply != NULL && reply->str != NULL && strstr(reply->str, text) != NULL;

  freeReplyObject(reply);
  return says;
}

#define node_await(node, command, text)                             \
  do {                                                              \
    unsigned int turns_ = 0;                                        \
    while (!node_says(node, command, text))                         \
      support_pause(__FILE__, __LINE__, command " " text, &turns_); \
  } while (0)

/* With what a server is told beside its port; NULL ends it. The folder is the fixture's. */
static inline void node_launch(node_t* node, const char* port, const char* const more[]) {
  const char* words[32] = {REDIS_SERVER};
  size_t i, n = 1;
  char dir[96];

  snprintf(dir, sizeof(dir), "%s/%d", server.folder, node->port);
  mkdir(dir, 0700);
  for (i = 0; more[i] != NULL; i++) words[n++] = more[i];
  words[n++] = "--port";
  words[n++] = port;
  words[n++] = "--bind";
  words[n++] = "127.0.0.1";
  words[n++] = "--dir";
  words[n++] = dir;
  words[n] = NULL;
  node->pid = fork();
  must(node->pid >= 0);
  if (node->pid == 0) server_exec_words(words);
}

static inline void node_start(node_t* node, const char* const more[]) {
  unsigned int turns = 0;
  char port[16];

  if (node->port == 0) node->port = node_free_port();
  snprintf(port, sizeof(port), "%d", node->port);
  node_launch(node, port, more);
  while (!node_says(node, "PING", "PONG") && !node_says(node, "PING", "NOAUTH"))
    support_pause(__FILE__, __LINE__, "the node answers", &turns);
}

static inline void node_kill(node_t* node) {
  int status;

  must(kill(node->pid, SIGKILL) == 0);
  must(waitpid(node->pid, &status, 0) == node->pid);
  node->pid = 0;
}

static inline void nodes_open(void) {
  server_make_folder();
  memset(nodes, 0, sizeof(nodes));
}

static inline void nodes_close(void) {
  size_t i;

  for (i = 0; i < NODES; i++) {
    if (nodes[i].pid != 0) node_kill(&nodes[i]);
  }
  server_close();
}

#endif /* NODE_H */
