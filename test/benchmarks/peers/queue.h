/* SPDX-License-Identifier: MIT */
/* The workloads over a queue that was written by hand around a uv_async_t: for list.c and array.c,
 * which define the queue. */
#ifndef QUEUE_H
#define QUEUE_H

#include "loop.h"

typedef struct queue_s queue_t;

/* Gets a value, which is valid until it returns, or NULL at the end. */
typedef void (*queue_cb)(void* data, const void* value);

#define QUEUE_UNBOUNDED SIZE_MAX

static queue_t* queue_new(size_t capacity, size_t size);
static void queue_free(queue_t* q);
/* receives on a loop, until the end */
static void queue_start(queue_t* q, uv_loop_t* loop, queue_cb cb, void* data);
/* receives in this thread, until the end */
static void queue_receive(queue_t* q, queue_cb cb, void* data);
/* waits while it is full */
static void queue_push(queue_t* q, const void* values, size_t n);
/* after the last push of all has returned */
static void queue_close(queue_t* q);

static uint64_t queue_number(const void* value) {
  uint64_t number;

  memcpy(&number, value, sizeof(number));
  return number;
}

static void queue_count(void* data, const void* value) {
  if (value == NULL) {
    peers_ended(data);
  } else {
    peers_count_received(data, queue_number(value));
  }
}

/* ---- Stream ---------------------------------------------------------------------------------- */

typedef struct {
  peers_stream_t options;
  queue_t* queue;
  uv_loop_t loop; /* of the receiver, where it has one */
} stream_t;

/* The next values of one sender, side by side. */
static void stream_fill(peers_thread_t* self, unsigned char* values, size_t n, size_t size) {
  size_t i;

  for (i = 0; i < n; i++) {
    memcpy(values + i * size, &self->sent, 8);
    peers_count_sent(self, self->sent);
  }
}

static void stream_send(peers_thread_t* self) {
  const stream_t* s = self->data;
  size_t batch = s->options.batch;
  size_t size = s->options.size;
  unsigned char* values = peers_alloc(batch, size);

  while (!peers_stopped()) {
    stream_fill(self, values, batch, size);
    queue_push(s->queue, values, batch);
  }
  if (peers_last_sender()) queue_close(s->queue);
  free(values);
}

static void stream_receive(peers_thread_t* self) {
  stream_t* s = self->data;

  if (s->options.to_loop) {
    uv_run(&s->loop, UV_RUN_DEFAULT);
  } else {
    queue_receive(s->queue, queue_count, self);
  }
}

/* Adds the receivers, and `send` as often as there are senders; runs them all. */
static void stream_run(stream_t* s, void (*send)(peers_thread_t* self)) {
  size_t i;

  if (s->options.capacity == 0) peers_refuse("an unbuffered channel");
  if (s->options.to_loop && s->options.receivers > 1)
    peers_refuse("several loops that receive from one queue");
  s->queue = queue_new(s->options.capacity, s->options.size);
  for (i = 0; i < s->options.receivers; i++) peers_add(stream_receive, s, 1);
  loop_init(&s->loop);
  if (s->options.to_loop) queue_start(s->queue, &s->loop, queue_count, &peers.threads[0]);
  for (i = 0; i < s->options.senders; i++) peers_add(send, s, 0);
  peers_run();
  loop_close(&s->loop);
  queue_free(s->queue);
}

/* ---- Ping-pong ------------------------------------------------------------------------------- */

typedef struct {
  queue_t* in;
  queue_t* out;
  uv_loop_t loop;
  peers_thread_t* thread;
} player_t;

static void pingpong_serve(player_t* player) {
  uint64_t number = player->thread->sent;

  peers_count_sent(player->thread, number);
  queue_push(player->out, &number, 1);
}

static void on_pong(void* data, const void* value) {
  player_t* player = data;

  if (value == NULL) return;
  peers_count_received(player->thread, queue_number(value));
  if (!peers_stopped()) {
    pingpong_serve(player);
  } else {
    peers_ended(player->thread);
    queue_close(player->out);
    queue_close(player->in);
  }
}

static void on_ping(void* data, const void* value) {
  const player_t* player = data;

  if (value != NULL) queue_push(player->out, value, 1);
}

