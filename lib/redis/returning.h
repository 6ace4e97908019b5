/* SPDX-License-Identifier: MIT */
/* What a source tells the server of values that it has: that they are done, given back, or worked
 * on. */
#ifndef UVCHAN_REDIS_RETURNING_H
#define UVCHAN_REDIS_RETURNING_H

#include "redis/source-state.h"

/* Sets the calls of this room. */
void uvchan__redis_source_prepare_returning(uvchan__redis_source_t* source);

/* Sends what is DONE, and what is BACK. */
void uvchan__redis_source_return(uvchan__redis_source_t* source);

/* Has the time begin anew after which others may claim what is worked on, for hold_ms at most. */
void uvchan__redis_source_renew(uvchan__redis_source_t* source);

#endif /* UVCHAN_REDIS_RETURNING_H */
