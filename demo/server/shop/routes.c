/* SPDX-License-Identifier: MIT */
/* The table of paths. */
#include "shop/routes.h"

#include <string.h>

#include "page/page.h"
#include "shop/stats.h"

/* What a path's answer is made from. */
typedef struct {
  house_t* house;
  intake_t* intake;
  exchange_t* exchange;
  const request_t* request;
} visit_t;

static void take_order(const visit_t* visit) {
  const request_t* request = visit->request;
  const char* wrong;
  wish_t wish;

  if (request->content != CONTENT_JSON && request->content != CONTENT_FORM) {
    exchange_refuse(visit->exchange, 415, "JSON or a form is wanted");
    return;
  }
  wrong = request->content == CONTENT_JSON
              ? wish_from_json(&wish, request->body.data, request->body.len)
              : wish_from_form(&wish, request->body.data, request->body.len);
  if (wrong != NULL) {
    exchange_refuse(visit->exchange, 400, wrong);
    return;
  }
  intake_take(visit->intake, visit->exchange, &wish);
}

static void answer_figures(const visit_t* visit, const char* type,
                           void (*write)(house_t*, bytes_t*)) {
  bytes_t body = {.data = NULL};

  write(visit->house, &body);
  if (body.has_failed) {
    exchange_refuse(visit->exchange, 500, "out of memory");
  } else {
    exchange_answer(visit->exchange, 200, type, "Cache-Control: no-store\r\n", body.data, body.len);
  }
  bytes_free(&body);
}

static void show_stats(const visit_t* visit) {
  answer_figures(visit, "application/json", stats_write_json);
}

static void show_metrics(const visit_t* visit) {
  answer_figures(visit, "text/plain; version=0.0.4; charset=utf-8", stats_write_metrics);
}

static void show_health(const visit_t* visit) {
  int is_closing = house_is_closing(visit->house);
  const char* text = is_closing ? "closing\n" : "ok\n";

  exchange_answer(visit->exchange, is_closing ? 503 : 200, "text/plain",
                  is_closing ? "Retry-After: 1\r\n" : NULL, text, strlen(text));
}

static void show_readiness(const visit_t* visit) {
  int is_leaving = house_is_leaving(visit->house);
  const char* text = is_leaving ? "leaving\n" : "ready\n";

  exchange_answer(visit->exchange, is_leaving ? 503 : 200, "text/plain",
                  is_leaving ? "Retry-After: 1\r\n" : NULL, text, strlen(text));
}

static void show_events(const visit_t* visit) {
  house_t* house = visit->house;

  if (house_is_closing(house)) {
    exchange_refuse(visit->exchange, 503, "closing");
  } else if (board_read(&house->board.viewers) >= VIEWERS_MAX) {
    exchange_refuse(visit->exchange, 503, "full");
  } else {
    exchange_stream(visit->exchange, "text/event-stream");
  }
}

typedef struct {
  const char* path;
  void (*answer)(const visit_t* visit);
  int is_post;
} route_t;

static const route_t routes[] = {
    {"/orders", take_order, 1},   {"/stats", show_stats, 0},      {"/metrics", show_metrics, 0},
    {"/healthz", show_health, 0}, {"/readyz", show_readiness, 0}, {"/events", show_events, 0},
};

static const asset_t* find_asset(const char* path, size_t len) {
  for (size_t i = 0; i < page_nassets; i++) {
    if (strlen(page_assets[i].path) == len && memcmp(page_assets[i].path, path, len) == 0)
      return &page_assets[i];
  }
  return NULL;
}

static const route_t* find_route(const char* path, size_t len) {
  for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
    if (strlen(routes[i].path) == len && memcmp(routes[i].path, path, len) == 0) return &routes[i];
  }
  return NULL;
}

static int is_allowed(exchange_t* exchange, method_t method, int is_post) {
  if (is_post ? method == METHOD_POST : method == METHOD_GET || method == METHOD_HEAD) return 1;
  exchange_refuse_method(exchange, is_post ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n");
  return 0;
}

static const char page_headers[] =
    "Cache-Control: no-cache\r\n"
    "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n";

/* "*" comes with OPTIONS alone, and asks for what the whole server can do. */
static int is_whole_server(const bytes_t* target) {
  return target->len == 1 && *target->data == '*';
}

/* A request's target is a path, with a query perhaps, or all of them. */
void routes_handle(house_t* house, intake_t* intake, exchange_t* exchange,
                   const request_t* request) {
  const visit_t visit = {
      .house = house, .intake = intake, .exchange = exchange, .request = request};
  const bytes_t* target = &request->target;
  const char* query = target->len == 0 ? NULL : memchr(target->data, '?', target->len);
  size_t len = query == NULL ? target->len : (size_t)(query - target->data);
  const asset_t* asset = find_asset(target->data, len);
  const route_t* route = find_route(target->data, len);

  if (is_whole_server(target)) {
    exchange_answer(exchange, 200, "text/plain", "Allow: GET, HEAD, POST, OPTIONS\r\n", "", 0);
  } else if (asset != NULL) {
    if (is_allowed(exchange, request->method, 0))
      exchange_answer(exchange, 200, asset->type, page_headers, asset->data, asset->len);
  } else if (route != NULL) {
    if (is_allowed(exchange, request->method, route->is_post)) route->answer(&visit);
  } else {
    exchange_refuse(exchange, 404, "not found");
  }
}
