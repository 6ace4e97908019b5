/* SPDX-License-Identifier: MIT */
/* Stress: threads and loops do whatever the library allows, at random, on a few channels; and every
 * value is accounted for.
 *
 * The seed is the name of the test case, so that a failure shows it; UVCHAN_SEED=n runs the same
 * choices again, though not the same interleaving. Each test ends by itself: senders take a number
 * of steps, and receivers go on until the end of every channel. */
#include <stdio.h>
#include <stdlib.h>

#include "stress.h"

#define REQUESTS 4

typedef struct party_s party_t;

/* A request that sends, on one channel or by select. */
typedef struct {
  uvchan_send_t send;
  uvchan_select_t select;
  uvchan_case_t cases[CHANNELS];
  unsigned char values[CHANNELS * MOST_ELEM_SIZE];
  party_t* party;
  size_t channel;
  int busy;
  int selects;
} out_t;

/* The same that receives. */
typedef struct {
  uvchan_recv_t recv;
  uvchan_select_t select;
  uvchan_case_t cases[CHANNELS];
  unsigned char values[CHANNELS * MOST_ELEM_SIZE];
  order_t order;
  party_t* party;
  size_t channel;
  int busy;
  int selects;
} in_t;

/* A receiver. The first of each channel is always started again, so that all values are received;
 * the second comes and goes. */
typedef struct {
  uvchan_receiver_t handle; /* first */
  order_t order;
  party_t* party;
  size_t channel;
  int first;
  int open;
} sink_t;

struct party_s {
  sender_t sender;
  uint32_t random;
  int sends;
  /* takes steps in receiving without a cause too; else only in callbacks, and sleeps between */
  int driven;
  int leaving;
  int inside;
  int ended[CHANNELS];
  order_t order;
  out_t outs[REQUESTS];
  in_t ins[REQUESTS];
  sink_t sinks[2 * CHANNELS];
  unsigned char values[AT_ONCE * MOST_ELEM_SIZE];
  uv_idle_t idle;
  uv_timer_t timer;
  uv_loop_t loop;
  uv_thread_t thread;
};

static void receive_step(party_t* party);
static void check_done(party_t* party);

/* In callbacks, now and then, something else happens too. */
static void something_else(party_t* party) {
  if (!party->inside && !party->leaving && draw(&party->random, 4) == 0) {
    party->inside = 1;
    receive_step(party);
    party->inside = 0;
  }
  check_done(party);
}

/* ---- Sending on a loop ----------------------------------------------------------------------- */

static void out_sent(uvchan_send_t* req, int status) {
  out_t* out = req->data;
  sender_t* sender = &out->party->sender;
  must(out->busy);
  must(status == 0 || status == UV_EPIPE || status == UV_ECANCELED);
  out->busy = 0;
  if (status == 0) note_sent(get(out->values, 0));
  if (status == UV_EPIPE) sender->closed[out->channel] = 1;
  something_else(out->party);
}

static void out_chosen(uvchan_select_t* req, int index) {
  out_t* out = req->data;
  must(out->busy);
  must(index == UV_ECANCELED || (index >= 0 && index < CHANNELS));
  out->busy = 0;
  if (index >= 0) {
    must(out->cases[index].status == 0 || out->cases[index].status == UV_EPIPE);
    if (out->cases[index].status == 0) {
      note_sent(get(out->values, (size_t)index));
    } else {
      out->party->sender.closed[index] = 1;
    }
  }
  something_else(out->party);
}

static void out_start(party_t* party, out_t* out) {
  sender_t* sender = &party->sender;
  size_t c;
  if (out->busy) {
    int r = uvchan_cancel(out->selects ? (uvchan_req_t*)&out->select : (uvchan_req_t*)&out->send);
    must(r == 0 || r == UV_EBUSY);
    return;
  }
  out->channel = draw(&party->random, CHANNELS);
  out->selects = draw(&party->random, 2) == 0;
  if (out->selects) {
    if (send_cases(sender, out->cases, out->values) == 0) return;
    for (c = 0; c < CHANNELS; c++) sender->place[c]++;
    must(uvchan_select(&party->loop, &out->select, out->cases, CHANNELS, out_chosen) == 0);
  } else {
    put(out->values, 0, next_number(sender, out->channel));
    sender->place[out->channel]++;
    must(uvchan_send(&party->loop, &out->send, world.chs[out->channel], out->values, out_sent) ==
         0);
  }
  out->busy = 1;
}

