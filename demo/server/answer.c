/* Answers as HTTP/1.1 writes them. */
#include <stdio.h>

#include "connection.h"

typedef struct {
  int status;
  const char* reason;
  const char* why; /* NULL where whoever refuses says it */
} status_t;

/* The last answers for all others. */
static const status_t statuses[] = {
    {200, "OK", NULL},
    {400, "Bad Request", "the request is malformed"},
    {404, "Not Found", NULL},
    {405, "Method Not Allowed", NULL},
    {408, "Request Timeout", "it took too long"},
    {413, "Content Too Large", "the body is too large"},
    {415, "Unsupported Media Type", NULL},
    {431, "Request Header Fields Too Large", "the headers are too large"},
    {503, "Service Unavailable", NULL},
    {500, "Internal Server Error", "out of memory"},
};

static const status_t* find_status(int status) {
  const status_t* last = &statuses[sizeof(statuses) / sizeof(*statuses) - 1];
  const status_t* found = statuses;

  while (found != last && found->status != status) found++;
  return found;
}

const char* answer_why(int status) { return find_status(status)->why; }

/* While the house closes, the last answer of a connection says that it is the last. */
static int keeps_alive(const exchange_t* exchange) {
  int is_newest = exchange->next == NULL;

  return exchange->keeps_alive &&
         !(is_newest && house_is_closing(exchange->connection->desk->house));
}

/* The first exchange's answer goes where it is written from; a later one's is kept until its
 * turn. */
static bytes_t* answer_of(exchange_t* exchange) {
  return exchange == exchange->connection->first ? &exchange->connection->out : &exchange->answer;
}

static void begin(exchange_t* exchange, bytes_t* out, int status, const char* type) {
  exchange->is_answered = 1;
  if (!exchange->keeps_alive) exchange->connection->is_last = 1;
  bytes_printf(
      out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nX-Content-Type-Options: nosniff\r\n",
      status, find_status(status)->reason, desk_date(exchange->connection->desk), type);
  if (!exchange->keeps_alive) {
    bytes_add_text(out, "Connection: close\r\n");
  } else if (exchange->is_old) {
    bytes_add_text(out, "Connection: keep-alive\r\n");
  }
}

void exchange_answer(exchange_t* exchange, int status, const char* type, const char* headers,
                     const void* body, size_t len) {
  bytes_t* out = answer_of(exchange);

  exchange->keeps_alive = keeps_alive(exchange);
  begin(exchange, out, status, type);
  if (headers != NULL) bytes_add_text(out, headers);
  bytes_printf(out, "Content-Length: %zu\r\n\r\n", len);
  if (!exchange->is_head) bytes_add(out, body, len);
}

void exchange_refuse(exchange_t* exchange, int status, const char* why) {
  char body[128];
  int len = snprintf(body, sizeof(body), "{\"error\":\"%s\"}\n", why);

  exchange_answer(exchange, status, "application/json", status == 503 ? "Retry-After: 1\r\n" : NULL,
                  body, (size_t)len);
}

void exchange_stream(exchange_t* exchange, const char* type) {
  bytes_t* out = answer_of(exchange);

  exchange->keeps_alive = 0;
  exchange->is_stream = !exchange->is_head;
  begin(exchange, out, 200, type);
  bytes_add_text(out, "Cache-Control: no-store\r\n\r\n");
}
