/* SPDX-License-Identifier: MIT */
/* The better form of the queue written by hand: an array of values that grows up to the capacity,
 * and that the receiver takes as a whole, under the lock, in exchange for its own empty one. The
 * uv_async_t is sent to only where the array was empty. Senders wait on a condition while it is
 * full, and are woken all at once when it is taken; a sender on a loop is told by a uv_async_t of
 * its own. What is taken no longer counts: up to twice the capacity is under way.
 *
 * Not supported: unbuffered channels; several loops that receive from one queue; select. */
#include "queue.h"

typedef struct {
  unsigned char* values;
  size_t n;
  size_t room;
} array_t;

/* A sender on a loop. */
typedef struct loop_sender_s loop_sender_t;

struct loop_sender_s {
  uv_async_t told; /* that there is room */
  uv_loop_t loop;
  unsigned char* values;
  size_t left; /* of the values that are to be sent next */
  peers_thread_t* thread;
  loop_sender_t* next;
};

struct queue_s {
  uv_mutex_t lock;
  uv_cond_t room;
  size_t waiting;               /* threads, for room */
  loop_sender_t* waiting_loops; /* the same */
  array_t filled;
  array_t taken; /* by the loop that receives */
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
  q->capacity = capacity;
  q->size = size;
  return q;
}

static void queue_free(queue_t* q) {
  if (q->cb == NULL) uv_cond_destroy(&q->wake.filled);
  uv_cond_destroy(&q->room);
  uv_mutex_destroy(&q->lock);
  free(q->filled.values);
  free(q->taken.values);
  free(q);
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void array_grow(array_t* a, size_t n, size_t size) {
  while (a->room < n) a->room = a->room == 0 ? 16 : 2 * a->room;
  a->values = realloc(a->values, a->room * size);
  peers_must(a->values != NULL, "realloc");
}

static void queue_wake(queue_t* q) {
  if (q->cb != NULL) {
    uv_async_send(&q->wake.async);
  } else {
    uv_cond_signal(&q->wake.filled);
  }
}

/* With the lock held: appends as many as fit. Returns how many, and whether the receiver is to be
 * woken. */
static size_t queue_append(queue_t* q, const void* values, size_t n, int* is_to_wake) {
  size_t free_slots = q->capacity - q->filled.n;

  if (n > free_slots) n = free_slots;
  if (q->filled.n + n > q->filled.room) array_grow(&q->filled, q->filled.n + n, q->size);
  memcpy(q->filled.values + q->filled.n * q->size, values, n * q->size);
  *is_to_wake = q->filled.n == 0 && n > 0;
  q->filled.n += n;
  return n;
}

static void queue_push(queue_t* q, const void* values, size_t n) {
  size_t done;

  for (done = 0; done < n;) {
    int is_to_wake;

    uv_mutex_lock(&q->lock);
    while (q->filled.n == q->capacity) {
      q->waiting++;
      uv_cond_wait(&q->room, &q->lock);
      q->waiting--;
    }
    done += queue_append(q, (const unsigned char*)values + done * q->size, n - done, &is_to_wake);
    uv_mutex_unlock(&q->lock);
    if (is_to_wake) queue_wake(q);
  }
}

/* For a sender on a loop: returns how many of n fitted, and tells it later where not all did. */
static size_t queue_try_push(queue_t* q, const void* values, size_t n, loop_sender_t* sender) {
  int is_to_wake;
  size_t done;

  uv_mutex_lock(&q->lock);
  done = queue_append(q, values, n, &is_to_wake);
  if (done < n) {
    sender->next = q->waiting_loops;
    q->waiting_loops = sender;
  }
  uv_mutex_unlock(&q->lock);
  if (is_to_wake) queue_wake(q);
  return done;
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

/* ---- Receiving ------------------------------------------------------------------------------- */

/* With the lock held. Returns the senders on loops, who are to be told without it. */
static loop_sender_t* queue_take(queue_t* q, array_t* empty) {
  loop_sender_t* senders = q->waiting_loops;
  array_t filled = q->filled;

  q->filled = *empty;
  *empty = filled;
  q->waiting_loops = NULL;
  if (q->waiting > 0) uv_cond_broadcast(&q->room);
  return senders;
}

static void queue_tell(loop_sender_t* senders) {
  while (senders != NULL) {
    loop_sender_t* next = senders->next; /* one that was told may wait again, and go elsewhere */

    uv_async_send(&senders->told);
    senders = next;
  }
}

static void array_deliver(array_t* taken, size_t size, queue_cb cb, void* data) {
  size_t i;

  for (i = 0; i < taken->n; i++) cb(data, taken->values + i * size);
  taken->n = 0;
}

static void on_async(uv_async_t* async) {
  queue_t* q = async->data;
  loop_sender_t* senders;
  int is_end;

  uv_mutex_lock(&q->lock);
  senders = queue_take(q, &q->taken);
  is_end = q->is_closed;
  uv_mutex_unlock(&q->lock);
  queue_tell(senders);
  array_deliver(&q->taken, q->size, q->cb, q->data);
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
  array_t taken = {NULL, 0, 0};
  loop_sender_t* senders;

  for (;;) {
    uv_mutex_lock(&q->lock);
    while (q->filled.n == 0 && !q->is_closed) uv_cond_wait(&q->wake.filled, &q->lock);
    senders = queue_take(q, &taken);
    uv_mutex_unlock(&q->lock);
    queue_tell(senders);
    if (taken.n == 0) break;
    array_deliver(&taken, q->size, cb, data);
  }
  free(taken.values);
  cb(data, NULL);
}

/* ---- Sending on a loop ----------------------------------------------------------------------- */

/* Sends until the queue is full, or the time is over. */
static void on_told(uv_async_t* told) {
  loop_sender_t* sender = told->data;
  const stream_t* s = sender->thread->data;
  size_t batch = s->options.batch;
  size_t size = s->options.size;

  while (sender->left > 0 || !peers_stopped()) {
    if (sender->left == 0) {
      stream_fill(sender->thread, sender->values, batch, size);
      sender->left = batch;
    }
    sender->left -= queue_try_push(s->queue, sender->values + (batch - sender->left) * size,
                                   sender->left, sender);
    if (sender->left > 0) return;
  }
  uv_close((uv_handle_t*)told, NULL);
  if (peers_last_sender()) queue_close(s->queue);
}

static void stream_send_on_loop(peers_thread_t* self) {
  const stream_t* s = self->data;
  loop_sender_t sender;

  memset(&sender, 0, sizeof(sender));
  sender.values = peers_alloc(s->options.batch, s->options.size);
  sender.thread = self;
  loop_init(&sender.loop);
  loop_async(&sender.loop, &sender.told, on_told, &sender);
  uv_async_send(&sender.told);
  uv_run(&sender.loop, UV_RUN_DEFAULT);
  loop_close(&sender.loop);
  free(sender.values);
}

static void stream(const benchmark_t* b) {
  static stream_t s;

  s.options = peers_stream(b);
  stream_run(&s, s.options.from_loop ? stream_send_on_loop : stream_send);
}

static const peers_workload_t workloads[] = {{"stream", PEERS_STREAM, stream}, QUEUE_WORKLOADS};

PEERS_MAIN(workloads)