static void send_step(party_t* party) {
  sender_t* sender = &party->sender;
  size_t c = draw(&party->random, CHANNELS);
  size_t n = 1 + draw(&party->random, AT_ONCE);
  size_t i;
  sender->steps_left--;
  for (i = 0; i < n; i++) put(party->values, i, next_number(sender, c) + i);
  switch (draw(&party->random, 4)) {
    case 0:
      sender_note(sender, c, one_of(uvchan_try_send(world.chs[c], party->values)));
      break;
    case 1:
      sender_note(sender, c, uvchan_try_send_n(world.chs[c], party->values, n));
      break;
    default:
      out_start(party, &party->outs[draw(&party->random, REQUESTS)]);
      break;
  }
}

static void stop_sending_if_done(party_t* party) {
  int i;
  if (!party->sends || can_send(&party->sender)) return;
  for (i = 0; i < REQUESTS; i++) {
    if (party->outs[i].busy) return;
  }
  party->sends = 0;
  sender_leave();
}

/* ---- Receiving on a loop --------------------------------------------------------------------- */

static void in_received(uvchan_recv_t* req, int status) {
  in_t* in = req->data;
  must(in->busy);
  must(status == 0 || status == UV_ECANCELED || is_end(status));
  in->busy = 0;
  if (status == 0) note_received(&in->order, in->channel, get(in->values, 0));
  if (is_end(status)) in->party->ended[in->channel] = 1;
  something_else(in->party);
}

static void in_chosen(uvchan_select_t* req, int index) {
  in_t* in = req->data;
  must(in->busy);
  must(index == UV_ECANCELED || (index >= 0 && index < CHANNELS));
  in->busy = 0;
  if (index >= 0) {
    must(in->cases[index].status == 0 || is_end(in->cases[index].status));
    if (in->cases[index].status == 0) {
      note_received(&in->order, (size_t)index, get(in->values, (size_t)index));
    } else {
      in->party->ended[index] = 1;
    }
  }
  something_else(in->party);
}

static void in_cancel(in_t* in) {
  int r = uvchan_cancel(in->selects ? (uvchan_req_t*)&in->select : (uvchan_req_t*)&in->recv);
  must(r == 0 || r == UV_EBUSY);
}

static void in_start(party_t* party, in_t* in) {
  if (in->busy) {
    in_cancel(in);
    return;
  }
  in->channel = draw(&party->random, CHANNELS);
  in->selects = draw(&party->random, 2) == 0;
  if (in->selects) {
    recv_cases(party->ended, in->cases, in->values);
    must(uvchan_select(&party->loop, &in->select, in->cases, CHANNELS, in_chosen) == 0);
  } else {
    must(uvchan_recv(&party->loop, &in->recv, world.chs[in->channel], in->values, in_received) ==
         0);
  }
  in->busy = 1;
}

static void sink_value(uvchan_receiver_t* receiver, int status, const void* value) {
  sink_t* sink = (sink_t*)receiver;
  must(sink->open && !sink->party->leaving);
  must(status == 0 || is_end(status));
  if (status == 0) {
    note_received(&sink->order, sink->channel, get(value, 0));
  } else {
    sink->party->ended[sink->channel] = 1;
  }
  something_else(sink->party);
}

static void sink_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  sink_t* sink = (sink_t*)receiver;
  ssize_t i;
  must(sink->open && !sink->party->leaving);
  must(nvalues > 0 || is_end(nvalues));
  for (i = 0; i < nvalues; i++) note_received(&sink->order, sink->channel, get(values, (size_t)i));
  if (nvalues < 0) sink->party->ended[sink->channel] = 1;
  something_else(sink->party);
}

static void sink_start(sink_t* sink) {
  uint32_t* random = &sink->party->random;
  must(uvchan_receiver_set_budget(&sink->handle, 1 + draw(random, 20)) == 0);
  if (draw(random, 2) == 0) {
    must(uvchan_recv_start(&sink->handle, sink_value) == 0);
  } else {
    must(uvchan_recv_start_batch(&sink->handle, sink_batch) == 0);
  }
}

static void sink_open(sink_t* sink) {
  must(uvchan_receiver_init(&sink->party->loop, &sink->handle, world.chs[sink->channel]) == 0);
  sink->open = 1;
  sink_start(sink);
}

static void sink_closed(uvchan_receiver_t* receiver) {
  sink_t* sink = (sink_t*)receiver;
  must(!sink->open);
  if (!sink->party->leaving) sink_open(sink);
}

static void sink_close(sink_t* sink) {
  if (!sink->open) return;
  sink->open = 0;
  uvchan_receiver_close(&sink->handle, sink_closed);
}

static void sink_step(party_t* party, sink_t* sink) {
  if (!sink->open) return;
  if (!sink->first && draw(&party->random, 4) == 0) {
    sink_close(sink);
  } else if (uvchan_receiver_is_active(&sink->handle)) {
    must(uvchan_recv_stop(&sink->handle) == 0);
    if (sink->first || draw(&party->random, 2) == 0) sink_start(sink);
  } else if (!party->ended[sink->channel]) {
    sink_start(sink);
  }
}

