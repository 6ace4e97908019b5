/* SPDX-License-Identifier: MIT */
/* The way of a value on this side: decoded, given a ticket, sent, and given back. */
#include "redis/delivery.h"

#include <stdlib.h>
#include <string.h>

/* ---- Entries --------------------------------------------------------------------------------- */

static int decode(uvchan__redis_delivery_t* delivery, const char* format, const char* bytes,
                  size_t n, void* value) {
  static const char version[] = UVCHAN__REDIS_VERSION;

  if (format == NULL || bytes == NULL) return UV_EPROTO;
  if (delivery->decode != NULL) {
    if (strncmp(format, version, sizeof(version) - 1) != 0) return UV_EPROTO;
    return delivery->decode(delivery->handle, format + sizeof(version) - 1, bytes, n, value);
  }
  if (strcmp(format, delivery->format) != 0 || n != delivery->value_bytes) return UV_EPROTO;
  memcpy(value, bytes, n);
  return 0;
}

static void write_ticket(uvchan__redis_delivery_t* delivery, uint32_t slot, void* element) {
  uvchan_redis_ticket_t ticket;

  if (delivery->ticket_bytes == 0) return;
  memset(&ticket, 0, sizeof(ticket));
  ticket.time = delivery->slots.slots[slot].time;
  ticket.serial = delivery->slots.slots[slot].serial;
  ticket.deliveries = (uint32_t)(delivery->slots.slots[slot].deliveries % UVCHAN__REDIS_UNSEEN);
  uvchan__redis_tickets_give(delivery->tickets, slot, &ticket);
  memcpy(element, &ticket, sizeof(ticket));
}

static int has_place(const uvchan__redis_delivery_t* delivery, uint64_t time, uint64_t serial) {
  return delivery->slots.nfree > 0 && !uvchan__redis_slots_has(&delivery->slots, time, serial);
}

int uvchan__redis_delivery_accept(uvchan__redis_delivery_t* delivery, uint64_t time,
                                  uint64_t serial, const char* format, const char* value, size_t n,
                                  uint64_t deliveries) {
  unsigned char* element = uvchan__redis_slots_place(&delivery->slots);
  uint32_t slot;
  int r;

  if (!has_place(delivery, time, serial)) return 0;
  r = decode(delivery, format, value, n, element + delivery->ticket_bytes);
  if (r != 0) return r;
  slot = uvchan__redis_slots_take(&delivery->slots, time, serial, deliveries);
  delivery->slots.slots[slot].taken_ms = uv_now(delivery->handle->loop);
  write_ticket(delivery, slot, element);
  if (deliveries % UVCHAN__REDIS_UNSEEN > 1) delivery->again++;
  return 0;
}

void uvchan__redis_delivery_decline(uvchan__redis_delivery_t* delivery, uint64_t time,
                                    uint64_t serial, uint64_t deliveries) {
  if (has_place(delivery, time, serial))
    uvchan__redis_slots_take_back(&delivery->slots, time, serial, deliveries);
}

/* ---- To the channel -------------------------------------------------------------------------- */

/* The first n that wait are in the channel. */
static void pass(uvchan__redis_delivery_t* delivery, size_t n) {
  delivery->values += n;
  while (n-- > 0) {
    uint32_t slot = uvchan__redis_slots_out(&delivery->slots);
    if (delivery->ticket_bytes == 0) uvchan__redis_slots_done(&delivery->slots, slot);
  }
}

static void on_sent(uvchan_send_t* request, int status);

static int ask(uvchan__redis_delivery_t* delivery, const void* first) {
  int r = uvchan_send(delivery->handle->loop, &delivery->request, delivery->handle->channel, first,
                      on_sent);

  if (r == 0) delivery->is_sending = 1;
  return r;
}

int uvchan__redis_delivery_go_on(uvchan__redis_delivery_t* delivery) {
  void* first;
  ssize_t r = 0;
  size_t n;

  if (delivery->is_sending || delivery->is_stopped) return 0;
  while ((n = uvchan__redis_slots_waiting(&delivery->slots, &first)) > 0) {
    r = uvchan_try_send_n(delivery->handle->channel, first, n);
    if (r < 0) break;
    pass(delivery, (size_t)r);
  }
  if (n == 0) return 0;
  return r == UV_EPIPE ? UV_EPIPE : ask(delivery, first);
}

/* Cancelled, or without memory, it has sent nothing. */
static void on_sent(uvchan_send_t* request, int status) {
  uvchan__redis_delivery_t* delivery = request->data;
  int r;

  delivery->is_sending = 0;
  if (status == 0) pass(delivery, 1);
  if (delivery->is_stopped) {
    delivery->parted(delivery->owner);
    return;
  }
  r = status == UV_EPIPE ? UV_EPIPE : uvchan__redis_delivery_go_on(delivery);
  if (r != 0) delivery->refused(delivery->owner, r);
  if (!delivery->is_stopped) delivery->moved(delivery->owner);
}

