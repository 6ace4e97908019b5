/* SPDX-License-Identifier: MIT */
/* A channel over a stream, with a server that is there: order, bounds, the end, who is refused. */
#include "ends.h"

START_TEST(values_go_through_sink_and_source_in_order) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  out_t out;
  in_t in;

  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  sender_start(&sender, out.ch, 5000, UV_EOF);
  run_to_end(&out, &in);
  support_join(&sender.thread);
  ck_assert_int_eq(out.status, 0);
  ck_assert_uint_eq(out_stats(&out).values, 5000);
  ck_assert_uint_eq(out_stats(&out).held, 0);
  ck_assert_uint_eq(in.next, 5000);
  ck_assert_uint_eq(in.values, 5000);
  ck_assert_uint_eq(in_stats(&in).done, 5000);
  ck_assert_uint_eq(in_stats(&in).held, 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  out_close(&out);
  in_close(&in);
}
END_TEST

static void fill(out_t* out, uint64_t* sent) {
  while (uvchan_try_send(out->ch, sent) == 0) ++*sent;
}

/* 10 in the stream, 4 with the sink, 5 in the channel, and no more. */
START_TEST(a_full_stream_makes_the_local_channel_fill) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  uint64_t sent = 0;
  out_t out;
  in_t in;

  out_with.capacity = 10;
  out_with.in_flight = 4;
  out_with.batch = 3;
  out_open(&out, 5, &out_with);
  do {
    fill(&out, &sent);
    uv_run(&scene.loop, UV_RUN_ONCE);
  } while (sent < 19 || out_stats(&out).state != UVCHAN_REDIS_FULL);
  ck_assert_uint_eq(sent, 19);
  ck_assert_int_eq(uvchan_try_send(out.ch, &sent), UV_EAGAIN);
  ck_assert_uint_eq(uvchan_len(out.ch), 5);
  ck_assert_uint_eq(out_stats(&out).held, 4);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 10);

  must(uvchan_close(out.ch) == 0);
  in_open(&in, 2, &in_with);
  run_to_end(&out, &in);
  ck_assert_uint_eq(in.values, 19);
  ck_assert_uint_eq(in.next, 19);
  out_close(&out);
  in_close(&in);
}
END_TEST

/* Nobody is done: the source asks for no more than it has slots. */
START_TEST(a_source_holds_no_more_than_its_slots) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  unsigned int i;
  out_t out;
  in_t in;

  in_with.in_flight = 7;
  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  in.hold = 7;
  sender_start(&sender, out.ch, 100, UV_EOF);
  run_until(&scene.loop, out.ends == 1 && in.values == 7);
  support_join(&sender.thread);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 100);
  ck_assert_uint_eq(in_stats(&in).held, 7);
  for (i = 0; i < in.nheld; i++) ck_assert_int_eq(uvchan_redis_done(&in.held[i].ticket), 0);
  ck_assert_int_eq(uvchan_redis_done(&in.held[0].ticket), UV_EALREADY);
  run_until(&scene.loop, in.ends == 1 && in.source_ends == 1);
  ck_assert_uint_eq(in.values, 100);
  ck_assert_uint_eq(in.again, 0);
  out_close(&out);
  in_close(&in);
}
END_TEST

/* There is always more: so questions follow each other, and acknowledgements do. */
START_TEST(what_follows_on_each_other_is_in_order_and_within_the_slots) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  out_t out;
  in_t in;

  in_with.in_flight = 17;
  in_with.batch = 3;
  out_open(&out, 16, &out_with);
  sender_start(&sender, out.ch, 900, UV_EOF);
  run_until(&scene.loop, out.ends == 1);
  support_join(&sender.thread);
  in_open(&in, 2, &in_with);
  while (in.source_ends == 0 || in.ends == 0) {
    uv_run(&scene.loop, UV_RUN_ONCE);
    ck_assert_uint_le(in_stats(&in).held, 17);
  }
  ck_assert_uint_eq(in.values, 900);
  ck_assert_uint_eq(in.again, 0);
  ck_assert_uint_eq(in_stats(&in).done, 900);
  out_close(&out);
  in_close(&in);
}
END_TEST

