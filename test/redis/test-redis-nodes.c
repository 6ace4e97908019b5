/* SPDX-License-Identifier: MIT */
/* Several servers: replicas that are waited for, a primary that sentinels name, the nodes of a
 * cluster, and a list of hosts. */
#include <sys/stat.h>

#include "ends.h"
#include "node.h"

static const char* const plain[] = {"--appendonly", "yes", "--save", "", NULL};

static void open_sink(out_t* out, uvchan_redis_sink_options_t* with, const char* host) {
  with->server.path = NULL;
  with->server.host = host;
  with->server.backoff_least_ms = 1;
  with->server.backoff_most_ms = 20;
  out_open(out, 16, with);
}

static const char* host_of(const node_t* node) {
  static char hosts[NODES][32];
  char* host = hosts[node - nodes];

  snprintf(host, sizeof(hosts[0]), "127.0.0.1:%d", node->port);
  return host;
}

static void start_replica(node_t* node, const node_t* primary) {
  char port[16];
  const char* const more[] = {"--replicaof", "127.0.0.1", port, "--repl-diskless-sync-delay",
                              "0",           NULL};

  snprintf(port, sizeof(port), "%d", primary->port);
  node_start(node, more);
  node_await(node, "INFO replication", "master_link_status:up");
}

/* ---- Hosts ----------------------------------------------------------------------------------- */

START_TEST(the_next_host_is_tried) {
  uvchan_redis_sink_options_t with = out_options("one");
  char hosts[300];
  out_t out;

  node_start(&nodes[0], plain);
  snprintf(hosts, sizeof(hosts), "127.0.0.1:%d,[::1]:%d,%s", node_free_port(), node_free_port(),
           host_of(&nodes[0]));
  open_sink(&out, &with, hosts);
  send_numbers(&out, 0, 3);
  run_until(&scene.loop, out_stats(&out).values == 3);
  ck_assert_uint_eq(out_stats(&out).failures, 2);
  out_close(&out);
}
END_TEST

START_TEST(hosts_that_can_not_be_read_are_refused) {
  static const char* const hosts[] = {"",     "a,",      "a:",   "a:0",   "a:65536",
                                      "a:b",  ",a",      "[::1", "[]",    "[::1]7",
                                      "a:1 ", "[::1]:x", "a:-1", ":6379", "a:123456"};
  uvchan_redis_sink_options_t with = out_options("one");
  char name[300];
  size_t i;
  out_t out;

  memset(&out, 0, sizeof(out));
  out.ch = scene_channel(1);
  with.server.path = NULL;
  for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
    with.server.host = hosts[i];
    ck_assert_int_eq(uvchan_redis_sink_init(&scene.loop, &out.handle, out.ch, &with), UV_EINVAL);
  }
  memset(name, 'a', sizeof(name) - 1);
  name[sizeof(name) - 1] = '\0';
  with.server.host = name;
  ck_assert_int_eq(uvchan_redis_sink_init(&scene.loop, &out.handle, out.ch, &with), UV_EINVAL);
}
END_TEST

/* ---- What the caller does to a connection ---------------------------------------------------- */

static unsigned int secured;

static int secure_all_but_the_first(struct redisContext* context, void* data) {
  must(((redisContext*)context)->fd >= 0 && data == &secured);
  return secured++ == 0 ? UV_EACCES : 0;
}

START_TEST(a_connection_is_secured_before_it_is_written_to) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  secured = 0;
  node_start(&nodes[0], plain);
  with.server.secure = secure_all_but_the_first;
  with.server.secure_data = &secured;
  open_sink(&out, &with, host_of(&nodes[0]));
  run_until(&scene.loop, out_stats(&out).state == UVCHAN_REDIS_RUNNING);
  ck_assert_uint_eq(secured, 2);
  ck_assert_uint_eq(out_stats(&out).failures, 1);
  ck_assert_int_eq(out_stats(&out).last_error, UV_EACCES);
  out_close(&out);
}
END_TEST

/* ---- Replicas -------------------------------------------------------------------------------- */

