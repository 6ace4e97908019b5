/* SPDX-License-Identifier: MIT */
/* Ends on loops of their own, each in a thread of its own, and tickets that come back from any
 * thread, also when their source is gone. */
#include "ends.h"

#define MOST_VALUES 4000

/* What came, in all threads. */
static struct {
  atomic_uchar seen[MOST_VALUES];
  atomic_uchar firsts[MOST_VALUES];
  atomic_uint values;
} book;

static uint64_t most_values(void) { return (uint64_t)support_count(MOST_VALUES); }

static void book_note(const element_t* element) {
  must(element->value < MOST_VALUES);
  atomic_fetch_add(&book.seen[element->value], 1);
  atomic_fetch_add(&book.values, 1);
  if (element->ticket.deliveries == 1) atomic_fetch_add(&book.firsts[element->value], 1);
}

/* Each came, and without a ticket that says again at most once. */
static void book_check(uint64_t values) {
  uint64_t number;

  for (number = 0; number < values; number++) {
    ck_assert_uint_gt(atomic_load(&book.seen[number]), 0);
    ck_assert_uint_le(atomic_load(&book.firsts[number]), 1);
  }
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 0);
  check_added_once(values);
}

/* ---- A sink on its own loop ------------------------------------------------------------------ */

typedef struct {
  uvchan_redis_sink_t sink; /* first */
  uvchan_redis_sink_options_t with;
  uvchan_t* ch;
  sender_t sender;
  uv_thread_t thread;
} feeder_t;

static void on_feeder_end(uvchan_redis_sink_t* sink, int status) {
  must(status == 0);
  uvchan_redis_sink_close(sink, NULL);
}

static void feed(void* arg) {
  feeder_t* feeder = arg;
  uv_loop_t loop;

  support_loop_open(&loop);
  must(uvchan_redis_sink_init(&loop, &feeder->sink, feeder->ch, &feeder->with) == 0);
  support_loop_finish(&loop);
}

static void feeder_start(feeder_t* feeder, const char* name, unsigned int producers, uint64_t first,
                         uint64_t values) {
  feeder->with = out_options(name);
  feeder->with.producers = producers;
  feeder->with.capacity = 200;
  feeder->with.on_end = on_feeder_end;
  feeder->ch = support_channel(sizeof(uint64_t), 16);
  sender_start_at(&feeder->sender, feeder->ch, first, values, UV_EOF);
  support_start(&feeder->thread, feed, feeder);
}

static void feeder_join(feeder_t* feeder) {
  support_join(&feeder->sender.thread);
  support_join(&feeder->thread);
  uvchan_release(feeder->ch);
}

/* ---- A source on its own loop ---------------------------------------------------------------- */

typedef struct {
  uvchan_redis_source_t source; /* first */
  uvchan_redis_source_options_t with;
  uvchan_t* ch;
  uv_async_t leave;
  uv_thread_t thread;
  atomic_int is_up;
  atomic_int is_over; /* by itself: its loop goes on until it is told to leave */
} eater_t;

static void on_leave(uv_async_t* leave) {
  eater_t* eater = leave->data;

  uvchan_redis_source_close(&eater->source, NULL);
  uv_close((uv_handle_t*)leave, NULL);
}

static void on_eater_end(uvchan_redis_source_t* source, int status) {
  must(status == UV_EOF);
  atomic_store(&((eater_t*)source)->is_over, 1);
}

static void eat(void* arg) {
  eater_t* eater = arg;
  uv_loop_t loop;

  support_loop_open(&loop);
  must(uv_async_init(&loop, &eater->leave, on_leave) == 0);
  eater->leave.data = eater;
  must(uvchan_redis_source_init(&loop, &eater->source, eater->ch, &eater->with) == 0);
  atomic_store(&eater->is_up, 1);
  support_loop_finish(&loop);
}

static void eater_start(eater_t* eater, const char* name) {
  memset(eater, 0, sizeof(*eater));
  eater->with = in_options(name);
  eater->with.claim_after_ms = support_slow() ? 2000 : 300;
  eater->with.on_end = on_eater_end;
  eater->ch = support_channel(sizeof(element_t), 16);
  support_start(&eater->thread, eat, eater);
  support_await(atomic_load(&eater->is_up));
}

/* It goes, without a word about what is not done. */
static void eater_leave(eater_t* eater) {
  must(uv_async_send(&eater->leave) == 0);
  support_join(&eater->thread);
}

static void eater_finish(eater_t* eater) {
  support_await(atomic_load(&eater->is_over));
  eater_leave(eater);
}

/* ---- Workers --------------------------------------------------------------------------------- */

/* They take from a source's channel, and after so many are done with nothing more, but forget. */
typedef struct {
  uvchan_t* ch;
  atomic_uint* done_left;
  uv_thread_t thread;
} worker_t;

