/* SPDX-License-Identifier: MIT */
/* What becomes of the hubs in a child of fork(): it goes on with those whose loops it goes on with.
 * Each is awake until its first turn there, which gives it another async handle; wake-ups that were
 * under way are forgotten. Knows nothing of channels, whose locks are their users' to keep free at
 * a fork. The handlers of the fork itself register when the library is loaded. */
#ifndef UVCHAN_FORK_H
#define UVCHAN_FORK_H

#include <uvchan/private.h>

/* Gives an inherited hub another async handle, and takes the mark of being inherited from it; or
 * leaves both for the next turn. The loop's thread, in prepare. */
void uvchan__hub_replace_async(uvchan__hub_t* hub);

#endif /* UVCHAN_FORK_H */
