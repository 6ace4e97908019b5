/* SPDX-License-Identifier: MIT */
/* The crew: threads that bake orders, and each order's way from its ticket to the word that it is
 * done.
 *
 *   ticket and slip --> pool: a thread bakes --> a promise to the server's outlet --confirmed-->
 *   uvchan_redis_done(ticket)
 *
 * Threads: the loop's. What a thread of the pool has begun with, it tells by a channel. */
#ifndef CREW_H
#define CREW_H

#include <uvchan/pool.h>
#include <uvchan/redis.h>
#include <uvchan/typed.h>

#include "bakers/options.h"
#include "bakers/outlets.h"
#include "shop/parcel.h"

/* What the source's channel holds. */
typedef struct {
  uvchan_redis_ticket_t ticket;
  slip_bytes_t slip;
} order_in_t;

UVCHAN_TYPED(orders, order_in_t)
UVCHAN_TYPED(beginnings, slip_t)

typedef struct job_s job_t; /* an order that is here */

typedef struct {
  const bakers_options_t* options; /* fixed, as all but the last six */
  uv_loop_t* loop;
  outlets_t* outlets;
  const uvchan_redis_source_t* source; /* of the orders, for its figures */
  uvchan_pool_t* pool;
  beginnings_t beginnings; /* the threads send */
  beginnings_receiver_t beginnings_receiver;
  job_t* jobs; /* in_flight of them */
  job_t* free; /* those that are no order's */
  unsigned int njobs;
  uint64_t baked;
  int is_giving_back; /* what was taken has gone back to the stream */
  int is_closed;      /* the outlets are, too */
} crew_t;

/*   source   lives as long as the crew */
void crew_open(crew_t* crew, uv_loop_t* loop, const bakers_options_t* options, outlets_t* outlets,
               const uvchan_redis_source_t* source);

/* An order has come. */
void crew_take(crew_t* crew, const order_in_t* order);

/* Its result has arrived: outlets_t's on_confirmed. */
void crew_confirmed(promise_t* promise);

/* Tells all servers that they are there, or that they leave. */
void crew_tell(crew_t* crew, report_kind_t kind);

/* Gives back what is not confirmed, and bakes nothing more. */
void crew_give_back(crew_t* crew);

/* Takes no order any more; threads end with what they bake. */
void crew_close(crew_t* crew);

/* When the loop is done. */
void crew_release(crew_t* crew);

#endif /* CREW_H */
