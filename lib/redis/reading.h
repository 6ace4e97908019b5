/* SPDX-License-Identifier: MIT */
/* What a source asks on its reader's connection: whether there is a group, what this consumer has,
 * and then for news. */
#ifndef UVCHAN_REDIS_READING_H
#define UVCHAN_REDIS_READING_H

#include "redis/source-state.h"

/* Sets the calls of this room. */
void uvchan__redis_source_prepare_reading(uvchan__redis_source_t* source);

/* The next question, where none is due and there is room for an answer. */
void uvchan__redis_source_ask(uvchan__redis_source_t* source);

/* This consumer may have what the source does not know of: it is asked for before news is. */
void uvchan__redis_source_recall(uvchan__redis_source_t* source);

/* The connection's calls: `owner` is the source. */
void uvchan__redis_source_reader_ready(void* owner);
void uvchan__redis_source_reader_lost(void* owner);

#endif /* UVCHAN_REDIS_READING_H */
