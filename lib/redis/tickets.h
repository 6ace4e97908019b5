/* SPDX-License-Identifier: MIT */
/* The tickets of a source: given out on its loop, given back on any thread, and on their way back a
 * channel of the source's own. They outlive the source for as long as somebody holds one. Knows
 * neither the server nor values.
 *
 * I1. A slot's word is its ticket's generation while the ticket is out, and 0 from its way back on
 *     until it is given out again. Who sets it to 0, by the one exchange that can, gives it back.
 * I2. Each ticket that is out holds a reference, which the way back ends.
 * I3. The channel has room for as many as there are slots, and a slot is given out again only after
 *     it has come back: so it is never full. */
#ifndef UVCHAN_REDIS_TICKETS_H
#define UVCHAN_REDIS_TICKETS_H

#include <uvchan/redis.h>

typedef struct uvchan__redis_tickets_s uvchan__redis_tickets_t;

typedef enum {
  UVCHAN__REDIS_IS_DONE = 0,
  UVCHAN__REDIS_IS_FORGOTTEN,
  UVCHAN__REDIS_IS_BACK,  /* a receiver had it */
  UVCHAN__REDIS_IS_UNSEEN /* BACK, and none had it */
} uvchan__redis_fate_t;

/* What comes back. */
typedef struct {
  uint32_t slot;
  uvchan__redis_fate_t fate;
} uvchan__redis_return_t;

/* Makes them with one reference. NULL: there is no memory. Threads: any. */
uvchan__redis_tickets_t* uvchan__redis_tickets_create(uint32_t slots);
void uvchan__redis_tickets_retain(uvchan__redis_tickets_t* tickets);
void uvchan__redis_tickets_release(uvchan__redis_tickets_t* tickets);

/* The channel by which they come back, with elements of uvchan__redis_return_t. */
uvchan_t* uvchan__redis_tickets_channel(const uvchan__redis_tickets_t* tickets);

/* Fills in all of a ticket but its entry's number and deliveries. Threads: the source's. */
void uvchan__redis_tickets_give(uvchan__redis_tickets_t* tickets, uint32_t slot,
                                uvchan_redis_ticket_t* ticket);

/* What the public functions do. Threads: any. */
int uvchan__redis_tickets_return(const uvchan_redis_ticket_t* ticket, uvchan__redis_fate_t fate);

#endif /* UVCHAN_REDIS_TICKETS_H */