START_TEST(the_end_travels_with_its_status) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  out_t out, late;
  in_t in;

  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  sender_start(&sender, out.ch, 10, UV_EFBIG);
  run_to_end(&out, &in);
  support_join(&sender.thread);
  ck_assert_uint_eq(in.values, 10);
  ck_assert_int_eq(in.end, UV_EFBIG);
  ck_assert_int_eq(in.status, UV_EFBIG);

  /* a closed stream refuses sends, wherever they come from */
  out_with = out_options("two");
  out_open(&late, 16, &out_with);
  run_until(&scene.loop, late.ends == 1);
  ck_assert_int_eq(late.status, UV_EPIPE);
  ck_assert_int_eq(uvchan_is_closed(late.ch), 1);
  out_close(&late);
  out_close(&out);
  in_close(&in);
}
END_TEST

START_TEST(the_last_of_the_counted_producers_closes_the_stream) {
  uvchan_redis_sink_options_t one_with = out_options("one");
  uvchan_redis_sink_options_t two_with = out_options("two");
  out_t one, two;

  one_with.producers = two_with.producers = 2;
  out_open(&one, 16, &one_with);
  out_open(&two, 16, &two_with);
  must(uvchan_close(one.ch) == 0);
  run_until(&scene.loop, one.ends == 1);
  ck_assert_int_eq(one.status, 0);
  ck_assert_int_eq(server_integer("HEXISTS uvchan:{orders}:end closed"), 0);
  must(uvchan_close(two.ch) == 0);
  run_until(&scene.loop, two.ends == 1);
  ck_assert_int_eq(two.status, 0);
  ck_assert_int_eq(server_integer("HEXISTS uvchan:{orders}:end closed"), 1);
  out_close(&one);
  out_close(&two);
}
END_TEST

/* The older one of a name is refused, so that no value is taken for one that is in already. */
START_TEST(of_two_producers_with_one_name_the_older_one_ends) {
  uvchan_redis_sink_options_t with = out_options("one");
  uint64_t value = 0;
  out_t older, newer;

  out_open(&older, 16, &with);
  run_until(&scene.loop, out_stats(&older).state == UVCHAN_REDIS_RUNNING);
  out_open(&newer, 16, &with);
  run_until(&scene.loop, out_stats(&newer).state == UVCHAN_REDIS_RUNNING);
  must(uvchan_try_send(newer.ch, &value) == 0);
  run_until(&scene.loop, out_stats(&newer).values == 1);
  must(uvchan_try_send(older.ch, &value) == 0);
  run_until(&scene.loop, older.ends == 1);
  ck_assert_int_eq(older.status, UV_EEXIST);
  ck_assert_uint_eq(out_stats(&older).values, 0);
  ck_assert_uint_eq(out_stats(&older).held, 1);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 1);
  out_close(&older);
  out_close(&newer);
}
END_TEST

START_TEST(what_is_no_value_goes_to_the_dead_letters) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  out_t out;
  in_t in;

  server_do("XADD uvchan:{orders}:stream * hello world");
  server_do("XADD uvchan:{orders}:stream * f 2;8 p x n 1 v 12345678");
  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  sender_start(&sender, out.ch, 10, UV_EOF);
  run_until(&scene.loop, in_stats(&in).dead == 2 && out.ends == 1 && in.source_ends == 1);
  support_join(&sender.thread);
  ck_assert_uint_eq(in.values, 10);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 2);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  out_close(&out);
  in_close(&in);
}
END_TEST

START_TEST(what_is_never_done_goes_to_the_dead_letters) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  uint64_t value = 0;
  unsigned int forgotten = 0;
  out_t out;
  in_t in;

  in_with.claim_after_ms = 10;
  in_with.max_deliveries = 3;
  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  in.hold = 64;
  must(uvchan_try_send(out.ch, &value) == 0);
  while (in_stats(&in).dead == 0) {
    uv_run(&scene.loop, UV_RUN_ONCE);
    while (forgotten < in.nheld) must(uvchan_redis_forget(&in.held[forgotten++].ticket) == 0);
  }
  ck_assert_uint_eq(in.values, 3);
  ck_assert_uint_eq(in.redelivered, 2);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 1);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  out_close(&out);
  in_close(&in);
}
END_TEST

/* A process that dies of a value, and comes back under its name, is given it no more often. */
START_TEST(what_kills_its_consumer_goes_to_the_dead_letters) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  uint64_t value = 0;
  uint32_t life;
  out_t out;
  in_t in;

  in_with.max_deliveries = 3;
  out_open(&out, 16, &out_with);
  must(uvchan_try_send(out.ch, &value) == 0);
  run_until(&scene.loop, out_stats(&out).values == 1);
  for (life = 1; life <= 3; life++) {
    in_open(&in, 16, &in_with);
    in.hold = 1;
    run_until(&scene.loop, in.nheld == 1);
    ck_assert_uint_eq(in.held[0].ticket.deliveries, life);
    in_close(&in);
    must(uvchan_redis_forget(&in.held[0].ticket) == 0);
  }
  in_open(&in, 16, &in_with);
  run_until(&scene.loop, in_stats(&in).dead == 1);
  ck_assert_uint_eq(in.values, 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 1);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  out_close(&out);
  in_close(&in);
}
END_TEST

