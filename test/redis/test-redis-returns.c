/* SPDX-License-Identifier: MIT */
/* What goes back to the stream by a ticket, what is done when a callback returns, and what is kept
 * for who works on it. */
#include "ends.h"

/* ---- By its ticket --------------------------------------------------------------------------- */

START_TEST(what_is_requeued_comes_at_once) {
  uvchan_redis_source_options_t with = in_patient("one");
  unsigned int i;
  in_t in;

  put_numbers(0, 5);
  in_open(&in, 16, &with);
  in.hold = 5;
  run_until(&scene.loop, in.nheld == 5);
  for (i = 0; i < 5; i++) ck_assert_int_eq(uvchan_redis_requeue(&in.held[i].ticket), 0);
  ck_assert_int_eq(uvchan_redis_requeue(&in.held[0].ticket), UV_EALREADY);
  ck_assert_int_eq(uvchan_redis_requeue(NULL), UV_EINVAL);
  run_until(&scene.loop, in_stats(&in).done == 5);
  ck_assert_uint_eq(in.values, 10);
  ck_assert_uint_eq(in.redelivered, 5);
  ck_assert_uint_eq(in_stats(&in).requeued, 5);
  in_close(&in);
}
END_TEST

/* Also where nothing that is late is ever claimed. */
START_TEST(what_is_requeued_comes_at_once_whatever_the_time) {
  uvchan_redis_source_options_t with = in_options("one");
  in_t in;

  put_numbers(0, 1);
  with.claim_after_ms = UINT64_MAX;
  in_open(&in, 16, &with);
  in.hold = 1;
  run_until(&scene.loop, in.nheld == 1);
  must(uvchan_redis_requeue(&in.held[0].ticket) == 0);
  run_until(&scene.loop, in_stats(&in).done == 1);
  ck_assert_uint_eq(in.redelivered, 1);
  in_close(&in);
}
END_TEST

/* One that waits for news hears of it within its time to wait. */
START_TEST(what_is_requeued_comes_to_who_has_room) {
  uvchan_redis_source_options_t with = in_patient("one");
  in_t one, two;

  put_numbers(0, 2);
  with.in_flight = 2;
  in_open(&one, 16, &with);
  one.hold = 2;
  run_until(&scene.loop, one.nheld == 2);
  must(uvchan_recv_stop(&one.receiver) == 0);
  with.consumer = "two";
  in_open(&two, 16, &with);
  two.next = 2;
  run_until(&scene.loop, in_stats(&two).state == UVCHAN_REDIS_RUNNING);
  must(uvchan_close(one.ch) == 0);
  must(uvchan_redis_requeue(&one.held[1].ticket) == 0);
  run_until(&scene.loop, in_stats(&two).done == 1);
  ck_assert_uint_eq(two.redelivered, 1);
  ck_assert_uint_eq(one.source_ends, 0);
  must(uvchan_redis_requeue(&one.held[0].ticket) == 0);
  run_until(&scene.loop, in_stats(&two).done == 2 && one.source_ends == 1);
  ck_assert_uint_eq(two.redelivered, 2);
  in_close(&one);
  in_close(&two);
}
END_TEST

/* What it takes to give values back, and to claim them, a server has that is out of memory. */
START_TEST(what_is_requeued_comes_where_the_server_has_no_memory) {
  uvchan_redis_source_options_t with = in_patient("one");
  in_t in;

  put_numbers(0, 2);
  in_open(&in, 16, &with);
  in.hold = 2;
  run_until(&scene.loop, in.nheld == 2);
  server_do("CONFIG SET maxmemory 1");
  must(uvchan_redis_requeue(&in.held[0].ticket) == 0);
  must(uvchan_redis_requeue(&in.held[1].ticket) == 0);
  run_until(&scene.loop, in_stats(&in).done == 2);
  ck_assert_uint_eq(in.redelivered, 2);
  ck_assert_uint_eq(in_stats(&in).failures, 0);
  in_close(&in);
}
END_TEST

/* As often as it is delivered, and no more. */
START_TEST(what_is_always_requeued_goes_to_the_dead_letters) {
  uvchan_redis_source_options_t with = in_patient("one");
  unsigned int back = 0;
  in_t in;

  put_numbers(0, 1);
  with.max_deliveries = 7;
  in_open(&in, 16, &with);
  in.hold = 64;
  while (in_stats(&in).dead == 0) {
    uv_run(&scene.loop, UV_RUN_ONCE);
    while (back < in.nheld) must(uvchan_redis_requeue(&in.held[back++].ticket) == 0);
  }
  ck_assert_uint_eq(in.values, 7);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 1);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  in_close(&in);
}
END_TEST

