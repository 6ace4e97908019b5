/* SPDX-License-Identifier: MIT */
/* Concurrency Kit's ck_ring with a uv_async_t: values in the ring, by CK_RING_PROTOTYPE; SPSC for
 * one sender, MPSC for several.
 *
 * The ring has as many slots as the next power of two from the capacity on, of which one stays
 * empty. The uv_async_t is sent to only where the loop has said, after it found nothing, that it is
 * going to sleep. A sender that finds no room spins for a moment and then sleeps on a condition;
 * the loop looks whether anyone does after each half of the ring, and before it sleeps. Both sides
 * say that they are going to sleep, look again behind a full fence, and then sleep: so one of two
 * always sees the other.
 *
 * In the MPSC form a sender publishes only after all that came before it have, and spins until
 * then. With more senders than processors it can spin for as long as the one that it waits for is
 * not running; that is the ring's nature.
 *
 * Values of 8, 64 or 1024 bytes. Not supported: a sender on a loop, a receiving thread, several
 * receivers, several values in one call. */
#include "loop.h"

#include <ck_pr.h>
#include <ck_ring.h>

#define SPINS 100 /* looks for room before a sender sleeps */

/* clang-format off */
struct value8 { unsigned char bytes[8]; };
struct value64 { unsigned char bytes[64]; };
struct value1024 { unsigned char bytes[1024]; };
/* clang-format on */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
CK_RING_PROTOTYPE(value8, value8)
CK_RING_PROTOTYPE(value64, value64)
CK_RING_PROTOTYPE(value1024, value1024)
#pragma GCC diagnostic pop

typedef struct {
  ck_ring_t ring;
  void* slots;
  int has_one_sender;
  unsigned int is_closed;
  PEERS_ALIGNED unsigned int is_asleep;    /* the loop */
  PEERS_ALIGNED unsigned int has_sleepers; /* senders */
  uv_mutex_t lock;                         /* for them */
  uv_cond_t room;
  uv_loop_t loop;
  uv_async_t async;
  peers_thread_t* receiver;
} queue_t;

static queue_t queue;

static unsigned int ring_slots(size_t capacity) {
  unsigned int slots = 2;

  while (slots < capacity) slots *= 2;
  return slots;
}

static void queue_init(queue_t* q, size_t capacity, size_t size, int has_one_sender,
                       uv_async_cb on_async) {
  unsigned int slots = ring_slots(capacity);

  ck_ring_init(&q->ring, slots);
  q->slots = aligned_alloc(64, (slots * size + 63) / 64 * 64);
  peers_must(q->slots != NULL, "aligned_alloc");
  memset(q->slots, 0, slots * size);
  q->has_one_sender = has_one_sender;
  q->is_asleep = 1;
  peers_must(uv_mutex_init(&q->lock) == 0, "uv_mutex_init");
  peers_must(uv_cond_init(&q->room) == 0, "uv_cond_init");
  loop_init(&q->loop);
  loop_async(&q->loop, &q->async, on_async, q);
}

static void queue_destroy(queue_t* q) {
  loop_close(&q->loop);
  uv_cond_destroy(&q->room);
  uv_mutex_destroy(&q->lock);
  free(q->slots);
}

/* ---- Values of each size: `size` is a constant wherever these come to be --------------------- */

#define INLINE static inline __attribute__((always_inline))

INLINE int ring_enqueue(queue_t* q, void* value, size_t size) {
  if (size == 8) {
    return q->has_one_sender ? CK_RING_ENQUEUE_SPSC(value8, &q->ring, q->slots, value)
                             : CK_RING_ENQUEUE_MPSC(value8, &q->ring, q->slots, value);
  }
  if (size == 64) {
    return q->has_one_sender ? CK_RING_ENQUEUE_SPSC(value64, &q->ring, q->slots, value)
                             : CK_RING_ENQUEUE_MPSC(value64, &q->ring, q->slots, value);
  }
  return q->has_one_sender ? CK_RING_ENQUEUE_SPSC(value1024, &q->ring, q->slots, value)
                           : CK_RING_ENQUEUE_MPSC(value1024, &q->ring, q->slots, value);
}

INLINE int ring_dequeue(queue_t* q, void* value, size_t size) {
  if (size == 8) return CK_RING_DEQUEUE_MPSC(value8, &q->ring, q->slots, value);
  if (size == 64) return CK_RING_DEQUEUE_MPSC(value64, &q->ring, q->slots, value);
  return CK_RING_DEQUEUE_MPSC(value1024, &q->ring, q->slots, value);
}

/* ---- Sending --------------------------------------------------------------------------------- */

INLINE int enqueue_spinning(queue_t* q, void* value, size_t size) {
  int i;

  for (i = 0; i < SPINS; i++) {
    if (ring_enqueue(q, value, size)) return 1;
    ck_pr_stall();
  }
  return 0;
}

INLINE void enqueue_sleeping(queue_t* q, void* value, size_t size) {
  uv_mutex_lock(&q->lock);
  for (;;) {
    ck_pr_store_uint(&q->has_sleepers, 1);
    ck_pr_fence_memory();
    if (ring_enqueue(q, value, size)) break;
    uv_cond_wait(&q->room, &q->lock);
  }
  uv_mutex_unlock(&q->lock);
}

INLINE void queue_send(queue_t* q, void* value, size_t size) {
  if (!ring_enqueue(q, value, size) && !enqueue_spinning(q, value, size))
    enqueue_sleeping(q, value, size);
  ck_pr_fence_memory();
  if (ck_pr_load_uint(&q->is_asleep) && ck_pr_fas_uint(&q->is_asleep, 0)) uv_async_send(&q->async);
}

