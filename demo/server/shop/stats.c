/* SPDX-License-Identifier: MIT */
/* The figures: the statistics of the pool and the channel, and the board's counters. */
#include "shop/stats.h"

#include <string.h>

#include "shop/elsewhere.h"
#include "shop/json.h"
#include "shop/process.h"

static double seconds_open(const house_t* house) {
  return (double)(uv_hrtime() - house->opened_ns) / 1e9;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_int_t count(const atomic_uint_least64_t* counter) {
  return (json_int_t)board_read(counter);
}

static double us_as_ms(uint64_t us) { return (double)us / 1000; }

static json_t* channel_as_json(const uvchan_stats_t* stats) {
  return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name", stats->name, "len",
                   (json_int_t)stats->len, "capacity", (json_int_t)stats->capacity, "peak",
                   (json_int_t)stats->peak, "sent", (json_int_t)stats->sent, "received",
                   (json_int_t)stats->received, "dropped", (json_int_t)stats->dropped, "wakeups",
                   (json_int_t)stats->wakeups, "waiting_senders",
                   (json_int_t)stats->waiting_senders, "waiting_receivers",
                   (json_int_t)stats->waiting_receivers);
}

static json_t* pool_as_json(const uvchan_pool_stats_t* stats) {
  return json_pack(
      "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:i, s:i, s:i}",
      "name", stats->name, "waiting", (json_int_t)stats->waiting, "waiting_outside",
      (json_int_t)stats->waiting_outside, "running", (json_int_t)stats->running, "capacity",
      (json_int_t)stats->capacity, "peak", (json_int_t)stats->peak, "submitted",
      (json_int_t)stats->submitted, "done", (json_int_t)stats->done, "refused",
      (json_int_t)stats->refused, "cancelled", (json_int_t)stats->cancelled, "expired",
      (json_int_t)stats->expired, "shed", (json_int_t)stats->shed, "closed",
      (json_int_t)stats->closed, "longest_wait_ms", json_ms((double)stats->longest_wait / 1e6),
      "threads", (int)stats->threads, "threads_idle", (int)stats->threads_idle, "threads_failed",
      (int)stats->threads_failed);
}

static json_t* orders_as_json(const board_t* board) {
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "arrived", count(&board->arrived),
                   "waiting", count(&board->waiting), "baking", count(&board->baking), "ready",
                   count(&board->ready), "lost", count(&board->lost), "rejected",
                   count(&board->rejected), "gave_up", count(&board->gave_up), "gone",
                   count(&board->gone));
}

static json_t* latency_as_json(const board_t* board) {
  histogram_view_t view;

  histogram_read(&board->latency, &view);
  return json_pack("{s:f, s:f, s:f, s:f}", "p50", us_as_ms(histogram_quantile(&view, 0.5)), "p90",
                   us_as_ms(histogram_quantile(&view, 0.9)), "p99",
                   us_as_ms(histogram_quantile(&view, 0.99)), "max", us_as_ms(view.max_us));
}

static json_t* connections_as_json(const house_t* house) {
  json_t* counters = json_array();

  for (unsigned int i = 0; i < house->options.loops; i++)
    json_array_append_new(counters, json_integer(count(&house->board.connections_of[i])));
  return counters;
}

/* What the house has no use for is left out. */
static json_t* with(json_t* object, const char* name, json_t* value) {
  if (value != NULL) json_object_set_new(object, name, value);
  return object;
}

void stats_write_json(house_t* house, bytes_t* out) {
  const board_t* board = &house->board;
  uvchan_pool_stats_t kitchen;
  uvchan_stats_t news;

  uvchan_pool_stats(house->kitchen, &kitchen);
  uvchan_stats(news_channel(house->live.news), &news);
  json_add(out, with(json_pack(
                         "{s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:I, s:f, s:f, s:o, s:s, s:i, s:i}",
                         "kitchen", pool_as_json(&kitchen), "news", channel_as_json(&news),
                         "orders", orders_as_json(board), "connections", count(&board->connections),
                         "connections_most", (json_int_t)house->options.connections,
                         "connections_of_loops", connections_as_json(house), "viewers",
                         count(&board->viewers), "viewers_skipped", count(&board->viewers_skipped),
                         "uptime_s", json_ms(seconds_open(house)), "throughput",
                         (double)board_read(&board->throughput_milli) / 1000, "latency_ms",
                         latency_as_json(board), "policy", when_full_name(house->options.when_full),
                         "bakers", (int)house->options.bakers, "loops", (int)house->options.loops),
                     "elsewhere", elsewhere_as_json(house)));
  bytes_add(out, "\n", 1);
}

