/* SPDX-License-Identifier: MIT */
/* The bytes are kept as words, each of them atomic, between two steps of a version.
 *
 * Whoever reads a word [word.A] that was stored after the version became odd [word.R] sees, when it
 * looks at the version the second time, that it is another one, and reads again. The even version
 * [version.R] makes all words visible to who begins with it [version.A]. So two equal even versions
 * have one writing between them, whole. */
#include "shop/notice.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

static size_t nwords(const notice_t* notice) { return (notice->size + 7) / 8; }

int notice_open(notice_t* notice, size_t size) {
  notice->size = size;
  notice->words = calloc(nwords(notice), sizeof(*notice->words));
  return notice->words == NULL ? UV_ENOMEM : 0;
}

void notice_close(notice_t* notice) { free(notice->words); }

static size_t bytes_at(const notice_t* notice, size_t word) {
  size_t left = notice->size - word * 8;

  return left < 8 ? left : 8;
}

void notice_write(notice_t* notice, const void* bytes) {
  const unsigned char* from = bytes;
  uint_least64_t version = atomic_load_explicit(&notice->version, memory_order_relaxed);

  /* relaxed: the words' stores put it before themselves */
  atomic_store_explicit(&notice->version, version + 1, memory_order_relaxed);
  for (size_t i = 0; i < nwords(notice); i++) {
    uint64_t word = 0;

    memcpy(&word, from + i * 8, bytes_at(notice, i));
    atomic_store_explicit(&notice->words[i], word, memory_order_release); /* [word.R] */
  }
  atomic_store_explicit(&notice->version, version + 2, memory_order_release); /* [version.R] */
}

/* Answers whether nobody wrote meanwhile. */
static int try_read(notice_t* notice, unsigned char* to) {
  uint_least64_t version = atomic_load_explicit(&notice->version, memory_order_acquire);

  for (size_t i = 0; i < nwords(notice); i++) {                                    /* [version.A] */
    uint64_t word = atomic_load_explicit(&notice->words[i], memory_order_acquire); /* [word.A] */

    memcpy(to + i * 8, &word, bytes_at(notice, i));
  }
  return version % 2 == 0 &&
         version == atomic_load_explicit(&notice->version, memory_order_relaxed);
}

void notice_read(notice_t* notice, void* bytes) {
  while (!try_read(notice, bytes)) {}
}