static void receive_step(party_t* party) {
  size_t c = draw(&party->random, CHANNELS);
  int r;
  switch (draw(&party->random, 4)) {
    case 0:
      r = uvchan_try_recv(world.chs[c], party->values);
      must(r == 0 || r == UV_EAGAIN || is_end(r));
      if (r == 0) note_received(&party->order, c, get(party->values, 0));
      break;
    case 1:
      in_start(party, &party->ins[draw(&party->random, REQUESTS)]);
      break;
    default:
      sink_step(party, &party->sinks[draw(&party->random, 2 * CHANNELS)]);
      break;
  }
}

/* ---- A party on a loop ----------------------------------------------------------------------- */

static void check_done(party_t* party) {
  int i;
  stop_sending_if_done(party);
  if (party->leaving || party->sends || !all_ended(party->ended)) return;
  party->leaving = 1;
  for (i = 0; i < 2 * CHANNELS; i++) sink_close(&party->sinks[i]);
  for (i = 0; i < REQUESTS; i++) {
    if (party->ins[i].busy) in_cancel(&party->ins[i]);
  }
  uv_close((uv_handle_t*)&party->idle, NULL);
  uv_close((uv_handle_t*)&party->timer, NULL);
}

static void on_timer(uv_timer_t* timer);

/* Steps turn by turn, with a pause now and then in which the loop may sleep. */
static void on_idle(uv_idle_t* idle) {
  party_t* party = idle->data;
  if (party->sends && can_send(&party->sender)) send_step(party);
  if (party->driven) receive_step(party);
  check_done(party);
  if (party->leaving) return;
  if (!party->sends && !party->driven) {
    uv_idle_stop(idle);
  } else if (draw(&party->random, 16) == 0) {
    uv_idle_stop(idle);
    must(uv_timer_start(&party->timer, on_timer, 1, 0) == 0);
  }
}

static void on_timer(uv_timer_t* timer) {
  party_t* party = timer->data;
  must(uv_idle_start(&party->idle, on_idle) == 0);
}

static void party_open(party_t* party, int driven) {
  int i;
  support_loop_open(&party->loop);
  party->driven = driven;
  must(uv_idle_init(&party->loop, &party->idle) == 0);
  must(uv_timer_init(&party->loop, &party->timer) == 0);
  party->idle.data = party->timer.data = party;
  for (i = 0; i < REQUESTS; i++) {
    party->outs[i].party = party->ins[i].party = party;
    party->outs[i].send.data = party->outs[i].select.data = &party->outs[i];
    party->ins[i].recv.data = party->ins[i].select.data = &party->ins[i];
  }
  for (i = 0; i < 2 * CHANNELS; i++) {
    party->sinks[i].party = party;
    party->sinks[i].channel = (size_t)i / 2;
    party->sinks[i].first = i % 2 == 0;
    sink_open(&party->sinks[i]);
  }
  if (party->sends || driven) must(uv_idle_start(&party->idle, on_idle) == 0);
}

static void run_party(void* arg) { support_loop_finish(&((party_t*)arg)->loop); }

/* ---- The tests ------------------------------------------------------------------------------- */

#define THREADS 2
#define PARTIES 2

static uint32_t seed;
static sender_t senders[THREADS];
static taker_t takers[THREADS];
static party_t parties[PARTIES];

static uint32_t next_seed(void) {
  uint32_t random = support_random(&seed);
  return random == 0 ? 1 : random;
}

static void sender_init(sender_t* sender, size_t id) {
  sender->id = id;
  sender->random = next_seed();
  sender->steps_left = support_slow() ? 800 : 2000;
}

static void world_open(int i, size_t capacity, uvchan_overflow_t overflow) {
  static const size_t elem_sizes[] = {8, 24, MOST_ELEM_SIZE};
  uvchan_options_t options;
  size_t c;
  seed = seed * 2654435761u + (uint32_t)i * 40503u + 1;
  if (seed == 0) seed = 1;
  memset(&world, 0, sizeof(world)); /* all tests may run in one process */
  memset(senders, 0, sizeof(senders));
  memset(takers, 0, sizeof(takers));
  memset(parties, 0, sizeof(parties));
  memset(&options, 0, sizeof(options));
  world.elem_size = elem_sizes[draw(&seed, 3)];
  options.elem_size = world.elem_size;
  options.capacity = capacity;
  options.overflow = overflow;
  options.drop_cb = note_dropped;
  for (c = 0; c < CHANNELS; c++) must(uvchan_create_ex(&world.chs[c], &options) == 0);
}

