/* SPDX-License-Identifier: MIT */
/* Calls each function of uvchan-redis, without a server. */
#include <uvchan/redis.h>

int main(void) {
  uvchan_redis_stats_t stats;
  const uvchan_redis_ticket_t none = {0};

  uvchan_redis_sink_stats(NULL, &stats);
  uvchan_redis_source_stats(NULL, &stats);
  uvchan_redis_sink_close(NULL, NULL);
  uvchan_redis_source_close(NULL, NULL);
  if (uvchan_redis_sink_init(NULL, NULL, NULL, NULL) != UV_EINVAL) return 1;
  if (uvchan_redis_source_init(NULL, NULL, NULL, NULL) != UV_EINVAL) return 2;
  if (uvchan_redis_done(NULL) != UV_EINVAL || uvchan_redis_done(&none) != UV_EINVAL) return 3;
  if (uvchan_redis_requeue(NULL) != UV_EINVAL) return 4;
  if (uvchan_redis_forget(NULL) != UV_EINVAL) return 5;
  if (uvchan_redis_recv_start(NULL, NULL) != UV_EINVAL) return 6;
  return stats.values == 0 && stats.last_words[0] == '\0' && uv_version() != 0 ? 0 : 7;
}
