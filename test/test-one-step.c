/* Operations that are made of several steps, and are one step to everyone else: what others see in the midst of them. */
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

int main(void) {
  Suite* suite = suite_create("one-step");
  TCase* tcase = support_tcase(suite, "one-step");
  tcase_add_loop_test(tcase, a_send_that_drops_the_oldest_never_makes_a_channel_look_emptier, 0, NCAPACITIES * NLOOKS);
  return support_main(suite);
}
