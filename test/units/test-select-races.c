/* SPDX-License-Identifier: MIT */
/* Selects against each other: the chance of each case, exactly once over many channels, and no two
 * selects that block each other.
 *
 * Chances are judged with a fixed number of draws and a margin of seven standard deviations: a fair
 * choice leaves it less than once in 10^9 runs. */
#include <string.h>

#include "support.h"

#define NCASES 4

static uvchan_case_t recv_case(uvchan_t* ch, uint64_t* value) {
  return (uvchan_case_t){ch, UVCHAN_RECV, value, 1, NULL};
}

static uvchan_case_t send_case(uvchan_t* ch, uint64_t* value) {
  return (uvchan_case_t){ch, UVCHAN_SEND, value, 1, NULL};
}

/* Each of n cases was chosen about as often: the variance of one count is draws * (1/n) * (1 -
 * 1/n). */
static void check_even(const unsigned int* chosen, unsigned int n, unsigned int draws) {
  unsigned int mean = draws / n, i;
  uint64_t variance = (uint64_t)draws * (n - 1) / n / n;
  for (i = 0; i < n; i++) {
    uint64_t off = chosen[i] > mean ? chosen[i] - mean : mean - chosen[i];
    ck_assert_msg(off * off <= 49 * variance, "case %u was chosen %u times of %u", i, chosen[i],
                  draws);
  }
}

/* ---- Chances --------------------------------------------------------------------------------- */

/* All cases on channels of their own, all on one channel, or three on one and one on another: each
 * case counts, not each channel. */
static void open_channels(uvchan_t** channels, int shape, size_t capacity) {
  size_t i;
  for (i = 0; i < NCASES; i++) {
    int shared = shape == 1 ? i > 0 : shape == 2 ? i == 1 || i == 2 : 0;
    channels[i] = shared ? uvchan_retain(channels[0]) : support_channel(8, capacity);
  }
}

static void release_channels(uvchan_t** channels) {
  size_t i;
  for (i = 0; i < NCASES; i++) uvchan_release(channels[i]);
}

START_TEST(of_several_ready_cases_each_has_the_same_chance) {
  int shape = _i % 3, form = _i / 3;
  unsigned int draws = (unsigned int)support_count(20000), draw, chosen[NCASES] = {0};
  uvchan_t* channels[NCASES];
  uvchan_case_t cases[NCASES];
  uint64_t value = 1;
  size_t i;
  open_channels(channels, shape, 1);
  for (i = 0; i < NCASES; i++) {
    cases[i] = recv_case(channels[i], &value);
    uvchan_try_send(channels[i], &value);
  }
  for (draw = 0; draw < draws; draw++) {
    int r = form == 0 ? uvchan_try_select(cases, NCASES) : uvchan_select_wait(cases, NCASES);
    must(r >= 0 && cases[r].status == 0);
    chosen[r]++;
    must(uvchan_try_send(channels[r], &value) == 0);
  }
  check_even(chosen, NCASES, draws);
  release_channels(channels);
}
END_TEST

START_TEST(of_a_ready_send_and_ready_receives_each_has_the_same_chance) {
  unsigned int draws = (unsigned int)support_count(20000), draw, chosen[NCASES] = {0};
  uvchan_t* ch = support_channel(8, 4);
  uint64_t value = 1, in = 1;
  uvchan_case_t cases[NCASES];
  cases[0] = recv_case(ch, &value);
  cases[1] = send_case(ch, &in);
  cases[2] = send_case(ch, &in);
  cases[3] = recv_case(ch, &value);
  for (draw = 0; draw < draws; draw++) {
    int r;
    while (uvchan_len(ch) > 2) must(uvchan_try_recv(ch, &value) == 0);
    while (uvchan_len(ch) < 2) must(uvchan_try_send(ch, &value) == 0);
    r = uvchan_try_select(cases, NCASES);
    must(r >= 0 && cases[r].status == 0);
    chosen[r]++;
  }
  check_even(chosen, NCASES, draws);
  uvchan_release(ch);
}
END_TEST

START_TEST(of_the_cases_of_a_closed_channel_each_has_the_same_chance) {
  unsigned int draws = (unsigned int)support_count(20000), draw, chosen[NCASES] = {0};
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  uint64_t value = 1;
  uvchan_case_t cases[NCASES];
  cases[0] = recv_case(ch, &value);
  cases[1] = send_case(ch, &value);
  cases[2] = recv_case(ch, &value);
  cases[3] = send_case(ch, &value);
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (draw = 0; draw < draws; draw++) {
    int r = uvchan_try_select(cases, NCASES);
    must(r >= 0 && cases[r].status == (r % 2 == 0 ? UV_EOF : UV_EPIPE));
    chosen[r]++;
  }
  check_even(chosen, NCASES, draws);
  uvchan_release(ch);
}
END_TEST

typedef struct {
  uvchan_t* ch;
  uvchan_t* done;
  unsigned int draws;
  unsigned int chosen[NCASES];
  int sends;
} parked_t;

