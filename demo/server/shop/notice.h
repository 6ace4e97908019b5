/* SPDX-License-Identifier: MIT */
/* A notice: some bytes that one thread writes now and then, and that others read whole. Nobody
 * waits for a lock: who reads while it is written reads again. Knows nothing of what it says. */
#ifndef NOTICE_H
#define NOTICE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  size_t size; /* bytes; fixed */
  /* odd while the notice is being written */
  atomic_uint_least64_t version;
  atomic_uint_least64_t* words;
} notice_t;

/* All zero at first. Answers 0, or UV_ENOMEM. */
int notice_open(notice_t* notice, size_t size);
void notice_close(notice_t* notice);

/* Threads: one, always the same. */
void notice_write(notice_t* notice, const void* bytes);

/* Threads: any. */
void notice_read(notice_t* notice, void* bytes);

#endif /* NOTICE_H */
