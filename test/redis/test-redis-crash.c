/* SPDX-License-Identifier: MIT */
/* A server that is away, killed, or stopped, and a sink or a source that begins anew: nothing is
 * lost, first deliveries are in order, and again comes only what the crash explains. */
#include "ends.h"

START_TEST(a_server_that_is_not_there_yet_is_waited_for) {
  uvchan_redis_sink_options_t with = out_options("one");
  uint64_t value = 0;
  out_t out;

  server_kill();
  with.server.backoff_least_ms = 1;
  with.server.backoff_most_ms = 10;
  out_open(&out, 16, &with);
  must(uvchan_try_send(out.ch, &value) == 0);
  run_until(&scene.loop, out_stats(&out).failures >= 3);
  ck_assert_int_eq(out_stats(&out).state, UVCHAN_REDIS_AWAY);
  ck_assert_int_ne(out_stats(&out).last_error, 0);
  ck_assert_str_ne(out_stats(&out).last_words, "");
  ck_assert_uint_eq(out_stats(&out).connects, 0);
  server_start();
  run_until(&scene.loop, out_stats(&out).values == 1);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 1);
  out_close(&out);
}
END_TEST

/* The port of a socket that is bound and listens to nobody: a connection to it is refused later
 * than the call, which is what the adapter of hiredis passes over. */
START_TEST(a_refused_connection_is_tried_again) {
  uvchan_redis_sink_options_t with = out_options("one");
  struct sockaddr_in address;
  int length = sizeof(address);
  uv_tcp_t bound;
  out_t out;

  must(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
  must(uv_tcp_init(&scene.loop, &bound) == 0);
  must(uv_tcp_bind(&bound, (const struct sockaddr*)&address, 0) == 0);
  must(uv_tcp_getsockname(&bound, (struct sockaddr*)&address, &length) == 0);
  with.server.path = NULL;
  with.server.port = ntohs(address.sin_port);
  with.server.backoff_least_ms = 1;
  with.server.backoff_most_ms = 2;
  out_open(&out, 16, &with);
  run_until(&scene.loop, out_stats(&out).failures >= 5);
  ck_assert_int_eq(out_stats(&out).last_error, UV_ECONNRESET);
  out_close(&out);
  uv_close((uv_handle_t*)&bound, NULL);
  scene_finish();
}
END_TEST

START_TEST(a_sink_that_may_give_up_closes_its_channel) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  server_kill();
  with.server.backoff_least_ms = 1;
  with.server.give_up_ms = 20;
  out_open(&out, 16, &with);
  run_until(&scene.loop, out.ends == 1);
  ck_assert_int_ne(out.status, 0);
  ck_assert_int_eq(uvchan_is_closed(out.ch), 1);
  out_close(&out);
}
END_TEST

/* The server dies again and again in the midst of it, and comes back after the ends have
 * noticed. */
START_TEST(a_server_killed_under_load_loses_nothing) {
  uint64_t values = (uint64_t)support_count(6000);
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  uint64_t failures, killed_at;
  sender_t sender;
  int kills;
  out_t out;
  in_t in;

  out_with.capacity = 100;
  out_with.server.backoff_least_ms = in_with.server.backoff_least_ms = 1;
  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  sender_start(&sender, out.ch, values, UV_EOF);
  for (kills = 1; kills <= 3; kills++) {
    killed_at = values * (uint64_t)kills / 4;
    run_until(&scene.loop, in.next >= killed_at);
    failures = out_stats(&out).failures;
    server_kill();
    run_until(&scene.loop, out_stats(&out).failures > failures);
    server_start();
  }
  run_to_end(&out, &in);
  support_join(&sender.thread);
  ck_assert_int_eq(out.status, 0);
  ck_assert_int_eq(in.end, UV_EOF);
  ck_assert_uint_eq(in.next, values);
  ck_assert_uint_eq(out_stats(&out).values, values);
  ck_assert_uint_eq(out_stats(&out).rolled_back, 0);
  ck_assert_uint_eq(in_stats(&in).held, 0);
  ck_assert_uint_ge(in.redelivered, in.again);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 0);
  check_added_once(values);
  out_close(&out);
  in_close(&in);
}
END_TEST

