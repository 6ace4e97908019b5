/* SPDX-License-Identifier: MIT */
/* Bakers elsewhere and the streams, as the courier's notice has them. */
#include "shop/elsewhere.h"

#include "shop/courier.h"

/* ---- Words ----------------------------------------------------------------------------------- */

static const char* state_name(uvchan_redis_state_t state) {
  static const char* const names[] = {"away", "running", "full", "ending", "over"};

  return names[state];
}

static const char* error_name(int status) { return status == 0 ? "" : uv_err_name(status); }

static uint64_t silent_ms(const courier_view_t* view, const member_t* member) {
  return view->now_ms > member->seen_ms ? view->now_ms - member->seen_ms : 0;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t* bakers_as_json(const courier_view_t* view) {
  json_t* bakers = json_array();

  for (size_t i = 0; i < view->staff.n; i++) {
    const member_t* member = &view->staff.members[i];

    json_array_append_new(bakers, json_pack("{s:s, s:i, s:i, s:I, s:I}", "name", member->name,
                                            "threads", (int)member->threads, "busy",
                                            (int)member->busy, "baked", (json_int_t)member->baked,
                                            "silent_ms", (json_int_t)silent_ms(view, member)));
  }
  return bakers;
}

static json_t* side_as_json(const side_t* side) {
  const uvchan_redis_stats_t* stats = &side->stats;

  return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "state",
                   state_name(stats->state), "values", (json_int_t)stats->values, "done",
                   (json_int_t)stats->done, "again", (json_int_t)stats->again, "dead",
                   (json_int_t)stats->dead, "rolled_back", (json_int_t)stats->rolled_back, "held",
                   (json_int_t)stats->held, "length", (json_int_t)stats->length, "lag",
                   (json_int_t)stats->lag, "connects", (json_int_t)stats->connects, "failures",
                   (json_int_t)stats->failures, "last_error", error_name(stats->last_error),
                   "last_words", side->last_words);
}

json_t* elsewhere_as_json(house_t* house) {
  courier_view_t view;

  if (house->courier == NULL) return NULL;
  courier_read(house, &view);
  return json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "name", house->options.name, "depth",
                   (json_int_t)courier_depth(house->courier, &view), "capacity",
                   (json_int_t)courier_capacity(&house->options), "outside",
                   (json_int_t)board_read(&house->board.outside), "orders",
                   side_as_json(&view.orders), "results", side_as_json(&view.reports), "bakers",
                   bakers_as_json(&view));
}

json_t* elsewhere_tick(house_t* house) {
  courier_view_t view;

  if (house->courier == NULL) return NULL;
  courier_read(house, &view);
  return json_pack("{s:s, s:s, s:s, s:I, s:o}", "name", house->options.name, "orders",
                   state_name(view.orders.stats.state), "results",
                   state_name(view.reports.stats.state), "outside",
                   (json_int_t)board_read(&house->board.outside), "bakers", bakers_as_json(&view));
}

uint64_t elsewhere_depth(house_t* house) {
  courier_view_t view;

  courier_read(house, &view);
  return courier_depth(house->courier, &view);
}

uint64_t elsewhere_capacity(const house_t* house) { return courier_capacity(&house->options); }

/* ---- Prometheus ------------------------------------------------------------------------------ */

typedef struct {
  const char* name;
  const char* type;
  const char* help;
  uint64_t (*read)(const uvchan_redis_stats_t* stats);
} stream_metric_t;

static uint64_t read_values(const uvchan_redis_stats_t* stats) { return stats->values; }
static uint64_t read_held(const uvchan_redis_stats_t* stats) { return stats->held; }
static uint64_t read_length(const uvchan_redis_stats_t* stats) { return stats->length; }
static uint64_t read_lag(const uvchan_redis_stats_t* stats) { return stats->lag; }
static uint64_t read_again(const uvchan_redis_stats_t* stats) { return stats->again; }
static uint64_t read_dead(const uvchan_redis_stats_t* stats) { return stats->dead; }
static uint64_t read_rolled_back(const uvchan_redis_stats_t* stats) { return stats->rolled_back; }
static uint64_t read_connects(const uvchan_redis_stats_t* stats) { return stats->connects; }
static uint64_t read_failures(const uvchan_redis_stats_t* stats) { return stats->failures; }
static uint64_t read_is_up(const uvchan_redis_stats_t* stats) {
  return stats->state == UVCHAN_REDIS_RUNNING || stats->state == UVCHAN_REDIS_FULL;
}

static const stream_metric_t stream_metrics[] = {
    {"stream_up", "gauge", "Whether there is a connection that values go by.", read_is_up},
    {"stream_values_total", "counter", "Values sent and confirmed, or received.", read_values},
    {"stream_held", "gauge", "Values taken and not confirmed, or delivered and not done.",
     read_held},
    {"stream_length", "gauge", "Values in the stream, as the server said last.", read_length},
    {"stream_lag", "gauge", "Of those, values that nobody has been given.", read_lag},
    {"stream_again_total", "counter", "Values that had been delivered before.", read_again},
    {"stream_dead_total", "counter", "Values moved to the dead letters.", read_dead},
    {"stream_rolled_back_total", "counter", "Confirmed values that the server has lost.",
     read_rolled_back},
    {"stream_connects_total", "counter", "Connections that could be used.", read_connects},
    {"stream_failures_total", "counter", "Attempts and connections that failed.", read_failures},
};

static void write_stream_metric(bytes_t* out, const stream_metric_t* metric,
                                const courier_view_t* view) {
  bytes_printf(out, "# HELP pizzeria_%s %s\n# TYPE pizzeria_%s %s\n", metric->name, metric->help,
               metric->name, metric->type);
  bytes_printf(out, "pizzeria_%s{stream=\"orders\"} %llu\n", metric->name,
               (unsigned long long)metric->read(&view->orders.stats));
  bytes_printf(out, "pizzeria_%s{stream=\"results\"} %llu\n", metric->name,
               (unsigned long long)metric->read(&view->reports.stats));
}

void elsewhere_write_metrics(house_t* house, bytes_t* out) {
  courier_view_t view;

  if (house->courier == NULL) return;
  courier_read(house, &view);
  for (size_t i = 0; i < sizeof(stream_metrics) / sizeof(*stream_metrics); i++)
    write_stream_metric(out, &stream_metrics[i], &view);
  bytes_printf(out,
               "# HELP pizzeria_bakers Processes that bake elsewhere.\n"
               "# TYPE pizzeria_bakers gauge\n"
               "pizzeria_bakers %zu\n"
               "# HELP pizzeria_bakers_threads Threads that they bake with.\n"
               "# TYPE pizzeria_bakers_threads gauge\n"
               "pizzeria_bakers_threads %llu\n",
               view.staff.n, (unsigned long long)staff_threads(&view.staff));
}
