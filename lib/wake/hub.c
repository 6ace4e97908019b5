/* One hub for each loop; what it is and why it loses no wake-up stands in hub.h. */
#include "wake/hub.h"

#include <string.h>

#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/platform.h"
#include "ground/tuning.h"

/* What is owed after the callback that runs, or was left. */
typedef struct {
  uvchan__deferred_func after; /* or NULL */
  void* args[UVCHAN__DEFERRED_ARGS];
} deferred_t;

/* Counts in the upper bits of `references`. */
#define A_WAKER 0x100u

typedef struct registry_s registry_t;

/* What the loop's thread writes at each callback lies apart from what others read and write when
 * they post: between the two is `later`, which nobody touches before the end. Values to 10,000
 * channels at random: 69 ns where they share a line, 51 so. */
struct uvchan__hub_s {
  /* The loop's thread. */
  uvchan__entry_t turn; /* the head of a circular list: what runs in this turn */
  deferred_t deferred;
  uv_loop_t* loop; /* fixed */
  unsigned int users;
  unsigned int loop_refs;
  int is_turning;   /* the idle handle is active */
  int ran_some;     /* the last turn ran entries */
  int is_inherited; /* by a child of fork(), in which it has had no turn yet */
  int is_replaced;  /* the other async handle is closing */
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;
  uvchan__later_t later;
  registry_t* home; /* fixed: of the copy of the library that made it */
  /* Under the lock of its registry. */
  uvchan__hub_t* next;
  /* Under lock. */
  uvchan__entry_t ready; /* the head of a circular list */
  /* that last ran the loop; before the first turn, the one that made the hub */
  uint64_t thread;
  atomic_uint lock;
  unsigned char has_run;
  unsigned char around_poll; /* between prepare and check: that thread is in the loop for certain */
  unsigned char awake;
  unsigned char wake_pending; /* it stands in somebody's list of wake-ups */
  uvchan__hub_t* wake_next;   /* of the one in whose list it stands */
  /* Atomic: see I4. */
  atomic_uint references; /* and A_WAKER for each wake-up that was decided on */
  /* Under wake_lock. */
  atomic_uint wake_lock;
  int closed;
  uv_async_t* async;    /* changed by the loop's thread */
  uv_async_t asyncs[2]; /* the second one is for a child of fork(), and there in turn */
  union {
    max_align_t aligned;
    unsigned char bytes[UVCHAN__SCRATCH_BYTES];
  } scratch;
};

/* All hubs that this copy of the library has made, by the address of their loop. A process may have
 * several copies, a program's and those of its plugins: each has hubs of its own, also on one
 * loop. */
static struct registry_s {
  atomic_uint lock;
  uvchan__hub_t* buckets[UVCHAN__HUB_BUCKETS];
} registry;

/* A number for the calling thread, never 0 and never used again: libuv's may come back once a
 * thread has ended. Each copy of the library counts for itself, so a number says nothing in another
 * one. */
static uint64_t this_thread(void) {
  static _Atomic uint64_t threads;
  static _Thread_local uint64_t number;

  /* relaxed: nothing but distinct */
  if (number == 0) number = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) + 1;
  return number;
}

/* With the lock: whether the calling thread has last run the loop. In another copy's call it is not
 * known, and 0: then the loop is woken, needlessly at worst. */
static int is_on_this_thread(const uvchan__hub_t* hub) {
  return hub->home == &registry && hub->thread == this_thread();
}

static uvchan__hub_t** bucket_of(registry_t* home, const uv_loop_t* loop) {
  return &home->buckets[((uintptr_t)loop >> 6) % UVCHAN__HUB_BUCKETS];
}

void uvchan__later(uv_loop_t* loop, uv_idle_t* handle, uv_close_cb cb) {
  uv_idle_init(loop, handle);
  uv_close((uv_handle_t*)handle, cb);
}

static void on_next_turn(uv_idle_t* idle) {
  uv_close((uv_handle_t*)idle, ((uvchan__later_t*)idle)->done);
}

/* Where the next closing phase is a later one, waiting for that keeps clear of strangers; else a
 * whole turn has to come between. */
static void on_this_closing_phase(uv_handle_t* handle) {
  uvchan__later_t* later = (uvchan__later_t*)handle;

  if (UVCHAN__CLOSING_PHASE_ENDS) {
    uvchan__later(handle->loop, &later->idle, later->done);
  } else {
    uv_idle_init(handle->loop, &later->idle);
    uv_idle_start(&later->idle, on_next_turn);
  }
}

