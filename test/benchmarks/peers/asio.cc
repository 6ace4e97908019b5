/* SPDX-License-Identifier: MIT */
// Boost.Asio's experimental concurrent_channel. Each thread that sends or receives has an io_context of its own, in which its handlers run:
// a loop runs it throughout, a sending thread only until there is room. Both sides try first (try_send, try_receive) and begin an
// asynchronous operation where that does not go on; in same-loop each value comes by an operation of its own, so through the io_context.
// A receiving thread differs from a receiving loop in one thing: a loop's context has a timer, as one that serves anything has, and
// with it sleeps in its poll and not on a condition.
//
// close() of this version drops what is still buffered, so the end is an error that is sent as a message, one for each receiver.
//
// Its thread_pool stands beside that: works go to it, and come back to the loop, by post().
//
// Values of 8, 64 or 1024 bytes. Not supported: several values in one call.
#include "peers.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

template <size_t Size>
struct Value {
  unsigned char bytes[Size] = {};

  void set(uint64_t number) { memcpy(bytes, &number, sizeof(number)); }
  uint64_t get() const {
    uint64_t number;

    PEERS_KEEP(bytes);
    memcpy(&number, bytes, sizeof(number));
    return number;
  }
};

template <size_t Size>
using Channel = asio::experimental::concurrent_channel<void(error_code, Value<Size>)>;

// What one thread runs.
class Loop {
 public:
  explicit Loop(bool polls) {
    if (polls) timer.emplace(context);
  }

  asio::io_context context{1};

  template <typename Handler>
  auto bind(Handler handler) {
    return asio::bind_executor(context.get_executor(), std::move(handler));
  }

  // Until there is nothing more to come.
  void run() {
    context.restart();
    context.run();
  }

 private:
  std::optional<asio::steady_timer> timer;
};

// Sends on a thread: where the channel is full, waits in the loop until the operation is done.
template <size_t Size>
void send_waiting(Channel<Size>& channel, Loop& loop, const Value<Size>& value,
                  error_code end = {}) {
  if (channel.try_send(end, value)) return;
  channel.async_send(end, value,
                     loop.bind([](error_code error) { peers_must(!error, "async_send"); }));
  loop.run();
}

// Sends in a callback, where nothing waits for the operation to be done.
template <size_t Size>
void send_from_callback(Channel<Size>& channel, Loop& loop, const Value<Size>& value,
                        error_code end = {}) {
  if (channel.try_send(end, value)) return;
  channel.async_send(end, value,
                     loop.bind([](error_code error) { peers_must(!error, "async_send"); }));
}

error_code the_end() { return asio::error::eof; }

// Receives values until the end, and calls back for each.
template <size_t Size, typename OnValue, typename OnEnd>
class Receiver {
 public:
  Receiver(Channel<Size>& from, Loop& its_loop, bool drains_it, OnValue value_callback,
           OnEnd end_callback)
      : channel(from),
        loop(its_loop),
        drains(drains_it),
        on_value(value_callback),
        on_end(end_callback) {}

  void start() {
    channel.async_receive(loop.bind([this](error_code end, const Value<Size>& value) {
      take(end, value);
      while (drains && !is_over && try_take()) continue;
      if (!is_over) start();
    }));
  }

 private:
  void take(error_code end, const Value<Size>& value) {
    if (end) {
      is_over = true;
      on_end();
    } else {
      on_value(value.get());
    }
  }

  bool try_take() {
    return channel.try_receive(
        [this](error_code end, const Value<Size>& value) { take(end, value); });
  }

  Channel<Size>& channel;
  Loop& loop;
  bool drains; // what is there, without a turn of the loop for each
  bool is_over = false;
  OnValue on_value;
  OnEnd on_end;
};

// ---- Stream ---------------------------------------------------------------------------------------------------------------------

template <size_t Size>
class StreamSender {
 public:
  StreamSender(Channel<Size>& to, const peers_stream_t& its_options)
      : channel(to), loop(its_options.from_loop), receivers(its_options.receivers) {}

