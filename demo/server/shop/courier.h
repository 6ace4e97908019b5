/* SPDX-License-Identifier: MIT */
/* The courier: takes a server's orders to bakers elsewhere and brings back what they report. On the
 * main loop it has a sink, which drains one bounded channel into the stream of orders, and a
 * source, which fills another from this server's own stream of reports.
 *
 *   desks --slips--> sink ==> [ orders, of all servers ] ==> bakers
 *   desks <--replies, one channel for each-- main loop <--arrivals-- source <== [ results-NAME ]
 *     '--courier_done(), once it is answered
 *
 * A report that comes twice, or late, or of a run before, finds no order, and is done. It also
 * hears which bakers there are. They hear of a server by its orders; for those that have none the
 * courier sends a call among the orders, the next one when it was answered.
 *
 * Threads: courier_open(), courier_shut(), courier_close() and courier_release() the main one; the
 * rest any. */
#ifndef COURIER_H
#define COURIER_H

#include <uvchan/redis.h>
#include <uvchan/typed.h>

#include "shop/house.h"
#include "shop/notice.h"
#include "shop/parcel.h"
#include "shop/staff.h"

#define ARRIVALS_MAX 512 /* reports that are here and not done, at most */
#define WORDS_BYTES 96

/* What a source's channel holds, and what goes on to a desk. */
typedef struct {
  uvchan_redis_ticket_t ticket;
  report_bytes_t report;
} arrival_t;

UVCHAN_TYPED(slips, slip_bytes_t)
UVCHAN_TYPED(arrivals, arrival_t)

/* What a sink or a source says of itself. */
typedef struct {
  uvchan_redis_stats_t stats; /* but for last_words: */
  char last_words[WORDS_BYTES];
} side_t;

/* What is told of the courier, as of a moment ago. */
typedef struct {
  side_t orders;
  side_t reports;
  staff_t staff;
  uint64_t length; /* of the stream of orders, as told last */
  uint64_t now_ms; /* as the staff counts */
} courier_view_t;

struct courier_s {
  house_t* house;           /* fixed, as the three below */
  uint64_t run;             /* which run of the server this is: see parcel.h */
  slips_t slips;            /* desks send */
  arrivals_t* replies;      /* desks receive: one channel for each */
  notice_t notice;          /* a courier_view_t */
  uvchan_waitgroup_t desks; /* that have orders under way, or may get some */

  /* the main loop's */
  uvchan_redis_sink_t sink;
  uvchan_redis_source_t source;
  arrivals_t arrivals;
  arrivals_receiver_t arrivals_receiver;
  uv_timer_t beat;
  uv_timer_t drain;
  uvchan_notify_t desks_done;
  void (*on_shut)(house_t* house);
  courier_view_t view;
  uint64_t call;      /* the number of the last call */
  uint64_t called_ms; /* when it was sent */
  uint64_t losses;    /* of slips, seen last */
  int is_answered;
  int is_shut; /* no call is sent any more */
};

/* Makes the house's courier, and begins to connect: that the streams can't be reached is no
 * error. */
void courier_open(house_t* house, uv_loop_t* loop);

/* No order comes any more, on any desk. Calls back when every order is back; after so many
 * milliseconds desks give up theirs. UINT64_MAX: no limit. */
void courier_shut(courier_t* courier, uint64_t drain_ms, void (*on_shut)(house_t* house));

/* After that: closes what is on the main loop. */
void courier_close(courier_t* courier);

/* When the main loop is done. */
void courier_release(house_t* house);

/* Nobody needs the report any more. */
void courier_done(const uvchan_redis_ticket_t* ticket);

/* What could be told last; for a house without a courier with zeros. */
void courier_read(house_t* house, courier_view_t* view);

/* How many orders are on their way to a baker, those in the stream with them, and how many may
 * be. */
uint64_t courier_depth(const courier_t* courier, const courier_view_t* view);
uint64_t courier_capacity(const options_t* options);

/* A line on the standard output. */
void courier_say_figures(house_t* house);

#endif /* COURIER_H */
