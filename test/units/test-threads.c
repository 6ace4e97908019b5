/* SPDX-License-Identifier: MIT */
/* Threads share a channel: exactly once, in the order of each sender, over every capacity and every
 * pairing of the ways to send with the ways to receive. Each pairing runs once with an end and once
 * without: a close at the end would wake who was forgotten. */
#include <stdlib.h>

#include "ways.h"

#define MOST_THREADS 8
#define EVERYTHING SIZE_MAX /* a receiver's quota: until the end */

typedef struct {
  uv_thread_t thread;
  uvchan_t* ch;
  way_t way;
  size_t number;
  size_t n;
  size_t sent;
} sender_t;

typedef struct {
  uv_thread_t thread;
  uvchan_t* ch;
  way_t way;
  size_t quota;
  way_log_t log;
} receiver_t;

typedef struct {
  uvchan_t* ch;
  size_t nsenders;
  size_t nreceivers;
  size_t n; /* values of each sender */
  sender_t senders[MOST_THREADS];
  receiver_t receivers[MOST_THREADS];
  unsigned char* seen;
} crowd_t;

static void run_sender(void* arg) {
  sender_t* sender = arg;
  sender->sent = way_send_all(sender->way, sender->ch, sender->number, sender->n);
}

static void run_receiver(void* arg) {
  receiver_t* receiver = arg;
  way_recv_all(receiver->way, receiver->ch, receiver->quota, &receiver->log);
}

static void crowd_open(crowd_t* crowd, size_t elem_size, size_t capacity, size_t nsenders,
                       size_t nreceivers, size_t n) {
  size_t i;
  memset(crowd, 0, sizeof(*crowd));
  crowd->ch = support_channel(elem_size, capacity);
  crowd->nsenders = nsenders;
  crowd->nreceivers = nreceivers;
  crowd->n = n;
  crowd->seen = calloc(nsenders, n);
  for (i = 0; i < nsenders; i++) {
    crowd->senders[i].ch = crowd->ch;
    crowd->senders[i].way = WAY_WAIT;
    crowd->senders[i].number = i;
    crowd->senders[i].n = n;
  }
  for (i = 0; i < nreceivers; i++) {
    crowd->receivers[i].ch = crowd->ch;
    crowd->receivers[i].way = WAY_WAIT;
    crowd->receivers[i].quota = EVERYTHING;
    crowd->receivers[i].log.seen = crowd->seen;
    crowd->receivers[i].log.stride = n;
  }
}

/* Without an end: each receiver takes its share of what will be sent, and the last takes the
 * rest. */
static void crowd_set_quotas(crowd_t* crowd) {
  size_t total = crowd->nsenders * crowd->n, share = total / crowd->nreceivers, i;
  for (i = 0; i < crowd->nreceivers; i++) crowd->receivers[i].quota = share;
  crowd->receivers[crowd->nreceivers - 1].quota += total - share * crowd->nreceivers;
}

static void crowd_run(crowd_t* crowd, int with_end) {
  size_t i;
  for (i = 0; i < crowd->nreceivers; i++)
    support_start(&crowd->receivers[i].thread, run_receiver, &crowd->receivers[i]);
  for (i = 0; i < crowd->nsenders; i++)
    support_start(&crowd->senders[i].thread, run_sender, &crowd->senders[i]);
  for (i = 0; i < crowd->nsenders; i++) support_join(&crowd->senders[i].thread);
  if (with_end) ck_assert_int_eq(uvchan_close(crowd->ch), 0);
  for (i = 0; i < crowd->nreceivers; i++) support_join(&crowd->receivers[i].thread);
}

/* Every value was sent, and received once. */
static void crowd_finish(crowd_t* crowd) {
  size_t elem_size = uvchan_elem_size(crowd->ch), total = crowd->nsenders * crowd->n, received = 0,
         i;
  uint64_t sum = 0, expected = 0;
  uvchan_stats_t stats = support_at_rest(crowd->ch);
  for (i = 0; i < crowd->nsenders; i++) ck_assert_uint_eq(crowd->senders[i].sent, crowd->n);
  for (i = 0; i < crowd->nreceivers; i++) {
    received += crowd->receivers[i].log.received;
    sum += crowd->receivers[i].log.sum;
    if (crowd->receivers[i].quota == EVERYTHING)
      ck_assert_int_eq(crowd->receivers[i].log.end, UV_EOF);
  }
  ck_assert_uint_eq(received, total);
  ck_assert_uint_eq(stats.sent, total);
  ck_assert_uint_eq(stats.received, total);
  ck_assert_uint_eq(stats.dropped, 0);
  ck_assert_uint_eq(stats.waiting_senders + stats.waiting_receivers, 0);
  for (i = 0; elem_size >= 4 && i < total; i++) {
    ck_assert_msg(crowd->seen[i] == 1, "value %u of sender %u was received %d times",
                  (unsigned int)(i % crowd->n), (unsigned int)(i / crowd->n), crowd->seen[i]);
    expected += WAY_NUMBER(i / crowd->n, i % crowd->n);
  }
  ck_assert_uint_eq(sum, expected);
  uvchan_release(crowd->ch);
  free(crowd->seen);
}

/* ---- Every way to send with every way to receive --------------------------------------------- */

#define NPAIRINGS (NWAYS * NWAYS)

