/* SPDX-License-Identifier: MIT */
/* Threads that run one loop after the other, each with receivers, requests, selects, a ticker and a
 * wait group. */
#include "parties.h"

#define RECEIVERS 4 /* on one loop */
#define REQUESTS 6
#define CASES 4

typedef struct visit_s visit_t;

typedef struct {
  uvchan_receiver_t handle; /* first */
  visit_t* visit;
  epoch_t* epoch;
  order_t order;
  uint32_t calls_left; /* until it stops or closes itself */
  int is_closed;
} sink_t;

typedef struct {
  union {
    uvchan_req_t any;
    uvchan_send_t send;
    uvchan_recv_t recv;
    uvchan_select_t select;
  } req; /* first */
  visit_t* visit;
  epoch_t* from;
  epoch_t* to;
  order_t order;
  uint64_t number;
  uint32_t rounds_left;
  int is_select;
  int is_send;
  int is_pending;
  int is_cancelled;
  uvchan_case_t cases[CASES];
  unsigned char in[MOST_BYTES];
  unsigned char out[MOST_BYTES];
} request_t;

/* The life of one loop. */
struct visit_s {
  uv_loop_t loop;
  party_t* party;
  uv_timer_t timer; /* ends it */
  int is_ending;
  sink_t sinks[RECEIVERS];
  request_t requests[REQUESTS];
  uvchan_t* times;
  uvchan_ticker_t ticker;
  uvchan_receiver_t clock;
  uvchan_waitgroup_t group;
  uvchan_notify_t notify;
  int was_notified;
};

static void on_sink_closed(uvchan_receiver_t* receiver) {
  sink_t* sink = (sink_t*)receiver;
  must(!sink->is_closed);
  sink->is_closed = 1;
  epoch_leave(sink->epoch);
}

static void close_sink(sink_t* sink) {
  if (!uvchan_receiver_is_closing(&sink->handle))
    uvchan_receiver_close(&sink->handle, on_sink_closed);
}

static void on_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  sink_t* sink = (sink_t*)receiver;
  ssize_t i;
  must(!sink->is_closed && !uvchan_receiver_is_closing(receiver));
  if (nvalues < 0) {
    must(is_end(nvalues) && values == NULL);
    close_sink(sink);
    return;
  }
  for (i = 0; i < nvalues; i++) {
    note_received(sink->epoch, &sink->order,
                  (const unsigned char*)values + (size_t)i * sink->epoch->elem_size);
  }
  if (sink->calls_left-- == 0) close_sink(sink);
}

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_t* sink = (sink_t*)receiver;
  on_batch(receiver, status == 0 ? 1 : status, value);
  if (status != 0 || uvchan_receiver_is_closing(receiver) || sink->calls_left % 16 != 0) return;
  must(uvchan_recv_stop(receiver) == 0);
  must(uvchan_recv_start(receiver, on_value) == 0);
}

static void open_sink(sink_t* sink, visit_t* visit) {
  uint64_t* random = &visit->party->random;
  sink->visit = visit;
  sink->epoch = epoch_pick(random);
  sink->calls_left = draw(random, 2000);
  must(uvchan_receiver_init(&visit->loop, &sink->handle, sink->epoch->ch) == 0);
  if (draw(random, 4) == 0)
    must(uvchan_receiver_set_budget(&sink->handle, 1 + draw(random, 8)) == 0);
  if (draw(random, 8) == 0) must(uvchan_receiver_set_spin(&sink->handle, draw(random, 30)) == 0);
  if (draw(random, 2) == 0) {
    must(uvchan_recv_start(&sink->handle, on_value) == 0);
  } else {
    must(uvchan_recv_start_batch(&sink->handle, on_batch) == 0);
  }
}

static void begin_request(request_t* request);

/* By index: 0 has received, 1 has sent, as the cases of the select are. */
static void end_request(request_t* request, int index, int status) {
  must(request->is_pending);
  request->is_pending = 0;
  must((index == UV_ECANCELED) == request->is_cancelled);
  if (index % 2 == 0 && status == 0) note_received(request->from, &request->order, request->in);
  if (index % 2 == 1 && status == 0) note_sent(request->to, request->number);
  must(index < 0 || status == 0 || (index % 2 == 0 ? is_end(status) : status == UV_EPIPE));
  if (index < 0 || status != 0 || request->visit->is_ending || request->rounds_left-- == 0) {
    epoch_leave(request->from);
    epoch_leave(request->to);
  } else {
    begin_request(request);
  }
}

static int index_or(int index, int status) { return status == UV_ECANCELED ? UV_ECANCELED : index; }

static void on_sent(uvchan_send_t* req, int status) {
  end_request((request_t*)req, index_or(1, status), status);
}

static void on_received(uvchan_recv_t* req, int status) {
  end_request((request_t*)req, index_or(0, status), status);
}

static void on_selected(uvchan_select_t* req, int index) {
  request_t* request = (request_t*)req;
  end_request(request, index, index < 0 ? index : request->cases[index].status);
}