/* However the answers of the two connections meet. */
START_TEST(what_is_requeued_for_the_hundredth_time_comes_at_once) {
  uvchan_redis_source_options_t with = in_patient("one");
  unsigned int back = 0;
  in_t in;

  put_numbers(0, 1);
  with.block_ms = 1;
  with.in_flight = 2;
  with.max_deliveries = 1000;
  in_open(&in, 16, &with);
  in.hold = 1;
  while (back < 500) {
    run_until(&scene.loop, in.nheld == 1);
    in.nheld = 0;
    must(uvchan_redis_requeue(&in.held[0].ticket) == 0);
    back++;
  }
  run_until(&scene.loop, in.nheld == 1);
  ck_assert_uint_eq(in.held[0].ticket.deliveries, 501);
  in_close(&in);
  must(uvchan_redis_forget(&in.held[0].ticket) == 0);
}
END_TEST

/* More than one step takes, and more than there are slots: each comes twice. */
START_TEST(many_are_requeued) {
  uvchan_redis_source_options_t with = in_patient("one");
  unsigned int i;
  in_t in;

  put_numbers(0, 60);
  with.in_flight = 40;
  with.batch = 7;
  in_open(&in, 16, &with);
  in.hold = 40;
  run_until(&scene.loop, in.nheld == 40);
  for (i = 0; i < 40; i++) must(uvchan_redis_requeue(&in.held[i].ticket) == 0);
  run_until(&scene.loop, in_stats(&in).done == 60);
  ck_assert_uint_eq(in.values, 100);
  ck_assert_uint_eq(in.redelivered, 40);
  in_close(&in);
}
END_TEST

/* ---- By its receiver ------------------------------------------------------------------------- */

#define STRANGER 700

typedef struct {
  uvchan_redis_receiver_t handle; /* first */
  uvchan_redis_source_t source;
  uvchan_t* ch;
  unsigned int values;
  unsigned int again;
  unsigned int requeues; /* so many are left */
  unsigned int ends;
  unsigned int closes;
  int is_leaving; /* its callback closes everything */
} done_t;

static void on_done_end(uvchan_redis_source_t* source, int status) {
  (void)status;
  ((done_t*)source->data)->ends++;
}

/* Freed by the second. */
static void part_one(done_t* done) {
  if (++done->closes == 2) free(done);
}

static void on_done_closed(uvchan_receiver_t* receiver) { part_one((done_t*)receiver); }

static void on_done_source_closed(uvchan_redis_source_t* source) { part_one(source->data); }

static void close_done(done_t* done) {
  uvchan_t* ch = done->ch;

  uvchan_redis_source_close(&done->source, on_done_source_closed);
  uvchan_receiver_close(&done->handle.receiver, on_done_closed);
  uvchan_release(ch);
}

static void on_done_value(uvchan_receiver_t* receiver, int status, const void* value) {
  done_t* done = (done_t*)receiver;
  element_t element;

  if (status < 0) return;
  memcpy(&element, value, sizeof(element));
  done->values++;
  done->again += element.ticket.deliveries > 1;
  if (done->requeues > 0 && element.value != STRANGER) {
    done->requeues--;
    must(uvchan_redis_requeue(&element.ticket) == 0);
  }
  if (done->is_leaving) close_done(done);
}

static done_t* open_done(const uvchan_redis_source_options_t* options) {
  done_t* done = calloc(1, sizeof(*done));

  must(done != NULL);
  done->ch = support_channel(sizeof(element_t), 4);
  done->source.data = done;
  must(uvchan_redis_source_init(&scene.loop, &done->source, done->ch, options) == 0);
  must(uvchan_receiver_init(&scene.loop, &done->handle.receiver, done->ch) == 0);
  must(uvchan_redis_recv_start(&done->handle, on_done_value) == 0);
  return done;
}

static uvchan_redis_stats_t done_stats(const done_t* done) {
  uvchan_redis_stats_t stats;

  uvchan_redis_source_stats(&done->source, &stats);
  return stats;
}

