/* SPDX-License-Identifier: MIT */
/* The sizes of what a program declares, and the places of the members, by number: a program that
 * was compiled with an earlier header of this major version relies on them. Who has to change a
 * number here breaks it. What there is of libuv's own handles is left out, since libuv decides on
 * that. */
#include <stddef.h>
#include <uvchan/pool.h>

#include "support.h"

typedef struct {
  const char* of;
  size_t found;
  size_t idles; /* handles of libuv's in front of it, or in it */
  size_t timers;
  size_t with_64_bits;
  size_t with_32_bits; /* and 64-bit numbers at multiples of 4 bytes, as on i386 */
} place_t;

#define SIZE(type, idles, timers, with_64_bits, with_32_bits) \
  { "the size of " #type, sizeof(type), idles, timers, with_64_bits, with_32_bits }
#define PLACE(type, member, idles, timers, with_64_bits, with_32_bits)                      \
  {                                                                                         \
    "the place of " #type "." #member, offsetof(type, member), idles, timers, with_64_bits, \
        with_32_bits                                                                        \
  }

static const place_t places[] = {
    SIZE(uvchan_options_t, 0, 0, 80, 40),
    PLACE(uvchan_options_t, elem_size, 0, 0, 0, 0),
    PLACE(uvchan_options_t, capacity, 0, 0, 8, 4),
    PLACE(uvchan_options_t, overflow, 0, 0, 16, 8),
    PLACE(uvchan_options_t, drop_cb, 0, 0, 24, 12),
    PLACE(uvchan_options_t, drop_arg, 0, 0, 32, 16),
    PLACE(uvchan_options_t, name, 0, 0, 40, 20),
    PLACE(uvchan_options_t, max_age, 0, 0, 48, 24),
    PLACE(uvchan_options_t, admission, 0, 0, 56, 32),
    PLACE(uvchan_options_t, reserved, 0, 0, 64, 36),
    SIZE(uvchan_admission_t, 0, 0, 32, 24),
    PLACE(uvchan_admission_t, target, 0, 0, 0, 0),
    PLACE(uvchan_admission_t, interval, 0, 0, 8, 8),
    PLACE(uvchan_admission_t, reserved, 0, 0, 16, 16),
    SIZE(uvchan_stats_t, 0, 0, 112, 88),
    PLACE(uvchan_stats_t, name, 0, 0, 0, 0),
    PLACE(uvchan_stats_t, sent, 0, 0, 8, 4),
    PLACE(uvchan_stats_t, received, 0, 0, 16, 12),
    PLACE(uvchan_stats_t, dropped, 0, 0, 24, 20),
    PLACE(uvchan_stats_t, wakeups, 0, 0, 32, 28),
    PLACE(uvchan_stats_t, len, 0, 0, 40, 36),
    PLACE(uvchan_stats_t, capacity, 0, 0, 48, 40),
    PLACE(uvchan_stats_t, peak, 0, 0, 56, 44),
    PLACE(uvchan_stats_t, waiting_senders, 0, 0, 64, 48),
    PLACE(uvchan_stats_t, waiting_receivers, 0, 0, 72, 52),
    PLACE(uvchan_stats_t, expired, 0, 0, 80, 56),
    PLACE(uvchan_stats_t, shed, 0, 0, 88, 64),
    PLACE(uvchan_stats_t, longest_wait, 0, 0, 96, 72),
    PLACE(uvchan_stats_t, reserved, 0, 0, 104, 80),
    SIZE(uvchan_receiver_t, 1, 0, 328, 192),
    PLACE(uvchan_receiver_t, data, 0, 0, 0, 0),
    PLACE(uvchan_receiver_t, loop, 0, 0, 8, 4),
    PLACE(uvchan_receiver_t, channel, 0, 0, 16, 8),
    PLACE(uvchan_receiver_t, waiter, 0, 0, 24, 12),
    PLACE(uvchan_receiver_t, cb, 0, 0, 96, 56),
    PLACE(uvchan_receiver_t, budget, 0, 0, 104, 60),
    PLACE(uvchan_receiver_t, flags, 0, 0, 108, 64),
    PLACE(uvchan_receiver_t, is_first, 0, 0, 112, 68),
    PLACE(uvchan_receiver_t, is_armed, 0, 0, 116, 72),
    PLACE(uvchan_receiver_t, was_busy, 0, 0, 117, 73),
    PLACE(uvchan_receiver_t, misses, 0, 0, 118, 74),
    PLACE(uvchan_receiver_t, skips, 0, 0, 119, 75),
    PLACE(uvchan_receiver_t, batch_cb, 0, 0, 120, 76),
    PLACE(uvchan_receiver_t, slot, 0, 0, 128, 80),
    PLACE(uvchan_receiver_t, spin, 0, 0, 136, 84),
    PLACE(uvchan_receiver_t, last_value, 0, 0, 144, 92),
    PLACE(uvchan_receiver_t, place, 0, 0, 152, 100),
    PLACE(uvchan_receiver_t, next, 0, 0, 208, 132),
    PLACE(uvchan_receiver_t, prev, 0, 0, 216, 136),
    PLACE(uvchan_receiver_t, close_cb, 0, 0, 224, 140),
    PLACE(uvchan_receiver_t, later, 0, 0, 232, 144),
    PLACE(uvchan_receiver_t, reserved, 1, 0, 232, 144),
    SIZE(uvchan_req_t, 1, 0, 104, 60),
    PLACE(uvchan_req_t, data, 0, 0, 0, 0),
    PLACE(uvchan_req_t, loop, 0, 0, 8, 4),
    PLACE(uvchan_req_t, waiter, 0, 0, 16, 8),
    PLACE(uvchan_req_t, later, 0, 0, 88, 52),
    PLACE(uvchan_req_t, withdraw, 1, 0, 88, 52),
    PLACE(uvchan_req_t, complete, 1, 0, 96, 56),
    SIZE(uvchan_send_t, 1, 0, 200, 112),
    PLACE(uvchan_send_t, data, 0, 0, 0, 0),
    PLACE(uvchan_send_t, loop, 0, 0, 8, 4),
    PLACE(uvchan_send_t, waiter, 0, 0, 16, 8),
    PLACE(uvchan_send_t, later, 0, 0, 88, 52),
    PLACE(uvchan_send_t, withdraw, 1, 0, 88, 52),
    PLACE(uvchan_send_t, complete, 1, 0, 96, 56),
    PLACE(uvchan_send_t, place, 1, 0, 104, 60),
    PLACE(uvchan_send_t, cb, 1, 0, 160, 92),
    PLACE(uvchan_send_t, reserved, 1, 0, 168, 96),
    SIZE(uvchan_recv_t, 1, 0, 200, 112),
    PLACE(uvchan_recv_t, data, 0, 0, 0, 0),
    PLACE(uvchan_recv_t, loop, 0, 0, 8, 4),
    PLACE(uvchan_recv_t, waiter, 0, 0, 16, 8),
    PLACE(uvchan_recv_t, later, 0, 0, 88, 52),
    PLACE(uvchan_recv_t, withdraw, 1, 0, 88, 52),
    PLACE(uvchan_recv_t, complete, 1, 0, 96, 56),
    PLACE(uvchan_recv_t, place, 1, 0, 104, 60),
    PLACE(uvchan_recv_t, cb, 1, 0, 160, 92),
    PLACE(uvchan_recv_t, reserved, 1, 0, 168, 96),
    SIZE(uvchan_notify_t, 1, 0, 208, 116),
    PLACE(uvchan_notify_t, data, 0, 0, 0, 0),
    PLACE(uvchan_notify_t, loop, 0, 0, 8, 4),
    PLACE(uvchan_notify_t, waiter, 0, 0, 16, 8),
    PLACE(uvchan_notify_t, later, 0, 0, 88, 52),
    PLACE(uvchan_notify_t, withdraw, 1, 0, 88, 52),
    PLACE(uvchan_notify_t, complete, 1, 0, 96, 56),
    PLACE(uvchan_notify_t, place, 1, 0, 104, 60),
    PLACE(uvchan_notify_t, waitgroup, 1, 0, 160, 92),
    PLACE(uvchan_notify_t, cb, 1, 0, 168, 96),
    PLACE(uvchan_notify_t, reserved, 1, 0, 176, 100),
    SIZE(uvchan_case_t, 0, 0, 40, 20),
    PLACE(uvchan_case_t, ch, 0, 0, 0, 0),
    PLACE(uvchan_case_t, op, 0, 0, 8, 4),
    PLACE(uvchan_case_t, value, 0, 0, 16, 8),
    PLACE(uvchan_case_t, status, 0, 0, 24, 12),
    PLACE(uvchan_case_t, data, 0, 0, 32, 16),
    SIZE(uvchan_select_t, 1, 0, 392, 220),
    PLACE(uvchan_select_t, data, 0, 0, 0, 0),
    PLACE(uvchan_select_t, loop, 0, 0, 8, 4),
    PLACE(uvchan_select_t, waiter, 0, 0, 16, 8),
    PLACE(uvchan_select_t, later, 0, 0, 88, 52),
    PLACE(uvchan_select_t, withdraw, 1, 0, 88, 52),
    PLACE(uvchan_select_t, complete, 1, 0, 96, 56),
    PLACE(uvchan_select_t, cases, 1, 0, 104, 60),
    PLACE(uvchan_select_t, nplaces, 1, 0, 112, 64),
    PLACE(uvchan_select_t, places, 1, 0, 120, 68),
    PLACE(uvchan_select_t, near_places, 1, 0, 128, 72),
    PLACE(uvchan_select_t, cb, 1, 0, 352, 200),
    PLACE(uvchan_select_t, reserved, 1, 0, 360, 204),
    SIZE(uvchan_waitgroup_t, 0, 0, 48, 28),
    PLACE(uvchan_waitgroup_t, data, 0, 0, 0, 0),
    PLACE(uvchan_waitgroup_t, waiters, 0, 0, 8, 4),
    PLACE(uvchan_waitgroup_t, lock, 0, 0, 24, 12),
    PLACE(uvchan_waitgroup_t, count, 0, 0, 28, 16),
    PLACE(uvchan_waitgroup_t, reserved, 0, 0, 32, 20),
    SIZE(uvchan_ticker_t, 1, 1, 88, 48),
    PLACE(uvchan_ticker_t, data, 0, 0, 0, 0),
    PLACE(uvchan_ticker_t, loop, 0, 0, 8, 4),
    PLACE(uvchan_ticker_t, channel, 0, 0, 16, 8),
    PLACE(uvchan_ticker_t, timer, 0, 0, 24, 12),
    PLACE(uvchan_ticker_t, due, 0, 1, 24, 12),
    PLACE(uvchan_ticker_t, later, 0, 1, 24, 12),
    PLACE(uvchan_ticker_t, missed, 1, 1, 32, 16),
    PLACE(uvchan_ticker_t, close_cb, 1, 1, 40, 24),
    PLACE(uvchan_ticker_t, flags, 1, 1, 48, 28),
    PLACE(uvchan_ticker_t, reserved, 1, 1, 56, 32),
    SIZE(uvchan_work_t, 1, 0, 248, 144),
    PLACE(uvchan_work_t, data, 0, 0, 0, 0),
    PLACE(uvchan_work_t, loop, 0, 0, 8, 4),
    PLACE(uvchan_work_t, waiter, 0, 0, 16, 8),
    PLACE(uvchan_work_t, later, 0, 0, 88, 52),
    PLACE(uvchan_work_t, withdraw, 1, 0, 88, 52),
    PLACE(uvchan_work_t, complete, 1, 0, 96, 56),
    PLACE(uvchan_work_t, take_back, 1, 0, 104, 60),
    PLACE(uvchan_work_t, pool, 1, 0, 112, 64),
    PLACE(uvchan_work_t, on_work, 1, 0, 120, 68),
    PLACE(uvchan_work_t, on_done, 1, 0, 128, 72),
    PLACE(uvchan_work_t, next, 1, 0, 136, 76),
    PLACE(uvchan_work_t, prev, 1, 0, 144, 80),
    PLACE(uvchan_work_t, port, 1, 0, 152, 84),
    PLACE(uvchan_work_t, submitted, 1, 0, 160, 88),
    PLACE(uvchan_work_t, limit, 1, 0, 168, 96),
    PLACE(uvchan_work_t, lane, 1, 0, 176, 104),
    PLACE(uvchan_work_t, is_queued, 1, 0, 177, 105),
    PLACE(uvchan_work_t, is_inside, 1, 0, 178, 106),
    PLACE(uvchan_work_t, place, 1, 0, 179, 107),
    PLACE(uvchan_work_t, alarm, 1, 0, 184, 108),
    PLACE(uvchan_work_t, reserved, 1, 0, 216, 128),
    SIZE(uvchan_room_t, 1, 0, 208, 116),
    PLACE(uvchan_room_t, data, 0, 0, 0, 0),
    PLACE(uvchan_room_t, loop, 0, 0, 8, 4),
    PLACE(uvchan_room_t, waiter, 0, 0, 16, 8),
    PLACE(uvchan_room_t, later, 0, 0, 88, 52),
    PLACE(uvchan_room_t, withdraw, 1, 0, 88, 52),
    PLACE(uvchan_room_t, complete, 1, 0, 96, 56),
    PLACE(uvchan_room_t, place, 1, 0, 104, 60),
    PLACE(uvchan_room_t, pool, 1, 0, 160, 92),
    PLACE(uvchan_room_t, cb, 1, 0, 168, 96),
    PLACE(uvchan_room_t, reserved, 1, 0, 176, 100),
    SIZE(uvchan_pool_options_t, 0, 0, 128, 68),
    PLACE(uvchan_pool_options_t, threads, 0, 0, 0, 0),
    PLACE(uvchan_pool_options_t, capacity, 0, 0, 8, 4),
    PLACE(uvchan_pool_options_t, urgent_places, 0, 0, 16, 8),
    PLACE(uvchan_pool_options_t, max_wait, 0, 0, 24, 12),
    PLACE(uvchan_pool_options_t, admission, 0, 0, 32, 20),
    PLACE(uvchan_pool_options_t, name, 0, 0, 40, 24),
    PLACE(uvchan_pool_options_t, stack_size, 0, 0, 48, 28),
    PLACE(uvchan_pool_options_t, thread_begin, 0, 0, 56, 32),
    PLACE(uvchan_pool_options_t, thread_end, 0, 0, 64, 36),
    PLACE(uvchan_pool_options_t, thread_arg, 0, 0, 72, 40),
    PLACE(uvchan_pool_options_t, reserved, 0, 0, 80, 44),
    SIZE(uvchan_work_options_t, 0, 0, 32, 20),
    PLACE(uvchan_work_options_t, priority, 0, 0, 0, 0),
    PLACE(uvchan_work_options_t, max_wait, 0, 0, 8, 4),
    PLACE(uvchan_work_options_t, reserved, 0, 0, 16, 12),
    SIZE(uvchan_pool_stats_t, 0, 0, 192, 164),
    PLACE(uvchan_pool_stats_t, name, 0, 0, 0, 0),
    PLACE(uvchan_pool_stats_t, submitted, 0, 0, 8, 4),
    PLACE(uvchan_pool_stats_t, done, 0, 0, 16, 12),
    PLACE(uvchan_pool_stats_t, cancelled, 0, 0, 24, 20),
    PLACE(uvchan_pool_stats_t, expired, 0, 0, 32, 28),
    PLACE(uvchan_pool_stats_t, shed, 0, 0, 40, 36),
    PLACE(uvchan_pool_stats_t, closed, 0, 0, 48, 44),
    PLACE(uvchan_pool_stats_t, refused, 0, 0, 56, 52),
    PLACE(uvchan_pool_stats_t, total_wait, 0, 0, 64, 60),
    PLACE(uvchan_pool_stats_t, longest_wait, 0, 0, 72, 68),
    PLACE(uvchan_pool_stats_t, waiting, 0, 0, 80, 76),
    PLACE(uvchan_pool_stats_t, waiting_urgent, 0, 0, 88, 80),
    PLACE(uvchan_pool_stats_t, waiting_outside, 0, 0, 96, 84),
    PLACE(uvchan_pool_stats_t, running, 0, 0, 104, 88),
    PLACE(uvchan_pool_stats_t, peak, 0, 0, 112, 92),
    PLACE(uvchan_pool_stats_t, capacity, 0, 0, 120, 96),
    PLACE(uvchan_pool_stats_t, threads, 0, 0, 128, 100),
    PLACE(uvchan_pool_stats_t, threads_idle, 0, 0, 132, 104),
    PLACE(uvchan_pool_stats_t, threads_at_most, 0, 0, 136, 108),
    PLACE(uvchan_pool_stats_t, threads_failed, 0, 0, 140, 112),
    PLACE(uvchan_pool_stats_t, reserved, 0, 0, 144, 116),
    SIZE(uvchan__entry_t, 0, 0, 32, 16),
    PLACE(uvchan__entry_t, next, 0, 0, 0, 0),
    PLACE(uvchan__entry_t, prev, 0, 0, 8, 4),
    PLACE(uvchan__entry_t, posted, 0, 0, 16, 8),
    PLACE(uvchan__entry_t, run, 0, 0, 24, 12),
    SIZE(uvchan__waiter_t, 0, 0, 72, 44),
    PLACE(uvchan__waiter_t, next, 0, 0, 0, 0),
    PLACE(uvchan__waiter_t, index, 0, 0, 8, 4),
    PLACE(uvchan__waiter_t, status, 0, 0, 16, 8),
    PLACE(uvchan__waiter_t, kind, 0, 0, 20, 12),
    PLACE(uvchan__waiter_t, claim, 0, 0, 24, 16),
    PLACE(uvchan__waiter_t, sleep, 0, 0, 28, 20),
    PLACE(uvchan__waiter_t, hub, 0, 0, 32, 24),
    PLACE(uvchan__waiter_t, entry, 0, 0, 40, 28),
    SIZE(uvchan__place_t, 0, 0, 56, 32),
    PLACE(uvchan__place_t, channel, 0, 0, 0, 0),
    PLACE(uvchan__place_t, index, 0, 0, 8, 4),
    PLACE(uvchan__place_t, next, 0, 0, 16, 8),
    PLACE(uvchan__place_t, prev, 0, 0, 24, 12),
    PLACE(uvchan__place_t, waiter, 0, 0, 32, 16),
    PLACE(uvchan__place_t, value, 0, 0, 40, 20),
    PLACE(uvchan__place_t, order, 0, 0, 48, 24),
    PLACE(uvchan__place_t, sends, 0, 0, 52, 28),
    PLACE(uvchan__place_t, for_close, 0, 0, 53, 29),
    PLACE(uvchan__place_t, queued, 0, 0, 54, 30),
    SIZE(uvchan__alarm_t, 0, 0, 32, 20),
    PLACE(uvchan__alarm_t, next, 0, 0, 0, 0),
    PLACE(uvchan__alarm_t, prev, 0, 0, 8, 4),
    PLACE(uvchan__alarm_t, at, 0, 0, 16, 8),
    PLACE(uvchan__alarm_t, ring, 0, 0, 24, 16),
};

typedef struct {
  char first;
  uint64_t number;
} aligned_t;

/* 0: another layout than the two that are known here. */
static size_t expected(const place_t* place) {
  if (sizeof(void*) == 8) return place->with_64_bits;
  return offsetof(aligned_t, number) == 4 ? place->with_32_bits : SIZE_MAX;
}

START_TEST(sizes_and_places_stay) {
  size_t i;
  for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    const place_t* place = &places[i];
    size_t of_libuv = place->idles * sizeof(uv_idle_t) + place->timers * sizeof(uv_timer_t);
    if (expected(place) == SIZE_MAX) continue;
    ck_assert_msg(place->found - of_libuv == expected(place), "%s is %zu, not %zu", place->of,
                  place->found - of_libuv, expected(place));
  }
}
END_TEST

/* The header promises it. */
START_TEST(a_receiver_takes_at_most_512_bytes) {
  ck_assert_uint_le(sizeof(uvchan_receiver_t), 512);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("layout");
  TCase* tcase = support_tcase(suite, "layout");
  tcase_add_test(tcase, sizes_and_places_stay);
  tcase_add_test(tcase, a_receiver_takes_at_most_512_bytes);
  return support_main(suite);
}
