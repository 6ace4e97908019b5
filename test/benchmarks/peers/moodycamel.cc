/* SPDX-License-Identifier: MIT */
// moodycamel::ConcurrentQueue with a uv_async_t for a loop that receives, moodycamel::BlockingConcurrentQueue for threads that do. The
// queues have no bound of their own: senders wait for room at a LightweightSemaphore, which spins for some time before it sleeps (as
// the blocking queue does). Senders have producer tokens; receivers take values out in bulk.
//
// The uv_async_t is sent to only where the loop has said, after it found nothing, that it is going to sleep.
//
// Values of 8, 64 or 1024 bytes. Not supported: a sender on a loop, several loops that receive, unbuffered channels.
#include "loop.h"

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace {

constexpr size_t kBulk = 64;

template <size_t Size>
struct Value {
  unsigned char bytes[Size];

  void set(uint64_t number) { memcpy(bytes, &number, sizeof(number)); }
  uint64_t get() const {
    uint64_t number;

    PEERS_KEEP(bytes);
    memcpy(&number, bytes, sizeof(number));
    return number;
  }
};

// ---- A queue that a loop receives from ------------------------------------------------------------------------------------------

template <size_t Size>
class LoopQueue {
 public:
  using Callback = void (*)(void* data, const Value<Size>* value); // nullptr at the end

  LoopQueue(size_t capacity, size_t senders)
      : queue(capacity, senders, senders == 0 ? 1 : 0), room(static_cast<ssize_t>(capacity)) {}
  LoopQueue() = default; // without a bound: for push() alone

  moodycamel::ProducerToken token() { return moodycamel::ProducerToken(queue); }

  void start(uv_loop_t* loop, Callback on_value, void* its_data) {
    callback = on_value;
    data = its_data;
    loop_async(loop, &async, on_async, this);
  }

  // Waits while it is full.
  void send(const moodycamel::ProducerToken& token, const Value<Size>* values, size_t n) {
    while (n > 0) {
      auto some = static_cast<size_t>(room.waitMany(static_cast<ssize_t>(n)));

      peers_must(queue.enqueue_bulk(token, values, some), "enqueue_bulk");
      values += some;
      n -= some;
      wake();
    }
  }

  // Without a token, and without a look at the bound.
  void push(const Value<Size>& value) {
    peers_must(queue.enqueue(value), "enqueue");
    wake();
  }

  // After the last send of all has returned.
  void close() {
    std::lock_guard<std::mutex> lock(end);

    closed.store(true, std::memory_order_release);
    uv_async_send(&async);
  }

 private:
  // Either this sees that the loop is about to sleep, or the loop, which looks again, sees the value.
  void wake() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (asleep.load(std::memory_order_relaxed) && asleep.exchange(false)) uv_async_send(&async);
  }

  void drain() {
    Value<Size> values[kBulk];
    size_t n;

    while ((n = queue.try_dequeue_bulk(values, kBulk)) > 0) {
      room.signal(static_cast<ssize_t>(n));
      for (size_t i = 0; i < n; i++) callback(data, &values[i]);
    }
  }

  static void on_async(uv_async_t* async) {
    auto* self = static_cast<LoopQueue*>(async->data);
    bool is_end;

    do {
      self->asleep.store(false, std::memory_order_relaxed);
      is_end = self->closed.load(std::memory_order_acquire);
      self->drain();
      self->asleep.store(true, std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_seq_cst);
    } while (!is_end && self->queue.size_approx() > 0);
    if (!is_end) return;
    { std::lock_guard<std::mutex> lock(self->end); } // close() has done with the handle
    uv_close(reinterpret_cast<uv_handle_t*>(async), nullptr);
    self->callback(self->data, nullptr);
  }

  moodycamel::ConcurrentQueue<Value<Size>> queue;
  moodycamel::LightweightSemaphore room;
  std::atomic<bool> asleep{true};
  std::atomic<bool> closed{false};
  std::mutex end;
  uv_async_t async;
  Callback callback = nullptr;
  void* data = nullptr;
};

template <size_t Size>
void count(void* data, const Value<Size>* value) {
  auto* self = static_cast<peers_thread_t*>(data);

  if (value == nullptr) {
    peers_ended(self);
  } else {
    peers_count_received(self, value->get());
  }
}

// ---- A queue that threads receive from ------------------------------------------------------------------------------------------

// The end is a value of its own, one for each receiver.
constexpr uint64_t kEnd = UINT64_MAX;

template <size_t Size>
class ThreadQueue {
 public:
  ThreadQueue(size_t capacity, size_t senders, size_t n)
      : queue(capacity, senders, 1), room(static_cast<ssize_t>(capacity)), receivers(n) {}

  moodycamel::ProducerToken token() { return moodycamel::ProducerToken(queue); }

  void send(const moodycamel::ProducerToken& token, const Value<Size>* values, size_t n) {
    while (n > 0) {
      auto some = static_cast<size_t>(room.waitMany(static_cast<ssize_t>(n)));

      peers_must(queue.enqueue_bulk(token, values, some), "enqueue_bulk");
      values += some;
      n -= some;
    }
  }