  static void on_thread(peers_thread_t* self) {
    auto* s = static_cast<StreamSender*>(self->data);

    s->thread = self;
    while (!peers_stopped()) send_waiting(s->channel, s->loop, s->next());
    s->finish();
    s->loop.run();
  }

  static void on_loop(peers_thread_t* self) {
    auto* s = static_cast<StreamSender*>(self->data);

    s->thread = self;
    asio::post(s->loop.context, [s] { s->send_until_full(); });
    s->loop.run();
  }

 private:
  const Value<Size>& next() {
    value.set(thread->sent);
    peers_count_sent(thread, thread->sent);
    return value;
  }

  void send_until_full() {
    while (!peers_stopped()) {
      if (channel.try_send(error_code{}, next())) continue;
      channel.async_send(error_code{}, value, loop.bind([this](error_code error) {
        peers_must(!error, "async_send");
        send_until_full();
      }));
      return;
    }
    finish();
  }

  void finish() {
    if (!peers_last_sender()) return;
    for (size_t i = 0; i < receivers; i++) send_from_callback(channel, loop, value, the_end());
  }

  Channel<Size>& channel;
  Loop loop;
  size_t receivers;
  Value<Size> value;
  peers_thread_t* thread = nullptr;
};

template <size_t Size>
class StreamReceiver {
 public:
  StreamReceiver(Channel<Size>& channel, bool polls)
      : loop(polls), receiver(channel, loop, true, CountValue{this}, CountEnd{this}) {}

  static void on_thread(peers_thread_t* self) {
    auto* s = static_cast<StreamReceiver*>(self->data);

    s->thread = self;
    s->receiver.start();
    s->loop.run();
  }

 private:
  struct CountValue {
    StreamReceiver* self;
    void operator()(uint64_t number) const { peers_count_received(self->thread, number); }
  };
  struct CountEnd {
    StreamReceiver* self;
    void operator()() const { peers_ended(self->thread); }
  };

  Loop loop;
  Receiver<Size, CountValue, CountEnd> receiver;
  peers_thread_t* thread = nullptr;
};

template <size_t Size>
void stream_of(const peers_stream_t& options) {
  asio::io_context context; // the channel needs one; all handlers have their own
  Channel<Size> channel(context, options.capacity);
  std::vector<std::unique_ptr<StreamReceiver<Size>>> receivers;
  std::vector<std::unique_ptr<StreamSender<Size>>> senders;

  for (size_t i = 0; i < options.receivers; i++) {
    receivers.push_back(std::make_unique<StreamReceiver<Size>>(channel, options.to_loop));
    peers_add(StreamReceiver<Size>::on_thread, receivers.back().get(), 1);
  }
  for (size_t i = 0; i < options.senders; i++) {
    senders.push_back(std::make_unique<StreamSender<Size>>(channel, options));
    peers_add(options.from_loop ? StreamSender<Size>::on_loop : StreamSender<Size>::on_thread,
              senders.back().get(), 0);
  }
  peers_run();
}

