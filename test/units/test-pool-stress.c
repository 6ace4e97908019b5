/* SPDX-License-Identifier: MIT */
/* Stress: three loops do whatever a pool allows, at random, and every work is accounted for.
 *
 * The seed is the name of the test case, so that a failure shows it; UVCHAN_SEED=n runs the same
 * choices again, though not the same interleaving. */
#include <stdio.h>
#include <stdlib.h>

#include "works.h"

#define NLOOPS 3
#define PLACES 32 /* works of one loop at once */
#define OUTCOMES 4

typedef struct party_s party_t;

typedef struct {
  uvchan_work_t work; /* first */
  party_t* party;
  int is_pending;
  int is_cancelled;    /* the cancel has answered 0 */
  unsigned int number; /* of the party's submissions */
  atomic_uint begins;
} item_t;

struct party_s {
  uv_thread_t thread;
  uv_loop_t loop;
  uint32_t random;
  unsigned int steps_left;
  unsigned int submissions;
  item_t items[PLACES];
  uvchan_room_t room;
  int waits_for_room;
  int is_told; /* that the pool is closed */
  int closes;
  uint64_t outcomes[OUTCOMES]; /* of callbacks, by status */
  uint64_t cancels, refusals;
  unsigned int next[2]; /* of each lane, with one thread: the least number that may begin next */
};

static struct {
  uvchan_pool_t* pool;
  unsigned int threads;
  unsigned int closes; /* on_closed */
  atomic_uint running;
  party_t parties[NLOOPS];
} world;

static uint32_t draw(party_t* party, uint32_t n) { return support_random(&party->random) % n; }

/* ---- Works ----------------------------------------------------------------------------------- */

static void on_work(uvchan_work_t* work, void* state) {
  item_t* item = (item_t*)work;
  uint32_t busy = item->number * 2654435761u;

  (void)state;
  must(atomic_fetch_add(&item->begins, 1) == 0);
  must(atomic_fetch_add(&world.running, 1) < world.threads);
  if (world.threads == 1) { /* else an earlier one may have begun and not come so far */
    must(item->number >= item->party->next[work->lane]);
    item->party->next[work->lane] = item->number + 1;
  }
  if (busy % 4 == 0) support_spin(busy % 30000);
  atomic_fetch_sub(&world.running, 1);
}

static int outcome_of(int status) {
  must(status == 0 || status == UV_ECANCELED || status == UV_ETIMEDOUT || status == UV_EPIPE);
  return status == 0 ? 0 : status == UV_ECANCELED ? 1 : status == UV_ETIMEDOUT ? 2 : 3;
}

static void step(party_t* party);

static void on_done(uvchan_work_t* work, int status) {
  item_t* item = (item_t*)work;
  party_t* party = item->party;

  must(item->is_pending);
  must(atomic_load(&item->begins) == (status == 0 ? 1u : 0u));
  must(!item->is_cancelled || status == UV_ECANCELED);
  item->is_pending = 0;
  party->outcomes[outcome_of(status)]++;
  if (draw(party, 4) == 0) step(party);
}

static void on_room(uvchan_room_t* req, int status) {
  party_t* party = req->data;

  must(party->waits_for_room);
  must(status == 0 || status == UV_EPIPE || status == UV_ECANCELED);
  party->waits_for_room = 0;
}