void uvchan__after_closing(uv_loop_t* loop, uvchan__later_t* later, uv_close_cb done) {
  later->done = done;
  uvchan__later(loop, &later->idle, on_this_closing_phase);
}

void* uvchan__hub_scratch(uvchan__hub_t* hub) { return hub->scratch.bytes; }

/* ---- Circular lists of entries --------------------------------------------------------------- */

static void init_list(uvchan__entry_t* list) { list->next = list->prev = list; }

static int is_empty(const uvchan__entry_t* list) { return list->next == list; }

static void unlink_entry(uvchan__entry_t* entry) {
  entry->prev->next = entry->next;
  entry->next->prev = entry->prev;
  entry->next = entry->prev = NULL;
}

static void append_entry(uvchan__entry_t* list, uvchan__entry_t* entry) {
  entry->prev = list->prev;
  entry->next = list;
  entry->prev->next = entry;
  list->prev = entry;
}

/* Moves all of `from` in front of what is in `to`. */
static void move_entries(uvchan__entry_t* from, uvchan__entry_t* to) {
  if (is_empty(from)) return;
  from->prev->next = to->next;
  to->next->prev = from->prev;
  to->next = from->next;
  to->next->prev = to;
  init_list(from);
}

/* ---- Turns: the loop's thread ---------------------------------------------------------------- */

/* it has ended the poll; check does the rest */
static void on_async(uv_async_t* async) { (void)async; }

/* that it is active keeps the poll from blocking */
static void on_idle(uv_idle_t* idle) { (void)idle; }

static void keep_turning(uvchan__hub_t* hub, int on) {
  /* by a stranger, or by hub_release() */
  if (hub->is_turning == on || uv_is_closing((uv_handle_t*)&hub->idle)) return;
  hub->is_turning = on;
  if (on) {
    uv_idle_start(&hub->idle, on_idle);
  } else {
    uv_idle_stop(&hub->idle);
  }
}

static void replace_async(uvchan__hub_t* hub);

/* After this either the list was empty under the lock, and whoever lists next does what I3 says, or
 * the loop turns on. */
static void look(uvchan__hub_t* hub, int before_poll, int turn_on) {
  uvchan__lock(&hub->lock);
  hub->thread = this_thread();
  hub->has_run = 1;
  turn_on |= !is_empty(&hub->ready);
  hub->awake = (unsigned char)turn_on;
  hub->around_poll = (unsigned char)before_poll;
  uvchan__unlock(&hub->lock);
  keep_turning(hub, turn_on);
}

static void end_turn(uvchan__hub_t* hub) {
  if (is_empty(&hub->turn)) return;
  uvchan__lock(&hub->lock);
  move_entries(&hub->turn, &hub->ready);
  uvchan__unlock(&hub->lock);
}

/* What had to follow a callback that was left is done here. */
static void on_prepare(uv_prepare_t* prepare) {
  uvchan__hub_t* hub = prepare->data;

  end_turn(hub);
  uvchan__hub_run_deferred(hub);
  if (UVCHAN__RARELY(hub->is_inherited)) replace_async(hub);
  look(hub, 1, hub->is_inherited);
}

int uvchan__hub_is_in_demand(uvchan__hub_t* hub) {
  int others = !is_empty(&hub->turn);

  if (others) return 1;
  uvchan__lock(&hub->lock);
  others = !is_empty(&hub->ready);
  uvchan__unlock(&hub->lock);
  return others;
}

/* The entry is no longer posted before it runs: so who posts it from here on lists it anew, and who
 * found it posted before has done what the run is to see. [posted.A] with [posted.R] in
 * uvchan__hub_post(). */
static unsigned int run_first(uvchan__hub_t* hub) {
  uvchan__entry_t* entry = hub->turn.next;

  unlink_entry(entry);
  uvchan__step();
  atomic_exchange_explicit(uvchan__atomic(&entry->posted), 0, memory_order_acq_rel);
  return entry->run(entry);
}

/* Whether to stay awake until the next prepare, which takes the idle handle back before the poll:
 * then what the callbacks in between send, those of timers above all, costs no write. uv_run() goes
 * on to that prepare at once, but a program that polls by itself makes a turn for it: so only where
 * this turn ran entries, or the one before, whose values may have led to what ended this one's
 * poll. */
