/* SPDX-License-Identifier: MIT */
/* Several loops, each on a thread of its own, that share channels: exactly once, in order, and the
 * end for all. */
#include "support-loop.h"

#define LOOPS 3

/* Which numbers were received, by anyone. */
#define MOST_NUMBERS 10000

static atomic_uchar seen[MOST_NUMBERS];

static void note(uint64_t number) {
  must(number < MOST_NUMBERS);
  must(atomic_fetch_add_explicit(&seen[number], 1, memory_order_relaxed) == 0);
}

static void check_seen(uint64_t count) {
  uint64_t i;
  for (i = 0; i < count; i++) must(atomic_load_explicit(&seen[i], memory_order_relaxed) == 1);
}

/* A loop on its own thread, with receivers on one channel. What one sender sent comes to one
 * receiver in rising order. */
typedef struct {
  uvchan_receiver_t handle; /* first */
  uint64_t next;
  uint64_t values;
  unsigned int ends;
} rising_t;

typedef struct {
  uv_loop_t loop;
  uv_thread_t thread;
  rising_t receivers[2];
} worker_t;

static void rising_take(rising_t* rising, uint64_t number) {
  must(rising->ends == 0);
  must(number >= rising->next);
  rising->next = number + 1;
  rising->values++;
  note(number);
}

static void rising_end(rising_t* rising) {
  rising->ends++;
  uvchan_receiver_close(&rising->handle, NULL);
}

static void on_rising(uvchan_receiver_t* receiver, int status, const void* value) {
  rising_t* rising = (rising_t*)receiver;
  if (status == 0) {
    rising_take(rising, *(const uint64_t*)value);
  } else {
    rising_end(rising);
  }
}

static void on_rising_batch(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  rising_t* rising = (rising_t*)receiver;
  ssize_t i;
  for (i = 0; i < nvalues; i++) rising_take(rising, ((const uint64_t*)values)[i]);
  if (nvalues < 0) rising_end(rising);
}

static void run_worker(void* arg) { support_loop_finish(&((worker_t*)arg)->loop); }

static void worker_start(worker_t* worker, uvchan_t* ch) {
  memset(worker, 0, sizeof(*worker));
  support_loop_open(&worker->loop);
  must(uvchan_receiver_init(&worker->loop, &worker->receivers[0].handle, ch) == 0);
  must(uvchan_recv_start(&worker->receivers[0].handle, on_rising) == 0);
  must(uvchan_receiver_init(&worker->loop, &worker->receivers[1].handle, ch) == 0);
  must(uvchan_recv_start_batch(&worker->receivers[1].handle, on_rising_batch) == 0);
  support_start(&worker->thread, run_worker, worker);
}

START_TEST(each_value_goes_to_exactly_one_receiver_of_several_loops_and_the_end_to_all) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uint64_t count = (uint64_t)support_count(MOST_NUMBERS);
  static worker_t workers[LOOPS];
  uint64_t values = 0;
  uint64_t i;

  memset(seen, 0, sizeof(seen));
  for (i = 0; i < LOOPS; i++) worker_start(&workers[i], ch);
  for (i = 0; i < count; i++) must(uvchan_send_wait(ch, &i) == 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (i = 0; i < LOOPS; i++) {
    support_join(&workers[i].thread);
    ck_assert_uint_eq(workers[i].receivers[0].ends, 1);
    ck_assert_uint_eq(workers[i].receivers[1].ends, 1);
    values += workers[i].receivers[0].values + workers[i].receivers[1].values;
  }
  ck_assert_uint_eq(values, count);
  check_seen(count);
  ck_assert_uint_eq(rest(ch).received, count);
  uvchan_release(ch);
}
END_TEST

/* Stages of a pipeline: each a loop that receives from one channel and sends on to the next by
 * requests, one after the other. */
typedef struct {
  uvchan_recv_t recv;
  uvchan_send_t send;
  uvchan_t* in;
  uvchan_t* out;
  uint64_t value;
  uint64_t next;
  uv_loop_t loop;
  uv_thread_t thread;
} stage_t;

static void stage_received(uvchan_recv_t* req, int status);

static void stage_sent(uvchan_send_t* req, int status) {
  stage_t* stage = req->data;
  must(status == 0);
  must(uvchan_recv(&stage->loop, &stage->recv, stage->in, &stage->value, stage_received) == 0);
}

