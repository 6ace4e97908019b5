/* SPDX-License-Identifier: MIT */
/* Words and codes: tables alone. */
#include "redis/words.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

typedef struct {
  int code;
  const char* name;
} word_t;

#define WORD(name, text) {UV_##name, #name},
static const word_t statuses[] = {UV_ERRNO_MAP(WORD)};
#undef WORD

/* By the first word of an error, as Redis and Valkey spell it. */
static const word_t errors[] = {
    {UV_EAGAIN, "LOADING"},   {UV_EAGAIN, "BUSY"},       {UV_EAGAIN, "TRYAGAIN"},
    {UV_EAGAIN, "NOSCRIPT"},  {UV_EAGAIN, "MASTERDOWN"}, {UV_EAGAIN, "CLUSTERDOWN"},
    {UV_EROFS, "READONLY"},   {UV_ENOMEM, "OOM"},        {UV_EIO, "MISCONF"},
    {UV_EACCES, "NOAUTH"},    {UV_EACCES, "NOPERM"},     {UV_EACCES, "WRONGPASS"},
    {UV_EINVAL, "WRONGTYPE"}, {UV_ENOENT, "NOGROUP"},    {UV_ENOTCONN, "UNBLOCKED"},
    {UV_ENXIO, "MOVED"},      {UV_ENXIO, "ASK"},         {UV_ENOTSUP, "OLD"},
};

void uvchan__redis_status_to_words(int status, char words[UVCHAN__REDIS_STATUS_BYTES]) {
  size_t i;

  snprintf(words, UVCHAN__REDIS_STATUS_BYTES, "%d", status);
  for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
    if (statuses[i].code == status)
      snprintf(words, UVCHAN__REDIS_STATUS_BYTES, "%s", statuses[i].name);
  }
}

int uvchan__redis_status_of_words(const char* words) {
  long number;
  size_t i;

  for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
    if (strcmp(statuses[i].name, words) == 0) return statuses[i].code;
  }
  number = strtol(words, NULL, 10);
  return number < 0 && number >= INT_MIN ? (int)number : UV_EOF;
}

int uvchan__redis_error_of_words(const char* words) {
  size_t length = strcspn(words, " ");
  size_t i;

  for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
    if (strlen(errors[i].name) == length && memcmp(errors[i].name, words, length) == 0)
      return errors[i].code;
  }
  return UV_EPROTO;
}
