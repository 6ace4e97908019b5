/* SPDX-License-Identifier: MIT */
/* Two copies of the library in one process: a host's, and that of a plugin, which shares channels
 * and loops with the host. What one copy does not know of the other costs a needless wake-up at
 * most. Arguments: the plugin's file. */
#include <dlfcn.h>
#include <string.h>

#include "child.h"
#include "plugin.h"
#include "works.h"

static const char* file;
static const plugin_t* plugin;
static void* handle;

static void load(void) {
  handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) fprintf(stderr, "%s\n", dlerror());
  must(handle != NULL);
  plugin = dlsym(handle, "plugin");
  must(plugin != NULL);
  must(plugin->create != uvchan_create); /* it is a copy of its own */
}

#define NVALUES 300

typedef struct {
  uvchan_t* ch;
  int by_plugin;
} side_t;

static void send_and_close(void* arg) {
  side_t* side = arg;
  uint64_t value;
  for (value = 0; value < NVALUES; value++) {
    must((side->by_plugin ? plugin->send_wait : uvchan_send_wait)(side->ch, &value) == 0);
    if (value % 8 == 0) uv_sleep(1); /* so that the loop sleeps now and then */
  }
  must((side->by_plugin ? plugin->close : uvchan_close)(side->ch) == 0);
}

/* The loop's thread is the first of its copy, and the sending thread is the first of the other
 * one. */
START_TEST(a_thread_of_one_copy_wakes_a_loop_of_the_other) {
  int by_plugin = _i / SUPPORT_NCAPACITIES;
  side_t side = {support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]), by_plugin};
  uv_loop_t loop;
  uv_thread_t thread;
  sink_t sink;
  support_loop_open(&loop);
  memset(&sink, 0, sizeof(sink));
  sink.close_at_end = 1;
  must((by_plugin ? uvchan_receiver_init : plugin->receiver_init)(&loop, &sink.handle, side.ch) ==
       0);
  must((by_plugin ? uvchan_recv_start : plugin->recv_start)(&sink.handle, sink_on_value) == 0);
  settle(&loop);
  support_start(&thread, send_and_close, &side);
  ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
  support_join(&thread);
  ck_assert_uint_eq(sink.values, NVALUES);
  ck_assert_uint_eq(sink.ends, 1);
  support_loop_finish(&loop);
  uvchan_release(side.ch);
}
END_TEST

static void receive_all(void* arg) {
  side_t* side = arg;
  uint64_t value = 0, expected;
  uvchan_case_t c = {side->ch, UVCHAN_RECV, &value, 0, NULL};
  for (expected = 0; expected < NVALUES; expected++) {
    if (expected % 2 == 0) {
      must((side->by_plugin ? plugin->recv_wait : uvchan_recv_wait)(side->ch, &value) == 0);
    } else {
      must((side->by_plugin ? plugin->select_wait : uvchan_select_wait)(&c, 1) == 0 &&
           c.status == 0);
    }
    must(value == expected);
  }
  must((side->by_plugin ? plugin->recv_wait : uvchan_recv_wait)(side->ch, &value) == UV_EOF);
}

START_TEST(threads_of_both_copies_wake_each_other) {
  int by_plugin = _i / SUPPORT_NCAPACITIES;
  side_t sender = {support_channel(8, support_capacities[_i % SUPPORT_NCAPACITIES]), by_plugin};
  side_t receiver = {sender.ch, !by_plugin};
  uv_thread_t thread;
  support_start(&thread, send_and_close, &sender);
  receive_all(&receiver);
  support_join(&thread);
  uvchan_release(sender.ch);
}
END_TEST

static void wait_in_plugin(void* arg) { must(plugin->waitgroup_wait(arg) == 0); }

