/* SPDX-License-Identifier: MIT */
/* Each probe once at least, in an order that is the same in each run. */
#include <stdlib.h>
#include <string.h>
#include <uvchan.h>
#include <uvchan/pool.h>

static uvchan_t* make(size_t capacity, uvchan_overflow_t overflow) {
  uvchan_options_t options;
  uvchan_t* ch;

  memset(&options, 0, sizeof(options));
  options.elem_size = sizeof(int);
  options.capacity = capacity;
  options.overflow = overflow;
  if (uvchan_create_ex(&ch, &options) != 0) exit(2);
  return ch;
}

static void receive_one(void* ch) {
  int value;

  uvchan_recv_wait(ch, &value);
}

static void work_on(uvchan_work_t* work, void* state) {
  (void)work;
  (void)state;
}

static void on_done(uvchan_work_t* work, int status) {
  (void)work;
  if (status != 0) exit(2);
}

static void use_pool(void) {
  uvchan_pool_options_t options;
  uv_loop_t* loop = uv_default_loop();
  uvchan_pool_t* pool;
  uvchan_work_t work;

  memset(&options, 0, sizeof(options));
  options.threads = 1;
  options.capacity = 1;
  if (uvchan_pool_create(&pool, &options) != 0) exit(2);
  if (uvchan_pool_try_submit(loop, &work, pool, work_on, on_done) != 0) exit(2);
  uv_run(loop, UV_RUN_DEFAULT);
  uvchan_pool_release(pool);
}

int main(void) {
  uvchan_t* ring = make(2, UVCHAN_DROP_NEWEST);
  uvchan_t* unbuffered = make(0, UVCHAN_WAIT);
  uvchan_stats_t stats;
  uv_thread_t thread;
  int values[2] = {1, 2};

  uvchan_try_send_n(ring, values, 2);
  uvchan_try_send(ring, values); /* is dropped */
  uvchan_try_recv(ring, values); /* from here on by the fast path */
  uvchan_try_send(ring, values);
  uvchan_try_recv_n(ring, values, 2);
  uv_thread_create(&thread, receive_one, unbuffered);
  do uvchan_stats(unbuffered, &stats);
  while (stats.waiting_receivers == 0);
  uvchan_try_send(unbuffered, values);
  uv_thread_join(&thread);
  uvchan_close_with(ring, -99);
  uvchan_release(ring);
  uvchan_release(unbuffered);
  use_pool();
  return 0;
}
