/* SPDX-License-Identifier: MIT */
/* Entries that come to a source, and the questions for those that were delivered before. */
#ifndef UVCHAN_REDIS_CLAIMING_H
#define UVCHAN_REDIS_CLAIMING_H

#include "redis/source-state.h"

/* Sets the calls of this room. */
void uvchan__redis_source_prepare_claiming(uvchan__redis_source_t* source);

/* An entry, unless it has a slot: delivered where it is a value, else buried; while the source
 * leaves, given back.
 *   deliveries   the server's count, this one included */
void uvchan__redis_source_accept(uvchan__redis_source_t* source, const redisReply* id,
                                 const redisReply* fields, uint64_t deliveries);

/* Of everybody, what was not done for claim_after_ms, or was given back; or of this consumer, all:
 * `count` of them at most, by a call of the one connection or the other. */
void uvchan__redis_source_send_claim(uvchan__redis_source_t* source, uvchan__redis_call_t* call,
                                     uint32_t count, int is_own);

/* What that has answered. Answers 1 where the look has not come to its end: the next one begins
 * behind *time and *serial. */
int uvchan__redis_source_accept_claimed(uvchan__redis_source_t* source, const redisReply* reply,
                                        uint64_t* time, uint64_t* serial);

/* Something was given back: a claim is due, which passes over nothing that was there by now. */
void uvchan__redis_source_look_again(uvchan__redis_source_t* source);

/* The server has said how often values were given back: where that is news a claim is due. */
void uvchan__redis_source_note_returns(uvchan__redis_source_t* source, uint64_t returns);

/* Claims what others have had for too long, or have given back, where that is due and there is
 * room. */
void uvchan__redis_source_claim(uvchan__redis_source_t* source);

#endif /* UVCHAN_REDIS_CLAIMING_H */