START_TEST(a_wait_group_of_the_host_ends_a_wait_in_the_plugin) {
  uvchan_waitgroup_t wg;
  uv_thread_t thread;
  ck_assert_int_eq(uvchan_waitgroup_init(&wg), 0);
  ck_assert_int_eq(uvchan_waitgroup_add(&wg, 1), 0);
  support_start(&thread, wait_in_plugin, &wg);
  uv_sleep(20);
  ck_assert_int_eq(uvchan_waitgroup_done(&wg), 0);
  support_join(&thread);
  uvchan_waitgroup_destroy(&wg);
}
END_TEST

/* The plugin's send would wait for this very thread's receiver, but its copy can't know that; and
 * it must not say so of another's. */
START_TEST(a_thread_of_the_plugin_is_never_taken_for_the_loops) {
  side_t side = {support_channel(8, 0), 1};
  uv_loop_t loop;
  sink_t sink;
  uint64_t value = 0;
  support_loop_open(&loop);
  sink_start(&sink, &loop, side.ch);
  settle(&loop);
  ck_assert_int_eq(plugin->try_send(side.ch, &value), 0);
  ck_assert_int_eq(uvchan_send_wait(side.ch, &value), UV_EBUSY);
  settle(&loop);
  ck_assert_uint_eq(sink.values, 1);
  sink_close(&sink);
  support_loop_finish(&loop);
  uvchan_release(side.ch);
}
END_TEST

/* Each copy frees what the other has made: blocks, channels, what a receiver holds, hubs. */
START_TEST(each_copy_has_an_allocator_of_its_own) {
  size_t elem_size = _i % 2 == 0 ? 8 : SUPPORT_MOST_BYTES;
  static unsigned char value[SUPPORT_MOST_BYTES];
  uvchan_t* ours = support_channel(elem_size, UVCHAN_UNBOUNDED);
  uvchan_t* theirs;
  uv_loop_t loop;
  uvchan_receiver_t receiver;
  sink_t sink;
  int i;
  ck_assert_int_eq(plugin->use_own_memory(), 0);
  ck_assert_int_eq(plugin->create(&theirs, elem_size, UVCHAN_UNBOUNDED), 0);
  support_loop_open(&loop);
  sink_start(&sink, &loop, ours);
  must(plugin->receiver_init(&loop, &receiver, theirs) == 0);
  for (i = 0; i < 1000; i++) {
    support_fill(value, elem_size, (uint64_t)i);
    ck_assert_int_eq(i % 2 == 0 ? plugin->try_send(ours, value) : uvchan_try_send(ours, value), 0);
    ck_assert_int_eq(i % 2 != 0 ? plugin->try_send(theirs, value) : uvchan_try_send(theirs, value),
                     0);
  }
  for (i = 0; i < 1000; i++)
    ck_assert_int_eq(
        i % 2 == 0 ? plugin->recv_wait(theirs, value) : uvchan_recv_wait(theirs, value), 0);
  run_until(&loop, sink.values == 1000);
  sink_close(&sink);
  uvchan_receiver_close(&receiver, NULL); /* it was made by the plugin */
  support_loop_finish(&loop);
  plugin->release(ours);
  uvchan_release(theirs);
  ck_assert_uint_eq(plugin->allocations(), 0);
}
END_TEST

static void note_close(uvchan_receiver_t* receiver) { *(int*)receiver->data = 1; }

/* Whoever lets go of a hub takes it out of the list of the copy that made it: or that copy would
 * find it there when it is gone. */
