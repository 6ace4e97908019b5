/* SPDX-License-Identifier: MIT */
/* The caller's memory, before anything is claimed or locked for his values. A page that is not
 * there yet - of a file, swapped out, to be filled by somebody's handler - comes with the first
 * access, after as long as that takes. Where the first access were the copy of the value, between
 * the claim of a slot and the store of its sequence number or with the lock held, everybody else
 * would wait for the page as well. So each call touches all pages of its values when it begins; a
 * value to be received too by reading, since it is to stay as it is where there is none.
 *
 * What this can't help against: a page that leaves again before the copy; and one that may be read
 * at once but not be written, as a file's whose block has to be found.
 *
 * Threads: any. Knows the C library alone. */
#ifndef UVCHAN_PREFAULT_H
#define UVCHAN_PREFAULT_H

#include <stddef.h>

#define UVCHAN__LEAST_PAGE 4096

static inline void uvchan__prefault(const void* memory, size_t size) {
  const volatile unsigned char* bytes = memory;
  size_t at;

  if (size == 0) return;
  (void)bytes[0];
  for (at = UVCHAN__LEAST_PAGE; at < size; at += UVCHAN__LEAST_PAGE) (void)bytes[at];
  (void)bytes[size - 1];
}

#endif /* UVCHAN_PREFAULT_H */
