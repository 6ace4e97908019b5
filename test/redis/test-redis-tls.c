/* SPDX-License-Identifier: MIT */
/* A server that speaks TLS alone, secured by the caller as hiredis_ssl has it: values go both ways,
 * also where it is killed and comes back, and one whose certificate is not trusted is refused. */
#include "ends.h"
#include "node.h"

/* It does not include hiredis.h, which it needs. */
#include <hiredis/hiredis_ssl.h>

static redisSSLContext* trusting;
static char certificate[96], key[96], another[96];

/* A certificate that signs itself, and its key. */
static void make_certificate(const char* to_certificate, const char* to_key) {
  char command[512];

  snprintf(command, sizeof(command),
           "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout %s -out "
           "%s >/dev/null 2>&1",
           to_key, to_certificate);
  must(system(command) == 0);
}

/* Each write is on the disk before it is answered. That the server is there is told by the first
 * connection that can be used. */
static void start_server(void) {
  char port[16];
  const char* const more[] = {"--tls-port",
                              port,
                              "--tls-cert-file",
                              certificate,
                              "--tls-key-file",
                              key,
                              "--tls-auth-clients",
                              "no",
                              "--appendonly",
                              "yes",
                              "--appendfsync",
                              "always",
                              NULL};

  if (nodes[0].port == 0) nodes[0].port = node_free_port();
  snprintf(port, sizeof(port), "%d", nodes[0].port);
  node_launch(&nodes[0], "0", more);
}

static void open_tls(void) {
  nodes_open();
  snprintf(certificate, sizeof(certificate), "%s/certificate", server.folder);
  snprintf(another, sizeof(another), "%s/another", server.folder);
  snprintf(key, sizeof(key), "%s/key", server.folder);
  make_certificate(another, key);
  make_certificate(certificate, key);
  must(redisInitOpenSSL() == REDIS_OK);
  start_server();
}

static void close_tls(void) {
  redisFreeSSLContext(trusting);
  nodes_close();
}

static void trust(const char* path) {
  redisSSLContextError error;

  trusting = redisCreateSSLContext(path, NULL, NULL, NULL, "localhost", &error);
  must(trusting != NULL);
}

static int secure(struct redisContext* context, void* data) {
  return redisInitiateSSLWithContext(context, data) == REDIS_OK ? 0 : UV_EPROTO;
}

static void secure_server(uvchan_redis_server_t* to) {
  to->path = NULL;
  to->port = (unsigned int)nodes[0].port;
  to->backoff_least_ms = 1;
  to->secure = secure;
  to->secure_data = trusting;
}

START_TEST(values_go_both_ways_over_tls) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  out_t out;
  in_t in;

  trust(certificate);
  secure_server(&out_with.server);
  secure_server(&in_with.server);
  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  sender_start(&sender, out.ch, 5000, UV_EOF);
  run_to_end(&out, &in);
  support_join(&sender.thread);
  ck_assert_int_eq(out.status, 0);
  ck_assert_uint_eq(in.next, 5000);
  ck_assert_uint_eq(in.values, 5000);
  ck_assert_uint_eq(out_stats(&out).connects, 1);
  out_close(&out);
  in_close(&in);
}
END_TEST

START_TEST(a_certificate_that_is_not_trusted_is_refused) {
  uvchan_redis_sink_options_t with = out_options("one");
  out_t out;

  trust(another);
  secure_server(&with.server);
  out_open(&out, 16, &with);
  run_until(&scene.loop, out_stats(&out).failures >= 3);
  ck_assert_uint_eq(out_stats(&out).connects, 0);
  ck_assert_str_ne(out_stats(&out).last_words, "");
  out_close(&out);
}
END_TEST

/* The server ends and comes back: each connection is secured anew. */
START_TEST(a_server_killed_under_load_loses_nothing_over_tls) {
  uvchan_redis_sink_options_t out_with = out_options("one");
  uvchan_redis_source_options_t in_with = in_options("one");
  sender_t sender;
  out_t out;
  in_t in;

  trust(certificate);
  secure_server(&out_with.server);
  secure_server(&in_with.server);
  out_open(&out, 16, &out_with);
  in_open(&in, 16, &in_with);
  sender_start(&sender, out.ch, 3000, UV_EOF);
  run_until(&scene.loop, in.next >= 1000);
  node_kill(&nodes[0]);
  run_until(&scene.loop, out_stats(&out).failures >= 1);
  start_server();
  run_to_end(&out, &in);
  support_join(&sender.thread);
  ck_assert_uint_eq(in.next, 3000);
  ck_assert_uint_eq(out_stats(&out).values, 3000);
  out_close(&out);
  in_close(&in);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("redis-tls");
  TCase* tcase = scene_tcase(suite, "tls");

  tcase_add_checked_fixture(tcase, open_tls, close_tls);
  tcase_add_test(tcase, values_go_both_ways_over_tls);
  tcase_add_test(tcase, a_certificate_that_is_not_trusted_is_refused);
  tcase_add_test(tcase, a_server_killed_under_load_loses_nothing_over_tls);
  return support_main(suite);
}
