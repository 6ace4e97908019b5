/* SPDX-License-Identifier: MIT */
/* What a caller asks of a sink or a source: checked, with what is not set filled in, and the words
 * that are made of it. Threads: any. */
#ifndef UVCHAN_REDIS_OPTIONS_H
#define UVCHAN_REDIS_OPTIONS_H

#include <uvchan/redis.h>

#define UVCHAN__REDIS_FORMAT_BYTES 72
/* The server's count of an entry's deliveries is how often a receiver was given it, and this for
 * each time that it was given back unseen. */
#define UVCHAN__REDIS_UNSEEN 1048576

#define UVCHAN__REDIS_TOKEN_BYTES 24

/* Milliseconds, at most: a longer time, such as UINT64_MAX for never, is no number to the server,
 * or none that can be added to. */
#define UVCHAN__REDIS_MOST_MS (UINT64_C(1) << 50)

/* What was given back has waited since 1970, by the server's word, which is longer than this: so
 * whoever claims gets it, and no claim waits for longer. */
#define UVCHAN__REDIS_MOST_CLAIM_MS 1000000000000

/* What an entry's format begins with: the version of the entry's fields. */
#define UVCHAN__REDIS_VERSION "1 "

/* Copies *given to *filled, with what is not set filled in; strings stay the caller's.
 *   elem_size   of the channel's elements
 * Returns 0; UV_EINVAL, and *filled says nothing. */
int uvchan__redis_sink_options(const uvchan_redis_sink_options_t* given, size_t elem_size,
                               uvchan_redis_sink_options_t* filled);
int uvchan__redis_source_options(const uvchan_redis_source_options_t* given, size_t elem_size,
                                 uvchan_redis_source_options_t* filled);

/* The format of entries: the encoding's name, or where that is NULL the value's size. */
void uvchan__redis_write_format(char format[UVCHAN__REDIS_FORMAT_BYTES], const char* name,
                                size_t bytes);

/* Words that no other producer has, on any machine. */
void uvchan__redis_write_token(char token[UVCHAN__REDIS_TOKEN_BYTES]);

/* A copy in memory of its own; NULL: there is none. */
char* uvchan__redis_copy(const char* text);

#endif /* UVCHAN_REDIS_OPTIONS_H */