START_TEST(a_value_is_confirmed_once_replicas_have_it) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  node_start(&nodes[0], plain);
  with.replicas = 1;
  with.replicas_ms = 20;
  open_sink(&out, &with, host_of(&nodes[0]));
  send_numbers(&out, 0, 10);
  run_until(&scene.loop, out_stats(&out).last_error == UV_EAGAIN);
  ck_assert_int_eq(strncmp(out_stats(&out).last_words, "NOREPLICAS", 10), 0);
  ck_assert_uint_eq(out_stats(&out).values, 0);
  ck_assert_uint_eq(out_stats(&out).held, 10);
  ck_assert_uint_eq(out_stats(&out).failures, 0);
  ck_assert_int_eq(node_integer(&nodes[0], "XLEN uvchan:{orders}:stream"), 10);

  start_replica(&nodes[1], &nodes[0]);
  run_until(&scene.loop, out_stats(&out).values == 10);
  ck_assert_int_eq(node_integer(&nodes[1], "EXISTS uvchan:{orders}:last"), 1);
  must(uvchan_close(out.ch) == 0);
  run_until(&scene.loop, out.ends == 1);
  ck_assert_int_eq(out.status, 0);
  ck_assert_int_eq(node_integer(&nodes[0], "XLEN uvchan:{orders}:stream"), 10);
  out_close(&out);
}
END_TEST

/* The replica is promoted; what was confirmed is there, since it was waited for. */
START_TEST(what_replicas_have_outlives_the_primary) {
  uvchan_redis_sink_options_t with = out_options("one");
  char hosts[300];
  out_t out;

  node_start(&nodes[0], plain);
  start_replica(&nodes[1], &nodes[0]);
  with.replicas = 1;
  with.replicas_ms = 20;
  snprintf(hosts, sizeof(hosts), "%s,%s", host_of(&nodes[0]), host_of(&nodes[1]));
  open_sink(&out, &with, hosts);
  send_numbers(&out, 0, 10);
  run_until(&scene.loop, out_stats(&out).values == 10);
  node_kill(&nodes[0]);
  run_until(&scene.loop, out_stats(&out).last_error == UV_EROFS); /* the replica refuses it */
  freeReplyObject(node_ask(&nodes[1], "REPLICAOF NO ONE"));
  start_replica(&nodes[2], &nodes[1]);
  send_numbers(&out, 10, 20);
  run_until(&scene.loop, out_stats(&out).values == 20);
  ck_assert_uint_eq(out_stats(&out).rolled_back, 0);
  ck_assert_int_eq(node_integer(&nodes[1], "XLEN uvchan:{orders}:stream"), 20);
  out_close(&out);
}
END_TEST

/* The server goes back to two of five values that no replica has, so none is confirmed. */
START_TEST(what_is_lost_before_replicas_have_it_is_sent_again) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  node_start(&nodes[0], plain);
  with.replicas = 1;
  with.replicas_ms = 20;
  open_sink(&out, &with, host_of(&nodes[0]));
  send_numbers(&out, 0, 5);
  run_until(&scene.loop, out_stats(&out).length == 5);
  freeReplyObject(node_ask(&nodes[0], "DEL uvchan:{orders}:stream"));
  freeReplyObject(node_ask(&nodes[0], "HSET uvchan:{orders}:last one 2"));
  freeReplyObject(node_ask(&nodes[0], "CLIENT KILL TYPE normal SKIPME yes"));
  run_until(&scene.loop, node_integer(&nodes[0], "XLEN uvchan:{orders}:stream") == 3);
  ck_assert_uint_eq(out_stats(&out).values, 0);

  start_replica(&nodes[1], &nodes[0]);
  run_until(&scene.loop, out_stats(&out).values == 5);
  ck_assert_uint_eq(out_stats(&out).rolled_back, 0);
  ck_assert_int_eq(node_integer(&nodes[0], "XLEN uvchan:{orders}:stream"), 3);
  out_close(&out);
}
END_TEST

/* ---- Sentinels ------------------------------------------------------------------------------- */

