/* SPDX-License-Identifier: MIT */
/* Loops have works done by the threads of a pool. Of each loop as many works are in the pool at any
 * time as it says: on_done submits again.
 *
 *   threads, flight (works of each loop), loops (each on a thread of its own), pools (which threads
 *   and loops share evenly), work=empty|burn|sleep, us (microseconds of a work), period
 *   (nanoseconds: one work each period, and not from on_done), ms (how long), pin (taken and not
 *   used)
 *
 * Latencies: with flight=1 from before the submission to inside on_done; else, where a work takes
 * time, from its submission to its begin. */
#include "benchmark.h"

#include <stdatomic.h>
#include <uvchan/pool.h>

#define MOST_LOOPS 64

typedef struct place_s place_t;

typedef struct {
  _Alignas(128) uvchan_work_t work;
  uint64_t submitted, begun;
  place_t* place;
} item_t;

/* A loop with its works, on lines of its own. */
struct place_s {
  _Alignas(128) uv_loop_t loop;
  uv_thread_t thread;
  uv_async_t tick; /* with a period */
  uvchan_pool_t* pool;
  item_t* items;
  uint64_t submitted, done, end, end_cpu;
  benchmark_latencies_t latencies;
};

static place_t places[MOST_LOOPS];
static uvchan_pool_t* pools[MOST_LOOPS];
static size_t nplaces, npools, nitems;
static uint64_t period, work_ns;
static benchmark_work_t work_kind;
static uv_barrier_t ready;
static atomic_int stopped;

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

static int is_over(void) { return atomic_load_explicit(&stopped, memory_order_relaxed); }
static int notes_turns(void) { return nitems == 1; }
static int notes_waits(void) { return nitems > 1 && work_kind != BENCHMARK_EMPTY; }

/* ---- Works ----------------------------------------------------------------------------------- */

static void on_work(uvchan_work_t* work, void* state) {
  (void)state;
  if (work_kind == BENCHMARK_EMPTY) return;
  if (notes_waits()) ((item_t*)work)->begun = benchmark_now();
  benchmark_work_off(work_kind, work_ns);
}

static void on_done(uvchan_work_t* work, int status);

static void submit(item_t* item) {
  place_t* place = item->place;

  if (notes_waits() || notes_turns()) item->submitted = benchmark_now();
  must(uvchan_pool_try_submit(&place->loop, &item->work, place->pool, on_work, on_done));
  place->submitted++;
}

static void on_done(uvchan_work_t* work, int status) {
  item_t* item = (item_t*)work;
  place_t* place = item->place;

  must(status);
  place->done++;
  if (notes_turns()) benchmark_note(&place->latencies, benchmark_now() - item->submitted);
  if (notes_waits()) benchmark_note(&place->latencies, item->begun - item->submitted);
  if (period == 0 && !is_over()) submit(item);
}

/* ---- Loops ----------------------------------------------------------------------------------- */

/* One that comes while the work before it is on its way is left out. */
static void on_tick(uv_async_t* tick) {
  place_t* place = tick->data;

  if (is_over()) {
    uv_close((uv_handle_t*)tick, NULL);
  } else if (place->submitted == place->done) {
    submit(place->items);
  }
}

static void run(void* arg) {
  place_t* place = arg;
  size_t i;

  uv_barrier_wait(&ready);
  uv_barrier_wait(&ready);
  for (i = 0; i < nitems && period == 0; i++) submit(&place->items[i]);
  uv_run(&place->loop, UV_RUN_DEFAULT);
  place->end = benchmark_now();
  place->end_cpu = benchmark_cpu();
}

static void open_place(place_t* place, uvchan_pool_t* pool) {
  size_t i;

  place->pool = pool;
  place->items = aligned_alloc(128, nitems * sizeof(*place->items));
  if (place->items == NULL) benchmark_fail("no memory", "");
  for (i = 0; i < nitems; i++) place->items[i].place = place;
  must(uv_loop_init(&place->loop));
  if (period > 0) must(uv_async_init(&place->loop, &place->tick, on_tick));
  place->tick.data = place;
  must(uv_thread_create(&place->thread, run, place));
}

static void close_place(place_t* place) {
  must(uv_loop_close(&place->loop));
  free(place->items);
}

/* ---- A run ----------------------------------------------------------------------------------- */

static void tick(void) { must(uv_async_send(&places[0].tick)); }

/* Until the time is over; the flag is up when the last tick is seen. */
static void let_pass(uint64_t ms) {
  if (period > 0) {
    benchmark_tick(ms, period, tick);
  } else {
    benchmark_sleep(ms);
  }
  atomic_store(&stopped, 1);
  if (period > 0) tick();
}

static void print_times(uint64_t begin, uint64_t cpu, int prints_loops) {
  uint64_t submitted = 0, done = 0, least = UINT64_MAX, most = 0;
  const place_t* last = places;
  const place_t* place;

  for (place = places; place < places + nplaces; place++) {
    submitted += place->submitted;
    done += place->done;
    if (place->done < least) least = place->done;
    if (place->done > most) most = place->done;
    if (place->end > last->end) last = place;
  }
  benchmark_check(submitted, 0, done, 0);
  benchmark_print_times(done, last->end - begin, last->end_cpu - cpu);
  if (!prints_loops) return;
  benchmark_print("least_values", least);
  benchmark_print("most_values", most);
}

static void make_pools(unsigned int threads) {
  uvchan_pool_options_t options;
  size_t i;

  memset(&options, 0, sizeof(options));
  options.threads = threads;
  options.capacity = nitems * nplaces;
  for (i = 0; i < npools; i++) must(uvchan_pool_create(&pools[i], &options));
}

int main(int argc, char** argv) {
  benchmark_t b =
      benchmark_open(argc - 1, argv + 1, " threads flight loops pools work us period ms pin ");
  uint64_t begin, cpu;
  size_t i;

  nitems = (size_t)benchmark_number(&b, "flight", 64);
  nplaces = (size_t)benchmark_number(&b, "loops", 1);
  npools = (size_t)benchmark_number(&b, "pools", 1);
  work_kind = benchmark_work_of(&b);
  work_ns = benchmark_number(&b, "us", 100) * 1000;
  period = benchmark_number(&b, "period", 0);
  if (nitems < 1 || nplaces < 1 || nplaces > MOST_LOOPS || npools < 1 || npools > nplaces)
    benchmark_fail("out of range", "");
  if (period > 0 && (nplaces > 1 || nitems > 1)) benchmark_fail("a period is for one work", "");
  make_pools((unsigned int)(benchmark_number(&b, "threads", 4) / npools));
  must(uv_barrier_init(&ready, (unsigned int)nplaces + 1));
  for (i = 0; i < nplaces; i++) open_place(&places[i], pools[i % npools]);
  uv_barrier_wait(&ready);
  begin = benchmark_now();
  cpu = benchmark_cpu();
  uv_barrier_wait(&ready);
  let_pass(benchmark_number(&b, "ms", 200));
  for (i = 0; i < nplaces; i++) uv_thread_join(&places[i].thread);
  print_times(begin, cpu, benchmark_word(&b, "loops", NULL) != NULL);
  if (nplaces == 1) benchmark_print_latencies(&places[0].latencies);
  for (i = 0; i < nplaces; i++) close_place(&places[i]);
  for (i = 0; i < npools; i++) uvchan_pool_release(pools[i]);
  uv_barrier_destroy(&ready);
  return benchmark_end();
}