static void select_again_and_again(void* arg) {
  parked_t* parked = arg;
  uvchan_case_t cases[NCASES];
  uint64_t value = 1;
  unsigned int draw;
  size_t i;
  for (i = 0; i < NCASES; i++)
    cases[i] = parked->sends ? send_case(parked->ch, &value) : recv_case(parked->ch, &value);
  for (draw = 0; draw < parked->draws; draw++) {
    int r = uvchan_select_wait(cases, NCASES);
    must(r >= 0 && cases[r].status == 0);
    parked->chosen[r]++;
  }
}

static size_t waiting(const uvchan_t* ch) {
  uvchan_stats_t stats;
  uvchan_stats(ch, &stats);
  return stats.waiting_senders + stats.waiting_receivers;
}

START_TEST(of_the_cases_of_a_select_that_waited_each_has_the_same_chance) {
  parked_t parked = {.ch = support_channel(8, (size_t)_i / 2),
                     .draws = (unsigned int)support_count(3000),
                     .sends = _i % 2};
  uint64_t value = 1;
  uv_thread_t thread;
  unsigned int draw;
  if (parked.sends && _i / 2 == 1) ck_assert_int_eq(uvchan_try_send(parked.ch, &value), 0);
  support_start(&thread, select_again_and_again, &parked);
  for (draw = 0; draw < parked.draws; draw++) {
    support_await(waiting(parked.ch) > 0);
    if (parked.sends) must(uvchan_try_recv(parked.ch, &value) == 0);
    if (!parked.sends) must(uvchan_try_send(parked.ch, &value) == 0);
  }
  support_join(&thread);
  check_even(parked.chosen, NCASES, parked.draws);
  uvchan_release(parked.ch);
}
END_TEST

static void select_until_closed(void* arg) {
  parked_t* parked = arg;
  uvchan_t* ch;
  while (uvchan_recv_wait(parked->ch, &ch) == 0) {
    uvchan_case_t cases[NCASES];
    uint64_t value = 1;
    int r;
    cases[0] = recv_case(ch, &value);
    cases[1] = send_case(ch, &value);
    cases[2] = send_case(ch, &value);
    cases[3] = recv_case(ch, &value);
    r = uvchan_select_wait(cases, NCASES);
    must(r >= 0 && cases[r].status == (r == 0 || r == 3 ? UV_EOF : UV_EPIPE));
    parked->chosen[r]++;
    uvchan_release(ch);
  }
}

/* A close makes all cases of a channel ready at once, its sends and its receives. */
START_TEST(of_the_cases_that_a_close_makes_ready_each_has_the_same_chance) {
  parked_t parked = {.ch = support_channel(sizeof(uvchan_t*), 1),
                     .draws = (unsigned int)support_count(3000)};
  uv_thread_t thread;
  unsigned int draw;
  support_start(&thread, select_until_closed, &parked);
  for (draw = 0; draw < parked.draws; draw++) {
    uvchan_t* ch = support_channel(8, 0);
    uvchan_retain(ch);
    must(uvchan_send_wait(parked.ch, &ch) == 0);
    support_await(waiting(ch) > 0);
    must(uvchan_close(ch) == 0);
    uvchan_release(ch);
  }
  uvchan_close(parked.ch);
  support_join(&thread);
  check_even(parked.chosen, NCASES, parked.draws);
  uvchan_release(parked.ch);
}
END_TEST

/* ---- Exactly once over many channels --------------------------------------------------------- */

#define NCHANNELS 4
#define NTHREADS 4

typedef struct {
  uvchan_t* channels[NCHANNELS];
  size_t self;
  int sends;
  int n;
  uint64_t sum;
  uint32_t seed;
} player_t;

/* Each thread has the channels in an order of its own: who took locks one by one in that order
 * would stand still soon. */
static void play(void* arg) {
  player_t* player = arg;
  int i;
  for (i = 0; i < player->n; i++) {
    uint64_t in = (uint64_t)player->self << 32 | (uint64_t)i, out = 0;
    uvchan_case_t cases[NCHANNELS];
    size_t k, first = support_random(&player->seed) % NCHANNELS;
    int r;
    for (k = 0; k < NCHANNELS; k++) {
      uvchan_t* ch = player->channels[(first + k) % NCHANNELS];
      cases[k] = player->sends ? send_case(ch, &in) : recv_case(ch, &out);
    }
    r = uvchan_select_wait(cases, NCHANNELS);
    must(r >= 0 && cases[r].status == 0);
    player->sum += player->sends ? in : out;
  }
}

