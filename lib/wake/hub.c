/* SPDX-License-Identifier: MIT */
/* A hub's life. The loop's thread, but the registry is everyone's, under its lock. Invariants:
 * hub-state.h. */
#include "wake/hub.h"

#include <string.h>

#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/platform.h"
#include "ground/tuning.h"
#include "wake/closing.h"
#include "wake/hub-state.h"
#include "wake/turns.h"

void* uvchan__hub_scratch(uvchan__hub_t* hub) { return hub->scratch; }

/* ---- The registry ---------------------------------------------------------------------------- */

static uvchan__hub_t** bucket_of(uvchan__registry_t* registry, const uv_loop_t* loop) {
  return &registry->buckets[((uintptr_t)loop >> 6) % UVCHAN__HUB_BUCKETS];
}

static void register_hub(uvchan__hub_t* hub) {
  uvchan__hub_t** bucket = bucket_of(hub->home, hub->loop);

  uvchan__lock(&hub->home->lock);
  hub->next = *bucket;
  *bucket = hub;
  uvchan__unlock(&hub->home->lock);
}

/* The last user may be in another copy of the library than the first. */
static void unregister_hub(uvchan__hub_t* hub) {
  uvchan__hub_t** at = bucket_of(hub->home, hub->loop);

  uvchan__lock(&hub->home->lock);
  while (*at != hub) at = &(*at)->next;
  *at = hub->next;
  uvchan__unlock(&hub->home->lock);
}

/* The loop's hub, or NULL; one whose handles a stranger closed serves its present users only. It
 * stays listed for them: see fork.c. */
static uvchan__hub_t* find_hub(const uv_loop_t* loop) {
  uvchan__hub_t* hub;

  uvchan__lock(&uvchan__registry.lock);
  hub = *bucket_of(&uvchan__registry, loop);
  while (hub != NULL && (hub->loop != loop || uvchan__hub_is_dead(hub))) hub = hub->next;
  uvchan__unlock(&uvchan__registry.lock);
  return hub;
}

/* ---- The first user, and the last ------------------------------------------------------------ */

/* uv_async_init() alone can fail, and comes before all that would have to be closed. */
static int init_handles(uvchan__hub_t* hub, uv_loop_t* loop) {
  int r = uv_async_init(loop, hub->async, uvchan__hub_on_async);

  if (r != 0) return r;
  uv_prepare_init(loop, &hub->prepare);
  uv_check_init(loop, &hub->check);
  uv_idle_init(loop, &hub->idle);
  uv_timer_init(loop, &hub->timer);
  uv_prepare_start(&hub->prepare, uvchan__hub_on_prepare);
  uv_check_start(&hub->check, uvchan__hub_on_check);
  uv_unref((uv_handle_t*)hub->async);
  uv_unref((uv_handle_t*)&hub->prepare);
  uv_unref((uv_handle_t*)&hub->check);
  uv_unref((uv_handle_t*)&hub->idle);
  uv_unref((uv_handle_t*)&hub->timer);
  hub->async->data = hub->prepare.data = hub->check.data = hub->idle.data = hub->timer.data = hub;
  hub->awake = 1;
  /* the loop may be past its prepare phase already, and about to block: so its first turn does
   * not */
  uvchan__hub_keep_turning(hub, 1);
  return 0;
}

static int make_hub(uv_loop_t* loop, uvchan__hub_t** made) {
  uvchan__hub_t* hub = uvchan__malloc(sizeof(*hub) + UVCHAN__SCRATCH_BYTES);
  int r;

  if (hub == NULL) return UV_ENOMEM;
  memset(hub, 0, sizeof(*hub));
  hub->loop = loop;
  hub->home = &uvchan__registry;
  hub->async = &hub->asyncs[0];
  uvchan__list_init(&hub->ready);
  uvchan__list_init(&hub->turn);
  hub->thread = uvchan__this_thread();
  atomic_init(&hub->references, 1);
  r = init_handles(hub, loop);
  if (r != 0) {
    uvchan__free(hub);
    return r;
  }
  register_hub(hub);
  *made = hub;
  return 0;
}

