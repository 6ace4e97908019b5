/* SPDX-License-Identifier: MIT */
/* A value's bytes: where one of many lies, and how it is copied. Knows neither stores nor channels,
 * and the C library alone. Threads: any; whose the bytes are is the caller's to know. */
#ifndef UVCHAN_VALUE_H
#define UVCHAN_VALUE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The i-th of values side by side. Values of no size may have no place. */
static inline void* uvchan__nth(const void* values, size_t i, size_t elem_size) {
  return elem_size == 0 ? (void*)(uintptr_t)values
                        : (unsigned char*)(uintptr_t)values + i * elem_size;
}

/* For a value of one word a call of memcpy() would cost as much as the rest. */
static inline void uvchan__copy(void* to, const void* from, size_t size) {
  if (size == sizeof(uint64_t)) {
    memcpy(to, from, sizeof(uint64_t));
  } else if (size != 0) {
    memcpy(to, from, size);
  }
}

#endif /* UVCHAN_VALUE_H */
