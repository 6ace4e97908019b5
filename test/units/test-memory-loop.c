/* SPDX-License-Identifier: MIT */
/* Memory on loops: what allocates and what does not, and each allocation failing in its turn. */
#include "scene.h"

#define EVERY_KIND (SUPPORT_NCAPACITIES * SUPPORT_NELEM_SIZES)

static size_t capacity_of(int i) { return support_capacities[i % SUPPORT_NCAPACITIES]; }
static size_t elem_size_of(int i) { return support_elem_sizes[i / SUPPORT_NCAPACITIES]; }

/* ---- Each allocation fails in its turn ------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  uvchan_t* more[10];
  uvchan_waitgroup_t wg;
  uvchan_receiver_t receiver;
  uvchan_ticker_t ticker;
  uvchan_send_t send;
  uvchan_recv_t recv;
  uvchan_select_t select;
  uvchan_notify_t notify;
  uvchan_case_t cases[10];
  unsigned char value[SUPPORT_MOST_BYTES];
  unsigned int calls;
} place_t;

static void on_send(uvchan_send_t* req, int status) {
  ((place_t*)req->data)->calls++;
  must(status == 0);
}

static void on_recv(uvchan_recv_t* req, int status) {
  ((place_t*)req->data)->calls++;
  must(status == UV_EOF || status == 0);
}

static void on_select(uvchan_select_t* req, int index) {
  ((place_t*)req->data)->calls++;
  must(index >= 0);
}

static void on_notify(uvchan_notify_t* req, int status) {
  ((place_t*)req->data)->calls++;
  must(status == 0);
}

static void on_receiver_close(uvchan_receiver_t* receiver) { ((place_t*)receiver->data)->calls++; }
static void on_ticker_close(uvchan_ticker_t* ticker) { ((place_t*)ticker->data)->calls++; }

/* Each begins one operation on the loop, and where it began brings it to its one callback. */
static int begin_receiver(uv_loop_t* loop, place_t* place) {
  return uvchan_receiver_init(loop, &place->receiver, place->ch);
}
static void end_receiver(place_t* place) {
  uvchan_receiver_close(&place->receiver, on_receiver_close);
}

static int begin_ticker(uv_loop_t* loop, place_t* place) {
  return uvchan_ticker_init(loop, &place->ticker, place->ch);
}
static void end_ticker(place_t* place) { uvchan_ticker_close(&place->ticker, on_ticker_close); }

static int begin_send(uv_loop_t* loop, place_t* place) {
  return uvchan_send(loop, &place->send, place->ch, place->value, on_send);
}
static void end_send(place_t* place) { (void)uvchan_try_recv(place->ch, place->value); }

static int begin_recv(uv_loop_t* loop, place_t* place) {
  return uvchan_recv(loop, &place->recv, place->ch, place->value, on_recv);
}
static void end_recv(place_t* place) { must(uvchan_close(place->ch) == 0); }

static int begin_select_of(uv_loop_t* loop, place_t* place, size_t ncases) {
  size_t i;
  for (i = 0; i < ncases; i++) {
    place->cases[i].ch = i == 0 ? place->ch : place->more[i];
    place->cases[i].op = UVCHAN_RECV;
    place->cases[i].value = place->value;
  }
  return uvchan_select(loop, &place->select, place->cases, ncases, on_select);
}

static int begin_select_2(uv_loop_t* loop, place_t* place) {
  return begin_select_of(loop, place, 2);
}
static int begin_select_10(uv_loop_t* loop, place_t* place) {
  return begin_select_of(loop, place, 10);
}

static int begin_select_send(uv_loop_t* loop, place_t* place) {
  memset(place->cases, 0, sizeof(place->cases));
  place->cases[9].ch = place->ch;
  place->cases[9].op = UVCHAN_SEND;
  place->cases[9].value = place->value;
  return uvchan_select(loop, &place->select, place->cases, 10, on_select);
}

static int begin_notify(uv_loop_t* loop, place_t* place) {
  return uvchan_waitgroup_notify(loop, &place->notify, &place->wg, on_notify);
}
static void end_notify(place_t* place) { must(uvchan_waitgroup_done(&place->wg) == 0); }

typedef struct {
  int (*begin)(uv_loop_t* loop, place_t* place);
  void (*end)(place_t* place);
} operation_t;

static const operation_t operations[] = {
    {begin_receiver, end_receiver}, {begin_ticker, end_ticker}, {begin_send, end_send},
    {begin_recv, end_recv},         {begin_select_2, end_recv}, {begin_select_10, end_recv},
    {begin_select_send, end_send},  {begin_notify, end_notify},
};

