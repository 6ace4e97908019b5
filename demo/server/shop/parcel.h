/* SPDX-License-Identifier: MIT */
/* Parcels: what servers and bakers elsewhere send each other, and its bytes. A slip asks for an
 * order to be baked, a report tells what became of it. The bytes are of a fixed size, numbers
 * stand in them with the least byte first, and what is not used is 0: so machines of any kind
 * understand each other. Knows no channel. Threads: any.
 *
 *   slip     0 kind 4 | 4 desk 4 | 8 run 8 | 16 number 8 | 24 count 4 | 28 0 | 32 server 32
 *            64 pizza 168
 *   report   0 kind 4 | 4 desk 4 | 8 run 8 | 16 number 8 | 24 outcome 4 | 28 threads 4
 *            32 bake_us 8 | 40 baked 8 | 48 length 8 | 56 busy 4 | 60 0 | 64 baker 32 */
#ifndef PARCEL_H
#define PARCEL_H

#include <stdint.h>

#include "shop/outcome.h"

#define ORDERS_STREAM "orders"      /* of all servers */
#define REPORTS_STREAM "results-%s" /* of each server, by its name */
#define PARTY_BYTES 32              /* the name of a server, or of bakers, with its end */
#define PIZZA_BYTES 168
#define SLIP_BYTES 232
#define REPORT_BYTES 96
#define THERE_MS 1000 /* bakers tell so often that they are there */

typedef struct {
  unsigned char bytes[SLIP_BYTES];
} slip_bytes_t;

typedef struct {
  unsigned char bytes[REPORT_BYTES];
} report_bytes_t;

typedef enum {
  SLIP_BAKE = 1,
  SLIP_CALL /* whoever gets it tells this server that it is there */
} slip_kind_t;

/* What a server asks for. `run` is a number that each start of a server draws, so that the numbers
 * of its orders, which begin anew, are not taken for those of the run before. */
typedef struct {
  slip_kind_t kind;
  uint32_t desk; /* of the server: whose order it is */
  uint32_t count;
  uint64_t run;
  uint64_t number; /* of the order, or of the call */
  char server[PARTY_BYTES];
  char pizza[PIZZA_BYTES];
} slip_t;

typedef enum {
  REPORT_BEGUN = 1, /* a baker has begun with it */
  REPORT_BAKED,
  REPORT_THERE, /* the bakers are there; of a call: with its number, else 0 */
  REPORT_LEAVING
} report_kind_t;

/* What bakers tell a server. Each tells of the bakers as well. */
typedef struct {
  report_kind_t kind;
  outcome_t outcome; /* of an order that was baked */
  uint32_t desk;     /* as the slip has it, as the next two */
  uint64_t run;
  uint64_t number;
  uint64_t bake_us;        /* that baking took */
  char baker[PARTY_BYTES]; /* the process's name */
  uint32_t threads;
  uint32_t busy;   /* of them, those that bake */
  uint64_t baked;  /* since it has begun, for all servers */
  uint64_t length; /* of the stream of orders, as the bakers were told last */
} report_t;

/* 1: a text is the name of a server or of bakers: 1 to 31 letters, digits, dots, dashes or
 * underscores. */
int party_is_valid(const char* name);

void slip_pack(const slip_t* slip, slip_bytes_t* bytes);
void report_pack(const report_t* report, report_bytes_t* bytes);

/* Answer 0; or -1: no such parcel, and *slip, or *report, is not to be used. */
int slip_unpack(const slip_bytes_t* bytes, slip_t* slip);
int report_unpack(const report_bytes_t* bytes, report_t* report);

#endif /* PARCEL_H */