/* lines: what else it is told. */
static void start_sentinel_with(node_t* node, const node_t* primary, const char* lines) {
  char path[128];
  FILE* file;
  const char* const more[] = {path, "--sentinel", NULL};

  node->port = node_free_port();
  snprintf(path, sizeof(path), "%s/sentinel.conf", server.folder);
  file = fopen(path, "w");
  must(file != NULL);
  fprintf(file,
          "sentinel monitor orders-db 127.0.0.1 %d 1\n"
          "sentinel down-after-milliseconds orders-db 200\n"
          "sentinel failover-timeout orders-db 1000\n"
          "%s",
          primary->port, lines);
  must(fclose(file) == 0);
  node_start(node, more);
}

static void start_sentinel(node_t* node, const node_t* primary) {
  start_sentinel_with(node, primary, "");
}

START_TEST(the_primary_that_a_sentinel_names_is_taken) {
  uvchan_redis_sink_options_t with = out_options("one");
  char hosts[300];
  out_t out;

  node_start(&nodes[0], plain);
  start_replica(&nodes[1], &nodes[0]);
  start_sentinel(&nodes[2], &nodes[0]);
  node_await(&nodes[2], "INFO sentinel", "slaves=1");
  with.server.sentinel = "orders-db";
  with.replicas = 1;
  with.replicas_ms = 100;
  snprintf(hosts, sizeof(hosts), "127.0.0.1:%d,%s", node_free_port(), host_of(&nodes[2]));
  open_sink(&out, &with, hosts);
  send_numbers(&out, 0, 10);
  run_until(&scene.loop, out_stats(&out).values == 10);
  ck_assert_uint_eq(out_stats(&out).failures, 1); /* the first of the sentinels is not there */

  node_kill(&nodes[0]);
  send_numbers(&out, 10, 15);
  run_until(&scene.loop, node_integer(&nodes[1], "EVAL redis.call('SET','x',1)return(7) 0") == 7);
  run_until(&scene.loop, out_stats(&out).held == 5 && out_stats(&out).length == 15);
  ck_assert_uint_eq(out_stats(&out).rolled_back, 0);
  ck_assert_int_eq(node_integer(&nodes[1], "XLEN uvchan:{orders}:stream"), 15);
  out_close(&out);
}
END_TEST

START_TEST(a_sentinel_that_knows_no_such_primary_is_an_error_that_says_so) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  node_start(&nodes[0], plain);
  start_sentinel(&nodes[2], &nodes[0]);
  with.server.sentinel = "another";
  open_sink(&out, &with, host_of(&nodes[2]));
  run_until(&scene.loop, out_stats(&out).failures >= 2);
  ck_assert_int_eq(out_stats(&out).last_error, UV_ENOENT);
  out_close(&out);
}
END_TEST

static unsigned int sentinels_secured;

static int secure_a_sentinel(struct redisContext* context, void* data) {
  must(((redisContext*)context)->fd >= 0 && data == &secured);
  sentinels_secured++;
  return 0;
}

/* Sentinels have users, passwords and connections of their own. */
START_TEST(a_sentinel_is_told_its_own_password) {
  static const char* const secret[] = {"--requirepass", "theirs", NULL};
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  secured = 1; /* no first one is refused */
  sentinels_secured = 0;
  node_start(&nodes[0], secret);
  start_sentinel_with(&nodes[2], &nodes[0],
                      "sentinel auth-pass orders-db theirs\nrequirepass its-own\n");
  with.server.sentinel = "orders-db";
  with.server.password = "theirs";
  with.server.sentinel_user = _i == 0 ? NULL : "default";
  with.server.sentinel_password = "its-own";
  with.server.secure = secure_all_but_the_first;
  with.server.secure_sentinel = secure_a_sentinel;
  with.server.secure_data = &secured;
  open_sink(&out, &with, host_of(&nodes[2]));
  send_numbers(&out, 0, 10);
  run_until(&scene.loop, out_stats(&out).values == 10);
  ck_assert_uint_eq(out_stats(&out).failures, 0);
  ck_assert_uint_eq(sentinels_secured, 1);
  ck_assert_uint_eq(secured, 2);
  out_close(&out);
}
END_TEST

START_TEST(a_sentinel_that_is_told_no_password_is_an_error_that_says_so) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  node_start(&nodes[0], plain);
  start_sentinel_with(&nodes[2], &nodes[0], "requirepass its-own\n");
  with.server.sentinel = "orders-db";
  with.server.password = "its-own"; /* which is the server's */
  open_sink(&out, &with, host_of(&nodes[2]));
  run_until(&scene.loop, out_stats(&out).failures >= 2);
  ck_assert_int_eq(out_stats(&out).last_error, UV_EACCES);
  out_close(&out);
}
END_TEST