#define NOPERATIONS (sizeof(operations) / sizeof(*operations))

static void place_open(place_t* place, size_t elem_size, size_t capacity) {
  int i;
  memset(place, 0, sizeof(*place));
  place->ch = support_channel(elem_size, capacity);
  for (i = 0; i < 10; i++) place->more[i] = support_channel(0, 0);
  must(uvchan_waitgroup_init(&place->wg) == 0);
  must(uvchan_waitgroup_add(&place->wg, 1) == 0);
  place->receiver.data = place->ticker.data = place->send.data = place->recv.data = place;
  place->select.data = place->notify.data = place;
}

static void place_close(place_t* place) {
  int i;
  uvchan_waitgroup_destroy(&place->wg);
  for (i = 0; i < 10; i++) uvchan_release(place->more[i]);
  uvchan_release(place->ch);
}

static void check_untouched(const place_t* place, uint64_t sent) {
  uvchan_stats_t stats;
  uvchan_stats(place->ch, &stats);
  ck_assert_uint_eq(stats.sent, sent);
  ck_assert_uint_eq(stats.len, sent);
  ck_assert_uint_eq(stats.waiting_senders + stats.waiting_receivers, 0);
}

/* One attempt on a fresh loop; answers 1 where it had all the memory that it asked for. */
static int attempt(const operation_t* operation, place_t* place, size_t n, int forever) {
  uv_loop_t loop;
  size_t blocks = support_allocations();
  uint64_t sent = rest(place->ch).sent;
  int r;

  support_loop_open(&loop);
  support_fail_at(n, forever);
  r = operation->begin(&loop, place);
  support_fail_never();
  if (r == 0) {
    ck_assert_uint_eq(support_failures(), 0);
    operation->end(place);
    support_loop_finish(&loop);
    ck_assert_uint_eq(place->calls, 1);
    return 1;
  }
  ck_assert_int_eq(r, UV_ENOMEM);
  ck_assert_uint_ge(support_failures(), 1);
  ck_assert_uint_eq(support_allocations(), blocks);
  check_untouched(place, sent);
  ck_assert(!uv_loop_alive(&loop));
  ck_assert_uint_eq(count_handles(&loop, UV_UNKNOWN_HANDLE), 0);
  ck_assert_int_eq(uv_loop_close(&loop), 0); /* without a further turn */
  ck_assert_uint_eq(place->calls, 0);
  return 0;
}

START_TEST(each_allocation_that_fails_leaves_everything_as_it_was) {
  const operation_t* operation = &operations[_i / SUPPORT_NCAPACITIES];
  size_t capacity = support_capacities[_i % SUPPORT_NCAPACITIES];
  size_t elem_size = operation->begin == begin_ticker ? 8 : SUPPORT_MOST_BYTES;
  int forever;

  for (forever = 0; forever < 2; forever++) {
    place_t place;
    size_t n = 0;
    place_open(&place, elem_size, capacity);
    while (!attempt(operation, &place, n, forever)) ck_assert_uint_lt(++n, 20);
    place_close(&place);
  }
}
END_TEST

/* ---- What needs no memory -------------------------------------------------------------------- */