/* Each value comes to one of the two sources, and again only with a ticket that says so. */
START_TEST(two_producers_and_two_sources_lose_nothing) {
  static const char* const names[2] = {"one", "two"};
  static unsigned char seen[6000];
  uvchan_redis_sink_options_t out_with = out_options(names[0]);
  uvchan_redis_source_options_t in_with = in_options(names[0]);
  uint64_t values = sizeof(seen) / 2;
  uint64_t number;
  sender_t senders[2];
  out_t outs[2];
  in_t ins[2];
  int i;

  for (i = 0; i < 2; i++) {
    out_with.producer = in_with.consumer = names[i];
    out_with.producers = 2;
    out_with.server.backoff_least_ms = in_with.server.backoff_least_ms = 1;
    out_open(&outs[i], 16, &out_with);
    in_open(&ins[i], 16, &in_with);
    ins[i].seen = seen;
    sender_start_at(&senders[i], outs[i].ch, (uint64_t)i * values, values, UV_EOF);
  }
  run_until(&scene.loop, ins[0].values + ins[1].values >= values);
  server_kill();
  run_until(&scene.loop, out_stats(&outs[0]).failures > 0);
  server_start();
  for (i = 0; i < 2; i++) {
    run_to_end(&outs[i], &ins[i]);
    support_join(&senders[i].thread);
    ck_assert_int_eq(outs[i].status, 0);
    ck_assert_uint_eq(out_stats(&outs[i]).values, values);
  }
  for (number = 0; number < 2 * values; number++) must(seen[number] > 0);
  ck_assert_uint_le(ins[0].values + ins[1].values - 2 * values,
                    ins[0].redelivered + ins[1].redelivered);
  ck_assert_uint_gt(ins[0].values, 0);
  ck_assert_uint_gt(ins[1].values, 0);
  check_added_once(2 * values);
  for (i = 0; i < 2; i++) {
    out_close(&outs[i]);
    in_close(&ins[i]);
  }
}
END_TEST

/* All connections at once, at places that nobody chose: answers are lost, and what was written is
 * there or is not. */
START_TEST(connections_that_are_cut_lose_nothing) {
  uint64_t values = 6000; /* many for each cut, however much is on its way */
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  uint64_t cuts;
  out_t out;
  in_t in;

  out_with.server.backoff_least_ms = in_with.server.backoff_least_ms = 1;
  out_with.batch = 8;
  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  sender_start(&sender, out.ch, values, UV_EOF);
  for (cuts = 1; cuts < 30; cuts++) {
    run_until(&scene.loop, in.next >= values * cuts / 30);
    server_do("CLIENT KILL TYPE normal SKIPME yes");
  }
  run_to_end(&out, &in);
  support_join(&sender.thread);
  ck_assert_uint_ge(out_stats(&out).failures, 10);
  ck_assert_uint_eq(in.next, values);
  ck_assert_uint_eq(out_stats(&out).values, values);
  ck_assert_uint_ge(in.redelivered, in.again);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  check_added_once(values);
  out_close(&out);
  in_close(&in);
}
END_TEST

/* It closes nothing and answers nothing: only the time tells. */
START_TEST(a_server_that_stops_is_left_and_found_again) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  out_t out;
  in_t in;

  out_with.server.reply_timeout_ms = in_with.server.reply_timeout_ms = 100;
  out_with.server.connect_timeout_ms = in_with.server.connect_timeout_ms = 100;
  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  sender_start(&sender, out.ch, 3000, UV_EOF);
  run_until(&scene.loop, in.next >= 1000);
  must(kill(server.pid, SIGSTOP) == 0);
  run_until(&scene.loop, out_stats(&out).last_error == UV_ETIMEDOUT);
  must(kill(server.pid, SIGCONT) == 0);
  run_to_end(&out, &in);
  support_join(&sender.thread);
  ck_assert_uint_eq(in.next, 3000);
  ck_assert_uint_eq(out_stats(&out).values, 3000);
  out_close(&out);
  in_close(&in);
}
END_TEST

