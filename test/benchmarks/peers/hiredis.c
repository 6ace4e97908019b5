/* SPDX-License-Identifier: MIT */
/* What uvchan-redis does, written by hand with hiredis and its adapter for libuv: one program for
 * one stream, that gives up at the first error and never connects again. It uses the library's own
 * scripts, channels and batches of 64, and has as many values on their way: so what it is faster by
 * is what the library costs.
 *
 *   redis-sink     as benchmark-redis-sink.c; from=array: the loop makes the values itself, without
 *                  a thread and a channel; plain=1: XADD for each value, nothing numbered, nothing
 *                  checked, and no bound
 *   redis-source   as benchmark-redis-source.c; to=callback: an entry is done with in the callback
 *                  that gets it, without a channel
 *   redis-through  as benchmark-redis-through.c */
#include "peers.h"

#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <uv.h>

#include "../redis.h"
#include "redis/scripts.h"

#define BATCH 64
#define IN_FLIGHT 512
#define MOST_FLIGHTS 8
#define MOST_BYTES 256
#define FEW 24
#define ID_BYTES 32

#define REDIS_ARGUMENTS " ms pin size sync delay capacity "

static size_t size;

static void must(int r) { peers_must(r == 0, uv_strerror(r)); }

/* ---- Commands -------------------------------------------------------------------------------- */

typedef struct {
  const char* words[BATCH + FEW];
  size_t lengths[BATCH + FEW];
  char numbers[FEW][24];
  int n;
  int nnumbers;
} command_t;

static char hashes[UVCHAN__REDIS_SCRIPTS][41];

static void add_bytes(command_t* c, const void* bytes, size_t n) {
  c->words[c->n] = bytes;
  c->lengths[c->n++] = n;
}

static void add_word(command_t* c, const char* word) { add_bytes(c, word, strlen(word)); }

static void add_number(command_t* c, uint64_t number) {
  char* text = c->numbers[c->nnumbers++];

  snprintf(text, sizeof(c->numbers[0]), "%llu", (unsigned long long)number);
  add_word(c, text);
}

static void begin_script(command_t* c, uvchan__redis_script_t script) {
  static const char* const keys[UVCHAN__REDIS_KEYS] = {
      "uvchan:{" REDIS_STREAM "}:stream", "uvchan:{" REDIS_STREAM "}:last",
      "uvchan:{" REDIS_STREAM "}:epoch",  "uvchan:{" REDIS_STREAM "}:end",
      "uvchan:{" REDIS_STREAM "}:dead",   "uvchan:{" REDIS_STREAM "}:returns"};
  int i;

  c->n = c->nnumbers = 0;
  add_word(c, "EVALSHA");
  add_word(c, hashes[script]);
  add_number(c, UVCHAN__REDIS_KEYS);
  for (i = 0; i < UVCHAN__REDIS_KEYS; i++) add_word(c, keys[i]);
}

static void send_command(redisAsyncContext* context, command_t* c, redisCallbackFn* answer,
                         void* data) {
  peers_must(redisAsyncCommandArgv(context, answer, data, c->n, c->words, c->lengths) == 0,
             "redisAsyncCommandArgv");
}

static const redisReply* checked(redisAsyncContext* context, void* answer) {
  const redisReply* reply = answer;

  peers_must(reply != NULL, context->errstr);
  peers_must(reply->type != REDIS_REPLY_ERROR, reply->str);
  return reply;
}

static redisAsyncContext* open_connection(uv_loop_t* loop) {
  redisAsyncContext* context = redisAsyncConnectUnix(redis.socket);

  peers_must(context != NULL && context->err == 0, "redisAsyncConnectUnix");
  peers_must(redisLibuvAttach(context, loop) == 0, "redisLibuvAttach");
  return context;
}

static void open_server(const benchmark_t* b) {
  size_t i;

  size = benchmark_number(b, "size", 64);
  if (size < 16 || size > MOST_BYTES) peers_refuse("values of such a size");
  redis_open(benchmark_word(b, "sync", "never"), peers.pin ? 1 : -1);
  for (i = 0; i < UVCHAN__REDIS_SCRIPTS; i++) {
    redisReply* reply = redis_ask("SCRIPT LOAD %s", uvchan__redis_scripts[i]);
    memcpy(hashes[i], reply->str, sizeof(hashes[i]));
    freeReplyObject(reply);
  }
}

