/* SPDX-License-Identifier: MIT */
/* hiredis on a uv_poll_t. One attempt has one context and one poll, so what an old one still calls
 * back finds a wire without a context. */
#include "redis/wire.h"

#include <signal.h>
#include <stdlib.h>

/* ---- Writing without a signal ---------------------------------------------------------------- */

static int is_pending(int signal_number) {
  sigset_t pending;

  return sigpending(&pending) == 0 && sigismember(&pending, signal_number) == 1;
}

/* hiredis writes by write(), which raises SIGPIPE on a connection that the other side has ended.
 * The process's way with that signal is not ours to change: so it is held back in this thread, and
 * one that has come meanwhile is taken. It can have come before only where it was held back before,
 * and only a write that has failed raises it: so two calls of the system are enough for the others.
 */
static void write_quietly(uvchan__redis_wire_t* wire) {
  sigset_t pipe_alone, before;
  int was_pending, signal_number;

  sigemptyset(&pipe_alone);
  sigaddset(&pipe_alone, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_alone, &before);
  was_pending = sigismember(&before, SIGPIPE) == 1 && is_pending(SIGPIPE);
  redisAsyncHandleWrite(wire->context);
  if (wire->context == NULL && !was_pending && is_pending(SIGPIPE))
    sigwait(&pipe_alone, &signal_number);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- The poll -------------------------------------------------------------------------------- */

static void fail(uvchan__redis_wire_t* wire, const char* words) {
  wire->context = NULL;
  wire->calls->down(wire->owner, words);
}

/* libuv has stopped the poll. hiredis reads the socket's error and reports it; where it finds none,
 * the connection is of no use all the same. */
static void on_poll_error(uvchan__redis_wire_t* wire, int status) {
  redisAsyncContext* context = wire->context;

  redisAsyncHandleRead(context);
  if (wire->context == NULL) return;
  uvchan__redis_wire_drop(wire);
  wire->calls->down(wire->owner, uv_strerror(status));
}

static void handle(uvchan__redis_wire_t* wire, int events) {
  if ((events & UV_READABLE) != 0) redisAsyncHandleRead(wire->context);
  if ((events & UV_WRITABLE) != 0 && wire->context != NULL) write_quietly(wire);
}

/* A context that is dropped while hiredis tells that it is connected is freed here: hiredis still
 * uses it then, and would free it under its own feet. */
static void on_poll(uv_poll_t* poll, int status, int events) {
  uvchan__redis_wire_t* wire = poll->data;

  if (wire->context == NULL) return;
  if (status < 0) {
    on_poll_error(wire, status);
  } else {
    handle(wire, events);
  }
  if (wire->doomed != NULL) redisAsyncFree(wire->doomed);
}

static void look_for(uvchan__redis_wire_t* wire, int events) {
  if (wire->events == events || uv_is_closing((uv_handle_t*)&wire->poll)) return;
  wire->events = events;
  if (events == 0) {
    uv_poll_stop(&wire->poll);
  } else {
    uv_poll_start(&wire->poll, events, on_poll);
  }
}

/* ---- Writing at once ------------------------------------------------------------------------- */

/* A socket has room nearly always: so what a turn has added is written in the next one without
 * asking the poll, which would take a turn more and four calls of the system. An idle handle, since
 * while one is active the loop does not sleep, whatever part of the turn has started it. What the
 * socket has no room for waits for the poll, as what is written before it is connected. */
static void on_idle(uv_idle_t* idle) {
  uvchan__redis_wire_t* wire = idle->data;

  uv_idle_stop(idle);
  if (wire->context == NULL) return;
  wire->is_writing = 1;
  write_quietly(wire);
  wire->is_writing = 0;
}

static int may_write_at_once(const uvchan__redis_wire_t* wire) {
  return wire->is_up && !wire->is_writing && (wire->events & UV_WRITABLE) == 0 &&
         !uv_is_closing((const uv_handle_t*)&wire->idle);
}

/* ---- hiredis' hooks -------------------------------------------------------------------------- */

static void add_read(void* arg) {
  uvchan__redis_wire_t* wire = arg;
  look_for(wire, wire->events | UV_READABLE);
}

static void del_read(void* arg) {
  uvchan__redis_wire_t* wire = arg;
  look_for(wire, wire->events & ~UV_READABLE);
}

static void add_write(void* arg) {
  uvchan__redis_wire_t* wire = arg;

  if (may_write_at_once(wire)) {
    uv_idle_start(&wire->idle, on_idle);
  } else {
    look_for(wire, wire->events | UV_WRITABLE);
  }
}

static void del_write(void* arg) {
  uvchan__redis_wire_t* wire = arg;
  look_for(wire, wire->events & ~UV_WRITABLE);
}

static void on_gone(uv_handle_t* handle) {
  uvchan__redis_wire_t* wire = handle->data;
  const uvchan__redis_wire_calls_t* calls = wire->calls;
  void* owner = wire->owner;

  if (--wire->open > 0) return;
  free(wire);
  calls->gone(owner);
}

/* hiredis calls this before it closes the descriptor, as libuv asks for. */
static void cleanup(void* arg) {
  uvchan__redis_wire_t* wire = arg;

  wire->doomed = NULL;
  uv_close((uv_handle_t*)&wire->poll, on_gone);
  uv_close((uv_handle_t*)&wire->idle, on_gone);
}

/* A context that has failed is freed by hiredis after these two. */
static void on_connect(const redisAsyncContext* context, int status) {
  uvchan__redis_wire_t* wire = context->data;

  if (wire->context == NULL) return;
  if (status == REDIS_OK) {
    wire->is_up = wire->is_rising = 1;
    wire->calls->up(wire->owner);
    wire->is_rising = 0;
  } else {
    fail(wire, context->errstr);
  }
}

static void on_disconnect(const redisAsyncContext* context, int status) {
  uvchan__redis_wire_t* wire = context->data;

  (void)status;
  if (wire->context != NULL) fail(wire, context->errstr);
}

/* ---- Its life -------------------------------------------------------------------------------- */

static void attach(uvchan__redis_wire_t* wire, redisAsyncContext* context) {
  context->data = wire;
  context->ev.data = wire;
  context->ev.addRead = add_read;
  context->ev.delRead = del_read;
  context->ev.addWrite = add_write;
  context->ev.delWrite = del_write;
  context->ev.cleanup = cleanup;
  redisAsyncSetConnectCallback(context, on_connect); /* looks for writable, when it is connected */
  redisAsyncSetDisconnectCallback(context, on_disconnect);
}

int uvchan__redis_wire_open(uv_loop_t* loop, uvchan__redis_wire_t** wire,
                            redisAsyncContext* context, const uvchan__redis_wire_calls_t* calls,
                            void* owner) {
  uvchan__redis_wire_t* made = calloc(1, sizeof(*made));
  int r = made == NULL ? UV_ENOMEM : uv_poll_init(loop, &made->poll, context->c.fd);

  if (r != 0) {
    redisAsyncFree(context);
    free(made);
    return r;
  }
  uv_idle_init(loop, &made->idle);
  made->poll.data = made->idle.data = made;
  made->open = 2;
  made->context = context;
  made->calls = calls;
  made->owner = owner;
  attach(made, context);
  *wire = made;
  return 0;
}

void uvchan__redis_wire_drop(uvchan__redis_wire_t* wire) {
  redisAsyncContext* context = wire->context;

  wire->context = NULL;
  if (wire->is_rising) {
    wire->doomed = context;
  } else {
    redisAsyncFree(context);
  }
}
