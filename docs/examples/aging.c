/* SPDX-License-Identifier: MIT */
/* Values that grow old: what nobody has received in time is not delivered any more. */
#include <stdio.h>
#include <uvchan.h>

static void on_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  (void)arg;
  if (reason == UVCHAN_DROPPED_EXPIRED) printf("%d was too old\n", *(int*)value);
}

int main(void) {
  /* a queue that stands is cut to 5 milliseconds; a burst is left alone */
  const uvchan_admission_t admission = {.target = 5000000, .interval = 100000000};
  const uvchan_options_t options = {.elem_size = sizeof(int),
                                    .capacity = 16,
                                    .max_age = 1, /* a nanosecond: whoever is not there misses it */
                                    .admission = &admission,
                                    .drop_cb = on_drop};
  uvchan_stats_t stats;
  uvchan_t* news;
  int value;

  if (uvchan_create_ex(&news, &options) != 0) return 1;
  for (int i = 1; i <= 2; i++) uvchan_try_send(news, &i);
  puts(uv_err_name(uvchan_try_recv(news, &value)));
  uvchan_stats(news, &stats);
  printf("%d expired, %d cut\n", (int)stats.expired, (int)stats.shed);
  uvchan_release(news);
  return 0;
}
