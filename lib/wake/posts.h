/* SPDX-License-Identifier: MIT */
/* How an entry gets to its loop, and how the loop is woken for it. Knows entries, not what they
 * stand for, and nothing of what a turn does with them. Any thread, but for what says otherwise;
 * the invariants stand in hub-state.h. */
#ifndef UVCHAN_POSTS_H
#define UVCHAN_POSTS_H

#include <uvchan/private.h>

/* Lists the entry, to be run on the loop, unless it is listed already. Where the loop has to be
 * woken, the hub is put in front of *wakes; the caller must then call uvchan__hub_wake_all() with
 * no lock held. Answers 1 where the loop is another thread's and asleep, else 0. */
unsigned int uvchan__hub_post(uvchan__hub_t* hub, uvchan__entry_t* entry, uvchan__hub_t** wakes);
void uvchan__hub_wake_all(uvchan__hub_t* wakes);

/* The same for calls that are the loop's thread's alone: needs nothing further. */
void uvchan__hub_post_here(uvchan__hub_t* hub, uvchan__entry_t* entry);

/* Takes it out of the list, and answers whether it was listed. The loop's thread, where nobody is
 * about to post it. */
int uvchan__hub_unpost(uvchan__hub_t* hub, uvchan__entry_t* entry);

/* Waits until somebody who is about to list it has done so. The loop's thread. */
void uvchan__hub_await_post(uvchan__hub_t* hub, const uvchan__entry_t* entry);

/* Whether a post from here would have to wake the loop, just now: a statistic. */
unsigned int uvchan__hub_is_asleep(uvchan__hub_t* hub);

/* Whether the calling thread is the one that has last run the loop, as the hub has seen it. */
int uvchan__hub_runs_here(uvchan__hub_t* hub);

#endif /* UVCHAN_POSTS_H */