  void close() { put_ends(receivers); }

  // The queue keeps the order of each sender only, so values may come after an end: all are out when it is found empty. Ends of others
  // that were taken are put back.
  void receive(peers_thread_t* self) {
    moodycamel::ConsumerToken token(queue);
    size_t ends = 0;

    while (ends == 0) {
      size_t n = queue.wait_dequeue_bulk(token, values(), kBulk);

      ends += take(self, n);
    }
    while (size_t n = queue.try_dequeue_bulk(token, values(), kBulk)) ends += take(self, n);
    put_ends(ends - 1);
    peers_ended(self);
  }

 private:
  static Value<Size>* values() {
    static thread_local Value<Size> room_for_them[kBulk];

    return room_for_them;
  }

  // Returns how many of the n are ends.
  size_t take(peers_thread_t* self, size_t n) {
    size_t ends = 0;

    for (size_t i = 0; i < n; i++) {
      uint64_t number = values()[i].get();

      if (number == kEnd) {
        ends++;
      } else {
        peers_count_received(self, number);
      }
    }
    room.signal(static_cast<ssize_t>(n - ends));
    return ends;
  }

  void put_ends(size_t n) {
    Value<Size> value{};

    value.set(kEnd);
    for (size_t i = 0; i < n; i++) peers_must(queue.enqueue(value), "enqueue");
  }

  moodycamel::BlockingConcurrentQueue<Value<Size>> queue;
  moodycamel::LightweightSemaphore room;
  size_t receivers;
};

// ---- Stream ---------------------------------------------------------------------------------------------------------------------

template <typename Queue>
struct Stream {
  Queue* queue;
  size_t batch;
};

template <size_t Size, typename Queue>
void stream_send(peers_thread_t* self) {
  auto* s = static_cast<Stream<Queue>*>(self->data);
  moodycamel::ProducerToken token = s->queue->token();
  std::vector<Value<Size>> values(s->batch);

  while (!peers_stopped()) {
    for (auto& value : values) {
      value.set(self->sent);
      peers_count_sent(self, self->sent);
    }
    s->queue->send(token, values.data(), values.size());
  }
  if (peers_last_sender()) s->queue->close();
}

template <size_t Size>
void stream_to_loop(const peers_stream_t& options) {
  using Queue = LoopQueue<Size>;
  auto queue = std::make_unique<Queue>(options.capacity, options.senders);
  Stream<Queue> s{queue.get(), options.batch};
  uv_loop_t loop;

  loop_init(&loop);
  queue->start(&loop, count<Size>, peers_add(loop_run, &loop, 1));
  for (size_t i = 0; i < options.senders; i++) peers_add(stream_send<Size, Queue>, &s, 0);
  peers_run();
  loop_close(&loop);
}

template <size_t Size>
void stream_receive(peers_thread_t* self) {
  static_cast<Stream<ThreadQueue<Size>>*>(self->data)->queue->receive(self);
}

template <size_t Size>
void stream_to_threads(const peers_stream_t& options) {
  using Queue = ThreadQueue<Size>;
  auto queue = std::make_unique<Queue>(options.capacity, options.senders, options.receivers);
  Stream<Queue> s{queue.get(), options.batch};

  for (size_t i = 0; i < options.receivers; i++) peers_add(stream_receive<Size>, &s, 1);
  for (size_t i = 0; i < options.senders; i++) peers_add(stream_send<Size, Queue>, &s, 0);
  peers_run();
}

template <size_t Size>
void stream_of(const peers_stream_t& options) {
  if (options.to_loop) {
    stream_to_loop<Size>(options);
  } else {
    stream_to_threads<Size>(options);
  }
}

void stream(const benchmark_t* b) {
  peers_stream_t options = peers_stream(b);

  if (options.from_loop) peers_refuse("a sender on a loop");
  if (options.to_loop && options.receivers > 1)
    peers_refuse("several loops that receive from one queue");
  if (options.capacity == 0) peers_refuse("an unbuffered channel");
  switch (options.size) {
    case 8:
      stream_of<8>(options);
      break;
    case 64:
      stream_of<64>(options);
      break;
    case 1024:
      stream_of<1024>(options);
      break;
    default:
      peers_refuse("values of other than 8, 64 or 1024 bytes");
  }
}

// ---- Ping-pong ------------------------------------------------------------------------------------------------------------------

struct Player {
  LoopQueue<8> in;
  LoopQueue<8>* out = nullptr;
  std::unique_ptr<moodycamel::ProducerToken> token; // to send to out
  uv_loop_t loop;
  peers_thread_t* thread = nullptr;

  explicit Player(size_t capacity) : in(capacity, 1) {}

  void serve() {
    Value<8> value;

    value.set(thread->sent);
    peers_count_sent(thread, thread->sent);
    out->send(*token, &value, 1);
  }
};

void on_pong(void* data, const Value<8>* value) {
  auto* player = static_cast<Player*>(data);

  if (value == nullptr) return;
  peers_count_received(player->thread, value->get());
  if (!peers_stopped()) {
    player->serve();
  } else {
    peers_ended(player->thread);
    player->out->close();
    player->in.close();
  }
}

