/* SPDX-License-Identifier: MIT */
/* A source whose channel is closed leaves: others have at once what no receiver here got. */
#include "ends.h"

/* Another member gets all up to this number that is left, without a wait; none was delivered. */
static void check_rest(uint64_t to) {
  uvchan_redis_source_options_t with = in_patient("another");
  long long left = server_integer("XLEN uvchan:{orders}:stream");
  in_t in;

  in_open(&in, 16, &with);
  in.next = to; /* so none is new */
  run_until(&scene.loop, in_stats(&in).done == (uint64_t)left);
  ck_assert_uint_eq(in.redelivered, 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  in_close(&in);
}

/* With what waits for room in the channel, and by a request to send. */
START_TEST(a_source_that_leaves_gives_back_what_it_has) {
  uvchan_redis_source_options_t with = in_patient("one");
  element_t element;
  in_t in;

  put_numbers(0, 30);
  with.in_flight = 16;
  with.auto_done = 0;
  in_open(&in, 4, &with);
  must(uvchan_recv_stop(&in.receiver) == 0);
  run_until(&scene.loop, in_stats(&in).held == 16);
  must(uvchan_close(in.ch) == 0);
  while (uvchan_try_recv(in.ch, &element) == 0) must(uvchan_redis_done(&element.ticket) == 0);
  run_until(&scene.loop, in.source_ends == 1);
  ck_assert_int_eq(in.status, UV_EPIPE);
  ck_assert_uint_eq(in_stats(&in).done + in_stats(&in).requeued, 16);
  ck_assert_uint_ge(in_stats(&in).requeued, 11);
  check_rest(30);
  in_close(&in);
}
END_TEST

/* What a question brings that is on its way: nothing tells the source before. */
START_TEST(a_source_that_leaves_gives_back_what_comes) {
  uvchan_redis_source_options_t with = in_patient("one");
  in_t in;

  with.block_ms = 10000;
  in_open(&in, 16, &with);
  run_until(&scene.loop, in_stats(&in).state == UVCHAN_REDIS_RUNNING);
  while (server_integer("XLEN uvchan:{orders}:stream") != 0) uv_run(&scene.loop, UV_RUN_NOWAIT);
  must(uvchan_close(in.ch) == 0);
  put_numbers(0, 3);
  run_until(&scene.loop, in.source_ends == 1);
  ck_assert_int_eq(in.status, UV_EPIPE);
  ck_assert_uint_eq(in.values, 0);
  check_rest(3);
  in_close(&in);
}
END_TEST

/* The answer to the word that something is done tells it that its channel is closed. */
static void leave_while_a_question_waits(in_t* in) {
  uvchan_redis_source_options_t with = in_patient("one");

  put_numbers(0, 1);
  with.block_ms = 10000;
  with.in_flight = 4;
  in_open(in, 16, &with);
  in->hold = 1;
  run_until(&scene.loop, in->nheld == 1);
  must(uvchan_close(in->ch) == 0);
  must(uvchan_redis_done(&in->held[0].ticket) == 0);
  run_until(&scene.loop, in_stats(in).done == 1);
  ck_assert_uint_eq(in->source_ends, 0);
}

START_TEST(a_source_that_leaves_waits_for_what_comes) {
  in_t in;

  leave_while_a_question_waits(&in);
  put_numbers(1, 3);
  run_until(&scene.loop, in.source_ends == 1);
  ck_assert_uint_eq(in.values, 1);
  check_rest(3);
  in_close(&in);
}
END_TEST

/* What its name had before is given back as well, though it was delivered. */
START_TEST(a_source_that_comes_back_and_leaves_gives_back_its_history) {
  uvchan_redis_source_options_t with = in_patient("one");
  in_t before, after, another;
  unsigned int i;

  put_numbers(0, 5);
  in_open(&before, 16, &with);
  before.hold = 5;
  run_until(&scene.loop, before.nheld == 5);
  in_close(&before);
  for (i = 0; i < 5; i++) must(uvchan_redis_forget(&before.held[i].ticket) == 0);

  with.batch = 2;
  in_open(&after, 16, &with);
  must(uvchan_close(after.ch) == 0);
  run_until(&scene.loop, after.source_ends == 1);
  ck_assert_uint_eq(after.values, 0);
  with = in_patient("another");
  in_open(&another, 16, &with);
  run_until(&scene.loop, in_stats(&another).done == 5);
  ck_assert_uint_eq(another.redelivered, 5);
  in_close(&after);
  in_close(&another);
}
END_TEST

/* What it gave back unseen was not delivered, whichever of its questions brings it. */
START_TEST(a_source_that_leaves_and_comes_back_begins_anew) {
  uvchan_redis_source_options_t with = in_patient("one");
  unsigned int i;
  in_t in;

  put_numbers(0, 40);
  for (i = 0; i < 10; i++) {
    in_open(&in, 1, &with);
    must(uvchan_recv_stop(&in.receiver) == 0);
    run_until(&scene.loop, in_stats(&in).held == 40);
    must(uvchan_close(in.ch) == 0);
    must(uvchan_recv_start(&in.receiver, in_on_value) == 0);
    in.next = 40;
    run_until(&scene.loop, in.source_ends == 1);
    ck_assert_uint_eq(in.redelivered, 0);
    in_close(&in);
    put_numbers(0, (uint64_t)(40 - server_integer("XLEN uvchan:{orders}:stream")));
  }
  check_rest(40);
}
END_TEST

/* Values without tickets that have found no room are not done. */
START_TEST(without_tickets_what_finds_no_room_is_given_back) {
  uvchan_redis_source_options_t with = in_patient("one");
  uvchan_t* ch = support_channel(sizeof(uint64_t), 2);
  in_t in;

  put_numbers(0, 9);
  memset(&in, 0, sizeof(in));
  with.auto_done = 1;
  must(uvchan_redis_source_init(&scene.loop, &in.handle, ch, &with) == 0);
  run_until(&scene.loop, in_stats(&in).done == 2 && in_stats(&in).held == 7);
  must(uvchan_close(ch) == 0);
  run_until(&scene.loop, in.source_ends == 1);
  check_rest(9);
  uvchan_redis_source_close(&in.handle, in_on_close);
  run_until(&scene.loop, in.closes == 1);
  uvchan_release(ch);
}
END_TEST

/* The word is lost with the server, which was stopped as it came: it is told again. */
START_TEST(a_source_that_leaves_outlives_the_server) {
  uvchan_redis_source_options_t with = in_patient("one");
  unsigned int i;
  in_t in;

  put_numbers(0, 8);
  with.in_flight = 8;
  in_open(&in, 16, &with);
  in.hold = 4;
  run_until(&scene.loop, in.nheld == 4 && in_stats(&in).done == 4);
  must(kill(server.pid, SIGSTOP) == 0);
  for (i = 0; i < 4; i++) must(uvchan_redis_requeue(&in.held[i].ticket) == 0);
  for (i = 0; i < 10; i++) uv_run(&scene.loop, UV_RUN_NOWAIT);
  server_kill();
  must(uvchan_close(in.ch) == 0);
  run_until(&scene.loop, in_stats(&in).state == UVCHAN_REDIS_AWAY);
  server_start();
  run_until(&scene.loop, in.source_ends == 1);
  ck_assert_int_eq(in.status, UV_EPIPE);
  ck_assert_uint_eq(in_stats(&in).requeued, 4);
  in_close(&in);
}
END_TEST

/* What is on its way there is lost with the connection: nothing is waited for that can't come. */
START_TEST(a_source_that_leaves_does_not_wait_for_the_server) {
  in_t in;

  leave_while_a_question_waits(&in);
  server_kill();
  run_until(&scene.loop, in.source_ends == 1);
  ck_assert_int_eq(in.status, UV_EPIPE);
  in_close(&in);
}
END_TEST

/* Nothing tells it of its channel then but an attempt that fails. */
START_TEST(a_source_may_leave_while_the_server_is_away) {
  uvchan_redis_source_options_t with = in_patient("one");
  in_t in;

  in_open(&in, 16, &with);
  run_until(&scene.loop, in_stats(&in).state == UVCHAN_REDIS_RUNNING);
  server_kill();
  run_until(&scene.loop, in_stats(&in).failures >= 3);
  must(uvchan_close(in.ch) == 0);
  run_until(&scene.loop, in.source_ends == 1);
  ck_assert_int_eq(in.status, UV_EPIPE);
  in_close(&in);
}
END_TEST

/* ---- Who come and go ------------------------------------------------------------------------- */

#define MEMBERS 4
#define VALUES 1200

typedef struct {
  uvchan_redis_source_t handle; /* first */
  uvchan_receiver_t receiver;
  uvchan_t* ch;
  unsigned int values; /* until it leaves */
  unsigned int ends;
  unsigned int closes;
} member_t;

static unsigned char received[VALUES], requeued[VALUES];
static unsigned int done, leaves, dice;

static unsigned int draw(unsigned int n) {
  dice = dice * 1103515245u + 12345u;
  return (dice >> 16) % n;
}

/* Each value comes once, and once more for each time that it was given back. */
static void on_member_value(uvchan_receiver_t* receiver, int status, const void* value) {
  member_t* member = receiver->data;
  element_t element;

  if (status < 0) {
    member->ends++;
    return;
  }
  memcpy(&element, value, sizeof(element));
  must(++received[element.value] == requeued[element.value] + 1);
  must(element.ticket.deliveries == received[element.value]);
  if (draw(8) == 0 && requeued[element.value] < 5) {
    requeued[element.value]++;
    must(uvchan_redis_requeue(&element.ticket) == 0);
  } else {
    done++;
    must(uvchan_redis_done(&element.ticket) == 0);
  }
  if (--member->values == 0) uvchan_close(member->ch);
}

static void on_member_end(uvchan_redis_source_t* source, int status) {
  must(status == UV_EPIPE);
  ((member_t*)source)->ends++;
}

static void on_member_close(uvchan_redis_source_t* source) { ((member_t*)source)->closes++; }

static void on_member_receiver_close(uvchan_receiver_t* receiver) {
  ((member_t*)receiver->data)->closes++;
}

/* Some come back under the name of one that has left. */
static void come(member_t* member, unsigned int place) {
  uvchan_redis_source_options_t with = in_patient("");
  char name[32];

  snprintf(name, sizeof(name), "%u-%u", place, draw(3));
  memset(member, 0, sizeof(*member));
  with.consumer = name;
  with.block_ms = 1 + draw(20);
  with.in_flight = 1 + draw(20);
  with.batch = 1 + draw(10);
  with.on_end = on_member_end;
  member->values = 1 + draw(60);
  member->ch = support_channel(sizeof(element_t), draw(6));
  must(uvchan_redis_source_init(&scene.loop, &member->handle, member->ch, &with) == 0);
  must(uvchan_receiver_init(&scene.loop, &member->receiver, member->ch) == 0);
  member->receiver.data = member;
  must(uvchan_recv_start(&member->receiver, on_member_value) == 0);
}

static void go(member_t* member) {
  uvchan_redis_source_close(&member->handle, on_member_close);
  uvchan_receiver_close(&member->receiver, on_member_receiver_close);
  run_until(&scene.loop, member->closes == 2);
  uvchan_release(member->ch);
  leaves++;
}

START_TEST(members_come_and_go_and_no_value_waits) {
  uvchan_redis_sink_options_t with = out_options("one");
  member_t members[MEMBERS];
  sender_t sender;
  unsigned int i;
  out_t out;

  dice = (unsigned int)_i;
  done = leaves = 0;
  memset(received, 0, sizeof(received));
  memset(requeued, 0, sizeof(requeued));
  with.producers = 2; /* so that the stream stays open */
  out_open(&out, 16, &with);
  sender_start(&sender, out.ch, VALUES, UV_EOF);
  for (i = 0; i < MEMBERS; i++) come(&members[i], i);
  while (done < VALUES || out.ends == 0) {
    uv_run(&scene.loop, UV_RUN_ONCE);
    for (i = 0; i < MEMBERS; i++) {
      if (members[i].ends < 2) continue;
      go(&members[i]);
      come(&members[i], i);
    }
  }
  support_join(&sender.thread);
  ck_assert_uint_gt(leaves, MEMBERS);
  for (i = 0; i < MEMBERS; i++) {
    uvchan_close(members[i].ch);
    run_until(&scene.loop, members[i].ends == 2);
    go(&members[i]);
  }
  for (i = 0; i < VALUES; i++) must(received[i] == requeued[i] + 1);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  out_close(&out);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-leaving");
  TCase* tcase = redis_tcase(suite, "leaving");

  tcase_add_test(tcase, a_source_that_leaves_gives_back_what_it_has);
  tcase_add_test(tcase, a_source_that_leaves_gives_back_what_comes);
  tcase_add_test(tcase, a_source_that_leaves_waits_for_what_comes);
  tcase_add_test(tcase, a_source_that_comes_back_and_leaves_gives_back_its_history);
  tcase_add_test(tcase, a_source_that_leaves_and_comes_back_begins_anew);
  tcase_add_test(tcase, without_tickets_what_finds_no_room_is_given_back);
  tcase_add_test(tcase, a_source_that_leaves_outlives_the_server);
  tcase_add_test(tcase, a_source_that_leaves_does_not_wait_for_the_server);
  tcase_add_test(tcase, a_source_may_leave_while_the_server_is_away);
  tcase_add_loop_test(tcase, members_come_and_go_and_no_value_waits, 0, 3);
  return support_main(suite);
}