/* A producer that begins anew goes on behind what the server has. */
START_TEST(a_producer_that_begins_anew_goes_on) {
  uvchan_redis_sink_options_t with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  uint64_t value;
  out_t out;
  in_t in;

  out_open(&out, 16, &with);
  send_numbers(&out, 0, 5);
  run_until(&scene.loop, out_stats(&out).values == 5);
  out_close(&out);

  out_open(&out, 16, &with);
  for (value = 5; value < 10; value++) must(uvchan_try_send(out.ch, &value) == 0);
  must(uvchan_close(out.ch) == 0);
  in_open(&in, 16, &in_with);
  run_to_end(&out, &in);
  ck_assert_uint_eq(in.values, 10);
  ck_assert_uint_eq(in.next, 10);
  out_close(&out);
  in_close(&in);
}
END_TEST

/* What the server has lost of what it had confirmed is told. */
START_TEST(a_server_that_forgets_is_told_of) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  out_open(&out, 16, &with);
  send_numbers(&out, 0, 5);
  run_until(&scene.loop, out_stats(&out).values == 5);
  server_do("FLUSHALL");
  send_numbers(&out, 5, 6);
  run_until(&scene.loop, out_stats(&out).values == 6);
  ck_assert_uint_eq(out_stats(&out).rolled_back, 5);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 1);
  out_close(&out);
}
END_TEST

/* Words of a command have no space in them. */
static const char give_next_epoch[] =
    "EVAL local\tmark=redis.call('HGET',KEYS[1],'one')"
    "redis.call('HSET',KEYS[1],'one',(mark:gsub('^1','2'))) 1 uvchan:{orders}:epoch";

/* The server has lost two numbers, and has given a new epoch in an answer that was lost as well. */
START_TEST(what_is_lost_is_counted_exactly_where_an_answer_is_lost_too) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  out_open(&out, 16, &with);
  send_numbers(&out, 0, 5);
  run_until(&scene.loop, out_stats(&out).values == 5);
  server_do("HSET uvchan:{orders}:last one 3");
  server_do(give_next_epoch);
  server_do("CLIENT KILL TYPE normal SKIPME yes");
  send_numbers(&out, 5, 6);
  run_until(&scene.loop, out_stats(&out).values == 6);
  ck_assert_uint_eq(out_stats(&out).rolled_back, 2);
  out_close(&out);
}
END_TEST

START_TEST(scripts_that_are_forgotten_are_loaded_again) {
  uvchan_redis_sink_options_t with = out_options("one");
  uint64_t value = 0;
  out_t out;

  out_open(&out, 16, &with);
  must(uvchan_try_send(out.ch, &value) == 0);
  run_until(&scene.loop, out_stats(&out).values == 1);
  server_do("SCRIPT FLUSH");
  must(uvchan_try_send(out.ch, &value) == 0);
  run_until(&scene.loop, out_stats(&out).values == 2);
  ck_assert_int_eq(out_stats(&out).last_error, UV_EAGAIN);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 2);
  out_close(&out);
}
END_TEST

START_TEST(a_wrong_type_at_the_key_is_an_error_that_says_so) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  server_do("SET uvchan:{orders}:stream text");
  with.server.backoff_least_ms = 1;
  out_open(&out, 16, &with);
  run_until(&scene.loop, out_stats(&out).last_error == UV_EINVAL);
  ck_assert_int_eq(strncmp(out_stats(&out).last_words, "WRONGTYPE", 9), 0);
  server_do("DEL uvchan:{orders}:stream");
  run_until(&scene.loop, out_stats(&out).state == UVCHAN_REDIS_RUNNING);
  out_close(&out);
}
END_TEST

START_TEST(a_server_without_memory_is_an_error_that_says_so) {
  uvchan_redis_sink_options_t with = out_options("one");
  uint64_t value = 0;
  out_t out;

  with.server.backoff_least_ms = 1;
  out_open(&out, 16, &with);
  run_until(&scene.loop, out_stats(&out).state == UVCHAN_REDIS_RUNNING);
  server_do("CONFIG SET maxmemory 1");
  must(uvchan_try_send(out.ch, &value) == 0);
  run_until(&scene.loop, out_stats(&out).last_error == UV_ENOMEM);
  ck_assert_uint_eq(out_stats(&out).values, 0);
  server_do("CONFIG SET maxmemory 0");
  run_until(&scene.loop, out_stats(&out).values == 1);
  check_added_once(1);
  out_close(&out);
}
END_TEST

