/* SPDX-License-Identifier: MIT */
/* A pool of threads for a loop: each has something of its own, works wait in a bounded queue, and
 * the answers come back to the loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uvchan/pool.h>

typedef struct {
  uvchan_work_t work; /* first, so that a pointer to it is a pointer to the whole */
  int number;
  int squared;
} job_t;

static uvchan_pool_t* pool;
static uvchan_room_t room;
static job_t jobs[4];
static int done;

/* What a thread has for itself: made before its first work, ended after its last. */
static int open_book(void** state, void* arg) {
  (void)arg;
  *state = calloc(1, sizeof(int));
  return *state == NULL ? UV_ENOMEM : 0;
}

static void close_book(void* state, void* arg) {
  (void)arg;
  free(state);
}

static void square(uvchan_work_t* work, void* state) { /* on a thread of the pool */
  job_t* job = (job_t*)work;

  ++*(int*)state;
  job->squared = job->number * job->number;
}

static void on_closed(uvchan_pool_t* closed) {
  uvchan_pool_stats_t stats;

  uvchan_pool_stats(closed, &stats);
  printf("%s: %d works done, in a queue of %d\n", (const char*)uvchan_pool_get_data(closed),
         (int)stats.done, (int)stats.capacity);
}

static void on_done(uvchan_work_t* work, int status) { /* on the loop that submitted */
  job_t* job = (job_t*)work;

  if (status != 0) puts(uv_err_name(status));
  if (job->squared != job->number * job->number) abort();
  if (++done == 4) uvchan_pool_close(work->loop, pool, 1000, on_closed);
}

static void on_room(uvchan_room_t* req, int status) { /* here a server reads on, or accepts */
  (void)req;
  printf("room: %d\n", status == 0 && uvchan_pool_room(pool) > 0);
}

int main(void) {
  const uvchan_pool_options_t options = {.threads = 2,
                                         .capacity = 8,
                                         .max_wait = 5000000000, /* nanoseconds */
                                         .name = "squares",
                                         .thread_begin = open_book,
                                         .thread_end = close_book};
  const uvchan_work_options_t urgent = {.priority = UVCHAN_URGENT};
  uv_loop_t* loop = uv_default_loop();
  uvchan_pool_t* mine;

  if (uvchan_pool_create(&pool, &options) != 0) return 1;
  mine = uvchan_pool_retain(pool); /* for whoever else submits */
  uvchan_pool_set_data(pool, "all");
  for (int i = 0; i < 4; i++) jobs[i].number = i + 1;
  if (uvchan_pool_on_room(loop, &room, pool, on_room) != 0) return 1;
  /* UV_EAGAIN where the queue is full; or, by the other form, a wait in turn */
  if (uvchan_pool_try_submit(loop, &jobs[0].work, pool, square, on_done) != 0) return 1;
  if (uvchan_pool_submit(loop, &jobs[1].work, pool, square, on_done) != 0) return 1;
  if (uvchan_pool_try_submit_ex(loop, &jobs[2].work, mine, &urgent, square, on_done) != 0) return 1;
  if (uvchan_pool_submit_ex(loop, &jobs[3].work, mine, &urgent, square, on_done) != 0) return 1;
  uv_run(loop, UV_RUN_DEFAULT);
  printf("%d %d %d %d\n", jobs[0].squared, jobs[1].squared, jobs[2].squared, jobs[3].squared);
  uvchan_pool_release(mine);
  uvchan_pool_release(pool);
  return uv_loop_close(loop);
}
