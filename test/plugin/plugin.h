/* SPDX-License-Identifier: MIT */
/* What a plugin with its own copy of the library gives its host: that copy's functions. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <uvchan/pool.h>

typedef struct {
  int (*create)(uvchan_t** ch, size_t elem_size, size_t capacity);
  void (*release)(uvchan_t* ch);
  int (*close)(uvchan_t* ch);
  int (*try_send)(uvchan_t* ch, const void* value);
  int (*send_wait)(uvchan_t* ch, const void* value);
  int (*recv_wait)(uvchan_t* ch, void* value);
  int (*recv_timedwait)(uvchan_t* ch, void* value, uint64_t timeout);
  int (*select_wait)(uvchan_case_t* cases, size_t ncases);
  int (*waitgroup_wait)(uvchan_waitgroup_t* wg);
  int (*receiver_init)(uv_loop_t* loop, uvchan_receiver_t* receiver, uvchan_t* ch);
  int (*recv_start)(uvchan_receiver_t* receiver, uvchan_recv_cb cb);
  void (*receiver_close)(uvchan_receiver_t* receiver, uvchan_receiver_close_cb cb);
  int (*send)(uv_loop_t* loop, uvchan_send_t* req, uvchan_t* ch, const void* value,
              uvchan_send_cb cb);
  int (*cancel)(uvchan_req_t* req);
  int (*pool_submit)(uv_loop_t* loop, uvchan_work_t* work, uvchan_pool_t* pool,
                     uvchan_work_cb on_work, uvchan_work_done_cb on_done);
  int (*use_memory)(uv_malloc_func malloc_func, uv_realloc_func realloc_func,
                    uv_calloc_func calloc_func, uv_free_func free_func);
  int (*use_own_memory)(void); /* has the copy use an allocator of its own from here on */
  size_t (*allocations)(void); /* of that one */
} plugin_t;

#endif /* PLUGIN_H */
