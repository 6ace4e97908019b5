/* SPDX-License-Identifier: MIT */
/* What this copy of the library has made and is still there: its channels and its pools, in the
 * order of their making, for those who want to see all of them. Knows members; does not know what
 * they are. Threads: any.
 *
 * A member is part of what it stands for. It costs a lock and a place in a list, when that is made
 * and when it is freed, and nothing in between.
 *
 * I1  What is listed is not freed: who looks at it does so under the roster's lock, and who frees
 *     it has taken it out before.
 * I2  Under the lock nothing of the user's runs, and nobody waits for another lock: what has to be
 *     locked then is tried.
 * I3  A walk looks at one member at a time. In between, without the lock, its cursor holds its
 *     place in the list.
 *
 * A process may have several copies of the library. Each has a roster of its own, lists what it
 * has made, and is unloaded at its time; a channel may outlive its copy, and be freed by another
 * one. */
#ifndef UVCHAN_ROSTER_H
#define UVCHAN_ROSTER_H

#include <stdint.h>

#include "ground/atomic.h"
#include "ground/platform.h"

typedef enum { UVCHAN__CHANNELS, UVCHAN__POOLS, UVCHAN__LISTS } uvchan__list_t;

struct uvchan__roster_s;

typedef struct uvchan__member_s {
  struct uvchan__member_s* next; /* under the roster's lock, as prev */
  struct uvchan__member_s* prev;
  struct uvchan__roster_s* home; /* under both locks; NULL: it is listed nowhere */
  const char* name;              /* fixed: lives as long as the member; "" where it has none */
  uint64_t number;               /* fixed: 1 and up, by their making; 0: a cursor */
  atomic_uint lock;
} uvchan__member_t;

void uvchan__roster_add(uvchan__member_t* member, uvchan__list_t list, const char* name);
/* where it is listed, also by another copy */
void uvchan__roster_remove(uvchan__member_t* member, uvchan__list_t list);

#define UVCHAN__MEMBER_NAME 128 /* bytes of a name that are told, with its end; more are cut */

/* Copies the name, or as much of it as there is room for. */
void uvchan__member_name(const uvchan__member_t* member, char* to, size_t bytes);

/* A walk over one list, on the stack of who walks. */
typedef struct {
  uvchan__member_t member;
  uvchan__list_t list;
  uint64_t thread; /* who walks */
  uint64_t newest; /* the walk ends with it, also where more are made meanwhile */
} uvchan__cursor_t;

typedef void (*uvchan__look_func)(uvchan__member_t* member, void* arg);

/* Answers 0 where somebody holds the lock who does not give it back soon: then there is no walk. */
int uvchan__roster_begin(uvchan__cursor_t* cursor, uvchan__list_t list);
void uvchan__roster_rewind(uvchan__cursor_t* cursor); /* to the first one */
/* Calls look for the next one, with the lock; 0: there is none. */
int uvchan__roster_next(uvchan__cursor_t* cursor, uvchan__look_func look, void* arg);
void uvchan__roster_end(uvchan__cursor_t* cursor);

#if UVCHAN__FORKS
/* Around a fork; see fork.c. */
void uvchan__roster_hold(void);
void uvchan__roster_go_on(void);
void uvchan__roster_inherit(void); /* the same in the child */
#endif

#endif /* UVCHAN_ROSTER_H */
