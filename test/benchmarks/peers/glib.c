/* SPDX-License-Identifier: MIT */
/* GLib's GAsyncQueue, made bounded by a counter with a GMutex and a GCond, and received by a
 * GSource on a GMainLoop: the source is ready where the queue is not empty, and who puts a value
 * into an empty queue wakes the loop's context. The source takes values out in runs under one lock.
 * A receiving thread blocks in g_async_queue_pop(). The queue carries pointers: each value is
 * allocated.
 *
 * Not supported: a sender on a loop, several loops that receive, unbuffered channels, several
 * values in one call. */
#include "peers.h"

#include <glib.h>

#define RUN 64

typedef void (*queue_cb)(void* data, const void* value); /* NULL at the end */

typedef struct {
  GAsyncQueue* values;
  GMutex lock;
  GCond room;
  size_t n; /* sent and not yet taken out */
  size_t capacity;
  size_t size;
  GMainContext* context; /* NULL where threads receive */
  GSource* source;
  queue_cb cb;
  void* data;
} queue_t;

typedef struct {
  GSource base;
  queue_t* queue;
} source_t;

/* What is put in after the last value. */
static char the_end;

static queue_t* queue_new(size_t capacity, size_t size) {
  queue_t* q = g_new0(queue_t, 1);

  q->values = g_async_queue_new();
  g_mutex_init(&q->lock);
  g_cond_init(&q->room);
  q->capacity = capacity;
  q->size = size;
  return q;
}

