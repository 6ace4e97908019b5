/* SPDX-License-Identifier: MIT */
/* The library that takes messages apart: llhttp, or http_parser where that is not here. The one
 * room that knows which; it does not know what the pieces mean. Threads: one at a time for each
 * reader. */
#ifndef READER_H
#define READER_H

#include <stddef.h>

#ifdef SERVER_HAS_LLHTTP
#include <llhttp.h>
typedef llhttp_t library_t;
#else
#include <http_parser.h>
typedef http_parser library_t;
#endif

/* Pieces of one thing come one after the other. */
typedef struct {
  void (*name)(void* data, const char* at, size_t n);
  void (*value)(void* data, const char* at, size_t n);
  void (*body)(void* data, const char* at, size_t n);
} reader_calls_t;

typedef struct {
  library_t library;
  const reader_calls_t* calls;
  void* data;
  int is_complete; /* it has seen the end of a message; whoever begins the next one takes it back */
} reader_t;

void reader_open(reader_t* reader, const reader_calls_t* calls, void* data);

/* Answers 1, or 0 where the library does not take the bytes for what they are meant to be. */
int reader_take(reader_t* reader, const char* bytes, size_t len);

#endif /* READER_H */
