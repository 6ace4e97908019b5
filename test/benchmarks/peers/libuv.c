/* SPDX-License-Identifier: MIT */
/* libuv's own uv_queue_work(): one pool for the whole process, a list under a mutex, a condition,
 * and the answer by way of the loop's uv_async_t. UV_THREADPOOL_SIZE says how many threads. There
 * is no bound.
 *
 *   pool          as benchmark-pool.c, with one pool
 *   pool-memory   as benchmark-pool-memory.c */
#include "loop.h"

#define MOST_LOOPS 64
#define WAITING 100000

typedef struct place_s place_t;

typedef struct {
  PEERS_ALIGNED uv_work_t req;
  uint64_t submitted, begun;
  place_t* place;
} item_t;

struct place_s {
  PEERS_ALIGNED uv_loop_t loop;
  uv_async_t tick;
  peers_thread_t* thread;
  item_t* items;
  benchmark_latencies_t latencies;
};

static peers_pool_t pool;
static place_t places[MOST_LOOPS];

static void set_threads(size_t n) {
  char text[24];

  snprintf(text, sizeof(text), "%zu", n);
  peers_must(setenv("UV_THREADPOOL_SIZE", text, 1) == 0, "setenv");
}

static void on_work(uv_work_t* req) {
  if (pool.work == BENCHMARK_EMPTY) return;
  if (pool.notes_waits) ((item_t*)req)->begun = benchmark_now();
  benchmark_work_off(pool.work, pool.work_ns);
}

static void on_done(uv_work_t* req, int status);

static void submit(item_t* item) {
  if (pool.notes_waits || pool.notes_turns) item->submitted = benchmark_now();
  peers_must(uv_queue_work(&item->place->loop, &item->req, on_work, on_done) == 0, "uv_queue_work");
  peers_count_sent(item->place->thread, 0);
}

static void on_done(uv_work_t* req, int status) {
  item_t* item = (item_t*)req;
  place_t* place = item->place;

  peers_must(status == 0, "a work");
  peers_count_received(place->thread, 0);
  if (pool.notes_turns) benchmark_note(&place->latencies, benchmark_now() - item->submitted);
  if (pool.notes_waits) benchmark_note(&place->latencies, item->begun - item->submitted);
  if (pool.period == 0 && !peers_stopped()) submit(item);
}

static void on_tick(uv_async_t* tick) {
  place_t* place = tick->data;

  if (peers_stopped()) {
    uv_close((uv_handle_t*)tick, NULL);
  } else if (place->thread->sent == place->thread->received) {
    submit(place->items);
  }
}

static void run(peers_thread_t* self) {
  place_t* place = self->data;
  size_t i;

  for (i = 0; i < pool.flight && pool.period == 0; i++) submit(&place->items[i]);
  uv_run(&place->loop, UV_RUN_DEFAULT);
  peers_ended(self);
}

static void open_place(place_t* place) {
  size_t i;

  place->items = aligned_alloc(128, pool.flight * sizeof(*place->items));
  peers_must(place->items != NULL, "aligned_alloc");
  for (i = 0; i < pool.flight; i++) place->items[i].place = place;
  loop_init(&place->loop);
  if (pool.period > 0) loop_async(&place->loop, &place->tick, on_tick, place);
  place->thread = peers_add(run, place, 0);
}

static void send_tick(void* data) { uv_async_send(data); }

static void run_pool(const benchmark_t* b) {
  size_t i;

  pool = peers_pool(b);
  if (pool.loops > MOST_LOOPS) peers_refuse("so many loops");
  set_threads(pool.threads);
  for (i = 0; i < pool.loops; i++) open_place(&places[i]);
  peers_add_ticks(&pool, send_tick, &places[0].tick);
  peers_run();
  if (benchmark_word(b, "loops", NULL) != NULL) peers_print_loops(pool.loops);
  if (pool.loops == 1) benchmark_print_latencies(&places[0].latencies);
  for (i = 0; i < pool.loops; i++) {
    loop_close(&places[i].loop);
    free(places[i].items);
  }
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static uv_sem_t held_up;
static uint64_t done;

static void hold_up(uv_work_t* req) {
  (void)req;
  uv_sem_wait(&held_up);
}

static void do_nothing(uv_work_t* req) { (void)req; }

static void count_done(uv_work_t* req, int status) {
  (void)req;
  peers_must(status == 0, "a work");
  done++;
}

static void memory(const benchmark_t* b) {
  static uv_work_t works[WAITING + 1];
  uint64_t bytes = 0;
  uv_loop_t loop;
  size_t i;

  (void)b;
  set_threads(1);
  loop_init(&loop);
  uv_sem_init(&held_up, 0);
  for (i = 0; i <= WAITING; i++) {
    peers_must(uv_queue_work(&loop, &works[i], i == 0 ? hold_up : do_nothing, count_done) == 0,
               "uv_queue_work");
    if (i == 0) bytes = peers_heap_bytes();
  }
  benchmark_print("bytes", (peers_heap_bytes() - bytes) / WAITING);
  uv_sem_post(&held_up);
  uv_run(&loop, UV_RUN_DEFAULT);
  benchmark_check(WAITING + 1, 0, done, 0);
  loop_close(&loop);
}

static const peers_workload_t workloads[] = {
    {"pool", PEERS_POOL, run_pool},
    {"pool-memory", PEERS_POOL_MEMORY, memory},
};

PEERS_MAIN(workloads)