/* ---- Clusters -------------------------------------------------------------------------------- */

/* Two nodes that each have half of the slots, and know each other. */
static void start_cluster(void) {
  static const char* const more[] = {"--cluster-enabled",
                                     "yes",
                                     "--appendonly",
                                     "yes",
                                     "--cluster-announce-ip",
                                     "127.0.0.1",
                                     "--cluster-port",
                                     NULL,
                                     NULL};
  const char* words[16];
  char bus[2][16];
  size_t i;

  memcpy((void*)words, (const void*)more, sizeof(more));
  for (i = 0; i < 2; i++) {
    snprintf(bus[i], sizeof(bus[i]), "%d", node_free_port());
    words[7] = bus[i];
    node_start(&nodes[i], words);
    freeReplyObject(node_ask(&nodes[i], "CLUSTER ADDSLOTSRANGE %d %d", i == 0 ? 0 : 8192,
                             i == 0 ? 8191 : 16383));
  }
  freeReplyObject(node_ask(&nodes[0], "CLUSTER MEET 127.0.0.1 %d %s", nodes[1].port, bus[1]));
  node_await(&nodes[0], "CLUSTER INFO", "cluster_state:ok");
  node_await(&nodes[1], "CLUSTER INFO", "cluster_state:ok");
}

/* The node that has the keys of `orders`, and the other. */
static void find_owner(const node_t** owner, const node_t** other) {
  long long slot = node_integer(&nodes[0], "CLUSTER KEYSLOT uvchan:{orders}:stream");

  *owner = &nodes[slot < 8192 ? 0 : 1];
  *other = &nodes[slot < 8192 ? 1 : 0];
}

START_TEST(a_cluster_names_the_node_that_has_the_keys) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  const node_t *owner, *other;
  sender_t sender;
  out_t out;
  in_t in;

  start_cluster();
  find_owner(&owner, &other);
  in_with.server.path = NULL;
  in_with.server.host = host_of(other);
  in_with.server.backoff_least_ms = 1;
  open_sink(&out, &out_with, host_of(other));
  in_open(&in, 16, &in_with);
  sender_start(&sender, out.ch, 1000, UV_EOF);
  run_to_end(&out, &in);
  support_join(&sender.thread);
  ck_assert_uint_eq(in.next, 1000);
  ck_assert_uint_eq(in.values, 1000);
  ck_assert_int_eq(out_stats(&out).last_error, UV_ENXIO);
  ck_assert_int_eq(strncmp(out_stats(&out).last_words, "MOVED", 5), 0);
  ck_assert_uint_eq(out_stats(&out).failures, 1);
  ck_assert_int_eq(node_integer(owner, "EXISTS uvchan:{orders}:last"), 1);
  out_close(&out);
  in_close(&in);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-nodes");
  TCase* tcase = scene_tcase(suite, "nodes");

  tcase_add_checked_fixture(tcase, nodes_open, nodes_close);
  tcase_add_test(tcase, the_next_host_is_tried);
  tcase_add_test(tcase, hosts_that_can_not_be_read_are_refused);
  tcase_add_test(tcase, a_connection_is_secured_before_it_is_written_to);
  tcase_add_test(tcase, a_value_is_confirmed_once_replicas_have_it);
  tcase_add_test(tcase, what_replicas_have_outlives_the_primary);
  tcase_add_test(tcase, what_is_lost_before_replicas_have_it_is_sent_again);
  tcase_add_test(tcase, the_primary_that_a_sentinel_names_is_taken);
  tcase_add_test(tcase, a_sentinel_that_knows_no_such_primary_is_an_error_that_says_so);
  tcase_add_loop_test(tcase, a_sentinel_is_told_its_own_password, 0, 2);
  tcase_add_test(tcase, a_sentinel_that_is_told_no_password_is_an_error_that_says_so);
  tcase_add_test(tcase, a_cluster_names_the_node_that_has_the_keys);
  return support_main(suite);
}
