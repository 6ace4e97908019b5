/* SPDX-License-Identifier: MIT */
/* Programs that people write in Go, with threads for goroutines: each says something about how
 * channels work together. */
#include <stdlib.h>
#include <string.h>

#include "support.h"

static uvchan_case_t recv_case(uvchan_t* ch, uint64_t* value) {
  return (uvchan_case_t){ch, UVCHAN_RECV, value, 1, NULL};
}

static uvchan_case_t send_case(uvchan_t* ch, uint64_t* value) {
  return (uvchan_case_t){ch, UVCHAN_SEND, value, 1, NULL};
}

static uint64_t take(uvchan_t* ch) {
  uint64_t value = 0;
  must(uvchan_recv_wait(ch, &value) == 0);
  return value;
}

/* ---- Generator, range until close ------------------------------------------------------------ */

static void generate_until_quit(void* arg) {
  uvchan_t* ch = arg;
  uint64_t value = 2;
  while (uvchan_send_wait(ch, &value) == 0) value++;
}

typedef struct {
  uvchan_t* in;
  uvchan_t* out;
  uint64_t prime;
} filter_t;

static void pass_what_is_not_divisible(void* arg) {
  filter_t* filter = arg;
  uint64_t value;
  while (uvchan_recv_wait(filter->in, &value) == 0) {
    if (value % filter->prime == 0) continue;
    if (uvchan_send_wait(filter->out, &value) != 0) break;
  }
  uvchan_close(filter->in); /* whoever sends to it may stop too */
}

#define NPRIMES 25

START_TEST(the_sieve_of_a_chain_of_filters_finds_primes) {
  static const uint64_t primes[NPRIMES] = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29, 31, 37, 41,
                                           43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97};
  uvchan_t* channels[NPRIMES + 1];
  filter_t filters[NPRIMES];
  uv_thread_t threads[NPRIMES + 1];
  int i;
  channels[0] = support_channel(8, support_capacities[_i]);
  support_start(&threads[0], generate_until_quit, channels[0]);
  for (i = 0; i < NPRIMES; i++) {
    ck_assert_uint_eq(take(channels[i]), primes[i]);
    channels[i + 1] = support_channel(8, support_capacities[_i]);
    filters[i] = (filter_t){channels[i], channels[i + 1], primes[i]};
    support_start(&threads[i + 1], pass_what_is_not_divisible, &filters[i]);
  }
  /* the last filter cannot send, and the chain ends from behind */
  ck_assert_int_eq(uvchan_close(channels[NPRIMES]), 0);
  for (i = 0; i <= NPRIMES; i++) support_join(&threads[i]);
  for (i = 0; i <= NPRIMES; i++) uvchan_release(channels[i]);
}
END_TEST

/* ---- A long chain ---------------------------------------------------------------------------- */

#define NLINKS 60

static void add_one(void* arg) {
  filter_t* link = arg;
  uint64_t value = take(link->in) + 1;
  must(uvchan_send_wait(link->out, &value) == 0);
}

START_TEST(a_value_goes_through_a_chain_of_threads) {
  uvchan_t* channels[NLINKS + 1];
  filter_t links[NLINKS];
  uv_thread_t threads[NLINKS];
  uint64_t value = 0;
  int i;
  for (i = 0; i <= NLINKS; i++) channels[i] = support_channel(8, support_capacities[_i]);
  for (i = 0; i < NLINKS; i++) {
    links[i] = (filter_t){channels[i], channels[i + 1], 0};
    support_start(&threads[i], add_one, &links[i]);
  }
  ck_assert_int_eq(uvchan_send_wait(channels[0], &value), 0);
  ck_assert_uint_eq(take(channels[NLINKS]), NLINKS);
  for (i = 0; i < NLINKS; i++) support_join(&threads[i]);
  for (i = 0; i <= NLINKS; i++) uvchan_release(channels[i]);
}
END_TEST

/* ---- Fan-in, fan-out ------------------------------------------------------------------------- */

#define NINPUTS 4

typedef struct {
  uvchan_t* ch;
  uint64_t self;
  uint64_t n;
  atomic_int* counts; /* of each value, over all */
} input_t;

static void send_some_and_close(void* arg) {
  input_t* input = arg;
  uint64_t i;
  for (i = 0; i < input->n; i++) {
    uint64_t value = input->self * input->n + i;
    must(uvchan_send_wait(input->ch, &value) == 0);
  }
  must(uvchan_close(input->ch) == 0);
}

/* The idiom: a channel that has ended is set to NULL, and never ready again; the loop ends when all
 * are. */