static void stage_received(uvchan_recv_t* req, int status) {
  stage_t* stage = req->data;
  if (status == UV_EOF) {
    must(uvchan_close(stage->out) == 0);
    return;
  }
  must(status == 0);
  must(stage->value == stage->next);
  stage->next++;
  must(uvchan_send(&stage->loop, &stage->send, stage->out, &stage->value, stage_sent) == 0);
}

static void run_stage(void* arg) { support_loop_finish(&((stage_t*)arg)->loop); }

static void stage_start(stage_t* stage, uvchan_t* in, uvchan_t* out) {
  memset(stage, 0, sizeof(*stage));
  support_loop_open(&stage->loop);
  stage->in = in;
  stage->out = out;
  stage->recv.data = stage->send.data = stage;
  must(uvchan_recv(&stage->loop, &stage->recv, in, &stage->value, stage_received) == 0);
  support_start(&stage->thread, run_stage, stage);
}

typedef struct {
  uvchan_t* ch;
  uint64_t count;
} source_t;

static void feed(void* arg) {
  source_t* source = arg;
  uint64_t i;
  for (i = 0; i < source->count; i++) must(uvchan_send_wait(source->ch, &i) == 0);
  must(uvchan_close(source->ch) == 0);
}

START_TEST(values_keep_their_order_through_a_pipeline_of_loops) {
  uvchan_t* chs[LOOPS + 1];
  static stage_t stages[LOOPS];
  source_t source;
  uv_loop_t loop;
  uv_thread_t thread;
  sink_t sink;
  int i;

  support_loop_open(&loop);
  for (i = 0; i <= LOOPS; i++) chs[i] = support_channel(8, support_capacities[_i]);
  sink_start(&sink, &loop, chs[LOOPS]);
  sink.close_at_end = 1;
  for (i = 0; i < LOOPS; i++) stage_start(&stages[i], chs[i], chs[i + 1]);
  source.ch = chs[0];
  source.count = (uint64_t)support_count(3000);
  support_start(&thread, feed, &source);
  support_loop_finish(&loop);
  support_join(&thread);
  for (i = 0; i < LOOPS; i++) support_join(&stages[i].thread);
  ck_assert_uint_eq(sink.values, source.count);
  ck_assert_uint_eq(sink.ends, 1);
  for (i = 0; i <= LOOPS; i++) uvchan_release(chs[i]);
}
END_TEST

/* A token goes round a ring of loops. Nothing else happens and nothing is closed, so that one lost
 * wake-up stops it for ever. */
typedef struct {
  uvchan_receiver_t receiver;
  uvchan_t* next;
  uint64_t hops; /* of the token, when this one takes itself out */
  uv_loop_t loop;
  uv_thread_t thread;
} runner_t;

static void pass_the_token(uvchan_receiver_t* receiver, int status, const void* value) {
  runner_t* runner = (runner_t*)receiver;
  uint64_t token;
  must(status == 0);
  token = *(const uint64_t*)value + 1;
  if (token + 1 < runner->hops + 2 * LOOPS) must(uvchan_send_wait(runner->next, &token) == 0);
  if (token >= runner->hops + LOOPS) uvchan_receiver_close(receiver, NULL);
}

static void run_runner(void* arg) { support_loop_finish(&((runner_t*)arg)->loop); }

START_TEST(a_token_goes_round_a_ring_of_loops_without_a_lost_wake_up) {
  uvchan_t* chs[LOOPS];
  static runner_t runners[LOOPS];
  int i;

  for (i = 0; i < LOOPS; i++) chs[i] = support_channel(8, support_capacities[_i]);
  for (i = 0; i < LOOPS; i++) {
    runners[i].next = chs[(i + 1) % LOOPS];
    runners[i].hops = (uint64_t)support_count(6000) / LOOPS * LOOPS;
    support_loop_open(&runners[i].loop);
    must(uvchan_receiver_init(&runners[i].loop, &runners[i].receiver, chs[i]) == 0);
    must(uvchan_recv_start(&runners[i].receiver, pass_the_token) == 0);
  }
  ck_assert_int_eq(try_send(chs[0], 0), 0);
  for (i = 0; i < LOOPS; i++) support_start(&runners[i].thread, run_runner, &runners[i]);
  for (i = 0; i < LOOPS; i++) support_join(&runners[i].thread);
  for (i = 0; i < LOOPS; i++) uvchan_release(chs[i]);
}
END_TEST

/* Two loops that select over sending to each other and receiving from each other: every exchange
 * counts once on both sides. */
typedef struct {
  uvchan_select_t select;
  uvchan_case_t cases[2];
  uint64_t out;
  uint64_t in;
  uint64_t sent;
  uint64_t received;
  uint64_t limit;
  uv_loop_t loop;
  uv_thread_t thread;
} peer_t;