START_TEST(what_one_copy_has_begun_on_a_loop_the_other_ends) {
  uvchan_t* ch = support_channel(8, 1);
  uv_loop_t loop;
  int round;
  support_loop_open(&loop);
  for (round = 0; round < 4; round++) {
    int by_plugin = round % 2;
    uvchan_receiver_t receiver;
    send_op_t full;
    int closed = 0;
    memset(&full, 0, sizeof(full));
    must(try_send(ch, 0) == 0);
    must((by_plugin ? plugin->send : uvchan_send)(&loop, &full.req, ch, &full.value,
                                                  send_op_done) == 0);
    settle(&loop);
    must((by_plugin ? uvchan_cancel : plugin->cancel)((uvchan_req_t*)&full.req) == 0);
    settle(&loop);
    must(full.calls == 1 && full.status == UV_ECANCELED);
    must((by_plugin ? plugin->receiver_init : uvchan_receiver_init)(&loop, &receiver, ch) == 0);
    must(takes(ch, 0));
    receiver.data = &closed;
    (by_plugin ? uvchan_receiver_close : plugin->receiver_close)(&receiver, note_close);
    settle(&loop);
    must(closed);
    must(count_handles(&loop, UV_ASYNC) == 0);
  }
  support_loop_finish(&loop);
  uvchan_release(ch);
}
END_TEST

typedef struct {
  uvchan_t* ch;
  uint64_t delay; /* nanoseconds */
  int answer;
} moment_t;

static void receive_in_plugin_until(void* arg) {
  moment_t* moment = arg;
  uint64_t value;
  moment->answer = plugin->recv_timedwait(moment->ch, &value, moment->delay);
}

static void send_after(void* arg) {
  moment_t* moment = arg;
  uint64_t value = 1;
  support_spin(moment->delay);
  must(uvchan_try_send(moment->ch, &value) == 0);
}

/* The host's thread may still be in the call that wakes the plugin's: it touches nothing of the
 * plugin. */
START_TEST(a_plugin_may_be_unloaded_when_its_calls_have_returned) {
  uint32_t random = 1;
  int rounds = support_count(2000);
  while (rounds-- > 0) {
    moment_t waits = {support_channel(8, 1), 50000 + support_random(&random) % 100000, 1};
    moment_t sends = waits;
    uv_thread_t receiver, sender;
    uint64_t value;
    support_start(&receiver, receive_in_plugin_until, &waits);
    support_start(&sender, send_after, &sends);
    support_join(&receiver);
    must(dlclose(handle) == 0);
    support_join(&sender);
    must(uvchan_try_recv(waits.ch, &value) == (waits.answer == 0 ? UV_EAGAIN : 0));
    uvchan_release(waits.ch);
    load();
  }
}
END_TEST

/* What it has made lives on, with an allocator that does: channels, and the blocks of its sends. */
START_TEST(what_a_plugin_has_sent_outlives_it) {
  uvchan_t* ours = support_channel(8, support_capacities[3 + _i]);
  uvchan_t* theirs = NULL;
  uint64_t value;
  must(plugin->create(&theirs, 8, support_capacities[3 + _i]) == 0);
  for (value = 0; value < 16; value++)
    must(plugin->try_send(ours, &value) == 0 && plugin->try_send(theirs, &value) == 0);
  must(dlclose(handle) == 0);
  for (value = 0; value < 16; value++) must(takes(ours, value) && takes(theirs, value));
  uvchan_release(ours);
  uvchan_release(theirs);
  load();
}
END_TEST

static void note_closed(uvchan_receiver_t* receiver) { *(int*)receiver->data = 1; }
static void stay(uv_idle_t* idle) { (void)idle; }

/* What its copy has on a loop is closed in the turn after the last close callback, whatever else
 * the host has there. */
START_TEST(a_plugin_may_be_unloaded_a_turn_after_its_last_close_callback) {
  uvchan_t* ch = support_channel(8, 1);
  uvchan_receiver_t receiver;
  uv_loop_t loop;
  uv_idle_t idle;
  int closed = 0;
  support_loop_open(&loop);
  must(uv_idle_init(&loop, &idle) == 0 && uv_idle_start(&idle, stay) == 0);
  must(plugin->receiver_init(&loop, &receiver, ch) == 0);
  receiver.data = &closed;
  plugin->receiver_close(&receiver, note_closed);
  while (!closed) uv_run(&loop, UV_RUN_NOWAIT);
  uv_run(&loop, UV_RUN_NOWAIT);
  must(dlclose(handle) == 0);
  uv_run(&loop, UV_RUN_NOWAIT);
  uv_close((uv_handle_t*)&idle, NULL);
  support_loop_finish(&loop);
  uvchan_release(ch);
  load();
}
END_TEST

