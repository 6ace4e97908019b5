/* SPDX-License-Identifier: MIT */
/* An order, from its customer's words to what became of it, and as JSON. Knows the pool as a type
 * alone.
 *
 * An order is made and freed by one desk, the loop of its connection. As a work it goes to the
 * pool, where a baker bakes it, and comes back to the desk; who has it may touch what is marked as
 * theirs:
 *
 *   fixed      written by the desk before the order is submitted, read by everyone
 *   holder     of whoever has it: a baker, and the desk when it is back. The pool orders these
 *              accesses
 *   desk       the desk's at all times
 *   pool       the pool's, from the submission until it is back */
#ifndef ORDER_H
#define ORDER_H

#include <stdatomic.h>
#include <stdint.h>
#include <uvchan/pool.h>

#include "http/bytes.h"
#include "shop/outcome.h"

#define NAME_CHARACTERS 40
#define COUNT_MAX 99

typedef struct {
  char bytes[NAME_CHARACTERS * 4 + 1]; /* UTF-8, so many characters at most */
} name_t;

/* What a customer asks for. */
typedef struct {
  name_t pizza;
  name_t customer; /* empty where none was named */
  int count;
} wish_t;

typedef struct order_s {
  uvchan_work_t work;      /* pool; its data is the order */
  wish_t wish;             /* fixed */
  uint64_t number;         /* fixed */
  uint64_t arrived_ns;     /* fixed */
  struct intake_s* intake; /* fixed: of the same desk */

  outcome_t outcome; /* holder */
  uint64_t taken_ns; /* holder */
  uint64_t baked_ns; /* holder */

  struct exchange_s* exchange; /* desk: who waits for the answer; NULL where nobody does any more */
  atomic_int is_taken;         /* by a baker: a hint for its desk, from its begin on */
  int found_no_room;           /* desk: its connection, or its desk, is held for it */
} order_t;

/* Reads what a customer asks for. Answers 0, or why not, in words. */
const char* wish_from_json(wish_t* wish, const char* text, size_t len);
const char* wish_from_form(wish_t* wish, const char* text, size_t len);

/* A baker begins with it; and whether one has, while it is in the kitchen, for those who look. */
void order_take(order_t* order);
int order_is_taken(const order_t* order);

double order_waited_ms(const order_t* order);
double order_baked_ms(const order_t* order);

/* The answer to the customer. */
void order_write_json(const order_t* order, bytes_t* out);

#endif /* ORDER_H */
