/* SPDX-License-Identifier: MIT */
/* The way of an order, as its desk sees it:
 *
 *   made --try--> in the kitchen ------------------------------> on_back(): answered and freed
 *     |             ^
 *     |             | there is room
 *     |           full, and waiting is allowed: submitted all the same
 *     +--> full: answered 503 and freed
 *
 * The kitchen is the pool, or what is afar; what is told of either here holds of both.
 *
 * Every order that the kitchen has taken comes back exactly once, baked or not, and is freed there
 * and nowhere else. Whoever leaves meanwhile has it cancelled: where a baker has not begun with it,
 * none will. */
#include "shop/intake.h"

#include <stdlib.h>

#include "http/connection.h"
#include "shop/kitchen.h"

/* ---- Answers --------------------------------------------------------------------------------- */

static void answer_baked(intake_t* intake, const order_t* order) {
  bytes_t body = {.data = NULL};

  histogram_add(&intake->house->board.latency, (uv_hrtime() - order->arrived_ns) / 1000);
  order_write_json(order, &body);
  bytes_add(&body, "\n", 1);
  if (body.has_failed) {
    exchange_refuse(order->exchange, 500, "out of memory");
  } else {
    exchange_answer(order->exchange, 200, "application/json", NULL, body.data, body.len);
  }
  bytes_free(&body);
}

static const char* why_refused(int status) {
  switch (status) {
    case UV_EAGAIN:
      return "full";
    case UV_ETIMEDOUT:
      return "waited too long";
    case UV_EPIPE:
    case UV_ECANCELED: /* and not by a client that has left, who gets no answer */
      return "closing";
    default:
      return "out of memory";
  }
}

static void answer_refused(intake_t* intake, const order_t* order, int status) {
  exchange_refuse_for(order->exchange, why_refused(status), kitchen_seconds_to_wait(intake->house));
}

/* ---- Back ------------------------------------------------------------------------------------ */

static void count_unbaked(intake_t* intake, const order_t* order, int status) {
  board_t* board = &intake->house->board;
  int is_rejected = status != UV_ETIMEDOUT && status != UV_ECANCELED;

  board_take(&board->waiting);
  board_add(is_rejected ? &board->rejected : &board->gave_up);
  live_tell(&intake->house->live, order, is_rejected ? NEWS_REJECTED : NEWS_GAVE_UP);
}

/* Its customer has left where there is no exchange. */
static void conclude(intake_t* intake, const order_t* order, int status) {
  if (status != 0) count_unbaked(intake, order, status);
  if (order->exchange == NULL) {
    if (status == 0) board_add(&intake->house->board.gone);
    return;
  }
  order->exchange->work = NULL;
  if (status == 0) {
    answer_baked(intake, order);
  } else {
    answer_refused(intake, order, status);
  }
}

static int holds_connections(const intake_t* intake) {
  return intake->house->options.when_full == WHEN_FULL_BACKLOG;
}

static void let_next_in(intake_t* intake) {
  if (holds_connections(intake)) desk_unhold(intake->desk);
  desk_found_room(intake->desk);
}

/* The exchange is read before it is answered, and its connection is settled last: both may go in
 * that. */
static void on_back(order_t* order, int status) {
  intake_t* intake = order->intake;
  exchange_t* exchange = order->exchange;
  connection_t* connection = exchange == NULL ? NULL : connection_of(exchange);
  int found_no_room = order->found_no_room;

  conclude(intake, order, status);
  free(order);
  if (found_no_room) let_next_in(intake);
  if (connection == NULL) return;
  if (found_no_room) connection_wants_no_room(connection);
  connection_settle(connection);
}

static void on_done(uvchan_work_t* work, int status) { on_back(work->data, status); }

/* ---- In -------------------------------------------------------------------------------------- */

static int is_afar(const intake_t* intake) { return intake->house->courier != NULL; }