#define NMADE 2000 /* to free them takes longer than to unload a copy */

static uvchan_t* made[NMADE];

static void release_all(void* n_released) {
  int i;
  for (i = 0; i < NMADE; i++) {
    uvchan_release(made[i]);
    atomic_store((atomic_int*)n_released, i + 1);
  }
}

/* Each is taken out of the list that the plugin's copy keeps, or was forgotten there before. */
START_TEST(what_a_plugin_has_made_may_be_freed_while_it_is_unloaded) {
  int rounds = support_count(300), i;
  while (rounds-- > 0) {
    atomic_int n_released = 0;
    uv_thread_t thread;
    for (i = 0; i < NMADE; i++) must(plugin->create(&made[i], 8, 1) == 0);
    support_start(&thread, release_all, &n_released);
    support_await(atomic_load(&n_released) > rounds % 100);
    must(dlclose(handle) == 0);
    support_join(&thread);
    load();
  }
}
END_TEST

/* ---- Pools of the host's --------------------------------------------------------------------- */

static work_op_t works[2];

static void submit_in_plugin(work_op_t* op, uv_loop_t* loop, uvchan_pool_t* pool) {
  work_op_init(op);
  must(plugin->pool_submit(loop, &op->work, pool, work_op_run, work_op_done) == 0);
}

/* A thread that is made in a call of the plugin's is the pool's. */
START_TEST(a_plugin_has_a_thread_made_that_outlives_it) {
  uvchan_pool_t* pool = pool_new(2, 8);
  uv_loop_t loop;
  gate_t gate;

  support_loop_open(&loop);
  gate_hold(&gate, &loop, pool, 1);
  submit_in_plugin(&works[0], &loop, pool);
  run_until(&loop, works[0].calls == 1);
  ck_assert_uint_eq(pool_stats(pool).threads, 2);
  settle(&loop); /* what the plugin's copy had on the loop is closed */
  must(dlclose(handle) == 0);
  submit_work(&works[1], &loop, pool);
  run_until(&loop, works[1].calls == 1);
  gate_end(&gate, &loop);
  support_loop_finish(&loop);
  uvchan_pool_release(pool);
  check_all_ended(works, 2, 0);
  load();
}
END_TEST

/* The first user of a pool on a loop is the plugin, and the host's work is still pending there when
 * the plugin's has come back. */
START_TEST(a_work_outlives_a_plugin_whose_work_came_first) {
  uvchan_pool_t* pool = pool_new(1, 8);
  uv_loop_t loop;
  gate_t gate;

  support_loop_open(&loop);
  gate_init(&gate);
  submit_in_plugin(&works[0], &loop, pool);
  gate_hold_one(&gate, &loop, pool);
  run_until(&loop, works[0].calls == 1);
  settle(&loop);
  must(dlclose(handle) == 0);
  gate_end(&gate, &loop);
  support_loop_finish(&loop);
  uvchan_pool_release(pool);
  load();
}
END_TEST

#if CAN_FORK

#define NMAKERS 4 /* threads, of both copies in turn */

typedef struct {
  uv_loop_t loop;
  uvchan_t* ch;
  int by_plugin;
  atomic_int rounds;
  atomic_int ends;
} maker_t;

static int make_and_end(maker_t* maker) {
  uvchan_receiver_t receiver;
  int r = (maker->by_plugin ? plugin->receiver_init : uvchan_receiver_init)(&maker->loop, &receiver,
                                                                            maker->ch);
  if (r != 0) return r;
  uvchan_receiver_close(&receiver, NULL);
  while (uv_run(&maker->loop, UV_RUN_DEFAULT) != 0) continue;
  return 0;
}