int uvchan__hub_acquire(uv_loop_t* loop, uvchan__hub_t** hub) {
  uvchan__hub_t* found = find_hub(loop);

  if (found == NULL) {
    int r = make_hub(loop, &found);
    if (r != 0) return r;
  }
  found->users++;
  *hub = found;
  return 0;
}

static void on_closed(uv_handle_t* handle) { uvchan__hub_give_back(handle->data, 1); }

/* Closes the handle, which holds a reference until then. Answers 1 where a stranger is closing it,
 * who takes no callback. */
static int close_handle(uvchan__hub_t* hub, uv_handle_t* handle) {
  if (uvchan__handle_is_closed(handle)) return 0;
  if (uv_is_closing(handle)) return 1;
  /* relaxed: the loop's own reference is still there */
  atomic_fetch_add_explicit(&hub->references, 1, memory_order_relaxed);
  uv_close(handle, on_closed);
  return 0;
}

/* The last user's goes in this order: out of the registry, so that nobody finds it any more, a fork
 * neither; then `closed`, so that no wake-up that is still pending writes to it (I4); then the
 * handles. The users' own reference goes last, at once or, where a stranger's handles are in the
 * hub's memory until libuv has closed them, after that. */
void uvchan__hub_release(uvchan__hub_t* hub) {
  int by_stranger = 0;

  if (--hub->users > 0) return;
  unregister_hub(hub);
  uvchan__lock(&hub->wake_lock);
  hub->closed = 1;
  uvchan__unlock(&hub->wake_lock);
  by_stranger += close_handle(hub, (uv_handle_t*)hub->async);
  by_stranger += close_handle(hub, (uv_handle_t*)&hub->prepare);
  by_stranger += close_handle(hub, (uv_handle_t*)&hub->check);
  by_stranger += close_handle(hub, (uv_handle_t*)&hub->idle);
  by_stranger += close_handle(hub, (uv_handle_t*)&hub->timer);
  if (by_stranger == 0) {
    uvchan__hub_give_back(hub, 1);
  } else {
    hub->later.idle.data = hub;
    uvchan__after_closing(hub->loop, &hub->later, on_closed);
  }
}

/* ---- What its users ask for ------------------------------------------------------------------ */

/* By the prepare handle, which is always active and which no other thread looks at. */
void uvchan__hub_ref(uvchan__hub_t* hub) {
  if (hub->loop_refs++ == 0 && !uv_is_closing((uv_handle_t*)&hub->prepare))
    uv_ref((uv_handle_t*)&hub->prepare);
}

void uvchan__hub_unref(uvchan__hub_t* hub) {
  if (--hub->loop_refs == 0 && !uv_is_closing((uv_handle_t*)&hub->prepare))
    uv_unref((uv_handle_t*)&hub->prepare);
}

int uvchan__hub_is_deserted(const uvchan__hub_t* hub) { return uvchan__hub_is_dead(hub); }

/* Called back at once, cb stands within whatever callback this call comes from, and that one's
 * deferred is not yet to be done: so it is put aside, for cb may defer by itself, which would run
 * it. Where nothing was deferred, cb may be the end of the hub, and the hub is not touched after
 * it; where something was, the one who deferred it is still a user of the hub, which is there. */
void uvchan__hub_later(uvchan__hub_t* hub, uv_loop_t* loop, uv_idle_t* handle, uv_close_cb cb) {
  uvchan__deferred_t around;

  if (!uvchan__hub_is_gone(hub)) {
    uvchan__later(loop, handle, cb);
    return;
  }
  around = hub->deferred;
  hub->deferred.after = NULL;
  cb((uv_handle_t*)handle);
  if (around.after != NULL) hub->deferred = around;
}
