/* SPDX-License-Identifier: MIT */
/* Waiting until all of some work is done, in a thread and on a loop. */
#include <stdio.h>
#include <uvchan.h>

enum { WORKERS = 3 };

static uvchan_waitgroup_t workers;

static void work(void* arg) {
  ++*(int*)arg;
  uvchan_waitgroup_done(&workers);
}

static void on_all_done(uvchan_notify_t* req, int status) {
  (void)req;
  printf("the loop heard of it: %d\n", status);
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();
  uv_thread_t threads[WORKERS];
  int results[WORKERS] = {0};
  uvchan_notify_t notify;

  uvchan_waitgroup_init(&workers);
  uvchan_waitgroup_add(&workers, WORKERS); /* before the work begins */
  puts(uv_err_name(uvchan_waitgroup_timedwait(&workers, 1000000)));
  for (int i = 0; i < WORKERS; i++)
    if (uv_thread_create(&threads[i], work, &results[i]) != 0) return 1;
  if (uvchan_waitgroup_notify(loop, &notify, &workers, on_all_done) != 0) return 1;
  uvchan_waitgroup_wait(&workers);
  printf("%d done\n", results[0] + results[1] + results[2]);
  uv_run(loop, UV_RUN_DEFAULT);
  for (int i = 0; i < WORKERS; i++) uv_thread_join(&threads[i]);
  uvchan_waitgroup_destroy(&workers);
  return uv_loop_close(loop);
}
