/* SPDX-License-Identifier: MIT */
/* A network that takes its time: a process that passes on what it reads, both ways, so many
 * nanoseconds after it has come, and ends with its parent. It bounds nothing and loses nothing. */
#ifndef DELAY_H
#define DELAY_H

#include "benchmark.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DELAY_MOST_WAYS 16
#define DELAY_MOST_CHUNKS 4096
#define DELAY_CHUNK_BYTES 65536

typedef struct {
  uint64_t due;
  size_t n;
  unsigned char* bytes;
} delay_chunk_t;

typedef struct {
  int from;
  int to;
  int is_over;
  size_t head, tail;
  delay_chunk_t chunks[DELAY_MOST_CHUNKS];
} delay_way_t;

static struct {
  uint64_t ns;
  const char* behind;
  int listener;
  size_t nways;
  delay_way_t ways[DELAY_MOST_WAYS];
} delay;

static int delay_socket(struct sockaddr_un* address, const char* path) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  memset(address, 0, sizeof(*address));
  address->sun_family = AF_UNIX;
  snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
  if (fd < 0) benchmark_fail("failed", "socket");
  return fd;
}

static void delay_add_way(int from, int to) {
  delay_way_t* way = &delay.ways[delay.nways++];

  way->from = from;
  way->to = to;
}

static void delay_accept(void) {
  struct sockaddr_un address;
  int near_end = accept(delay.listener, NULL, NULL);
  int far_end = delay_socket(&address, delay.behind);

  if (near_end < 0 || delay.nways + 2 > DELAY_MOST_WAYS ||
      connect(far_end, (const struct sockaddr*)&address, sizeof(address)) != 0)
    _exit(1);
  delay_add_way(near_end, far_end);
  delay_add_way(far_end, near_end);
}

static void delay_take(delay_way_t* way) {
  delay_chunk_t* chunk = &way->chunks[way->tail++ % DELAY_MOST_CHUNKS];
  ssize_t n;

  if (way->tail - way->head > DELAY_MOST_CHUNKS) _exit(1);
  chunk->bytes = (unsigned char*)malloc(DELAY_CHUNK_BYTES);
  if (chunk->bytes == NULL) _exit(1);
  n = read(way->from, chunk->bytes, DELAY_CHUNK_BYTES);
  chunk->n = n < 0 ? 0 : (size_t)n;
  chunk->due = benchmark_now() + delay.ns;
  if (n <= 0) way->is_over = 1;
}

static void delay_pass_on(delay_way_t* way) {
  while (way->head < way->tail) {
    delay_chunk_t* chunk = &way->chunks[way->head % DELAY_MOST_CHUNKS];
    size_t at = 0;

    if (chunk->due > benchmark_now()) return;
    if (chunk->n == 0) shutdown(way->to, SHUT_WR);
    while (at < chunk->n) {
      ssize_t n = send(way->to, chunk->bytes + at, chunk->n - at, MSG_NOSIGNAL);

      if (n <= 0) break;
      at += (size_t)n;
    }
    free(chunk->bytes);
    way->head++;
  }
}

/* Until the next chunk is due; a second where there is none. */
static struct timespec delay_rest(void) {
  uint64_t now = benchmark_now(), due = now + 1000000000u;
  struct timespec rest;
  size_t i;

  for (i = 0; i < delay.nways; i++) {
    const delay_way_t* way = &delay.ways[i];
    uint64_t first = way->chunks[way->head % DELAY_MOST_CHUNKS].due;

    if (way->head < way->tail && first < due) due = first;
  }
  if (due < now) due = now;
  rest.tv_sec = (time_t)((due - now) / 1000000000u);
  rest.tv_nsec = (long)((due - now) % 1000000000u);
  return rest;
}

static void delay_turn(void) {
  struct pollfd polls[DELAY_MOST_WAYS + 1];
  size_t n = delay.nways, i;
  struct timespec rest;

  for (i = 0; i < n; i++) {
    polls[i].fd = delay.ways[i].is_over ? -1 : delay.ways[i].from;
    polls[i].events = POLLIN;
  }
  polls[n].fd = delay.listener;
  polls[n].events = POLLIN;
  rest = delay_rest();
  if (ppoll(polls, n + 1, &rest, NULL) < 0) _exit(1);
  for (i = 0; i < n; i++) {
    if (polls[i].fd >= 0 && polls[i].revents != 0) delay_take(&delay.ways[i]);
    delay_pass_on(&delay.ways[i]);
  }
  if (polls[n].revents != 0) delay_accept();
}

/* `path` is the near end of what `behind` listens at. Answers the process. */
BENCHMARK_UNUSED static pid_t delay_open(const char* path, const char* behind, uint64_t ns) {
  struct sockaddr_un address;
  pid_t pid;

  delay.ns = ns;
  delay.behind = behind;
  delay.listener = delay_socket(&address, path);
  if (bind(delay.listener, (const struct sockaddr*)&address, sizeof(address)) != 0 ||
      listen(delay.listener, 8) != 0)
    benchmark_fail("failed", "listen");
  pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_TIMERSLACK, 1);
    for (;;) delay_turn();
  }
  close(delay.listener);
  return pid;
}

#endif /* DELAY_H */
