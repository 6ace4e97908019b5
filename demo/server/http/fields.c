/* SPDX-License-Identifier: MIT */
/* Reading field values, and judging them together. */
#include "http/fields.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "http/line.h"

static int is_text(const char* at, size_t n, const char* text) {
  return strlen(text) == n && strncasecmp(at, text, n) == 0;
}

field_t fields_find(const char* name, size_t len) {
  static const char* const names[] = {
      "", "host", "content-length", "transfer-encoding", "connection", "expect", "content-type",
  };

  for (int field = FIELD_HOST; field <= FIELD_CONTENT_TYPE; field++) {
    if (is_text(name, len, names[field])) return (field_t)field;
  }
  return FIELD_OTHER;
}

/* ---- Values ---------------------------------------------------------------------------------- */

typedef struct {
  const char* at;
  size_t n;
} piece_t;

static int is_space(char c) { return c == ' ' || c == '\t'; }

static piece_t trimmed(const char* at, size_t n) {
  while (n > 0 && is_space(*at)) at++, n--;
  while (n > 0 && is_space(at[n - 1])) n--;
  return (piece_t){at, n};
}

/* Hands each member of a list on. A comma within quotes parts members too: none of the values that
 * are taken here has quotes. */
static void for_each(fields_t* fields, piece_t list, void (*take)(fields_t*, piece_t)) {
  while (list.n > 0) {
    const char* comma = memchr(list.at, ',', list.n);
    size_t n = comma == NULL ? list.n : (size_t)(comma - list.at);
    piece_t member = trimmed(list.at, n);

    if (member.n > 0) take(fields, member);
    if (comma == NULL) return;
    list.at += n + 1;
    list.n -= n + 1;
  }
}

/* RFC 9112, 7: the chunked coding has no parameters. */
static void take_coding(fields_t* fields, piece_t coding) {
  int is_chunked = is_text(coding.at, coding.n, "chunked");

  fields->is_chunked_last = is_chunked;
  if (is_chunked) {
    fields->nchunked++;
  } else {
    fields->has_unknown_coding = 1;
  }
}

static void take_option(fields_t* fields, piece_t option) {
  if (is_text(option.at, option.n, "close")) fields->is_closing = 1;
  if (is_text(option.at, option.n, "keep-alive")) fields->is_kept = 1;
}

static void take_expectation(fields_t* fields, piece_t expectation) {
  if (is_text(expectation.at, expectation.n, "100-continue")) {
    fields->expects_continue = 1;
  } else {
    fields->expects_other = 1;
  }
}

/* What does not fit into 64 bits is larger than any limit. */
static void take_length(fields_t* fields, piece_t digits) {
  fields->nlengths++;
  fields->length = 0;
  if (digits.n == 0) fields->is_wrong = 1;
  for (size_t i = 0; i < digits.n; i++) {
    unsigned char c = (unsigned char)digits.at[i];
    int is_large = fields->length > (UINT64_MAX - 9) / 10;

    if (!isdigit(c)) fields->is_wrong = 1;
    fields->length = is_large ? UINT64_MAX - 9 : fields->length * 10 + (uint64_t)(c - '0');
  }
}

static content_t content_of(piece_t type) {
  const char* end = memchr(type.at, ';', type.n);
  piece_t name = end == NULL ? type : trimmed(type.at, (size_t)(end - type.at));

  if (is_text(name.at, name.n, "application/json")) return CONTENT_JSON;
  return is_text(name.at, name.n, "application/x-www-form-urlencoded") ? CONTENT_FORM
                                                                       : CONTENT_OTHER;
}

void fields_add(fields_t* fields, field_t field, const char* value, size_t len) {
  piece_t whole = trimmed(len == 0 ? "" : value, len);

  switch (field) {
    case FIELD_HOST:
      fields->nhosts++;
      if (!line_is_authority(whole.at, whole.n)) fields->is_wrong = 1;
      break;
    case FIELD_CONTENT_LENGTH:
      take_length(fields, whole);
      break;
    case FIELD_TRANSFER_ENCODING:
      fields->ntransfers++;
      for_each(fields, whole, take_coding);
      break;
    case FIELD_CONNECTION:
      for_each(fields, whole, take_option);
      break;
    case FIELD_EXPECT:
      for_each(fields, whole, take_expectation);
      break;
    case FIELD_CONTENT_TYPE:
      fields->content = content_of(whole);
      break;
    default:
      break;
  }
}

/* ---- Together -------------------------------------------------------------------------------- */

/* RFC 9112, 6.1 and 6.3. Where the body ends must not depend on which of two fields is believed,
 * nor on a coding that is not understood. */
static int judge_framing(const fields_t* fields, int is_old) {
  if (fields->nlengths > 1) return 400;
  if (fields->ntransfers == 0) return 0;
  if (is_old || fields->nlengths > 0) return 400;
  if (!fields->is_chunked_last || fields->nchunked > 1) return 400;
  return fields->has_unknown_coding ? 501 : 0;
}

int fields_judge(const fields_t* fields, int is_old) {
  int status = judge_framing(fields, is_old);

  if (fields->is_wrong || fields->nhosts > 1 || (!is_old && fields->nhosts == 0)) return 400;
  if (status != 0) return status;
  return fields->expects_other ? 417 : 0;
}

/* RFC 9112, 9.3: of both, "close" is what counts. */
int fields_keep_alive(const fields_t* fields, int is_old) {
  if (fields->is_closing) return 0;
  return is_old ? fields->is_kept : 1;
}