static int submit(intake_t* intake, order_t* order) {
  return uvchan_pool_submit(&intake->desk->loop, &order->work, intake->house->kitchen, kitchen_bake,
                            on_done);
}

static int try_submit(intake_t* intake, order_t* order) {
  return uvchan_pool_try_submit(&intake->desk->loop, &order->work, intake->house->kitchen,
                                kitchen_bake, on_done);
}

/* Its connection is not read from until the order is back: the client's own sends come to a
 * halt. */
static int wait_for_room(intake_t* intake, order_t* order) {
  int r = is_afar(intake) ? afar_send(&intake->afar, order) : submit(intake, order);

  if (r != 0) return r;
  order->found_no_room = 1;
  if (holds_connections(intake)) desk_hold(intake->desk);
  connection_wants_room(connection_of(order->exchange));
  return 0;
}

static int send_to_kitchen(intake_t* intake, order_t* order) {
  int r = is_afar(intake) ? afar_try_send(&intake->afar, order) : try_submit(intake, order);

  if (r != UV_EAGAIN || intake->house->options.when_full == WHEN_FULL_REJECT) return r;
  return wait_for_room(intake, order);
}

static void reject(intake_t* intake, order_t* order, int status) {
  board_return_number(&intake->house->board, order->number);
  conclude(intake, order, status);
  free(order);
}

/* Without a kitchen the loop does at once what a baker would do: the same work, but for the
 * pool. */
static void bake_here(intake_t* intake, order_t* order) {
  board_t* board = &intake->house->board;
  int is_ready;

  order->taken_ns = order->baked_ns = uv_hrtime();
  order->outcome = outcome_by_chance(&intake->chance);
  is_ready = outcome_is_ready(order->outcome);
  board_add(is_ready ? &board->ready : &board->lost);
  live_tell(&intake->house->live, order, is_ready ? NEWS_READY : NEWS_LOST);
  conclude(intake, order, 0);
  free(order);
}

static order_t* make_order(intake_t* intake, exchange_t* exchange, const wish_t* wish) {
  order_t* order = is_afar(intake) ? afar_make_order() : calloc(1, sizeof(*order));

  if (order == NULL) return NULL;
  order->work.data = order;
  order->wish = *wish;
  order->number = board_next_number(&intake->house->board);
  order->arrived_ns = uv_hrtime();
  order->intake = intake;
  order->exchange = exchange;
  exchange->work = order;
  return order;
}

/* After the submission a baker may have it, and only what is fixed or the desk's is looked at; what
 * was refused is here. */
void intake_take(intake_t* intake, exchange_t* exchange, const wish_t* wish) {
  order_t* order = make_order(intake, exchange, wish);
  int r;

  if (order == NULL) {
    exchange_refuse(exchange, 500, "out of memory");
    return;
  }
  board_add(&intake->house->board.arrived);
  if (intake->house->kitchen == NULL && !is_afar(intake)) {
    bake_here(intake, order);
    return;
  }
  board_add(&intake->house->board.waiting);
  r = send_to_kitchen(intake, order);
  if (r != 0) {
    reject(intake, order, r);
    return;
  }
  live_tell(&intake->house->live, order, NEWS_WAITING);
}

/* Where a baker has begun, on_back() finds that nobody waits. */
void intake_forget(order_t* order) {
  intake_t* intake = order->intake;

  order->exchange->work = NULL;
  order->exchange = NULL;
  if (is_afar(intake)) {
    afar_forget(&intake->afar, order);
  } else {
    uvchan_cancel((uvchan_req_t*)&order->work);
  }
}

/* ---- Life ------------------------------------------------------------------------------------ */

void intake_shut(intake_t* intake) {
  if (is_afar(intake)) afar_shut(&intake->afar);
}

void intake_open(intake_t* intake, desk_t* desk, house_t* house, unsigned int number) {
  *intake = (intake_t){.desk = desk, .house = house, .chance = chance_new()};
  if (is_afar(intake)) afar_open(&intake->afar, house, &desk->loop, number, on_back);
}
