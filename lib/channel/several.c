/* SPDX-License-Identifier: MIT */
/* One waiter at several channels at once. Threads and locks: several.h.
 *
 * All channels are marked before any is looked at, and all places are queued before any lock is let
 * go. So that nothing was ready, and that all are queued, is true of one moment. */
#include "channel/several.h"

#include "channel/call.h"
#include "channel/steps.h"

int uvchan__enqueue_at_all(uvchan__waiter_t* waiter, uvchan__place_t* places, size_t nplaces) {
  int ready = 0;
  size_t i;

  for (i = 0; i < nplaces; i++) {
    if (uvchan__is_first_of_channel(places, i)) uvchan__lock_channel(places[i].channel);
    uvchan__mark_for(places[i].channel, places[i].sends);
  }
  for (i = 0; i < nplaces && !ready; i++)
    ready = uvchan__is_ready_locked(places[i].channel, places[i].sends);
  for (i = 0; i < nplaces && !ready; i++) uvchan__enqueue_place(&places[i]);
  if (nplaces == 0) uvchan__begin_waiting(waiter); /* for ever, or until its time is over */
  for (i = 0; i < nplaces; i++) {
    if (!uvchan__is_first_of_channel(places, i)) continue;
    uvchan__update_marks(places[i].channel);
    uvchan__unlock_channel(places[i].channel);
  }
  return !ready;
}

void uvchan__remove_from_all(uvchan__place_t* places, size_t nplaces) {
  size_t i;

  for (i = 0; i < nplaces; i++) uvchan__remove_place(&places[i]);
}
