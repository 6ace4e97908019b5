/* The way of an order, as its desk sees it:
 *
 *   made --try--> in the channel -----------------------> taken back --> freed
 *     |             ^       ^                               ^
 *     |             |       | room                          |
 *     |           full, and waiting is allowed: a pending send request; cancelled or closed: freed
 *     +--> full: answered 503 and freed
 *
 * Every order that the channel has taken comes back exactly once, baked or not, and is freed here
 * and nowhere else. Where it was sent by a request there are two events, in any order: the
 * request's callback, and its return. A waiting send can be received, baked and sent back before
 * its own callback runs; so it is freed by whichever comes last. */
#include "shop/intake.h"

#include <stdlib.h>

#include "http/connection.h"
#include "must.h"
#include "shop/json.h"

/* ---- Orders that may wait too long, the eldest first ----------------------------------------- */

static void list_order(intake_t* intake, order_t* order) {
  if (intake->house->options.max_wait_ms == 0) return;
  order->is_listed = 1;
  order->prev = intake->youngest;
  if (intake->youngest != NULL) intake->youngest->next = order;
  if (intake->eldest == NULL) intake->eldest = order;
  intake->youngest = order;
}

static void unlist_order(intake_t* intake, order_t* order) {
  if (!order->is_listed) return;
  order->is_listed = 0;
  if (order->prev != NULL) order->prev->next = order->next;
  if (order->next != NULL) order->next->prev = order->prev;
  if (intake->eldest == order) intake->eldest = order->next;
  if (intake->youngest == order) intake->youngest = order->prev;
  order->next = order->prev = NULL;
}