static void pingpong_first(peers_thread_t* self) {
  player_t* player = self->data;

  pingpong_serve(player);
  uv_run(&player->loop, UV_RUN_DEFAULT);
}

static void pingpong(const benchmark_t* b) {
  static player_t players[2];
  size_t capacity = benchmark_number(b, "capacity", 1);
  int i;

  if (capacity == 0) peers_refuse("an unbuffered channel");
  for (i = 0; i < 2; i++) {
    loop_init(&players[i].loop);
    players[i].in = players[1 - i].out = queue_new(capacity, 8);
  }
  queue_start(players[0].in, &players[0].loop, on_pong, &players[0]);
  queue_start(players[1].in, &players[1].loop, on_ping, &players[1]);
  players[0].thread = peers_add(pingpong_first, &players[0], 0);
  players[1].thread = peers_add(loop_run, &players[1].loop, 1);
  peers_run();
  for (i = 0; i < 2; i++) {
    loop_close(&players[i].loop);
    queue_free(players[i].in);
  }
}

/* ---- Paced ----------------------------------------------------------------------------------- */

typedef struct {
  queue_t* queue;
  uv_loop_t loop;
  uint64_t period;
  benchmark_latencies_t latencies;
  peers_thread_t* receiver;
} paced_t;

static void on_paced(void* data, const void* value) {
  paced_t* p = data;

  if (value != NULL) benchmark_note(&p->latencies, benchmark_now() - queue_number(value));
  queue_count(p->receiver, value);
}

static void paced_send(peers_thread_t* self) {
  const paced_t* p = self->data;
  uint64_t last = benchmark_now();

  while (!peers_stopped()) {
    uint64_t now = peers_pace(&last, p->period);

    peers_count_sent(self, now);
    queue_push(p->queue, &now, 1);
  }
  queue_close(p->queue);
}

static void paced(const benchmark_t* b) {
  static paced_t p;

  p.period = benchmark_number(b, "period", 10000);
  p.latencies = peers_latencies(p.period);
  p.queue = queue_new(1024, 8);
  loop_init(&p.loop);
  queue_start(p.queue, &p.loop, on_paced, &p);
  peers_add(paced_send, &p, 0);
  p.receiver = peers_add(loop_run, &p.loop, 1);
  peers_run();
  peers_print_paced(p.receiver, &p.latencies);
  loop_close(&p.loop);
  queue_free(p.queue);
}

/* ---- Same loop ------------------------------------------------------------------------------- */

typedef struct {
  queue_t* queue;
  uv_loop_t loop;
  size_t run;
  size_t left; /* of the run that is on its way */
  peers_thread_t* thread;
} same_loop_t;

static void same_loop_send(same_loop_t* s) {
  for (s->left = 0; s->left < s->run; s->left++) {
    uint64_t number = s->thread->sent;

    peers_count_sent(s->thread, number);
    queue_push(s->queue, &number, 1);
  }
}

static void on_same_loop(void* data, const void* value) {
  same_loop_t* s = data;

  queue_count(s->thread, value);
  if (value == NULL || --s->left > 0) return;
  if (peers_stopped()) {
    queue_close(s->queue);
  } else {
    same_loop_send(s);
  }
}

static void same_loop_run(peers_thread_t* self) {
  same_loop_t* s = self->data;

  same_loop_send(s);
  uv_run(&s->loop, UV_RUN_DEFAULT);
}

static void same_loop(const benchmark_t* b) {
  static same_loop_t s;

  s.run = benchmark_number(b, "run", 1);
  if (s.run < 1 || s.run > 64) peers_refuse("a run of none, or of more than 64");
  s.queue = queue_new(64, 8);
  loop_init(&s.loop);
  queue_start(s.queue, &s.loop, on_same_loop, &s);
  s.thread = peers_add(same_loop_run, &s, 0);
  peers_run();
  loop_close(&s.loop);
  queue_free(s.queue);
}

/* ---- Many ------------------------------------------------------------------------------------ */

typedef struct {
  queue_t** queues;
  size_t n;
  uv_loop_t loop;
  uint64_t total; /* of values sent, when that is known */
  peers_thread_t* receiver;
} many_t;

/* The last value is what ends it; that all those handles are closed afterwards takes time that is
 * not counted. */