#define HELD 40

static void check_claims(unsigned int in_flight, uint64_t claim_after_ms) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  unsigned int i;
  out_t out;
  in_t one, two;

  out_open(&out, 16, &out_with);
  in_open(&one, 16, &in_with);
  one.hold = HELD;
  sender_start(&sender, out.ch, HELD, UV_EOF);
  run_until(&scene.loop, out.ends == 1 && one.values == HELD);
  support_join(&sender.thread);
  in_close(&one);
  for (i = 0; i < HELD; i++) ck_assert_int_eq(uvchan_redis_forget(&one.held[i].ticket), 0);

  in_with = in_options("two");
  in_with.claim_after_ms = claim_after_ms;
  in_with.in_flight = in_flight;
  in_open(&two, 16, &in_with);
  run_until(&scene.loop, two.source_ends == 1 && two.ends == 1);
  ck_assert_uint_eq(two.values, HELD);
  ck_assert_uint_eq(two.redelivered, HELD);
  ck_assert_uint_eq(two.next, HELD);
  ck_assert_int_eq(two.end, UV_EOF);
  out_close(&out);
  in_close(&two);
}

START_TEST(what_another_has_not_done_is_delivered_again) { check_claims(512, 10); }
END_TEST

/* The room for one value is what a question for news holds, when the time for a claim has come. */
START_TEST(what_another_has_not_done_comes_where_there_is_room_for_one) { check_claims(1, 200); }
END_TEST

/* Under its own name at once, long before another would claim it. */
START_TEST(a_consumer_that_comes_back_gets_what_it_had) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  unsigned int i;
  out_t out;
  in_t before, after;

  out_open(&out, 16, &out_with);
  in_open(&before, 16, &in_with);
  before.hold = 5;
  sender_start(&sender, out.ch, 5, UV_EOF);
  run_until(&scene.loop, out.ends == 1 && before.values == 5);
  support_join(&sender.thread);
  in_close(&before);
  for (i = 0; i < 5; i++) ck_assert_int_eq(uvchan_redis_forget(&before.held[i].ticket), 0);

  in_with.batch = 2;
  in_open(&after, 16, &in_with);
  run_until(&scene.loop, after.source_ends == 1 && after.ends == 1);
  ck_assert_uint_eq(after.values, 5);
  ck_assert_uint_eq(after.redelivered, 5);
  ck_assert_uint_eq(after.next, 5);
  out_close(&out);
  in_close(&after);
}
END_TEST

/* The receivers have closed the channel: what they have is still acknowledged, the rest stays. */
START_TEST(a_source_whose_channel_is_closed_leaves_the_rest) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  unsigned int i;
  out_t out;
  in_t in;

  in_with.in_flight = 16;
  out_open(&out, 16, &out_with);
  in_open(&in, 4, &in_with);
  in.hold = 5;
  sender_start(&sender, out.ch, 50, UV_EOF);
  run_until(&scene.loop, in.nheld == 5);
  must(uvchan_recv_stop(&in.receiver) == 0);
  run_until(&scene.loop, out.ends == 1 && uvchan_len(in.ch) == 4);
  support_join(&sender.thread);
  must(uvchan_close(in.ch) == 0);
  for (i = 0; i < 5; i++) must(uvchan_redis_done(&in.held[i].ticket) == 0);
  must(uvchan_recv_start(&in.receiver, in_on_value) == 0);
  run_until(&scene.loop, in.source_ends == 1 && in.ends == 1);
  ck_assert_int_eq(in.status, UV_EPIPE);
  ck_assert_uint_eq(in_stats(&in).held, 0);
  ck_assert_uint_eq(in_stats(&in).done, in.values);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 50 - (long long)in.values);
  out_close(&out);
  in_close(&in);
}
END_TEST

static uint64_t confirmed, confirmations;

static void count_confirmed(uvchan_redis_sink_t* sink, uint64_t values) {
  uvchan_redis_stats_t stats;

  uvchan_redis_sink_stats(sink, &stats);
  must(values > confirmed && values == stats.values && ((out_t*)sink)->ends == 0);
  must((long long)values <= server_integer("XLEN uvchan:{orders}:stream"));
  confirmed = values;
  confirmations++;
}