static int stays_awake(uvchan__hub_t* hub, int has_run_some) {
  int stays = has_run_some || hub->ran_some;

  hub->ran_some = has_run_some;
  return stays;
}

/* Runs what is ready now, not what becomes ready meanwhile: that waits for the next turn, as does
 * what is beyond UVCHAN__TURN_VALUES. */
static void on_check(uv_check_t* check) {
  uvchan__hub_t* hub = check->data;
  unsigned int values = 0;
  int some;

  uvchan__lock(&hub->lock);
  hub->thread = this_thread();
  hub->has_run = 1;
  hub->awake = 1; /* I2: look() comes after the last entry */
  move_entries(&hub->ready, &hub->turn);
  uvchan__unlock(&hub->lock);
  some = !is_empty(&hub->turn);
  if (some) keep_turning(hub, 1); /* I5 */
  while (values < UVCHAN__TURN_VALUES && !is_empty(&hub->turn)) values += run_first(hub);
  end_turn(hub);
  look(hub, 0, stays_awake(hub, some));
}

void** uvchan__hub_defer(uvchan__hub_t* hub, uvchan__deferred_func after) {
  int i;

  uvchan__hub_run_deferred(hub);
  keep_turning(hub, 1); /* I5; in a turn it does already */
  hub->deferred.after = after;
  for (i = 0; i < UVCHAN__DEFERRED_ARGS; i++) hub->deferred.args[i] = NULL;
  return hub->deferred.args;
}

void uvchan__hub_cancel_deferred(uvchan__hub_t* hub, uvchan__deferred_func after,
                                 const void* first) {
  if (hub->deferred.after == after && hub->deferred.args[0] == first) hub->deferred.after = NULL;
}

/* It is owed no longer while it is done: that may call back by itself, as what a channel drops
 * does. */
void uvchan__hub_run_deferred(uvchan__hub_t* hub) {
  deferred_t deferred;

  if (hub->deferred.after == NULL) return;
  deferred = hub->deferred;
  hub->deferred.after = NULL;
  deferred.after(hub, deferred.args);
}

/* ---- Its life: the loop's thread ------------------------------------------------------------- */

int uvchan__hub_is_dead(const uvchan__hub_t* hub) {
  return uv_is_closing((const uv_handle_t*)hub->async) ||
         uv_is_closing((const uv_handle_t*)&hub->prepare) ||
         uv_is_closing((const uv_handle_t*)&hub->check) ||
         uv_is_closing((const uv_handle_t*)&hub->idle);
}

int uvchan__hub_is_gone(const uvchan__hub_t* hub) {
  return uvchan__handle_is_closed((const uv_handle_t*)hub->async) &&
         uvchan__handle_is_closed((const uv_handle_t*)&hub->prepare) &&
         uvchan__handle_is_closed((const uv_handle_t*)&hub->check) &&
         uvchan__handle_is_closed((const uv_handle_t*)&hub->idle);
}

/* The debt of a callback around this one is kept meanwhile. Where there is none, cb may be the end
 * of the hub; where there is one, its debtor is a user of the hub. */
void uvchan__hub_later(uvchan__hub_t* hub, uv_loop_t* loop, uv_idle_t* handle, uv_close_cb cb) {
  deferred_t around;

  if (!uvchan__hub_is_gone(hub)) {
    uvchan__later(loop, handle, cb);
    return;
  }
  around = hub->deferred;
  hub->deferred.after = NULL;
  cb((uv_handle_t*)handle);
  if (around.after != NULL) hub->deferred = around;
}

static void unlink_locked(uvchan__hub_t* hub) {
  uvchan__hub_t** at;

  for (at = bucket_of(hub->home, hub->loop); *at != NULL; at = &(*at)->next) {
    if (*at != hub) continue;
    *at = hub->next;
    return;
  }
}

/* The loop's hub, or NULL; one whose handles a stranger closed serves its present users only. It
 * stays listed for them: see fork. */
static uvchan__hub_t* find_locked(const uv_loop_t* loop) {
  uvchan__hub_t* hub;

  for (hub = *bucket_of(&registry, loop); hub != NULL; hub = hub->next) {
    if (hub->loop == loop && !uvchan__hub_is_dead(hub)) return hub;
  }
  return NULL;
}

