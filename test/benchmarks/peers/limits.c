/* SPDX-License-Identifier: MIT */
/* What the hardware and libuv by itself allow: not queues that anyone ships, but what all others
 * are measured against.
 *
 *   stream             a ring of one sender and one receiver that spin and never sleep, each on a
 *                      thread; each remembers what it last saw of the other's place, and looks
 *                      again only where that says full or empty. Values of 8, 64 or 1024 bytes, in
 *                      the ring
 *   pingpong           two loops that send to each other's uv_async_t, without values
 *   pingpong spin=1    two threads that spin on one word
 *   same-loop          a loop that sends to its own uv_async_t: a wake-up for each value
 *   same-loop run=0    turns of a loop with an active idle handle: what a turn costs at least
 *   pool               threads that do one work after the other, which nobody submits */
#include "loop.h"

/* ---- Stream ---------------------------------------------------------------------------------- */

typedef struct {
  PEERS_ALIGNED size_t tail; /* values sent */
  size_t seen_head;          /* the sender's */
  PEERS_ALIGNED size_t head; /* values received */
  size_t seen_tail;          /* the receiver's */
  PEERS_ALIGNED int is_closed;
  size_t capacity;
  size_t mask;
  size_t batch;
  unsigned char* cells;
} ring_t;

static ring_t ring;

/* Waits until there is room, and returns for how many, at most `most`. */
static inline size_t ring_room(ring_t* r, size_t most) {
  size_t tail = r->tail;
  size_t room;

  if (tail - r->seen_head == r->capacity) {
    while (tail - (r->seen_head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE)) == r->capacity)
      PEERS_PAUSE();
  }
  room = r->capacity - (tail - r->seen_head);
  return room < most ? room : most;
}

/* The same for values that are there; 0 at the end. */
static inline size_t ring_filled(ring_t* r, size_t most) {
  size_t head = r->head;
  int is_closed = 0;

  while (r->seen_tail == head) {
    if (is_closed) return 0;
    PEERS_PAUSE();
    is_closed = __atomic_load_n(&r->is_closed, __ATOMIC_ACQUIRE);
    r->seen_tail = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
  }
  return r->seen_tail - head < most ? r->seen_tail - head : most;
}

static inline void ring_send(peers_thread_t* self, ring_t* r, size_t size, size_t batch) {
  unsigned char value[1024] = {0};
  uint64_t number = 0, sum = 0;

  while (!peers_stopped()) {
    size_t n = ring_room(r, batch);
    size_t i;

    for (i = 0; i < n; i++) {
      memcpy(value, &number, 8);
      memcpy(r->cells + ((r->tail + i) & r->mask) * size, value, size);
      sum += number++;
    }
    __atomic_store_n(&r->tail, r->tail + n, __ATOMIC_RELEASE);
  }
  self->sent = number;
  self->sent_sum = sum;
  __atomic_store_n(&r->is_closed, 1, __ATOMIC_RELEASE);
}

static inline void ring_receive(peers_thread_t* self, ring_t* r, size_t size, size_t batch) {
  unsigned char value[1024];
  uint64_t received = 0, number, sum = 0;
  size_t n;

  while ((n = ring_filled(r, batch)) > 0) {
    size_t i;

    for (i = 0; i < n; i++) {
      memcpy(value, r->cells + ((r->head + i) & r->mask) * size, size);
      PEERS_KEEP(value);
      memcpy(&number, value, 8);
      sum += number;
    }
    received += n;
    __atomic_store_n(&r->head, r->head + n, __ATOMIC_RELEASE);
  }
  peers_ended(self);
  self->received = received;
  self->received_sum = sum;
}

/* For each size, and for single values, code of its own: the compiler knows how much it copies. */
typedef void (*ring_end_t)(peers_thread_t* self, ring_t* r, size_t size, size_t batch);

static inline __attribute__((always_inline)) void ring_specialise(ring_end_t end,
                                                                  peers_thread_t* self,
                                                                  size_t size) {
  if (ring.batch == 1) {
    end(self, &ring, size, 1);
  } else {
    end(self, &ring, size, ring.batch);
  }
}

static void send_8(peers_thread_t* self) { ring_specialise(ring_send, self, 8); }
static void send_64(peers_thread_t* self) { ring_specialise(ring_send, self, 64); }
static void send_1024(peers_thread_t* self) { ring_specialise(ring_send, self, 1024); }
static void receive_8(peers_thread_t* self) { ring_specialise(ring_receive, self, 8); }
static void receive_64(peers_thread_t* self) { ring_specialise(ring_receive, self, 64); }
static void receive_1024(peers_thread_t* self) { ring_specialise(ring_receive, self, 1024); }

static void stream(const benchmark_t* b) {
  peers_stream_t s = peers_stream(b);
  size_t slots = 1;

  if (s.senders > 1 || s.receivers > 1) peers_refuse("several senders or receivers");
  if (s.capacity == 0) peers_refuse("an unbuffered channel");
  if (s.size != 8 && s.size != 64 && s.size != 1024)
    peers_refuse("values of other than 8, 64 or 1024 bytes");
  while (slots < s.capacity) slots *= 2;
  ring.capacity = s.capacity;
  ring.mask = slots - 1;
  ring.batch = s.batch;
  ring.cells = aligned_alloc(64, (slots * s.size + 63) / 64 * 64);
  peers_must(ring.cells != NULL, "aligned_alloc");
  memset(ring.cells, 0, slots * s.size);
  peers_add(s.size == 8 ? send_8 : s.size == 64 ? send_64 : send_1024, NULL, 0);
  peers_add(s.size == 8 ? receive_8 : s.size == 64 ? receive_64 : receive_1024, NULL, 1);
  peers_run();
  free(ring.cells);
}

