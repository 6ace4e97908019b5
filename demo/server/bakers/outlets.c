/* SPDX-License-Identifier: MIT */
/* The channel of an outlet stays open, since its end would be the stream's: other bakers send to it
 * as well. */
#include "bakers/outlets.h"

#include <stdio.h>
#include <string.h>

#include "must.h"
#include "shop/engine.h"

#define MS 1000000 /* in nanoseconds */
#define IDLE_MS 30000
#define TELLS_MAX 64 /* reports in a channel that are no promise */
#define SINK_MAX 64
/* In a stream: far more than a server that has died can have ordered, so that its results do not
 * keep bakers from the orders of others. */
#define RESULTS_MAX 100000

static uint64_t now_ms(void) { return uv_hrtime() / MS; }

/* ---- Reports --------------------------------------------------------------------------------- */

static int send_to(outlet_t* outlet, const report_t* report) {
  report_bytes_t bytes;
  int r;

  report_pack(report, &bytes);
  r = reports_try_send(reports_sendonly(outlet->reports), bytes);
  if (r == 0) outlet->nsent++;
  return r;
}

void outlet_tell(outlet_t* outlet, const report_t* report) {
  if (uvchan_len(reports_channel(outlet->reports)) < TELLS_MAX) send_to(outlet, report);
}

/* A sink that is over has closed its channel: the promise is never confirmed, its order stays. */
void outlet_promise(outlet_t* outlet, const report_t* report, promise_t* promise) {
  send_to(outlet, report);
  *promise = (promise_t){.data = promise->data, .ordinal = outlet->nsent};
  if (outlet->first == NULL) {
    outlet->first = promise;
  } else {
    outlet->last->next = promise;
  }
  outlet->last = promise;
}

void outlets_tell_all(outlets_t* outlets, report_t* report) {
  for (size_t i = 0; i < OUTLETS_MAX; i++) {
    if (!outlets->all[i].is_open) continue;
    report->run = outlets->all[i].run;
    outlet_tell(&outlets->all[i], report);
  }
}

/* Answers how many are not confirmed. */
static uint64_t look_at(outlet_t* outlet) {
  uvchan_redis_stats_t stats;

  uvchan_redis_sink_stats(&outlet->sink, &stats);
  while (outlet->first != NULL && outlet->first->ordinal <= stats.values) {
    promise_t* promise = outlet->first;

    outlet->first = promise->next;
    outlet->outlets->on_confirmed(promise);
  }
  return outlet->nsent - stats.values;
}

uint64_t outlets_look(outlets_t* outlets) {
  uint64_t n = 0;

  for (size_t i = 0; i < OUTLETS_MAX; i++) {
    if (outlets->all[i].is_open && !outlets->all[i].is_over) n += look_at(&outlets->all[i]);
  }
  return n;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_end(uvchan_redis_sink_t* sink, int status) {
  outlet_t* outlet = sink->data;

  outlet->is_over = 1;
  outlet->outlets->on_failed(outlet, status);
}

static void on_closed(uvchan_redis_sink_t* sink) {
  outlet_t* outlet = sink->data;

  reports_release(outlet->reports);
  memset(outlet, 0, sizeof(*outlet));
}

static void begin_sink(outlets_t* outlets, outlet_t* outlet) {
  char stream[sizeof(REPORTS_STREAM) + PARTY_BYTES];
  const uvchan_redis_sink_options_t options = {.server = engine_at(outlets->options->redis),
                                               .stream = stream,
                                               .producer = outlets->options->name,
                                               .capacity = RESULTS_MAX,
                                               .in_flight = SINK_MAX,
                                               .on_end = on_end};

  snprintf(stream, sizeof(stream), REPORTS_STREAM, outlet->server);
  outlet->sink.data = outlet;
  must("create a channel of reports",
       reports_create(&outlet->reports, outlets->options->in_flight + TELLS_MAX));
  must("begin with a stream of results",
       uvchan_redis_sink_init(outlets->loop, &outlet->sink, reports_channel(outlet->reports),
                              &options));
}

static outlet_t* make_outlet(outlets_t* outlets, const char* server) {
  size_t at = 0;

  while (at < OUTLETS_MAX && outlets->all[at].outlets != NULL) at++;
  if (at == OUTLETS_MAX) return NULL;
  outlets->all[at] = (outlet_t){.outlets = outlets, .is_open = 1};
  memcpy(outlets->all[at].server, server, PARTY_BYTES);
  begin_sink(outlets, &outlets->all[at]);
  return &outlets->all[at];
}

outlet_t* outlets_find(outlets_t* outlets, const char* server) {
  for (size_t i = 0; i < OUTLETS_MAX; i++) {
    if (outlets->all[i].is_open && strcmp(outlets->all[i].server, server) == 0)
      return &outlets->all[i];
  }
  return NULL;
}

outlet_t* outlets_enter(outlets_t* outlets, const slip_t* slip) {
  outlet_t* outlet = outlets_find(outlets, slip->server);

  if (outlet == NULL) outlet = make_outlet(outlets, slip->server);
  if (outlet == NULL || outlet->is_over) return NULL;
  outlet->run = slip->run;
  outlet->heard_ms = now_ms();
  outlet->nusers++;
  return outlet;
}

void outlet_leave(outlet_t* outlet) { outlet->nusers--; }

static void close_outlet(outlet_t* outlet) {
  if (!outlet->is_open) return;
  outlet->is_open = 0;
  uvchan_redis_sink_close(&outlet->sink, on_closed);
}

void outlets_sweep(outlets_t* outlets) {
  for (size_t i = 0; i < OUTLETS_MAX; i++) {
    outlet_t* outlet = &outlets->all[i];

    if (outlet->nusers == 0 && now_ms() - outlet->heard_ms > IDLE_MS) close_outlet(outlet);
  }
}

void outlets_close(outlets_t* outlets) {
  for (size_t i = 0; i < OUTLETS_MAX; i++) close_outlet(&outlets->all[i]);
}

void outlets_open(outlets_t* outlets, uv_loop_t* loop, const bakers_options_t* options,
                  void (*on_confirmed)(promise_t* promise),
                  void (*on_failed)(outlet_t* outlet, int status)) {
  outlets->loop = loop;
  outlets->options = options;
  outlets->on_confirmed = on_confirmed;
  outlets->on_failed = on_failed;
}
