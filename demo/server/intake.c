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
#include "intake.h"

#include <stdlib.h>

#include "exchange.h"
#include "json.h"

/* ---- Orders that may wait too long, the eldest first ----------------------------------------- */

static void list_order(desk_t* desk, order_t* order) {
  if (desk->house->options.max_wait_ms == 0) return;
  order->is_listed = 1;
  order->prev = desk->youngest;
  if (desk->youngest != NULL) desk->youngest->next = order;
  if (desk->eldest == NULL) desk->eldest = order;
  desk->youngest = order;
}

static void unlist_order(desk_t* desk, order_t* order) {
  if (!order->is_listed) return;
  order->is_listed = 0;
  if (order->prev != NULL) order->prev->next = order->next;
  if (order->next != NULL) order->next->prev = order->prev;
  if (desk->eldest == order) desk->eldest = order->next;
  if (desk->youngest == order) desk->youngest = order->prev;
  order->next = order->prev = NULL;
}

static void free_order(desk_t* desk, order_t* order) {
  unlist_order(desk, order);
  free(order);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* Who waits for the answer, and from here on waits no more. Where the request's callback is still
 * to come, it finds nobody: the room that the connection wanted was found, or is no longer
 * wanted. */
static exchange_t* leave_exchange(order_t* order) {
  exchange_t* exchange = order->exchange;

  if (exchange == NULL) return NULL;
  if (order->is_sending) exchange->connection->wants_room = 0;
  exchange->order = NULL;
  order->exchange = NULL;
  return exchange;
}

static void answer_refused(order_t* order, const char* why) {
  exchange_t* exchange = leave_exchange(order);

  if (exchange == NULL) return;
  exchange_refuse(exchange, 503, why);
}

static void answer_baked(desk_t* desk, order_t* order) {
  exchange_t* exchange = leave_exchange(order);
  bytes_t body = {.data = NULL};

  histogram_add(&desk->house->board.latency, (uv_hrtime() - order->arrived_ns) / 1000);
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

static void reject(desk_t* desk, order_t* order, int status) {
  board_t* board = &desk->house->board;

  board_take(&board->waiting);
  board_add(&board->rejected);
  board_return_number(board, order->number);
  live_tell(&desk->house->live, order, NEWS_REJECTED);
  answer_refused(order, why_rejected(status));
  free_order(desk, order);
}

static void count_given_up(desk_t* desk, const order_t* order) {
  board_take(&desk->house->board.waiting);
  board_add(&desk->house->board.gave_up);
  live_tell(&desk->house->live, order, NEWS_GAVE_UP);
}

/* ---- Patience -------------------------------------------------------------------------------- */

/* While a request is pending only its callback knows what becomes of the order: it is asked to
 * hurry, and comes back here where the order went into the channel all the same. */
static void give_up(desk_t* desk, order_t* order) {
  exchange_t* exchange = order->exchange;

  order->is_overdue = 1;
  if (order->is_sending) {
    uvchan_cancel((uvchan_req_t*)&order->sending);
    return;
  }
  if (!order_give_up(order)) return; /* a baker has it */
  count_given_up(desk, order);
  answer_refused(order, "waited too long");
  if (exchange != NULL) connection_settle(exchange->connection);
}

static void be_patient(desk_t* desk);

static void on_patience(uv_timer_t* timer) {
  desk_t* desk = timer->data;
  uint64_t longest_ns = desk->house->options.max_wait_ms * 1000000;
  uint64_t now_ns = uv_hrtime();

  while (desk->eldest != NULL && now_ns - desk->eldest->arrived_ns >= longest_ns) {
    order_t* order = desk->eldest;

    unlist_order(desk, order);
    give_up(desk, order);
  }
  be_patient(desk);
}

static void be_patient(desk_t* desk) {
  uint64_t longest_ns = desk->house->options.max_wait_ms * 1000000;
  uint64_t waited_ns;

  if (desk->eldest == NULL || uv_is_active((uv_handle_t*)&desk->patience)) return;
  waited_ns = uv_hrtime() - desk->eldest->arrived_ns;
  uv_timer_start(&desk->patience, on_patience,
                 waited_ns < longest_ns ? (longest_ns - waited_ns) / 1000000 + 1 : 1, 0);
}

void intake_open(desk_t* desk) {
  uv_timer_init(&desk->loop, &desk->patience);
  desk->patience.data = desk;
}

/* ---- In and back ----------------------------------------------------------------------------- */

/* The exchange is read before it is answered, and its connection is settled last: both may go in
 * that. */
static void on_sent(uvchan_send_t* req, int status) {
  order_t* order = req->data;
  exchange_t* exchange = order->exchange;
  connection_t* connection = exchange == NULL ? NULL : exchange->connection;
  desk_t* desk = req->loop->data;

  order->is_sending = 0;
  desk->nsending--;
  if (status == UV_ECANCELED) {
    count_given_up(desk, order);
    answer_refused(order, "waited too long");
    free_order(desk, order);
  } else if (status != 0) {
    reject(desk, order, status);
  } else if (order->is_back) {
    free_order(desk, order);
  } else if (order->is_overdue) {
    give_up(desk, order);
  }
  if (connection != NULL) connection_found_room(connection);
  desk_found_room(desk);
}

/* Its connection is not read from until there was room: the client's own sends come to a halt. */
static int wait_for_room(desk_t* desk, order_t* order) {
  int r = orders_send(&desk->loop, &order->sending, orders_sendonly(desk->house->orders),
                      &order->self, on_sent);

  if (r != 0) return r;
  order->is_sending = 1;
  desk->nsending++;
  connection_wants_room(order->exchange->connection);
  return 0;
}

static int send_to_kitchen(desk_t* desk, order_t* order) {
  int r = orders_try_send(orders_sendonly(desk->house->orders), order);

  if (r != UV_EAGAIN || desk->house->options.when_full == WHEN_FULL_REJECT) return r;
  return wait_for_room(desk, order);
}

/* Without bakers the loop does at once what they would do: the same work, but for the channel. */
static void bake_here(desk_t* desk, order_t* order) {
  board_t* board = &desk->house->board;

  order->taken_ns = order->baked_ns = uv_hrtime();
  order->outcome = outcome_by_chance(&desk->chance);
  board_add(outcome_is_ready(order->outcome) ? &board->ready : &board->lost);
  live_tell(&desk->house->live, order, outcome_is_ready(order->outcome) ? NEWS_READY : NEWS_LOST);
  answer_baked(desk, order);
  free_order(desk, order);
}

static order_t* make_order(desk_t* desk, exchange_t* exchange, const wish_t* wish) {
  order_t* order = calloc(1, sizeof(*order));

  if (order == NULL) return NULL;
  order->wish = *wish;
  order->number = board_next_number(&desk->house->board);
  order->arrived_ns = uv_hrtime();
  order->home = results_sendonly(desk->results);
  order->self = order;
  order->sending.data = order;
  order->exchange = exchange;
  exchange->order = order;
  return order;
}

/* After the send a baker may have it, and only what is the desk's is looked at; a try that failed
 * leaves it here. */
void intake_take(desk_t* desk, exchange_t* exchange, const wish_t* wish) {
  order_t* order = make_order(desk, exchange, wish);
  int r;

  if (order == NULL) {
    exchange_refuse(exchange, 500, "out of memory");
    return;
  }
  board_add(&desk->house->board.arrived);
  if (desk->house->options.bakers == 0) {
    bake_here(desk, order);
    return;
  }
  board_add(&desk->house->board.waiting);
  r = send_to_kitchen(desk, order);
  if (r != 0) {
    reject(desk, order, r);
    return;
  }
  list_order(desk, order);
  be_patient(desk);
  live_tell(&desk->house->live, order, NEWS_WAITING);
}

void intake_take_back(desk_t* desk, order_t* order) {
  exchange_t* exchange = order->exchange;
  connection_t* connection = exchange == NULL ? NULL : exchange->connection;

  order->is_back = 1;
  unlist_order(desk, order);
  if (order_is_given_up(order)) {
    answer_refused(order, "waited too long");
  } else if (exchange != NULL) {
    answer_baked(desk, order);
  } else {
    board_add(&desk->house->board.gone);
  }
  if (!order->is_sending) free_order(desk, order);
  if (connection != NULL) connection_settle(connection);
}

/* What waits for room is withdrawn; what is in the channel is baked all the same. */
void intake_forget(order_t* order) {
  order->exchange->order = NULL;
  order->exchange = NULL;
  if (order->is_sending) uvchan_cancel((uvchan_req_t*)&order->sending);
}
