/* SPDX-License-Identifier: MIT */
/* What is told of channels and pools: the figures are right, JSON and OpenMetrics are well formed
 * for any name, who waits is told with his thread or loop; and it can be asked at any time: with
 * locks held, while others are at work, from its own callback, in a child of fork(). */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <uvchan/inspect.h>
#include <uvchan/pool.h>

#include "channel/state.h"
#include "child.h"
#include "ground/platform.h"
#include "scene.h"

/* ---- What was written ------------------------------------------------------------------------ */

#define MOST 200000

typedef struct {
  size_t n;
  char text[MOST];
} written_t;

static written_t written;

static int keep(void* arg, const char* bytes, size_t n) {
  written_t* to = arg;
  must(n >= 1 && n <= 512 && to->n + n < MOST);
  memcpy(to->text + to->n, bytes, n);
  to->n += n;
  to->text[to->n] = '\0';
  return 0;
}

static const char* told(uv_loop_t* loop, uvchan_format_t format) {
  written.n = 0;
  written.text[0] = '\0';
  must(uvchan_inspect(loop, format, keep, &written) == 0);
  return written.text;
}

static const char* metrics(void) {
  written.n = 0;
  must(uvchan_write_metrics(keep, &written) == 0);
  return written.text;
}

static int has(const char* text, const char* format, ...) {
  char part[1000];
  va_list args;
  va_start(args, format);
  must(vsnprintf(part, sizeof(part), format, args) < (int)sizeof(part));
  va_end(args);
  if (strstr(text, part) != NULL) return 1;
  fprintf(stderr, "not there:\n%s\nbut:\n%s\n", part, text);
  return 0;
}

static unsigned int id_of(const uvchan_t* ch) { return (unsigned int)ch->member.number; }

static uvchan_t* named(const char* name, size_t elem_size, size_t capacity) {
  uvchan_options_t options;
  uvchan_t* ch;
  memset(&options, 0, sizeof(options));
  options.elem_size = elem_size;
  options.capacity = capacity;
  options.name = name;
  must(uvchan_create_ex(&ch, &options) == 0);
  return ch;
}

/* ---- A reader of JSON: of what is written, as strict as RFC 8259 ----------------------------- */

static const char* skip_value(const char* at);

static const char* skip_blanks(const char* at) {
  while (*at == ' ' || *at == '\n') at++;
  return at;
}

static const char* skip_string(const char* at) {
  must(*at++ == '"');
  while (*at != '"') {
    must((unsigned char)*at >= 0x20);
    if (*at == '\\') {
      at++;
      must(strchr("\"\\/bfnrtu", *at) != NULL);
      if (*at == 'u') {
        int i;
        for (i = 1; i <= 4; i++) must(isxdigit((unsigned char)at[i]));
        at += 4;
      }
    }
    at++;
  }
  return at + 1;
}

static const char* skip_list(const char* at, char end, int has_keys) {
  at = skip_blanks(at + 1);
  while (*at != end) {
    if (has_keys) {
      at = skip_blanks(skip_string(at));
      must(*at++ == ':');
    }
    at = skip_blanks(skip_value(skip_blanks(at)));
    if (*at != ',') break;
    at = skip_blanks(at + 1);
    must(*at != end);
  }
  must(*at == end);
  return at + 1;
}

static const char* skip_value(const char* at) {
  if (*at == '{') return skip_list(at, '}', 1);
  if (*at == '[') return skip_list(at, ']', 0);
  if (*at == '"') return skip_string(at);
  if (strncmp(at, "true", 4) == 0) return at + 4;
  if (strncmp(at, "false", 5) == 0) return at + 5;
  must(isdigit((unsigned char)*at) && (*at != '0' || !isdigit((unsigned char)at[1])));
  while (isdigit((unsigned char)*at)) at++;
  return at;
}

static void check_json(const char* text) { must(*skip_blanks(skip_value(text)) == '\0'); }

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

/* ---- Pools ----------------------------------------------------------------------------------- */

typedef struct {
  uvchan_work_t work; /* first, so that a pointer to it is a pointer to the whole */
  atomic_int has_begun;
  atomic_int may_end;
} job_t;

static void work_on(uvchan_work_t* work, void* state) {
  job_t* job = (job_t*)work;
  (void)state;
  atomic_store(&job->has_begun, 1);
  support_await(atomic_load(&job->may_end));
}

static void on_done(uvchan_work_t* work, int status) {
  (void)work;
  must(status == 0);
}

