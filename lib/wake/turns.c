/* SPDX-License-Identifier: MIT */
/* A loop's turn; what it consists of stands in turns.h. Whether the last turn ran something, and
 * whether others wait for theirs, are hints: wrong without harm. */
#include "wake/turns.h"

#include "ground/backoff.h"
#include "ground/lock.h"
#include "ground/tuning.h"
#include "wake/defer.h"
#include "wake/fork.h"
#include "wake/hub-state.h"

/* The loop's side of I3, one step under the lock: either the list is empty, awake is cleared, and
 * whoever lists next finds it so and wakes the loop; or awake is set, and the idle handle is active
 * before the poll. turn_on: where it stays awake with an empty list too. */
static void look(uvchan__hub_t* hub, int before_poll, int turn_on) {
  uvchan__lock(&hub->lock);
  hub->thread = uvchan__this_thread();
  hub->has_run = 1;
  turn_on |= !uvchan__list_is_empty(&hub->ready);
  hub->awake = (unsigned char)turn_on;
  hub->around_poll = (unsigned char)before_poll;
  uvchan__unlock(&hub->lock);
  uvchan__hub_keep_turning(hub, turn_on);
}

/* What has not run goes in front of what was listed meanwhile. */
static void end_turn(uvchan__hub_t* hub) {
  if (uvchan__list_is_empty(&hub->turn)) return;
  uvchan__lock(&hub->lock);
  uvchan__list_move(&hub->turn, &hub->ready);
  uvchan__unlock(&hub->lock);
}

/* What had to follow a callback that was left is done here. */
void uvchan__hub_on_prepare(uv_prepare_t* prepare) {
  uvchan__hub_t* hub = prepare->data;

  end_turn(hub);
  uvchan__hub_run_deferred(hub);
  if (UVCHAN__RARELY(hub->is_inherited)) uvchan__hub_replace_async(hub);
  look(hub, 1, hub->is_inherited);
}

int uvchan__hub_is_in_demand(uvchan__hub_t* hub) {
  int others = !uvchan__list_is_empty(&hub->turn);

  if (others) return 1;
  uvchan__lock(&hub->lock);
  others = !uvchan__list_is_empty(&hub->ready);
  uvchan__unlock(&hub->lock);
  return others;
}

/* The entry is no longer posted before it runs: so who posts it from here on lists it anew, and who
 * found it posted before has done what the run is to see. [posted.A] with [posted.R] in posts.c. */
static unsigned int run_first(uvchan__hub_t* hub) {
  uvchan__entry_t* entry = hub->turn.next;

  uvchan__list_remove(entry);
  uvchan__step();
  atomic_exchange_explicit(uvchan__atomic(&entry->posted), 0, memory_order_acq_rel);
  return entry->run(entry);
}

/* Whether to stay awake until the next prepare, which takes the idle handle back before the poll:
 * then what the callbacks in between send, those of timers above all, costs no write. uv_run() goes
 * on to that prepare at once, but a program that polls by itself makes a turn for it: so only where
 * this turn ran entries, or the one before, whose values may have led to what ended this one's
 * poll. A hint: whoever posts to a hub that is not awake wakes it. */
static int stays_awake(uvchan__hub_t* hub, int has_run_some) {
  int stays = has_run_some || hub->ran_some;

  hub->ran_some = has_run_some;
  return stays;
}

/* Runs what is ready now, not what becomes ready meanwhile: that waits for the next turn, as does
 * what is beyond UVCHAN__TURN_VALUES. */
void uvchan__hub_on_check(uv_check_t* check) {
  uvchan__hub_t* hub = check->data;
  unsigned int values = 0;
  int some;

  uvchan__lock(&hub->lock);
  hub->thread = uvchan__this_thread();
  hub->has_run = 1;
  hub->awake = 1; /* I2: look() comes after the last entry */
  uvchan__list_move(&hub->ready, &hub->turn);
  uvchan__unlock(&hub->lock);
  some = !uvchan__list_is_empty(&hub->turn);
  if (some) uvchan__hub_keep_turning(hub, 1); /* I5 */
  while (values < UVCHAN__TURN_VALUES && !uvchan__list_is_empty(&hub->turn)) {
    values += run_first(hub);
  }
  end_turn(hub);
  look(hub, 0, stays_awake(hub, some));
}
