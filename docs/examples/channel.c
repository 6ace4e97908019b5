/* SPDX-License-Identifier: MIT */
/* A channel by itself: made, filled, asked, ended. */
#include <assert.h>
#include <stdio.h>
#include <uvchan.h>

static void on_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  (void)arg;
  printf("dropped %d: %s\n", *(int*)value,
         reason == UVCHAN_DROPPED_OVERFLOW ? "there is no room" : "the channel was aborted");
}

/* Keeps the two newest values, and tells of the others. */
static void keep_the_newest(void) {
  const uvchan_options_t options = {.elem_size = sizeof(int),
                                    .capacity = 2,
                                    .overflow = UVCHAN_DROP_OLDEST,
                                    .drop_cb = on_drop,
                                    .name = "newest"};
  uvchan_t* newest;
  uvchan_stats_t stats;

  if (uvchan_create_ex(&newest, &options) != 0) return;
  for (int i = 1; i <= 3; i++) uvchan_try_send(newest, &i);
  printf("%zu of %zu, of %zu bytes each\n", uvchan_len(newest), uvchan_capacity(newest),
         uvchan_elem_size(newest));
  uvchan_abort(newest, UV_ECANCELED); /* what is left is dropped */
  uvchan_stats(newest, &stats);
  printf("%s: %d sent, %d dropped\n", stats.name, (int)stats.sent, (int)stats.dropped);
  uvchan_release(newest);
}

/* Who closes, with two senders? The last one. Each holds a reference for its time. */
static void close_with_the_last_sender(void) {
  uvchan_t* jobs;
  uvchan_t* mine;
  int job = 1;

  if (uvchan_create(&jobs, sizeof(int), 4) != 0) return;
  uvchan_sender_add(jobs, 2);
  mine = uvchan_retain(jobs);
  uvchan_sender_done(jobs);
  printf("closed after the first sender: %d\n", uvchan_is_closed(jobs));
  uvchan_try_send(mine, &job);
  uvchan_sender_done(mine);
  printf("after the second: %d\n", uvchan_is_closed(jobs));
  assert(uvchan_close(jobs) == UV_EALREADY);
  assert(uvchan_try_recv(jobs, &job) == 0); /* what came before the end */
  assert(uvchan_try_recv(jobs, &job) == UV_EOF);
  uvchan_release(mine);
  uvchan_release(jobs);
}

/* An end may say why. */
static void end_with_a_reason(void) {
  uvchan_t* lines;
  char line[80];

  if (uvchan_create(&lines, sizeof(line), 4) != 0) return;
  uvchan_close_with(lines, UV_ECONNRESET);
  puts(uv_strerror(uvchan_try_recv(lines, line)));
  uvchan_release(lines);
}

int main(void) {
  keep_the_newest();
  close_with_the_last_sender();
  end_with_a_reason();
  return 0;
}
