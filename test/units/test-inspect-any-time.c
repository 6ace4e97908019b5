/* SPDX-License-Identifier: MIT */
/* It can be asked at any time: with locks held, while others are at work, from its own callback, in
 * a child of fork(). */
#include <stdlib.h>

#include "child.h"
#include "told.h"

/* ---- With locks held, as a debugger finds them ----------------------------------------------- */

START_TEST(a_channel_whose_lock_is_held_is_told_as_busy) {
  uvchan_t* ch = named("held", 8, support_capacities[_i]);
  uint64_t value = 1;
  int is_in = uvchan_try_send(ch, &value) == 0 && support_capacities[_i] != UVCHAN_UNBOUNDED;
  uvchan__lock(&ch->lock);
  ck_assert(has(told(NULL, UVCHAN_TEXT), " \"held\" at "));
  ck_assert(has(written.text, ", open, references 1, busy\n"));
  if (is_in) ck_assert(has(written.text, ": bounded, 1 of "));
  check_json(told(NULL, UVCHAN_JSON));
  ck_assert(has(written.text, "\"name\":\"held\""));
  ck_assert(has(written.text, "\"busy\":true"));
  ck_assert(has(told(uv_default_loop(), UVCHAN_TEXT), " \"held\" at ")); /* it may be its */
  ck_assert_ptr_null(strstr(metrics(), "held"));
  uvchan__unlock(&ch->lock);
  ck_assert(has(metrics(), "held"));
  must(uv_loop_close(uv_default_loop()) == 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(where_the_list_of_all_is_held_the_answer_is_busy) {
  uvchan_t* ch = named("orders", 8, 1);
  atomic_uint* lock = (atomic_uint*)(void*)ch->member.home; /* its first member */
  char line[200];
  FILE* file = tmpfile();
  must(file != NULL);
  uvchan__lock(lock);
  written.n = 0;
  ck_assert_int_eq(uvchan_inspect(NULL, UVCHAN_TEXT, keep, &written), UV_EBUSY);
  ck_assert_int_eq(uvchan_inspect(NULL, UVCHAN_JSON, keep, &written), UV_EBUSY);
  ck_assert_int_eq(uvchan_write_metrics(keep, &written), UV_EBUSY);
  ck_assert_uint_eq(written.n, 0);
  uvchan_print_all(NULL, file);
  uvchan__unlock(lock);
  rewind(file);
  ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
  ck_assert(has(line, "uvchan: busy: "));
  fclose(file);
  uvchan_release(ch);
}
END_TEST

START_TEST(a_stream_gets_the_text) {
  uvchan_t* ch = named("orders", 8, 1);
  char text[2000];
  FILE* file = tmpfile();
  size_t n;
  must(file != NULL);
  uvchan_print_all(NULL, file);
  rewind(file);
  n = fread(text, 1, sizeof(text) - 1, file);
  text[n] = '\0';
  ck_assert_str_eq(text, told(NULL, UVCHAN_TEXT));
  fclose(file);
  uvchan_release(ch);
}
END_TEST

/* ---- The callback ---------------------------------------------------------------------------- */

static int fail_at_once(void* arg, const char* bytes, size_t n) {
  (void)bytes;
  (void)n;
  ++*(int*)arg;
  return -7;
}

START_TEST(a_callback_that_fails_ends_it) {
  uvchan_t* channels[50];
  int calls = 0, i;
  for (i = 0; i < 50; i++) channels[i] = named("orders", 8, 1);
  ck_assert_int_eq(uvchan_inspect(NULL, UVCHAN_TEXT, fail_at_once, &calls), -7);
  ck_assert_int_eq(uvchan_inspect(NULL, UVCHAN_JSON, fail_at_once, &calls), -7);
  ck_assert_int_eq(uvchan_write_metrics(fail_at_once, &calls), -7);
  ck_assert_int_eq(calls, 3);
  told(NULL, UVCHAN_TEXT); /* nothing is left behind */
  for (i = 0; i < 50; i++) uvchan_release(channels[i]);
}
END_TEST

#define NMADE 30

typedef struct {
  uvchan_t* made[NMADE];
  int is_inside;
} remaker_t;

/* Frees and makes channels, those that come next in the walk too, and walks itself. */
static int remake(void* arg, const char* bytes, size_t n) {
  remaker_t* remaker = arg;
  size_t i = (unsigned char)bytes[n / 2] % NMADE;
  uvchan_release(remaker->made[i]);
  remaker->made[i] = named("made again", 8, 1);
  uvchan_release(remaker->made[(i + 7) % NMADE]);
  remaker->made[(i + 7) % NMADE] = NULL;
  if (!remaker->is_inside) {
    remaker->is_inside = 1;
    must(uvchan_inspect(NULL, UVCHAN_TEXT, remake, remaker) == 0);
    told(NULL, UVCHAN_JSON);
    remaker->is_inside = 0;
  }
  return 0;
}

START_TEST(a_callback_may_make_and_free_channels_and_ask_again) {
  remaker_t remaker;
  int i, round;
  memset(&remaker, 0, sizeof(remaker));
  for (round = 0; round < 20; round++) {
    for (i = 0; i < NMADE; i++) {
      if (remaker.made[i] == NULL) remaker.made[i] = named("made", 8, 1);
    }
    must(uvchan_inspect(NULL, UVCHAN_TEXT, remake, &remaker) == 0);
    must(uvchan_write_metrics(remake, &remaker) == 0);
  }
  for (i = 0; i < NMADE; i++) uvchan_release(remaker.made[i]);
  ck_assert_str_eq(told(NULL, UVCHAN_TEXT), "");
}
END_TEST

/* ---- While others are at work ---------------------------------------------------------------- */

typedef struct {
  uvchan_t* a;
  uvchan_t* b;
  atomic_int ends;
} storm_t;

static void send_all(void* arg) {
  storm_t* storm = arg;
  uint64_t value = 0;
  while (uvchan_send_wait(value % 2 ? storm->a : storm->b, &value) == 0) value++;
}

static void select_all(void* arg) {
  storm_t* storm = arg;
  uint64_t value;
  uvchan_case_t cases[2] = {{storm->a, UVCHAN_RECV, &value, 0, NULL},
                            {storm->b, UVCHAN_RECV, &value, 0, NULL}};
  int chosen;
  do chosen = uvchan_select_wait(cases, 2);
  while (chosen >= 0 && cases[chosen].status == 0);
}

static void on_storm_value(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)value;
  if (status < 0) uvchan_receiver_close(receiver, NULL);
}

static void receive_on_loop(void* arg) {
  storm_t* storm = arg;
  uvchan_receiver_t receiver;
  uv_loop_t loop;
  support_loop_open(&loop);
  must(uvchan_receiver_init(&loop, &receiver, storm->a) == 0);
  must(uvchan_recv_start(&receiver, on_storm_value) == 0);
  support_loop_finish(&loop);
}

static void make_and_free(void* arg) {
  storm_t* storm = arg;
  while (!atomic_load(&storm->ends)) {
    uvchan_t* ch = named("short", 8, 4);
    uint64_t value = 1;
    must(uvchan_try_send(ch, &value) == 0);
    uvchan_release(ch);
  }
}

static int drop_all(void* arg, const char* bytes, size_t n) {
  (void)arg;
  (void)bytes;
  (void)n;
  return 0;
}

static void ask_all(void* arg) {
  storm_t* storm = arg;
  while (!atomic_load(&storm->ends)) {
    int r = uvchan_inspect(NULL, UVCHAN_JSON, drop_all, NULL);
    must(r == 0 || r == UV_EBUSY); /* a thread that has the lock may have lost its processor */
  }
}

START_TEST(it_may_be_asked_while_others_send_and_receive_and_make_and_free) {
  static const uv_thread_cb bodies[] = {send_all,        send_all,      select_all, select_all,
                                        receive_on_loop, make_and_free, ask_all};
  enum { N = sizeof(bodies) / sizeof(bodies[0]) };
  storm_t storm = {named("a", 8, support_capacities[_i]), named("b", 8, support_capacities[_i]), 0};
  uv_thread_t threads[N];
  int i, rounds = support_count(500);
  for (i = 0; i < N; i++) support_start(&threads[i], bodies[i], &storm);
  while (rounds-- > 0) {
    written.n = 0;
    if (uvchan_inspect(NULL, UVCHAN_JSON, keep, &written) == 0) check_json(written.text);
    uvchan_inspect(NULL, UVCHAN_TEXT, drop_all, NULL);
    if (rounds % 50 == 0) uvchan_write_metrics(drop_all, NULL);
  }
  atomic_store(&storm.ends, 1);
  uvchan_close(storm.a);
  uvchan_close(storm.b);
  for (i = 0; i < N; i++) support_join(&threads[i]);
  uvchan_release(storm.a);
  uvchan_release(storm.b);
  ck_assert_str_eq(told(NULL, UVCHAN_TEXT), "");
}
END_TEST

/* ---- A child of fork() ----------------------------------------------------------------------- */

#if CAN_FORK

static void use_in_child(void) {
  uvchan_t* ch = named("the child's", 8, 1);
  written.n = 0;
  child_must(uvchan_inspect(NULL, UVCHAN_TEXT, keep, &written) == 0);
  child_must(strstr(written.text, "the child's") != NULL);
  uvchan_release(ch);
  if (support_slow()) end_child(0); /* a sanitizer may hang there, beside a fork */
  exit(0);                          /* and unloads the library */
}

START_TEST(a_child_finds_the_list_of_all_whole) {
  storm_t storm = {NULL, NULL, 0};
  uv_thread_t threads[3];
  int i, rounds = support_count(200);
  use_places();
  for (i = 0; i < 3; i++) support_start(&threads[i], i == 0 ? ask_all : make_and_free, &storm);
  while (rounds-- > 0) {
    pid_t pid = fork_child();
    if (pid == 0) use_in_child();
    await_child(pid);
  }
  atomic_store(&storm.ends, 1);
  for (i = 0; i < 3; i++) support_join(&threads[i]);
}
END_TEST

static int fork_once(void* arg, const char* bytes, size_t n) {
  pid_t* pid = arg;
  (void)bytes;
  (void)n;
  if (*pid != -1) return 0;
  *pid = fork_child();
  return 0;
}

START_TEST(a_fork_within_the_callback_leaves_both_walks_whole) {
  uvchan_t* channels[20];
  pid_t pid = -1;
  int i;
  for (i = 0; i < 20; i++) channels[i] = named("orders", 8, 1);
  must(uvchan_inspect(NULL, UVCHAN_TEXT, fork_once, &pid) == 0);
  if (pid == 0) end_child(0);
  await_child(pid);
  for (i = 0; i < 20; i++) uvchan_release(channels[i]);
}
END_TEST

#endif

int main(void) {
  Suite* suite = suite_create("inspect-any-time");
  TCase* tcase = support_tcase(suite, "inspect-any-time");

  tcase_add_loop_test(tcase, a_channel_whose_lock_is_held_is_told_as_busy, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, where_the_list_of_all_is_held_the_answer_is_busy);
  tcase_add_test(tcase, a_stream_gets_the_text);
  tcase_add_test(tcase, a_callback_that_fails_ends_it);
  tcase_add_test(tcase, a_callback_may_make_and_free_channels_and_ask_again);
  tcase_add_loop_test(tcase, it_may_be_asked_while_others_send_and_receive_and_make_and_free, 0,
                      SUPPORT_NCAPACITIES);
#if CAN_FORK
  tcase_add_test(tcase, a_child_finds_the_list_of_all_whole);
  tcase_add_test(tcase, a_fork_within_the_callback_leaves_both_walks_whole);
#endif
  return support_main(suite);
}