static void look_at_queue(house_t* house, uint64_t* depth, uint64_t* capacity) {
  uvchan_pool_stats_t kitchen;

  if (house->courier != NULL) {
    *depth = elsewhere_depth(house);
    *capacity = elsewhere_capacity(house);
    return;
  }
  uvchan_pool_stats(house->kitchen, &kitchen);
  *depth = kitchen.waiting;
  *capacity = house->options.queue;
}

json_t* stats_tick(house_t* house, uint64_t skipped) {
  const board_t* board = &house->board;
  uint64_t depth, capacity;

  look_at_queue(house, &depth, &capacity);
  return with(
      json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I}", "t",
                (json_int_t)(seconds_open(house) * 1000), "depth", (json_int_t)depth, "capacity",
                (json_int_t)capacity, "waiting", count(&board->waiting), "baking",
                count(&board->baking), "arrived", count(&board->arrived), "ready",
                count(&board->ready), "lost", count(&board->lost), "rejected",
                count(&board->rejected), "gave_up", count(&board->gave_up), "gone",
                count(&board->gone), "throughput",
                (double)board_read(&board->throughput_milli) / 1000, "p50",
                us_as_ms(board_read(&board->recent_p50_us)), "p99",
                us_as_ms(board_read(&board->recent_p99_us)), "skipped", (json_int_t)skipped),
      "elsewhere", elsewhere_tick(house));
}

/* ---- Prometheus ------------------------------------------------------------------------------ */

static void describe(bytes_t* out, const char* name, const char* type, const char* help) {
  bytes_printf(out, "# HELP pizzeria_%s %s\n# TYPE pizzeria_%s %s\n", name, help, name, type);
}

typedef struct {
  const char* name;
  const char* type;
  const char* help;
  uint64_t (*read)(const uvchan_stats_t* stats);
} channel_metric_t;

static uint64_t read_len(const uvchan_stats_t* stats) { return stats->len; }
static uint64_t read_capacity(const uvchan_stats_t* stats) { return stats->capacity; }
static uint64_t read_peak(const uvchan_stats_t* stats) { return stats->peak; }
static uint64_t read_sent(const uvchan_stats_t* stats) { return stats->sent; }
static uint64_t read_received(const uvchan_stats_t* stats) { return stats->received; }
static uint64_t read_dropped(const uvchan_stats_t* stats) { return stats->dropped; }
static uint64_t read_wakeups(const uvchan_stats_t* stats) { return stats->wakeups; }
static uint64_t read_waiting_senders(const uvchan_stats_t* stats) { return stats->waiting_senders; }
static uint64_t read_waiting_receivers(const uvchan_stats_t* stats) {
  return stats->waiting_receivers;
}

static const channel_metric_t channel_metrics[] = {
    {"channel_depth", "gauge", "Values in the channel.", read_len},
    {"channel_capacity", "gauge", "Values that the channel holds at most.", read_capacity},
    {"channel_peak", "gauge", "The most values seen in the channel.", read_peak},
    {"channel_sent_total", "counter", "Values sent.", read_sent},
    {"channel_received_total", "counter", "Values received.", read_received},
    {"channel_dropped_total", "counter", "Values dropped.", read_dropped},
    {"channel_wakeups_total", "counter", "Times that a sleeping thread or loop was woken.",
     read_wakeups},
    {"channel_waiting_senders", "gauge", "Who waits to send.", read_waiting_senders},
    {"channel_waiting_receivers", "gauge", "Who waits to receive.", read_waiting_receivers},
};

static void write_channel(const uvchan_stats_t* stats, bytes_t* out) {
  for (size_t i = 0; i < sizeof(channel_metrics) / sizeof(*channel_metrics); i++) {
    const channel_metric_t* metric = &channel_metrics[i];

    describe(out, metric->name, metric->type, metric->help);
    bytes_printf(out, "pizzeria_%s{channel=\"%s\"} %llu\n", metric->name, stats->name,
                 (unsigned long long)metric->read(stats));
  }
}

typedef struct {
  const char* name;
  const char* help;
  uint64_t value;
} pool_metric_t;

