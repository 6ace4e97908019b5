/* SPDX-License-Identifier: MIT */
/* A command's arguments, and the keys of a stream. The arguments are collected in memory that is
 * made once, for as many as a command of its owner's has at most. The loop's thread alone. */
#ifndef UVCHAN_REDIS_COMMAND_H
#define UVCHAN_REDIS_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "redis/link.h"

#define UVCHAN__REDIS_NUMBER_BYTES 48 /* of a number, or an entry's id, as text */
#define UVCHAN__REDIS_FEW 24          /* arguments beside those of a batch */

typedef struct {
  char* keys[UVCHAN__REDIS_KEYS]; /* each in memory of its own */
  const char** words;
  size_t* lengths;
  char (*numbers)[UVCHAN__REDIS_NUMBER_BYTES]; /* the texts of arguments that are numbers */
  size_t most;
  size_t n;
} uvchan__redis_command_t;

/* Returns 0; UV_ENOMEM, and nothing is left. */
int uvchan__redis_command_init(uvchan__redis_command_t* command, const char* stream, size_t batch);
void uvchan__redis_command_free(uvchan__redis_command_t* command);

/* Begin a command by its first word, or one that runs a script with all keys. */
void uvchan__redis_command_begin(uvchan__redis_command_t* command, const char* word);
void uvchan__redis_command_script(uvchan__redis_command_t* command,
                                  const uvchan__redis_link_t* link, uvchan__redis_script_t script);

/* One argument more: bytes and words stay in place until the command is sent. */
void uvchan__redis_command_bytes(uvchan__redis_command_t* command, const void* bytes, size_t n);
void uvchan__redis_command_word(uvchan__redis_command_t* command, const char* word);
void uvchan__redis_command_number(uvchan__redis_command_t* command, uint64_t number);
void uvchan__redis_command_id(uvchan__redis_command_t* command, uint64_t time, uint64_t serial);

/* Where a range begins: behind this entry, or at the first one where it is 0 and 0. */
void uvchan__redis_command_behind(uvchan__redis_command_t* command, uint64_t time, uint64_t serial);

void uvchan__redis_command_send(const uvchan__redis_command_t* command, uvchan__redis_call_t* call);

/* ---- Answers --------------------------------------------------------------------------------- */

/* The i-th element of an array, or NULL. */
const redisReply* uvchan__redis_element(const redisReply* reply, size_t i);

/* The text of the i-th element, or "" where it is none; its number, or 0. */
const char* uvchan__redis_text(const redisReply* reply, size_t i);
uint64_t uvchan__redis_number(const redisReply* reply, size_t i);

/* An entry's id. Returns 0; UV_EPROTO: it is none. */
int uvchan__redis_id(const redisReply* reply, uint64_t* time, uint64_t* serial);

#endif /* UVCHAN_REDIS_COMMAND_H */
