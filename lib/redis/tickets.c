/* SPDX-License-Identifier: MIT */
/* Tickets: a word for each slot, which decides who gives it back. */
#include "redis/tickets.h"

#include <stdatomic.h>
#include <stdlib.h>

struct uvchan__redis_tickets_s {
  atomic_uint references;
  uint32_t slots;
  uint32_t
      generation; /* the source's thread alone; of the last that was given; never 0 in a word */
  uvchan_t* channel;
  atomic_uint words[];
};

uvchan__redis_tickets_t* uvchan__redis_tickets_create(uint32_t slots) {
  uvchan__redis_tickets_t* tickets =
      calloc(1, sizeof(*tickets) + slots * sizeof(tickets->words[0]));
  uint32_t i;

  if (tickets == NULL) return NULL;
  if (uvchan_create(&tickets->channel, sizeof(uvchan__redis_return_t), slots) != 0) {
    free(tickets);
    return NULL;
  }
  tickets->slots = slots;
  atomic_init(&tickets->references, 1);
  for (i = 0; i < slots; i++) atomic_init(&tickets->words[i], 0);
  return tickets;
}

/* Relaxed: who asks holds a reference, or a ticket that is out. */
void uvchan__redis_tickets_retain(uvchan__redis_tickets_t* tickets) {
  atomic_fetch_add_explicit(&tickets->references, 1, memory_order_relaxed);
}

void uvchan__redis_tickets_release(uvchan__redis_tickets_t* tickets) {
  /* [tickets.R] and [tickets.A]: all use of the tickets comes before their end. */
  if (atomic_fetch_sub_explicit(&tickets->references, 1, memory_order_acq_rel) > 1) return;
  uvchan_release(tickets->channel);
  free(tickets);
}

uvchan_t* uvchan__redis_tickets_channel(const uvchan__redis_tickets_t* tickets) {
  return tickets->channel;
}

void uvchan__redis_tickets_give(uvchan__redis_tickets_t* tickets, uint32_t slot,
                                uvchan_redis_ticket_t* ticket) {
  if (++tickets->generation == 0) tickets->generation = 1;
  uvchan__redis_tickets_retain(tickets);
  /* Relaxed: the ticket goes to others by a channel. */
  atomic_store_explicit(&tickets->words[slot], tickets->generation, memory_order_relaxed);
  ticket->tickets = tickets;
  ticket->slot = slot;
  ticket->generation = tickets->generation;
  ticket->reserved = 0;
}

/* A source that is closed has closed the channel, and needs no word. */
int uvchan__redis_tickets_return(const uvchan_redis_ticket_t* ticket, uvchan__redis_fate_t fate) {
  uvchan__redis_tickets_t* tickets = ticket == NULL ? NULL : ticket->tickets;
  uvchan__redis_return_t back;
  unsigned int expected;

  if (tickets == NULL || ticket->generation == 0 || ticket->slot >= tickets->slots)
    return UV_EINVAL;
  expected = ticket->generation;
  /* Relaxed: the exchange alone decides, and what the receiver did goes by the channel. */
  if (!atomic_compare_exchange_strong_explicit(&tickets->words[ticket->slot], &expected, 0,
                                               memory_order_relaxed, memory_order_relaxed))
    return UV_EALREADY;
  back.slot = ticket->slot;
  back.fate = fate;
  uvchan_try_send(tickets->channel, &back);
  uvchan__redis_tickets_release(tickets);
  return 0;
}

int uvchan_redis_done(const uvchan_redis_ticket_t* ticket) {
  return uvchan__redis_tickets_return(ticket, UVCHAN__REDIS_IS_DONE);
}

int uvchan_redis_requeue(const uvchan_redis_ticket_t* ticket) {
  return uvchan__redis_tickets_return(ticket, UVCHAN__REDIS_IS_BACK);
}

int uvchan_redis_forget(const uvchan_redis_ticket_t* ticket) {
  return uvchan__redis_tickets_return(ticket, UVCHAN__REDIS_IS_FORGOTTEN);
}
