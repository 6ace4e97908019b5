/* SPDX-License-Identifier: MIT */
/* A machine of one step for each byte of a head and of what stands between chunks; what changes
 * nothing is passed over as a whole. */
#include "http/wire.h"

#include <ctype.h>
#include <string.h>

#define SIZE_LINE_MAX 256 /* bytes of the line ahead of a chunk */

static int is_token_character(unsigned char c) {
  if (c == '-' || isalnum(c)) return c < 0x80;
  return c != '\0' && c < 0x80 && strchr("!#$%&'*+.^_`|~", c) != NULL;
}

int wire_is_token(const char* text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (!is_token_character((unsigned char)text[i])) return 0;
  }
  return len > 0;
}

static int is_in_value(unsigned char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; }

static int go(wire_t* wire, wire_at_t at) {
  wire->at = at;
  return 0;
}

/* CR without LF, and the other way round, end nothing. */
static int go_on_lf(wire_t* wire, unsigned char c, wire_at_t at) {
  return c == '\n' ? go(wire, at) : 400;
}

/* ---- The request line ------------------------------------------------------------------------ */

static int step_between(wire_t* wire, unsigned char c) {
  if (wire->nbytes > wire->head_bytes) return 400;
  if (wire->at == WIRE_BETWEEN_LF) return go_on_lf(wire, c, WIRE_BETWEEN);
  if (c == '\r') return go(wire, WIRE_BETWEEN_LF);
  if (!is_token_character(c)) return 400;
  bytes_clear(&wire->line);
  bytes_add(&wire->line, &c, 1);
  wire->nbytes = 1;
  return go(wire, WIRE_LINE);
}

static int step_line(wire_t* wire, unsigned char c) {
  if (wire->nbytes > wire->head_bytes) return 414;
  if (wire->at == WIRE_LINE_LF) return go_on_lf(wire, c, WIRE_LINE_END);
  if (c == '\r') return go(wire, WIRE_LINE_LF);
  if (c < 0x20 || c > 0x7e) return 400;
  bytes_add(&wire->line, &c, 1);
  return wire->line.has_failed ? 500 : 0;
}

/* ---- The head, and the trailer --------------------------------------------------------------- */

/* After chunks the last of which had no byte the trailer is what ends the message. */
static int step_field(wire_t* wire, unsigned char c, wire_at_t end) {
  if (wire->nbytes > wire->head_bytes) return 431;
  switch (wire->at) {
    case WIRE_FIELD: /* a space would fold it into the line before */
      if (c == '\r') return go(wire, WIRE_FIELDS_LF);
      return is_token_character(c) ? go(wire, WIRE_NAME) : 400;
    case WIRE_NAME:
      if (c == ':') return go(wire, WIRE_VALUE);
      return is_token_character(c) ? 0 : 400;
    case WIRE_VALUE:
      if (c == '\r') return go(wire, WIRE_VALUE_LF);
      return is_in_value(c) ? 0 : 400;
    case WIRE_VALUE_LF:
      return go_on_lf(wire, c, WIRE_FIELD);
    default: /* WIRE_FIELDS_LF */
      return go_on_lf(wire, c, end);
  }
}

/* ---- Chunks ---------------------------------------------------------------------------------- */