static void check_ledger(void) {
  uint64_t sent = 0;
  uint64_t had = 0;
  size_t c;
  size_t s;
  size_t place;
  for (c = 0; c < CHANNELS; c++) {
    uvchan_stats_t stats;
    uvchan_stats(world.chs[c], &stats);
    must(stats.sent == stats.received + stats.dropped + stats.len);
    must(stats.waiting_senders == 0 && stats.waiting_receivers == 0);
    sent += stats.sent;
    had += stats.received + stats.dropped;
    uvchan_release(world.chs[c]);
    for (s = 0; s < SENDERS; s++) {
      for (place = 0; place < PLACES; place++)
        must(world.ledger.sent[s][c][place] == world.ledger.had[s][c][place]);
    }
  }
  must(sent == atomic_load(&world.ledger.nsent));
  must(had == sent);
}

/* Parties of all kinds; the last sender closes, or somebody else does before. */
static void run_world(int takes) {
  uv_thread_t threads[2 * THREADS];
  size_t c;
  int i;
  for (c = 0; world.counted && c < CHANNELS; c++)
    must(uvchan_sender_add(world.chs[c], THREADS + PARTIES) == 0);
  atomic_store(&world.senders_left, THREADS + PARTIES);
  for (i = 0; i < PARTIES; i++) {
    sender_init(&parties[i].sender, (size_t)(THREADS + i));
    parties[i].random = next_seed();
    parties[i].sends = 1;
    party_open(&parties[i], takes);
  }
  for (i = 0; i < THREADS; i++) {
    sender_init(&senders[i], (size_t)i);
    takers[i].random = next_seed();
    support_start(&threads[i], send_in_thread, &senders[i]);
    if (takes) support_start(&threads[THREADS + i], take_in_thread, &takers[i]);
  }
  for (i = 0; i < PARTIES; i++) support_start(&parties[i].thread, run_party, &parties[i]);
  if (world.interrupted) {
    support_await(atomic_load(&world.ledger.nsent) >= 500);
    for (c = 0; c < CHANNELS; c++)
      (void)(draw(&seed, 2) == 0 ? uvchan_close(world.chs[c])
                                 : uvchan_abort(world.chs[c], UV_ECONNABORTED));
  }
  if (!world.counted && !world.interrupted) {
    support_await(atomic_load(&world.senders_left) == 0);
    support_await(atomic_load(&world.ledger.nhad) == atomic_load(&world.ledger.nsent));
    for (c = 0; c < CHANNELS; c++) must(uvchan_close(world.chs[c]) == 0);
  }
  for (i = 0; i < THREADS; i++) {
    support_join(&threads[i]);
    if (takes) support_join(&threads[THREADS + i]);
  }
  for (i = 0; i < PARTIES; i++) support_join(&parties[i].thread);
  check_ledger();
}

START_TEST(every_value_is_accounted_for_when_the_last_sender_closes) {
  world_open(_i, support_capacities[_i], UVCHAN_WAIT);
  world.counted = 1;
  run_world(1);
}
END_TEST

START_TEST(every_value_is_accounted_for_when_somebody_closes_or_aborts_midway) {
  world_open(10 + _i, support_capacities[_i], UVCHAN_WAIT);
  world.interrupted = 1;
  run_world(1);
}
END_TEST

/* Loops alone receive, take steps only in their callbacks, and must have everything before the
 * channels are closed: there is no close, no timer and no other receiver that would hide a lost
 * wake-up. */
START_TEST(every_value_is_received_before_anybody_closes) {
  world_open(20 + _i, support_capacities[_i], UVCHAN_WAIT);
  run_world(0);
}
END_TEST

START_TEST(every_value_is_accounted_for_where_full_channels_drop) {
  world_open(30 + _i, _i < 2 ? 1 : 16, _i % 2 == 0 ? UVCHAN_DROP_NEWEST : UVCHAN_DROP_OLDEST);
  world.counted = 1;
  run_world(1);
}
END_TEST

int main(void) {
  static char name[40];
  const char* given = getenv("UVCHAN_SEED");
  Suite* suite = suite_create("stress");
  TCase* stress;

  seed = given != NULL ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)uv_hrtime();
  (void)snprintf(name, sizeof(name), "UVCHAN_SEED=%u", (unsigned int)seed);
  stress = support_tcase(suite, name);
  tcase_add_loop_test(stress, every_value_is_accounted_for_when_the_last_sender_closes, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(stress, every_value_is_accounted_for_when_somebody_closes_or_aborts_midway, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(stress, every_value_is_received_before_anybody_closes, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(stress, every_value_is_accounted_for_where_full_channels_drop, 0, 4);
  return support_main(suite);
}
