/* SPDX-License-Identifier: MIT */
/* What has to follow a callback; how it is kept stands in defer.h. The loop's thread. */
#include "wake/defer.h"

#include "wake/hub-state.h"

static_assert(sizeof(((uvchan__deferred_t*)0)->args) == UVCHAN__DEFERRED_ARGS * sizeof(void*),
              "the hub's room for the arguments");

void** uvchan__hub_defer(uvchan__hub_t* hub, uvchan__deferred_func after) {
  int i;

  uvchan__hub_run_deferred(hub);
  uvchan__hub_keep_turning(hub, 1); /* I5; in a turn it does already */
  hub->deferred.after = after;
  for (i = 0; i < UVCHAN__DEFERRED_ARGS; i++) hub->deferred.args[i] = NULL;
  return hub->deferred.args;
}

void uvchan__hub_cancel_deferred(uvchan__hub_t* hub, uvchan__deferred_func after,
                                 const void* first) {
  if (hub->deferred.after == after && hub->deferred.args[0] == first) hub->deferred.after = NULL;
}

/* It is deferred no longer while it is done: that may call back by itself, as what a channel drops
 * does. */
void uvchan__hub_run_deferred(uvchan__hub_t* hub) {
  uvchan__deferred_t deferred;

  if (hub->deferred.after == NULL) return;
  deferred = hub->deferred;
  hub->deferred.after = NULL;
  deferred.after(hub, deferred.args);
}