/* Also where that says something else of one itself, and what has no ticket. */
START_TEST(what_the_callback_returns_from_is_done) {
  uvchan_redis_source_options_t with = in_patient("one");
  element_t stranger = {{0}, STRANGER};
  done_t* done;

  put_numbers(0, 9);
  with.on_end = on_done_end;
  done = open_done(&with);
  done->requeues = 2;
  ck_assert_int_eq(uvchan_redis_recv_start(&done->handle, on_done_value), UV_EALREADY);
  ck_assert_int_eq(uvchan_redis_recv_start(&done->handle, NULL), UV_EINVAL);
  ck_assert_int_eq(uvchan_redis_recv_start(NULL, on_done_value), UV_EINVAL);
  must(uvchan_try_send(done->ch, &stranger) == 0);
  run_until(&scene.loop, done_stats(done).done == 9);
  ck_assert_uint_eq(done->values, 12);
  ck_assert_uint_eq(done->again, 2);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  must(uvchan_close(done->ch) == 0);
  run_until(&scene.loop, done->ends == 1);
  close_done(done);
  scene_finish();
}
END_TEST

START_TEST(the_callback_may_close_everything) {
  uvchan_redis_source_options_t with = in_patient("one");
  done_t* done;

  put_numbers(0, 1);
  with.on_end = on_done_end;
  done = open_done(&with);
  done->is_leaving = 1;
  scene_finish();
}
END_TEST

/* ---- Who works for long ---------------------------------------------------------------------- */

/* For how long nobody has told the server of the one entry that is out. */
static long long idle_ms(void) {
  redisContext* context = server_connect();
  redisReply* reply = redisCommand(context, "XPENDING uvchan:{orders}:stream uvchan - + 1");
  long long ms;

  must(reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 1);
  ms = reply->element[0]->element[2]->integer;
  freeReplyObject(reply);
  redisFree(context);
  return ms;
}

static void await_renewals(int n) {
  long long before = 0;

  while (n > 0) {
    long long now = idle_ms();
    if (now < before) n--;
    before = now;
    uv_run(&scene.loop, UV_RUN_ONCE);
  }
}

/* The time begins anew, again and again, also where the word for it is lost with the server. */
START_TEST(what_is_held_is_renewed) {
  uvchan_redis_source_options_t with = in_options("one");
  in_t in;

  put_numbers(0, 1);
  with.claim_after_ms = 40;
  with.hold_ms = UINT64_MAX;
  in_open(&in, 16, &with);
  in.hold = 1;
  run_until(&scene.loop, in.nheld == 1);
  await_renewals(3);
  must(kill(server.pid, SIGSTOP) == 0);
  let_pass(100);
  server_kill();
  server_start();
  await_renewals(3);
  must(uvchan_redis_done(&in.held[0].ticket) == 0);
  run_until(&scene.loop, in_stats(&in).done == 1);
  ck_assert_uint_eq(in.values, 1);
  in_close(&in);
}
END_TEST

/* The receiver may be stuck: once the time is over another gets it. */
START_TEST(what_is_held_for_too_long_goes_to_another) {
  uvchan_redis_source_options_t with = in_options("one");
  in_t one, two;

  put_numbers(0, 1);
  with.claim_after_ms = 40;
  with.hold_ms = 100;
  with.in_flight = 1;
  in_open(&one, 16, &with);
  one.hold = 1;
  run_until(&scene.loop, one.nheld == 1);
  with.consumer = "two";
  in_open(&two, 16, &with);
  run_until(&scene.loop, in_stats(&two).done == 1);
  ck_assert_uint_eq(two.redelivered, 1);
  must(uvchan_redis_done(&one.held[0].ticket) == 0);
  in_close(&one);
  in_close(&two);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-returns");
  TCase* tcase = redis_tcase(suite, "returns");

  tcase_add_test(tcase, what_is_requeued_comes_at_once);
  tcase_add_test(tcase, what_is_requeued_comes_at_once_whatever_the_time);
  tcase_add_test(tcase, what_is_requeued_comes_to_who_has_room);
  tcase_add_test(tcase, what_is_requeued_comes_where_the_server_has_no_memory);
  tcase_add_test(tcase, what_is_always_requeued_goes_to_the_dead_letters);
  tcase_add_test(tcase, what_is_requeued_for_the_hundredth_time_comes_at_once);
  tcase_add_test(tcase, many_are_requeued);
  tcase_add_test(tcase, what_the_callback_returns_from_is_done);
  tcase_add_test(tcase, the_callback_may_close_everything);
  tcase_add_test(tcase, what_is_held_is_renewed);
  tcase_add_test(tcase, what_is_held_for_too_long_goes_to_another);
  return support_main(suite);
}
