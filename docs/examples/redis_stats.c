/* SPDX-License-Identifier: MIT */
/* Watching a stream: nobody takes values out, so that it is full, and its sink says so; a source
 * comes, and both come to their end. The argument is the server's unix socket; without one it is at
 * 127.0.0.1. */
#include <stdio.h>
#include <uvchan/redis.h>

static uvchan_redis_sink_t sink;
static uvchan_redis_source_t source;
static uvchan_t *here, *there;
static uvchan_redis_server_t server;
static uvchan_redis_stats_t sent, taken; /* at the ends */

static const char* word_for(uvchan_redis_state_t state) {
  switch (state) {
    case UVCHAN_REDIS_AWAY:
      return "away"; /* last_error and last_words say why, where it stays */
    case UVCHAN_REDIS_RUNNING:
      return "running";
    case UVCHAN_REDIS_FULL:
      return "full";
    case UVCHAN_REDIS_ENDING:
      return "ending";
    default:
      return "over";
  }
}

static void print(const char* who, const uvchan_redis_stats_t* stats) {
  printf("%s: %s, %d in hand\n", who, word_for(stats->state), (int)stats->held);
}

static void on_sink_end(uvchan_redis_sink_t* handle, int status) {
  (void)status;
  uvchan_redis_sink_stats(handle, &sent);
  uvchan_redis_sink_close(handle, NULL);
}

static void on_source_end(uvchan_redis_source_t* handle, int status) {
  (void)status;
  uvchan_redis_source_stats(handle, &taken);
  uvchan_redis_source_close(handle, NULL);
}

/* Values that are done once the channel has them: no ticket, and nobody to receive them here. */
static void open_source(uv_loop_t* loop) {
  const uvchan_redis_source_options_t options = {.server = server,
                                                 .stream = "parcels",
                                                 .consumer = "one",
                                                 .auto_done = 1,
                                                 .on_end = on_source_end};

  if (uvchan_redis_source_init(loop, &source, there, &options) != 0) puts("no source");
}

static void look(uv_timer_t* timer) { /* every few seconds, in a program that goes on */
  uvchan_redis_stats_t stats;

  uvchan_redis_sink_stats(&sink, &stats);
  if (stats.state != UVCHAN_REDIS_FULL) return;
  print("sink", &stats);
  printf("  %d in the stream\n", (int)stats.length);
  uv_close((uv_handle_t*)timer, NULL);
  open_source(timer->loop);
}

int main(int argc, char** argv) {
  uvchan_redis_sink_options_t options = {.stream = "parcels",
                                         .producer = "one",
                                         .capacity = 3, /* of the stream */
                                         .in_flight = 2,
                                         .on_end = on_sink_end};
  uv_loop_t* loop = uv_default_loop();
  uv_timer_t timer;

  server.path = argc > 1 ? argv[1] : NULL;
  options.server = server;
  if (uvchan_create(&here, sizeof(int), 8) != 0) return 1;
  if (uvchan_create(&there, sizeof(int), 8) != 0) return 1;
  for (int i = 0; i < 8; i++) uvchan_try_send(here, &i);
  uvchan_close(here);
  if (uvchan_redis_sink_init(loop, &sink, here, &options) != 0) return 1;
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, look, 10, 10);
  uv_run(loop, UV_RUN_DEFAULT);
  print("sink", &sent);
  printf("  %d confirmed, %d lost by the server, %d failures\n", (int)sent.values,
         (int)sent.rolled_back, (int)sent.failures);
  print("source", &taken);
  printf("  %d done, %d delivered again, %d given up\n", (int)taken.done, (int)taken.again,
         (int)taken.dead);
  uvchan_release(here);
  uvchan_release(there);
  return uv_loop_close(loop);
}