/* uv_async_init() alone can fail, and comes before all that would have to be closed. */
static int init_handles(uvchan__hub_t* hub, uv_loop_t* loop) {
  int r = uv_async_init(loop, hub->async, on_async);

  if (r != 0) return r;
  uv_prepare_init(loop, &hub->prepare);
  uv_check_init(loop, &hub->check);
  uv_idle_init(loop, &hub->idle);
  uv_prepare_start(&hub->prepare, on_prepare);
  uv_check_start(&hub->check, on_check);
  uv_unref((uv_handle_t*)hub->async);
  uv_unref((uv_handle_t*)&hub->prepare);
  uv_unref((uv_handle_t*)&hub->check);
  uv_unref((uv_handle_t*)&hub->idle);
  hub->async->data = hub->prepare.data = hub->check.data = hub->idle.data = hub;
  hub->awake = 1;
  /* the loop may be past its prepare phase already, and about to block: so its first turn does
   * not */
  keep_turning(hub, 1);
  return 0;
}

static int make(uv_loop_t* loop, uvchan__hub_t** made) {
  uvchan__hub_t* hub = uvchan__malloc(sizeof(*hub));
  int r;

  if (hub == NULL) return UV_ENOMEM;
  memset(hub, 0, offsetof(uvchan__hub_t, scratch));
  hub->loop = loop;
  hub->home = &registry;
  hub->async = &hub->asyncs[0];
  init_list(&hub->ready);
  init_list(&hub->turn);
  hub->thread = this_thread();
  atomic_init(&hub->references, 1);
  r = init_handles(hub, loop);
  if (r != 0) {
    uvchan__free(hub);
    return r;
  }
  uvchan__lock(&registry.lock);
  hub->next = *bucket_of(&registry, loop);
  *bucket_of(&registry, loop) = hub;
  uvchan__unlock(&registry.lock);
  *made = hub;
  return 0;
}

int uvchan__hub_acquire(uv_loop_t* loop, uvchan__hub_t** hub) {
  uvchan__hub_t* found;

  uvchan__lock(&registry.lock);
  found = find_locked(loop);
  uvchan__unlock(&registry.lock);
  if (found == NULL) {
    int r = make(loop, &found);
    if (r != 0) return r;
  }
  found->users++;
  *hub = found;
  return 0;
}

/* [references.R] and [references.A]: all use of the hub's memory comes before it is freed. */
static void give_back(uvchan__hub_t* hub, unsigned int references) {
  uvchan__step();
  if (atomic_fetch_sub_explicit(&hub->references, references, memory_order_acq_rel) == references)
    uvchan__free(hub);
}

static void release_memory(uvchan__hub_t* hub) { give_back(hub, 1); }

static void on_closed(uv_handle_t* handle) { release_memory(handle->data); }

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

void uvchan__hub_release(uvchan__hub_t* hub) {
  int by_stranger = 0;

  if (--hub->users > 0) return;
  uvchan__lock(&hub->home->lock); /* the last user may be in another copy than the first */
  unlink_locked(hub);
  uvchan__unlock(&hub->home->lock);
  uvchan__lock(&hub->wake_lock);
  hub->closed = 1;
  uvchan__unlock(&hub->wake_lock);
  by_stranger += close_handle(hub, (uv_handle_t*)hub->async);
  by_stranger += close_handle(hub, (uv_handle_t*)&hub->prepare);
  by_stranger += close_handle(hub, (uv_handle_t*)&hub->check);
  by_stranger += close_handle(hub, (uv_handle_t*)&hub->idle);
  if (by_stranger == 0) {
    release_memory(hub);
  } else {
    hub->later.idle.data = hub;
    uvchan__after_closing(hub->loop, &hub->later, on_closed);
  }
}

/* By the prepare handle, which is always active and which no other thread looks at. */
void uvchan__hub_ref(uvchan__hub_t* hub) {
  if (hub->loop_refs++ == 0 && !uv_is_closing((uv_handle_t*)&hub->prepare))
    uv_ref((uv_handle_t*)&hub->prepare);
}

void uvchan__hub_unref(uvchan__hub_t* hub) {
  if (--hub->loop_refs == 0 && !uv_is_closing((uv_handle_t*)&hub->prepare))
    uv_unref((uv_handle_t*)&hub->prepare);
}

/* ---- Wake-ups: any thread -------------------------------------------------------------------- */