static void free_order(intake_t* intake, order_t* order) {
  unlist_order(intake, order);
  free(order);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* Who waits for the answer, and from here on waits no more. Where the request's callback is still
 * to come, it finds nobody: the room that the connection wanted was found, or is no longer
 * wanted. */
static exchange_t* leave_exchange(order_t* order) {
  exchange_t* exchange = order->exchange;

  if (exchange == NULL) return NULL;
  if (order->is_sending) connection_wants_no_room(connection_of(exchange));
  exchange->work = NULL;
  order->exchange = NULL;
  return exchange;
}

static void answer_refused(order_t* order, const char* why) {
  exchange_t* exchange = leave_exchange(order);

  if (exchange == NULL) return;
  exchange_refuse(exchange, 503, why);
}

static void answer_baked(intake_t* intake, order_t* order) {
  exchange_t* exchange = leave_exchange(order);
  bytes_t body = {.data = NULL};

  histogram_add(&intake->house->board.latency, (uv_hrtime() - order->arrived_ns) / 1000);
  order_write_json(order, &body);
  bytes_add(&body, "\n", 1);
  if (body.has_failed) {
    exchange_refuse(exchange, 500, "out of memory");
  } else {
    exchange_answer(exchange, 200, "application/json", NULL, body.data, body.len);
  }
  bytes_free(&body);
}

static const char* why_rejected(int status) {
  switch (status) {
    case UV_EPIPE:
      return "closing";
    case UV_EAGAIN:
      return "full";
    default:
      return "out of memory";
  }
}

static void reject(intake_t* intake, order_t* order, int status) {
  board_t* board = &intake->house->board;

  board_take(&board->waiting);
  board_add(&board->rejected);
  board_return_number(board, order->number);
  live_tell(&intake->house->live, order, NEWS_REJECTED);
  answer_refused(order, why_rejected(status));
  free_order(intake, order);
}

static void count_given_up(intake_t* intake, const order_t* order) {
  board_take(&intake->house->board.waiting);
  board_add(&intake->house->board.gave_up);
  live_tell(&intake->house->live, order, NEWS_GAVE_UP);
}

/* ---- Patience -------------------------------------------------------------------------------- */

/* While a request is pending only its callback knows what becomes of the order: it is asked to
 * hurry, and comes back here where the order went into the channel all the same. */
static void give_up(intake_t* intake, order_t* order) {
  exchange_t* exchange = order->exchange;

  order->is_overdue = 1;
  if (order->is_sending) {
    uvchan_cancel((uvchan_req_t*)&order->sending);
    return;
  }
  if (!order_give_up(order)) return; /* a baker has it */
  count_given_up(intake, order);
  answer_refused(order, "waited too long");
  if (exchange != NULL) connection_settle(connection_of(exchange));
}

static void be_patient(intake_t* intake);

static void on_patience(uv_timer_t* timer) {
  intake_t* intake = timer->data;
  uint64_t longest_ns = intake->house->options.max_wait_ms * 1000000;
  uint64_t now_ns = uv_hrtime();

  while (intake->eldest != NULL && now_ns - intake->eldest->arrived_ns >= longest_ns) {
    order_t* order = intake->eldest;

    unlist_order(intake, order);
    give_up(intake, order);
  }
  be_patient(intake);
}

static void be_patient(intake_t* intake) {
  uint64_t longest_ns = intake->house->options.max_wait_ms * 1000000;
  uint64_t waited_ns;

  if (intake->eldest == NULL || uv_is_active((uv_handle_t*)&intake->patience)) return;
  waited_ns = uv_hrtime() - intake->eldest->arrived_ns;
  uv_timer_start(&intake->patience, on_patience,
                 waited_ns < longest_ns ? (longest_ns - waited_ns) / 1000000 + 1 : 1, 0);
}

/* ---- In and back ----------------------------------------------------------------------------- */

static int holds_connections(const intake_t* intake) {
  return intake->house->options.when_full == WHEN_FULL_BACKLOG;
}

/* The exchange is read before it is answered, and its connection is settled last: both may go in
 * that. */
static void on_sent(uvchan_send_t* req, int status) {
  order_t* order = req->data;
  exchange_t* exchange = order->exchange;
  connection_t* connection = exchange == NULL ? NULL : connection_of(exchange);
  intake_t* intake = order->intake;

  order->is_sending = 0;
  if (holds_connections(intake)) desk_unhold(intake->desk);
  if (status == UV_ECANCELED) {
    count_given_up(intake, order);
    answer_refused(order, "waited too long");
    free_order(intake, order);
  } else if (status != 0) {
    reject(intake, order, status);
  } else if (order->is_back) {
    free_order(intake, order);
  } else if (order->is_overdue) {
    give_up(intake, order);
  }
  if (connection != NULL) connection_found_room(connection);
  desk_found_room(intake->desk);
}

/* Its connection is not read from until there was room: the client's own sends come to a halt. */
static int wait_for_room(intake_t* intake, order_t* order) {
  int r = orders_send(&intake->desk->loop, &order->sending, orders_sendonly(intake->house->orders),
                      &order->self, on_sent);

  if (r != 0) return r;
  order->is_sending = 1;
  if (holds_connections(intake)) desk_hold(intake->desk);
  connection_wants_room(connection_of(order->exchange));
  return 0;
}

static int send_to_kitchen(intake_t* intake, order_t* order) {
  int r = orders_try_send(orders_sendonly(intake->house->orders), order);

  if (r != UV_EAGAIN || intake->house->options.when_full == WHEN_FULL_REJECT) return r;
  return wait_for_room(intake, order);
}

/* Without bakers the loop does at once what they would do: the same work, but for the channel. */
static void bake_here(intake_t* intake, order_t* order) {
  board_t* board = &intake->house->board;

  order->taken_ns = order->baked_ns = uv_hrtime();
  order->outcome = outcome_by_chance(&intake->chance);
  board_add(outcome_is_ready(order->outcome) ? &board->ready : &board->lost);
  live_tell(&intake->house->live, order, outcome_is_ready(order->outcome) ? NEWS_READY : NEWS_LOST);
  answer_baked(intake, order);
  free_order(intake, order);
}

static order_t* make_order(intake_t* intake, exchange_t* exchange, const wish_t* wish) {
  order_t* order = calloc(1, sizeof(*order));

  if (order == NULL) return NULL;
  order->wish = *wish;
  order->number = board_next_number(&intake->house->board);
  order->arrived_ns = uv_hrtime();
  order->intake = intake;
  order->home = results_sendonly(intake->results);
  order->self = order;
  order->sending.data = order;
  order->exchange = exchange;
  exchange->work = order;
  return order;
}

/* After the send a baker may have it, and only what is the desk's is looked at; a try that failed
 * leaves it here. */
void intake_take(intake_t* intake, exchange_t* exchange, const wish_t* wish) {
  order_t* order = make_order(intake, exchange, wish);
  int r;

  if (order == NULL) {
    exchange_refuse(exchange, 500, "out of memory");
    return;
  }
  board_add(&intake->house->board.arrived);
  if (intake->house->options.bakers == 0) {
    bake_here(intake, order);
    return;
  }
  board_add(&intake->house->board.waiting);
  r = send_to_kitchen(intake, order);
  if (r != 0) {
    reject(intake, order, r);
    return;
  }
  list_order(intake, order);
  be_patient(intake);
  live_tell(&intake->house->live, order, NEWS_WAITING);
}

static void take_back(intake_t* intake, order_t* order) {
  exchange_t* exchange = order->exchange;
  connection_t* connection = exchange == NULL ? NULL : connection_of(exchange);

  order->is_back = 1;
  unlist_order(intake, order);
  if (order_is_given_up(order)) {
    answer_refused(order, "waited too long");
  } else if (exchange != NULL) {
    answer_baked(intake, order);
  } else {
    board_add(&intake->house->board.gone);
  }
  if (!order->is_sending) free_order(intake, order);
  if (connection != NULL) connection_settle(connection);
}

/* What waits for room is withdrawn; what is in the channel is baked all the same. */
void intake_forget(order_t* order) {
  order->exchange->work = NULL;
  order->exchange = NULL;
  if (order->is_sending) uvchan_cancel((uvchan_req_t*)&order->sending);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_results(results_receiver_t* receiver, ssize_t nresults, order_t* const* results) {
  intake_t* intake = receiver->handle.data;

  for (ssize_t i = 0; i < nresults; i++) take_back(intake, results[i]);
  if (nresults >= 0) return;
  results_receiver_close(receiver, NULL);
  /* each order is back, or its own callback says that the channel is closed: nothing is left to
   * give up */
  uv_close((uv_handle_t*)&intake->patience, NULL);
  desk_end(intake->desk);
}

void intake_open(intake_t* intake, desk_t* desk, house_t* house, results_t results) {
  *intake = (intake_t){.desk = desk, .house = house, .results = results, .chance = chance_new()};
  must("make a timer", uv_timer_init(&desk->loop, &intake->patience));
  intake->patience.data = intake;
  must("receive results",
       results_receiver_init(&desk->loop, &intake->receiver, results_recvonly(results)));
  intake->receiver.handle.data = intake;
  must("receive results", results_recv_start_batch(&intake->receiver, on_results));
}