/* Cases 0 and 2 receive, 1 and 3 send. */
static int start_select(request_t* request, uv_loop_t* loop) {
  set_case(&request->cases[0], request->from, UVCHAN_RECV, request->in);
  set_case(&request->cases[1], request->to, UVCHAN_SEND, request->out);
  request->cases[2] = request->cases[0];
  request->cases[3] = request->cases[1];
  return uvchan_select(loop, &request->req.select, request->cases, CASES, on_selected);
}

static void begin_request(request_t* request) {
  visit_t* visit = request->visit;
  uvchan_t* to = request->to->ch;
  int r;
  count(&done.requests, 1);
  request->is_pending = 1;
  request->number = next_number(request->to, visit->party->sender);
  put(request->to, request->out, request->number);
  if (request->is_select) {
    r = start_select(request, &visit->loop);
  } else if (request->is_send && has_room(request->to)) {
    r = uvchan_send(&visit->loop, &request->req.send, to, request->out, on_sent);
  } else {
    r = uvchan_recv(&visit->loop, &request->req.recv, request->from->ch, request->in, on_received);
  }
  must(r == 0);
}

static void open_request(request_t* request, visit_t* visit) {
  uint64_t* random = &visit->party->random;
  request->visit = visit;
  request->from = epoch_pick(random);
  request->to = epoch_pick(random);
  request->rounds_left = draw(random, 2000);
  request->is_select = draw(random, 3) == 0;
  request->is_send = draw(random, 2) == 0;
  begin_request(request);
}

static void cancel_request(request_t* request) {
  int r;
  if (!request->is_pending) return;
  r = uvchan_cancel(&request->req.any);
  must(r == 0 || r == UV_EBUSY);
  request->is_cancelled = r == 0;
  count(&done.cancels, r == 0);
}

static void on_notified(uvchan_notify_t* notify, int status) {
  visit_t* visit = notify->data;
  must(status == 0 && !visit->was_notified);
  visit->was_notified = 1;
  uvchan_waitgroup_destroy(&visit->group);
}

static void open_group(visit_t* visit) {
  uvchan_waitgroup_t* group = &visit->group;
  uint32_t n = draw(&visit->party->random, 4);
  must(uvchan_waitgroup_init(group) == 0);
  must(uvchan_waitgroup_add(group, (int)n) == 0);
  visit->notify.data = visit;
  must(uvchan_waitgroup_notify(&visit->loop, &visit->notify, group, on_notified) == 0);
  for (; n > 0; n--) must(uvchan_try_send(jobs, &group) == 0);
  count(&done.groups, 1);
}

static void on_tick(uvchan_receiver_t* clock, int status, const void* value) {
  uint64_t tick;
  must(status == 0);
  memcpy(&tick, value, 8);
  must(tick <= uv_now(clock->loop));
  count(&done.ticks, 1);
}

static void open_ticker(visit_t* visit) {
  must(uvchan_create(&visit->times, 8, 2) == 0);
  must(uvchan_receiver_init(&visit->loop, &visit->clock, visit->times) == 0);
  must(uvchan_recv_start(&visit->clock, on_tick) == 0);
  must(uvchan_ticker_init(&visit->loop, &visit->ticker, visit->times) == 0);
  must(uvchan_ticker_start(&visit->ticker, 0, 1) == 0);
}

/* Whoever ends on a value's way gives it back, or takes it along: the ledger shows it. */
static void on_end(uv_timer_t* timer) {
  visit_t* visit = timer->data;
  size_t i;
  visit->is_ending = 1;
  for (i = 0; i < RECEIVERS; i++) close_sink(&visit->sinks[i]);
  for (i = 0; i < REQUESTS; i++) cancel_request(&visit->requests[i]);
  uvchan_ticker_close(&visit->ticker, NULL);
  uvchan_receiver_close(&visit->clock, NULL);
  uv_close((uv_handle_t*)timer, NULL);
}

static void open_all(visit_t* visit) {
  size_t i;
  must(uv_loop_init(&visit->loop) == 0);
  must(uv_timer_init(&visit->loop, &visit->timer) == 0);
  visit->timer.data = visit;
  must(uv_timer_start(&visit->timer, on_end, 1 + draw(&visit->party->random, 40), 0) == 0);
  for (i = 0; i < RECEIVERS; i++) open_sink(&visit->sinks[i], visit);
  for (i = 0; i < REQUESTS; i++) open_request(&visit->requests[i], visit);
  open_ticker(visit);
  open_group(visit);
  count(&done.loops, 1);
}

static void check_all_closed(const visit_t* visit) {
  size_t i;
  for (i = 0; i < RECEIVERS; i++) must(visit->sinks[i].is_closed);
  for (i = 0; i < REQUESTS; i++) must(!visit->requests[i].is_pending);
  must(visit->was_notified);
}

void run_loops(void* arg) {
  party_t* party = arg;
  uint32_t loops = 1 + draw(&party->random, 8);
  count(&done.threads, 1);
  for (; loops > 0 && !atomic_load(&is_over); loops--) {
    visit_t* visit = calloc(1, sizeof(*visit));
    must(visit != NULL);
    visit->party = party;
    open_all(visit);
    must(uv_run(&visit->loop, UV_RUN_DEFAULT) == 0);
    must(uv_loop_close(&visit->loop) == 0);
    check_all_closed(visit);
    uvchan_release(visit->times);
    free(visit);
  }
  atomic_store(&party->has_ended, 1);
}
