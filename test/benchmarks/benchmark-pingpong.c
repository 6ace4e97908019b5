/* SPDX-License-Identifier: MIT */
/* One value to and fro between two loops on threads of their own, over two channels: values are
 * round trips.
 *
 *   capacity (values), spin (of both receivers, microseconds), ms (how long), pin (1: each loop on
 *   a processor of its own) */
#include "benchmark.h"

#include <stdatomic.h>
#include <uvchan.h>

typedef struct {
  _Alignas(128) uv_thread_t thread; /* each player on lines of his own */
  int nth;
  uvchan_t* in;
  uvchan_t* out;
  uvchan_receiver_t receiver;
  uint64_t count;
} player_t;

static uv_barrier_t ready;
static atomic_int stopped;
static unsigned int spin;
static int pinned;

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

/* The first player ends the game, when the ball is with him. */
static void on_ball(uvchan_receiver_t* receiver, int status, const void* ball) {
  player_t* player = receiver->data;

  if (status != 0) {
    uvchan_receiver_close(receiver, NULL);
    return;
  }
  player->count++;
  if (player->nth == 0 && atomic_load_explicit(&stopped, memory_order_relaxed)) {
    must(uvchan_close(player->out));
    must(uvchan_close(player->in));
    return;
  }
  must(uvchan_try_send(player->out, ball));
}

static void play(void* arg) {
  player_t* player = arg;
  uv_loop_t loop;

  if (pinned) benchmark_pin(player->nth);
  must(uv_loop_init(&loop));
  must(uvchan_receiver_init(&loop, &player->receiver, player->in));
  player->receiver.data = player;
  if (spin > 0) must(uvchan_receiver_set_spin(&player->receiver, spin));
  must(uvchan_recv_start(&player->receiver, on_ball));
  uv_barrier_wait(&ready);
  uv_run(&loop, UV_RUN_DEFAULT);
  must(uv_loop_close(&loop));
}

int main(int argc, char** argv) {
  static player_t players[2];
  benchmark_t b = benchmark_open(argc - 1, argv + 1, " capacity spin ms pin ");
  size_t capacity = (size_t)benchmark_number(&b, "capacity", 1);
  uint64_t begin, cpu, ball = 1;
  int i;

  spin = (unsigned int)benchmark_number(&b, "spin", 0);
  pinned = benchmark_number(&b, "pin", 0) != 0;
  if (capacity < 1) benchmark_fail("out of range", "capacity");
  must(uv_barrier_init(&ready, 3));
  for (i = 0; i < 2; i++) must(uvchan_create(&players[i].in, sizeof(ball), capacity));
  for (i = 0; i < 2; i++) {
    players[i].nth = i;
    players[i].out = players[1 - i].in;
    must(uv_thread_create(&players[i].thread, play, &players[i]));
  }
  uv_barrier_wait(&ready);
  begin = benchmark_now();
  cpu = benchmark_cpu();
  must(uvchan_try_send(players[0].in, &ball));
  benchmark_sleep(benchmark_number(&b, "ms", 200));
  atomic_store(&stopped, 1);
  for (i = 0; i < 2; i++) uv_thread_join(&players[i].thread);
  cpu = benchmark_cpu() - cpu;
  benchmark_check(players[0].count, 0, players[1].count + 1, 0);
  benchmark_print_times(players[1].count, benchmark_now() - begin, cpu);
  for (i = 0; i < 2; i++) uvchan_release(players[i].in);
  uv_barrier_destroy(&ready);
  return benchmark_end();
}
