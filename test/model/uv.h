/* SPDX-License-Identifier: MIT */
/* What the library's sources need of libuv, for models: one loop, whose thread takes turns by
 * model_turn().
 *
 * uv_async_send() promises as little as libuv's does: where its pending flag is still set it
 * returns at once, by a relaxed look, and it orders nothing. To write to the loop's descriptor
 * makes the loop's next poll return, and so does any handle that is being closed. */
#ifndef UV_H
#define UV_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

enum {
  UV_EOF = -4095,
  UV_ECANCELED = -125,
  UV_EALREADY = -114,
  UV_ENXIO = -6,
  UV_ETIMEDOUT = -110,
  UV_ENOTSUP = -95,
  UV_EPIPE = -32,
  UV_EINVAL = -22,
  UV_EBUSY = -16,
  UV_ENOMEM = -12,
  UV_EAGAIN = -11
};

typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef uv_handle_t uv_async_t, uv_prepare_t, uv_check_t, uv_idle_t, uv_timer_t;
typedef void (*uv_close_cb)(uv_handle_t* handle);
typedef void (*uv_handle_cb)(uv_handle_t* handle);
typedef void* (*uv_malloc_func)(size_t size);
typedef void* (*uv_realloc_func)(void* memory, size_t size);
typedef void* (*uv_calloc_func)(size_t n, size_t size);
typedef void (*uv_free_func)(void* memory);

struct uv_handle_s {
  void* data;
  uv_loop_t* loop;
  uv_handle_cb cb;
  uv_close_cb close_cb;
  uv_handle_t* next; /* in the list of those that are being closed */
  atomic_uint pending;
  int is_idle;
  int is_active;
  int is_closing;
};

struct uv_loop_s {
  void* data;
  uv_handle_t* async; /* the hub's, as the two below */
  uv_handle_t* prepare;
  uv_handle_t* check;
  uv_handle_t* closing;
  int idles;              /* active ones: the poll does not block */
  int is_closed;          /* plain: nobody may look at it any more */
  atomic_uint descriptor; /* readable */
};

uint64_t uv_hrtime(void);
static inline uint64_t uv_now(const uv_loop_t* loop) { return loop != NULL; } /* it is only told */

/* For the model whose thread sleeps the portable way, which defines them (park-bed.c). */
typedef struct {
  pthread_mutex_t lock;
  int is_gone; /* plain */
} uv_mutex_t;

typedef struct {
#ifdef MODEL_CHECKER
  atomic_uint signalled;
  int waits; /* under the mutex */
#else
  pthread_cond_t cond;
#endif
  int is_gone; /* plain */
} uv_cond_t;

int uv_mutex_init(uv_mutex_t* mutex);
void uv_mutex_destroy(uv_mutex_t* mutex);
void uv_mutex_lock(uv_mutex_t* mutex);
void uv_mutex_unlock(uv_mutex_t* mutex);
int uv_cond_init(uv_cond_t* cond);
void uv_cond_destroy(uv_cond_t* cond);
void uv_cond_wait(uv_cond_t* cond, uv_mutex_t* mutex);
int uv_cond_timedwait(uv_cond_t* cond, uv_mutex_t* mutex, uint64_t timeout);
void uv_cond_signal(uv_cond_t* cond);

static inline void uv__handle_init(uv_loop_t* loop, uv_handle_t* handle, uv_handle_cb cb) {
  handle->loop = loop;
  handle->cb = cb;
  handle->close_cb = NULL;
  handle->is_idle = handle->is_active = handle->is_closing = 0;
}

static inline int uv_async_init(uv_loop_t* loop, uv_async_t* handle, uv_handle_cb cb) {
  uv__handle_init(loop, handle, cb);
  atomic_store_explicit(&handle->pending, 0, memory_order_relaxed);
  loop->async = handle;
  return 0;
}

static inline int uv_prepare_init(uv_loop_t* loop, uv_prepare_t* handle) {
  uv__handle_init(loop, handle, NULL);
  return 0;
}

static inline int uv_check_init(uv_loop_t* loop, uv_check_t* handle) {
  return uv_prepare_init(loop, handle);
}
static inline int uv_idle_init(uv_loop_t* loop, uv_idle_t* handle) {
  return uv_prepare_init(loop, handle);
}

static inline int uv_timer_init(uv_loop_t* loop, uv_timer_t* handle) {
  return uv_prepare_init(loop, handle);
}