static void write_pool_metrics(bytes_t* out, const pool_metric_t* metrics, size_t n,
                               const char* type) {
  for (size_t i = 0; i < n; i++) {
    describe(out, metrics[i].name, type, metrics[i].help);
    bytes_printf(out, "pizzeria_%s %llu\n", metrics[i].name, (unsigned long long)metrics[i].value);
  }
}

static void write_pool_gauges(const uvchan_pool_stats_t* stats, bytes_t* out) {
  const pool_metric_t gauges[] = {
      {"pool_waiting", "Works that wait inside.", stats->waiting},
      {"pool_waiting_outside", "Works that wait for room.", stats->waiting_outside},
      {"pool_running", "Works that are being done.", stats->running},
      {"pool_capacity", "Works that wait inside at most.", stats->capacity},
      {"pool_peak", "The most works seen waiting inside.", stats->peak},
      {"pool_threads", "Threads that run.", stats->threads},
      {"pool_threads_idle", "Threads without a work.", stats->threads_idle},
  };

  write_pool_metrics(out, gauges, sizeof(gauges) / sizeof(*gauges), "gauge");
}

static void write_pool_counters(const uvchan_pool_stats_t* stats, bytes_t* out) {
  const pool_metric_t counters[] = {
      {"pool_submitted_total", "Works taken.", stats->submitted},
      {"pool_done_total", "Works done.", stats->done},
      {"pool_refused_total", "Works that found no room.", stats->refused},
      {"pool_cancelled_total", "Works that nobody wanted any more.", stats->cancelled},
      {"pool_expired_total", "Works that waited for longer than one may.", stats->expired},
      {"pool_shed_total", "Works cut from a queue that stood.", stats->shed},
      {"pool_closed_total", "Works that had not begun at the end.", stats->closed},
      {"pool_threads_failed_total", "Threads that could not be made.", stats->threads_failed},
  };

  write_pool_metrics(out, counters, sizeof(counters) / sizeof(*counters), "counter");
  describe(out, "pool_wait_seconds_total", "counter", "What works that began had waited, in all.");
  bytes_printf(out, "pizzeria_pool_wait_seconds_total %.6f\n", (double)stats->total_wait / 1e9);
}

static void write_pool(const house_t* house, bytes_t* out) {
  uvchan_pool_stats_t stats;

  uvchan_pool_stats(house->kitchen, &stats);
  write_pool_gauges(&stats, out);
  write_pool_counters(&stats, out);
}

static void write_number(bytes_t* out, const char* name, const char* type, const char* help,
                         const atomic_uint_least64_t* counter) {
  describe(out, name, type, help);
  bytes_printf(out, "pizzeria_%s %llu\n", name, (unsigned long long)board_read(counter));
}

/* Those that came never are left out, but for the two that every server of orders has. */
static void write_answers(const board_t* board, bytes_t* out) {
  describe(out, "http_answers_total", "counter", "Answers, by their status.");
  for (unsigned int status = 100; status < STATUSES; status++) {
    uint64_t n = board_read(&board->answers[status]);

    if (n == 0 && status != 200 && status != 503) continue;
    bytes_printf(out, "pizzeria_http_answers_total{code=\"%u\"} %llu\n", status,
                 (unsigned long long)n);
  }
  write_number(out, "http_unanswered_total", "counter", "Requests whose client left before.",
               &board->answers[0]);
}

static void write_connections(const house_t* house, bytes_t* out) {
  const board_t* board = &house->board;

  write_number(out, "connections", "gauge", "Open connections.", &board->connections);
  describe(out, "connections_most", "gauge", "Connections that are let in at most.");
  bytes_printf(out, "pizzeria_connections_most %u\n", house->options.connections);
  describe(out, "loop_connections", "gauge", "Open connections of each loop.");
  for (unsigned int i = 0; i < house->options.loops; i++) {
    bytes_printf(out, "pizzeria_loop_connections{loop=\"%u\"} %llu\n", i,
                 (unsigned long long)board_read(&board->connections_of[i]));
  }
  write_number(out, "accept_refusals_total", "counter",
               "Times that there was no descriptor, or no memory, for a client.", &board->refusals);
}

/* By the names that the client libraries of Prometheus have for them. What the system does not tell
 * is left out. */
