/* SPDX-License-Identifier: MIT */
/* What the suites on children of fork() share: children, each of which ends by itself or by an
 * alarm and tells by its exit code, and memory that a child finds whole.
 *
 * ThreadSanitizer does not follow a process with threads into its child, so these tests are left
 * out there. */
#ifndef CHILD_H
#define CHILD_H

#include "support-loop.h"

#if defined(__SANITIZE_THREAD__)
#define CAN_FORK 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CAN_FORK 0
#endif
#endif
#if !defined(CAN_FORK) && defined(_WIN32)
#define CAN_FORK 0
#endif
#ifndef CAN_FORK
#define CAN_FORK 1
#endif

#if CAN_FORK

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_SECONDS 30 /* a child that is done takes some milliseconds */

/* As must(), in a child: which is none of Check's. */
#define child_must(expr) ((expr) ? (void)0 : child_failed(__FILE__, __LINE__, #expr))

#ifdef UVCHAN_COVERAGE
void __gcov_dump(void); /* gcc's and clang's */
#endif

static inline void end_child(int code) {
#ifdef UVCHAN_COVERAGE
  __gcov_dump(); /* what ends by _exit() is not counted by itself */
#endif
  _exit(code);
}

static inline void child_failed(const char* file, int line, const char* expr) {
  fprintf(stderr, "%s:%d: '%s' does not hold, in a child\n", file, line, expr);
  end_child(1);
}

static inline pid_t fork_child(void) {
  pid_t pid = fork();
  must(pid >= 0);
  if (pid == 0) alarm(CHILD_SECONDS);
  return pid;
}

static inline void await_child(pid_t pid) {
  int status = 0;
  pid_t r;
  do r = waitpid(pid, &status, 0);
  while (r < 0);
  must(r == pid);
  must(!WIFSIGNALED(status)); /* by its alarm: it hung */
  must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- Memory that a child finds whole --------------------------------------------------------- */

/* AddressSanitizer's allocator does not hold its locks over a fork: a child could hang in it where
 * another thread was in malloc(). So what the library makes beside a fork lies in these places. */
#define NPLACES 64
#define PLACE_BYTES 8192

static struct {
  atomic_int taken;
  _Alignas(64) unsigned char bytes[PLACE_BYTES];
} places[NPLACES];

static inline void* place_malloc(size_t size) {
  int i;
  must(size <= PLACE_BYTES);
  for (i = 0; i < NPLACES; i++) {
    if (atomic_exchange(&places[i].taken, 1) == 0) return places[i].bytes;
  }
  return NULL;
}

static inline void place_free(void* memory) {
  int i;
  for (i = 0; i < NPLACES; i++) {
    if (memory == places[i].bytes) atomic_store(&places[i].taken, 0);
  }
}

static inline void* place_calloc(size_t n, size_t size) {
  void* memory = place_malloc(n * size);
  if (memory != NULL) memset(memory, 0, n * size);
  return memory;
}

static inline void* place_realloc(void* memory, size_t size) {
  return memory == NULL ? place_malloc(size) : NULL; /* the library has no use for the rest */
}

static inline void use_places(void) {
  must(uvchan_replace_allocator(place_malloc, place_realloc, place_calloc, place_free) == 0);
}

#endif /* CAN_FORK */

#endif /* CHILD_H */
