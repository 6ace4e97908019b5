/* SPDX-License-Identifier: MIT */
/* uvchan/inspect.h: what is in a process's channels and pools, who waits there and since when: for
 * people, for tools, and for a debugger.
 *
 * What is told is what this copy of the library has made and is still there; where a process has
 * several copies, each tells its own. Each channel and each pool is told as it is at one moment,
 * and these moments follow each other.
 *
 * What it costs a program that never asks: a lock when a channel or a pool is made, and one when it
 * is freed; a look at the clock before a thread sleeps. Sending and receiving cost nothing.
 *
 * All functions here may be called on any thread, in callbacks, and with other threads stopped in
 * the middle of a call, as a debugger has them. They need no memory. They wait for no lock of a
 * channel or a pool: where somebody has it and does not give it back soon, it is told as busy, with
 * what can be told without. As all functions of the library they are not for a signal handler: to
 * have a signal print, take a uv_signal_t, and print in its callback. How the functions are
 * documented: see uvchan.h. Since 1.3.
 *
 * Fork. In a child of fork() they look at the parent's channels and pools too, and at who waited
 * there, on stacks of threads that are not there any more. So they must not be called in a child
 * that has one of the parent's that it must not touch: a channel that another thread was inside a
 * call on, waiting or not, or a pool (see uvchan.h and pool.h). */
#ifndef UVCHAN_INSPECT_H
#define UVCHAN_INSPECT_H

#include <stdio.h>
#include <uvchan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- For people ------------------------------------------------------------------------------ */

/* Prints every channel and every pool as text, as uv_print_all_handles() does handles.
 *   loop     those alone that this loop has to do with, by a started receiver, a request that waits
 *            or a work that is pending, and those that are busy; NULL: all. It is not touched
 *   stream   where to; NULL: standard error, by the system alone, and not by stdio, whose lock a
 *            thread that is stopped may hold
 * Threads: any. Cost: time proportional to all channels and to those who wait. */
void uvchan_print_all(uv_loop_t* loop, FILE* stream);

/* ---- For tools ------------------------------------------------------------------------------- */

/* How it is told. */
typedef enum {
  UVCHAN_TEXT = 0, /* as uvchan_print_all() */
  UVCHAN_JSON      /* one object; what docs/stuck.md says of its members stays for 1.x */
} uvchan_format_t;

/* Takes the next part of what is written.
 *   arg     as it was given
 *   bytes   valid until the callback returns; they do not end with a 0
 *   n       1 to 512
 * Returns 0 to go on; a negative number to end it, which the call then returns. Runs with no lock
 * held: every function of the library is allowed in it. */
typedef int (*uvchan_write_cb)(void* arg, const char* bytes, size_t n);

/* The same in either format, to a callback.
 *   loop    as uvchan_print_all()
 *   write   called as often as it takes, in this call
 * Returns 0; UV_EBUSY: somebody is just making or freeing a channel, and does not come to an end of
 * it, since a debugger has stopped him, say: nothing was written; what write has returned;
 * UV_EINVAL: write is NULL, or the format unknown. Threads: any. Cost: as uvchan_print_all(). */
int uvchan_inspect(uv_loop_t* loop, uvchan_format_t format, uvchan_write_cb write, void* arg);

/* Writes the statistics of all channels and pools that have a name, in the text format of
 * OpenMetrics 1.0 (Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8), which
 * Prometheus reads too. Each has the labels name, as it was given, and id, a number that no other
 * one gets; one that is busy is left out. A program that has metrics of its own ends all of them by
 * the line "# EOF" that this one writes last.
 *   write   as uvchan_inspect()
 * Returns as uvchan_inspect(). Threads: any. Cost: as uvchan_print_all(), once for each metric. */
int uvchan_write_metrics(uvchan_write_cb write, void* arg);

#ifdef __cplusplus
}
#endif
#endif /* UVCHAN_INSPECT_H */
