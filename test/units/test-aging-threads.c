/* SPDX-License-Identifier: MIT */
/* Values that grow old, among threads: each value is received or dropped once, in whichever ways it
 * is sent and received, while the clock runs. The clock is the test's: whoever receives sets it on,
 * so that some values expire and some do not. */
#include "aging.h"
#include "support-loop.h"
#include "ways.h"

#define NSENDERS 3
#define NRECEIVERS 2
#define NSIDES (NSENDERS + NRECEIVERS)

typedef struct {
  uvchan_t* ch;
  size_t number;
  way_t way;
  size_t n;
  way_log_t log;
  uv_loop_t* loop; /* of those who receive */
} side_t;

static atomic_uint_fast64_t dropped_sum;
static atomic_uint_fast64_t dropped[UVCHAN_DROPPED_SHED + 1];

static void note_drop(void* value, uvchan_drop_reason_t reason, void* arg) {
  size_t elem_size = *(size_t*)arg;
  must(support_matches(value, elem_size, way_number(value, elem_size)));
  atomic_fetch_add(&dropped[reason], 1);
  atomic_fetch_add(&dropped_sum, way_number(value, elem_size));
}

static void send_all(void* arg) {
  side_t* side = arg;
  must(way_send_all(side->way, side->ch, side->number, side->n) == side->n);
}

/* Until the end; after each call the clock goes on. */
static void receive_all(void* arg) {
  side_t* side = arg;
  unsigned char values[WAY_MOST * SUPPORT_MOST_BYTES];
  size_t elem_size = uvchan_elem_size(side->ch);
  uint32_t random = (uint32_t)side->number + 1;
  for (;;) {
    ssize_t r = way_recv(side->way, side->ch, values, WAY_MOST), i;
    must(r != 0);
    for (i = 0; i < r; i++) way_note(&side->log, values + (size_t)i * elem_size, elem_size);
    atomic_fetch_add(&aging_clock, support_random(&random) % MAX_AGE);
    if (way_is_not_now(r)) uv_sleep(0);
    if (r < 0 && !way_is_not_now(r)) {
      must(r == UV_EOF);
      return;
    }
  }
}

/* A loop of its own, with a receiver or with a request after the other. */
typedef struct {
  side_t* side;
  uvchan_receiver_t receiver;
  uvchan_recv_t recv;
  uint64_t value;
  uint32_t random;
} party_t;

static void on_value(uvchan_receiver_t* receiver, int status, const void* value) {
  party_t* party = receiver->data;
  if (status == 0) way_note(&party->side->log, value, 8);
  if (status != 0) uvchan_receiver_close(receiver, NULL);
  atomic_fetch_add(&aging_clock, support_random(&party->random) % MAX_AGE);
}

static void on_batch(uvchan_receiver_t* receiver, ssize_t n, const void* values) {
  ssize_t i;
  if (n < 0) on_value(receiver, (int)n, NULL);
  for (i = 0; i < n; i++) on_value(receiver, 0, (const uint64_t*)values + i);
}

static void on_recv(uvchan_recv_t* req, int status) {
  party_t* party = req->data;
  atomic_fetch_add(&aging_clock, support_random(&party->random) % MAX_AGE);
  if (status != 0) return;
  way_note(&party->side->log, &party->value, 8);
  must(uvchan_recv(party->side->loop, req, party->side->ch, &party->value, on_recv) == 0);
}

static void receive_on_loop(void* arg) {
  party_t party;
  memset(&party, 0, sizeof(party));
  party.side = arg;
  party.random = (uint32_t)party.side->number + 1;
  party.receiver.data = party.recv.data = &party;
  if (party.side->way == WAY_WAIT) {
    must(uvchan_recv(party.side->loop, &party.recv, party.side->ch, &party.value, on_recv) == 0);
  } else {
    must(uvchan_receiver_init(party.side->loop, &party.receiver, party.side->ch) == 0);
    must((party.side->way == WAY_TRY ? uvchan_recv_start(&party.receiver, on_value)
                                     : uvchan_recv_start_batch(&party.receiver, on_batch)) == 0);
  }
  must(uv_run(party.side->loop, UV_RUN_DEFAULT) == 0);
}

/* What was sent was received or dropped, by their numbers and their sum. */
static void check_sides(uvchan_t* ch, const side_t* sides) {
  uint64_t received = 0, sum = 0, expected = 0, ndropped = 0;
  uvchan_stats_t stats = support_at_rest(ch);
  size_t n = sides[0].n, i, k;
  for (i = 0; i < NSENDERS; i++) {
    for (k = 0; k < n; k++) expected += WAY_NUMBER(i, k);
  }
  for (i = NSENDERS; i < NSIDES; i++) {
    received += sides[i].log.received;
    sum += sides[i].log.sum;
  }
  for (i = 0; i <= UVCHAN_DROPPED_SHED; i++) ndropped += atomic_load(&dropped[i]);
  ck_assert_uint_eq(stats.sent, NSENDERS * n);
  ck_assert_uint_eq(stats.received, received);
  ck_assert_uint_eq(stats.dropped, ndropped);
  ck_assert_uint_eq(stats.expired, atomic_load(&dropped[UVCHAN_DROPPED_EXPIRED]));
  ck_assert_uint_eq(stats.shed, atomic_load(&dropped[UVCHAN_DROPPED_SHED]));
  ck_assert_uint_eq(received + ndropped, NSENDERS * n);
  ck_assert_uint_eq(sum + atomic_load(&dropped_sum), expected);
}

