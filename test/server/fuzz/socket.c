/* SPDX-License-Identifier: MIT */
/* Each call of libuv's that a connection makes, and what the room "peer" asks the system. */
#include "socket.h"

#include <string.h>

#include "http/peer.h"

socket_t fuzz_socket;

/* ---- libuv ----------------------------------------------------------------------------------- */

int uv_tcp_init(uv_loop_t* loop, uv_tcp_t* handle) {
  (void)loop;
  fuzz_socket = (socket_t){.stream = (uv_stream_t*)handle};
  return 0;
}

int uv_tcp_open(uv_tcp_t* handle, uv_os_sock_t socket) {
  (void)socket;
  return (uv_stream_t*)handle == fuzz_socket.stream ? 0 : UV_EINVAL;
}

int uv_tcp_nodelay(uv_tcp_t* handle, int enable) {
  (void)handle;
  (void)enable;
  return 0;
}

int uv_read_start(uv_stream_t* stream, uv_alloc_cb on_alloc, uv_read_cb on_read) {
  (void)stream;
  fuzz_socket.on_alloc = on_alloc;
  fuzz_socket.on_read = on_read;
  return 0;
}

int uv_read_stop(uv_stream_t* stream) {
  (void)stream;
  fuzz_socket.on_read = NULL;
  return 0;
}

int uv_write(uv_write_t* req, uv_stream_t* stream, const uv_buf_t* buffers, unsigned int n,
             uv_write_cb on_written) {
  if (fuzz_socket.write != NULL || n != 1) return UV_EINVAL; /* one at a time, says connection.h */
  req->handle = stream;
  fuzz_socket.write = req;
  fuzz_socket.on_written = on_written;
  fuzz_socket.left = buffers[0];
  return 0;
}

size_t uv_stream_get_write_queue_size(const uv_stream_t* stream) {
  (void)stream;
  return fuzz_socket.write == NULL ? 0 : fuzz_socket.left.len;
}

int uv_shutdown(uv_shutdown_t* req, uv_stream_t* stream, uv_shutdown_cb on_shut_down) {
  (void)stream;
  if (fuzz_socket.is_gone) return UV_ENOTCONN;
  fuzz_socket.shutdown = req;
  fuzz_socket.on_shut_down = on_shut_down;
  return 0;
}

void uv_close(uv_handle_t* handle, uv_close_cb on_closed) {
  (void)handle;
  fuzz_socket.on_read = NULL;
  fuzz_socket.on_closed = on_closed;
}

uv_buf_t uv_buf_init(char* base, unsigned int len) {
  uv_buf_t buffer;

  buffer.base = base;
  buffer.len = len;
  return buffer;
}

const char* uv_strerror(int error) { return error == 0 ? "" : "an error"; }

/* ---- The system ------------------------------------------------------------------------------ */

int peer_is_gone(const uv_tcp_t* handle) {
  (void)handle;
  return fuzz_socket.is_gone;
}

int peer_has_ended(const uv_tcp_t* handle) {
  (void)handle;
  return fuzz_socket.has_ended;
}

/* ---- The other side -------------------------------------------------------------------------- */

static int is_read_from(void) { return fuzz_socket.on_read != NULL; }

size_t socket_send(const char* bytes, size_t len) {
  uv_buf_t buffer;

  if (!is_read_from() || fuzz_socket.has_ended || len == 0) return 0;
  fuzz_socket.on_alloc((uv_handle_t*)fuzz_socket.stream, 65536, &buffer);
  if (len > buffer.len) len = buffer.len;
  memcpy(buffer.base, bytes, len);
  fuzz_socket.on_read(fuzz_socket.stream, (ssize_t)len, &buffer);
  return len;
}

int socket_end(void) {
  uv_read_cb on_read = fuzz_socket.on_read;
  uv_buf_t none = uv_buf_init(NULL, 0);

  fuzz_socket.has_ended = 1;
  if (on_read == NULL) return 0;
  fuzz_socket.on_read = NULL;
  on_read(fuzz_socket.stream, UV_EOF, &none);
  return 1;
}

static void end_write(int status) {
  uv_write_t* write = fuzz_socket.write;

  fuzz_socket.write = NULL;
  fuzz_socket.on_written(write, status);
}

void socket_take(size_t len) {
  uv_buf_t* left = &fuzz_socket.left;

  if (fuzz_socket.write == NULL || fuzz_socket.on_closed != NULL) return;
  if (fuzz_socket.is_gone) {
    end_write(UV_EPIPE);
    return;
  }
  if (len > left->len) len = left->len;
  bytes_add(&fuzz_socket.taken, left->base, len);
  left->base += len;
  left->len -= len;
  if (left->len == 0) end_write(0);
}

/* What is under way when the handle is closed ends ahead of it. */
static void turn_closing(void) {
  uv_close_cb on_closed = fuzz_socket.on_closed;

  if (fuzz_socket.write != NULL) end_write(UV_ECANCELED);
  if (fuzz_socket.shutdown != NULL) fuzz_socket.on_shut_down(fuzz_socket.shutdown, UV_ECANCELED);
  fuzz_socket.on_closed = NULL;
  on_closed((uv_handle_t*)fuzz_socket.stream);
}

int socket_turn(void) {
  uv_shutdown_t* shutdown = fuzz_socket.shutdown;

  if (fuzz_socket.on_closed != NULL) {
    turn_closing();
    return 1;
  }
  if (shutdown == NULL) return 0;
  fuzz_socket.shutdown = NULL;
  fuzz_socket.on_shut_down(shutdown, 0);
  return 1;
}