static void on_many(void* data, const void* value) {
  const many_t* m = data;
  peers_thread_t* self = m->receiver;

  if (value != NULL) peers_count_received(self, queue_number(value));
  if (self->received == __atomic_load_n(&m->total, __ATOMIC_RELAXED) && self->ended == 0)
    peers_ended(self);
}

static void many_send(peers_thread_t* self) {
  many_t* m = self->data;
  uint64_t random = 88172645463325252u;
  size_t i;

  while (!peers_stopped()) {
    uint64_t number = benchmark_random(&random);

    peers_count_sent(self, number);
    queue_push(m->queues[(number >> 32) % m->n], &number, 1);
  }
  __atomic_store_n(&m->total, self->sent, __ATOMIC_RELAXED);
  for (i = 0; i < m->n; i++) queue_close(m->queues[i]);
}

static void many(const benchmark_t* b) {
  static many_t m;
  size_t capacity = benchmark_number(b, "capacity", 16);
  size_t i;

  m.n = benchmark_number(b, "channels", 1);
  m.total = UINT64_MAX;
  if (capacity == 0) peers_refuse("unbuffered channels");
  if (m.n < 1 || m.n > 100000) peers_refuse("so many channels, or none");
  m.queues = peers_alloc(m.n, sizeof(queue_t*));
  loop_init(&m.loop);
  peers_add(many_send, &m, 0);
  m.receiver = peers_add(loop_run, &m.loop, 1);
  for (i = 0; i < m.n; i++) {
    m.queues[i] = queue_new(capacity, 8);
    queue_start(m.queues[i], &m.loop, on_many, &m);
  }
  peers_run();
  loop_close(&m.loop);
  for (i = 0; i < m.n; i++) queue_free(m.queues[i]);
  free(m.queues);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void on_memory(void* data, const void* value) {
  if (value != NULL) ++*(uint64_t*)data;
}

/* n queues, each of which holds `each` values at once. Nothing else takes memory between the two
 * looks at the heap. */
static void memory_of(size_t n, size_t capacity, size_t each, int is_drained_shown) {
  queue_t** queues = peers_alloc(n, sizeof(queue_t*));
  uint64_t began, began_cpu, bytes, full, received = 0;
  uv_loop_t loop;
  size_t i, k;

  loop_init(&loop);
  bytes = peers_heap_bytes();
  began = benchmark_now();
  began_cpu = benchmark_cpu();
  for (i = 0; i < n; i++) {
    queues[i] = queue_new(capacity, 8);
    queue_start(queues[i], &loop, on_memory, &received);
    for (k = 0; k < each; k++) queue_push(queues[i], &(uint64_t){k}, 1);
  }
  full = peers_heap_bytes() - bytes;
  while (received < n * each) uv_run(&loop, UV_RUN_ONCE);
  benchmark_print_times(received, benchmark_now() - began, benchmark_cpu() - began_cpu);
  benchmark_print("bytes", is_drained_shown ? full : (peers_heap_bytes() - bytes) / n);
  if (is_drained_shown) benchmark_print("drained_bytes", peers_heap_bytes() - bytes);
  for (i = 0; i < n; i++) queue_close(queues[i]);
  uv_run(&loop, UV_RUN_DEFAULT);
  loop_close(&loop);
  for (i = 0; i < n; i++) queue_free(queues[i]);
  free(queues);
}

static void memory(const benchmark_t* b) {
  const char* kind = benchmark_word(b, "kind", "idle");

  if (strcmp(kind, "idle") == 0) {
    memory_of(1000, 16, 1, 0);
  } else if (strcmp(kind, "empty") == 0) {
    memory_of(1000, QUEUE_UNBOUNDED, 1, 0);
  } else if (strcmp(kind, "million") == 0) {
    memory_of(1, QUEUE_UNBOUNDED, 1000000, 1);
  } else {
    peers_refuse(kind);
  }
}

/* clang-format off */
#define QUEUE_WORKLOADS                      \
  {"pingpong", PEERS_PINGPONG, pingpong},    \
  {"paced", PEERS_PACED, paced},             \
  {"same-loop", PEERS_SAME_LOOP, same_loop}, \
  {"many", PEERS_MANY, many},                \
  {"memory", PEERS_MEMORY, memory}
/* clang-format on */

#endif /* QUEUE_H */
