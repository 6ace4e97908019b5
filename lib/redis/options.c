/* SPDX-License-Identifier: MIT */
/* Checks and defaults. The server's part is the address's. */
#include "redis/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BATCH 1024
#define MOST_NAME 63
#define TICKET_ALIGNMENT 8 /* what a ticket's numbers ask for on every system */
#define MOST_IN_FLIGHT (1u << 24)
#define MOST_SLOTS (1u << 19) /* a claim names each; Redis 6.2 takes 2^20 words in a command */

static uint64_t or_else(uint64_t value, uint64_t otherwise) {
  return value == 0 ? otherwise : value;
}

static uint64_t ms_or_else(uint64_t ms, uint64_t otherwise) {
  return ms > UVCHAN__REDIS_MOST_MS ? UVCHAN__REDIS_MOST_MS : or_else(ms, otherwise);
}

static int is_null(void* const* reserved, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    if (reserved[i] != NULL) return 0;
  }
  return 1;
}

static int is_name(const char* text) { return text != NULL && text[0] != '\0'; }

/* One that begins so would leave the keys without their common tag. */
static int is_stream(const char* text) { return is_name(text) && text[0] != '}'; }

/* A format that begins with a digit would be taken for a size. */
static int is_format(const char* text) {
  return is_name(text) && strlen(text) <= MOST_NAME &&
         ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'));
}

/* ---- Sinks ----------------------------------------------------------------------------------- */

static int is_sink_valid(const uvchan_redis_sink_options_t* options, size_t elem_size) {
  return elem_size > 0 && is_stream(options->stream) && is_name(options->producer) &&
         options->batch <= MOST_BATCH && options->in_flight <= MOST_IN_FLIGHT &&
         (options->encode == NULL || is_format(options->format)) &&
         is_null(options->reserved, sizeof(options->reserved) / sizeof(options->reserved[0]));
}

int uvchan__redis_sink_options(const uvchan_redis_sink_options_t* given, size_t elem_size,
                               uvchan_redis_sink_options_t* filled) {
  if (!is_sink_valid(given, elem_size)) return UV_EINVAL;
  *filled = *given;
  filled->capacity = or_else(given->capacity, 1000);
  filled->in_flight = (unsigned int)or_else(given->in_flight, 512);
  filled->batch = (unsigned int)or_else(given->batch, 64);
  filled->producers = (unsigned int)or_else(given->producers, 1);
  filled->replicas_ms = ms_or_else(given->replicas_ms, 1000);
  if (given->encoded_bytes == 0) filled->encoded_bytes = 4096;
  return 0;
}

/* ---- Sources --------------------------------------------------------------------------------- */

static int is_source_valid(const uvchan_redis_source_options_t* options, size_t elem_size) {
  size_t least = options->auto_done ? 0 : sizeof(uvchan_redis_ticket_t);

  return elem_size > least && (options->auto_done || elem_size % TICKET_ALIGNMENT == 0) &&
         options->value_bytes <= elem_size - least && is_stream(options->stream) &&
         is_name(options->consumer) && (options->group == NULL || is_name(options->group)) &&
         options->batch <= MOST_BATCH && options->in_flight <= MOST_SLOTS &&
         options->max_deliveries < UVCHAN__REDIS_UNSEEN &&
         is_null(options->reserved, sizeof(options->reserved) / sizeof(options->reserved[0]));
}

int uvchan__redis_source_options(const uvchan_redis_source_options_t* given, size_t elem_size,
                                 uvchan_redis_source_options_t* filled) {
  if (!is_source_valid(given, elem_size)) return UV_EINVAL;
  *filled = *given;
  if (given->group == NULL) filled->group = "uvchan";
  filled->in_flight = (unsigned int)or_else(given->in_flight, 512);
  filled->batch = (unsigned int)or_else(given->batch, 64);
  filled->max_deliveries = (unsigned int)or_else(given->max_deliveries, 16);
  filled->claim_after_ms = ms_or_else(given->claim_after_ms, 60000);
  if (filled->claim_after_ms > UVCHAN__REDIS_MOST_CLAIM_MS)
    filled->claim_after_ms = UVCHAN__REDIS_MOST_CLAIM_MS;
  filled->block_ms = ms_or_else(given->block_ms, 1000);
  filled->dead_capacity = or_else(given->dead_capacity, 1000);
  if (given->value_bytes == 0)
    filled->value_bytes = elem_size - (given->auto_done ? 0 : sizeof(uvchan_redis_ticket_t));
  return 0;
}

/* ---- Words ----------------------------------------------------------------------------------- */

void uvchan__redis_write_format(char format[UVCHAN__REDIS_FORMAT_BYTES], const char* name,
                                size_t bytes) {
  if (name == NULL) {
    snprintf(format, UVCHAN__REDIS_FORMAT_BYTES, UVCHAN__REDIS_VERSION "%zu", bytes);
  } else {
    snprintf(format, UVCHAN__REDIS_FORMAT_BYTES, UVCHAN__REDIS_VERSION "%s", name);
  }
}

/* Where the system has no random bytes, the time and the process are what differs. */
void uvchan__redis_write_token(char token[UVCHAN__REDIS_TOKEN_BYTES]) {
  uint64_t bytes;

  if (uv_random(NULL, NULL, &bytes, sizeof(bytes), 0, NULL) != 0)
    bytes = uv_hrtime() * 0x9e3779b97f4a7c15u + (uint64_t)uv_os_getpid();
  snprintf(token, UVCHAN__REDIS_TOKEN_BYTES, "%016" PRIx64, bytes);
}

char* uvchan__redis_copy(const char* text) {
  size_t bytes = strlen(text) + 1;
  char* copy = malloc(bytes);

  return copy == NULL ? NULL : memcpy(copy, text, bytes);
}
