/* SPDX-License-Identifier: MIT */
/* Echo: the server without the pizzas, to begin a service of your own from. POST /echo is answered
 * with its body in capitals, which a thread of a pool writes; GET /stats tells of the pool.
 *
 *         the desk's thread                                              the pool's threads
 *   clients --door--> connection --take()--> try_submit --> what waits --> write_capitals()
 *   clients <-- answer, in its turn <-- on_done() <--------------------------'
 *
 * Of the demos it needs server/http/ and must.h alone. */
#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <uvchan/pool.h>

#include "http/booth.h"
#include "http/connection.h"
#include "must.h"

enum { SIGNALS = 2, DRAIN_MS = 60000 };

static uvchan_pool_t* pool;
static booth_t booth;
static uv_signal_t signals[SIGNALS];
static int is_closing;             /* the desk's */
static unsigned int ms_for_a_byte; /* fixed: so slow is the work made */

typedef struct {
  uvchan_work_t work;
  exchange_t* exchange; /* the desk's; NULL where its client is gone */
  bytes_t body;
} echo_t;

/* ---- To the pool and back -------------------------------------------------------------------- */

static void write_capitals(uvchan_work_t* work, void* state) {
  const bytes_t* body = &((echo_t*)work->data)->body;

  (void)state;
  for (size_t i = 0; i < body->len; i++)
    body->data[i] = (char)toupper((unsigned char)body->data[i]);
  uv_sleep((unsigned int)body->len * ms_for_a_byte);
}

static void answer(const echo_t* echo, int status) {
  echo->exchange->work = NULL;
  if (status == 0) {
    exchange_answer(echo->exchange, 200, "text/plain", NULL, echo->body.data, echo->body.len);
  } else {
    exchange_refuse(echo->exchange, 503, status == UV_EAGAIN ? "full" : uv_strerror(status));
  }
}

static void free_echo(echo_t* echo) {
  bytes_free(&echo->body);
  free(echo);
}

/* The connection is settled last: it may go in that. */
static void on_done(uvchan_work_t* work, int status) {
  echo_t* echo = work->data;
  connection_t* connection = echo->exchange == NULL ? NULL : connection_of(echo->exchange);

  if (connection != NULL) answer(echo, status);
  free_echo(echo);
  if (connection != NULL) connection_settle(connection);
}

/* What the pool has taken is freed in on_done() and nowhere else. */
static void take(exchange_t* exchange, const request_t* request) {
  echo_t* echo = calloc(1, sizeof(*echo));
  int r;

  if (echo == NULL) {
    exchange_refuse(exchange, 500, "out of memory");
    return;
  }
  exchange->work = echo->work.data = echo;
  echo->exchange = exchange;
  bytes_add(&echo->body, request->body.data, request->body.len);
  r = echo->body.has_failed
          ? UV_ENOMEM
          : uvchan_pool_try_submit(&booth.desk.loop, &echo->work, pool, write_capitals, on_done);
  if (r == 0) return;
  answer(echo, r);
  free_echo(echo);
}

/* The client is gone: where no thread has begun with the work, none will. */
static void forget(exchange_t* exchange) {
  echo_t* echo = exchange->work;

  echo->exchange = NULL;
  uvchan_cancel((uvchan_req_t*)&echo->work);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void show_stats(exchange_t* exchange) {
  uvchan_pool_stats_t stats;
  char text[160];
  int len;

  uvchan_pool_stats(pool, &stats);
  len = snprintf(text, sizeof(text),
                 "{\"submitted\":%llu,\"running\":%zu,\"waiting\":%zu,\"cancelled\":%llu}\n",
                 (unsigned long long)stats.submitted, stats.running, stats.waiting,
                 (unsigned long long)stats.cancelled);
  exchange_answer(exchange, 200, "application/json", NULL, text, (size_t)len);
}

static int is_for(const bytes_t* target, const char* path) {
  return target->len == strlen(path) && memcmp(target->data, path, target->len) == 0;
}

static void handle(exchange_t* exchange, const request_t* request) {
  int is_echo = is_for(&request->target, "/echo");
  int is_stats = is_for(&request->target, "/stats");

  if (is_echo && request->method == METHOD_POST) {
    take(exchange, request);
  } else if (is_stats && request->method == METHOD_GET) {
    show_stats(exchange);
  } else if (is_echo || is_stats) {
    exchange_refuse_method(exchange, is_echo ? "Allow: POST\r\n" : "Allow: GET\r\n");
  } else {
    exchange_refuse(exchange, 404, "not found");
  }
}

static int says_that_it_closes(const host_t* host) {
  (void)host;
  return is_closing;
}

static const service_t service = {
    .handle = handle, .forget = forget, .is_closing = says_that_it_closes};

/* ---- Life ------------------------------------------------------------------------------------ */

/* Every on_done has returned. */
static void on_pool_closed(uvchan_pool_t* closed) {
  (void)closed;
  booth_end(&booth);
}

static void on_signal(uv_signal_t* watcher, int signum) {
  (void)signum;
  is_closing = 1;
  for (int i = 0; i < SIGNALS; i++) uv_close((uv_handle_t*)&signals[i], NULL);
  booth_shut(&booth);
  must("close the pool", uvchan_pool_close(watcher->loop, pool, DRAIN_MS, on_pool_closed));
}

static void watch(uv_signal_t* watcher, int signum) {
  must("watch a signal", uv_signal_init(&booth.desk.loop, watcher));
  must("watch a signal", uv_signal_start(watcher, on_signal, signum));
}

/* A number beside the program's name. */
static unsigned int number(int argc, char** argv, int at, unsigned int otherwise) {
  return at < argc ? (unsigned int)strtoul(argv[at], NULL, 10) : otherwise;
}

/* echo [PORT [THREADS [WAITING [MS]]]]: so many threads, works that wait for them at most, and
 * milliseconds that each byte takes. */
int main(int argc, char** argv) {
  const booth_options_t address = {.ip = "127.0.0.1",
                                   .port = (int)number(argc, argv, 1, 8080),
                                   .connections = 1000,
                                   .idle_ms = 60000,
                                   .body_bytes = 65536};
  const uvchan_pool_options_t threads = {
      .threads = number(argc, argv, 2, 4), .capacity = number(argc, argv, 3, 64), .name = "echo"};

  ms_for_a_byte = number(argc, argv, 4, 0);
  signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error of one write */
  must("create the pool", uvchan_pool_create(&pool, &threads));
  booth_open(&booth, &address, &service, NULL);
  watch(&signals[0], SIGINT);
  watch(&signals[1], SIGTERM);
  printf("The echo is at http://127.0.0.1:%d/echo\n", booth_port(&booth));
  must_have_printed();
  booth_run(&booth);
  uvchan_pool_release(pool);
  return EXIT_SUCCESS;
}
