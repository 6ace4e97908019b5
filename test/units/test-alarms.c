/* SPDX-License-Identifier: MIT */
/* The alarms of a hub: each rings once, in a turn of its loop and not before its time, the earlier
 * one first; one that is taken back does not; and each may be set again where it rings. Times that
 * are past ring at once, and whatever order they were set in, in their own. */
#include "scene.h"
#include "wake/alarms.h"
#include "wake/hub.h"

#define NALARMS 100
#define FAR (UINT64_MAX / 2)

typedef struct {
  uvchan__alarm_t alarm; /* first */
  uint64_t at;
  unsigned int rings;
  unsigned int rang; /* as which of all */
  int again;         /* sets itself so often */
} bell_t;

static bell_t bells[NALARMS];
static unsigned int rung;
static uvchan__hub_t* hub;
static bell_t* taken_back; /* by any that rings, or NULL */

static void ring(uvchan__alarm_t* alarm) {
  bell_t* bell = (bell_t*)alarm;

  must(uv_hrtime() >= bell->at);
  bell->rings++;
  bell->rang = rung++;
  if (taken_back != NULL) uvchan__alarm_cancel(hub, &taken_back->alarm);
  if (bell->again-- > 0) uvchan__alarm_set(hub, alarm, bell->at, ring);
}

static void set(bell_t* bell, uint64_t at) {
  bell->at = at;
  uvchan__alarm_set(hub, &bell->alarm, at, ring);
}

static void alarms_open(void) {
  int i;

  memset(bells, 0, sizeof(bells));
  rung = 0;
  taken_back = NULL;
  must(uvchan__hub_acquire(&scene.loop, &hub) == 0);
  uvchan__hub_ref(hub);
  for (i = 0; i < NALARMS; i++) uvchan__alarm_init(&bells[i].alarm);
}

static void alarms_close(void) {
  uvchan__hub_unref(hub);
  uvchan__hub_release(hub);
  scene_finish();
}

START_TEST(they_ring_in_the_order_of_their_times) {
  uint64_t past = uv_hrtime() - 1000;
  uint32_t random = (uint32_t)_i + 1;
  int i;

  for (i = 0; i < NALARMS; i++) set(&bells[i], past + support_random(&random) % 1000);
  run_until(&scene.loop, rung == NALARMS);
  settle(&scene.loop);
  for (i = 0; i < NALARMS; i++) {
    int k;

    ck_assert_uint_eq(bells[i].rings, 1);
    for (k = 0; k < NALARMS; k++) must(bells[i].rang < bells[k].rang || bells[i].at >= bells[k].at);
    for (k = 0; k < i; k++) /* of the same time, the one that was set first */
      must(bells[k].at != bells[i].at || bells[k].rang < bells[i].rang);
  }
}
END_TEST

START_TEST(one_that_is_taken_back_does_not_ring) {
  uint64_t past = uv_hrtime() - 1000;
  int i;

  for (i = 0; i < NALARMS; i++) set(&bells[i], past + (uint64_t)(i * 7 % NALARMS));
  for (i = _i; i < NALARMS; i += 3) uvchan__alarm_cancel(hub, &bells[i].alarm);
  for (i = _i; i < NALARMS; i += 3) uvchan__alarm_cancel(hub, &bells[i].alarm); /* it is not set */
  run_until(&scene.loop, rung == NALARMS - (unsigned int)(NALARMS - _i + 2) / 3);
  settle(&scene.loop);
  for (i = 0; i < NALARMS; i++) ck_assert_uint_eq(bells[i].rings, i % 3 == _i ? 0 : 1);
}
END_TEST

/* The first is far away, and the timer set for it: one before it rings all the same. */
START_TEST(an_earlier_one_goes_before) {
  set(&bells[0], FAR);
  settle(&scene.loop);
  set(&bells[1], uv_hrtime() + 1000000);
  set(&bells[2], FAR - 1);
  run_until(&scene.loop, rung == 1);
  ck_assert_uint_eq(bells[1].rings, 1);
  uvchan__alarm_cancel(hub, &bells[0].alarm);
  set(&bells[1], uv_hrtime() + 1000000);
  run_until(&scene.loop, rung == 2);
  uvchan__alarm_cancel(hub, &bells[2].alarm);
}
END_TEST

/* The timer goes off in vain for the one that was taken back, and is set for the next. */
START_TEST(one_behind_a_cancelled_one_rings) {
  set(&bells[0], uv_hrtime() + 1000000);
  set(&bells[1], uv_hrtime() + 3000000);
  uvchan__alarm_cancel(hub, &bells[0].alarm);
  run_until(&scene.loop, rung == 1);
  ck_assert_uint_eq(bells[0].rings, 0);
}
END_TEST

START_TEST(one_that_rings_may_take_back_the_next_and_be_set_again) {
  bells[0].again = 2;
  taken_back = &bells[1];
  set(&bells[0], 1);
  set(&bells[1], 2);
  set(&bells[2], 3);
  run_until(&scene.loop, rung == 4);
  settle(&scene.loop);
  ck_assert_uint_eq(bells[0].rings, 3);
  ck_assert_uint_eq(bells[1].rings, 0);
  ck_assert_uint_eq(bells[2].rings, 1);
  ck_assert_uint_eq(bells[2].rang, 3);
}
END_TEST

/* Who waits for one keeps the loop alive, not the alarm. */
START_TEST(they_keep_no_loop_alive) {
  set(&bells[0], FAR);
  settle(&scene.loop);
  uvchan__hub_unref(hub);
  ck_assert(!uv_loop_alive(&scene.loop));
  uvchan__hub_ref(hub);
  uvchan__alarm_cancel(hub, &bells[0].alarm);
}
END_TEST

int main(void) {
  Suite* suite = suite_create("alarms");
  TCase* tcase = scene_tcase(suite, "alarms");

  tcase_add_checked_fixture(tcase, alarms_open, alarms_close);
  tcase_add_loop_test(tcase, they_ring_in_the_order_of_their_times, 0, 10);
  tcase_add_loop_test(tcase, one_that_is_taken_back_does_not_ring, 0, 3);
  tcase_add_test(tcase, an_earlier_one_goes_before);
  tcase_add_test(tcase, one_behind_a_cancelled_one_rings);
  tcase_add_test(tcase, one_that_rings_may_take_back_the_next_and_be_set_again);
  tcase_add_test(tcase, they_keep_no_loop_alive);
  return support_main(suite);
}
