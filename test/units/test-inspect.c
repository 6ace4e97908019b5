/* SPDX-License-Identifier: MIT */
/* What is told of channels: the figures are right, JSON and OpenMetrics are well formed for any
 * name, who waits is told with his thread or loop. */
#include <stdlib.h>

#include "ground/platform.h"
#include "told.h"

/* ---- Figures --------------------------------------------------------------------------------- */

START_TEST(a_channel_is_told_with_its_figures) {
  uvchan_t* ch = named("orders", 8, 16);
  uint64_t value = 7;
  int i;
  for (i = 0; i < 5; i++) must(uvchan_try_send(ch, &value) == 0);
  for (i = 0; i < 2; i++) must(uvchan_try_recv(ch, &value) == 0);
  uvchan_retain(ch);
  ck_assert(has(told(NULL, UVCHAN_TEXT),
                "channel %u \"orders\" at 0x%llx: bounded, 3 of 16, peak 5, 8 bytes each, open, "
                "references 2\n  sent 5, received 2, dropped 0, wake-ups 0\n",
                id_of(ch), (unsigned long long)(uintptr_t)ch));
  check_json(told(NULL, UVCHAN_JSON));
  ck_assert(has(written.text,
                "{\"id\":%u,\"name\":\"orders\",\"address\":\"0x%llx\",\"references\":2,"
                "\"busy\":false,\"kind\":\"bounded\",\"elem_size\":8,\"capacity\":16,"
                "\"closed\":false,\"len\":3,\"peak\":5,\"sent\":5,\"received\":2,\"dropped\":0,"
                "\"expired\":0,\"shed\":0,\"longest_wait_ns\":0,"
                "\"wakeups\":0,\"counted_senders\":0,\"waiting_senders\":0,"
                "\"waiting_receivers\":0,\"started_receivers\":0,\"senders\":[],\"receivers\":[],"
                "\"started\":[]}",
                id_of(ch), (unsigned long long)(uintptr_t)ch));
  uvchan_release(ch);
  uvchan_release(ch);
}
END_TEST

START_TEST(each_kind_and_each_end_is_told) {
  uvchan_t* unbuffered = named("u", 0, 0);
  uvchan_t* unbounded = named("many", 4, UVCHAN_UNBOUNDED);
  int value = 1;
  must(uvchan_try_send(unbounded, &value) == 0);
  must(uvchan_close(unbuffered) == 0 && uvchan_close_with(unbounded, -12345) == 0);
  ck_assert(has(told(NULL, UVCHAN_TEXT),
                ": unbuffered, 0 of 0, peak 0, 0 bytes each, closed with "
                "EOF, references 1\n"));
  ck_assert(has(written.text, ": unbounded, 1, peak 1, 4 bytes each, closed with "));
  check_json(told(NULL, UVCHAN_JSON));
  ck_assert(has(written.text,
                "\"kind\":\"unbuffered\",\"elem_size\":0,\"capacity\":0,"
                "\"closed\":true,\"end\":\"EOF\",\"len\":0"));
  ck_assert(has(written.text, "\"kind\":\"unbounded\",\"elem_size\":4,\"closed\":true,\"end\":"));
  uvchan_release(unbuffered);
  uvchan_release(unbounded);
}
END_TEST

START_TEST(nothing_is_told_of_what_was_released) {
  uvchan_t* ch = named("orders", 8, 1);
  uvchan_release(ch);
  ck_assert_str_eq(told(NULL, UVCHAN_TEXT), "");
  ck_assert_str_eq(told(NULL, UVCHAN_JSON), "{\"channels\":[],\n\"pools\":[]}\n");
  ck_assert_ptr_null(strstr(metrics(), "{"));
}
END_TEST

START_TEST(channels_are_told_in_the_order_of_their_making) {
  uvchan_t* channels[20];
  const char* at;
  size_t i;
  for (i = 0; i < 20; i++) channels[i] = named(i % 2 ? "odd" : "even", 1, 1);
  for (i = 0; i < 20; i += 3) uvchan_release(channels[i]);
  at = told(NULL, UVCHAN_TEXT);
  for (i = 0; i < 20; i++) {
    char address[40];
    snprintf(address, sizeof(address), " at 0x%llx:", (unsigned long long)(uintptr_t)channels[i]);
    if (i % 3 == 0) continue;
    at = strstr(at, address);
    ck_assert_ptr_nonnull(at);
    uvchan_release(channels[i]);
  }
}
END_TEST

START_TEST(it_needs_no_memory) {
  uvchan_t* ch = named("orders", 8, 1);
  size_t calls = support_calls();
  told(NULL, UVCHAN_TEXT);
  told(NULL, UVCHAN_JSON);
  metrics();
  ck_assert_uint_eq(support_calls(), calls);
  uvchan_release(ch);
}
END_TEST