static void run_pairing(way_t sends, way_t receives, size_t capacity, int with_end) {
  /* of 4 or more bytes, so that each value is known by its number */
  static const size_t elem_sizes[] = {8, 4, 12, 64};
  crowd_t crowd;
  size_t k;
  /* nobody waits, so nobody meets */
  if (capacity == 0 && way_never_waits(sends) && way_never_waits(receives)) return;
  crowd_open(&crowd, elem_sizes[((size_t)sends + (size_t)receives) % 4], capacity, 3, 3,
             (size_t)support_count(80));
  for (k = 0; k < 3; k++) {
    crowd.senders[k].way = sends;
    crowd.receivers[k].way = receives;
  }
  if (!with_end) crowd_set_quotas(&crowd);
  crowd_run(&crowd, with_end);
  crowd_finish(&crowd);
}

static void run_pairing_over_capacities(int i, int with_end) {
  size_t k;
  for (k = 0; k < SUPPORT_NCAPACITIES; k++)
    run_pairing((way_t)(i % NWAYS), (way_t)(i / NWAYS), support_capacities[k], with_end);
}

START_TEST(each_value_is_received_once_without_an_end_for_every_pairing) {
  run_pairing_over_capacities(_i, 0);
}
END_TEST

START_TEST(each_value_is_received_once_until_the_end_for_every_pairing) {
  run_pairing_over_capacities(_i, 1);
}
END_TEST

/* ---- All ways at once ------------------------------------------------------------------------ */

static void run_all_ways(int i, int with_end) {
  size_t capacity = support_capacities[i % SUPPORT_NCAPACITIES];
  size_t elem_size = support_elem_sizes[i / SUPPORT_NCAPACITIES];
  crowd_t crowd;
  size_t k;
  crowd_open(&crowd, elem_size, capacity, NWAYS, NWAYS, (size_t)support_count(200));
  for (k = 0; k < NWAYS; k++) {
    crowd.senders[k].way = (way_t)k;
    crowd.receivers[k].way = (way_t)k;
  }
  if (!with_end) {
    crowd_set_quotas(&crowd);
    /* else the last ones could be two that never wait */
    for (k = 0; capacity == 0 && k < NWAYS; k++) {
      if (way_never_waits((way_t)k)) crowd.receivers[k].way = WAY_WAIT;
    }
  }
  crowd_run(&crowd, with_end);
  crowd_finish(&crowd);
}

START_TEST(all_ways_share_a_channel_of_every_capacity_and_size_without_an_end) {
  run_all_ways(_i, 0);
}
END_TEST

START_TEST(all_ways_share_a_channel_of_every_capacity_and_size_until_the_end) {
  /* Receivers that wait are among them, so that senders that never wait meet one. */
  run_all_ways(_i, 1);
}
END_TEST

/* ---- Crowds of different shape --------------------------------------------------------------- */

START_TEST(crowds_of_every_shape_lose_nothing) {
  static const struct { size_t nsenders, nreceivers; } shapes[] = {{1, 1}, {1, 8}, {8, 1}, {2, 7}};
  int shape = _i / SUPPORT_NCAPACITIES;
  crowd_t crowd;
  crowd_open(&crowd, 8, support_capacities[_i % SUPPORT_NCAPACITIES], shapes[shape].nsenders,
             shapes[shape].nreceivers, (size_t)support_count(2000));
  crowd_set_quotas(&crowd);
  crowd_run(&crowd, 0);
  crowd_finish(&crowd);
}
END_TEST

/* ---- Two channels, back and forth ------------------------------------------------------------ */

typedef struct {
  uvchan_t* there;
  uvchan_t* back;
  uint64_t n;
} rally_t;

static void return_the_ball(void* arg) {
  rally_t* rally = arg;
  uint64_t ball;
  while (uvchan_recv_wait(rally->there, &ball) == 0) {
    ball++;
    must(uvchan_send_wait(rally->back, &ball) == 0);
  }
}

/* Each wake-up is needed: one lost, and nobody moves any more. */
START_TEST(a_ball_goes_back_and_forth) {
  size_t capacity = support_capacities[_i];
  rally_t rally = {support_channel(8, capacity), support_channel(8, capacity),
                   (uint64_t)support_count(5000)};
  uv_thread_t thread;
  uint64_t i, ball;
  support_start(&thread, return_the_ball, &rally);
  for (i = 0; i < rally.n; i++) {
    ball = 2 * i;
    must(uvchan_send_wait(rally.there, &ball) == 0);
    must(uvchan_recv_wait(rally.back, &ball) == 0);
    must(ball == 2 * i + 1);
  }
  uvchan_close(rally.there);
  support_join(&thread);
  ck_assert_uint_eq(support_at_rest(rally.there).received, rally.n);
  ck_assert_uint_eq(support_at_rest(rally.back).received, rally.n);
  uvchan_release(rally.there);
  uvchan_release(rally.back);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("threads");
  TCase* tcase = support_tcase(suite, "pairings");
  tcase_add_loop_test(tcase, each_value_is_received_once_without_an_end_for_every_pairing, 0,
                      NPAIRINGS);
  tcase_add_loop_test(tcase, each_value_is_received_once_until_the_end_for_every_pairing, 0,
                      NPAIRINGS);
  tcase = support_tcase(suite, "crowds");
  tcase_add_loop_test(tcase, all_ways_share_a_channel_of_every_capacity_and_size_without_an_end, 0,
                      SUPPORT_NCAPACITIES * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, all_ways_share_a_channel_of_every_capacity_and_size_until_the_end, 0,
                      SUPPORT_NCAPACITIES * SUPPORT_NELEM_SIZES);
  tcase_add_loop_test(tcase, crowds_of_every_shape_lose_nothing, 0, SUPPORT_NCAPACITIES * 4);
  tcase_add_loop_test(tcase, a_ball_goes_back_and_forth, 0, SUPPORT_NCAPACITIES);
  return support_main(suite);
}
