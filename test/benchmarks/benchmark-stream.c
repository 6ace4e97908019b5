/* SPDX-License-Identifier: MIT */
/* Senders send as fast as they can and wait while the channel is full; receivers receive
 * everything. Threads or loops at either end.
 *
 *   from=thread|loop   a thread in uvchan_send_wait(), or a loop that tries until the channel is
 *                      full and then waits by a request
 *   to=loop|thread     a started receiver, or a thread in uvchan_recv_wait()
 *   senders, receivers, capacity (values), size (bytes), batch (values moved by a call), spin (of
 *   the receivers, microseconds), ms (how long), pin (1: senders on the first processor, receivers
 *   on the second), aging (1: values grow old, but not so old that any is dropped) */
#include "benchmark.h"

#include <stdatomic.h>
#include <uvchan.h>

#define MOST_BYTES 65536
#define MOST_THREADS 64
#define TRIES_A_TURN 1024

typedef struct {
  uv_thread_t thread;
  uint64_t number; /* of the last value, and what its first 8 bytes say */
  uint64_t count;
  uint64_t sum;
  uint64_t end; /* when the last value had come */
  unsigned char* values;
  uv_loop_t loop;
  uv_idle_t idle;
  uvchan_send_t request;
  uvchan_receiver_t receiver;
} side_t;

static uvchan_t* channel;
static uv_barrier_t ready;
static atomic_int stopped;
static size_t size, batch;
static unsigned int spin;
static int pinned;

static int is_stopped(void) { return atomic_load_explicit(&stopped, memory_order_relaxed); }

static void must(int r) {
  if (r != 0) benchmark_fail("failed", uv_strerror(r));
}

static void* memory_for(size_t n) {
  void* memory = calloc(n, size);

  if (memory == NULL) abort();
  return memory;
}

/* ---- Senders --------------------------------------------------------------------------------- */

static void fill(side_t* side, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    side->number++;
    memcpy(side->values + i * size, &side->number, sizeof(side->number));
  }
}

static void count_sent(side_t* side, size_t n) {
  uint64_t first = side->number - n + 1;

  side->count += n;
  side->sum += n * first + n * (n - 1) / 2;
}

static void send_from_thread(side_t* side) {
  while (!is_stopped()) {
    fill(side, batch);
    if (batch == 1) {
      must(uvchan_send_wait(channel, side->values));
    } else if (uvchan_send_wait_n(channel, side->values, batch) != (ssize_t)batch) {
      abort();
    }
    count_sent(side, batch);
  }
}

static void on_idle(uv_idle_t* idle);

static void on_sent(uvchan_send_t* request, int status) {
  side_t* side = request->data;

  must(status);
  count_sent(side, 1);
  uv_idle_start(&side->idle, on_idle);
}

/* The value that finds no room is sent by a request, which waits its turn. */
static void on_idle(uv_idle_t* idle) {
  side_t* side = idle->data;
  int i, r;

  for (i = 0; i < TRIES_A_TURN && !is_stopped(); i++) {
    fill(side, 1);
    r = uvchan_try_send(channel, side->values);
    if (r == UV_EAGAIN) {
      uv_idle_stop(idle);
      must(uvchan_send(&side->loop, &side->request, channel, side->values, on_sent));
      return;
    }
    must(r);
    count_sent(side, 1);
  }
  if (is_stopped()) uv_close((uv_handle_t*)idle, NULL);
}

static void send_from_loop(side_t* side) {
  uv_idle_init(&side->loop, &side->idle);
  side->idle.data = side->request.data = side;
  uv_idle_start(&side->idle, on_idle);
  uv_run(&side->loop, UV_RUN_DEFAULT);
}

/* ---- Receivers ------------------------------------------------------------------------------- */

static void count_received(side_t* side, const void* values, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    uint64_t number;

    memcpy(&number, (const unsigned char*)values + i * size, sizeof(number));
    side->sum += number;
  }
  side->count += n;
}

static void receive_in_thread(side_t* side) {
  if (batch == 1) {
    while (uvchan_recv_wait(channel, side->values) == 0) count_received(side, side->values, 1);
  } else {
    ssize_t n;

    while ((n = uvchan_recv_wait_n(channel, side->values, batch)) > 0)
      count_received(side, side->values, (size_t)n);
  }
}

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  if (status == 0) {
    count_received(receiver->data, value, 1);
  } else {
    uvchan_receiver_close(receiver, NULL);
  }
}

static void on_values(uvchan_receiver_t* receiver, ssize_t n, const void* values) {
  if (n > 0) {
    count_received(receiver->data, values, (size_t)n);
  } else {
    uvchan_receiver_close(receiver, NULL);
  }
}

