/* SPDX-License-Identifier: MIT */
/* Selects over channels whose values differ in size and whose capacities differ in kind: each value
 * comes whole out of the channel that took it. For threads and for a loop's select requests. */
#include <string.h>

#include "support.h"

#define NCHANNELS SUPPORT_NELEM_SIZES
#define NROUNDS 100

typedef struct {
  uvchan_t* channels[NCHANNELS];
  uvchan_case_t cases[NCHANNELS];
  unsigned char values[NCHANNELS][SUPPORT_MOST_BYTES + 1];
} sizes_t;

static void open_sizes(sizes_t* sizes, size_t capacity, int reversed) {
  size_t i;
  for (i = 0; i < NCHANNELS; i++) {
    size_t elem_size = support_elem_sizes[reversed ? NCHANNELS - 1 - i : i];
    sizes->channels[i] = support_channel(elem_size, capacity);
  }
}

static void close_sizes(sizes_t* sizes) {
  size_t i;
  for (i = 0; i < NCHANNELS; i++) uvchan_release(sizes->channels[i]);
}

static void prepare(sizes_t* sizes, uvchan_op_t op, uint64_t number) {
  size_t i;
  for (i = 0; i < NCHANNELS; i++) {
    memset(sizes->values[i], 0xee, sizeof(sizes->values[i]));
    if (op == UVCHAN_SEND)
      support_fill(sizes->values[i], uvchan_elem_size(sizes->channels[i]), number);
    sizes->cases[i] = (uvchan_case_t){sizes->channels[i], op, sizes->values[i], 1, NULL};
  }
}

/* The one value that is in a channel, and no byte behind it. */
static void check_received(sizes_t* sizes, size_t chosen, uint64_t number) {
  size_t elem_size = uvchan_elem_size(sizes->channels[chosen]);
  ck_assert(support_matches(sizes->values[chosen], elem_size, number));
  ck_assert_uint_eq(sizes->values[chosen][elem_size], 0xee);
}

static size_t filled_channel(const sizes_t* sizes) {
  size_t found = NCHANNELS, i;
  for (i = 0; i < NCHANNELS; i++) {
    if (uvchan_len(sizes->channels[i]) == 0) continue;
    ck_assert_uint_eq(uvchan_len(sizes->channels[i]), 1);
    ck_assert_uint_eq(found, NCHANNELS);
    found = i;
  }
  return found;
}

START_TEST(a_thread_sends_and_receives_by_select_over_all_sizes) {
  static sizes_t sizes;
  uint64_t number;
  open_sizes(&sizes, support_capacities[1 + _i / 2], _i % 2);
  for (number = 0; number < NROUNDS; number++) {
    int sent, received;
    prepare(&sizes, UVCHAN_SEND, number);
    sent = uvchan_select_wait(sizes.cases, NCHANNELS);
    ck_assert_int_ge(sent, 0);
    ck_assert_int_eq(sizes.cases[sent].status, 0);
    ck_assert_uint_eq(filled_channel(&sizes), (size_t)sent);
    prepare(&sizes, UVCHAN_RECV, number);
    received = uvchan_select_wait(sizes.cases, NCHANNELS);
    ck_assert_int_eq(received, sent);
    ck_assert_int_eq(sizes.cases[received].status, 0);
    check_received(&sizes, (size_t)received, number);
  }
  close_sizes(&sizes);
}
END_TEST

static void on_select(uvchan_select_t* req, int index) {
  int* chosen = req->data;
  *chosen = index;
}

static int select_on(uv_loop_t* loop, sizes_t* sizes, size_t ncases) {
  uvchan_select_t req;
  int chosen = -1;
  req.data = &chosen;
  ck_assert_int_eq(uvchan_select(loop, &req, sizes->cases, ncases, on_select), 0);
  ck_assert_int_eq(uv_run(loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_ge(chosen, 0);
  ck_assert_int_lt(chosen, (int)ncases);
  return chosen;
}

START_TEST(a_loop_sends_and_receives_by_select_over_all_sizes) {
  static sizes_t sizes;
  uv_loop_t loop;
  uint64_t number;
  support_loop_open(&loop);
  open_sizes(&sizes, support_capacities[1 + _i / 2], _i % 2);
  for (number = 0; number < NROUNDS; number++) {
    int sent, received;
    prepare(&sizes, UVCHAN_SEND, number);
    sent = select_on(&loop, &sizes, NCHANNELS);
    ck_assert_int_eq(sizes.cases[sent].status, 0);
    ck_assert_uint_eq(filled_channel(&sizes), (size_t)sent);
    prepare(&sizes, UVCHAN_RECV, number);
    received = select_on(&loop, &sizes, NCHANNELS);
    ck_assert_int_eq(received, sent);
    ck_assert_int_eq(sizes.cases[received].status, 0);
    check_received(&sizes, (size_t)received, number);
  }
  support_loop_finish(&loop);
  close_sizes(&sizes);
}
END_TEST

/* Each allocation fails once: the call says so and has done nothing, or the request is carried out
 * whole. */
START_TEST(a_loops_select_over_unbounded_channels_at_every_failing_allocation) {
  static sizes_t sizes;
  uv_loop_t loop;
  size_t n, done = 0;
  support_loop_open(&loop);
  open_sizes(&sizes, UVCHAN_UNBOUNDED, _i);
  for (n = 0; done < 5; n++) { /* several times without a failure too, since the choice is random */
    uvchan_select_t req;
    size_t filled;
    int chosen = -1, r;
    ck_assert_uint_lt(n, 1000);
    prepare(&sizes, UVCHAN_SEND, n);
    req.data = &chosen;
    support_fail_at(n, 0);
    r = uvchan_select(&loop, &req, sizes.cases, NCHANNELS, on_select);
    if (support_failures() == 0) done++;
    support_fail_never();
    ck_assert(r == 0 || r == UV_ENOMEM);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    filled = filled_channel(&sizes);
    if (r == UV_ENOMEM) {
      ck_assert_int_eq(chosen, -1);
      ck_assert_uint_eq(filled, NCHANNELS);
      continue;
    }
    ck_assert_int_ge(chosen, 0); /* the call alone answers for memory, never the callback */
    ck_assert_int_eq(sizes.cases[chosen].status, 0);
    ck_assert_uint_eq(filled, (size_t)chosen);
    prepare(&sizes, UVCHAN_RECV, n);
    ck_assert_int_eq(uvchan_try_recv(sizes.channels[filled], sizes.values[filled]), 0);
    check_received(&sizes, filled, n);
  }
  support_loop_finish(&loop);
  close_sizes(&sizes);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("select-sizes");
  TCase* tcase = support_tcase(suite, "select-sizes");
  tcase_add_loop_test(tcase, a_thread_sends_and_receives_by_select_over_all_sizes, 0,
                      2 * (SUPPORT_NCAPACITIES - 1));
  tcase_add_loop_test(tcase, a_loop_sends_and_receives_by_select_over_all_sizes, 0,
                      2 * (SUPPORT_NCAPACITIES - 1));
  tcase_add_loop_test(tcase, a_loops_select_over_unbounded_channels_at_every_failing_allocation, 0,
                      2);
  return support_main(suite);
}