/* The ring has elements at addresses that need not suit a ticket. */
static void give_back(uvchan__redis_delivery_t* delivery, unsigned char* element) {
  uvchan_redis_ticket_t ticket;

  if (delivery->undo != NULL) delivery->undo(delivery->handle, element + delivery->ticket_bytes);
  if (delivery->ticket_bytes == 0) return;
  memcpy(&ticket, element, sizeof(ticket));
  uvchan__redis_tickets_return(&ticket, UVCHAN__REDIS_IS_UNSEEN);
}

/* A slot with a ticket is free once that is back. */
void uvchan__redis_delivery_return(uvchan__redis_delivery_t* delivery) {
  void* first;

  while (uvchan__redis_slots_waiting(&delivery->slots, &first) > 0) {
    uint32_t slot = uvchan__redis_slots_out(&delivery->slots);
    give_back(delivery, first);
    if (delivery->ticket_bytes == 0) uvchan__redis_slots_back(&delivery->slots, slot, 1);
  }
}

/* ---- Tickets that come back ------------------------------------------------------------------ */

static void settle(uvchan__redis_slots_t* slots, const uvchan__redis_return_t* returned) {
  switch (returned->fate) {
    case UVCHAN__REDIS_IS_DONE:
      uvchan__redis_slots_done(slots, returned->slot);
      break;
    case UVCHAN__REDIS_IS_FORGOTTEN:
      uvchan__redis_slots_forget(slots, returned->slot);
      break;
    case UVCHAN__REDIS_IS_BACK:
    case UVCHAN__REDIS_IS_UNSEEN:
      uvchan__redis_slots_back(slots, returned->slot, returned->fate == UVCHAN__REDIS_IS_UNSEEN);
      break;
  }
}

static void on_returned(uvchan_receiver_t* receiver, ssize_t nvalues, const void* values) {
  uvchan__redis_delivery_t* delivery = receiver->data;
  const uvchan__redis_return_t* returned = values;
  ssize_t i;

  for (i = 0; i < nvalues; i++) settle(&delivery->slots, &returned[i]);
  if (nvalues > 0) delivery->moved(delivery->owner);
}

/* ---- Its life -------------------------------------------------------------------------------- */

static int allocate(uvchan__redis_delivery_t* delivery,
                    const uvchan_redis_source_options_t* options, size_t elem_size) {
  int r = uvchan__redis_slots_init(&delivery->slots, options->in_flight, elem_size);

  if (r != 0) return r;
  delivery->tickets = uvchan__redis_tickets_create(options->in_flight);
  if (delivery->tickets != NULL) return 0;
  uvchan__redis_slots_free(&delivery->slots);
  return UV_ENOMEM;
}

int uvchan__redis_delivery_init(uvchan__redis_delivery_t* delivery, uv_loop_t* loop,
                                const uvchan_redis_source_options_t* options, size_t elem_size) {
  int r = allocate(delivery, options, elem_size);

  if (r != 0) return r;
  delivery->decode = options->decode;
  delivery->undo = options->undo;
  delivery->ticket_bytes = options->auto_done ? 0 : sizeof(uvchan_redis_ticket_t);
  delivery->value_bytes = options->value_bytes;
  uvchan__redis_write_format(delivery->format, NULL, delivery->value_bytes);
  r = uvchan_receiver_init(loop, &delivery->returns,
                           uvchan__redis_tickets_channel(delivery->tickets));
  if (r != 0) uvchan__redis_delivery_free(delivery);
  delivery->returns.data = delivery;
  delivery->request.data = delivery;
  return r;
}

void uvchan__redis_delivery_begin(uvchan__redis_delivery_t* delivery) {
  uvchan_recv_start_batch(&delivery->returns, on_returned);
}

void uvchan__redis_delivery_stop(uvchan__redis_delivery_t* delivery) {
  if (!delivery->is_stopped && delivery->is_sending)
    uvchan_cancel((uvchan_req_t*)&delivery->request);
  delivery->is_stopped = 1;
  uvchan_recv_stop(&delivery->returns);
}

static void on_returns_closed(uvchan_receiver_t* returns) {
  uvchan__redis_delivery_t* delivery = returns->data;

  delivery->parted(delivery->owner);
}

/* The channel of tickets is closed: what comes back from now on is nobody's. */
unsigned int uvchan__redis_delivery_close(uvchan__redis_delivery_t* delivery) {
  uvchan__redis_delivery_stop(delivery);
  uvchan_close(uvchan__redis_tickets_channel(delivery->tickets));
  uvchan_receiver_close(&delivery->returns, on_returns_closed);
  return 1 + (delivery->is_sending ? 1 : 0);
}

void uvchan__redis_delivery_free(uvchan__redis_delivery_t* delivery) {
  uvchan__redis_delivery_return(delivery);
  uvchan__redis_tickets_release(delivery->tickets);
  uvchan__redis_slots_free(&delivery->slots);
}