static int is_left(atomic_uint* left) {
  unsigned int n = atomic_load(left);

  while (n > 0) {
    if (atomic_compare_exchange_weak(left, &n, n - 1)) return 1;
  }
  return 0;
}

static void work(void* arg) {
  const worker_t* worker = arg;
  element_t element;

  while (uvchan_recv_wait(worker->ch, &element) == 0) {
    book_note(&element);
    if (is_left(worker->done_left)) {
      must(uvchan_redis_done(&element.ticket) == 0);
    } else {
      must(uvchan_redis_forget(&element.ticket) == 0);
    }
  }
}

static void worker_start(worker_t* worker, uvchan_t* ch, atomic_uint* done_left) {
  worker->ch = ch;
  worker->done_left = done_left;
  support_start(&worker->thread, work, worker);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* A second producer is counted, and sends its few values at the end: till then no stream ends,
 * however fast its sources are. */
#define LAST_VALUES 10

static void feed_most(feeder_t* feeder) {
  feeder_start(feeder, "one", 2, 0, most_values() - LAST_VALUES);
}

static void feed_last(feeder_t* feeder) {
  feeder_start(feeder, "two", 2, most_values() - LAST_VALUES, LAST_VALUES);
}

/* Two of a group; one is done with a part of what it gets, and goes. The other has all the rest. */
START_TEST(what_a_source_leaves_comes_to_the_other) {
  static atomic_uint left[2];
  feeder_t feeders[2];
  worker_t workers[2];
  eater_t eaters[2];
  int i;

  atomic_store(&left[0], (unsigned int)most_values() / 8);
  atomic_store(&left[1], UINT32_MAX);
  feed_most(&feeders[0]);
  for (i = 0; i < 2; i++) {
    eater_start(&eaters[i], i == 0 ? "one" : "two");
    worker_start(&workers[i], eaters[i].ch, &left[i]);
    support_await(atomic_load(&left[0]) == 0);
  }
  eater_leave(&eaters[0]);
  must(uvchan_close(eaters[0].ch) == 0);
  feed_last(&feeders[1]);
  eater_finish(&eaters[1]);
  for (i = 0; i < 2; i++) {
    support_join(&workers[i].thread);
    uvchan_release(eaters[i].ch);
    feeder_join(&feeders[i]);
  }
  book_check(most_values());
}
END_TEST

/* Four threads give back what one source gives out; it is closed in the midst of it, and its next
 * one has what they had not. */
START_TEST(tickets_come_back_from_four_threads_and_after_their_source) {
  static atomic_uint left;
  feeder_t feeders[2];
  worker_t workers[4];
  eater_t eater;
  int round, i;

  atomic_store(&left, UINT32_MAX);
  feed_most(&feeders[0]);
  for (round = 0; round < 3; round++) {
    eater_start(&eater, "one");
    for (i = 0; i < 4; i++) worker_start(&workers[i], eater.ch, &left);
    if (round < 2) {
      support_await(atomic_load(&book.values) >= most_values() * (unsigned int)(round + 1) / 4);
      eater_leave(&eater);
      must(uvchan_close(eater.ch) == 0);
    } else {
      feed_last(&feeders[1]);
      eater_finish(&eater);
    }
    for (i = 0; i < 4; i++) support_join(&workers[i].thread);
    uvchan_release(eater.ch);
  }
  for (i = 0; i < 2; i++) feeder_join(&feeders[i]);
  book_check(most_values());
}
END_TEST

/* Counted producers on two loops; what each sends comes in its order to a third. */
START_TEST(two_sinks_on_two_loops_end_the_stream_together) {
  static unsigned char seen[MOST_VALUES], firsts[MOST_VALUES];
  uvchan_redis_source_options_t with = in_options("one");
  uint64_t each = most_values() / 2;
  feeder_t feeders[2];
  in_t in;

  in_open(&in, 16, &with);
  in.seen = seen;
  in.firsts = firsts;
  in.of_each = each;
  feeder_start(&feeders[0], "one", 2, 0, each);
  feeder_start(&feeders[1], "two", 2, each, each);
  run_until(&scene.loop, in.source_ends == 1 && in.ends == 1);
  feeder_join(&feeders[0]);
  feeder_join(&feeders[1]);
  ck_assert_uint_eq(in.values, 2 * each);
  ck_assert_uint_eq(in.redelivered, 0);
  ck_assert_uint_eq(in.order[0], each);
  ck_assert_uint_eq(in.order[1], 2 * each);
  check_added_once(2 * each);
  in_close(&in);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-threads");
  TCase* tcase = redis_tcase(suite, "threads");

  tcase_add_test(tcase, what_a_source_leaves_comes_to_the_other);
  tcase_add_test(tcase, tickets_come_back_from_four_threads_and_after_their_source);
  tcase_add_test(tcase, two_sinks_on_two_loops_end_the_stream_together);
  return support_main(suite);
}