START_TEST(a_pool_is_told_with_who_works_and_who_waits) {
  uvchan_pool_options_t options;
  uvchan_pool_t* pool;
  job_t jobs[3];
  int i;
  memset(&options, 0, sizeof(options));
  memset(jobs, 0, sizeof(jobs));
  options.threads = 1;
  options.capacity = 4;
  options.name = "kitchen";
  must(uvchan_pool_create(&pool, &options) == 0);
  for (i = 0; i < 3; i++) {
    must(uvchan_pool_try_submit(&scene.loop, &jobs[i].work, pool, work_on, on_done) == 0);
    support_await(i > 0 || atomic_load(&jobs[0].has_begun));
  }
  ck_assert(has(told(&scene.loop, UVCHAN_TEXT), " \"kitchen\" at 0x%llx: 2 of 4 wait, the first ",
                (unsigned long long)(uintptr_t)pool));
  ck_assert(has(written.text, " ms, peak 2, 1 of 1 threads at work (at most 1), open, "));
  ck_assert(has(written.text, ", at 0x%llx, for ", (unsigned long long)(uintptr_t)&jobs[0].work));
  ck_assert(has(written.text, "  has works pending: loop 0x%llx, 0 of them finished\n",
                (unsigned long long)(uintptr_t)&scene.loop));
  check_json(told(NULL, UVCHAN_JSON));
  ck_assert(has(written.text, "\"name\":\"kitchen\""));
  ck_assert(has(written.text, "\"submitted\":3,\"done\":0,"));
  metrics();
  ck_assert(has(written.text,
                "uvchan_pool_waiting{name=\"kitchen\",id=\"%u\",where=\"inside\"} 2\n",
                (unsigned int)strtoul(strstr(written.text, ",id=\"") + 5, NULL, 10)));
  for (i = 0; i < 3; i++) atomic_store(&jobs[i].may_end, 1);
  scene_run();
  ck_assert(has(told(NULL, UVCHAN_TEXT), "  submitted 3, done 3, cancelled 0,"));
  ck_assert_ptr_null(strstr(written.text, "  works: "));
  ck_assert_str_eq(told(&scene.loop, UVCHAN_TEXT), "");
  uvchan_pool_release(pool);
  ck_assert_str_eq(told(NULL, UVCHAN_TEXT), "");
  scene_finish();
}
END_TEST

static void on_given_up(uvchan_work_t* work, int status) {
  (void)work;
  must(status == UV_ECANCELED);
}

static void check_pool_metrics(uvchan_pool_t* pool) {
  uvchan_pool_stats_t stats;
  unsigned int i;
  metrics();
  uvchan_pool_stats(pool, &stats);
  {
    const struct {
      const char* name;
      const char* label;
      uint64_t value;
    } figures[] = {{"submitted_total", "", stats.submitted},
                   {"refused_total", "", stats.refused},
                   {"finished_total", ",outcome=\"done\"", stats.done},
                   {"finished_total", ",outcome=\"cancelled\"", stats.cancelled},
                   {"finished_total", ",outcome=\"expired\"", stats.expired},
                   {"finished_total", ",outcome=\"shed\"", stats.shed},
                   {"finished_total", ",outcome=\"closed\"", stats.closed},
                   {"waiting", ",where=\"inside\"", stats.waiting},
                   {"waiting", ",where=\"outside\"", stats.waiting_outside},
                   {"waiting_urgent", "", stats.waiting_urgent},
                   {"running", "", stats.running},
                   {"peak", "", stats.peak},
                   {"capacity", "", stats.capacity},
                   {"threads", "", stats.threads}};
    for (i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
      const char* at = strstr(written.text, "name=\"kitchen\",id=\"");
      must(at != NULL);
      ck_assert(has(written.text, "uvchan_pool_%s{name=\"kitchen\",id=\"%lu\"%s} %llu\n",
                    figures[i].name, strtoul(at + strlen("name=\"kitchen\",id=\""), NULL, 10),
                    figures[i].label, (unsigned long long)figures[i].value));
    }
  }
}

START_TEST(each_metric_of_a_pool_is_the_figure_of_its_name) {
  uvchan_pool_options_t options;
  uvchan_pool_t* pool;
  job_t jobs[9];
  int i;
  memset(&options, 0, sizeof(options));
  memset(jobs, 0, sizeof(jobs));
  options.threads = 1;
  options.capacity = 4;
  options.name = "kitchen";
  must(uvchan_pool_create(&pool, &options) == 0);
  for (i = 0; i < 8; i++) { /* one runs, four wait inside, three outside; one of them is given up */
    must(uvchan_pool_submit(&scene.loop, &jobs[i].work, pool, work_on,
                            i == 7 ? on_given_up : on_done) == 0);
    support_await(i > 0 || atomic_load(&jobs[0].has_begun));
  }
  must(uvchan_cancel((uvchan_req_t*)&jobs[7].work) == 0);
  must(uvchan_pool_try_submit(&scene.loop, &jobs[8].work, pool, work_on, on_done) == UV_EAGAIN);
  check_pool_metrics(pool);
  for (i = 0; i < 8; i++) atomic_store(&jobs[i].may_end, 1);
  scene_run();
  uvchan_pool_release(pool);
}
END_TEST

/* ---- OpenMetrics ----------------------------------------------------------------------------- */