static void queue_free(queue_t* q) {
  if (q->source != NULL) {
    g_source_destroy(q->source);
    g_source_unref(q->source);
  }
  g_async_queue_unref(q->values);
  g_cond_clear(&q->room);
  g_mutex_clear(&q->lock);
  g_free(q);
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void queue_put(queue_t* q, void* pointer) {
  gboolean was_empty;

  g_async_queue_lock(q->values);
  was_empty = g_async_queue_length_unlocked(q->values) == 0;
  g_async_queue_push_unlocked(q->values, pointer);
  g_async_queue_unlock(q->values);
  if (was_empty && q->context != NULL) g_main_context_wakeup(q->context);
}

static void queue_send(queue_t* q, const void* value) {
  void* copy = g_memdup2(value, q->size);

  g_mutex_lock(&q->lock);
  while (q->n == q->capacity) g_cond_wait(&q->room, &q->lock);
  q->n++;
  g_mutex_unlock(&q->lock);
  queue_put(q, copy);
}

static void queue_close(queue_t* q) { queue_put(q, &the_end); }

/* ---- Receiving ------------------------------------------------------------------------------- */

static void queue_give_room(queue_t* q, size_t n) {
  g_mutex_lock(&q->lock);
  q->n -= n;
  g_cond_broadcast(&q->room);
  g_mutex_unlock(&q->lock);
}

/* Takes out at most RUN. Returns how many. */
static size_t queue_take(queue_t* q, void** taken) {
  size_t n = 0;

  g_async_queue_lock(q->values);
  while (n < RUN && (taken[n] = g_async_queue_try_pop_unlocked(q->values)) != NULL) n++;
  g_async_queue_unlock(q->values);
  return n;
}

static gboolean source_dispatch(GSource* source, GSourceFunc unused, gpointer unused_too) {
  queue_t* q = ((source_t*)source)->queue;
  void* taken[RUN];
  size_t n, i;

  (void)unused;
  (void)unused_too;
  do {
    gboolean is_end;

    n = queue_take(q, taken);
    is_end = n > 0 && taken[n - 1] == &the_end;
    if (is_end) n--;
    queue_give_room(q, n);
    for (i = 0; i < n; i++) {
      q->cb(q->data, taken[i]);
      g_free(taken[i]);
    }
    if (is_end) {
      q->cb(q->data, NULL);
      return G_SOURCE_REMOVE;
    }
  } while (n == RUN);
  return G_SOURCE_CONTINUE;
}

static gboolean source_check(GSource* source) {
  return g_async_queue_length(((source_t*)source)->queue->values) > 0;
}

static gboolean source_prepare(GSource* source, gint* timeout) {
  *timeout = -1;
  return source_check(source);
}

static GSourceFuncs source_funcs = {source_prepare, source_check, source_dispatch,
                                    NULL,           NULL,         NULL};

static void queue_start(queue_t* q, GMainContext* context, queue_cb cb, void* data) {
  q->context = context;
  q->cb = cb;
  q->data = data;
  q->source = g_source_new(&source_funcs, sizeof(source_t));
  ((source_t*)q->source)->queue = q;
  g_source_attach(q->source, context);
}

/* In this thread, until the end. */
static void queue_receive(queue_t* q, queue_cb cb, void* data) {
  void* value;

  while ((value = g_async_queue_pop(q->values)) != &the_end) {
    queue_give_room(q, 1);
    cb(data, value);
    g_free(value);
  }
  cb(data, NULL);
}

static uint64_t queue_number(const void* value) {
  uint64_t number;

  memcpy(&number, value, sizeof(number));
  return number;
}

/* ---- A loop in a thread of its own ----------------------------------------------------------- */

typedef struct {
  GMainContext* context;
  GMainLoop* loop;
  peers_thread_t* thread;
} receiver_t;

static void receiver_init(receiver_t* r, void (*run)(peers_thread_t* self), void* data,
                          int processor) {
  r->context = g_main_context_new();
  r->loop = g_main_loop_new(r->context, FALSE);
  r->thread = peers_add(run, data, processor);
}

static void receiver_run(const receiver_t* r) {
  g_main_context_push_thread_default(r->context);
  g_main_loop_run(r->loop);
  g_main_context_pop_thread_default(r->context);
}

static void receiver_thread(peers_thread_t* self) { receiver_run(self->data); }

static void receiver_clear(receiver_t* r) {
  g_main_loop_unref(r->loop);
  g_main_context_unref(r->context);
}

static void receiver_count(void* data, const void* value) {
  const receiver_t* r = data;

  if (value == NULL) {
    peers_ended(r->thread);
    g_main_loop_quit(r->loop);
  } else {
    peers_count_received(r->thread, queue_number(value));
  }
}

/* ---- Stream ---------------------------------------------------------------------------------- */

typedef struct {
  peers_stream_t options;
  queue_t* queue;
} stream_t;

static void thread_count(void* data, const void* value) {
  if (value == NULL) {
    peers_ended(data);
  } else {
    peers_count_received(data, queue_number(value));
  }
}

static void stream_send(peers_thread_t* self) {
  const stream_t* s = self->data;
  unsigned char* value = peers_alloc(1, s->options.size);
  size_t i;

  while (!peers_stopped()) {
    memcpy(value, &self->sent, sizeof(self->sent));
    peers_count_sent(self, self->sent);
    queue_send(s->queue, value);
  }
  if (peers_last_sender()) {
    for (i = 0; i < s->options.receivers; i++) queue_close(s->queue);
  }
  free(value);
}

static void stream_receive(peers_thread_t* self) {
  const stream_t* s = self->data;

  queue_receive(s->queue, thread_count, self);
}

static void stream(const benchmark_t* b) {
  static stream_t s;
  receiver_t receiver;
  size_t i;

  s.options = peers_stream(b);
  if (s.options.from_loop) peers_refuse("a sender on a loop");
  if (s.options.to_loop && s.options.receivers > 1)
    peers_refuse("several loops that receive from one queue");
  if (s.options.capacity == 0) peers_refuse("an unbuffered channel");
  if (s.options.batch > 1) peers_refuse("several values in one call");
  s.queue = queue_new(s.options.capacity, s.options.size);
  if (s.options.to_loop) {
    receiver_init(&receiver, receiver_thread, &receiver, 1);
    queue_start(s.queue, receiver.context, receiver_count, &receiver);
  } else {
    for (i = 0; i < s.options.receivers; i++) peers_add(stream_receive, &s, 1);
  }
  for (i = 0; i < s.options.senders; i++) peers_add(stream_send, &s, 0);
  peers_run();
  queue_free(s.queue);
  if (s.options.to_loop) receiver_clear(&receiver);
}

/* ---- Ping-pong ------------------------------------------------------------------------------- */

typedef struct {
  receiver_t receiver;
  queue_t* in;
  queue_t* out;
} player_t;

static void pingpong_serve(player_t* player) {
  uint64_t number = player->receiver.thread->sent;

  peers_count_sent(player->receiver.thread, number);
  queue_send(player->out, &number);
}

static void on_pong(void* data, const void* value) {
  player_t* player = data;

  peers_count_received(player->receiver.thread, queue_number(value));
  if (!peers_stopped()) {
    pingpong_serve(player);
  } else {
    peers_ended(player->receiver.thread);
    queue_close(player->out);
    g_main_loop_quit(player->receiver.loop);
  }
}

static void on_ping(void* data, const void* value) {
  const player_t* player = data;

  if (value != NULL) {
    queue_send(player->out, value);
  } else {
    g_main_loop_quit(player->receiver.loop);
  }
}

static void pingpong_first(peers_thread_t* self) {
  player_t* player = self->data;

  pingpong_serve(player);
  receiver_run(&player->receiver);
}

static void pingpong(const benchmark_t* b) {
  static player_t players[2];
  size_t capacity = benchmark_number(b, "capacity", 1);
  int i;

  if (capacity == 0) peers_refuse("an unbuffered channel");
  for (i = 0; i < 2; i++) players[i].in = players[1 - i].out = queue_new(capacity, 8);
  receiver_init(&players[0].receiver, pingpong_first, &players[0], 0);
  receiver_init(&players[1].receiver, receiver_thread, &players[1].receiver, 1);
  queue_start(players[0].in, players[0].receiver.context, on_pong, &players[0]);
  queue_start(players[1].in, players[1].receiver.context, on_ping, &players[1]);
  peers_run();
  for (i = 0; i < 2; i++) {
    queue_free(players[i].in);
    receiver_clear(&players[i].receiver);
  }
}

/* ---- Paced ----------------------------------------------------------------------------------- */

typedef struct {
  receiver_t receiver;
  queue_t* queue;
  uint64_t period;
  benchmark_latencies_t latencies;
} paced_t;

static void on_paced(void* data, const void* value) {
  paced_t* p = data;

  if (value != NULL) benchmark_note(&p->latencies, benchmark_now() - queue_number(value));
  receiver_count(&p->receiver, value);
}

static void paced_send(peers_thread_t* self) {
  const paced_t* p = self->data;
  uint64_t last = benchmark_now();

  while (!peers_stopped()) {
    uint64_t now = peers_pace(&last, p->period);

    peers_count_sent(self, now);
    queue_send(p->queue, &now);
  }
  queue_close(p->queue);
}

static void paced(const benchmark_t* b) {
  static paced_t p;

  p.period = benchmark_number(b, "period", 10000);
  p.latencies = peers_latencies(p.period);
  p.queue = queue_new(1024, 8);
  peers_add(paced_send, &p, 0);
  receiver_init(&p.receiver, receiver_thread, &p.receiver, 1);
  queue_start(p.queue, p.receiver.context, on_paced, &p);
  peers_run();
  peers_print_paced(p.receiver.thread, &p.latencies);
  queue_free(p.queue);
  receiver_clear(&p.receiver);
}

/* ---- Same loop ------------------------------------------------------------------------------- */

typedef struct {
  receiver_t receiver;
  queue_t* queue;
  size_t run;
  size_t left; /* of the run that is on its way */
} same_loop_t;

static void same_loop_send(same_loop_t* s) {
  peers_thread_t* thread = s->receiver.thread;

  for (s->left = 0; s->left < s->run; s->left++) {
    uint64_t number = thread->sent;

    peers_count_sent(thread, number);
    queue_send(s->queue, &number);
  }
}

static void on_same_loop(void* data, const void* value) {
  same_loop_t* s = data;

  receiver_count(&s->receiver, value);
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
  receiver_run(&s->receiver);
}

static void same_loop(const benchmark_t* b) {
  static same_loop_t s;

  s.run = benchmark_number(b, "run", 1);
  if (s.run < 1 || s.run > 64) peers_refuse("a run of none, or of more than 64");
  s.queue = queue_new(64, 8);
  receiver_init(&s.receiver, same_loop_run, &s, 0);
  queue_start(s.queue, s.receiver.context, on_same_loop, &s);
  peers_run();
  queue_free(s.queue);
  receiver_clear(&s.receiver);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void on_memory(void* data, const void* value) {
  if (value != NULL) ++*(uint64_t*)data;
}

/* n queues, each of which holds `each` values at once. Nothing else takes memory between the two
 * looks at the heap. */
static void memory_of(size_t n, size_t capacity, size_t each, int is_drained_shown) {
  queue_t** queues = peers_alloc(n, sizeof(queue_t*));
  GMainContext* context = g_main_context_new();
  uint64_t began, began_cpu, bytes, full, received = 0;
  size_t i, k;

  bytes = peers_heap_bytes();
  began = benchmark_now();
  began_cpu = benchmark_cpu();
  for (i = 0; i < n; i++) {
    queues[i] = queue_new(capacity, 8);
    queue_start(queues[i], context, on_memory, &received);
    for (k = 0; k < each; k++) queue_send(queues[i], &(uint64_t){k});
  }
  full = peers_heap_bytes() - bytes;
  while (received < n * each) g_main_context_iteration(context, TRUE);
  benchmark_print_times(received, benchmark_now() - began, benchmark_cpu() - began_cpu);
  benchmark_print("bytes", is_drained_shown ? full : (peers_heap_bytes() - bytes) / n);
  if (is_drained_shown) benchmark_print("drained_bytes", peers_heap_bytes() - bytes);
  for (i = 0; i < n; i++) queue_free(queues[i]);
  g_main_context_unref(context);
  free(queues);
}

static void memory(const benchmark_t* b) {
  const char* kind = benchmark_word(b, "kind", "idle");

  if (strcmp(kind, "idle") == 0) {
    memory_of(1000, 16, 1, 0);
  } else if (strcmp(kind, "empty") == 0) {
    memory_of(1000, SIZE_MAX, 1, 0);
  } else if (strcmp(kind, "million") == 0) {
    memory_of(1, SIZE_MAX, 1000000, 1);
  } else {
    peers_refuse(kind);
  }
}

static const peers_workload_t workloads[] = {
    {"stream", PEERS_STREAM, stream}, {"pingpong", PEERS_PINGPONG, pingpong},
    {"paced", PEERS_PACED, paced},    {"same-loop", PEERS_SAME_LOOP, same_loop},
    {"memory", PEERS_MEMORY, memory},
};

PEERS_MAIN(workloads)
