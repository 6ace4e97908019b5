/* SPDX-License-Identifier: MIT */
/* What is told of pools, and each metric: it is the figure of its name. */
#include <stdlib.h>
#include <uvchan/pool.h>

#include "told.h"

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

int main(void) {
  Suite* suite = suite_create("inspect-metrics");
  TCase* tcase = support_tcase(suite, "inspect-metrics");
  TCase* on_loop = scene_tcase(suite, "inspect-metrics-loop");

  tcase_add_test(tcase, metrics_are_told_of_what_has_a_name);
  tcase_add_test(tcase, each_metric_is_the_figure_of_its_name);
  tcase_add_test(on_loop, a_pool_is_told_with_who_works_and_who_waits);
  tcase_add_test(on_loop, each_metric_of_a_pool_is_the_figure_of_its_name);
  return support_main(suite);
}
