/* SPDX-License-Identifier: MIT */
/* What can be asked of a channel, for those who have its lock already. Open to this folder
 * alone, as the structure is. */
#ifndef UVCHAN_STATS_H
#define UVCHAN_STATS_H

#include "channel/state.h"

void uvchan__stats_locked(const uvchan_t* ch, uvchan_stats_t* stats); /* all but reserved */
const char* uvchan__name_of(const uvchan_t* ch);                      /* "" where it has none */

#endif /* UVCHAN_STATS_H */
