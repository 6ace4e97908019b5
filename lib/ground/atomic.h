/* SPDX-License-Identifier: MIT */
/* What is atomic is spelled with <stdatomic.h>; here is what lies around it: the plain words of
 * public structures as atomics, and two hints to the compiler.
 *
 * Each atomic access in the library that is not a counter carries a label, [name.R] where it
 * publishes and [name.A] where it observes; a label's two ends stand in the same file, or the label
 * names the other file. A relaxed access says why that is enough.
 *
 * Threads: any. Knows the C library alone. */
#ifndef UVCHAN_ATOMIC_H
#define UVCHAN_ATOMIC_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

/* Public structures hold plain words, which C++ can read; these are accessed atomically all the
 * same. */
static_assert(sizeof(atomic_uint) == sizeof(unsigned int), "an atomic word is a plain word");
static_assert(_Alignof(atomic_uint) == _Alignof(unsigned int), "an atomic word is a plain word");

static inline atomic_uint* uvchan__atomic(unsigned int* word) { return (atomic_uint*)word; }

/* What hardly ever holds: the ordinary case is laid out without a jump. */
#ifdef __GNUC__
#define UVCHAN__RARELY(condition) __builtin_expect((condition) != 0, 0)
#else
#define UVCHAN__RARELY(condition) (condition)
#endif

/* A function whose frame is not to become its caller's. Where each value finds the other side
 * waiting (capacity 4): 396 ns a value for 424. */
#ifdef __GNUC__
#define UVCHAN__APART __attribute__((noinline))
#else
#define UVCHAN__APART
#endif

#endif /* UVCHAN_ATOMIC_H */