/* ---- A sink ---------------------------------------------------------------------------------- */

typedef struct {
  uv_loop_t loop;
  redisAsyncContext* context;
  peers_thread_t* thread;
  uvchan_t* channel; /* NULL: the loop makes the values */
  uvchan_recv_t request;
  int is_plain;
  int is_receiving;
  int has_ended;
  unsigned int flights;
  uint64_t head, sent, tail;
  command_t command;
  void (*on_end)(void); /* or NULL: who confirms receives */
  unsigned char window[IN_FLIGHT * MOST_BYTES];
} sink_t;

static sink_t sink;
static char format[24];

static void pump(void);
static void take(void);

static unsigned char* at(uint64_t position) { return sink.window + position % IN_FLIGHT * size; }

static void end_sink(void) {
  redisAsyncDisconnect(sink.context);
  sink.context = NULL;
  if (sink.on_end == NULL) {
    peers_ended(sink.thread);
  } else {
    sink.on_end();
  }
}

static void confirm(uint64_t n) {
  for (; n > 0; n--) {
    uint64_t number;

    memcpy(&number, at(sink.head++), sizeof(number));
    if (sink.on_end == NULL) peers_count_received(sink.thread, number);
  }
  take();
  pump();
}

static void on_added(redisAsyncContext* context, void* answer, void* data) {
  const redisReply* reply = checked(context, answer);

  (void)data;
  peers_must(strcmp(reply->element[0]->str, "OK") == 0, reply->element[0]->str);
  sink.flights--;
  confirm((uint64_t)reply->element[1]->integer - sink.head);
}

static void on_added_one(redisAsyncContext* context, void* answer, void* data) {
  (void)data;
  checked(context, answer);
  confirm(1);
}

static void send_batch(void) {
  command_t* c = &sink.command;
  int n;

  begin_script(c, UVCHAN__REDIS_ADD);
  add_word(c, "a");
  add_word(c, "1 token");
  add_number(c, REDIS_NO_LIMIT);
  add_number(c, sink.sent + 1);
  add_word(c, format);
  for (n = 0; n < BATCH && sink.sent < sink.tail; n++) add_bytes(c, at(sink.sent++), size);
  sink.flights++;
  send_command(sink.context, c, on_added, NULL);
}

static void send_plain(void) {
  command_t* c = &sink.command;

  c->n = 0;
  add_word(c, "XADD");
  add_word(c, REDIS_KEY);
  add_word(c, "*");
  add_word(c, "v");
  add_bytes(c, at(sink.sent++), size);
  send_command(sink.context, c, on_added_one, NULL);
}

static void pump(void) {
  while (sink.is_plain && sink.sent < sink.tail) send_plain();
  while (!sink.is_plain && sink.flights < MOST_FLIGHTS && sink.sent < sink.tail) send_batch();
  if (sink.has_ended && sink.head == sink.tail && sink.context != NULL) end_sink();
}

/* Whole batches, each when there is room for it. */
static void make_values(void) {
  while (!peers_stopped() && sink.tail - sink.head <= IN_FLIGHT - BATCH) {
    uint64_t end = sink.tail + BATCH;

    while (sink.tail < end) {
      uint64_t number = sink.tail + 1;

      memcpy(at(sink.tail++), &number, sizeof(number));
      peers_count_sent(sink.thread, number);
    }
  }
  sink.has_ended = peers_stopped();
}

static void on_received(uvchan_recv_t* request, int status) {
  (void)request;
  sink.is_receiving = 0;
  if (status == 0) {
    sink.tail++;
  } else {
    sink.has_ended = 1;
  }
  take();
  pump();
}

