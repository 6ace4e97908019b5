/* SPDX-License-Identifier: MIT */
/* What a fuzzed run stands on: the input's bytes, a clock that the run alone moves, and an
 * allocator that counts and fails on demand. Knows nothing of channels. One thread. */
#ifndef FUZZ_GROUND_H
#define FUZZ_GROUND_H

#include <stddef.h>
#include <stdint.h>

/* As assert(), in every build: a run that breaks a promise ends the process, which is how a fuzzer
 * learns of it. */
#define must(expr) ((expr) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #expr))
_Noreturn void fuzz_failed(const char* file, int line, const char* expr);

/* ---- The input ------------------------------------------------------------------------------- */

void fuzz_input(const uint8_t* bytes, size_t n);
int fuzz_has_input(void);
uint8_t fuzz_byte(void);                 /* 0 behind the end */
unsigned int fuzz_below(unsigned int n); /* 0 to n - 1 */

/* ---- The clock ----------------------------------------------------------------------------------
 *
 * Each look at it takes some microseconds, so that waits by the clock end, and the same input sees
 * the same times. Where clock_gettime() can't be replaced it is the real one. */

void fuzz_clock_start(void);
void fuzz_clock_advance(unsigned int milliseconds);
void fuzz_clock_stop(void);

/* ---- The allocator --------------------------------------------------------------------------- */

void fuzz_allocator_install(void);
/* the n-th allocation from now, 0 being the next one */
void fuzz_fail_at(unsigned int n, int forever);
void fuzz_fail_never(void);
unsigned int fuzz_failures(void); /* that ever were */
size_t fuzz_allocations(void);    /* blocks that are not freed */

#endif /* FUZZ_GROUND_H */