void stream(const benchmark_t* b) {
  peers_stream_t options = peers_stream(b);

  if (options.batch > 1) peers_refuse("several values in one call");
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

class PingPong {
 public:
  explicit PingPong(size_t capacity)
      : pings(second_loop.context, capacity),
        pongs(first_loop.context, capacity),
        on_pings(pings, second_loop, true, OnPing{this}, OnEnd{this}),
        on_pongs(pongs, first_loop, true, OnPong{this}, Nothing{}) {}

  void run() {
    first = peers_add(start_first, this, 0);
    peers_add(start_second, this, 1);
    peers_run();
  }

 private:
  struct OnPing {
    PingPong* p;
    void operator()(uint64_t number) const { p->send(p->pongs, p->second_loop, number); }
  };
  struct OnPong {
    PingPong* p;
    void operator()(uint64_t number) const { p->returned(number); }
  };
  struct OnEnd { // the end comes back as well
    PingPong* p;
    void operator()() const { send_from_callback(p->pongs, p->second_loop, Value<8>{}, the_end()); }
  };
  struct Nothing {
    void operator()() const {}
  };

  static void start_first(peers_thread_t* self) {
    auto* p = static_cast<PingPong*>(self->data);

    p->serve();
    p->on_pongs.start();
    p->first_loop.run();
  }

  static void start_second(peers_thread_t* self) {
    auto* p = static_cast<PingPong*>(self->data);

    p->on_pings.start();
    p->second_loop.run();
  }

  void send(Channel<8>& channel, Loop& loop, uint64_t number) {
    Value<8> value;

    value.set(number);
    send_from_callback(channel, loop, value);
  }

  void serve() {
    uint64_t number = first->sent;

    peers_count_sent(first, number);
    send(pings, first_loop, number);
  }

  void returned(uint64_t number) {
    peers_count_received(first, number);
    if (!peers_stopped()) {
      serve();
    } else {
      peers_ended(first);
      send_from_callback(pings, first_loop, Value<8>{}, the_end());
    }
  }

  Loop first_loop{true};
  Loop second_loop{true};
  Channel<8> pings;
  Channel<8> pongs;
  Receiver<8, OnPing, OnEnd> on_pings;
  Receiver<8, OnPong, Nothing> on_pongs;
  peers_thread_t* first = nullptr;
};

void pingpong(const benchmark_t* b) { PingPong(benchmark_number(b, "capacity", 1)).run(); }

// ---- Paced ----------------------------------------------------------------------------------------------------------------------

struct Paced {
  struct OnValue {
    Paced* p;
    void operator()(uint64_t number) const {
      benchmark_note(&p->latencies, benchmark_now() - number);
      peers_count_received(p->receiving, number);
    }
  };
  struct OnEnd {
    Paced* p;
    void operator()() const { peers_ended(p->receiving); }
  };

  static void send(peers_thread_t* self) {
    auto* p = static_cast<Paced*>(self->data);
    uint64_t last = benchmark_now();

    while (!peers_stopped()) {
      uint64_t now = peers_pace(&last, p->period);
      Value<8> value;

      value.set(now);
      peers_count_sent(self, now);
      send_waiting(p->channel, p->sender_loop, value);
    }
    send_waiting(p->channel, p->sender_loop, Value<8>{}, the_end());
  }

  static void receive(peers_thread_t* self) {
    auto* p = static_cast<Paced*>(self->data);

    p->receiver.start();
    p->loop.run();
  }

  Loop loop{true};
  Loop sender_loop{false};
  Channel<8> channel{loop.context, 1024};
  Receiver<8, OnValue, OnEnd> receiver{channel, loop, true, OnValue{this}, OnEnd{this}};
  uint64_t period;
  benchmark_latencies_t latencies;
  peers_thread_t* receiving;
};

void paced(const benchmark_t* b) {
  Paced p;

  p.period = benchmark_number(b, "period", 10000);
  p.latencies = peers_latencies(p.period);
  peers_add(Paced::send, &p, 0);
  p.receiving = peers_add(Paced::receive, &p, 1);
  peers_run();
  peers_print_paced(p.receiving, &p.latencies);
}

// ---- Same loop ------------------------------------------------------------------------------------------------------------------

struct SameLoop {
  struct OnValue {
    SameLoop* s;
    void operator()(uint64_t number) const { s->received(number); }
  };
  struct OnEnd {
    SameLoop* s;
    void operator()() const { peers_ended(s->thread); }
  };

  static void start(peers_thread_t* self) {
    auto* s = static_cast<SameLoop*>(self->data);

    s->send();
    s->receiver.start();
    s->loop.run();
  }

  void send() {
    for (left = 0; left < run; left++) {
      Value<8> value;

      value.set(thread->sent);
      peers_count_sent(thread, thread->sent);
      peers_must(channel.try_send(error_code{}, value), "try_send");
    }
  }

  void received(uint64_t number) {
    peers_count_received(thread, number);
    if (--left > 0) return;
    if (peers_stopped()) {
      send_from_callback(channel, loop, Value<8>{}, the_end());
    } else {
      send();
    }
  }

  Loop loop{true};
  Channel<8> channel{loop.context, 64};
  Receiver<8, OnValue, OnEnd> receiver{channel, loop, false, OnValue{this}, OnEnd{this}};
  size_t run;
  size_t left; // of the run that is on its way
  peers_thread_t* thread;
};

void same_loop(const benchmark_t* b) {
  SameLoop s;

  s.run = benchmark_number(b, "run", 1);
  if (s.run < 1 || s.run > 64) peers_refuse("a run of none, or of more than 64");
  s.thread = peers_add(SameLoop::start, &s, 0);
  peers_run();
}

// ---- Many -----------------------------------------------------------------------------------------------------------------------

class Many {
 public:
  Many(size_t n, size_t capacity) {
    for (size_t i = 0; i < n; i++) lines.push_back(std::make_unique<Line>(this, capacity));
  }

  void run() {
    peers_add(send, this, 0);
    receiving = peers_add(receive, this, 1);
    peers_run();
  }

 private:
  struct OnValue {
    Many* m;
    void operator()(uint64_t number) const {
      peers_count_received(m->receiving, number);
      m->look();
    }
  };
  struct OnEnd {
    Many* m;
    void operator()() const { m->look(); }
  };
  struct Line {
    Line(Many* m, size_t capacity)
        : channel(m->loop.context, capacity),
          receiver(channel, m->loop, true, OnValue{m}, OnEnd{m}) {}

    Channel<8> channel;
    Receiver<8, OnValue, OnEnd> receiver;
  };

  // The last value is what ends it; that all those channels end afterwards takes time that is not counted.
  void look() {
    if (receiving->received == __atomic_load_n(&total, __ATOMIC_RELAXED) && receiving->ended == 0)
      peers_ended(receiving);
  }

  static void send(peers_thread_t* self) {
    auto* m = static_cast<Many*>(self->data);
    uint64_t random = 88172645463325252u;

    while (!peers_stopped()) {
      uint64_t number = benchmark_random(&random);
      Value<8> value;

      value.set(number);
      peers_count_sent(self, number);
      send_waiting(m->lines[(number >> 32) % m->lines.size()]->channel, m->sender_loop, value);
    }
    __atomic_store_n(&m->total, self->sent, __ATOMIC_RELAXED);
    for (auto& line : m->lines) send_waiting(line->channel, m->sender_loop, Value<8>{}, the_end());
  }

  static void receive(peers_thread_t* self) {
    auto* m = static_cast<Many*>(self->data);

    for (auto& line : m->lines) line->receiver.start();
    m->loop.run();
  }

  Loop loop{true};
  Loop sender_loop{false};
  std::vector<std::unique_ptr<Line>> lines;
  uint64_t total = UINT64_MAX; // of values sent, when that is known
  peers_thread_t* receiving = nullptr;
};

void many(const benchmark_t* b) {
  size_t n = benchmark_number(b, "channels", 1);

  if (n < 1 || n > 100000) peers_refuse("so many channels, or none");
  Many(n, benchmark_number(b, "capacity", 16)).run();
}

// ---- Memory ---------------------------------------------------------------------------------------------------------------------

// n channels, each of which holds `each` values at once. Nothing else takes memory between the two looks at the heap.
void memory_of(size_t n, size_t capacity, size_t each, bool is_drained_shown) {
  Loop loop(true);
  std::vector<std::unique_ptr<Channel<8>>> channels(n);
  uint64_t received = 0;
  uint64_t bytes = peers_heap_bytes();
  uint64_t began = benchmark_now();
  uint64_t began_cpu = benchmark_cpu();

  for (auto& channel : channels) {
    channel = std::make_unique<Channel<8>>(loop.context, capacity);
    for (size_t i = 0; i < each; i++)
      peers_must(channel->try_send(error_code{}, Value<8>{}), "try_send");
  }
  uint64_t full = peers_heap_bytes() - bytes;
  for (auto& channel : channels) {
    while (channel->try_receive([&received](error_code, const Value<8>&) { received++; })) continue;
  }
  benchmark_check(n * each, 0, received, 0);
  benchmark_print_times(received, benchmark_now() - began, benchmark_cpu() - began_cpu);
  benchmark_print("bytes", is_drained_shown ? full : (peers_heap_bytes() - bytes) / n);
  if (is_drained_shown) benchmark_print("drained_bytes", peers_heap_bytes() - bytes);
}

void memory(const benchmark_t* b) {
  const std::string kind = benchmark_word(b, "kind", "idle");

  if (kind == "idle") {
    memory_of(1000, 16, 1, false);
  } else if (kind == "empty") {
    memory_of(1000, SIZE_MAX, 1, false);
  } else if (kind == "million") {
    memory_of(1, SIZE_MAX, 1000000, true);
  } else {
    peers_refuse(kind.c_str());
  }
}

// ---- Pool -----------------------------------------------------------------------------------------------------------------------

// Works go by post() to a thread_pool, and come back by post() to the context of the loop that posted them. Neither has a bound.
class Pool {
 public:
  explicit Pool(const peers_pool_t& its_options)
      : options(its_options),
        threads(options.threads),
        items(options.flight),
        guard(loop.context.get_executor()) {}

  void run() {
    peers_add([](peers_thread_t* self) { static_cast<Pool*>(self->data)->run_loop(self); }, this,
              0);
    peers_add_ticks(
        &options, [](void* self) { static_cast<Pool*>(self)->tick(); }, this);
    peers_run();
    benchmark_print_latencies(&latencies);
    threads.join();
  }

 private:
  struct Item {
    uint64_t submitted, begun;
  };

  void run_loop(peers_thread_t* self) {
    thread = self;
    if (options.period == 0) {
      for (Item& item : items) submit(item);
      guard.reset();
    }
    loop.context.run();
    peers_ended(self);
  }

  void tick() {
    asio::post(loop.context, [this] {
      if (peers_stopped()) {
        guard.reset();
      } else if (thread->sent == thread->received) {
        submit(items[0]);
      }
    });
  }

  void submit(Item& item) {
    if (options.notes_waits || options.notes_turns) item.submitted = benchmark_now();
    peers_count_sent(thread, 0);
    // The work keeps its loop's run() from returning, as long as it is on its way.
    asio::post(threads, [this, &item, work = asio::make_work_guard(loop.context)] {
      if (options.notes_waits) item.begun = benchmark_now();
      benchmark_work_off(options.work, options.work_ns);
      asio::post(loop.context, [this, &item] { on_done(item); });
    });
  }

  void on_done(Item& item) {
    peers_count_received(thread, 0);
    if (options.notes_turns) benchmark_note(&latencies, benchmark_now() - item.submitted);
    if (options.notes_waits) benchmark_note(&latencies, item.begun - item.submitted);
    if (options.period == 0 && !peers_stopped()) submit(item);
  }

  peers_pool_t options;
  Loop loop{true};
  asio::thread_pool threads;
  std::vector<Item> items;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  benchmark_latencies_t latencies{};
  peers_thread_t* thread = nullptr;
};

void pool(const benchmark_t* b) {
  peers_pool_t options = peers_pool(b);

  if (options.loops > 1) peers_refuse("several loops");
  Pool(options).run();
}

void pool_memory(const benchmark_t*) {
  constexpr uint64_t waiting = 100000;
  Loop loop(true);
  asio::thread_pool threads(1);
  std::promise<void> go;
  uint64_t done = 0, bytes = 0;

  for (uint64_t i = 0; i <= waiting; i++) {
    asio::post(threads, [&, i, work = asio::make_work_guard(loop.context)] {
      if (i == 0) go.get_future().wait();
      asio::post(loop.context, [&done] { done++; });
    });
    if (i == 0) bytes = peers_heap_bytes();
  }
  benchmark_print("bytes", (peers_heap_bytes() - bytes) / waiting);
  go.set_value();
  loop.context.run();
  benchmark_check(waiting + 1, 0, done, 0);
}

const peers_workload_t workloads[] = {
    {"stream", PEERS_STREAM, stream}, {"pingpong", PEERS_PINGPONG, pingpong},
    {"paced", PEERS_PACED, paced},    {"same-loop", PEERS_SAME_LOOP, same_loop},
    {"many", PEERS_MANY, many},       {"memory", PEERS_MEMORY, memory},
    {"pool", PEERS_POOL, pool},       {"pool-memory", PEERS_POOL_MEMORY, pool_memory},
};

} // namespace

PEERS_MAIN(workloads)
