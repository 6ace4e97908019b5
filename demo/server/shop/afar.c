/* SPDX-License-Identifier: MIT */
/* The way of an order that is baked elsewhere:
 *
 *   taken --slip: sent, or a request waits for room--> in the ledger --report--> back, with 0
 *                                                          |
 *                                                          '-- its time is over, nobody waits for
 *                                                              it, the house closes --> back
 *
 * What comes later finds no entry. A slip that was sent is not called back: bakers may bake what
 * nobody waits for any more. */
#include "shop/afar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

#define MS 1000000 /* in nanoseconds */

static afar_order_t* of_order(order_t* order) { return (afar_order_t*)(void*)order; }

static afar_order_t* of_entry(entry_t* entry) {
  return (afar_order_t*)(void*)((char*)entry - offsetof(afar_order_t, entry));
}

/* ---- Back ------------------------------------------------------------------------------------ */

/* Tells the courier, once, that this desk has no order under way and will have none. */
static void leave_if_empty(afar_t* afar) {
  if (!afar->is_shut || afar->n > 0 || afar->has_left) return;
  afar->has_left = 1;
  must("leave the courier", uvchan_waitgroup_done(&afar->house->courier->desks));
}

/* Whoever counts an order that was not baked takes it for one that waits. */
static void count_as_waiting(afar_t* afar, order_t* order) {
  if (!order_is_taken(order)) return;
  board_take(&afar->house->board.baking);
  board_add(&afar->house->board.waiting);
}

static void give_back(afar_order_t* far, int status) {
  afar_t* afar = far->afar;

  if (status != 0) count_as_waiting(afar, &far->order);
  afar->n--;
  afar->on_back(&far->order, status);
  leave_if_empty(afar);
}

/* A request that waits for room has the order's memory until its callback. */
static void finish(afar_order_t* far, int status) {
  ledger_strike(&far->afar->ledger, &far->entry);
  if (!far->is_sending) {
    give_back(far, status);
    return;
  }
  far->is_due = 1;
  far->status = status;
  uvchan_cancel((uvchan_req_t*)&far->sending);
}

static void on_sent(uvchan_send_t* req, int status) {
  afar_order_t* far = req->data;

  far->is_sending = 0;
  board_take(&far->afar->house->board.outside);
  if (far->is_due) {
    give_back(far, far->status);
  } else if (status != 0) {
    finish(far, UV_EPIPE);
  }
}

/* ---- Patience -------------------------------------------------------------------------------- */

static uint64_t limit_ns(const afar_t* afar) { return afar->house->options.max_wait_ms * MS; }

static void on_impatient(uv_timer_t* timer);

/* For the eldest: those that came later have longer. */
static void set_patience(afar_t* afar) {
  entry_t* eldest = afar->ledger.eldest;
  uint64_t at_ns, now_ns = uv_hrtime();

  if (eldest == NULL || limit_ns(afar) == 0) return;
  at_ns = of_entry(eldest)->order.arrived_ns + limit_ns(afar);
  must("start a timer", uv_timer_start(&afar->patience, on_impatient,
                                       at_ns > now_ns ? (at_ns - now_ns) / MS + 1 : 0, 0));
}

static void on_impatient(uv_timer_t* timer) {
  afar_t* afar = timer->data;
  uint64_t now_ns = uv_hrtime();
  entry_t* eldest;

  while ((eldest = afar->ledger.eldest) != NULL &&
         now_ns - of_entry(eldest)->order.arrived_ns >= limit_ns(afar))
    finish(of_entry(eldest), UV_ETIMEDOUT);
  set_patience(afar);
}

/* ---- Reports --------------------------------------------------------------------------------- */

static void take(afar_t* afar, order_t* order, uint64_t at_ns) {
  order->taken_ns = at_ns;
  if (order_is_taken(order)) return;
  order_take(order);
  board_take(&afar->house->board.waiting);
  board_add(&afar->house->board.baking);
  live_tell(&afar->house->live, order, NEWS_BAKING);
}

/* No clock of another machine is asked when it was taken: known is how long it was baked, which is
 * no longer than it was away. */
static uint64_t baked_us(const order_t* order, const report_t* report) {
  uint64_t away_us = (order->baked_ns - order->arrived_ns) / 1000;

  return report->bake_us < away_us ? report->bake_us : away_us;
}

static void bake(afar_t* afar, afar_order_t* far, const report_t* report) {
  board_t* board = &afar->house->board;
  order_t* order = &far->order;
  int is_ready = outcome_is_ready(report->outcome);

  order->baked_ns = uv_hrtime();
  take(afar, order, order->baked_ns - baked_us(order, report) * 1000);
  order->outcome = report->outcome;
  board_take(&board->baking);
  board_add(is_ready ? &board->ready : &board->lost);
  board_learn_baking(board, baked_us(order, report));
  live_tell(&afar->house->live, order, is_ready ? NEWS_READY : NEWS_LOST);
  finish(far, 0);
}

