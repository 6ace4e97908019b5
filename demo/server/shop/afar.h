/* SPDX-License-Identifier: MIT */
/* Afar: a desk's orders that are baked elsewhere, from the channel of slips to the report that
 * finds them by their number. It stands where the pool does for orders that are baked here: each
 * order that it has taken is given back once, on the desk, baked or not. Knows neither answers nor
 * connections, nor how slips travel. Threads: the desk's, but for afar_open(), which the main
 * thread calls before the desk's begins.
 *
 *   I1  An order in the ledger is the desk's to give back; one that is not there was given back, or
 *       is `due`: its status is known, and a request to send that is pending has its memory.
 *   I2  `n` counts the orders that are not given back. */
#ifndef AFAR_H
#define AFAR_H

#include "shop/courier.h"
#include "shop/house.h"
#include "shop/ledger.h"

typedef struct afar_s afar_t;

/* An order with what its way needs. */
typedef struct {
  order_t order; /* first: who made it knows that alone */
  entry_t entry;
  afar_t* afar;
  slip_bytes_t slip;
  uvchan_send_t sending; /* for room */
  int is_sending;        /* the request is pending */
  int is_due;            /* to be given back once it is not, with this: */
  int status;
} afar_order_t;

/* An order is back.
 *   status   0: it was baked. UV_ETIMEDOUT: it had no report for too long; UV_ECANCELED: by
 *            afar_forget(), or its time was over at the end; UV_EPIPE: the house closes. Of these
 *            whether it is baked all the same is not known */
typedef void (*afar_back_cb)(order_t* order, int status);

struct afar_s {
  house_t* house; /* NULL: nothing is baked elsewhere */
  uv_loop_t* loop;
  uint32_t desk;
  afar_back_cb on_back;
  ledger_t ledger;
  size_t n;
  arrivals_receiver_t replies_receiver;
  uv_timer_t patience; /* of the eldest order */
  int is_shut;         /* no further order is taken */
  int has_left;        /* and none is under way: the courier was told */
};

/*   desk   which of the house's it is */
void afar_open(afar_t* afar, house_t* house, uv_loop_t* loop, uint32_t desk, afar_back_cb on_back);

/* Memory for an order, to be given to free() once it is back, or was not taken; NULL where there is
 * none. */
order_t* afar_make_order(void);

/* Takes an order where there is room. Answers 0; UV_EAGAIN: there is none; UV_EPIPE. */
int afar_try_send(afar_t* afar, order_t* order);

/* The same, and where there is no room it waits for it in its turn. */
int afar_send(afar_t* afar, order_t* order);

/* Nobody waits for the order any more: it comes back, perhaps in this call. */
void afar_forget(afar_t* afar, order_t* order);

/* No order is taken any more: those that wait for room come back. */
void afar_shut(afar_t* afar);

#endif /* AFAR_H */