START_TEST(bad_arguments_are_refused) {
  ck_assert_int_eq(uvchan_inspect(NULL, UVCHAN_TEXT, NULL, NULL), UV_EINVAL);
  ck_assert_int_eq(uvchan_inspect(NULL, (uvchan_format_t)2, keep, &written), UV_EINVAL);
  ck_assert_int_eq(uvchan_write_metrics(NULL, NULL), UV_EINVAL);
}
END_TEST

/* ---- Names ----------------------------------------------------------------------------------- */

START_TEST(any_name_leaves_the_formats_whole) {
  static const struct {
    const char *name, *json, *label, *text;
  } cases[] = {
      {"a\"b\\c", "a\\\"b\\\\c", "a\\\"b\\\\c", "a\\\"b\\\\c"},
      {"a\nb\tc\x7f", "a\\nb\\u0009c\\u007f", "a\\nb\tc\x7f", "a\\nb?c?"},
      {"p\xc3\xa4\xe2\x82\xac\xf0\x9f\x8d\x95", "p\xc3\xa4\xe2\x82\xac\xf0\x9f\x8d\x95",
       "p\xc3\xa4\xe2\x82\xac\xf0\x9f\x8d\x95", "p\xc3\xa4\xe2\x82\xac\xf0\x9f\x8d\x95"},
      {"\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd",
       "\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xed\xa0\x80.", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.",
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd."},
      {"\xe0\x80\x80.", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.",
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd."},
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
  };
  uvchan_t* ch = named(cases[_i].name, 1, 1);
  ck_assert(has(told(NULL, UVCHAN_TEXT), " \"%s\" at 0x", cases[_i].text));
  check_json(told(NULL, UVCHAN_JSON));
  ck_assert(has(written.text, "\"name\":\"%s\",", cases[_i].json));
  ck_assert(has(metrics(), "uvchan_channel_sent_total{name=\"%s\",id=", cases[_i].label));
  uvchan_release(ch);
}
END_TEST

START_TEST(a_long_name_is_cut) {
  char name[1000];
  uvchan_t* ch;
  memset(name, 'n', sizeof(name) - 1);
  name[sizeof(name) - 1] = '\0';
  ch = named(name, 1, 1);
  name[127] = '\0';
  ck_assert(has(told(NULL, UVCHAN_TEXT), " \"%s\" at 0x", name));
  uvchan_release(ch);
}
END_TEST

/* ---- Who waits ------------------------------------------------------------------------------- */

typedef struct {
  uvchan_t* ch;
  atomic_uint number;
} thread_t;

static void receive_one(void* arg) {
  thread_t* thread = arg;
  uint64_t value;
  atomic_store(&thread->number, uvchan__thread_id());
  must(uvchan_recv_wait(thread->ch, &value) == 0);
}

static void send_one(void* arg) {
  thread_t* thread = arg;
  uint64_t value = 1;
  atomic_store(&thread->number, uvchan__thread_id());
  must(uvchan_send_wait(thread->ch, &value) == 0);
}

START_TEST(a_thread_that_sleeps_is_told_by_its_number_with_its_time) {
  uvchan_t* ch = support_channel(8, support_capacities[_i / 2]);
  int sends = _i % 2;
  thread_t thread = {ch, 0};
  uv_thread_t id;
  char line[100];
  uint64_t value = 1;
  while (sends && uvchan_try_send(ch, &value) == 0) continue;
  support_start(&id, sends ? send_one : receive_one, &thread);
  if (sends) support_await_senders(ch, 1);
  if (!sends) support_await_receivers(ch, 1);
#if defined(__linux__) || defined(_WIN32)
  snprintf(line, sizeof(line), "  waits to %s: thread %u, for ", sends ? "send" : "receive",
           atomic_load(&thread.number));
#else
  snprintf(line, sizeof(line), "  waits to %s: a thread, for ", sends ? "send" : "receive");
#endif
  support_await(strstr(told(NULL, UVCHAN_TEXT), line) != NULL);
  check_json(told(NULL, UVCHAN_JSON));
  ck_assert(has(written.text, sends ? "\"senders\":[{\"kind\":\"thread\","
                                    : "\"receivers\":[{\"kind\":\"thread\","));
  ck_assert(has(written.text, "\"waited_ms\":"));
  if (sends) must(uvchan_try_recv(ch, &value) == 0);
  if (!sends) must(uvchan_try_send(ch, &value) == 0);
  support_join(&id);
  uvchan_release(ch);
}
END_TEST

START_TEST(those_on_a_loop_are_told_with_it) {
  uvchan_t* ch = scene_channel(support_capacities[_i]);
  sink_t sink;
  recv_op_t recv;
  recv_op(&recv, &scene.loop, ch);
  ck_assert(has(told(NULL, UVCHAN_TEXT), "  waits to receive: a request on loop 0x%llx, for ",
                (unsigned long long)(uintptr_t)&scene.loop));
  must(uvchan_cancel((uvchan_req_t*)&recv) == 0);
  settle(&scene.loop);
  sink_start(&sink, &scene.loop, ch);
  ck_assert(has(told(NULL, UVCHAN_TEXT),
                "  receives: loop 0x%llx, is told to look, and its loop has not come to it\n",
                (unsigned long long)(uintptr_t)&scene.loop));
  settle(&scene.loop);
  ck_assert(has(told(NULL, UVCHAN_TEXT), "  receives: loop 0x%llx, waits, for ",
                (unsigned long long)(uintptr_t)&scene.loop));
  check_json(told(NULL, UVCHAN_JSON));
  ck_assert(has(written.text, "\"started\":[{\"kind\":\"receiver\",\"loop\":\"0x%llx\",",
                (unsigned long long)(uintptr_t)&scene.loop));
  ck_assert(has(written.text, "\"state\":\"waits\"}]"));
  must(try_send(ch, 0) == 0);
  ck_assert(has(told(NULL, UVCHAN_TEXT), ", is told to look, and its loop has not come to it\n"));
  sink_close(&sink);
  scene_finish();
}
END_TEST

static void on_turn(uvchan_receiver_t* receiver, int status, const void* value) {
  (void)value;
  must(status == 0);
  told(receiver->loop, UVCHAN_TEXT);
  uvchan_receiver_close(receiver, NULL);
}

START_TEST(a_receiver_in_its_callback_is_in_its_turn) {
  uvchan_t* ch = scene_channel(4);
  uvchan_receiver_t receiver;
  must(uvchan_receiver_init(&scene.loop, &receiver, ch) == 0);
  must(uvchan_recv_start(&receiver, on_turn) == 0 && try_send(ch, 0) == 0);
  scene_run();
  ck_assert(has(written.text, "  receives: loop 0x%llx, in its turn\n",
                (unsigned long long)(uintptr_t)&scene.loop));
  scene_finish();
}
END_TEST

START_TEST(a_loop_is_told_what_it_has_to_do_with) {
  uvchan_t* mine = scene_channel(4);
  uvchan_t* other = scene_channel(4);
  uvchan_t* nobodys = scene_channel(4);
  uv_loop_t loop;
  sink_t sink;
  recv_op_t recv;
  support_loop_open(&loop);
  sink_start(&sink, &scene.loop, mine);
  recv_op(&recv, &loop, other);
  ck_assert(has(told(&scene.loop, UVCHAN_TEXT), "0x%llx", (unsigned long long)(uintptr_t)mine));
  ck_assert_ptr_null(strstr(strchr(written.text, '\n'), "channel "));
  ck_assert(has(told(&loop, UVCHAN_TEXT), "0x%llx", (unsigned long long)(uintptr_t)other));
  ck_assert_ptr_null(strstr(strchr(written.text, '\n'), "channel "));
  (void)nobodys;
  must(uvchan_cancel((uvchan_req_t*)&recv) == 0);
  support_loop_finish(&loop);
  sink_close(&sink);
  scene_finish();
}
END_TEST

START_TEST(of_many_who_wait_the_first_are_told_and_the_others_counted) {
  enum { N = 20 };
  uvchan_t* ch = scene_channel(1);
  recv_op_t recvs[N];
  int i;
  for (i = 0; i < N; i++) recv_op(&recvs[i], &scene.loop, ch);
  ck_assert(has(told(NULL, UVCHAN_TEXT), "  waits to receive: and 12 more\n"));
  check_json(told(NULL, UVCHAN_JSON));
  ck_assert(has(written.text, "\"waiting_receivers\":20,"));
  for (i = 0; i < N; i++) must(uvchan_cancel((uvchan_req_t*)&recvs[i]) == 0);
  scene_finish();
}
END_TEST

int main(void) {
  Suite* suite = suite_create("inspect");
  TCase* tcase = support_tcase(suite, "inspect");
  TCase* on_loop = scene_tcase(suite, "inspect-loop");

  tcase_add_test(tcase, a_channel_is_told_with_its_figures);
  tcase_add_test(tcase, each_kind_and_each_end_is_told);
  tcase_add_test(tcase, nothing_is_told_of_what_was_released);
  tcase_add_test(tcase, channels_are_told_in_the_order_of_their_making);
  tcase_add_test(tcase, it_needs_no_memory);
  tcase_add_test(tcase, bad_arguments_are_refused);
  tcase_add_loop_test(tcase, any_name_leaves_the_formats_whole, 0, 7);
  tcase_add_test(tcase, a_long_name_is_cut);
  tcase_add_loop_test(tcase, a_thread_that_sleeps_is_told_by_its_number_with_its_time, 0,
                      2 * SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(on_loop, those_on_a_loop_are_told_with_it, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(on_loop, a_receiver_in_its_callback_is_in_its_turn);
  tcase_add_test(on_loop, a_loop_is_told_what_it_has_to_do_with);
  tcase_add_test(on_loop, of_many_who_wait_the_first_are_told_and_the_others_counted);
  return support_main(suite);
}
