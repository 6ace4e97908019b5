/* SPDX-License-Identifier: MIT */
/* What travels as words: a status by its name, and the server's errors as codes. Threads: any. */
#ifndef UVCHAN_REDIS_WORDS_H
#define UVCHAN_REDIS_WORDS_H

#include <stddef.h>

#define UVCHAN__REDIS_STATUS_BYTES 32

/* The name of a status, "EOF" say, since its number differs from system to system; as a decimal
 * number where libuv has no name for it. */
void uvchan__redis_status_to_words(int status, char words[UVCHAN__REDIS_STATUS_BYTES]);

/* The reverse; UV_EOF for what can't be read. */
int uvchan__redis_status_of_words(const char* words);

/* A libuv error code for an error of the server's, by its first word; UV_EPROTO where it is none of
 * those that are known. */
int uvchan__redis_error_of_words(const char* words);

#endif /* UVCHAN_REDIS_WORDS_H */
