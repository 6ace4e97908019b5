/* Operations that are made of several steps, and are one step to everyone else: what others see in the midst of them. */
#include <string.h>

#include "support.h"

static const size_t capacities[] = {1, 2, 3};
#define NCAPACITIES 3

typedef struct {
  uvchan_t* ch;
  atomic_int stopped;
} flood_t;

static void flood(void* arg) {
  flood_t* f = arg;
  uint64_t value;
  for (value = 0; !atomic_load(&f->stopped); value++) must(uvchan_try_send(f->ch, &value) == 0);
}

/* ---- A send that drops the oldest value ----------------------------------------------------------------------------------- */

static int look_by_try(uvchan_t* ch) {
  uint64_t value;
  return uvchan_try_recv(ch, &value) == 0;
}

static int look_by_n(uvchan_t* ch) {
  uint64_t value;
  return uvchan_try_recv_n(ch, &value, 1) == 1;
}

static int look_by_time(uvchan_t* ch) {
  uint64_t value;
  return uvchan_recv_timedwait(ch, &value, 0) == 0;
}

static int look_by_select(uvchan_t* ch) {
  uint64_t value;
  uvchan_case_t c = {ch, UVCHAN_RECV, &value, 0, NULL};
  return uvchan_try_select(&c, 1) == 0;
}

static int look_by_length(uvchan_t* ch) { return uvchan_len(ch) == uvchan_capacity(ch); }

static int (*const looks[])(uvchan_t*) = {look_by_try, look_by_n, look_by_time, look_by_select, look_by_length};
#define NLOOKS 5

/* Who looks lets the channel become full before: so it holds something, or all that it can hold, at each moment of the look. */
START_TEST(a_send_that_drops_the_oldest_never_makes_a_channel_look_emptier) {
  support_drops_t drops;
  flood_t f;
  uv_thread_t thread;
  int n;
  f.ch = support_dropping_channel(&drops, 8, capacities[_i % NCAPACITIES], UVCHAN_DROP_OLDEST);
  atomic_init(&f.stopped, 0);
  support_start(&thread, flood, &f);
  for (n = support_count(5000); n > 0; n--) {
    support_await(uvchan_len(f.ch) == uvchan_capacity(f.ch));
    must(looks[_i / NCAPACITIES](f.ch));
  }
  atomic_store(&f.stopped, 1);
  support_join(&thread);
  uvchan_release(f.ch);
}
END_TEST

/* ---- Abort ---------------------------------------------------------------------------------------------------------------- */

#define NVALUES 16

typedef struct {
  uvchan_t* ch;
  atomic_int ready;
  atomic_uint dropped; /* how many, and the first of them */
  atomic_uint first_dropped;
  unsigned int received;
} aborted_t;

static void on_aborted(void* value, uvchan_drop_reason_t reason, void* arg) {
  aborted_t* a = arg;
  unsigned int number = (unsigned int)*(uint64_t*)value;
  must(reason == UVCHAN_DROPPED_ABORT);
  if (atomic_fetch_add(&a->dropped, 1) == 0) atomic_store(&a->first_dropped, number);
}

static void receive_to_the_end(void* arg) {
  aborted_t* a = arg;
  uint64_t value;
  atomic_fetch_add(&a->ready, 1);
  while (atomic_load(&a->ready) < 2) continue;
  while (uvchan_try_recv(a->ch, &value) == 0) must(value == a->received++);
}

/* Whoever has seen the channel refuse a send finds nothing in it. */
static void send_to_the_end(void* arg) {
  aborted_t* a = arg;
  uint64_t value = NVALUES;
  int r;
  atomic_fetch_add(&a->ready, 1);
  while (atomic_load(&a->ready) < 2) continue;
  while ((r = uvchan_try_send(a->ch, &value)) != UV_EPIPE) must(r == UV_EAGAIN);
  must(uvchan_try_recv(a->ch, &value) == UV_ECONNRESET);
}

static void abort_beside(uv_thread_cb beside, size_t capacity) {
  uvchan_options_t options = {sizeof(uint64_t), capacity, UVCHAN_WAIT, on_aborted, NULL, NULL};
  aborted_t a;
  uv_thread_t thread;
  uint64_t value;
  memset(&a, 0, sizeof(a));
  options.drop_arg = &a;
  must(uvchan_create_ex(&a.ch, &options) == 0);
  for (value = 0; value < NVALUES; value++) must(uvchan_try_send(a.ch, &value) == 0);
  support_start(&thread, beside, &a);
  while (atomic_load(&a.ready) < 1) continue;
  atomic_fetch_add(&a.ready, 1);
  must(uvchan_abort(a.ch, UV_ECONNRESET) == 0);
  support_join(&thread);
  must(a.received + atomic_load(&a.dropped) == NVALUES);
  must(atomic_load(&a.dropped) == 0 || atomic_load(&a.first_dropped) == a.received);
  uvchan_release(a.ch);
}

START_TEST(an_abort_drops_all_values_from_one_on) {
  int n;
  for (n = support_count(3000); n > 0; n--) abort_beside(receive_to_the_end, _i == 0 ? NVALUES : UVCHAN_UNBOUNDED);
}
END_TEST

START_TEST(nothing_is_received_once_an_abort_was_seen) {
  int n;
  for (n = support_count(3000); n > 0; n--) abort_beside(send_to_the_end, NVALUES);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("one-step");
  TCase* tcase = support_tcase(suite, "one-step");
  tcase_add_loop_test(tcase, a_send_that_drops_the_oldest_never_makes_a_channel_look_emptier, 0, NCAPACITIES * NLOOKS);
  tcase_add_loop_test(tcase, an_abort_drops_all_values_from_one_on, 0, 2);
  tcase_add_test(tcase, nothing_is_received_once_an_abort_was_seen);
  return support_main(suite);
}
