/* SPDX-License-Identifier: MIT */
/* The roster of channels and pools. Threads and invariants: roster.h. */
#include "wake/roster.h"

#include <string.h>

#include "ground/lock.h"
#include "wake/hub-state.h"

typedef struct uvchan__roster_s {
  atomic_uint lock;
  /* Under the lock. */
  unsigned char is_unloaded;
  uint64_t made; /* more than a program makes in its life: so no number comes twice */
  struct {
    uvchan__member_t* first;
    uvchan__member_t* last;
  } lists[UVCHAN__LISTS];
} roster_t;

static roster_t roster;

/* ---- The lists: with the roster's lock ------------------------------------------------------- */

/* before NULL: at the end */
static void link_before(roster_t* home, uvchan__member_t* before, uvchan__member_t* member,
                        uvchan__list_t list) {
  member->next = before;
  member->prev = before == NULL ? home->lists[list].last : before->prev;
  *(before == NULL ? &home->lists[list].last : &before->prev) = member;
  *(member->prev == NULL ? &home->lists[list].first : &member->prev->next) = member;
  member->home = home;
}

static void unlink_member(roster_t* home, uvchan__member_t* member, uvchan__list_t list) {
  *(member->prev == NULL ? &home->lists[list].first : &member->prev->next) = member->next;
  *(member->next == NULL ? &home->lists[list].last : &member->next->prev) = member->prev;
  member->next = member->prev = NULL;
  member->home = NULL;
}

/* ---- Members --------------------------------------------------------------------------------- */

void uvchan__roster_add(uvchan__member_t* member, uvchan__list_t list, const char* name) {
  memset(member, 0, sizeof(*member));
  member->name = name == NULL ? "" : name;
  uvchan__lock(&roster.lock);
  member->number = ++roster.made;
  if (!roster.is_unloaded) link_before(&roster, NULL, member, list);
  uvchan__unlock(&roster.lock);
}

void uvchan__member_name(const uvchan__member_t* member, char* to, size_t bytes) {
  size_t n = strlen(member->name);

  if (n >= bytes) n = bytes - 1;
  memcpy(to, member->name, n);
  to[n] = '\0';
}

/* Its home may be another copy's roster, and just about to be unloaded:
 *
 *      here, another copy                  there, in forget_all()
 *      takes the member's lock             takes the roster's lock
 *      is there a home? Then it takes      tries the member's lock; where that is held, gives the
 *      the roster's, takes the member      roster's back, and begins again
 *      out, and gives both back            takes the member out, and gives both back
 *
 * So who finds a home finds its roster there, until it has given back the roster's lock, which is
 * its last touch of that copy's memory. */
void uvchan__roster_remove(uvchan__member_t* member, uvchan__list_t list) {
  uvchan__lock(&member->lock);
  if (member->home != NULL) {
    roster_t* home = member->home;

    uvchan__lock(&home->lock);
    unlink_member(home, member, list);
    uvchan__unlock(&home->lock);
  }
  uvchan__unlock(&member->lock);
}

/* ---- Walks ----------------------------------------------------------------------------------- */

int uvchan__roster_begin(uvchan__cursor_t* cursor, uvchan__list_t list) {
  memset(cursor, 0, sizeof(*cursor));
  cursor->list = list;
  cursor->thread = uvchan__this_thread();
  if (!uvchan__lock_soon(&roster.lock)) return 0;
  cursor->newest = roster.made;
  link_before(&roster, roster.lists[list].first, &cursor->member, list);
  uvchan__unlock(&roster.lock);
  return 1;
}

/* Other walks have cursors in the list too. One that was taken out, in a child of fork(), or since
 * the library is unloaded, is at its end. */
int uvchan__roster_next(uvchan__cursor_t* cursor, uvchan__look_func look, void* arg) {
  uvchan__member_t* next = NULL;

  uvchan__lock(&roster.lock);
  if (cursor->member.home != NULL) next = cursor->member.next;
  while (next != NULL && next->number == 0) next = next->next;
  if (next != NULL && next->number > cursor->newest) next = NULL;
  if (next != NULL) {
    uvchan__member_t* behind = next->next;

    look(next, arg);
    unlink_member(&roster, &cursor->member, cursor->list);
    link_before(&roster, behind, &cursor->member, cursor->list);
  }
  uvchan__unlock(&roster.lock);
  return next != NULL;
}

void uvchan__roster_rewind(uvchan__cursor_t* cursor) {
  uvchan__lock(&roster.lock);
  if (cursor->member.home != NULL) {
    unlink_member(&roster, &cursor->member, cursor->list);
    link_before(&roster, roster.lists[cursor->list].first, &cursor->member, cursor->list);
  }
  uvchan__unlock(&roster.lock);
}

void uvchan__roster_end(uvchan__cursor_t* cursor) {
  uvchan__lock(&roster.lock);
  if (cursor->member.home != NULL) unlink_member(&roster, &cursor->member, cursor->list);
  uvchan__unlock(&roster.lock);
}

/* ---- The end of this copy -------------------------------------------------------------------- */

/* Takes the first member out; 0 where its lock is held. */
static int forget_first(uvchan__list_t list) {
  uvchan__member_t* first = roster.lists[list].first;

  if (!uvchan__try_lock(&first->lock)) return 0;
  unlink_member(&roster, first, list);
  uvchan__unlock(&first->lock);
  return 1;
}

/* What was made lives on where others hold it, and is not listed any more. So a tool that looks for
 * memory that was left behind, as the process exits, is not kept from seeing it by this list. */
UVCHAN__AT_UNLOAD static void forget_all(void) {
  unsigned int round = 0;
  uvchan__list_t list = UVCHAN__CHANNELS;

  uvchan__lock(&roster.lock);
  roster.is_unloaded = 1;
  while (list != UVCHAN__LISTS) {
    if (roster.lists[list].first == NULL) {
      list++;
    } else if (!forget_first(list)) {
      uvchan__unlock(&roster.lock);
      uvchan__relax(&round);
      uvchan__lock(&roster.lock);
    }
  }
  uvchan__unlock(&roster.lock);
}

/* ---- Fork ------------------------------------------------------------------------------------ */

#if UVCHAN__FORKS

void uvchan__roster_hold(void) { uvchan__lock(&roster.lock); }

void uvchan__roster_go_on(void) { uvchan__unlock(&roster.lock); }

static int has_vanished(const uvchan__cursor_t* cursor) {
  return cursor->thread != uvchan__this_thread();
}

/* Of the threads that have vanished, the cursors of those that walked lie on stacks that are used
 * again; and the members' locks of those that waited for the roster's are free. */
static void inherit_list(uvchan__list_t list) {
  uvchan__member_t* member = roster.lists[list].first;

  while (member != NULL) {
    uvchan__member_t* next = member->next;

    if (member->number == 0 && has_vanished((uvchan__cursor_t*)member))
      unlink_member(&roster, member, list);
    else
      atomic_store_explicit(&member->lock, 0, memory_order_relaxed); /* no other thread is there */
    member = next;
  }
}

void uvchan__roster_inherit(void) {
  inherit_list(UVCHAN__CHANNELS);
  inherit_list(UVCHAN__POOLS);
  uvchan__unlock(&roster.lock);
}

#endif