static void read_report(afar_t* afar, const report_t* report) {
  entry_t* entry = ledger_find(&afar->ledger, report->number);

  if (entry == NULL) {
    if (report->kind == REPORT_BAKED) board_add(&afar->house->board.gone);
  } else if (report->kind == REPORT_BAKED) {
    bake(afar, of_entry(entry), report);
  } else {
    take(afar, &of_entry(entry)->order, uv_hrtime());
  }
}

static void give_up_all(afar_t* afar) {
  while (afar->ledger.eldest != NULL) finish(of_entry(afar->ledger.eldest), UV_ECANCELED);
}

/* The report is done when its order was answered: a server that dies before has not lost more than
 * the connection. */
static void on_reply(arrivals_receiver_t* receiver, int status, const arrival_t* arrival) {
  afar_t* afar = receiver->handle.data;
  report_t report;

  if (status != 0) { /* the end: none will come any more */
    arrivals_receiver_close(receiver, NULL);
    afar_shut(afar);
    give_up_all(afar);
    uv_close((uv_handle_t*)&afar->patience, NULL);
    return;
  }
  if (report_unpack(&arrival->report, &report) == 0) read_report(afar, &report);
  courier_done(&arrival->ticket);
}

/* ---- In -------------------------------------------------------------------------------------- */

order_t* afar_make_order(void) {
  afar_order_t* far = calloc(1, sizeof(*far));

  return far == NULL ? NULL : &far->order;
}

static void write_slip(afar_t* afar, afar_order_t* far) {
  const order_t* order = &far->order;
  slip_t slip = {.kind = SLIP_BAKE,
                 .desk = afar->desk,
                 .count = (uint32_t)order->wish.count,
                 .run = afar->house->courier->run,
                 .number = order->number};

  snprintf(slip.server, sizeof(slip.server), "%s", afar->house->options.name);
  memcpy(slip.pizza, order->wish.pizza.bytes, sizeof(order->wish.pizza.bytes));
  slip_pack(&slip, &far->slip);
}

static void note(afar_t* afar, afar_order_t* far) {
  int is_first = afar->ledger.eldest == NULL;

  far->afar = afar;
  ledger_add(&afar->ledger, &far->entry, far->order.number);
  afar->n++;
  if (is_first) set_patience(afar);
}

/* Noted after it was sent: its report comes by the loop, and not within this call. */
int afar_try_send(afar_t* afar, order_t* order) {
  afar_order_t* far = of_order(order);
  int r;

  if (afar->is_shut) return UV_EPIPE;
  write_slip(afar, far);
  r = slips_try_send(slips_sendonly(afar->house->courier->slips), far->slip);
  if (r == 0) note(afar, far);
  return r;
}

int afar_send(afar_t* afar, order_t* order) {
  afar_order_t* far = of_order(order);
  int r;

  if (afar->is_shut) return UV_EPIPE;
  write_slip(afar, far);
  far->sending.data = far;
  r = slips_send(afar->loop, &far->sending, slips_sendonly(afar->house->courier->slips), &far->slip,
                 on_sent);
  if (r != 0) return r;
  far->is_sending = 1;
  board_add(&afar->house->board.outside);
  note(afar, far);
  return 0;
}

void afar_forget(afar_t* afar, order_t* order) {
  (void)afar;
  finish(of_order(order), UV_ECANCELED);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void afar_shut(afar_t* afar) {
  entry_t* entry = afar->ledger.eldest;

  if (afar->house == NULL || afar->is_shut) return;
  afar->is_shut = 1;
  while (entry != NULL) {
    entry_t* next = entry->next;

    if (of_entry(entry)->is_sending) finish(of_entry(entry), UV_EPIPE);
    entry = next;
  }
  leave_if_empty(afar);
}

void afar_open(afar_t* afar, house_t* house, uv_loop_t* loop, uint32_t desk, afar_back_cb on_back) {
  arrivals_t replies = house->courier->replies[desk];

  *afar = (afar_t){.house = house, .loop = loop, .desk = desk, .on_back = on_back};
  must("make a timer", uv_timer_init(loop, &afar->patience));
  afar->patience.data = afar;
  must("receive replies",
       arrivals_receiver_init(loop, &afar->replies_receiver, arrivals_recvonly(replies)));
  afar->replies_receiver.handle.data = afar;
  must("receive replies", arrivals_recv_start(&afar->replies_receiver, on_reply));
}