static void prepare_receiver(side_t* side) {
  must(uvchan_receiver_init(&side->loop, &side->receiver, channel));
  side->receiver.data = side;
  if (spin > 0) must(uvchan_receiver_set_spin(&side->receiver, spin));
  must(batch == 1 ? uvchan_recv_start(&side->receiver, on_value)
                  : uvchan_recv_start_batch(&side->receiver, on_values));
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void sending_thread(void* arg) {
  if (pinned) benchmark_pin(0);
  uv_barrier_wait(&ready);
  send_from_thread(arg);
  must(uvchan_sender_done(channel));
}

static void sending_loop(void* arg) {
  side_t* side = arg;

  if (pinned) benchmark_pin(0);
  must(uv_loop_init(&side->loop));
  uv_barrier_wait(&ready);
  send_from_loop(side);
  must(uvchan_sender_done(channel));
  must(uv_loop_close(&side->loop));
}

static void receiving_thread(void* arg) {
  side_t* side = arg;

  if (pinned) benchmark_pin(1);
  uv_barrier_wait(&ready);
  receive_in_thread(side);
  side->end = benchmark_now();
}

static void receiving_loop(void* arg) {
  side_t* side = arg;

  if (pinned) benchmark_pin(1);
  must(uv_loop_init(&side->loop));
  prepare_receiver(side);
  uv_barrier_wait(&ready);
  uv_run(&side->loop, UV_RUN_DEFAULT);
  side->end = benchmark_now();
  must(uv_loop_close(&side->loop));
}

static void start(side_t* sides, size_t n, uv_thread_cb body) {
  size_t i;

  for (i = 0; i < n; i++) {
    sides[i].values = memory_for(batch);
    must(uv_thread_create(&sides[i].thread, body, &sides[i]));
  }
}

static void join(side_t* sides, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) uv_thread_join(&sides[i].thread);
}

static void add_up(side_t* sides, size_t n, side_t* total) {
  size_t i;

  for (i = 0; i < n; i++) {
    total->count += sides[i].count;
    total->sum += sides[i].sum;
    if (sides[i].end > total->end) total->end = sides[i].end;
    free(sides[i].values);
  }
}

static void make_channel(size_t capacity, int aging) {
  uvchan_options_t options = {0};

  options.elem_size = size;
  options.capacity = capacity;
  options.max_age = aging ? UINT64_MAX : 0;
  must(uvchan_create_ex(&channel, &options));
}

static uv_thread_cb body_for(const char* end, uv_thread_cb thread, uv_thread_cb loop) {
  if (strcmp(end, "thread") == 0) return thread;
  if (strcmp(end, "loop") != 0) benchmark_fail("neither thread nor loop", end);
  return loop;
}

int main(int argc, char** argv) {
  static side_t senders[MOST_THREADS], receivers[MOST_THREADS], sent, received;
  benchmark_t b = benchmark_open(
      argc - 1, argv + 1, " from to senders receivers capacity size batch spin ms pin aging ");
  uv_thread_cb send = body_for(benchmark_word(&b, "from", "thread"), sending_thread, sending_loop);
  uv_thread_cb receive =
      body_for(benchmark_word(&b, "to", "loop"), receiving_thread, receiving_loop);
  size_t nsenders = (size_t)benchmark_number(&b, "senders", 1);
  size_t nreceivers = (size_t)benchmark_number(&b, "receivers", 1);
  uint64_t begin, cpu;

  size = (size_t)benchmark_number(&b, "size", 8);
  batch = (size_t)benchmark_number(&b, "batch", 1);
  spin = (unsigned int)benchmark_number(&b, "spin", 0);
  pinned = benchmark_number(&b, "pin", 0) != 0;
  if (size < 8 || size > MOST_BYTES || batch < 1 || batch > MOST_BYTES || nsenders < 1 ||
      nsenders > MOST_THREADS || nreceivers < 1 || nreceivers > MOST_THREADS) {
    benchmark_fail("out of range", "");
  }
  make_channel((size_t)benchmark_number(&b, "capacity", 1024),
               benchmark_number(&b, "aging", 0) != 0);
  must(uvchan_sender_add(channel, (unsigned int)nsenders));
  must(uv_barrier_init(&ready, (unsigned int)(nsenders + nreceivers + 1)));
  start(receivers, nreceivers, receive);
  start(senders, nsenders, send);
  uv_barrier_wait(&ready);
  begin = benchmark_now();
  cpu = benchmark_cpu();
  benchmark_sleep(benchmark_number(&b, "ms", 200));
  atomic_store(&stopped, 1);
  join(senders, nsenders);
  join(receivers, nreceivers);
  cpu = benchmark_cpu() - cpu;
  add_up(senders, nsenders, &sent);
  add_up(receivers, nreceivers, &received);
  benchmark_check(sent.count, sent.sum, received.count, received.sum);
  benchmark_print_times(received.count, received.end - begin, cpu);
  uvchan_release(channel);
  uv_barrier_destroy(&ready);
  return benchmark_end();
}