START_TEST(selects_that_send_and_selects_that_receive_lose_nothing) {
  size_t capacity = support_capacities[_i], k;
  uvchan_t* channels[NCHANNELS];
  player_t players[2 * NTHREADS];
  uv_thread_t threads[2 * NTHREADS];
  uint64_t sent = 0, received = 0, counted = 0;
  size_t i;
  for (k = 0; k < NCHANNELS; k++) channels[k] = support_channel(8, k == 0 ? 0 : capacity);
  for (i = 0; i < 2 * NTHREADS; i++) {
    players[i] = (player_t){
        .self = i, .sends = i < NTHREADS, .n = support_count(2000), .seed = (uint32_t)i + 1};
    memcpy(players[i].channels, channels, sizeof(channels));
    support_start(&threads[i], play, &players[i]);
  }
  for (i = 0; i < 2 * NTHREADS; i++) support_join(&threads[i]);
  for (i = 0; i < NTHREADS; i++) sent += players[i].sum;
  for (i = NTHREADS; i < 2 * NTHREADS; i++) received += players[i].sum;
  ck_assert_uint_eq(sent, received);
  for (k = 0; k < NCHANNELS; k++) {
    counted += support_at_rest(channels[k]).received;
    ck_assert_uint_eq(uvchan_len(channels[k]), 0);
    ck_assert_uint_eq(waiting(channels[k]), 0);
    uvchan_release(channels[k]);
  }
  ck_assert_uint_eq(counted, NTHREADS * (uint64_t)players[0].n);
}
END_TEST

/* Two unbuffered channels, two selects, each with both: one sends to a or receives from b, the
 * other the reverse. */
typedef struct {
  uvchan_t* there;
  uvchan_t* back;
  int n;
  int sent;
  int received;
} side_t;

static void cross(void* arg) {
  side_t* side = arg;
  int i;
  for (i = 0; i < side->n; i++) {
    uint64_t in = 1, out = 0;
    uvchan_case_t cases[2];
    int r;
    cases[0] = send_case(side->there, &in);
    cases[1] = recv_case(side->back, &out);
    r = uvchan_select_wait(cases, 2);
    must(r >= 0 && cases[r].status == 0);
    if (r == 0) side->sent++;
    if (r == 1) side->received++;
  }
}

START_TEST(two_selects_that_could_wait_for_each_other_do_not) {
  uvchan_t* a = support_channel(8, 0);
  uvchan_t* b = support_channel(8, 0);
  side_t left = {a, b, support_count(5000), 0, 0}, right = {b, a, support_count(5000), 0, 0};
  uv_thread_t threads[2];
  support_start(&threads[0], cross, &left);
  support_start(&threads[1], cross, &right);
  support_join(&threads[0]);
  support_join(&threads[1]);
  ck_assert_int_eq(left.sent, right.received);
  ck_assert_int_eq(right.sent, left.received);
  uvchan_release(a);
  uvchan_release(b);
}
END_TEST

/* ---- A select that runs out of time while it is chosen --------------------------------------- */

typedef struct {
  uvchan_t* channels[2];
  atomic_int stop;
  uint64_t received;
} hasty_t;

static void select_in_haste(void* arg) {
  hasty_t* hasty = arg;
  uvchan_case_t cases[2];
  uint64_t value;
  cases[0] = recv_case(hasty->channels[0], &value);
  cases[1] = recv_case(hasty->channels[1], &value);
  for (;;) {
    int stop = atomic_load(&hasty->stop);
    int r = uvchan_select_timedwait(cases, 2, 5000);
    must(r >= 0 || r == UV_ETIMEDOUT);
    if (r >= 0) hasty->received++;
    if (r == UV_ETIMEDOUT && stop) return;
  }
}

START_TEST(a_select_that_times_out_took_nothing) {
  hasty_t hasty = {.channels = {support_channel(8, 0), support_channel(8, 0)}};
  uint64_t value = 1, sent = 0;
  uint32_t seed = 99;
  int i, tries = support_count(5000);
  uv_thread_t thread;
  support_start(&thread, select_in_haste, &hasty);
  for (i = 0; i < tries; i++) {
    int r = uvchan_try_send(hasty.channels[i % 2], &value);
    must(r == 0 || r == UV_EAGAIN);
    if (r == 0) sent++;
    support_spin(support_random(&seed) % 100000);
  }
  atomic_store(&hasty.stop, 1);
  support_join(&thread);
  ck_assert_uint_eq(hasty.received, sent);
  ck_assert_uint_eq(
      support_at_rest(hasty.channels[0]).sent + support_at_rest(hasty.channels[1]).sent, sent);
  uvchan_release(hasty.channels[0]);
  uvchan_release(hasty.channels[1]);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("select-races");
  TCase* tcase = support_tcase(suite, "chances");
  tcase_add_loop_test(tcase, of_several_ready_cases_each_has_the_same_chance, 0, 6);
  tcase_add_test(tcase, of_a_ready_send_and_ready_receives_each_has_the_same_chance);
  tcase_add_loop_test(tcase, of_the_cases_of_a_closed_channel_each_has_the_same_chance, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, of_the_cases_of_a_select_that_waited_each_has_the_same_chance, 0, 4);
  tcase_add_test(tcase, of_the_cases_that_a_close_makes_ready_each_has_the_same_chance);
  tcase = support_tcase(suite, "races");
  tcase_add_loop_test(tcase, selects_that_send_and_selects_that_receive_lose_nothing, 0,
                      SUPPORT_NCAPACITIES);
  tcase_add_test(tcase, two_selects_that_could_wait_for_each_other_do_not);
  tcase_add_test(tcase, a_select_that_times_out_took_nothing);
  return support_main(suite);
}
