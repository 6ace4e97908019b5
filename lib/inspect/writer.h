/* SPDX-License-Identifier: MIT */
/* Text on its way to a callback, without memory of its own and without stdio. Knows bytes; does not
 * know what they tell. Threads: the caller's. */
#ifndef UVCHAN_WRITER_H
#define UVCHAN_WRITER_H

#include <uvchan/inspect.h>

typedef struct {
  uvchan_write_cb write;
  void* arg;
  int status; /* not 0 once a write has failed: nothing is written any more */
  size_t n;
  char bytes[512];
} uvchan__writer_t;

void uvchan__writer_init(uvchan__writer_t* writer, uvchan_write_cb write, void* arg);
int uvchan__writer_end(uvchan__writer_t* writer); /* writes what is left; answers the status */

void uvchan__put(uvchan__writer_t* writer, const char* text);
void uvchan__put_number(uvchan__writer_t* writer, uint64_t number);
void uvchan__put_address(uvchan__writer_t* writer, const void* address); /* 0x and digits */
void uvchan__put_seconds(uvchan__writer_t* writer, uint64_t nanoseconds);

/* What is not UTF-8 in it is told as U+FFFD. How control characters, " and \ are escaped: */
typedef enum { UVCHAN__AS_TEXT, UVCHAN__AS_JSON, UVCHAN__AS_LABEL } uvchan__escape_t;
void uvchan__put_quoted(uvchan__writer_t* writer, const char* text, uvchan__escape_t escape);

#endif /* UVCHAN_WRITER_H */