START_TEST(delivery_stop_close_and_release_need_no_memory) {
  uvchan_t* ch = support_channel(elem_size_of(_i), capacity_of(_i));
  unsigned char value[SUPPORT_MOST_BYTES];
  sink_t sink;
  sink_t batch;
  recv_op_t recv;
  uint64_t i;
  int left = capacity_of(_i) == UVCHAN_UNBOUNDED ? 16 : (int)capacity_of(_i);

  for (i = 0; left-- > 0; i++) {
    support_fill(value, elem_size_of(_i), i);
    ck_assert_int_eq(uvchan_try_send(ch, value), 0);
  }
  sink_init(&sink, &scene.loop, ch);
  sink_init(&batch, &scene.loop, ch);
  sink.unordered = batch.unordered = 1;
  support_fail_at(0, 1);
  ck_assert_int_eq(uvchan_recv_start(&sink.handle, sink_on_value), 0);
  ck_assert_int_eq(uvchan_recv_start_batch(&batch.handle, sink_on_batch), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(sink.values + batch.values, i);
  ck_assert_int_eq(uvchan_recv_stop(&sink.handle), 0);
  memset(&recv, 0, sizeof(recv));
  ck_assert_int_eq(uvchan_recv(&scene.loop, &recv.req, ch, value, recv_op_done), 0);
  ck_assert_int_eq(cancel_op(&recv), 0);
  ck_assert_int_eq(uvchan_close(ch), 0);
  settle(&scene.loop);
  ck_assert_uint_eq(batch.ends, 1);
  ck_assert_uint_eq(recv.calls, 1);
  sink_close(&sink);
  sink_close(&batch);
  scene_finish_loop();
  ck_assert_uint_eq(support_failures(), 0);
  support_fail_never();
  uvchan_release(ch);
}
END_TEST

START_TEST(requests_and_values_of_a_bounded_channel_allocate_nothing) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t keeper;
  send_op_t sends[20];
  recv_op_t recvs[20];
  select_op_t select;
  size_t calls;
  uint64_t i;

  sink_init(&keeper, &scene.loop, ch); /* keeps the hub */
  calls = support_calls();
  for (i = 0; i < 20; i++) send_op(&sends[i], &scene.loop, ch, i);
  for (i = 0; i < 20; i++) recv_op(&recvs[i], &scene.loop, ch);
  settle(&scene.loop);
  for (i = 0; i < 20; i++) ck_assert_uint_eq(recvs[i].value, i);
  for (i = 0; i < 4; i++) select_case(&select, (size_t)i, ch, UVCHAN_RECV, 0);
  select_op(&select, &scene.loop, 4);
  ck_assert_int_eq(cancel_op(&select), 0);
  settle(&scene.loop);
  ck_assert_int_eq(uvchan_recv_start(&keeper.handle, sink_on_value), 0);
  if (support_capacities[_i] != 0) {
    for (i = 0; i < 100; i++) {
      ck_assert_int_eq(try_send(ch, i), 0);
      run_until(&scene.loop, keeper.values == i + 1);
    }
  }
  ck_assert_uint_eq(support_calls(), calls);
  sink_close(&keeper);
  scene_finish();
}
END_TEST

START_TEST(a_receiver_takes_no_more_than_512_bytes) {
  ck_assert_uint_le(sizeof(uvchan_receiver_t), 512);
}
END_TEST

START_TEST(a_thousand_receivers_of_small_values_share_the_memory_of_one_hub) {
  uvchan_t* ch = scene_channel(16);
  static uvchan_receiver_t receivers[1000];
  size_t blocks;
  int i;

  ck_assert_int_eq(uvchan_receiver_init(&scene.loop, &receivers[0], ch), 0);
  blocks = support_allocations();
  for (i = 1; i < 1000; i++) must(uvchan_receiver_init(&scene.loop, &receivers[i], ch) == 0);
  ck_assert_uint_eq(support_allocations(), blocks);
  for (i = 0; i < 1000; i++) uvchan_receiver_close(&receivers[i], NULL);
  scene_finish();
}
END_TEST

static void burst(void* arg) {
  uint64_t i;
  for (i = 0; i < 20000; i++) must(uvchan_send_wait(arg, &i) == 0);
}

START_TEST(an_unbounded_channel_gives_its_memory_back_after_a_burst) {
  uvchan_t* ch = scene_channel(UVCHAN_UNBOUNDED);
  uv_thread_t thread;
  sink_t sink;
  size_t before;

  if (_i == 0) {
    sink_start(&sink, &scene.loop, ch);
  } else {
    sink_start_batch(&sink, &scene.loop, ch);
  }
  settle(&scene.loop);
  before = support_bytes();
  support_start(&thread, burst, ch);
  support_join(&thread);
  ck_assert_uint_ge(support_bytes(), before + 20000 * 8 - 4096);
  run_until(&scene.loop, sink.values == 20000);
  settle(&scene.loop);
  ck_assert_uint_le(support_bytes(), before + 16384);
  sink_close(&sink);
  scene_finish();
}
END_TEST

int main(void) {
  Suite* suite = suite_create("memory-loop");
  TCase* failures = support_tcase(suite, "failures");
  TCase* none = scene_tcase(suite, "none");

  tcase_add_loop_test(failures, each_allocation_that_fails_leaves_everything_as_it_was, 0,
                      (int)NOPERATIONS * SUPPORT_NCAPACITIES);

  tcase_add_loop_test(none, delivery_stop_close_and_release_need_no_memory, 0, EVERY_KIND);
  tcase_add_loop_test(none, requests_and_values_of_a_bounded_channel_allocate_nothing, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_test(none, a_receiver_takes_no_more_than_512_bytes);
  tcase_add_test(none, a_thousand_receivers_of_small_values_share_the_memory_of_one_hub);
  tcase_add_loop_test(none, an_unbounded_channel_gives_its_memory_back_after_a_burst, 0, 2);
  return support_main(suite);
}
