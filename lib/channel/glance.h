/* SPDX-License-Identifier: MIT */
/* What a channel looks like at one moment, to who wants to show it. Knows the channel; does not
 * know how it is shown, or who asks. Threads: any. */
#ifndef UVCHAN_GLANCE_H
#define UVCHAN_GLANCE_H

#include <uvchan.h>

#include "wake/roster.h"
#include "wake/waiters.h"

#define UVCHAN__GLANCE_SIGHTS 8 /* of each side that are told one by one */

/* A started receiver: it waits; it is to look, and its loop has not come to it yet; or it is being
 * called back, or about to look again. */
typedef enum { UVCHAN__WAITS, UVCHAN__IS_TOLD, UVCHAN__IN_TURN } uvchan__receiving_t;

typedef struct {
  size_t n; /* all that there are */
  size_t shown;
  uvchan__sight_t sights[UVCHAN__GLANCE_SIGHTS];
  unsigned char receiving[UVCHAN__GLANCE_SIGHTS]; /* of started receivers */
} uvchan__side_t;

typedef struct {
  const void* address;
  uint64_t number;
  unsigned int references;
  const char* kind;
  char name[UVCHAN__MEMBER_NAME];
  size_t elem_size;
  int is_closed;
  int end_status; /* where it is closed */
  /* Somebody has its lock and does not give it back soon: of what follows the stats' capacity alone
   * is told, and of a bounded channel len. */
  int is_busy;
  uvchan_stats_t stats; /* with no name */
  unsigned int counted_senders;
  int concerns; /* the loop that was asked for has to do with it; or all were */
  uvchan__side_t senders;
  uvchan__side_t receivers; /* but for started ones */
  uvchan__side_t started;
} uvchan__glance_t;

/* The member of a channel. loop: which one is looked for; or NULL. Answers 0 for a channel that is
 * being freed. With the roster's lock, which is held no longer than it takes. */
int uvchan__glance(uvchan__member_t* member, const uv_loop_t* loop, uvchan__glance_t* glance);

#endif /* UVCHAN_GLANCE_H */