START_TEST(what_is_confirmed_is_told_before_the_end) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  confirmed = confirmations = 0;
  with.on_confirmed = count_confirmed;
  with.batch = 4;
  out_open(&out, 16, &with);
  send_numbers(&out, 0, 16);
  must(uvchan_close(out.ch) == 0);
  run_until(&scene.loop, out.ends == 1);
  ck_assert_uint_eq(confirmed, 16);
  ck_assert_uint_gt(confirmations, 1);
  out_close(&out);
}
END_TEST

static void close_sink(uvchan_redis_sink_t* sink, uint64_t values) {
  confirmed = values;
  uvchan_redis_sink_close(sink, out_on_close);
}

/* By an answer that leaves values to be sent, and by the last one before the end. */
START_TEST(a_sink_may_be_closed_as_it_confirms) {
  uvchan_redis_sink_options_t with = out_options("one");
  uint64_t n;
  out_t out;

  with.on_confirmed = close_sink;
  with.in_flight = 4;
  for (n = 4; n <= 16; n += 4) {
    server_do("FLUSHALL");
    confirmed = 0;
    out_open(&out, 16, &with);
    send_numbers(&out, 0, n);
    must(uvchan_close(out.ch) == 0);
    run_until(&scene.loop, out.closes == 1);
    ck_assert_uint_ge(confirmed, 1);
    ck_assert_uint_eq(out.ends, 0);
  }
}
END_TEST

/* Of three values one is given, and none is done. */
START_TEST(the_lag_is_what_nobody_was_given) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  out_t out;
  in_t one, two;

  out_open(&out, 16, &out_with);
  send_numbers(&out, 0, 3);
  run_until(&scene.loop, out_stats(&out).values == 3);
  in_with.in_flight = 1;
  in_open(&one, 4, &in_with);
  one.hold = 1;
  run_until(&scene.loop, one.nheld == 1);
  ck_assert_uint_eq(in_stats(&one).lag, 3); /* as it was told before it asked */
  in_with.consumer = "two";
  in_open(&two, 4, &in_with);
  must(uvchan_recv_stop(&two.receiver) == 0);
  run_until(&scene.loop, in_stats(&two).length == 3);
  ck_assert_uint_eq(in_stats(&two).lag, 2);
  must(uvchan_redis_done(&one.held[0].ticket) == 0);
  out_close(&out);
  in_close(&one);
  while (uvchan_len(two.ch) > 0) {
    element_t element;
    must(uvchan_try_recv(two.ch, &element) == 0);
    must(uvchan_redis_forget(&element.ticket) == 0);
  }
  in_close(&two);
}
END_TEST

/* One is out, one in the channel, and one is with a request, which is told as answers come: what is
 * out is waited for, and acknowledged. */
START_TEST(a_source_that_is_sending_leaves_once) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t out_with = out_options("one");
  element_t element;
  out_t out;
  in_t in;

  in_with.block_ms = 1;
  out_open(&out, 16, &out_with);
  in_open(&in, 1, &in_with);
  must(uvchan_recv_stop(&in.receiver) == 0);
  send_numbers(&out, 0, 3);
  run_until(&scene.loop, uvchan_try_recv(in.ch, &element) == 0);
  run_until(&scene.loop, in_stats(&in).values == 2 && in_stats(&in).held == 3);
  must(uvchan_close(in.ch) == 0);
  uv_sleep(3); /* an answer is there in the turn that tells the request */
  run_until(&scene.loop, in_stats(&in).state != UVCHAN_REDIS_RUNNING && in_stats(&in).held == 2);
  ck_assert_uint_eq(in.source_ends, 0);
  must(uvchan_redis_done(&element.ticket) == 0);
  must(uvchan_try_recv(in.ch, &element) == 0);
  must(uvchan_redis_done(&element.ticket) == 0);
  run_until(&scene.loop, in.source_ends == 1);
  ck_assert_uint_eq(in_stats(&in).done, 2);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 1);
  out_close(&out);
  in_close(&in);
}
END_TEST

/* Nothing tells of it but the channel itself. */
START_TEST(a_source_of_an_idle_stream_sees_that_its_channel_is_closed) {
  uvchan_redis_source_options_t in_with = in_options("one");
  in_t in;

  in_with.block_ms = 10;
  in_open(&in, 16, &in_with);
  run_until(&scene.loop, in_stats(&in).state == UVCHAN_REDIS_RUNNING);
  must(uvchan_close(in.ch) == 0);
  run_until(&scene.loop, in.source_ends == 1);
  ck_assert_int_eq(in.status, UV_EPIPE);
  in_close(&in);
}
END_TEST