START_TEST(a_select_drains_several_inputs_until_each_has_ended) {
  uvchan_t* channels[NINPUTS];
  uvchan_case_t cases[NINPUTS];
  input_t inputs[NINPUTS];
  uv_thread_t threads[NINPUTS];
  uint64_t n = (uint64_t)support_count(2000), next[NINPUTS] = {0}, value = 0;
  size_t i, open = NINPUTS;
  for (i = 0; i < NINPUTS; i++) {
    channels[i] = support_channel(8, support_capacities[_i]);
    inputs[i] = (input_t){channels[i], i, n, NULL};
    cases[i] = recv_case(channels[i], &value);
    support_start(&threads[i], send_some_and_close, &inputs[i]);
  }
  while (open > 0) {
    int r = uvchan_select_wait(cases, NINPUTS);
    must(r >= 0 && (cases[r].status == 0 || cases[r].status == UV_EOF));
    if (cases[r].status == UV_EOF) {
      must(cases[r].ch != NULL);
      cases[r].ch = NULL;
      open--;
      continue;
    }
    must(value == (uint64_t)r * n + next[r]++);
  }
  for (i = 0; i < NINPUTS; i++) ck_assert_uint_eq(next[i], n);
  for (i = 0; i < NINPUTS; i++) support_join(&threads[i]);
  for (i = 0; i < NINPUTS; i++) uvchan_release(channels[i]);
}
END_TEST

/* ---- One value in many send cases ------------------------------------------------------------ */

typedef struct {
  uvchan_t* ways[4];
  uvchan_t* joined;
  uint64_t n;
} fork_t;

static void send_each_once_by_any_way(void* arg) {
  fork_t* f = arg;
  uint64_t value;
  int i;
  for (value = 0; value < f->n; value++) {
    uvchan_case_t cases[4];
    for (i = 0; i < 4; i++) cases[i] = send_case(f->ways[i], &value);
    i = uvchan_select_wait(cases, 4);
    must(i >= 0 && cases[i].status == 0);
  }
  for (i = 0; i < 4; i++) must(uvchan_close(f->ways[i]) == 0);
}

static void forward(void* arg) {
  filter_t* filter = arg;
  uint64_t value;
  while (uvchan_recv_wait(filter->in, &value) == 0)
    must(uvchan_send_wait(filter->out, &value) == 0);
  must(uvchan_sender_done(filter->out) == 0);
}

START_TEST(a_select_that_offers_a_value_to_four_gives_it_to_one) {
  fork_t f = {.n = (uint64_t)support_count(5000)};
  unsigned char* seen = calloc(1, (size_t)f.n);
  filter_t filters[4];
  uv_thread_t threads[5];
  uint64_t value, received = 0;
  int i;
  f.joined = support_channel(8, support_capacities[_i]);
  ck_assert_int_eq(uvchan_sender_add(f.joined, 4), 0);
  for (i = 0; i < 4; i++) f.ways[i] = support_channel(8, support_capacities[_i]);
  support_start(&threads[4], send_each_once_by_any_way, &f);
  for (i = 0; i < 4; i++) {
    filters[i] = (filter_t){f.ways[i], f.joined, 0};
    support_start(&threads[i], forward, &filters[i]);
  }
  while (uvchan_recv_wait(f.joined, &value) == 0) {
    must(value < f.n && seen[value]++ == 0);
    received++;
  }
  ck_assert_uint_eq(received, f.n);
  for (i = 0; i < 5; i++) support_join(&threads[i]);
  for (i = 0; i < 4; i++) uvchan_release(f.ways[i]);
  uvchan_release(f.joined);
  free(seen);
}
END_TEST

/* ---- Quit channels --------------------------------------------------------------------------- */

typedef struct {
  uvchan_t* jobs;
  uvchan_t* quit;
  uint64_t done;
} worker_t;

static void work_until_quit(void* arg) {
  worker_t* worker = arg;
  for (;;) {
    uint64_t job = 0;
    uvchan_case_t cases[2];
    int r;
    cases[0] = recv_case(worker->jobs, &job);
    cases[1] = recv_case(worker->quit, NULL);
    r = uvchan_select_wait(cases, 2);
    must(r >= 0);
    if (r == 1) {
      must(cases[1].status == UV_EOF);
      return;
    }
    must(cases[0].status == 0);
    worker->done++;
  }
}

