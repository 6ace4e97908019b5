/* Memory orders: what is atomic is spelled with <stdatomic.h>, and this file holds the three things
 * around it.
 *
 * Each atomic access in the library that is not a counter carries a label, [name.R] where it
 * publishes and [name.A] where it observes; a label's two ends stand in the same file, or the label
 * names the other file. A relaxed access says why that is enough. Knows the C library alone. */
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

/* One step of waiting for a thread that is between two of its steps, holds no lock and sleeps
 * nowhere: pauses at first, then gives up the processor, then sleeps a millisecond at a time. So a
 * thread that was pre-empted there gets its turn even on a single processor, and under real-time
 * priorities. *round starts at 0. */
void uvchan__relax(unsigned int* round);

/* Before each atomic step of the protocols: where the library is built with UVCHAN_INJECT,
 * sometimes gives up the processor, so that tests meet interleavings that a quiet machine never
 * shows. Nothing otherwise. */
#ifdef UVCHAN_INJECT
void uvchan__step(void);
#else
static inline void uvchan__step(void) {}
#endif

#endif /* UVCHAN_ATOMIC_H */
