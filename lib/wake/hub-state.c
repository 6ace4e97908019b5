/* SPDX-License-Identifier: MIT */
/* The steps that the rooms of a hub share. Threads and invariants: its header. */
#include "wake/hub-state.h"

#include "ground/backoff.h"
#include "ground/memory.h"
#include "ground/platform.h"

uvchan__registry_t uvchan__registry;

uint64_t uvchan__this_thread(void) {
  static _Atomic uint64_t threads;
  static _Thread_local uint64_t number;

  /* relaxed: nothing but distinct */
  if (number == 0) number = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) + 1;
  return number;
}

int uvchan__hub_is_on_this_thread(const uvchan__hub_t* hub) {
  return hub->home == &uvchan__registry && hub->thread == uvchan__this_thread();
}

/* that it is active keeps the poll from blocking */
static void on_idle(uv_idle_t* idle) { (void)idle; }

void uvchan__hub_keep_turning(uvchan__hub_t* hub, int on) {
  if (hub->is_turning == on || uv_is_closing((uv_handle_t*)&hub->idle)) return;
  hub->is_turning = on;
  if (on) {
    uv_idle_start(&hub->idle, on_idle);
  } else {
    uv_idle_stop(&hub->idle);
  }
}

/* it has ended the poll; check does the rest */
void uvchan__hub_on_async(uv_async_t* async) { (void)async; }

int uvchan__hub_is_dead(const uvchan__hub_t* hub) {
  return uv_is_closing((const uv_handle_t*)hub->async) ||
         uv_is_closing((const uv_handle_t*)&hub->prepare) ||
         uv_is_closing((const uv_handle_t*)&hub->check) ||
         uv_is_closing((const uv_handle_t*)&hub->idle) ||
         uv_is_closing((const uv_handle_t*)&hub->timer);
}

int uvchan__hub_is_gone(const uvchan__hub_t* hub) {
  return uvchan__handle_is_closed((const uv_handle_t*)hub->async) &&
         uvchan__handle_is_closed((const uv_handle_t*)&hub->prepare) &&
         uvchan__handle_is_closed((const uv_handle_t*)&hub->check) &&
         uvchan__handle_is_closed((const uv_handle_t*)&hub->idle) &&
         uvchan__handle_is_closed((const uv_handle_t*)&hub->timer);
}

/* [references.R] and [references.A]: all use of the hub's memory comes before it is freed. */
void uvchan__hub_give_back(uvchan__hub_t* hub, unsigned int references) {
  uvchan__step();
  if (atomic_fetch_sub_explicit(&hub->references, references, memory_order_acq_rel) == references)
    uvchan__free(hub);
}
