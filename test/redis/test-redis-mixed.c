/* SPDX-License-Identifier: MIT */
/* All at once, by a seed: several producers and consumers behind a proxy that harms, and a server
 * that is killed, stopped, and made to forget its scripts and its clients; consumers go and come
 * back. Every value is counted.
 *
 * UVCHAN_SEED=n runs that seed alone; UVCHAN_COUNT=n is how many values each producer sends, for as
 * long as that takes. */
#include "ends.h"
#include "proxy.h"

#define PRODUCERS 3
#define CONSUMERS 2

static const char* const names[] = {"one", "two", "three"};

static struct {
  uint32_t random;
  uint64_t each; /* values of a producer */
  out_t outs[PRODUCERS];
  sender_t senders[PRODUCERS];
  in_t ins[CONSUMERS];
  uint64_t before; /* values that came to sources that are closed */
  uint64_t redelivered;
  unsigned char* seen;
  unsigned char* firsts;
  unsigned int events[6];
} world;

static uint32_t draw(uint32_t n) { return support_random(&world.random) % n; }

static uint64_t number_of(const char* name, uint64_t otherwise) {
  const char* text = getenv(name);

  return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void be_impatient(uvchan_redis_server_t* with) {
  with->path = proxy.socket;
  with->backoff_least_ms = 1;
  with->backoff_most_ms = 10;
  with->connect_timeout_ms = with->reply_timeout_ms = support_slow() ? 1000 : 150;
}

static void open_producer(int i) {
  uvchan_redis_sink_options_t with = out_options(names[i]);

  be_impatient(&with.server);
  with.producers = PRODUCERS;
  with.capacity = 100;
  with.batch = 1 + draw(32);
  out_open(&world.outs[i], 16, &with);
  sender_start_at(&world.senders[i], world.outs[i].ch, (uint64_t)i * world.each, world.each,
                  UV_EOF);
}

static void open_consumer(int i) {
  uvchan_redis_source_options_t with = in_options(names[i]);
  in_t* in = &world.ins[i];

  be_impatient(&with.server);
  with.claim_after_ms = support_slow() ? 6000 : 1500;
  with.block_ms = 20;
  with.batch = 1 + draw(32);
  in_open(in, 16, &with);
  in->seen = world.seen;
  in->firsts = world.firsts;
  in->of_each = world.each;
}

/* What is left in its channel has not been done, and will not be here. */
static void close_consumer(int i) {
  in_t* in = &world.ins[i];
  element_t element;

  must(uvchan_recv_stop(&in->receiver) == 0);
  uvchan_redis_source_close(&in->handle, in_on_close);
  run_until(&scene.loop, in->closes == 1);
  while (uvchan_try_recv(in->ch, &element) == 0) must(uvchan_redis_forget(&element.ticket) == 0);
  uvchan_receiver_close(&in->receiver, in_on_receiver_close);
  run_until(&scene.loop, in->closes == 2);
  uvchan_release(in->ch);
  world.before += in->values;
  world.redelivered += in->redelivered;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void stop_server(void) {
  must(kill(server.pid, SIGSTOP) == 0);
  let_pass(20 + draw(300));
  must(kill(server.pid, SIGCONT) == 0);
}

static void restart_server(void) {
  server_kill();
  let_pass(1 + draw(50));
  server_start();
}

static void swallow(void) {
  proxy_go(PROXY_SWALLOW);
  let_pass(20 + draw(300));
  proxy_go(PROXY_DRAW);
}

static void replace_consumer(void) {
  int i = (int)draw(CONSUMERS);

  if (world.ins[i].source_ends > 0) return;
  close_consumer(i);
  open_consumer(i);
}

static void happen(void) {
  uint32_t event = draw(6);

  world.events[event]++;
  if (event == 0) restart_server();
  if (event == 1) stop_server();
  if (event == 2) server_do("CLIENT KILL TYPE normal SKIPME yes");
  if (event == 3) server_do("SCRIPT FLUSH");
  if (event == 4) swallow();
  if (event == 5) replace_consumer();
}

/* ---- The world ------------------------------------------------------------------------------- */

static uint64_t values_so_far(void) {
  return world.before + world.ins[0].values + world.ins[1].values;
}

static int is_over(void) {
  int i;

  for (i = 0; i < CONSUMERS; i++) {
    if (world.ins[i].source_ends == 0 || world.ins[i].ends == 0) return 0;
  }
  for (i = 0; i < PRODUCERS; i++) {
    if (world.outs[i].ends == 0) return 0;
  }
  return 1;
}

static void check_sums(void) {
  uint64_t all = PRODUCERS * world.each, again, i;

  again = values_so_far() - all;
  for (i = 0; i < CONSUMERS; i++) {
    world.redelivered += world.ins[i].redelivered;
    ck_assert_int_eq(world.ins[i].end, UV_EOF);
  }
  for (i = 0; i < all; i++) must(world.seen[i] > 0);
  ck_assert_uint_ge(world.redelivered, again);
  for (i = 0; i < PRODUCERS; i++) {
    ck_assert_int_eq(world.outs[i].status, 0);
    ck_assert_uint_eq(out_stats(&world.outs[i]).values, world.each);
    ck_assert_uint_eq(out_stats(&world.outs[i]).rolled_back, 0);
  }
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:stream"), 0);
  ck_assert_int_eq(server_integer("XLEN uvchan:{orders}:dead"), 0);
  check_added_once(all);
}

static void world_open(uint32_t seed) {
  int i;

  memset(&world, 0, sizeof(world));
  world.random = seed * 2654435761u | 1u;
  world.each = number_of("UVCHAN_COUNT", (uint64_t)support_count(1000));
  world.seen = calloc(PRODUCERS, world.each);
  world.firsts = calloc(PRODUCERS, world.each);
  must(world.seen != NULL && world.firsts != NULL);
  proxy_open(PROXY_DRAW, seed);
  for (i = 0; i < CONSUMERS; i++) open_consumer(i);
  for (i = 0; i < PRODUCERS; i++) open_producer(i);
}

static void world_close(void) {
  int i;

  for (i = 0; i < PRODUCERS; i++) {
    support_join(&world.senders[i].thread);
    out_close(&world.outs[i]);
  }
  for (i = 0; i < CONSUMERS; i++) in_close(&world.ins[i]);
  proxy_close();
  free(world.seen);
  free(world.firsts);
}

START_TEST(every_value_is_accounted_for_whatever_happens) {
  uint64_t next;

  world_open((uint32_t)number_of("UVCHAN_SEED", (uint64_t)_i + 1));
  while (!is_over()) {
    next = values_so_far() + (uint64_t)support_count(200) + draw((uint32_t)support_count(600));
    run_until(&scene.loop, is_over() || values_so_far() >= next);
    if (!is_over()) happen();
  }
  check_sums();
  world_close();
}
END_TEST

int main(void) {
  int seeds = getenv("UVCHAN_SEED") == NULL ? 3 : 1;
  Suite* suite = suite_create("redis-mixed");
  TCase* tcase = redis_tcase(suite, "mixed");

  if (getenv("UVCHAN_COUNT") != NULL) tcase_set_timeout(tcase, 0);
  tcase_add_loop_test(tcase, every_value_is_accounted_for_whatever_happens, 0, seeds);
  return support_main(suite);
}