static void write_process(const house_t* house, bytes_t* out) {
  uint64_t resident = process_resident_bytes();

  bytes_printf(out,
               "# HELP process_cpu_seconds_total Processor time of user and system in seconds.\n"
               "# TYPE process_cpu_seconds_total counter\n"
               "process_cpu_seconds_total %.6f\n",
               process_cpu_seconds());
  if (resident != 0) {
    bytes_printf(out,
                 "# HELP process_resident_memory_bytes Resident memory in bytes.\n"
                 "# TYPE process_resident_memory_bytes gauge\n"
                 "process_resident_memory_bytes %llu\n",
                 (unsigned long long)resident);
  }
  bytes_printf(out,
               "# HELP process_start_time_seconds Start of the process in seconds since 1970.\n"
               "# TYPE process_start_time_seconds gauge\n"
               "process_start_time_seconds %lld\n",
               (long long)house->opened_s);
}

static void write_descriptors(bytes_t* out) {
  uint64_t open = process_descriptors();
  uint64_t most = process_descriptors_most();

  if (open != 0) {
    bytes_printf(out,
                 "# HELP process_open_fds Open file descriptors.\n"
                 "# TYPE process_open_fds gauge\n"
                 "process_open_fds %llu\n",
                 (unsigned long long)open);
  }
  if (most == 0) return;
  bytes_printf(out,
               "# HELP process_max_fds File descriptors that may be open.\n"
               "# TYPE process_max_fds gauge\n"
               "process_max_fds %llu\n",
               (unsigned long long)most);
}

#define FIRST_OCTAVE 7 /* 128 microseconds */
#define LAST_OCTAVE 26 /* 67 seconds */

static void write_latency(const histogram_t* latency, bytes_t* out) {
  histogram_view_t view;

  histogram_read(latency, &view);
  describe(out, "latency_seconds", "histogram",
           "From an order's arrival to its answer, of those that were baked.");
  for (unsigned int octave = FIRST_OCTAVE; octave <= LAST_OCTAVE; octave++) {
    bytes_printf(out, "pizzeria_latency_seconds_bucket{le=\"%.6f\"} %llu\n",
                 (double)(UINT64_C(1) << octave) / 1e6,
                 (unsigned long long)histogram_below(&view, octave));
  }
  bytes_printf(out, "pizzeria_latency_seconds_bucket{le=\"+Inf\"} %llu\n",
               (unsigned long long)view.total);
  bytes_printf(out, "pizzeria_latency_seconds_sum %.6f\n",
               (double)board_read(&latency->sum_us) / 1e6);
  bytes_printf(out, "pizzeria_latency_seconds_count %llu\n", (unsigned long long)view.total);
}

static void write_orders(const board_t* board, bytes_t* out) {
  write_number(out, "orders_arrived_total", "counter", "Well-formed orders.", &board->arrived);
  write_number(out, "orders_ready_total", "counter", "Orders that were baked.", &board->ready);
  write_number(out, "orders_lost_total", "counter", "Orders that did not turn out.", &board->lost);
  write_number(out, "orders_rejected_total", "counter",
               "Orders that found the kitchen full, or closed.", &board->rejected);
  write_number(out, "orders_gave_up_total", "counter", "Orders that waited and were never baked.",
               &board->gave_up);
  write_number(out, "orders_gone_total", "counter", "Results whose customer had left.",
               &board->gone);
  write_number(out, "orders_waiting", "gauge", "Orders in the kitchen, or waiting for room in it.",
               &board->waiting);
  write_number(out, "orders_baking", "gauge", "Orders in the oven.", &board->baking);
}

void stats_write_metrics(house_t* house, bytes_t* out) {
  const board_t* board = &house->board;
  uvchan_stats_t news;

  write_pool(house, out);
  uvchan_stats(news_channel(house->live.news), &news);
  write_channel(&news, out);
  write_orders(board, out);
  elsewhere_write_metrics(house, out);
  write_connections(house, out);
  write_answers(board, out);
  write_number(out, "viewers", "gauge", "Viewers of the live page.", &board->viewers);
  write_number(out, "viewers_skipped_total", "counter", "Events that slow viewers missed.",
               &board->viewers_skipped);
  write_number(out, "access_log_lines_total", "counter", "Lines of the access log.", &board->lines);
  write_number(out, "access_log_dropped_total", "counter",
               "Lines that found no room, or could not be written.", &board->lines_dropped);
  write_latency(&board->latency, out);
  write_process(house, out);
  write_descriptors(out);
}