/* Has them all run. The loops are made and closed here, or a descriptor of one would be another's
 * next. */
static void exchange(uvchan_options_t options, const way_t* ways, void (*receive)(void* arg)) {
  size_t elem_size = options.elem_size, i;
  uv_thread_t threads[NSIDES];
  uv_loop_t loops[NSIDES];
  side_t sides[NSIDES];
  uvchan_t* ch = NULL;
  memset(sides, 0, sizeof(sides));
  options.drop_cb = note_drop;
  options.drop_arg = &elem_size;
  must(uvchan_create_ex(&ch, &options) == 0);
  for (i = 0; i < NSIDES; i++) {
    support_loop_open(&loops[i]);
    sides[i].loop = &loops[i];
    sides[i].ch = ch;
    sides[i].number = i;
    sides[i].way = ways[i];
    sides[i].n = (size_t)support_count(3000);
  }
  for (i = 0; i < NSIDES; i++)
    support_start(&threads[i], i < NSENDERS ? send_all : receive, &sides[i]);
  for (i = 0; i < NSENDERS; i++) support_join(&threads[i]);
  ck_assert_int_eq(uvchan_close(ch), 0);
  for (i = NSENDERS; i < NSIDES; i++) support_join(&threads[i]);
  for (i = 0; i < NSIDES; i++) support_loop_finish(&loops[i]);
  check_sides(ch, sides);
  if (options.max_age > 0) ck_assert_uint_lt(support_at_rest(ch).longest_wait, options.max_age);
  uvchan_release(ch);
}

/* Loop number: capacity, then which ways meet. */
#define CAPACITY(i) support_capacities[(i) % SUPPORT_NCAPACITIES]

static const way_t meetings[][NSIDES] = {
    {WAY_TRY, WAY_WAIT, WAY_WAIT_N, WAY_WAIT, WAY_TRY_N},
    {WAY_SELECT, WAY_TIMED, WAY_TRY_N, WAY_SELECT, WAY_WAIT_N},
    {WAY_WAIT, WAY_TRY_SELECT, WAY_TIMED_SELECT, WAY_TIMED, WAY_TIMED_SELECT},
};
#define NMEETINGS 3

START_TEST(each_value_is_received_or_dropped_once) {
  exchange(aging_options(8, CAPACITY(_i)), meetings[_i / SUPPORT_NCAPACITIES], receive_all);
}
END_TEST

START_TEST(each_large_value_is_received_or_dropped_once) {
  exchange(aging_options(2000, CAPACITY(_i)), meetings[0], receive_all);
}
END_TEST

START_TEST(each_value_is_received_or_overflows_or_expires_once) {
  uvchan_options_t options = aging_options(8, _i % 2 ? 3 : 16);
  options.overflow = _i / 2 ? UVCHAN_DROP_OLDEST : UVCHAN_DROP_NEWEST;
  exchange(options, meetings[0], receive_all);
}
END_TEST

START_TEST(each_value_is_received_or_shed_once) {
  uvchan_options_t options = aging_options(8, CAPACITY(_i));
  uvchan_admission_t admission = {1, 20, {NULL, NULL}};
  options.max_age = _i / SUPPORT_NCAPACITIES == 0 ? 0 : 5 * MAX_AGE;
  options.admission = &admission;
  exchange(options, meetings[0], receive_all);
}
END_TEST

static const way_t on_loops[][NSIDES] = {
    {WAY_TRY, WAY_WAIT, WAY_WAIT_N, WAY_TRY, WAY_WAIT_N},
    {WAY_TRY, WAY_WAIT, WAY_WAIT_N, WAY_WAIT, WAY_WAIT_N},
    {WAY_SELECT, WAY_WAIT, WAY_TRY_N, WAY_WAIT, WAY_TRY},
};

START_TEST(each_value_to_several_loops_is_received_or_dropped_once) {
  exchange(aging_options(8, CAPACITY(_i)), on_loops[_i / SUPPORT_NCAPACITIES], receive_on_loop);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("aging-threads");
  TCase* tcase = support_tcase(suite, "aging-threads");
  tcase_add_loop_test(tcase, each_value_is_received_or_dropped_once, 0,
                      NMEETINGS * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, each_large_value_is_received_or_dropped_once, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, each_value_is_received_or_overflows_or_expires_once, 0, 4);
  tcase_add_loop_test(tcase, each_value_is_received_or_shed_once, 0, 2 * SUPPORT_NCAPACITIES);
  tcase_add_loop_test(tcase, each_value_to_several_loops_is_received_or_dropped_once, 0,
                      NMEETINGS * SUPPORT_NCAPACITIES);
  return support_main(suite);
}
