/* SPDX-License-Identifier: MIT */
/* Taking the request line apart. A target comes in one of four forms (RFC 9112, 3.2): "/path?query"
 * from clients, "http://host/path?query" from such as take this server for a proxy, "*" with
 * OPTIONS alone, and "host:port" with CONNECT alone, which nobody here answers. */
#include "http/line.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "http/wire.h"

/* ---- Version and method ---------------------------------------------------------------------- */

#define VERSION_LEN 8 /* "HTTP/1.1" */

/* Answers 0 where the text is no version. */
static int read_version(const char* text, int* major, int* minor) {
  if (memcmp(text, "HTTP/", 5) != 0 || text[6] != '.') return 0;
  if (!isdigit((unsigned char)text[5]) || !isdigit((unsigned char)text[7])) return 0;
  *major = text[5] - '0';
  *minor = text[7] - '0';
  return 1;
}

typedef struct {
  const char* name;
  method_t method;
} named_method_t;

/* Those of RFC 9110, and PATCH (RFC 5789): what is not for a resource is for the service to say.
 * CONNECT is not among them, since this is no proxy. */
static const named_method_t methods[] = {
    {"GET", METHOD_GET},         {"HEAD", METHOD_HEAD},   {"POST", METHOD_POST},
    {"OPTIONS", METHOD_OPTIONS}, {"PUT", METHOD_OTHER},   {"DELETE", METHOD_OTHER},
    {"TRACE", METHOD_OTHER},     {"PATCH", METHOD_OTHER},
};

/* Answers 0 where nobody here knows it. A method is written in capitals, or is another one. */
static int read_method(line_t* line, const char* text, size_t len) {
  for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
    if (strlen(methods[i].name) != len || memcmp(methods[i].name, text, len) != 0) continue;
    line->method = methods[i].method;
    line->method_name = methods[i].name;
    return 1;
  }
  return 0;
}

/* ---- The target ------------------------------------------------------------------------------ */

static int is_digits(const char* text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (!isdigit((unsigned char)text[i])) return 0;
  }
  return 1;
}

/* Answers the length of "[...]" at the beginning, an address of IPv6; 0 where there is none. */
static size_t literal_len(const char* text, size_t len) {
  const char* end = memchr(text, ']', len);

  if (end == NULL || end - text < 3) return 0;
  for (const char* at = text + 1; at < end; at++) {
    if (!isxdigit((unsigned char)*at) && *at != ':' && *at != '.') return 0;
  }
  return (size_t)(end - text) + 1;
}

static int is_escape(const char* text, size_t len) {
  return len >= 3 && *text == '%' && isxdigit((unsigned char)text[1]) &&
         isxdigit((unsigned char)text[2]);
}

static size_t name_len(const char* text, size_t len) {
  size_t n = 0;

  while (n < len && text[n] != ':') {
    unsigned char c = (unsigned char)text[n];

    if (is_escape(text + n, len - n)) {
      n += 3;
    } else if (c < 0x80 && (isalnum(c) || (c != '\0' && strchr("-._~!$&'()*+,;=", c) != NULL))) {
      n++;
    } else {
      break;
    }
  }
  return n;
}

int line_is_authority(const char* text, size_t len) {
  size_t n = len > 0 && *text == '[' ? literal_len(text, len) : name_len(text, len);

  if (n == len) return 1;
  return text[n] == ':' && is_digits(text + n + 1, len - n - 1);
}

static const char scheme[] = "http://";
#define SCHEME_LEN (sizeof(scheme) - 1)

static int has_scheme(const char* text, size_t len) {
  return len >= SCHEME_LEN && strncasecmp(text, scheme, SCHEME_LEN) == 0;
}

static int has_other_scheme(const char* text, size_t len) {
  const char* end = memchr(text, ':', len);

  return end != NULL && isalpha((unsigned char)*text) && len - (size_t)(end - text) >= 3 &&
         memcmp(end, "://", 3) == 0;
}

static size_t authority_len(const char* text, size_t len) {
  size_t n = 0;

  while (n < len && text[n] != '/' && text[n] != '?') n++;
  return n;
}

/* An empty host is no place (RFC 9110, 4.2.1), and a name of a user before it is deceit (4.2.4),
 * which an authority has no "@" for. */
static int judge_absolute(const char* text, size_t len) {
  size_t n = authority_len(text + SCHEME_LEN, len - SCHEME_LEN);

  if (n == 0 || text[SCHEME_LEN] == ':') return 400;
  return line_is_authority(text + SCHEME_LEN, n) ? 0 : 400;
}

static int judge_target(const line_t* line) {
  const char* text = line->target;
  size_t len = line->target_len;

  if (len == 0 || memchr(text, ' ', len) != NULL || memchr(text, '#', len) != NULL) return 400;
  if (*text == '/') return 0;
  if (len == 1 && *text == '*') return line->method == METHOD_OPTIONS ? 0 : 400;
  if (has_scheme(text, len)) return judge_absolute(text, len);
  return has_other_scheme(text, len) ? 421 : 400;
}

/* ---- Together -------------------------------------------------------------------------------- */

int line_read(line_t* line, const char* text, size_t len) {
  const char* first = memchr(text, ' ', len);
  size_t method_len, around;
  int major;

  if (first == NULL) return 400;
  method_len = (size_t)(first - text);
  around = method_len + 1 + 1 + VERSION_LEN; /* the target */
  if (len < around || text[len - VERSION_LEN - 1] != ' ' || !wire_is_token(text, method_len))
    return 400;
  if (!read_version(text + len - VERSION_LEN, &major, &line->minor)) return 400;
  if (major != 1) return 505;
  if (!read_method(line, text, method_len)) return 501;
  line->target = first + 1;
  line->target_len = len - around;
  return judge_target(line);
}

/* OPTIONS for a whole server comes as its address without a path (RFC 9112, 3.2.4). */
void line_write_target(const line_t* line, bytes_t* out) {
  const char* text = line->target;
  size_t len = line->target_len;

  if (has_scheme(text, len)) {
    size_t n = SCHEME_LEN + authority_len(text + SCHEME_LEN, len - SCHEME_LEN);

    text += n;
    len -= n;
    if (len == 0) bytes_add_text(out, line->method == METHOD_OPTIONS ? "*" : "/");
    if (len > 0 && *text == '?') bytes_add_text(out, "/");
  }
  bytes_add(out, text, len);
}