static int digit_of(unsigned char c) {
  if (isdigit(c)) return c - '0';
  return isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

static int take_digit(wire_t* wire, unsigned char c) {
  int digit = digit_of(c);

  if (digit < 0) return 400;
  /* checked at each digit, so that it does not overflow */
  wire->left = wire->left * 16 + (uint64_t)digit;
  return wire->left > wire->body_bytes ? 413 : go(wire, WIRE_SIZE_DIGIT);
}

static int end_size(wire_t* wire, unsigned char c) {
  if (c != '\n') return 400;
  wire->body_bytes -= wire->left;
  return go(wire, WIRE_SIZE_END);
}

static int step_size(wire_t* wire, unsigned char c) {
  if (wire->nbytes > SIZE_LINE_MAX) return 400;
  if (wire->at == WIRE_SIZE) return take_digit(wire, c);
  if (wire->at == WIRE_SIZE_LF) return end_size(wire, c);
  if (c == '\r' && wire->at != WIRE_SIZE_SPACE) return go(wire, WIRE_SIZE_LF);
  if (wire->at == WIRE_EXTENSION) return is_in_value(c) ? 0 : 400;
  if (c == ';') return go(wire, WIRE_EXTENSION);
  if (c == ' ' || c == '\t') return go(wire, WIRE_SIZE_SPACE);
  return wire->at == WIRE_SIZE_DIGIT ? take_digit(wire, c) : 400;
}

static int step_chunk_end(wire_t* wire, unsigned char c) {
  if (wire->at == WIRE_CHUNK_CR) return c == '\r' ? go(wire, WIRE_CHUNK_LF) : 400;
  return go_on_lf(wire, c, WIRE_CHUNK_END);
}

/* ---- Looking --------------------------------------------------------------------------------- */

static int step(wire_t* wire, unsigned char c) {
  wire->nbytes++;
  if (wire->at <= WIRE_BETWEEN_LF) return step_between(wire, c);
  if (wire->at <= WIRE_LINE_LF) return step_line(wire, c);
  if (wire->at <= WIRE_FIELDS_LF)
    return step_field(wire, c, wire->is_chunked ? WIRE_END : WIRE_HEAD_END);
  return wire->at <= WIRE_SIZE_LF ? step_size(wire, c) : step_chunk_end(wire, c);
}

static size_t pass_over_body(wire_t* wire, size_t len) {
  size_t n = wire->left < len ? (size_t)wire->left : len;

  wire->left -= n;
  if (wire->left == 0) wire->at = wire->at == WIRE_BODY ? WIRE_END : WIRE_CHUNK_CR;
  return n;
}

/* Most of a head is names and values: within one, and within its limit, bytes are only counted. */
static size_t pass_over_field(wire_t* wire, const char* data, size_t len) {
  size_t most = wire->head_bytes > wire->nbytes ? wire->head_bytes - wire->nbytes : 0;
  size_t n = 0;

  if (len > most) len = most;
  if (wire->at == WIRE_VALUE) {
    while (n < len && is_in_value((unsigned char)data[n])) n++;
  } else {
    while (n < len && is_token_character((unsigned char)data[n])) n++;
  }
  wire->nbytes += n;
  return n;
}

static size_t pass_over(wire_t* wire, const char* data, size_t len) {
  if (wire->at == WIRE_BODY || wire->at == WIRE_CHUNK) return pass_over_body(wire, len);
  if (wire->at == WIRE_NAME || wire->at == WIRE_VALUE) return pass_over_field(wire, data, len);
  return 0;
}

static int is_end_of_part(wire_at_t at) {
  return at == WIRE_LINE_END || at == WIRE_HEAD_END || at == WIRE_SIZE_END ||
         at == WIRE_CHUNK_END || at == WIRE_END;
}

static void begin_part(wire_t* wire) {
  if (!is_end_of_part(wire->at)) return;
  if (wire->at == WIRE_LINE_END) {
    wire->at = WIRE_FIELD; /* whose bytes count together with the line's */
    return;
  }
  wire->nbytes = 0;
  if (wire->at == WIRE_SIZE_END) {
    wire->at = wire->left == 0 ? WIRE_FIELD : WIRE_CHUNK;
  } else if (wire->at == WIRE_CHUNK_END) {
    wire->at = WIRE_SIZE;
  } else {
    wire->at = WIRE_BETWEEN;
    wire->is_chunked = 0;
  }
}

int wire_is_keeping(const wire_t* wire) {
  wire_at_t at = wire->at;

  if (at >= WIRE_FIELD && at <= WIRE_FIELDS_LF) return wire->is_chunked;
  return at <= WIRE_LINE_LF || (at >= WIRE_SIZE && at <= WIRE_SIZE_LF);
}

int wire_look(wire_t* wire, const char* data, size_t len, size_t* nseen) {
  int status = 0;
  size_t n = 0;

  begin_part(wire);
  while (n < len && status == 0 && !is_end_of_part(wire->at)) {
    size_t npassed = pass_over(wire, data + n, len - n);

    n += npassed;
    if (npassed == 0) status = step(wire, (unsigned char)data[n++]);
  }
  *nseen = n;
  return status;
}

void wire_expect_body(wire_t* wire, uint64_t len) {
  wire->left = len;
  wire->at = len == 0 ? WIRE_END : WIRE_BODY;
}

void wire_expect_chunks(wire_t* wire, uint64_t body_bytes) {
  wire->left = 0;
  wire->nbytes = 0;
  wire->body_bytes = body_bytes;
  wire->is_chunked = 1;
  wire->at = WIRE_SIZE;
}
