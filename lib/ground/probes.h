/* SPDX-License-Identifier: MIT */
/* Probes: places that bpftrace, perf and SystemTap can look at in a program that runs (USDT). Each
 * is an instruction that does nothing, and a note beside the code on where it is and where its
 * arguments lie; while nobody looks that is all. Built with UVCHAN_PROBES, where <sys/sdt.h> is;
 * elsewhere there are none.
 *
 *      send       channel, values          have come in; of many in one step, once
 *      receive    channel, values          have gone out to whoever takes them
 *      wait       channel, waiter, sends   begins to wait in the channel's queue
 *      wake       channel, waiter, status  one who waits is finished; or a started receiver, whose
 *                                          status is 0, is told to look
 *      close      channel, status          the end
 *      drop       channel, values, reason  nobody will receive them
 *      submit     pool, work, lane         a work waits, inside or outside
 *      begin      pool, work, nanoseconds  that it has waited: a thread is about to do it
 *      done       pool, work, status       its outcome is decided
 *
 * The fast path has probes only with UVCHAN_PROBES_FAST: without them a send and a receive that
 * find the other side at ease are seen by nobody.
 *
 * Threads: any. Knows nothing of what it is told. */
#ifndef UVCHAN_PROBES_H
#define UVCHAN_PROBES_H

#ifdef UVCHAN_PROBES
#include <sys/sdt.h>
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments" /* in its macros */
#endif
#define UVCHAN__PROBE2(name, a, b) STAP_PROBE2(uvchan, name, a, b)
#define UVCHAN__PROBE3(name, a, b, c) STAP_PROBE3(uvchan, name, a, b, c)
#else
#define UVCHAN__PROBE2(name, a, b) ((void)0)
#define UVCHAN__PROBE3(name, a, b, c) ((void)0)
#endif

#ifdef UVCHAN_PROBES_FAST
#define UVCHAN__PROBE_FAST(name, channel) UVCHAN__PROBE2(name, channel, 1)
#else
#define UVCHAN__PROBE_FAST(name, channel) ((void)0)
#endif

#endif /* UVCHAN_PROBES_H */
