/* SPDX-License-Identifier: MIT */
/* A receiver whose values are done when its callback returns. */
#include <string.h>
#include <uvchan/redis.h>

#include "redis/tickets.h"

/* The callback may give the ticket back, close the source and the receiver, and free the latter:
 * so nothing is read of them behind it, and the tickets are held. What others have sent into the
 * channel may have no ticket. */
static void on_element(uvchan_receiver_t* handle, int status, const void* element) {
  const uvchan_redis_receiver_t* receiver = (const uvchan_redis_receiver_t*)handle;
  uvchan_redis_ticket_t ticket = {0};

  if (status == 0) memcpy(&ticket, element, sizeof(ticket));
  if (ticket.tickets != NULL) uvchan__redis_tickets_retain(ticket.tickets);
  receiver->cb(handle, status, element);
  if (ticket.tickets == NULL) return;
  uvchan__redis_tickets_return(&ticket, UVCHAN__REDIS_IS_DONE);
  uvchan__redis_tickets_release(ticket.tickets);
}

/* A receiver that is started has the callback that it was started with. */
int uvchan_redis_recv_start(uvchan_redis_receiver_t* receiver, uvchan_recv_cb cb) {
  int r;

  if (receiver == NULL || cb == NULL) return UV_EINVAL;
  r = uvchan_recv_start(&receiver->receiver, on_element);
  if (r == 0) receiver->cb = cb;
  return r;
}