/* After the last send of all has returned. The loop closes the handle under the same lock. */
static void queue_close(queue_t* q) {
  uv_mutex_lock(&q->lock);
  ck_pr_store_uint(&q->is_closed, 1);
  uv_async_send(&q->async);
  uv_mutex_unlock(&q->lock);
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static void wake_senders(queue_t* q) {
  ck_pr_fence_memory();
  if (!ck_pr_load_uint(&q->has_sleepers)) return;
  uv_mutex_lock(&q->lock);
  ck_pr_store_uint(&q->has_sleepers, 0);
  uv_cond_broadcast(&q->room);
  uv_mutex_unlock(&q->lock);
}

typedef void (*on_number_t)(queue_t* q, uint64_t number);

static void on_number(queue_t* q, uint64_t number) { peers_count_received(q->receiver, number); }

/* Takes out what is there, at most half of the ring at once. Returns how many. */
INLINE unsigned int queue_drain(queue_t* q, size_t size, on_number_t cb) {
  unsigned int most = (q->ring.size + 1) / 2;
  unsigned char value[1024];
  uint64_t number;
  unsigned int n;

  for (n = 0; n < most && ring_dequeue(q, value, size); n++) {
    PEERS_KEEP(value);
    memcpy(&number, value, sizeof(number));
    cb(q, number);
  }
  return n;
}

INLINE void queue_receive(queue_t* q, size_t size, on_number_t cb) {
  unsigned int is_end;

  do {
    ck_pr_store_uint(&q->is_asleep, 0);
    is_end = ck_pr_load_uint(&q->is_closed);
    ck_pr_fence_load();
    while (queue_drain(q, size, cb) > 0) wake_senders(q);
    ck_pr_store_uint(&q->is_asleep, 1);
    ck_pr_fence_memory();
  } while (!is_end && ck_ring_size(&q->ring) > 0);
  if (!is_end) return;
  uv_mutex_lock(&q->lock);
  uv_close((uv_handle_t*)&q->async, NULL);
  uv_mutex_unlock(&q->lock);
  peers_ended(q->receiver);
}

/* ---- Stream ---------------------------------------------------------------------------------- */

INLINE void stream_send(peers_thread_t* self, size_t size) {
  queue_t* q = self->data;
  unsigned char value[1024] = {0};

  while (!peers_stopped()) {
    memcpy(value, &self->sent, sizeof(self->sent));
    queue_send(q, value, size);
    peers_count_sent(self, self->sent);
  }
  if (peers_last_sender()) queue_close(q);
}

static void send_8(peers_thread_t* self) { stream_send(self, 8); }
static void send_64(peers_thread_t* self) { stream_send(self, 64); }
static void send_1024(peers_thread_t* self) { stream_send(self, 1024); }
static void on_8(uv_async_t* async) { queue_receive(async->data, 8, on_number); }
static void on_64(uv_async_t* async) { queue_receive(async->data, 64, on_number); }
static void on_1024(uv_async_t* async) { queue_receive(async->data, 1024, on_number); }

static void stream(const benchmark_t* b) {
  peers_stream_t s = peers_stream(b);
  size_t i;

  if (s.from_loop) peers_refuse("a sender on a loop");
  if (!s.to_loop) peers_refuse("a receiving thread");
  if (s.receivers > 1) peers_refuse("several receivers");
  if (s.capacity == 0) peers_refuse("an unbuffered channel");
  if (s.batch > 1) peers_refuse("several values in one call");
  if (s.size != 8 && s.size != 64 && s.size != 1024)
    peers_refuse("values of other than 8, 64 or 1024 bytes");
  queue_init(&queue, s.capacity, s.size, s.senders == 1,
             s.size == 8    ? on_8
             : s.size == 64 ? on_64
                            : on_1024);
  for (i = 0; i < s.senders; i++)
    peers_add(s.size == 8 ? send_8 : s.size == 64 ? send_64 : send_1024, &queue, 0);
  queue.receiver = peers_add(loop_run, &queue.loop, 1);
  peers_run();
  queue_destroy(&queue);
}

/* ---- Paced ----------------------------------------------------------------------------------- */

static uint64_t period;
static benchmark_latencies_t latencies;

static void on_paced_number(queue_t* q, uint64_t number) {
  benchmark_note(&latencies, benchmark_now() - number);
  peers_count_received(q->receiver, number);
}

static void on_paced(uv_async_t* async) { queue_receive(async->data, 8, on_paced_number); }

static void paced_send(peers_thread_t* self) {
  uint64_t last = benchmark_now();

  while (!peers_stopped()) {
    uint64_t now = peers_pace(&last, period);

    peers_count_sent(self, now);
    queue_send(&queue, &now, 8);
  }
  queue_close(&queue);
}

static void paced(const benchmark_t* b) {
  period = benchmark_number(b, "period", 10000);
  latencies = peers_latencies(period);
  queue_init(&queue, 1024, 8, 1, on_paced);
  peers_add(paced_send, NULL, 0);
  queue.receiver = peers_add(loop_run, &queue.loop, 1);
  peers_run();
  peers_print_paced(queue.receiver, &latencies);
  queue_destroy(&queue);
}

static const peers_workload_t workloads[] = {{"stream", PEERS_STREAM, stream},
                                             {"paced", PEERS_PACED, paced}};

PEERS_MAIN(workloads)
