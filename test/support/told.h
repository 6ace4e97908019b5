/* SPDX-License-Identifier: MIT */
/* What was told of channels and pools, kept as text, and a reader of JSON that is as strict as
 * RFC 8259. */
#ifndef TOLD_H
#define TOLD_H

#include <ctype.h>
#include <stdarg.h>
#include <uvchan/inspect.h>

#include "channel/state.h"
#include "scene.h"

/* ---- What was written ------------------------------------------------------------------------ */

#define MOST 200000

typedef struct {
  size_t n;
  char text[MOST];
} written_t;

static written_t written;

static inline int keep(void* arg, const char* bytes, size_t n) {
  written_t* to = arg;
  must(n >= 1 && n <= 512 && to->n + n < MOST);
  memcpy(to->text + to->n, bytes, n);
  to->n += n;
  to->text[to->n] = '\0';
  return 0;
}

static inline const char* told(uv_loop_t* loop, uvchan_format_t format) {
  written.n = 0;
  written.text[0] = '\0';
  must(uvchan_inspect(loop, format, keep, &written) == 0);
  return written.text;
}

static inline const char* metrics(void) {
  written.n = 0;
  must(uvchan_write_metrics(keep, &written) == 0);
  return written.text;
}

static inline int has(const char* text, const char* format, ...) {
  char part[1000];
  va_list args;
  va_start(args, format);
  must(vsnprintf(part, sizeof(part), format, args) < (int)sizeof(part));
  va_end(args);
  if (strstr(text, part) != NULL) return 1;
  fprintf(stderr, "not there:\n%s\nbut:\n%s\n", part, text);
  return 0;
}

static inline unsigned int id_of(const uvchan_t* ch) { return (unsigned int)ch->member.number; }

static inline uvchan_t* named(const char* name, size_t elem_size, size_t capacity) {
  uvchan_options_t options;
  uvchan_t* ch;
  memset(&options, 0, sizeof(options));
  options.elem_size = elem_size;
  options.capacity = capacity;
  options.name = name;
  must(uvchan_create_ex(&ch, &options) == 0);
  return ch;
}

/* ---- A reader of JSON: of what is written, as strict as RFC 8259 ----------------------------- */

static inline const char* skip_value(const char* at);

static inline const char* skip_blanks(const char* at) {
  while (*at == ' ' || *at == '\n') at++;
  return at;
}

static inline const char* skip_string(const char* at) {
  must(*at++ == '"');
  while (*at != '"') {
    must((unsigned char)*at >= 0x20);
    if (*at == '\\') {
      at++;
      must(strchr("\"\\/bfnrtu", *at) != NULL);
      if (*at == 'u') {
        int i;
        for (i = 1; i <= 4; i++) must(isxdigit((unsigned char)at[i]));
        at += 4;
      }
    }
    at++;
  }
  return at + 1;
}

static inline const char* skip_list(const char* at, char end, int has_keys) {
  at = skip_blanks(at + 1);
  while (*at != end) {
    if (has_keys) {
      at = skip_blanks(skip_string(at));
      must(*at++ == ':');
    }
    at = skip_blanks(skip_value(skip_blanks(at)));
    if (*at != ',') break;
    at = skip_blanks(at + 1);
    must(*at != end);
  }
  must(*at == end);
  return at + 1;
}

static inline const char* skip_value(const char* at) {
  if (*at == '{') return skip_list(at, '}', 1);
  if (*at == '[') return skip_list(at, ']', 0);
  if (*at == '"') return skip_string(at);
  if (strncmp(at, "true", 4) == 0) return at + 4;
  if (strncmp(at, "false", 5) == 0) return at + 5;
  must(isdigit((unsigned char)*at) && (*at != '0' || !isdigit((unsigned char)at[1])));
  while (isdigit((unsigned char)*at)) at++;
  return at;
}

static inline void check_json(const char* text) { must(*skip_blanks(skip_value(text)) == '\0'); }

#endif /* TOLD_H */
