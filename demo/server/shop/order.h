/* An order, from its customer's words to what became of it, and as JSON. Knows channels as types
 * alone.
 *
 * An order is made and freed by one desk, the loop of its connection. Through the orders channel it
 * goes to a baker, and through the desk's results channel it comes back; who has it may touch what
 * is marked as theirs:
 *
 *   fixed      written by the desk before the order is sent, read by everyone
 *   holder     of whoever has it: the desk, then a baker, then the desk. The channels order these
 *              accesses
 *   desk       the desk's at all times
 *   state      atomic: a baker who begins to bake and a desk whose patience ends both want to
 *              decide, and one does */
#ifndef ORDER_H
#define ORDER_H

#include <stdatomic.h>
#include <stdint.h>
#include <uvchan/typed.h>

#include "http/bytes.h"
#include "shop/chance.h"

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

typedef struct order_s order_t;
UVCHAN_TYPED(orders, order_t*)
UVCHAN_TYPED(results, order_t*)

typedef enum { ORDER_WAITING = 0, ORDER_TAKEN, ORDER_GIVEN_UP } order_state_t;
typedef enum { OUTCOME_NONE = 0, OUTCOME_READY, OUTCOME_NO_INGREDIENTS, OUTCOME_NO_COOK } outcome_t;

struct order_s {
  wish_t wish;             /* fixed */
  uint64_t number;         /* fixed */
  uint64_t arrived_ns;     /* fixed */
  results_sendonly_t home; /* fixed: of the desk that it goes back to */

  atomic_int state;

  outcome_t outcome; /* holder */
  uint64_t taken_ns; /* holder */
  uint64_t baked_ns; /* holder */

  struct intake_s* intake;     /* fixed: of the same desk */
  struct exchange_s* exchange; /* desk: who waits for the answer; NULL where nobody does any more */
  order_t* self;               /* fixed: what is sent where there was no room at once */
  uvchan_send_t sending;       /* desk: the same */
  int is_sending;              /* desk: until the request's callback */
  int is_back;                 /* desk: it came through the results channel */
  int is_overdue;              /* desk: it has waited too long */
  /* desk: in its list of those that may wait too long, the eldest first */
  int is_listed;
  order_t* next; /* desk */
  order_t* prev; /* desk */
};

/* Reads what a customer asks for. Answers 0, or why not, in words. */
const char* wish_from_json(wish_t* wish, const char* text, size_t len);
const char* wish_from_form(wish_t* wish, const char* text, size_t len);

/* Decides that the order is baked, or that it never is; of all who try, exactly one is told 1. */
int order_take(order_t* order);
int order_give_up(order_t* order);
int order_is_taken(const order_t* order);
int order_is_given_up(const order_t* order);

/* What becomes of it, by chance: of 12 orders one lacks ingredients and one loses the cook. */
outcome_t outcome_by_chance(chance_t* chance);
int outcome_is_ready(outcome_t outcome);

double order_waited_ms(const order_t* order);
double order_baked_ms(const order_t* order);

/* The answer to the customer. */
void order_write_json(const order_t* order, bytes_t* out);

#endif /* ORDER_H */