static void make_and_end_on(void* arg) {
  maker_t* maker = arg;
  while (!atomic_load(&maker->ends)) {
    must(make_and_end(maker) == 0);
    atomic_fetch_add(&maker->rounds, 1);
  }
}

/* A child that uses both copies; it ends by itself, or by an alarm. */
static void fork_and_use(maker_t* makers) {
  pid_t pid = fork_child();
  int i;
  if (pid == 0) {
    for (i = 0; i < 2; i++) {
      maker_t own = {.ch = makers[i].ch, .by_plugin = i};
      child_must(uv_loop_init(&own.loop) == 0);
      child_must(make_and_end(&own) == 0);
      child_must(uv_loop_close(&own.loop) == 0);
    }
    end_child(0);
  }
  await_child(pid);
}

START_TEST(a_child_of_fork_finds_the_hubs_of_both_copies_whole) {
  int rounds = support_count(400), i;
  maker_t makers[NMAKERS];
  uv_thread_t threads[NMAKERS];
  memset(makers, 0, sizeof(makers));
  use_places();
  must(plugin->use_memory(place_malloc, place_realloc, place_calloc, place_free) == 0);
  for (i = 0; i < NMAKERS; i++) {
    makers[i].by_plugin = i % 2;
    makers[i].ch = support_channel(8, 1);
    support_loop_open(&makers[i].loop);
    support_start(&threads[i], make_and_end_on, &makers[i]);
    support_await(atomic_load(&makers[i].rounds) > 0);
  }
  while (rounds-- > 0) fork_and_use(makers);
  for (i = 0; i < NMAKERS; i++) {
    atomic_store(&makers[i].ends, 1);
    support_join(&threads[i]);
    support_loop_finish(&makers[i].loop);
    uvchan_release(makers[i].ch);
  }
}
END_TEST

/* What it has registered for a fork goes with it. */
START_TEST(a_process_whose_plugin_was_unloaded_forks) {
  pid_t pid;
  must(dlclose(handle) == 0);
  pid = fork_child();
  if (pid == 0) end_child(0);
  await_child(pid);
  load();
}
END_TEST

#endif

int main(int argc, char** argv) {
  Suite* suite = suite_create("two-copies");
  TCase* tcase = support_tcase(suite, "plugin");
  must(argc == 2);
  file = argv[1];
  tcase_add_checked_fixture(tcase, load, NULL);
  tcase_add_loop_test(tcase, a_thread_of_one_copy_wakes_a_loop_of_the_other, 0,
                      2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, threads_of_both_copies_wake_each_other, 0, 2 * SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, a_wait_group_of_the_host_ends_a_wait_in_the_plugin);
  tcase_add_test(tcase, a_thread_of_the_plugin_is_never_taken_for_the_loops);
  tcase_add_test(tcase, what_one_copy_has_begun_on_a_loop_the_other_ends);
  tcase_add_test(tcase, a_plugin_may_be_unloaded_when_its_calls_have_returned);
  tcase_add_test(tcase, a_plugin_may_be_unloaded_a_turn_after_its_last_close_callback);
  tcase_add_loop_test(tcase, what_a_plugin_has_sent_outlives_it, 0, 2);
  tcase_add_test(tcase, what_a_plugin_has_made_may_be_freed_while_it_is_unloaded);
  tcase_add_test(tcase, a_plugin_has_a_thread_made_that_outlives_it);
  tcase_add_test(tcase, a_work_outlives_a_plugin_whose_work_came_first);
#if CAN_FORK
  tcase_add_test(tcase, a_child_of_fork_finds_the_hubs_of_both_copies_whole);
  tcase_add_test(tcase, a_process_whose_plugin_was_unloaded_forks);
#endif
  tcase_add_loop_test(tcase, each_copy_has_an_allocator_of_its_own, 0, 2);
  return support_main(suite);
}