static void take(void) {
  ssize_t n;

  if (sink.is_receiving || sink.has_ended) return;
  if (sink.channel == NULL) make_values();
  if (sink.channel == NULL || sink.tail - sink.head == IN_FLIGHT) return;
  do {
    uint64_t to_end = IN_FLIGHT - sink.tail % IN_FLIGHT;
    uint64_t room = IN_FLIGHT - (sink.tail - sink.head);

    n = uvchan_try_recv_n(sink.channel, at(sink.tail), room < to_end ? room : to_end);
    if (n > 0) sink.tail += (uint64_t)n;
  } while (n > 0 && sink.tail - sink.head < IN_FLIGHT);
  if (sink.tail - sink.head == IN_FLIGHT) return;
  must(uvchan_recv(&sink.loop, &sink.request, sink.channel, at(sink.tail), on_received));
  sink.is_receiving = 1;
}

static void run_sink(peers_thread_t* self) {
  (void)self;
  take();
  pump();
  uv_run(&sink.loop, UV_RUN_DEFAULT);
}

static void on_hello(redisAsyncContext* context, void* answer, void* data) {
  const redisReply* reply = checked(context, answer);

  (void)data;
  peers_must(strcmp(reply->element[0]->str, "NEW") == 0 && reply->element[2]->integer == 0,
             "hello");
  uv_stop(&sink.loop);
}

/* Connected, and begun as a producer. */
static void open_sink(uvchan_t* channel) {
  snprintf(format, sizeof(format), "1 %zu", size);
  must(uv_loop_init(&sink.loop));
  sink.context = open_connection(&sink.loop);
  sink.channel = channel;
  begin_script(&sink.command, UVCHAN__REDIS_HELLO);
  add_word(&sink.command, "a");
  add_word(&sink.command, "0");
  add_word(&sink.command, "token");
  add_word(&sink.command, "0");
  send_command(sink.context, &sink.command, on_hello, NULL);
  uv_run(&sink.loop, UV_RUN_DEFAULT);
  sink.thread = peers_add(run_sink, NULL, 0);
}

static void send_all(peers_thread_t* self) {
  unsigned char value[MOST_BYTES] = {0};

  do {
    uint64_t number = self->sent + 1;

    memcpy(value, &number, sizeof(number));
    peers_count_sent(self, number);
    must(uvchan_send_wait(self->data, value));
  } while (!peers_stopped());
  must(uvchan_close(self->data));
}

static uvchan_t* make_channel(const benchmark_t* b, size_t bytes) {
  uvchan_t* channel;

  must(uvchan_create(&channel, bytes, benchmark_number(b, "capacity", 1024)));
  return channel;
}

static void print_server(uint64_t cpu) { benchmark_print("server_cpu", redis_cpu() - cpu); }

static void redis_sink(const benchmark_t* b) {
  int is_array = strcmp(benchmark_word(b, "from", "thread"), "array") == 0;
  uint64_t cpu, count, sum;
  uvchan_t* channel;

  open_server(b);
  redis_move_away(benchmark_number(b, "delay", 0));
  channel = make_channel(b, size);
  sink.is_plain = benchmark_number(b, "plain", 0) != 0;
  open_sink(is_array ? NULL : channel);
  if (!is_array) peers_add(send_all, channel, 0);
  cpu = redis_cpu();
  peers_run();
  print_server(cpu);
  redis_add_up(&count, &sum);
  benchmark_check(sink.thread->received, sink.thread->received_sum, count, sum);
  must(uv_loop_close(&sink.loop));
  uvchan_release(channel);
}

/* ---- A source -------------------------------------------------------------------------------- */

typedef struct {
  char id[ID_BYTES];
  unsigned char value[];
} element_t;

typedef struct {
  uv_loop_t loop;
  redisAsyncContext* reader;
  redisAsyncContext* side;
  peers_thread_t* thread;
  uvchan_t* channel; /* NULL: values are done with at once */
  uvchan_receiver_t receiver;
  int is_flowing; /* the last answer was full */
  int is_through;
  unsigned int reads;
  uint64_t held;    /* delivered, and not confirmed as done */
  uint64_t asked;   /* and not answered */
  uint64_t waiting; /* of those delivered: not done yet */
  uint64_t expected;
  char done[BATCH][ID_BYTES];
  int ndone;
  command_t command;
  unsigned char* element;
  uv_async_t all_sent;
  uint64_t last;                   /* when the last value came */
  benchmark_latencies_t latencies; /* with room where values have their time behind their number */
} source_t;