/* ---- Ping-pong ------------------------------------------------------------------------------- */

typedef struct {
  uv_loop_t loops[2];
  uv_async_t asyncs[2];
  int is_over;
  peers_thread_t* first;
} players_t;

static void on_pong(uv_async_t* async) {
  players_t* p = async->data;

  peers_count_received(p->first, 0);
  if (!peers_stopped()) {
    peers_count_sent(p->first, 0);
  } else {
    peers_ended(p->first);
    __atomic_store_n(&p->is_over, 1, __ATOMIC_RELEASE);
    uv_close((uv_handle_t*)async, NULL);
  }
  uv_async_send(&p->asyncs[1]);
}

static void on_ping(uv_async_t* async) {
  players_t* p = async->data;

  if (__atomic_load_n(&p->is_over, __ATOMIC_ACQUIRE)) {
    uv_close((uv_handle_t*)async, NULL);
  } else {
    uv_async_send(&p->asyncs[0]);
  }
}

static void pingpong_first(peers_thread_t* self) {
  players_t* p = self->data;

  peers_count_sent(self, 0);
  uv_async_send(&p->asyncs[1]);
  uv_run(&p->loops[0], UV_RUN_DEFAULT);
}

static void pingpong_loops(void) {
  static players_t p;
  int i;

  for (i = 0; i < 2; i++) {
    loop_init(&p.loops[i]);
    loop_async(&p.loops[i], &p.asyncs[i], i == 0 ? on_pong : on_ping, &p);
  }
  p.first = peers_add(pingpong_first, &p, 0);
  peers_add(loop_run, &p.loops[1], 1);
  peers_run();
  for (i = 0; i < 2; i++) loop_close(&p.loops[i]);
}

/* Odd: the second one's turn. All bits: over. */
static struct { PEERS_ALIGNED uint64_t turn; } word;

static void spin_first(peers_thread_t* self) {
  uint64_t turn = 0;

  while (!peers_stopped()) {
    __atomic_store_n(&word.turn, turn + 1, __ATOMIC_RELEASE);
    peers_count_sent(self, turn);
    while (__atomic_load_n(&word.turn, __ATOMIC_ACQUIRE) != turn + 2) PEERS_PAUSE();
    peers_count_received(self, turn);
    turn += 2;
  }
  peers_ended(self);
  __atomic_store_n(&word.turn, UINT64_MAX, __ATOMIC_RELEASE);
}

static void spin_second(peers_thread_t* self) {
  uint64_t turn;

  (void)self;
  while ((turn = __atomic_load_n(&word.turn, __ATOMIC_ACQUIRE)) != UINT64_MAX) {
    if (turn & 1) {
      __atomic_store_n(&word.turn, turn + 1, __ATOMIC_RELEASE);
    } else {
      PEERS_PAUSE();
    }
  }
}

static void pingpong(const benchmark_t* b) {
  if (benchmark_number(b, "spin", 0) == 0) {
    pingpong_loops();
  } else {
    peers_add(spin_first, NULL, 0);
    peers_add(spin_second, NULL, 1);
    peers_run();
  }
}

/* ---- Same loop ------------------------------------------------------------------------------- */

typedef struct {
  uv_loop_t loop;
  uv_async_t async;
  uv_idle_t idle;
  peers_thread_t* thread;
} same_loop_t;

/* One more value. Returns whether another is to follow. */
static int same_loop_count(same_loop_t* s) {
  peers_count_sent(s->thread, 0);
  peers_count_received(s->thread, 0);
  if (!peers_stopped()) return 1;
  peers_ended(s->thread);
  return 0;
}

static void on_own_async(uv_async_t* async) {
  if (same_loop_count(async->data)) {
    uv_async_send(async);
  } else {
    uv_close((uv_handle_t*)async, NULL);
  }
}

static void on_idle(uv_idle_t* idle) {
  if (!same_loop_count(idle->data)) uv_close((uv_handle_t*)idle, NULL);
}

static void same_loop(const benchmark_t* b) {
  static same_loop_t s;
  uint64_t run = benchmark_number(b, "run", 1);

  if (run > 1) peers_refuse("several values: a uv_async_t makes one wake-up of them");
  loop_init(&s.loop);
  if (run == 1) {
    loop_async(&s.loop, &s.async, on_own_async, &s);
    uv_async_send(&s.async);
  } else {
    uv_idle_init(&s.loop, &s.idle);
    s.idle.data = &s;
    uv_idle_start(&s.idle, on_idle);
  }
  s.thread = peers_add(loop_run, &s.loop, 0);
  peers_run();
  loop_close(&s.loop);
}

/* ---- Pool ------------------------------------------------------------------------------------ */

static void work_off(peers_thread_t* self) {
  const peers_pool_t* p = self->data;

  while (!peers_stopped()) {
    peers_count_sent(self, 0);
    benchmark_work_off(p->work, p->work_ns);
    peers_count_received(self, 0);
  }
  peers_ended(self);
}

static void pool(const benchmark_t* b) {
  static peers_pool_t p;
  size_t i;

  p = peers_pool(b);
  if (p.work == BENCHMARK_EMPTY || p.period > 0)
    peers_refuse("works that take no time, or a period");
  for (i = 0; i < p.threads; i++) peers_add(work_off, &p, 0);
  peers_run();
}

static const peers_workload_t workloads[] = {
    {"stream", PEERS_STREAM, stream},
    {"pingpong", PEERS_PINGPONG "spin ", pingpong},
    {"same-loop", PEERS_SAME_LOOP, same_loop},
    {"pool", PEERS_POOL, pool},
};

PEERS_MAIN(workloads)
