/* SPDX-License-Identifier: MIT */
/* Typed ends: a channel of one type of value, and its two ends as types of their own. A value of
 * another type, a receive from the send-only end or a send to the receive-only end does not
 * compile. Everything is static inline and costs what the plain call costs.
 *
 *   UVCHAN_TYPED(orders, struct order)
 *
 * stands at file scope, without a semicolon, and makes the types orders_t, orders_sendonly_t,
 * orders_recvonly_t, orders_receiver_t, orders_recv_cb, orders_recv_batch_cb,
 * orders_receiver_close_cb, and these functions, each as its plain one in uvchan.h:
 *
 *   int orders_create(orders_t* ch, size_t capacity);
 *   int orders_create_ex(orders_t* ch, const uvchan_options_t* options);
 *       (elem_size is filled in; options may not be NULL)
 *   uvchan_t* orders_channel(orders_t ch);
 *       (the plain channel, for what has no typed form)
 *   orders_t orders_retain(orders_t ch);
 *   void orders_release(orders_t ch);
 *   orders_sendonly_t orders_sendonly(orders_t ch);
 *       (an end holds no reference of its own)
 *   orders_recvonly_t orders_recvonly(orders_t ch);
 *
 *   int orders_close(orders_sendonly_t end);
 *       (only the sending side may close)
 *   int orders_close_with(orders_sendonly_t end, int status);
 *   int orders_abort(orders_t ch, int status);
 *
 *   int orders_try_send(orders_sendonly_t end, struct order value);
 *   ssize_t orders_try_send_n(orders_sendonly_t end, const struct order* values, size_t n);
 *   int orders_send_wait(orders_sendonly_t end, struct order value);
 *   int orders_send_timedwait(orders_sendonly_t end, struct order value, uint64_t timeout);
 *   int orders_send(uv_loop_t* loop, uvchan_send_t* req, orders_sendonly_t end,
 *                   const struct order* value, uvchan_send_cb cb);
 *
 *   int orders_try_recv(orders_recvonly_t end, struct order* value);
 *   ssize_t orders_try_recv_n(orders_recvonly_t end, struct order* values, size_t n);
 *   int orders_recv_wait(orders_recvonly_t end, struct order* value);
 *   int orders_recv_timedwait(orders_recvonly_t end, struct order* value, uint64_t timeout);
 *   int orders_recv(uv_loop_t* loop, uvchan_recv_t* req, orders_recvonly_t end,
 *                   struct order* value, uvchan_recv_done_cb cb);
 *
 *   int orders_receiver_init(uv_loop_t* loop, orders_receiver_t* receiver, orders_recvonly_t end);
 *   int orders_recv_start(orders_receiver_t* receiver, orders_recv_cb cb);
 *   int orders_recv_start_batch(orders_receiver_t* receiver, orders_recv_batch_cb cb);
 *   int orders_recv_stop(orders_receiver_t* receiver);
 *   void orders_receiver_close(orders_receiver_t* receiver, orders_receiver_close_cb cb);
 *
 *   uvchan_case_t orders_case_send(orders_sendonly_t end, struct order* value);
 *   uvchan_case_t orders_case_recv(orders_recvonly_t end, struct order* value);
 *
 * A value that a function takes as such lies on its caller's stack: one that is too large for that
 * is sent by its address, with orders_try_send_n() and an n of 1, or with uvchan_send_wait() and
 * orders_channel().
 *
 * The member `handle` of orders_receiver_t is the plain receiver: its data, and what
 * uvchan_receiver_ref(), _unref(), _set_budget(), _set_spin(), _is_active() and the like take. */
#ifndef UVCHAN_TYPED_H
#define UVCHAN_TYPED_H

#include <uvchan.h>

/* A program uses some of the functions only, and should not be told of the others. */
#if defined(__GNUC__)
#define UVCHAN__UNUSED __attribute__((unused))
#else
#define UVCHAN__UNUSED
#endif
#define UVCHAN__INLINE UVCHAN__UNUSED static inline

