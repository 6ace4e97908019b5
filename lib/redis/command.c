/* SPDX-License-Identifier: MIT */
/* Arguments as hiredis takes them, and answers as it gives them. */
#include "redis/command.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char* const kinds[UVCHAN__REDIS_KEYS] = {"stream", "last", "epoch",
                                                      "end",    "dead", "returns"};

int uvchan__redis_command_init(uvchan__redis_command_t* command, const char* stream, size_t batch) {
  size_t bytes = strlen(stream) + sizeof("uvchan:{}:returns");
  int i, r = 0;

  command->n = 0;
  command->most = batch + UVCHAN__REDIS_FEW;
  command->words = malloc(command->most * sizeof(*command->words));
  command->lengths = malloc(command->most * sizeof(*command->lengths));
  command->numbers = malloc(command->most * sizeof(*command->numbers));
  if (command->words == NULL || command->lengths == NULL || command->numbers == NULL) r = UV_ENOMEM;
  for (i = 0; i < UVCHAN__REDIS_KEYS; i++) {
    command->keys[i] = malloc(bytes);
    if (command->keys[i] == NULL) {
      r = UV_ENOMEM;
    } else {
      snprintf(command->keys[i], bytes, "uvchan:{%s}:%s", stream, kinds[i]);
    }
  }
  if (r != 0) uvchan__redis_command_free(command);
  return r;
}

void uvchan__redis_command_free(uvchan__redis_command_t* command) {
  int i;

  for (i = 0; i < UVCHAN__REDIS_KEYS; i++) free(command->keys[i]);
  free((void*)command->words);
  free(command->lengths);
  free(command->numbers);
}

/* ---- Arguments ------------------------------------------------------------------------------- */

void uvchan__redis_command_bytes(uvchan__redis_command_t* command, const void* bytes, size_t n) {
  assert(command->n < command->most);
  command->words[command->n] = bytes;
  command->lengths[command->n++] = n;
}

void uvchan__redis_command_word(uvchan__redis_command_t* command, const char* word) {
  uvchan__redis_command_bytes(command, word, strlen(word));
}

void uvchan__redis_command_number(uvchan__redis_command_t* command, uint64_t number) {
  char* text = command->numbers[command->n];

  snprintf(text, UVCHAN__REDIS_NUMBER_BYTES, "%" PRIu64, number);
  uvchan__redis_command_word(command, text);
}

void uvchan__redis_command_id(uvchan__redis_command_t* command, uint64_t time, uint64_t serial) {
  char* text = command->numbers[command->n];

  snprintf(text, UVCHAN__REDIS_NUMBER_BYTES, "%" PRIu64 "-%" PRIu64, time, serial);
  uvchan__redis_command_word(command, text);
}

void uvchan__redis_command_behind(uvchan__redis_command_t* command, uint64_t time,
                                  uint64_t serial) {
  char* text = command->numbers[command->n];

  if (time == 0 && serial == 0) {
    uvchan__redis_command_word(command, "-");
  } else {
    snprintf(text, UVCHAN__REDIS_NUMBER_BYTES, "(%" PRIu64 "-%" PRIu64, time, serial);
    uvchan__redis_command_word(command, text);
  }
}

void uvchan__redis_command_begin(uvchan__redis_command_t* command, const char* word) {
  command->n = 0;
  uvchan__redis_command_word(command, word);
}

void uvchan__redis_command_script(uvchan__redis_command_t* command,
                                  const uvchan__redis_link_t* link, uvchan__redis_script_t script) {
  int i;

  uvchan__redis_command_begin(command, "EVALSHA");
  uvchan__redis_command_word(command, link->hashes[script]);
  uvchan__redis_command_number(command, UVCHAN__REDIS_KEYS);
  for (i = 0; i < UVCHAN__REDIS_KEYS; i++) uvchan__redis_command_word(command, command->keys[i]);
}

void uvchan__redis_command_send(const uvchan__redis_command_t* command,
                                uvchan__redis_call_t* call) {
  uvchan__redis_link_send(call, (int)command->n, command->words, command->lengths);
}

/* ---- Answers --------------------------------------------------------------------------------- */

const redisReply* uvchan__redis_element(const redisReply* reply, size_t i) {
  if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || i >= reply->elements) return NULL;
  return reply->element[i];
}

const char* uvchan__redis_text(const redisReply* reply, size_t i) {
  const redisReply* element = uvchan__redis_element(reply, i);

  return element == NULL || element->type != REDIS_REPLY_STRING ? "" : element->str;
}

uint64_t uvchan__redis_number(const redisReply* reply, size_t i) {
  const redisReply* element = uvchan__redis_element(reply, i);

  if (element == NULL || element->type != REDIS_REPLY_INTEGER || element->integer < 0) return 0;
  return (uint64_t)element->integer;
}

int uvchan__redis_id(const redisReply* reply, uint64_t* time, uint64_t* serial) {
  char* end;

  if (reply == NULL || reply->type != REDIS_REPLY_STRING) return UV_EPROTO;
  *time = strtoull(reply->str, &end, 10);
  if (end == reply->str || *end != '-') return UV_EPROTO;
  *serial = strtoull(end + 1, &end, 10);
  return end == reply->str + reply->len ? 0 : UV_EPROTO;
}