static void on_closed(uvchan_pool_t* pool) {
  must(pool == world.pool && world.closes == 0);
  world.closes++;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void submit(party_t* party) {
  item_t* item = &party->items[draw(party, PLACES)];
  uvchan_work_options_t options;
  int waits = (int)draw(party, 2);
  int r;

  if (item->is_pending) return;
  memset(&options, 0, sizeof(options));
  options.priority = draw(party, 3) == 0 ? UVCHAN_URGENT : UVCHAN_NORMAL;
  if (draw(party, 4) == 0) options.max_wait = 1 + draw(party, 100000);
  memset(item, 0, sizeof(*item));
  item->party = party;
  item->number = party->submissions++;
  r = (waits ? uvchan_pool_submit_ex : uvchan_pool_try_submit_ex)(
      &party->loop, &item->work, world.pool, &options, on_work, on_done);
  must(r == 0 || (!waits && (r == UV_EAGAIN || r == UV_EPIPE)));
  item->is_pending = r == 0;
  party->refusals += r == UV_EAGAIN;
  if (r == UV_EPIPE) party->is_told = 1;
}

static void cancel(party_t* party) {
  item_t* item = &party->items[draw(party, PLACES)];

  if (!item->is_pending || item->is_cancelled) return;
  item->is_cancelled = uvchan_cancel((uvchan_req_t*)&item->work) == 0;
  party->cancels += (uint64_t)item->is_cancelled;
}

static void ask_for_room(party_t* party) {
  if (party->waits_for_room) {
    (void)uvchan_cancel((uvchan_req_t*)&party->room);
    return;
  }
  party->room.data = party;
  party->waits_for_room = 1;
  must(uvchan_pool_on_room(&party->loop, &party->room, world.pool, on_room) == 0);
}

static void close_pool(party_t* party) {
  int r;

  if (!party->closes || party->steps_left > 200) return;
  r = uvchan_pool_close(&party->loop, world.pool, draw(party, 3), on_closed);
  must(r == 0 || r == UV_EALREADY);
}

/* Another loop may be about to count a work that it has just withdrawn. */
static void look_at_figures(void) {
  uvchan_pool_stats_t stats = pool_stats(world.pool);
  uint64_t sum = stats.done + stats.cancelled + stats.expired + stats.shed + stats.closed +
                 stats.waiting + stats.waiting_outside + stats.running;

  must(sum <= stats.submitted && stats.submitted < sum + NLOOPS);
  must(uvchan_pool_room(world.pool) <= stats.capacity);
}

static void step(party_t* party) {
  uint32_t which = draw(party, 32);

  if (party->steps_left == 0) return;
  party->steps_left--;
  if (which < 20) {
    submit(party);
  } else if (which < 26) {
    cancel(party);
  } else if (which < 28) {
    ask_for_room(party);
  } else if (which < 29) {
    look_at_figures();
  } else {
    close_pool(party);
  }
}

static void run_party(void* arg) {
  party_t* party = arg;

  while (party->steps_left > 0) {
    unsigned int n = draw(party, 20);

    while (n-- > 0) step(party);
    if (draw(party, 8) == 0 && uv_loop_alive(&party->loop)) {
      uv_run(&party->loop, UV_RUN_ONCE);
    } else {
      uv_run(&party->loop, UV_RUN_NOWAIT);
    }
  }
  must(uv_run(&party->loop, UV_RUN_DEFAULT) == 0);
}

/* ---- The test -------------------------------------------------------------------------------- */

static uint32_t seed_of(int i) {
  const char* text = getenv("UVCHAN_SEED");

  return text == NULL ? (uint32_t)i + 1 : (uint32_t)strtoul(text, NULL, 10);
}

/* A third has limits, a third cuts a standing queue, a third keeps places. */
static void world_open(uint32_t seed) {
  static const size_t capacities[] = {1, 2, 8, 64};
  uvchan_pool_options_t options = pool_options(1 + seed % 4, capacities[seed / 4 % 4]);
  uvchan_admission_t admission;
  int i;

  memset(&world, 0, sizeof(world));
  memset(&admission, 0, sizeof(admission));
  admission.target = 1 + seed * 977 % 50000;
  admission.interval = 2 * admission.target;
  if (seed % 3 == 0) options.max_wait = 200000;
  if (seed % 3 == 1) options.admission = &admission;
  if (seed % 3 == 2) options.urgent_places = options.capacity / 2;
  world.threads = options.threads;
  world.pool = pool_of(&options);
  for (i = 0; i < NLOOPS; i++) {
    world.parties[i].random = (seed * 2654435761u) ^ (uint32_t)(i + 1);
    if (world.parties[i].random == 0) world.parties[i].random = 1;
    world.parties[i].steps_left = (unsigned int)support_count(20000);
    world.parties[i].closes = seed % 2 == 0;
    support_loop_open(&world.parties[i].loop);
  }
}

static void check_accounts(void) {
  uvchan_pool_stats_t stats = pool_at_rest(world.pool);
  uint64_t outcomes[OUTCOMES] = {0, 0, 0, 0};
  uint64_t cancels = 0, refusals = 0, late;
  int i, k;

  for (i = 0; i < NLOOPS; i++) {
    for (k = 0; k < OUTCOMES; k++) outcomes[k] += world.parties[i].outcomes[k];
    for (k = 0; k < PLACES; k++) ck_assert(!world.parties[i].items[k].is_pending);
    ck_assert(!world.parties[i].waits_for_room);
    cancels += world.parties[i].cancels;
    refusals += world.parties[i].refusals;
  }
  ck_assert_uint_eq(stats.done, outcomes[0]);
  ck_assert_uint_eq(stats.cancelled, cancels);
  ck_assert_uint_eq(stats.expired + stats.shed, outcomes[2]);
  ck_assert_uint_eq(stats.refused, refusals);
  late = outcomes[0] + outcomes[1] + outcomes[2] + outcomes[3] - stats.submitted;
  ck_assert_uint_eq(stats.closed + late, outcomes[1] - cancels + outcomes[3]);
}

START_TEST(every_work_is_accounted_for) {
  int i;

  world_open(seed_of(_i));
  for (i = 0; i < NLOOPS; i++)
    support_start(&world.parties[i].thread, run_party, &world.parties[i]);
  for (i = 0; i < NLOOPS; i++) {
    support_join(&world.parties[i].thread);
    support_loop_finish(&world.parties[i].loop);
  }
  check_accounts();
  ck_assert_uint_eq(world.closes, world.parties[0].closes ? 1 : 0);
  uvchan_pool_release(world.pool);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("pool-stress");
  TCase* tcase = support_tcase(suite, "stress");
  const char* count = getenv("UVCHAN_COUNT");

  tcase_add_loop_test(tcase, every_work_is_accounted_for, 0, count == NULL ? 24 : atoi(count));
  return support_main(suite);
}