static inline int uv_prepare_start(uv_prepare_t* handle, uv_handle_cb cb) {
  handle->cb = cb;
  handle->is_active = 1;
  handle->loop->prepare = handle;
  return 0;
}

static inline int uv_check_start(uv_check_t* handle, uv_handle_cb cb) {
  handle->cb = cb;
  handle->is_active = 1;
  handle->loop->check = handle;
  return 0;
}

static inline int uv_idle_start(uv_idle_t* handle, uv_handle_cb cb) {
  handle->cb = cb;
  handle->is_idle = 1;
  if (!handle->is_active) handle->loop->idles++;
  handle->is_active = 1;
  return 0;
}

static inline int uv_idle_stop(uv_idle_t* handle) {
  if (handle->is_active) handle->loop->idles--;
  handle->is_active = 0;
  return 0;
}

static inline void uv_ref(uv_handle_t* handle) { (void)handle; }
static inline void uv_unref(uv_handle_t* handle) { (void)handle; }
static inline int uv_timer_start(uv_timer_t* handle, uv_handle_cb cb, uint64_t timeout,
                                 uint64_t repeat) {
  (void)handle;
  (void)cb;
  (void)timeout;
  (void)repeat;
  assert(0); /* no model has a limit of time on a loop */
  return 0;
}

/* The threads of a pool are the models' own. */
typedef pthread_t uv_thread_t;
typedef void (*uv_thread_cb)(void* arg);
typedef struct {
  unsigned int flags;
  size_t stack_size;
} uv_thread_options_t;
enum { UV_THREAD_NO_FLAGS = 0, UV_THREAD_HAS_STACK_SIZE = 1 };

static inline int uv_thread_create_ex(uv_thread_t* id, const uv_thread_options_t* options,
                                      uv_thread_cb entry, void* arg) {
  (void)id;
  (void)options;
  (void)entry;
  (void)arg;
  assert(0);
  return UV_EAGAIN;
}

static inline int uv_thread_join(uv_thread_t* id) {
  (void)id;
  return 0;
}

static inline int uv_is_closing(const uv_handle_t* handle) { return handle->is_closing; }
static inline int uv_is_active(const uv_handle_t* handle) { return handle->is_active; }

static inline void uv_close(uv_handle_t* handle, uv_close_cb cb) {
  uv_loop_t* loop = handle->loop;

  if (handle == loop->async) loop->async = NULL;
  if (handle == loop->prepare) loop->prepare = NULL;
  if (handle == loop->check) loop->check = NULL;
  if (handle->is_idle && handle->is_active) loop->idles--;
  handle->is_active = 0;
  handle->is_closing = 1;
  handle->close_cb = cb;
  handle->next = loop->closing;
  loop->closing = handle;
}

static inline int uv_async_send(uv_async_t* handle) {
  assert(!handle->loop->is_closed);
  if (atomic_load_explicit(&handle->pending, memory_order_relaxed) != 0) return 0;
  if (atomic_exchange_explicit(&handle->pending, 1, memory_order_relaxed) == 0) {
    atomic_store_explicit(&handle->loop->descriptor, 1, memory_order_release);
  }
  return 0;
}

/* A poll: whether the loop goes on. Where it blocks, `blocked` returns when nobody is left who
 * could wake it. */
static inline int model_poll(uv_loop_t* loop, void (*blocked)(void)) {
  unsigned int readable = atomic_exchange_explicit(&loop->descriptor, 0, memory_order_acquire);

  if (!readable && loop->idles == 0 && loop->closing == NULL) {
    blocked();
    readable = atomic_exchange_explicit(&loop->descriptor, 0, memory_order_acquire);
    if (!readable) return 0;
  }
  if (readable && loop->async != NULL) {
    atomic_exchange_explicit(&loop->async->pending, 0, memory_order_relaxed);
    loop->async->cb(loop->async);
  }
  return 1;
}

/* A turn. Answers 0 where the loop sleeps for ever. */
static inline int model_turn(uv_loop_t* loop, void (*blocked)(void)) {
  uv_handle_t* closing;

  if (loop->prepare != NULL) loop->prepare->cb(loop->prepare);
  if (!model_poll(loop, blocked)) return 0;
  if (loop->check != NULL) loop->check->cb(loop->check);
  closing = loop->closing;
  loop->closing = NULL;
  while (closing != NULL) {
    uv_handle_t* next = closing->next;

    closing->close_cb(closing);
    closing = next;
  }
  return 1;
}

#endif /* UV_H */