void on_ping(void* data, const Value<8>* value) {
  auto* player = static_cast<Player*>(data);

  if (value != nullptr) player->out->send(*player->token, value, 1);
}

void pingpong_first(peers_thread_t* self) {
  auto* player = static_cast<Player*>(self->data);

  player->serve();
  uv_run(&player->loop, UV_RUN_DEFAULT);
}

void pingpong(const benchmark_t* b) {
  size_t capacity = benchmark_number(b, "capacity", 1);

  if (capacity == 0) peers_refuse("an unbuffered channel");
  Player first(capacity);
  Player second(capacity);
  for (auto [player, other] : {std::pair{&first, &second}, std::pair{&second, &first}}) {
    loop_init(&player->loop);
    player->out = &other->in;
    player->token = std::make_unique<moodycamel::ProducerToken>(other->in.token());
  }
  first.in.start(&first.loop, on_pong, &first);
  second.in.start(&second.loop, on_ping, &second);
  first.thread = peers_add(pingpong_first, &first, 0);
  second.thread = peers_add(loop_run, &second.loop, 1);
  peers_run();
  loop_close(&first.loop);
  loop_close(&second.loop);
}

// ---- Paced ----------------------------------------------------------------------------------------------------------------------

struct Paced {
  LoopQueue<8> queue{1024, 1};
  uint64_t period;
  benchmark_latencies_t latencies;
  peers_thread_t* receiver;
};

void on_paced(void* data, const Value<8>* value) {
  auto* p = static_cast<Paced*>(data);

  if (value != nullptr) benchmark_note(&p->latencies, benchmark_now() - value->get());
  count<8>(p->receiver, value);
}

void paced_send(peers_thread_t* self) {
  auto* p = static_cast<Paced*>(self->data);
  moodycamel::ProducerToken token = p->queue.token();
  uint64_t last = benchmark_now();

  while (!peers_stopped()) {
    uint64_t now = peers_pace(&last, p->period);
    Value<8> value;

    value.set(now);
    peers_count_sent(self, now);
    p->queue.send(token, &value, 1);
  }
  p->queue.close();
}

void paced(const benchmark_t* b) {
  Paced p;
  uv_loop_t loop;

  p.period = benchmark_number(b, "period", 10000);
  p.latencies = peers_latencies(p.period);
  loop_init(&loop);
  p.queue.start(&loop, on_paced, &p);
  peers_add(paced_send, &p, 0);
  p.receiver = peers_add(loop_run, &loop, 1);
  peers_run();
  peers_print_paced(p.receiver, &p.latencies);
  loop_close(&loop);
}

// ---- Memory ---------------------------------------------------------------------------------------------------------------------

void on_memory(void* data, const Value<8>* value) {
  if (value != nullptr) ++*static_cast<uint64_t*>(data);
}

// n queues, each of which holds `each` values at once. Nothing else takes memory between the two looks at the heap.
void memory_of(size_t n, size_t capacity, size_t each, bool is_drained_shown) {
  std::vector<std::unique_ptr<LoopQueue<8>>> queues(n);
  uint64_t received = 0;
  uv_loop_t loop;

  loop_init(&loop);
  uint64_t bytes = peers_heap_bytes();
  uint64_t began = benchmark_now();
  uint64_t began_cpu = benchmark_cpu();
  for (auto& queue : queues) {
    queue = capacity == 0 ? std::make_unique<LoopQueue<8>>()
                          : std::make_unique<LoopQueue<8>>(capacity, 0);
    queue->start(&loop, on_memory, &received);
    for (size_t i = 0; i < each; i++) {
      Value<8> value;

      value.set(i);
      queue->push(value);
    }
  }
  uint64_t full = peers_heap_bytes() - bytes;
  while (received < n * each) uv_run(&loop, UV_RUN_ONCE);
  benchmark_print_times(received, benchmark_now() - began, benchmark_cpu() - began_cpu);
  benchmark_print("bytes", is_drained_shown ? full : (peers_heap_bytes() - bytes) / n);
  if (is_drained_shown) benchmark_print("drained_bytes", peers_heap_bytes() - bytes);
  for (auto& queue : queues) queue->close();
  uv_run(&loop, UV_RUN_DEFAULT);
  loop_close(&loop);
}

void memory(const benchmark_t* b) {
  const char* kind = benchmark_word(b, "kind", "idle");

  if (strcmp(kind, "idle") == 0) {
    memory_of(1000, 16, 1, false);
  } else if (strcmp(kind, "empty") == 0) {
    memory_of(1000, 0, 1, false);
  } else if (strcmp(kind, "million") == 0) {
    memory_of(1, 0, 1000000, true);
  } else {
    peers_refuse(kind);
  }
}

const peers_workload_t workloads[] = {
    {"stream", PEERS_STREAM, stream},
    {"pingpong", PEERS_PINGPONG, pingpong},
    {"paced", PEERS_PACED, paced},
    {"memory", PEERS_MEMORY, memory},
};

} // namespace

PEERS_MAIN(workloads)