static void demand_wake_locked(uvchan__hub_t* hub, uvchan__hub_t** wakes) {
  hub->awake = 1;
  if (hub->wake_pending) return; /* the one in whose list it stands has still to wake it */
  hub->wake_pending = 1;
  /* relaxed: the lock orders it against the loop's own */
  atomic_fetch_add_explicit(&hub->references, A_WAKER, memory_order_relaxed);
  hub->wake_next = *wakes;
  *wakes = hub;
}

/* [posted.R] with [posted.A] in run_first(): whoever finds it posted is followed by its run. */
static int is_posted(uvchan__entry_t* entry) {
  uvchan__step();
  return atomic_exchange_explicit(uvchan__atomic(&entry->posted), 1, memory_order_acq_rel) != 0;
}

unsigned int uvchan__hub_post(uvchan__hub_t* hub, uvchan__entry_t* entry, uvchan__hub_t** wakes) {
  unsigned int asleep = 0;
  int turn_on = 0;

  if (is_posted(entry)) return 0;
  uvchan__lock(&hub->lock);
  append_entry(&hub->ready, entry);
  if (!hub->awake) {
    int here = is_on_this_thread(hub);

    turn_on = here && hub->around_poll;
    if (turn_on) {
      hub->awake = 1;
    } else {
      asleep = !here && !hub->wake_pending;
      demand_wake_locked(hub, wakes);
    }
  }
  uvchan__unlock(&hub->lock);
  if (turn_on) keep_turning(hub, 1);
  return asleep;
}

void uvchan__hub_post_here(uvchan__hub_t* hub, uvchan__entry_t* entry) {
  int turn_on;

  if (is_posted(entry)) return;
  uvchan__lock(&hub->lock);
  append_entry(&hub->ready, entry);
  turn_on = !hub->awake;
  hub->awake = 1;
  uvchan__unlock(&hub->lock);
  if (turn_on) keep_turning(hub, 1);
}

int uvchan__hub_unpost(uvchan__hub_t* hub, uvchan__entry_t* entry) {
  int listed;

  uvchan__lock(&hub->lock);
  listed = entry->next != NULL;
  if (listed) {
    unlink_entry(entry);
    /* relaxed: nobody posts what is withdrawn */
    atomic_store_explicit(uvchan__atomic(&entry->posted), 0, memory_order_relaxed);
  }
  uvchan__unlock(&hub->lock);
  return listed;
}

static int is_listed(uvchan__hub_t* hub, const uvchan__entry_t* entry) {
  int listed;

  uvchan__lock(&hub->lock);
  listed = entry->next != NULL;
  uvchan__unlock(&hub->lock);
  return listed;
}

void uvchan__hub_await_post(uvchan__hub_t* hub, const uvchan__entry_t* entry) {
  unsigned int round = 0;

  while (!is_listed(hub, entry)) uvchan__relax(&round);
}

/* waking is cleared before the write: who finds it cleared puts the hub in a list of his own and
 * writes once more. */
static void wake(uvchan__hub_t* hub) {
  int before = uvchan__hold_cancellation();

  uvchan__lock(&hub->lock);
  hub->wake_pending = 0;
  uvchan__unlock(&hub->lock);
  uvchan__lock(&hub->wake_lock);
  if (!hub->closed && !uv_is_closing((uv_handle_t*)hub->async)) uv_async_send(hub->async);
  uvchan__unlock(&hub->wake_lock);
  uvchan__let_cancellation(before);
  give_back(hub, A_WAKER);
}

void uvchan__hub_wake_all(uvchan__hub_t* wakes) {
  while (wakes != NULL) {
    uvchan__hub_t* next = wakes->wake_next;

    wake(wakes);
    wakes = next;
  }
}

unsigned int uvchan__hub_is_asleep(uvchan__hub_t* hub) {
  unsigned int asleep;

  uvchan__lock(&hub->lock);
  asleep = !hub->awake && !is_on_this_thread(hub);
  uvchan__unlock(&hub->lock);
  return asleep;
}

int uvchan__hub_runs_here(uvchan__hub_t* hub) {
  int here;

  uvchan__lock(&hub->lock);
  here = hub->has_run && is_on_this_thread(hub);
  uvchan__unlock(&hub->lock);
  return here;
}

/* ---- Fork ------------------------------------------------------------------------------------ */

#if UVCHAN__FORKS

