/* SPDX-License-Identifier: MIT */
/* The queue as most projects on libuv write it by hand: a mutex, a linked list with a malloc'd node
 * for each value, a uv_async_t that is sent to on each push (libuv makes one wake-up of several),
 * and a condition that senders wait on while the list is full. The callback takes the nodes out one
 * after the other, until it finds none; so what a callback pushes on its own loop is taken out
 * without a turn of that loop. A thread that receives waits on another condition instead.
 *
 * Not supported: a sender on a loop, which could only block it; several values in one call;
 * unbuffered channels; select. */
#include "queue.h"

typedef struct node_s node_t;

struct node_s {
  node_t* next;
  unsigned char value[];
};

struct queue_s {
  uv_mutex_t lock;
  uv_cond_t room;
  node_t* first;
  node_t** last;
  size_t n;
  size_t capacity;
  size_t size;
  int is_closed;
  queue_cb cb; /* of the loop that receives; NULL where threads do */
  void* data;
  union {
    uv_async_t async;
    uv_cond_t filled;
  } wake;
};

static queue_t* queue_new(size_t capacity, size_t size) {
  queue_t* q = peers_alloc(1, sizeof(*q));

  peers_must(uv_mutex_init(&q->lock) == 0, "uv_mutex_init");
  peers_must(uv_cond_init(&q->room) == 0, "uv_cond_init");
  peers_must(uv_cond_init(&q->wake.filled) == 0, "uv_cond_init");
  q->last = &q->first;
  q->capacity = capacity;
  q->size = size;
  return q;
}

static void queue_free(queue_t* q) {
  if (q->cb == NULL) uv_cond_destroy(&q->wake.filled);
  uv_cond_destroy(&q->room);
  uv_mutex_destroy(&q->lock);
  free(q);
}

static void queue_push(queue_t* q, const void* values, size_t n) {
  node_t* node = malloc(sizeof(*node) + q->size);

  (void)n; /* 1: see stream() */
  peers_must(node != NULL, "malloc");
  node->next = NULL;
  memcpy(node->value, values, q->size);
  uv_mutex_lock(&q->lock);
  while (q->n == q->capacity) uv_cond_wait(&q->room, &q->lock);
  *q->last = node;
  q->last = &node->next;
  q->n++;
  uv_mutex_unlock(&q->lock);
  if (q->cb != NULL) {
    uv_async_send(&q->wake.async);
  } else {
    uv_cond_signal(&q->wake.filled);
  }
}

/* Wakes the receiver with the lock held: a loop that saw the end would close the handle. */
static void queue_close(queue_t* q) {
  uv_mutex_lock(&q->lock);
  q->is_closed = 1;
  if (q->cb != NULL) {
    uv_async_send(&q->wake.async);
  } else {
    uv_cond_broadcast(&q->wake.filled);
  }
  uv_mutex_unlock(&q->lock);
}

/* With the lock held, and not empty. */
static node_t* queue_pop(queue_t* q) {
  node_t* node = q->first;

  q->first = node->next;
  if (q->first == NULL) q->last = &q->first;
  q->n--;
  uv_cond_signal(&q->room);
  return node;
}

static void on_async(uv_async_t* async) {
  queue_t* q = async->data;
  int is_end;

  for (;;) {
    node_t* node;

    uv_mutex_lock(&q->lock);
    node = q->first == NULL ? NULL : queue_pop(q);
    is_end = node == NULL && q->is_closed;
    uv_mutex_unlock(&q->lock);
    if (node == NULL) break;
    q->cb(q->data, node->value);
    free(node);
  }
  if (is_end) {
    uv_close((uv_handle_t*)async, NULL);
    q->cb(q->data, NULL);
  }
}

static void queue_start(queue_t* q, uv_loop_t* loop, queue_cb cb, void* data) {
  uv_cond_destroy(&q->wake.filled);
  q->cb = cb;
  q->data = data;
  loop_async(loop, &q->wake.async, on_async, q);
}

static void queue_receive(queue_t* q, queue_cb cb, void* data) {
  node_t* node;

  do {
    uv_mutex_lock(&q->lock);
    while (q->first == NULL && !q->is_closed) uv_cond_wait(&q->wake.filled, &q->lock);
    node = q->first == NULL ? NULL : queue_pop(q);
    uv_mutex_unlock(&q->lock);
    cb(data, node == NULL ? NULL : node->value);
    free(node);
  } while (node != NULL);
}

static void stream(const benchmark_t* b) {
  static stream_t s;

  s.options = peers_stream(b);
  if (s.options.from_loop) peers_refuse("a sender on a loop");
  if (s.options.batch > 1) peers_refuse("several values in one call");
  stream_run(&s, stream_send);
}

static const peers_workload_t workloads[] = {{"stream", PEERS_STREAM, stream}, QUEUE_WORKLOADS};

PEERS_MAIN(workloads)