static source_t source;

static void ask(void);

static int has_all(void) { return source.held == 0 && source.thread->received == source.expected; }

/* The reader's last question is not waited for: its answer is NULL. */
static void end_source(void) {
  redisAsyncFree(source.reader);
  redisAsyncDisconnect(source.side);
  if (source.channel != NULL) uvchan_receiver_close(&source.receiver, NULL);
  peers_ended(source.thread);
  if (source.is_through) source.thread->ended = source.last;
  if (source.is_through) uv_close((uv_handle_t*)&source.all_sent, NULL);
}

static void on_done(redisAsyncContext* context, void* answer, void* data) {
  checked(context, answer);
  source.held -= (uint64_t)(uintptr_t)data;
  if (has_all()) {
    end_source();
  } else {
    ask();
  }
}

static void send_done(void) {
  command_t* c = &source.command;
  int i;

  begin_script(c, UVCHAN__REDIS_DONE);
  add_word(c, "uvchan");
  for (i = 0; i < source.ndone; i++) add_word(c, source.done[i]);
  send_command(source.side, c, on_done, (void*)(uintptr_t)source.ndone);
  source.ndone = 0;
}

static void work_off(const char* id, const void* value) {
  uint64_t number, time;

  memcpy(&number, value, sizeof(number));
  peers_count_received(source.thread, number);
  source.last = benchmark_now();
  if (source.latencies.n < source.latencies.room) {
    memcpy(&time, (const unsigned char*)value + sizeof(number), sizeof(time));
    benchmark_note(&source.latencies, source.last - time);
  }
  memcpy(source.done[source.ndone++], id, ID_BYTES);
  source.waiting--;
  if (source.ndone == BATCH || source.waiting == 0) send_done();
}

static void on_element(uvchan_receiver_t* receiver, int status, const void* value) {
  const element_t* element = value;

  (void)receiver;
  must(status);
  work_off(element->id, element->value);
}

static void deliver(const redisReply* entry) {
  const redisReply* fields = entry->element[1];
  const redisReply* value = fields->element[fields->elements - 1];
  element_t* element = (element_t*)source.element;

  peers_must(value->len == size && entry->element[0]->len < ID_BYTES, "an entry");
  memcpy(element->id, entry->element[0]->str, entry->element[0]->len + 1);
  if (source.channel == NULL) {
    work_off(element->id, value->str);
    return;
  }
  memcpy(element->value, value->str, size);
  must(uvchan_try_send(source.channel, element));
}

static void on_read(redisAsyncContext* context, void* answer, void* data) {
  const redisReply* reply = answer;
  const redisReply* entries;
  size_t n = 0, i;

  if (reply == NULL && has_all()) return;
  checked(context, answer);
  source.reads--;
  source.asked -= (uint64_t)(uintptr_t)data;
  if (reply->type == REDIS_REPLY_ARRAY) {
    entries = reply->element[0]->element[1];
    n = entries->elements;
    source.held += n;
    source.waiting += n;
    for (i = 0; i < n; i++) deliver(entries->element[i]);
  }
  source.is_flowing = n == (uintptr_t)data;
  ask();
}

static void send_read(uint64_t count) {
  command_t* c = &source.command;

  source.reads++;
  source.asked += count;
  c->n = c->nnumbers = 0;
  add_word(c, "XREADGROUP");
  add_word(c, "GROUP");
  add_word(c, "uvchan");
  add_word(c, "a");
  add_word(c, "COUNT");
  add_number(c, count);
  if (!source.is_flowing) {
    add_word(c, "BLOCK");
    add_word(c, "1000");
  }
  add_word(c, "STREAMS");
  add_word(c, REDIS_KEY);
  add_word(c, ">");
  send_command(source.reader, c, on_read, (void*)(uintptr_t)count);
}