/* A child has the thread that forked alone, and of the others what they left in memory: a lock that
 * one of them held would be held for ever. So nobody is inside of a lock of this file at a fork:
 *
 *      the thread that forks                        another thread
 *      takes the registry's lock,                   makes or ends a hub: the registry's lock, and no other under it
 *      each hub's lock, its wake_lock               posts, looks: a hub's lock, and no other under it
 *      forks                                        writes: a wake_lock, and no other under it
 *      gives them back, in both processes
 *
 * Who holds one of them waits for no other one: so the thread that forks gets them all, in whatever
 * order. It waits with them held for what other handlers of the program's wait for that run after
 * this one, which are those that were registered before the library was loaded; none of theirs may
 * wait for a thread that is in a call of the library. It is in none itself: nothing of the user's
 * runs, and no memory is asked for, between a post and its wake-up.
 *
 * A hub that is registered no more has no users, and nobody in the child takes its locks again. */
static void hold_all(void) {
  uvchan__hub_t* hub;
  size_t i;

  uvchan__lock(&registry.lock);
  for (i = 0; i < UVCHAN__HUB_BUCKETS; i++) {
    for (hub = registry.buckets[i]; hub != NULL; hub = hub->next) {
      uvchan__lock(&hub->lock);
      uvchan__lock(&hub->wake_lock);
    }
  }
}

static void unlock_hub(uvchan__hub_t* hub) {
  uvchan__unlock(&hub->wake_lock);
  uvchan__unlock(&hub->lock);
}

/* With all locks, in the child. The list is whole. Wake-ups that other threads had decided on will
 * not be carried out, and what was written to the descriptor is not seen, for uv_loop_fork() makes
 * another one. Nothing of that is needed: a loop comes to the hub's prepare before it polls; where
 * the thread that forked is past that, which it alone can be, the idle handle is active instead. So
 * the hub is awake in the sense of I2 until its first turn, and nobody in the child writes to a
 * descriptor that is still the parent's. */
static void inherit(uvchan__hub_t* hub) {
  int here = hub->thread == this_thread();

  hub->wake_pending = 0;
  atomic_store_explicit(&hub->references,
                        atomic_load_explicit(&hub->references, memory_order_relaxed) % A_WAKER,
                        memory_order_relaxed); /* relaxed: no other thread is there */
  if (!here) {
    hub->thread = 0;
    hub->has_run = 0;
    hub->around_poll = 0;
  }
  hub->is_inherited = 1;
  hub->awake = 1;
  if (here) keep_turning(hub, 1);
}

static void go_on(void (*with)(uvchan__hub_t* hub)) {
  uvchan__hub_t* hub;
  size_t i;

  for (i = 0; i < UVCHAN__HUB_BUCKETS; i++) {
    for (hub = registry.buckets[i]; hub != NULL; hub = hub->next) {
      if (with != NULL) with(hub);
      unlock_hub(hub);
    }
  }
  uvchan__unlock(&registry.lock);
}

static void go_on_in_parent(void) { go_on(NULL); }

static void go_on_in_child(void) { go_on(inherit); }

UVCHAN__AT_LOAD static void provide_for_fork(void) {
  uvchan__at_fork(hold_all, go_on_in_parent, go_on_in_child);
}

#endif

static void on_replaced(uv_handle_t* handle) {
  uvchan__hub_t* hub = handle->data;

  hub->is_replaced = 0;
  release_memory(hub);
}

/* In the child's first turn, before its look. libuv up to 1.44 takes a handle that was sent to
 * before the fork for one whose callback is still to come, for ever, and does not write for it any
 * more. So the hub goes on with another one. Where that is still closing, since its process is a
 * child's child, the loop turns until it is closed. */
static void replace_async(uvchan__hub_t* hub) {
  uv_async_t* before = hub->async;
  uv_async_t* other = before == &hub->asyncs[0] ? &hub->asyncs[1] : &hub->asyncs[0];

  if (hub->is_replaced) return;
  hub->is_inherited = 0;
  if (uvchan__hub_is_dead(hub) || uv_async_init(hub->loop, other, on_async) != 0) return;
  uv_unref((uv_handle_t*)other);
  other->data = hub;
  uvchan__lock(&hub->wake_lock);
  hub->async = other;
  uvchan__unlock(&hub->wake_lock);
  hub->is_replaced = 1;
  /* relaxed: as in close_handle() */
  atomic_fetch_add_explicit(&hub->references, 1, memory_order_relaxed);
  uv_close((uv_handle_t*)before, on_replaced);
}