static void peer_select(peer_t* peer);

static void peer_chosen(uvchan_select_t* req, int index) {
  peer_t* peer = req->data;
  must(index == 0 || index == 1);
  if (peer->cases[index].status != 0) {
    must(peer->cases[index].status == (index == 0 ? UV_EPIPE : UV_EOF));
    return;
  }
  if (index == 0) peer->sent++;
  if (index == 1) must(peer->in == peer->received++);
  if (peer->sent + peer->received == peer->limit) must(uvchan_close(peer->cases[0].ch) == 0);
  peer_select(peer);
}

static void peer_select(peer_t* peer) {
  peer->out = peer->sent;
  must(uvchan_select(&peer->loop, &peer->select, peer->cases, 2, peer_chosen) == 0);
}

static void run_peer(void* arg) { support_loop_finish(&((peer_t*)arg)->loop); }

static void peer_start(peer_t* peer, uvchan_t* out, uvchan_t* in, uint64_t limit) {
  memset(peer, 0, sizeof(*peer));
  support_loop_open(&peer->loop);
  peer->limit = limit;
  peer->select.data = peer;
  peer->cases[0].ch = out;
  peer->cases[0].op = UVCHAN_SEND;
  peer->cases[0].value = &peer->out;
  peer->cases[1].ch = in;
  peer->cases[1].op = UVCHAN_RECV;
  peer->cases[1].value = &peer->in;
  peer_select(peer);
}

START_TEST(two_loops_that_select_to_each_other_lose_nothing) {
  uvchan_t* chs[2];
  static peer_t peers[2];
  uint64_t limit = (uint64_t)support_count(4000);
  int i;

  for (i = 0; i < 2; i++) chs[i] = support_channel(8, support_capacities[_i]);
  peer_start(&peers[0], chs[0], chs[1], limit);
  peer_start(&peers[1], chs[1], chs[0], UINT64_MAX);
  for (i = 0; i < 2; i++) support_start(&peers[i].thread, run_peer, &peers[i]);
  support_join(&peers[0].thread);
  (void)uvchan_close(chs[1]);
  support_join(&peers[1].thread);
  for (i = 0; i < 2; i++) {
    uvchan_stats_t stats = support_at_rest(chs[i]);
    ck_assert_uint_eq(peers[i].sent, stats.sent);
    ck_assert_uint_eq(peers[1 - i].received, stats.received);
    uvchan_release(chs[i]);
  }
}
END_TEST

/* One loop closes while another waits on both sides. */
START_TEST(a_close_on_one_loop_wakes_the_requests_of_another) {
  uvchan_t* empty = support_channel(8, support_capacities[_i]);
  uvchan_t* full = support_channel(8, support_capacities[_i]);
  uv_loop_t loop;
  uv_thread_t thread;
  source_t nothing = {empty, 0};
  source_t blocked = {full, 0};
  recv_op_t recvs[10];
  send_op_t sends[10];
  int i;

  support_loop_open(&loop);
  while (try_send(full, 0) == 0) continue;
  for (i = 0; i < 10; i++) {
    recv_op(&recvs[i], &loop, empty);
    send_op(&sends[i], &loop, full, 1);
  }
  support_start(&thread, feed, &nothing);
  run_until(&loop, recvs[9].calls == 1);
  support_join(&thread);
  ck_assert_uint_eq(sends[0].calls, 0);
  support_start(&thread, feed, &blocked);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  support_join(&thread);
  for (i = 0; i < 10; i++) {
    ck_assert_int_eq(recvs[i].status, UV_EOF);
    ck_assert_int_eq(sends[i].status, UV_EPIPE);
    ck_assert_uint_eq(recvs[i].calls, 1);
    ck_assert_uint_eq(sends[i].calls, 1);
  }
  support_loop_finish(&loop);
  uvchan_release(empty);
  uvchan_release(full);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("many-loops");
  TCase* share = support_tcase(suite, "share");

  tcase_add_loop_test(share,
                      each_value_goes_to_exactly_one_receiver_of_several_loops_and_the_end_to_all,
                      0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(share, values_keep_their_order_through_a_pipeline_of_loops, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(share, a_token_goes_round_a_ring_of_loops_without_a_lost_wake_up, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(share, two_loops_that_select_to_each_other_lose_nothing, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(share, a_close_on_one_loop_wakes_the_requests_of_another, 0,
                      SUPPORT_NCAPACITIES - 1);
  return support_main(suite);
}