START_TEST(metrics_are_told_of_what_has_a_name) {
  uvchan_t* ch = named("orders", 8, 16);
  uvchan_t* unbounded = named("log", 8, UVCHAN_UNBOUNDED);
  uvchan_t* unnamed = support_channel(8, 4);
  uint64_t value = 7;
  unsigned int id = id_of(ch);
  must(uvchan_try_send(ch, &value) == 0 && uvchan_try_send(ch, &value) == 0);
  must(uvchan_try_recv(ch, &value) == 0 && uvchan_close(unbounded) == 0);
  ck_assert(has(metrics(),
                "# TYPE uvchan_channel_sent counter\n# HELP uvchan_channel_sent Values sent.\n"
                "uvchan_channel_sent_total{name=\"orders\",id=\"%u\"} 2\n"
                "uvchan_channel_sent_total{name=\"log\",id=\"%u\"} 0\n"
                "# TYPE uvchan_channel_received counter\n",
                id, id_of(unbounded)));
  ck_assert(has(written.text, "uvchan_channel_length{name=\"orders\",id=\"%u\"} 1\n", id));
  ck_assert(has(written.text, "uvchan_channel_capacity{name=\"orders\",id=\"%u\"} 16\n", id));
  ck_assert(has(written.text, "uvchan_channel_capacity{name=\"log\",id=\"%u\"} +Inf\n",
                id_of(unbounded)));
  ck_assert(
      has(written.text, "uvchan_channel_closed{name=\"log\",id=\"%u\"} 1\n", id_of(unbounded)));
  ck_assert(has(written.text, "side=\"send\"} 0\n"));
  ck_assert(has(written.text, "# UNIT uvchan_pool_wait_seconds seconds\n"));
  ck_assert_str_eq(written.text + written.n - 6, "# EOF\n");
  ck_assert_ptr_null(strstr(written.text, "name=\"\""));
  uvchan_release(ch);
  uvchan_release(unbounded);
  uvchan_release(unnamed);
}
END_TEST

START_TEST(each_metric_is_the_figure_of_its_name) {
  uvchan_options_t options;
  uvchan_stats_t stats;
  uvchan_t* ch;
  uint64_t value = 7;
  unsigned int i;
  memset(&options, 0, sizeof(options));
  options.elem_size = sizeof(value);
  options.capacity = 3;
  options.overflow = UVCHAN_DROP_OLDEST;
  options.max_age = 10000000;
  options.name = "figures";
  must(uvchan_create_ex(&ch, &options) == 0);
  for (i = 0; i < 10; i++) { /* of each five two find no room, and what is left grows old */
    if (i == 5) uv_sleep(30);
    must(uvchan_try_send(ch, &value) == 0);
  }
  uvchan_try_recv(ch, &value);
  metrics();
  uvchan_stats(ch, &stats);
  must(stats.sent == 10 && stats.expired > 0);
  {
    const struct {
      const char* name;
      uint64_t value;
    } figures[] = {{"sent_total", stats.sent},
                   {"received_total", stats.received},
                   {"dropped_total", stats.dropped},
                   {"expired_total", stats.expired},
                   {"shed_total", stats.shed},
                   {"wakeups_total", stats.wakeups},
                   {"length", stats.len},
                   {"peak", stats.peak},
                   {"capacity", stats.capacity}};
    for (i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
      ck_assert(has(written.text, "uvchan_channel_%s{name=\"figures\",id=\"%u\"} %llu\n",
                    figures[i].name, id_of(ch), (unsigned long long)figures[i].value));
    }
  }
  uvchan_release(ch);
}
END_TEST

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
  tcase_add_test(tcase, metrics_are_told_of_what_has_a_name);
  tcase_add_test(tcase, each_metric_is_the_figure_of_its_name);
  tcase_add_loop_test(tcase, a_channel_whose_lock_is_held_is_told_as_busy, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, where_the_list_of_all_is_held_the_answer_is_busy);
  tcase_add_test(tcase, a_stream_gets_the_text);
  tcase_add_test(tcase, a_callback_that_fails_ends_it);
  tcase_add_test(tcase, a_callback_may_make_and_free_channels_and_ask_again);
  tcase_add_loop_test(tcase, it_may_be_asked_while_others_send_and_receive_and_make_and_free, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(on_loop, those_on_a_loop_are_told_with_it, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(on_loop, a_receiver_in_its_callback_is_in_its_turn);
  tcase_add_test(on_loop, a_loop_is_told_what_it_has_to_do_with);
  tcase_add_test(on_loop, of_many_who_wait_the_first_are_told_and_the_others_counted);
  tcase_add_test(on_loop, a_pool_is_told_with_who_works_and_who_waits);
  tcase_add_test(on_loop, each_metric_of_a_pool_is_the_figure_of_its_name);
#if CAN_FORK
  tcase_add_test(tcase, a_child_finds_the_list_of_all_whole);
  tcase_add_test(tcase, a_fork_within_the_callback_leaves_both_walks_whole);
#endif
  return support_main(suite);
}