#define UVCHAN_TYPED(name, type)                                                                   \
  typedef struct {                                                                                 \
    uvchan_t* channel;                                                                             \
  } name##_t;                                                                                      \
  typedef struct {                                                                                 \
    uvchan_t* channel;                                                                             \
  } name##_sendonly_t;                                                                             \
  typedef struct {                                                                                 \
    uvchan_t* channel;                                                                             \
  } name##_recvonly_t;                                                                             \
  typedef struct name##_receiver_s name##_receiver_t;                                              \
  typedef void (*name##_recv_cb)(name##_receiver_t * receiver, int status, type const* value);     \
  typedef void (*name##_recv_batch_cb)(name##_receiver_t * receiver, ssize_t nvalues,              \
                                       type const* values);                                        \
  typedef void (*name##_receiver_close_cb)(name##_receiver_t * receiver);                          \
  struct name##_receiver_s {                                                                       \
    uvchan_receiver_t handle; /* first, so that a pointer to it is a pointer to the whole */       \
    name##_recv_cb cb;                                                                             \
    name##_recv_batch_cb batch_cb;                                                                 \
    name##_receiver_close_cb close_cb;                                                             \
  };                                                                                               \
                                                                                                   \
  UVCHAN__INLINE int name##_create(name##_t* ch, size_t capacity) {                                \
    return ch == NULL ? UV_EINVAL : uvchan_create(&ch->channel, sizeof(type), capacity);           \
  }                                                                                                \
  UVCHAN__INLINE int name##_create_ex(name##_t* ch, const uvchan_options_t* options) {             \
    uvchan_options_t sized;                                                                        \
    if (ch == NULL || options == NULL) return UV_EINVAL;                                           \
    sized = *options;                                                                              \
    sized.elem_size = sizeof(type);                                                                \
    return uvchan_create_ex(&ch->channel, &sized);                                                 \
  }                                                                                                \
  UVCHAN__INLINE uvchan_t* name##_channel(name##_t ch) { return ch.channel; }                      \
  UVCHAN__INLINE name##_t name##_retain(name##_t ch) {                                             \
    uvchan_retain(ch.channel);                                                                     \
    return ch;                                                                                     \
  }                                                                                                \
  UVCHAN__INLINE void name##_release(name##_t ch) { uvchan_release(ch.channel); }                  \
  UVCHAN__INLINE name##_sendonly_t name##_sendonly(name##_t ch) {                                  \
    name##_sendonly_t end;                                                                         \
    end.channel = ch.channel;                                                                      \
    return end;                                                                                    \
  }                                                                                                \
  UVCHAN__INLINE name##_recvonly_t name##_recvonly(name##_t ch) {                                  \
    name##_recvonly_t end;                                                                         \
    end.channel = ch.channel;                                                                      \
    return end;                                                                                    \
  }                                                                                                \
  UVCHAN__INLINE int name##_close(name##_sendonly_t end) { return uvchan_close(end.channel); }     \
  UVCHAN__INLINE int name##_close_with(name##_sendonly_t end, int status) {                        \
    return uvchan_close_with(end.channel, status);                                                 \
  }                                                                                                \
  UVCHAN__INLINE int name##_abort(name##_t ch, int status) {                                       \
    return uvchan_abort(ch.channel, status);                                                       \
  }                                                                                                \
                                                                                                   \
  UVCHAN__INLINE int name##_try_send(name##_sendonly_t end, type value) {                          \
    return uvchan_try_send(end.channel, &value);                                                   \
  }                                                                                                \
  UVCHAN__INLINE ssize_t name##_try_send_n(name##_sendonly_t end, type const* values, size_t n) {  \
    return uvchan_try_send_n(end.channel, values, n);                                              \
  }                                                                                                \
  UVCHAN__INLINE int name##_send_wait(name##_sendonly_t end, type value) {                         \
    return uvchan_send_wait(end.channel, &value);                                                  \
  }                                                                                                \
  UVCHAN__INLINE int name##_send_timedwait(name##_sendonly_t end, type value, uint64_t timeout) {  \
    return uvchan_send_timedwait(end.channel, &value, timeout);                                    \
  }                                                                                                \
  UVCHAN__INLINE int name##_send(uv_loop_t* loop, uvchan_send_t* req, name##_sendonly_t end,       \
                                 type const* value, uvchan_send_cb cb) {                           \
    return uvchan_send(loop, req, end.channel, value, cb);                                         \
  }                                                                                                \
                                                                                                   \
  UVCHAN__INLINE int name##_try_recv(name##_recvonly_t end, type* value) {                         \
    return uvchan_try_recv(end.channel, value);                                                    \
  }                                                                                                \
  UVCHAN__INLINE ssize_t name##_try_recv_n(name##_recvonly_t end, type* values, size_t n) {        \
    return uvchan_try_recv_n(end.channel, values, n);                                              \
  }                                                                                                \
  UVCHAN__INLINE int name##_recv_wait(name##_recvonly_t end, type* value) {                        \
    return uvchan_recv_wait(end.channel, value);                                                   \
  }                                                                                                \
  UVCHAN__INLINE int name##_recv_timedwait(name##_recvonly_t end, type* value, uint64_t timeout) { \
    return uvchan_recv_timedwait(end.channel, value, timeout);                                     \
  }                                                                                                \
  UVCHAN__INLINE int name##_recv(uv_loop_t* loop, uvchan_recv_t* req, name##_recvonly_t end,       \
                                 type* value, uvchan_recv_done_cb cb) {                            \
    return uvchan_recv(loop, req, end.channel, value, cb);                                         \
  }                                                                                                \
                                                                                                   \
  UVCHAN__INLINE int name##_receiver_init(uv_loop_t* loop, name##_receiver_t* receiver,            \
                                          name##_recvonly_t end) {                                 \
    return uvchan_receiver_init(loop, receiver == NULL ? NULL : &receiver->handle, end.channel);   \
  }                                                                                                \
  UVCHAN__INLINE void name##__on_value(uvchan_receiver_t* handle, int status, const void* value) { \
    name##_receiver_t* receiver = (name##_receiver_t*)handle;                                      \
    receiver->cb(receiver, status, (type const*)value);                                            \
  }                                                                                                \
  UVCHAN__INLINE void name##__on_batch(uvchan_receiver_t* handle, ssize_t nvalues,                 \
                                       const void* values) {                                       \
    name##_receiver_t* receiver = (name##_receiver_t*)handle;                                      \
    receiver->batch_cb(receiver, nvalues, (type const*)values);                                    \
  }                                                                                                \
  UVCHAN__INLINE void name##__on_close(uvchan_receiver_t* handle) {                                \
    name##_receiver_t* receiver = (name##_receiver_t*)handle;                                      \
    receiver->close_cb(receiver);                                                                  \
  }                                                                                                \
  UVCHAN__INLINE int name##_recv_start(name##_receiver_t* receiver, name##_recv_cb cb) {           \
    int r;                                                                                         \
    if (receiver == NULL) return UV_EINVAL;                                                        \
    r = uvchan_recv_start(&receiver->handle, cb == NULL ? NULL : name##__on_value);                \
    if (r == 0) receiver->cb = cb;                                                                 \
    return r;                                                                                      \
  }                                                                                                \
  UVCHAN__INLINE int name##_recv_start_batch(name##_receiver_t* receiver,                          \
                                             name##_recv_batch_cb cb) {                            \
    int r;                                                                                         \
    if (receiver == NULL) return UV_EINVAL;                                                        \
    r = uvchan_recv_start_batch(&receiver->handle, cb == NULL ? NULL : name##__on_batch);          \
    if (r == 0) receiver->batch_cb = cb;                                                           \
    return r;                                                                                      \
  }                                                                                                \
  UVCHAN__INLINE int name##_recv_stop(name##_receiver_t* receiver) {                               \
    return uvchan_recv_stop(receiver == NULL ? NULL : &receiver->handle);                          \
  }                                                                                                \
  UVCHAN__INLINE void name##_receiver_close(name##_receiver_t* receiver,                           \
                                            name##_receiver_close_cb cb) {                         \
    if (receiver == NULL || uvchan_receiver_is_closing(&receiver->handle)) return;                 \
    receiver->close_cb = cb;                                                                       \
    uvchan_receiver_close(&receiver->handle, cb == NULL ? NULL : name##__on_close);                \
  }                                                                                                \
                                                                                                   \
  UVCHAN__INLINE uvchan_case_t name##_case_send(name##_sendonly_t end, type* value) {              \
    uvchan_case_t one;                                                                             \
    one.ch = end.channel;                                                                          \
    one.op = UVCHAN_SEND;                                                                          \
    one.value = value;                                                                             \
    one.status = 0;                                                                                \
    one.data = NULL;                                                                               \
    return one;                                                                                    \
  }                                                                                                \
  UVCHAN__INLINE uvchan_case_t name##_case_recv(name##_recvonly_t end, type* value) {              \
    uvchan_case_t one;                                                                             \
    one.ch = end.channel;                                                                          \
    one.op = UVCHAN_RECV;                                                                          \
    one.value = value;                                                                             \
    one.status = 0;                                                                                \
    one.data = NULL;                                                                               \
    return one;                                                                                    \
  }

#endif /* UVCHAN_TYPED_H */
