/* SPDX-License-Identifier: MIT */
/* What differs between platforms: first of all whether a thread can sleep on a word of memory. On
 * Linux it can, by the futex; everywhere else, and with UVCHAN_PORTABLE, there are libuv's mutexes
 * and conditions (park.c), and locks are waited for by uvchan__relax(). Knows nothing of
 * channels. Threads: any; a handle is its loop's, and what is called at load comes before them. */
#ifndef UVCHAN_PLATFORM_H
#define UVCHAN_PLATFORM_H

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include <stddef.h>

#include "ground/atomic.h"

#define UVCHAN__FOR_EVER UINT64_MAX

/* Whether libuv finishes a closing phase with the handles that were closed before it, as it does on
 * Unix; or goes on with those that are closed meanwhile, last first, as it does on Windows, and may
 * as far as the portable way knows. */
#if defined(_WIN32) || defined(UVCHAN_PORTABLE)
#define UVCHAN__CLOSING_PHASE_ENDS 0
#else
#define UVCHAN__CLOSING_PHASE_ENDS 1
#endif

#if defined(SYS_futex) && !defined(UVCHAN_PORTABLE)
#define UVCHAN__HAS_FUTEX 1
#else
#define UVCHAN__HAS_FUTEX 0
#endif

/* Whether a process can fork, and its child go on with the library's memory. */
#ifdef _WIN32
#define UVCHAN__FORKS 0
#else
#define UVCHAN__FORKS 1
#endif

#if UVCHAN__FORKS
/* A function without arguments that runs when the library is loaded, before any thread can call
 * it. */
#define UVCHAN__AT_LOAD __attribute__((constructor))

/* Has these called at each fork() from now on, on the thread that forks: before it, and after it in
 * the parent and in the child. Called once, at load. Where the library is unloaded by dlclose(),
 * the C library forgets the three; one that can't unloads nothing that has a _Thread_local. */
void uvchan__at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void));
#endif

/* Whether libuv has closed the handle for good, and no part of its loop points to it any more;
 * uv_is_closing() tells no difference between this and a handle that is only about to be. Of a
 * handle that was closed, whether its loop may be gone. */
struct uv_handle_s;
int uvchan__handle_is_closed(const struct uv_handle_s* handle);

/* To standard error, by the system alone. What can't be written is left out. */
void uvchan__write_error(const char* bytes, size_t n);

/* A function without arguments that runs when the library is unloaded, or the process exits. */
#ifdef __GNUC__
#define UVCHAN__AT_UNLOAD __attribute__((destructor))
#else
#define UVCHAN__AT_UNLOAD
#endif

/* The number by which the system's tools call the calling thread: its LWP, where that is Linux. 0
 * where there is none. After a fork the child's thread has another one, and has to say so. */
unsigned int uvchan__thread_id(void);
void uvchan__forget_thread_id(void);

#if UVCHAN__HAS_FUTEX

/* Sleeps while *word is expected, for at most timeout nanoseconds. May wake without cause, or too
 * early: who has slept looks at the word, and at the clock. */
void uvchan__futex_wait(atomic_uint* word, unsigned int expected, uint64_t timeout);

/* Wakes one thread that sleeps on the word, or more. Only the address counts: the word's memory may
 * be gone already. */
void uvchan__futex_wake(atomic_uint* word);

#endif

/* At most so many nanoseconds, a day, does a sleep take at once: 32 bits of seconds, or of
 * milliseconds, hold it on every platform. */
#define UVCHAN__LONGEST_SLEEP ((uint64_t)86400 * 1000000000u)

static inline uint64_t uvchan__cap_sleep(uint64_t timeout) {
  return timeout < UVCHAN__LONGEST_SLEEP ? timeout : UVCHAN__LONGEST_SLEEP;
}

/* Holds off the cancellation of the calling thread, and lets it be as it was: hold() answers what
 * to give to let(). Wherever a call of the library comes by a cancellation point of
 * pthread_cancel(), or runs code of its user's, it does so around that: so a thread that is
 * cancelled leaves its call in order, with no lock held and no value lost, and is cancelled
 * afterwards, at the next point of its own. */
int uvchan__hold_cancellation(void);
void uvchan__let_cancellation(int before);

/* A thread that is made between these two gets none of the signals that are sent to the process,
 * but for a profiler's: their handlers are its program's, and run on threads that it knows. What is
 * given to let() stays the caller's. */
typedef struct {
  union {
    max_align_t aligned;
    unsigned char bytes[256];
  } before;
} uvchan__signals_t;

void uvchan__hold_signals(uvchan__signals_t* signals);
void uvchan__let_signals(const uvchan__signals_t* signals);

/* Names the calling thread, where the system shows that; it may show the first 15 bytes alone. */
void uvchan__name_thread(const char* name);

/* Cannot be cancelled meanwhile. 0: gives up the processor, and no more. */
void uvchan__sleep_ms(unsigned int milliseconds);

/* Waits a moment on the processor, some 10 to 50 ns; gives the processor to another thread that is
 * ready to run there, if there is one. */
void uvchan__yield(void);

static inline void uvchan__pause(void) {
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
  __builtin_ia32_pause();
#elif defined(__GNUC__) && defined(__aarch64__)
  __asm__ __volatile__("isb"); /* a "yield" is over at once */
#endif
}

#endif /* UVCHAN_PLATFORM_H */
