/* SPDX-License-Identifier: MIT */
/* What can be asked of a pool, for those who have its lock already. */
#ifndef UVCHAN_POOL_STATS_H
#define UVCHAN_POOL_STATS_H

#include "pool/state.h"

/* all but the name and reserved */
void uvchan__pool_stats_locked(const uvchan_pool_t* pool, uvchan_pool_stats_t* stats);

#endif /* UVCHAN_POOL_STATS_H */