/* ---- Elements -------------------------------------------------------------------------------- */

typedef struct {
  uvchan_redis_ticket_t ticket;
  uint32_t value; /* and padding */
} small_t;

START_TEST(a_value_may_be_less_than_its_element_has_room_for) {
  uvchan_redis_source_options_t in_with = in_options("one");
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_t* small = support_channel(sizeof(uint32_t), 4);
  uvchan_t* ch = support_channel(sizeof(small_t), 4);
  uvchan_redis_source_t source;
  uvchan_redis_sink_t sink;
  uint32_t value = 7;
  small_t element;

  in_with.on_end = NULL;
  in_with.value_bytes = sizeof(value);
  out_with.on_end = NULL;
  must(uvchan_redis_sink_init(&scene.loop, &sink, small, &out_with) == 0);
  must(uvchan_redis_source_init(&scene.loop, &source, ch, &in_with) == 0);
  must(uvchan_try_send(small, &value) == 0);
  run_until(&scene.loop, uvchan_try_recv(ch, &element) == 0);
  ck_assert_uint_eq(element.value, 7);
  must(uvchan_redis_done(&element.ticket) == 0);
  uvchan_redis_sink_close(&sink, NULL);
  uvchan_redis_source_close(&source, NULL);
  scene_finish();
  scene_open();
  uvchan_release(small);
  uvchan_release(ch);
}
END_TEST

START_TEST(elements_that_a_ticket_does_not_fit_are_refused) {
  static const size_t sizes[] = {1, sizeof(uvchan_redis_ticket_t),
                                 sizeof(uvchan_redis_ticket_t) + 4,
                                 sizeof(uvchan_redis_ticket_t) + 9};
  uvchan_redis_source_options_t with = in_options("one");
  uvchan_redis_source_t source;
  uvchan_t* ch;
  size_t i;

  for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    ch = support_channel(sizes[i], 4);
    ck_assert_int_eq(uvchan_redis_source_init(&scene.loop, &source, ch, &with), UV_EINVAL);
    uvchan_release(ch);
  }
  ch = support_channel(sizeof(small_t), 4);
  with.value_bytes = 9;
  ck_assert_int_eq(uvchan_redis_source_init(&scene.loop, &source, ch, &with), UV_EINVAL);
  uvchan_release(ch);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-stream");
  TCase* tcase = redis_tcase(suite, "stream");

  tcase_add_test(tcase, values_go_through_sink_and_source_in_order);
  tcase_add_test(tcase, a_full_stream_makes_the_local_channel_fill);
  tcase_add_test(tcase, a_source_holds_no_more_than_its_slots);
  tcase_add_test(tcase, what_follows_on_each_other_is_in_order_and_within_the_slots);
  tcase_add_test(tcase, the_end_travels_with_its_status);
  tcase_add_test(tcase, the_last_of_the_counted_producers_closes_the_stream);
  tcase_add_test(tcase, of_two_producers_with_one_name_the_older_one_ends);
  tcase_add_test(tcase, what_is_no_value_goes_to_the_dead_letters);
  tcase_add_test(tcase, what_is_never_done_goes_to_the_dead_letters);
  tcase_add_test(tcase, what_kills_its_consumer_goes_to_the_dead_letters);
  tcase_add_test(tcase, what_another_has_not_done_is_delivered_again);
  tcase_add_test(tcase, what_another_has_not_done_comes_where_there_is_room_for_one);
  tcase_add_test(tcase, a_consumer_that_comes_back_gets_what_it_had);
  tcase_add_test(tcase, a_source_whose_channel_is_closed_leaves_the_rest);
  tcase_add_test(tcase, what_is_confirmed_is_told_before_the_end);
  tcase_add_test(tcase, a_sink_may_be_closed_as_it_confirms);
  tcase_add_test(tcase, the_lag_is_what_nobody_was_given);
  tcase_add_test(tcase, a_source_that_is_sending_leaves_once);
  tcase_add_test(tcase, a_source_of_an_idle_stream_sees_that_its_channel_is_closed);
  tcase_add_test(tcase, a_value_may_be_less_than_its_element_has_room_for);
  tcase_add_test(tcase, elements_that_a_ticket_does_not_fit_are_refused);
  return support_main(suite);
}
