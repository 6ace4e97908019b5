/* SPDX-License-Identifier: MIT */
/* What a connection needs of libuv, in memory: one socket without a system behind it, whose other
 * side is moved by calls. Threads: one. */
#ifndef SOCKET_H
#define SOCKET_H

#include <uv.h>

#include "http/bytes.h"

typedef struct {
  uv_stream_t* stream;
  uv_alloc_cb on_alloc;
  uv_read_cb on_read; /* NULL while it is not read from */
  uv_write_t* write;  /* under way, or NULL */
  uv_write_cb on_written;
  uv_buf_t left; /* of it, and not taken yet */
  uv_shutdown_t* shutdown;
  uv_shutdown_cb on_shut_down;
  uv_close_cb on_closed;
  bytes_t taken; /* all that the other side has of the answers */
  int has_ended; /* the other side sends no more */
  int is_gone;
} socket_t;

/* The one that the next uv_tcp_init() opens; the caller frees `taken`. */
extern socket_t fuzz_socket;

/* The other side sends: answers how many of the bytes were read, 0 while nothing is. */
size_t socket_send(const char* bytes, size_t len);

/* The other side sends no more; answers 0 while that can't be seen, for want of reading. */
int socket_end(void);

/* The other side takes so much of what is being written. */
void socket_take(size_t len);

/* Lets the callbacks come that a loop would bring: of a shutdown, of the end. Answers whether there
 * was one. */
int socket_turn(void);

#endif /* SOCKET_H */