/* While answers are full, one question follows the other; else one waits in the server. */
static void ask(void) {
  uint64_t room = IN_FLIGHT - source.held - source.asked;

  while (source.is_flowing && source.reads < MOST_FLIGHTS && room >= BATCH) {
    send_read(BATCH);
    room -= BATCH;
  }
  if (source.reads == 0 && room > 0) send_read(room < BATCH ? room : BATCH);
}

static void run_source(peers_thread_t* self) {
  (void)self;
  ask();
  uv_run(&source.loop, UV_RUN_DEFAULT);
}

static void open_source(uvchan_t* channel) {
  freeReplyObject(redis_ask("XGROUP CREATE %s uvchan 0 MKSTREAM", REDIS_KEY));
  must(uv_loop_init(&source.loop));
  source.reader = open_connection(&source.loop);
  source.side = open_connection(&source.loop);
  source.element = peers_alloc(1, sizeof(element_t) + size);
  source.channel = channel;
  source.thread = peers_add(run_source, NULL, 0);
  if (channel == NULL) return;
  must(uvchan_receiver_init(&source.loop, &source.receiver, channel));
  must(uvchan_recv_start(&source.receiver, on_element));
}

static void redis_source(const benchmark_t* b) {
  int is_callback = strcmp(benchmark_word(b, "to", "loop"), "callback") == 0;
  uvchan_t* channel;
  uint64_t cpu;

  open_server(b);
  source.expected = benchmark_number(b, "values", 50000);
  redis_fill(source.expected, size);
  redis_move_away(benchmark_number(b, "delay", 0));
  channel = make_channel(b, sizeof(element_t) + size);
  open_source(is_callback ? NULL : channel);
  source.thread->sent = source.expected;
  source.thread->sent_sum = source.expected * (source.expected + 1) / 2;
  cpu = redis_cpu();
  peers.ms = 0;
  peers_run();
  print_server(cpu);
  must(uv_loop_close(&source.loop));
  uvchan_release(channel);
  free(source.element);
}

/* ---- Through --------------------------------------------------------------------------------- */

/* How many values there were, once the sink has put all of them into the stream. */
static void on_all_sent(uv_async_t* async) {
  (void)async;
  source.expected = sink.head;
  if (has_all()) end_source();
}

static void tell_source(void) { uv_async_send(&source.all_sent); }

static uint64_t period;

static void send_paced(peers_thread_t* self) {
  unsigned char value[MOST_BYTES] = {0};
  uint64_t due = peers.began;

  while (!peers_stopped()) {
    uint64_t now = benchmark_now();
    uint64_t number = self->sent + 1;

    if (now < due) benchmark_sleep_ns(due - now);
    due += period;
    now = benchmark_now();
    memcpy(value, &number, sizeof(number));
    memcpy(value + sizeof(number), &now, sizeof(now));
    peers_count_sent(self, number);
    must(uvchan_send_wait(self->data, value));
  }
  must(uvchan_close(self->data));
}

static void redis_through(const benchmark_t* b) {
  uvchan_t *from, *to;
  uint64_t cpu;

  open_server(b);
  redis_move_away(benchmark_number(b, "delay", 0));
  period = benchmark_number(b, "period", 0);
  from = make_channel(b, size);
  to = make_channel(b, sizeof(element_t) + size);
  open_sink(from);
  open_source(to);
  sink.on_end = tell_source;
  source.is_through = 1;
  source.expected = UINT64_MAX;
  must(uv_async_init(&source.loop, &source.all_sent, on_all_sent));
  if (period > 0) source.latencies = peers_latencies(period);
  peers_add(period > 0 ? send_paced : send_all, from, 0);
  cpu = redis_cpu();
  peers_run();
  print_server(cpu);
  benchmark_print_latencies(&source.latencies);
  must(uv_loop_close(&sink.loop));
  must(uv_loop_close(&source.loop));
  uvchan_release(from);
  uvchan_release(to);
  free(source.element);
}

static const peers_workload_t workloads[] = {
    {"redis-sink", REDIS_ARGUMENTS "from plain ", redis_sink},
    {"redis-source", REDIS_ARGUMENTS "values to ", redis_source},
    {"redis-through", REDIS_ARGUMENTS "period ", redis_through},
};

PEERS_MAIN(workloads)
