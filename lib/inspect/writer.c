/* SPDX-License-Identifier: MIT */
/* Text on its way to a callback. Threads: writer.h. */
#include "inspect/writer.h"

#include <string.h>

void uvchan__writer_init(uvchan__writer_t* writer, uvchan_write_cb write, void* arg) {
  writer->write = write;
  writer->arg = arg;
  writer->status = 0;
  writer->n = 0;
}

static void flush(uvchan__writer_t* writer) {
  if (writer->status == 0 && writer->n > 0)
    writer->status = writer->write(writer->arg, writer->bytes, writer->n);
  writer->n = 0;
}

int uvchan__writer_end(uvchan__writer_t* writer) {
  flush(writer);
  return writer->status;
}

static void put_byte(uvchan__writer_t* writer, char byte) {
  if (writer->n == sizeof(writer->bytes)) flush(writer);
  writer->bytes[writer->n++] = byte;
}

void uvchan__put(uvchan__writer_t* writer, const char* text) {
  for (; *text != '\0'; text++) put_byte(writer, *text);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* With at least so many digits. */
static void put_digits(uvchan__writer_t* writer, uint64_t number, unsigned int base,
                       unsigned int least) {
  char digits[20]; /* of 64 bits, in tens */
  unsigned int n = 0;

  while (number > 0 || n < least) {
    digits[n++] = "0123456789abcdef"[number % base];
    number /= base;
  }
  while (n > 0) put_byte(writer, digits[--n]);
}

void uvchan__put_number(uvchan__writer_t* writer, uint64_t number) {
  put_digits(writer, number, 10, 1);
}

void uvchan__put_address(uvchan__writer_t* writer, const void* address) {
  uvchan__put(writer, "0x");
  put_digits(writer, (uintptr_t)address, 16, 1);
}

void uvchan__put_seconds(uvchan__writer_t* writer, uint64_t nanoseconds) {
  put_digits(writer, nanoseconds / 1000000000u, 10, 1);
  put_byte(writer, '.');
  put_digits(writer, nanoseconds % 1000000000u, 10, 9);
}

/* ---- Strings --------------------------------------------------------------------------------- */

/* The length of the character that begins here; 0 where that is none of UTF-8. The bytes are looked
 * at in order, so none behind the end. */
static size_t length_of(const unsigned char* at) {
  uint32_t point;
  size_t n, i;

  if (at[0] < 0x80) return 1;
  if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
  n = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
  point = at[0] & (0x7fu >> n);
  for (i = 1; i < n; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
    point = point << 6 | (at[i] & 0x3fu);
  }
  if (n == 3 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) return 0;
  return n == 4 && (point < 0x10000 || point > 0x10ffff) ? 0 : n;
}

/* A label of OpenMetrics may hold control characters, but for the end of a line. */
static void put_ascii(uvchan__writer_t* writer, char byte, uvchan__escape_t escape) {
  int is_control = (unsigned char)byte < 0x20 || byte == 0x7f;

  if (byte == '"' || byte == '\\') {
    put_byte(writer, '\\');
    put_byte(writer, byte);
  } else if (byte == '\n') {
    uvchan__put(writer, "\\n");
  } else if (is_control && escape == UVCHAN__AS_JSON) {
    uvchan__put(writer, "\\u");
    put_digits(writer, (unsigned char)byte, 16, 4);
  } else {
    put_byte(writer, is_control && escape == UVCHAN__AS_TEXT ? '?' : byte);
  }
}

void uvchan__put_quoted(uvchan__writer_t* writer, const char* text, uvchan__escape_t escape) {
  put_byte(writer, '"');
  while (*text != '\0') {
    size_t n = length_of((const unsigned char*)text);

    if (n == 1) put_ascii(writer, *text, escape);
    if (n == 0) uvchan__put(writer, "\xef\xbf\xbd");
    if (n < 2) {
      text++;
      continue;
    }
    while (n-- > 0) put_byte(writer, *text++);
  }
  put_byte(writer, '"');
}
