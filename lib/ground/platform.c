/* SPDX-License-Identifier: MIT */
/* What differs between platforms, as platform.h says. Knows libuv and the system, and nothing of
 * channels. Threads: any, but where platform.h says so. */
#include "ground/platform.h"

#include <uv.h>

#if !defined(_WIN32) && !defined(UVCHAN_PORTABLE)
#include <sched.h>
#endif
#ifndef _WIN32
#include <pthread.h>
#include <unistd.h>
#endif

#if !defined(_WIN32) && !defined(__ANDROID__)

int uvchan__hold_cancellation(void) {
  int before;

  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  return before;
}

void uvchan__let_cancellation(int before) { pthread_setcancelstate(before, &before); }

#else /* where threads can't be cancelled */

int uvchan__hold_cancellation(void) { return 0; }

void uvchan__let_cancellation(int before) { (void)before; }

#endif

#ifndef _WIN32

#include <signal.h>

static_assert(sizeof(sigset_t) <= sizeof(uvchan__signals_t), "room for the signals of a thread");

/* Those that a thread brings about by itself: blocked, they would end the process before whoever
 * reports crashes sees them; and a profiler's, which asks where the time is spent. */
static const int own_signals[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                  SIGABRT, SIGTRAP, SIGSYS, SIGPROF};

void uvchan__hold_signals(uvchan__signals_t* signals) {
  sigset_t held;
  size_t i;

  sigfillset(&held);
  for (i = 0; i < sizeof(own_signals) / sizeof(own_signals[0]); i++)
    sigdelset(&held, own_signals[i]);
  pthread_sigmask(SIG_SETMASK, &held, (sigset_t*)(void*)signals);
}

void uvchan__let_signals(const uvchan__signals_t* signals) {
  pthread_sigmask(SIG_SETMASK, (const sigset_t*)(const void*)signals, NULL);
}

#else

void uvchan__hold_signals(uvchan__signals_t* signals) { (void)signals; }

void uvchan__let_signals(const uvchan__signals_t* signals) { (void)signals; }

#endif

#if defined(__linux__) && !defined(UVCHAN_PORTABLE)

#include <sys/prctl.h>

void uvchan__name_thread(const char* name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

#else

void uvchan__name_thread(const char* name) { (void)name; }

#endif

#ifndef _WIN32

#include <errno.h>

void uvchan__write_error(const char* bytes, size_t n) {
  int before = uvchan__hold_cancellation();

  while (n > 0) {
    ssize_t written = write(STDERR_FILENO, bytes, n);

    if (written < 0 && errno != EINTR) break;
    if (written < 0) continue;
    bytes += written;
    n -= (size_t)written;
  }
  uvchan__let_cancellation(before);
}

#else

void uvchan__write_error(const char* bytes, size_t n) {
  DWORD written;

  WriteFile(GetStdHandle(STD_ERROR_HANDLE), bytes, (DWORD)n, &written, NULL);
}

#endif

#if defined(__linux__) && defined(SYS_gettid)

static _Thread_local unsigned int thread_id; /* or 0, until it was asked for */

unsigned int uvchan__thread_id(void) {
  if (thread_id == 0) thread_id = (unsigned int)syscall(SYS_gettid);
  return thread_id;
}

void uvchan__forget_thread_id(void) { thread_id = 0; }

#elif defined(_WIN32)

unsigned int uvchan__thread_id(void) { return (unsigned int)GetCurrentThreadId(); }

void uvchan__forget_thread_id(void) {}

#else

unsigned int uvchan__thread_id(void) { return 0; }

void uvchan__forget_thread_id(void) {}

#endif

#if UVCHAN__HAS_FUTEX

#include <linux/futex.h>

void uvchan__futex_wait(atomic_uint* word, unsigned int expected, uint64_t timeout) {
  struct {
    __kernel_long_t seconds;
    __kernel_long_t nanoseconds;
    /* as the kernel reads it here: the C library's timespec may be wider on a 32-bit machine */
  } relative, *limit = NULL;

  if (timeout != UVCHAN__FOR_EVER) {
    timeout = uvchan__cap_sleep(timeout);
    relative.seconds = (__kernel_long_t)(timeout / 1000000000u);
    relative.nanoseconds = (__kernel_long_t)(timeout % 1000000000u);
    limit = &relative;
  }
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, limit, NULL, 0);
}

void uvchan__futex_wake(atomic_uint* word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#endif

void uvchan__sleep_ms(unsigned int milliseconds) {
  int before = uvchan__hold_cancellation();

  uv_sleep(milliseconds);
  uvchan__let_cancellation(before);
}

#if defined(_WIN32) && !defined(UVCHAN_PORTABLE)
void uvchan__yield(void) { SwitchToThread(); }
#elif !defined(UVCHAN_PORTABLE)
void uvchan__yield(void) { sched_yield(); }
#else
void uvchan__yield(void) { uvchan__sleep_ms(0); }
#endif

/* libuv's own mark UV_HANDLE_CLOSED, the same everywhere from 1.42 to 1.52; a test closes handles
 * of each kind and looks. */
int uvchan__handle_is_closed(const uv_handle_t* handle) { return (handle->flags & 0x2u) != 0; }

/* ---- Fork ------------------------------------------------------------------------------------ */

#if UVCHAN__FORKS

void uvchan__at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void)) {
  /* without memory at load a fork is not provided for */
  (void)pthread_atfork(before, in_parent, in_child);
}

#endif