/* By a port, and a name that may have several addresses, of which the server listens on one. */
START_TEST(a_server_is_found_by_its_name) {
  uvchan_redis_sink_options_t with = out_options("one");
  struct sockaddr_in address;
  int length = sizeof(address);
  char command[64];
  uv_tcp_t bound;
  out_t out;

  must(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
  must(uv_tcp_init(&scene.loop, &bound) == 0);
  must(uv_tcp_bind(&bound, (const struct sockaddr*)&address, 0) == 0);
  must(uv_tcp_getsockname(&bound, (struct sockaddr*)&address, &length) == 0);
  uv_close((uv_handle_t*)&bound, NULL);
  settle(&scene.loop);
  with.server.path = NULL;
  with.server.host = "localhost";
  with.server.port = ntohs(address.sin_port);
  with.server.database = 3;
  server_do("CONFIG SET bind 127.0.0.1");
  snprintf(command, sizeof(command), "CONFIG SET port %u", with.server.port);
  server_do(command);
  out_open(&out, 16, &with);
  must(uvchan_close(out.ch) == 0);
  run_until(&scene.loop, out.ends == 1);
  ck_assert_int_eq(out.status, 0);
  ck_assert_int_eq(server_integer("EXISTS uvchan:{orders}:end"), 0); /* it is in another database */
  out_close(&out);
  scene_finish();
}
END_TEST

START_TEST(a_password_is_asked_for_and_given) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  server_do("CONFIG SET requirepass secret");
  with.server.backoff_least_ms = 1;
  out_open(&out, 16, &with);
  run_until(&scene.loop, out_stats(&out).last_error == UV_EACCES);
  ck_assert_uint_eq(out_stats(&out).connects, 0);
  out_close(&out);

  with.server.password = "secret";
  out_open(&out, 16, &with);
  run_until(&scene.loop, out_stats(&out).state == UVCHAN_REDIS_RUNNING);
  ck_assert_uint_eq(out_stats(&out).failures, 0);
  out_close(&out);
}
END_TEST

/* The group goes with the stream, and is made again. */
START_TEST(a_stream_deleted_by_a_stranger_is_made_again) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  uint64_t value = 0;
  out_t out;
  in_t in;

  in_with.server.backoff_least_ms = 1;
  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  must(uvchan_try_send(out.ch, &value) == 0);
  run_until(&scene.loop, in_stats(&in).done == 1);
  server_do("DEL uvchan:{orders}:stream");
  value = 1;
  must(uvchan_try_send(out.ch, &value) == 0);
  run_until(&scene.loop, in_stats(&in).done == 2);
  ck_assert_uint_eq(in.next, 2);
  out_close(&out);
  in_close(&in);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-crash");
  TCase* tcase = redis_tcase(suite, "crash");

  tcase_add_test(tcase, a_server_that_is_not_there_yet_is_waited_for);
  tcase_add_test(tcase, a_refused_connection_is_tried_again);
  tcase_add_test(tcase, a_sink_that_may_give_up_closes_its_channel);
  tcase_add_test(tcase, a_server_killed_under_load_loses_nothing);
  tcase_add_test(tcase, two_producers_and_two_sources_lose_nothing);
  tcase_add_test(tcase, connections_that_are_cut_lose_nothing);
  tcase_add_test(tcase, a_server_that_stops_is_left_and_found_again);
  tcase_add_test(tcase, a_producer_that_begins_anew_goes_on);
  tcase_add_test(tcase, a_server_that_forgets_is_told_of);
  tcase_add_test(tcase, what_is_lost_is_counted_exactly_where_an_answer_is_lost_too);
  tcase_add_test(tcase, scripts_that_are_forgotten_are_loaded_again);
  tcase_add_test(tcase, a_wrong_type_at_the_key_is_an_error_that_says_so);
  tcase_add_test(tcase, a_server_without_memory_is_an_error_that_says_so);
  tcase_add_test(tcase, a_server_is_found_by_its_name);
  tcase_add_test(tcase, a_password_is_asked_for_and_given);
  tcase_add_test(tcase, a_stream_deleted_by_a_stranger_is_made_again);
  return support_main(suite);
}
