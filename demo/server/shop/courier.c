/* SPDX-License-Identifier: MIT */
/* Between channels and streams. What a full stream means is nobody's affair here: the sink waits,
 * the channel of slips fills, and who sends finds it full.
 *
 * A desk's channel of replies has room for all that the source may have out: so handing one over
 * never waits. Half of what may wait in this server, 64 orders at most, is the sink's, the rest its
 * channel's. */
#include "shop/courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "shop/engine.h"

#define MS 1000000 /* in nanoseconds */
#define BEAT_MS 250
#define CALL_MS 500     /* between an answer and the next call */
#define RECALL_MS 10000 /* until a call without an answer counts as lost, where bakers are there */
#define SINK_MAX 64

static uint64_t now_ms(void) { return uv_hrtime() / MS; }

static unsigned int sink_capacity(const options_t* options) {
  size_t half = (options->queue + 1) / 2;

  return half < SINK_MAX ? (unsigned int)half : SINK_MAX;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* A call that waited here for too long is dropped, and what the server loses may be one: then
 * another is sent. */
static void look_for_losses(courier_t* courier) {
  uvchan_stats_t slips;
  uint64_t losses;

  uvchan_stats(slips_channel(courier->slips), &slips);
  losses = slips.dropped + courier->view.orders.stats.rolled_back;
  if (losses != courier->losses) courier->is_answered = 1;
  courier->losses = losses;
}

static int is_call_due(const courier_t* courier, uint64_t now) {
  if (courier->is_shut) return 0;
  if (courier->is_answered) return now - courier->called_ms >= CALL_MS;
  return courier->view.staff.n > 0 && now - courier->called_ms >= RECALL_MS;
}

/* Of all that waits a call matters least: where there is no room it waits for the next beat. */
static void call(courier_t* courier, uint64_t now) {
  slip_t slip = {.kind = SLIP_CALL, .run = courier->run, .number = courier->call + 1};
  slip_bytes_t bytes;

  if (!is_call_due(courier, now)) return;
  snprintf(slip.server, sizeof(slip.server), "%s", courier->house->options.name);
  slip_pack(&slip, &bytes);
  if (slips_try_send(slips_sendonly(courier->slips), bytes) != 0) return;
  courier->call++;
  courier->called_ms = now;
  courier->is_answered = 0;
}

/* ---- Reports --------------------------------------------------------------------------------- */

static void hear_bakers(courier_t* courier, const report_t* report) {
  courier_view_t* view = &courier->view;

  staff_hear(&view->staff, report, now_ms());
  board_set(&courier->house->board.threads_elsewhere, staff_threads(&view->staff));
  view->length = report->length;
  if (report->kind == REPORT_THERE && report->number == courier->call) courier->is_answered = 1;
}

/* What a desk can't have, since it has left, nobody needs. */
static void hand_over(courier_t* courier, uint32_t desk, const arrival_t* arrival) {
  if (arrivals_try_send(arrivals_sendonly(courier->replies[desk]), *arrival) != 0)
    courier_done(&arrival->ticket);
}

static void on_arrival(arrivals_receiver_t* receiver, int status, const arrival_t* arrival) {
  courier_t* courier = receiver->handle.data;
  report_t report;

  if (status != 0) return; /* the end, of which the source tells */
  if (report_unpack(&arrival->report, &report) != 0 || report.run != courier->run ||
      report.desk >= courier->house->options.loops) {
    courier_done(&arrival->ticket);
    return;
  }
  hear_bakers(courier, &report);
  if (report.kind == REPORT_BEGUN || report.kind == REPORT_BAKED) {
    hand_over(courier, report.desk, arrival);
  } else {
    courier_done(&arrival->ticket);
  }
}

void courier_done(const uvchan_redis_ticket_t* ticket) { uvchan_redis_done(ticket); }

/* ---- Figures --------------------------------------------------------------------------------- */

/* The words of others are shown as ASCII. */
static void note_side(side_t* side, const uvchan_redis_stats_t* stats) {
  side->stats = *stats;
  snprintf(side->last_words, sizeof(side->last_words), "%s", stats->last_words);
  for (char* at = side->last_words; *at != '\0'; at++) {
    if (*at < ' ' || *at > '~') *at = '?';
  }
}

/* How long the stream of orders is, the sink is told with each step, and bakers with each of
 * theirs: what has changed is the newer. */
static void publish(courier_t* courier, uint64_t now) {
  courier_view_t* view = &courier->view;
  uint64_t length_before = view->orders.stats.length;
  uvchan_redis_stats_t stats;

  uvchan_redis_sink_stats(&courier->sink, &stats);
  note_side(&view->orders, &stats);
  if (stats.length != length_before) view->length = stats.length;
  uvchan_redis_source_stats(&courier->source, &stats);
  note_side(&view->reports, &stats);
  view->now_ms = now;
  notice_write(&courier->notice, view);
}

static void on_beat(uv_timer_t* timer) {
  courier_t* courier = timer->data;
  uint64_t now = now_ms();

  staff_look(&courier->view.staff, now);
  board_set(&courier->house->board.threads_elsewhere, staff_threads(&courier->view.staff));
  look_for_losses(courier);
  call(courier, now);
  publish(courier, now);
}

void courier_read(house_t* house, courier_view_t* view) {
  if (house->courier == NULL) {
    memset(view, 0, sizeof(*view));
  } else {
    notice_read(&house->courier->notice, view);
  }
}

uint64_t courier_depth(const courier_t* courier, const courier_view_t* view) {
  return uvchan_len(slips_channel(courier->slips)) + view->orders.stats.held + view->length;
}

uint64_t courier_capacity(const options_t* options) { return options->queue + options->stream; }

void courier_say_figures(house_t* house) {
  courier_view_t view;

  courier_read(house, &view);
  printf("courier: sent %llu, left %llu, rolled back %llu, reports %llu, again %llu, dead %llu\n",
         (unsigned long long)view.orders.stats.values, (unsigned long long)view.orders.stats.held,
         (unsigned long long)view.orders.stats.rolled_back,
         (unsigned long long)view.reports.stats.values,
         (unsigned long long)view.reports.stats.again, (unsigned long long)view.reports.stats.dead);
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* No order can leave any more, or no report come: the house closes as after a signal. */
static void give_up(courier_t* courier, const char* what, int status) {
  if (courier->is_shut) return;
  fprintf(stderr, "error: %s: %s\n", what,
          status == UV_EEXIST ? "another server has begun under this name" : uv_strerror(status));
  courier->house->has_failed = 1;
  uv_kill(uv_os_getpid(), SIGTERM);
}

static void on_sink_end(uvchan_redis_sink_t* sink, int status) {
  give_up(sink->data, "the stream of orders", status);
}

static void on_source_end(uvchan_redis_source_t* source, int status) {
  give_up(source->data, "the stream of results", status);
}

/* A report that nobody takes any more stays in its stream. */
static void drop_arrival(void* value, uvchan_drop_reason_t reason, void* arg) {
  uvchan_redis_ticket_t ticket;

  (void)reason;
  (void)arg;
  memcpy(&ticket, value, sizeof(ticket));
  uvchan_redis_forget(&ticket);
}

static void create_arrivals(arrivals_t* arrivals, const char* name) {
  const uvchan_options_t options = {
      .capacity = ARRIVALS_MAX, .drop_cb = drop_arrival, .name = name};

  must("create a channel of reports", arrivals_create_ex(arrivals, &options));
}

static void create_replies(courier_t* courier) {
  unsigned int n = courier->house->options.loops;

  courier->replies = calloc(n, sizeof(*courier->replies));
  must("make the replies channels", courier->replies == NULL ? UV_ENOMEM : 0);
  for (unsigned int i = 0; i < n; i++) create_arrivals(&courier->replies[i], "replies");
  must("count the desks", uvchan_waitgroup_init(&courier->desks));
  must("count the desks", uvchan_waitgroup_add(&courier->desks, (int)n));
}

/* An order that has waited here for so long that its desk has given it up is not sent. */
static void create_channels(courier_t* courier) {
  const options_t* options = &courier->house->options;
  const uvchan_options_t slips = {.capacity = options->queue - sink_capacity(options),
                                  .max_age = options->max_wait_ms * MS,
                                  .name = "slips"};

  must("create the slips channel", slips_create_ex(&courier->slips, &slips));
  create_arrivals(&courier->arrivals, "arrivals");
  create_replies(courier);
}

static void begin_sink(courier_t* courier, uv_loop_t* loop) {
  const options_t* options = &courier->house->options;
  const uvchan_redis_sink_options_t orders = {.server = engine_at(options->redis),
                                              .stream = ORDERS_STREAM,
                                              .producer = options->name,
                                              .capacity = options->stream,
                                              .in_flight = sink_capacity(options),
                                              .on_end = on_sink_end};

  courier->sink.data = courier;
  must("begin with the stream of orders",
       uvchan_redis_sink_init(loop, &courier->sink, slips_channel(courier->slips), &orders));
}

static void begin_source(courier_t* courier, uv_loop_t* loop) {
  const options_t* options = &courier->house->options;
  char stream[sizeof(REPORTS_STREAM) + PARTY_BYTES];
  const uvchan_redis_source_options_t reports = {.server = engine_at(options->redis),
                                                 .stream = stream,
                                                 .consumer = options->name,
                                                 .in_flight = ARRIVALS_MAX,
                                                 .on_end = on_source_end};

  snprintf(stream, sizeof(stream), REPORTS_STREAM, options->name);
  courier->source.data = courier;
  must("begin with the stream of results",
       uvchan_redis_source_init(loop, &courier->source, arrivals_channel(courier->arrivals),
                                &reports));
}

static void receive_arrivals(courier_t* courier, uv_loop_t* loop) {
  must("receive reports", arrivals_receiver_init(loop, &courier->arrivals_receiver,
                                                 arrivals_recvonly(courier->arrivals)));
  courier->arrivals_receiver.handle.data = courier;
  must("receive reports", arrivals_recv_start(&courier->arrivals_receiver, on_arrival));
}

static void make_timer(courier_t* courier, uv_loop_t* loop, uv_timer_t* timer) {
  must("make a timer", uv_timer_init(loop, timer));
  timer->data = courier;
}

void courier_open(house_t* house, uv_loop_t* loop) {
  courier_t* courier = calloc(1, sizeof(*courier));

  must("make the courier", courier == NULL ? UV_ENOMEM : 0);
  courier->house = house;
  courier->is_answered = 1;
  must("draw the number of the run",
       uv_random(NULL, NULL, &courier->run, sizeof(courier->run), 0, NULL));
  must("make a notice", notice_open(&courier->notice, sizeof(courier->view)));
  create_channels(courier);
  begin_sink(courier, loop);
  begin_source(courier, loop);
  receive_arrivals(courier, loop);
  make_timer(courier, loop, &courier->drain);
  make_timer(courier, loop, &courier->beat);
  must("start a timer", uv_timer_start(&courier->beat, on_beat, 0, BEAT_MS));
  house->courier = courier;
}

/* ---- Closing --------------------------------------------------------------------------------- */

static void close_replies(courier_t* courier) {
  for (unsigned int i = 0; i < courier->house->options.loops; i++)
    arrivals_close(arrivals_sendonly(courier->replies[i]));
}

/* A desk gives up what it has with the end of its replies. */
static void on_drain(uv_timer_t* timer) { close_replies(timer->data); }

static void on_desks_done(uvchan_notify_t* req, int status) {
  courier_t* courier = req->data;

  must("wait for orders", status);
  uv_timer_stop(&courier->drain);
  close_replies(courier);
  courier->on_shut(courier->house);
}

void courier_shut(courier_t* courier, uint64_t drain_ms, void (*on_shut)(house_t* house)) {
  courier->is_shut = 1;
  courier->on_shut = on_shut;
  courier->desks_done.data = courier;
  if (drain_ms != UINT64_MAX)
    must("start a timer", uv_timer_start(&courier->drain, on_drain, drain_ms, 0));
  must("wait for orders", uvchan_waitgroup_notify(courier->sink.loop, &courier->desks_done,
                                                  &courier->desks, on_desks_done));
}

/* The channel of slips stays open, since its end would be the stream's: other servers, and the next
 * run of this one, send to it. */
void courier_close(courier_t* courier) {
  publish(courier, now_ms());
  uvchan_redis_sink_close(&courier->sink, NULL);
  uvchan_redis_source_close(&courier->source, NULL);
  arrivals_receiver_close(&courier->arrivals_receiver, NULL);
  uv_close((uv_handle_t*)&courier->beat, NULL);
  uv_close((uv_handle_t*)&courier->drain, NULL);
}

void courier_release(house_t* house) {
  courier_t* courier = house->courier;

  if (courier == NULL) return;
  for (unsigned int i = 0; i < house->options.loops; i++) arrivals_release(courier->replies[i]);
  free(courier->replies);
  arrivals_release(courier->arrivals);
  slips_release(courier->slips);
  uvchan_waitgroup_destroy(&courier->desks);
  notice_close(&courier->notice);
  free(courier);
  house->courier = NULL;
}
