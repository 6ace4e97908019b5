/* SPDX-License-Identifier: MIT */
/* Outlets: the ways on which results get to their servers. One is made when the first slip of a
 * server comes, and closed when nothing was heard of that server for some time; each is a channel
 * that a sink drains into the stream of that server.
 *
 *   crew --reports--> outlet's channel --> sink ==> [ results-NAME ]
 *   crew <--on_confirmed, once the server of the streams has the result--'
 *
 * A result that has to arrive is a promise, in its outlet until the sink says that as many reports
 * are confirmed as were sent up to it: sinks confirm in order. Only then may its order be done: so
 * bakers that die between the two leave an order that others bake again, never one without a
 * result.
 *
 *   I1  Only this thread sends to an outlet's channel, and it counts what it sends: so the report
 *       number k is confirmed where the sink's stats.values is k or more.
 *   I2  A report that is no promise is sent only where room for a promise of each order that may be
 *       here is left. So a promise finds room.
 *
 * Threads: the loop's. */
#ifndef OUTLETS_H
#define OUTLETS_H

#include <uvchan/redis.h>
#include <uvchan/typed.h>

#include "bakers/options.h"
#include "shop/parcel.h"

#define OUTLETS_MAX 16

UVCHAN_TYPED(reports, report_bytes_t)

typedef struct promise_s {
  void* data; /* of who has made it */
  uint64_t ordinal;
  struct promise_s* next;
} promise_t;

typedef struct outlets_s outlets_t;

typedef struct {
  outlets_t* outlets;
  int is_open; /* until its sink is closed */
  int is_over; /* the sink is: nothing arrives any more */
  char server[PARTY_BYTES];
  uint64_t run;      /* of that server, as heard last */
  uint64_t heard_ms; /* when it was */
  reports_t reports;
  uvchan_redis_sink_t sink;
  uint64_t nsent;
  promise_t* first; /* promises that are not confirmed */
  promise_t* last;
  unsigned int nusers; /* orders that are here */
} outlet_t;

struct outlets_s {
  uv_loop_t* loop;
  const bakers_options_t* options;
  void (*on_confirmed)(promise_t* promise);
  void (*on_failed)(outlet_t* outlet, int status);
  outlet_t all[OUTLETS_MAX];
};

/*   on_confirmed   a promise is kept
 *   on_failed      no result gets to that server any more */
void outlets_open(outlets_t* outlets, uv_loop_t* loop, const bakers_options_t* options,
                  void (*on_confirmed)(promise_t* promise),
                  void (*on_failed)(outlet_t* outlet, int status));

/* The outlet to who has sent this slip, and its run is noted; NULL where there are too many, or
 * where no more can be had of it. Has a user more, until outlet_leave(). */
outlet_t* outlets_enter(outlets_t* outlets, const slip_t* slip);
void outlet_leave(outlet_t* outlet);

/* The one to a server of that name; NULL where there is none. */
outlet_t* outlets_find(outlets_t* outlets, const char* server);

/* Sends a report that may be missed. */
void outlet_tell(outlet_t* outlet, const report_t* report);

/* Sends one that has to arrive; on_confirmed is called for the promise, in place until then. */
void outlet_promise(outlet_t* outlet, const report_t* report, promise_t* promise);

/* Tells all servers, with their runs. */
void outlets_tell_all(outlets_t* outlets, report_t* report);

/* Looks what was confirmed. Answers how many reports are not yet. */
uint64_t outlets_look(outlets_t* outlets);

/* Closes those whose servers were not heard of for long. */
void outlets_sweep(outlets_t* outlets);

void outlets_close(outlets_t* outlets);

#endif /* OUTLETS_H */