START_TEST(closing_a_quit_channel_ends_every_worker) {
  uvchan_t* jobs = support_channel(8, 0); /* a job is taken when its send returns */
  uvchan_t* quit = support_channel(0, 0);
  worker_t workers[5];
  uv_thread_t threads[5];
  uint64_t job, n = (uint64_t)support_count(1000), done = 0;
  int i;
  for (i = 0; i < 5; i++) {
    workers[i] = (worker_t){jobs, quit, 0};
    support_start(&threads[i], work_until_quit, &workers[i]);
  }
  for (job = 0; job < n; job++) must(uvchan_send_wait(jobs, &job) == 0);
  ck_assert_int_eq(uvchan_close(quit), 0);
  for (i = 0; i < 5; i++) support_join(&threads[i]);
  for (i = 0; i < 5; i++) done += workers[i].done;
  ck_assert_uint_eq(done, n);
  ck_assert_int_eq(uvchan_try_send(jobs, &job), UV_EAGAIN); /* nobody is there any more */
  uvchan_release(jobs);
  uvchan_release(quit);
}
END_TEST

/* ---- Many consumers -------------------------------------------------------------------------- */

static void count_values(void* arg) {
  input_t* consumer = arg;
  uint64_t value;
  while (uvchan_recv_wait(consumer->ch, &value) == 0) {
    must(value < consumer->n);
    must(atomic_fetch_add_explicit(&consumer->counts[value], 1, memory_order_relaxed) == 0);
  }
}

START_TEST(twenty_three_consumers_share_one_producers_values) {
  uint64_t n = (uint64_t)support_count(20000), value;
  atomic_int* counts = calloc((size_t)n, sizeof(*counts));
  input_t consumer = {support_channel(8, _i == 0 ? 20 : support_capacities[_i]), 0, n, counts};
  uv_thread_t threads[23];
  int i;
  for (i = 0; i < 23; i++) support_start(&threads[i], count_values, &consumer);
  for (value = 0; value < n; value++) must(uvchan_send_wait(consumer.ch, &value) == 0);
  ck_assert_int_eq(uvchan_close(consumer.ch), 0);
  for (i = 0; i < 23; i++) support_join(&threads[i]);
  for (value = 0; value < n; value++) ck_assert_int_eq(atomic_load(&counts[value]), 1);
  uvchan_release(consumer.ch);
  free(counts);
}
END_TEST

/* ---- Channels in channels -------------------------------------------------------------------- */

static void answer_requests(void* arg) {
  uvchan_t* requests = arg;
  uvchan_t* reply;
  uint64_t number = 0;
  while (uvchan_recv_wait(requests, &reply) == 0) {
    number++;
    must(uvchan_send_wait(reply, &number) == 0);
    uvchan_release(reply);
  }
}

static void release_reply(void* value, uvchan_drop_reason_t reason, void* arg) {
  uvchan_t* reply;
  (void)reason;
  (void)arg;
  memcpy(&reply, value, sizeof(reply));
  uvchan_close(reply);
  uvchan_release(reply);
}

START_TEST(requests_carry_the_channel_for_their_answer) {
  uvchan_options_t options;
  uvchan_t* requests = NULL;
  uvchan_t* reply;
  uint64_t number, i;
  uv_thread_t thread;
  memset(&options, 0, sizeof(options));
  options.elem_size = sizeof(reply);
  options.capacity = support_capacities[_i];
  options.drop_cb = release_reply;
  ck_assert_int_eq(uvchan_create_ex(&requests, &options), 0);
  support_start(&thread, answer_requests, requests);
  for (i = 1; i <= 100; i++) {
    reply = uvchan_retain(support_channel(8, 0));
    must(uvchan_send_wait(requests, &reply) == 0);
    must(take(reply) == i);
    uvchan_release(reply);
  }
  ck_assert_int_eq(uvchan_close(requests), 0);
  support_join(&thread);
  uvchan_release(requests);
  /* A request that nobody takes any more: its sender sees the end of the answers instead of waiting
   * for ever. */
  options.capacity = 1;
  ck_assert_int_eq(uvchan_create_ex(&requests, &options), 0);
  reply = uvchan_retain(support_channel(8, 0));
  ck_assert_int_eq(uvchan_try_send(requests, &reply), 0);
  uvchan_release(requests);
  ck_assert_int_eq(uvchan_recv_wait(reply, &number), UV_EOF);
  uvchan_release(reply);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("go");
  TCase* tcase = support_tcase(suite, "go");
  /* a bound stops the generator */
  tcase_add_loop_test(tcase, the_sieve_of_a_chain_of_filters_finds_primes, 0,
                      SUPPORT_NCAPACITIES - 1);
  tcase_add_loop_test(tcase, a_value_goes_through_a_chain_of_threads, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_select_drains_several_inputs_until_each_has_ended, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, a_select_that_offers_a_value_to_four_gives_it_to_one, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, closing_a_quit_channel_ends_every_worker, 0, 1);
  tcase_add_loop_test(tcase, twenty_three_consumers_share_one_producers_values, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, requests_carry_the_channel_for_their_answer, 0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}
